//! The main loop of a machine: what is due happens, then threads run until the next thing is due.

use std::rc::Rc;

use super::switch::Scope;
use super::{Kernel, NOBODY, Thread};

impl Kernel {
    /// Runs everything that is due in `now_ns..until_ns`.
    pub(crate) fn run(&self, now_ns: u64, until_ns: u64) {
        if now_ns > self.now.get() {
            self.now.set(now_ns);
        }
        while !self.halted() {
            self.deliver_packets();
            self.poll_stack();
            self.fire_timers();
            self.bury();
            if self.now.get() >= until_ns {
                break;
            }
            let next = self.next_event_ns();
            self.due.set(next.map_or(until_ns, |next| next.min(until_ns)));
            if !self.ready.borrow().is_empty() {
                self.run_threads();
            } else {
                match next {
                    Some(next) if next < until_ns => self.now.set(next.max(self.now.get())),
                    _ => break,
                }
            }
        }
        self.due.set(u64::MAX);
    }

    fn halted(&self) -> bool {
        self.off.get() || self.crash_wanted.get() || self.shared.stopping_run()
    }

    /// Lets threads run until none can, or until something is due.
    fn run_threads(&self) {
        let _scope = Scope::enter(self);
        let mut last: Option<Rc<Thread>> = None;
        while self.now.get() < self.due.get() && !self.ready.borrow().is_empty() && !self.halted() {
            let tid = match self.next.take() {
                Some(tid) => tid,
                None => self.choose(last.as_ref().map(|thread| thread.tid)),
            };
            let thread = match last.take() {
                Some(thread) if thread.tid == tid => thread,
                _ => match self.thread(tid) {
                    Some(thread) => thread,
                    None => return,
                },
            };
            self.running.set(tid.0);
            self.running_thread.replace(Some(Rc::clone(&thread)));
            self.set_horizon();
            self.resume(&thread);
            self.running.set(NOBODY);
            self.horizon.set(u64::MAX);
            last = Some(thread);
        }
        // The choice of a thread that did not get to run is made again.
        self.next.set(None);
        self.running_thread.replace(None);
    }

    /// The earliest time at which anything happens by itself; `None` for never.
    fn next_event_ns(&self) -> Option<u64> {
        let timer = self.first_timer();
        let packet = self.first_held();
        let stack = self.stack_due();
        [timer, packet, stack].into_iter().flatten().min()
    }

    /// When the machine next has something to do: at once while a thread can run.
    pub(crate) fn next_due(&self) -> Option<u64> {
        if self.off.get() {
            return None;
        }
        if !self.ready.borrow().is_empty() || !self.remains.borrow().is_empty() {
            return Some(self.now.get());
        }
        self.next_event_ns()
    }
}

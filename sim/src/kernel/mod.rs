//! The virtual Windows kernel of one machine: threads and their schedule, waits, APCs, events,
//! timers, locks, and the machine's network stack.
//!
//! Every call from a provider or a program comes through `Kernel::point`, the scheduling point:
//! it costs 100 ns of virtual time, and another thread may run before it returns. Nobody holds a
//! borrow of a cell across it.

mod apc;
mod describe;
mod event_object;
pub(crate) mod handles;
mod lock;
mod port_object;
mod run;
pub mod sched;
#[allow(
    unsafe_code,
    reason = "the one place where a coroutine is resumed and the lock meets the kernel"
)]
mod switch;
mod thread;
mod timer;
mod wait;
mod window;
mod wire;

#[cfg(test)]
mod tests;

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::choice::{Purpose, Stream};
use crate::event::{At, MachineId, Point, ProcessId, Tid, What};
use crate::fault::LiveScript;
use crate::net::stack::Stack;
use crate::oracle::{Oracles, Verdict, Violation};
use crate::process::Process;
use crate::world::{Outgoing, Shared};

use sched::{RandomWalk, Scheduler};
use timer::Timers;

pub(crate) use apc::ApcCall;
pub use event_object::EventObject;
pub(crate) use port_object::CompletionPacket;
pub use port_object::PortObject;
pub use switch::SimRawMutex;
pub use thread::Thread;
pub(crate) use thread::{Duty, Place, tid_of_handle};
pub(crate) use timer::TimerKind;
pub use wait::{
    INFINITE, MAXIMUM_WAIT_OBJECTS, WAIT_FAILED, WAIT_IO_COMPLETION, WAIT_OBJECT_0, WAIT_TIMEOUT,
};
pub(crate) use wait::{Objects, WaitFor, Waitable, Woken};
pub use window::Message;
pub(crate) use window::{Look, Windows};

/// What a scheduling point costs, in virtual nanoseconds: a spinning program still lets time pass.
pub const POINT_NS: u64 = 100;

/// How long after a send the stack is polled at the latest, so that one poll serves several sends.
const POLL_WITHIN_NS: u64 = 1_000;

/// Nobody runs: the main loop does, or the world outside.
const NOBODY: u32 = u32::MAX;

/// Numbers that a machine goes on counting when it starts again after a crash.
#[derive(Debug, Default)]
pub struct Counters {
    thread: Cell<u32>,
    process: Cell<u16>,
    lock: Cell<u32>,
    socket: Cell<u32>,
    transport: Cell<u32>,
}

fn count<T: Copy>(cell: &Cell<T>, next: impl Fn(T) -> T) -> T {
    let number = cell.get();
    cell.set(next(number));
    number
}

impl Counters {
    fn next_thread(&self) -> Tid {
        Tid(count(&self.thread, |n| n + 1))
    }

    pub(crate) fn next_process(&self) -> ProcessId {
        ProcessId(count(&self.process, |n| n + 1))
    }

    /// From 1.
    fn next_lock(&self) -> u32 {
        count(&self.lock, |n| n + 1) + 1
    }

    pub(crate) fn next_socket(&self) -> u32 {
        count(&self.socket, |n| n + 1)
    }

    pub(crate) fn next_transport(&self) -> u32 {
        count(&self.transport, |n| n + 1)
    }
}

/// The kernel of one machine, from its start to its end or its crash.
pub struct Kernel {
    /// What all machines of the run share.
    pub(crate) shared: Rc<Shared>,
    /// Which machine.
    pub(crate) id: MachineId,
    pub(crate) counters: Rc<Counters>,
    /// The number of the first thread of this incarnation.
    first_thread: u32,
    now: Cell<u64>,
    /// A scheduling point before this time returns at once. 0 while a choice is to be made,
    /// `u64::MAX` while no thread runs.
    horizon: Cell<u64>,
    /// When the running thread has to give way to the main loop.
    due: Cell<u64>,
    /// The running thread's number, or [`NOBODY`].
    running: Cell<u32>,
    running_thread: RefCell<Option<Rc<Thread>>>,
    /// Who was chosen at a scheduling point to run next.
    next: Cell<Option<Tid>>,
    threads: RefCell<Vec<Rc<Thread>>>,
    /// Threads that can run, the running one included.
    ready: RefCell<Vec<Tid>>,
    /// Blocked threads in the order in which they blocked.
    waiting: RefCell<Vec<Rc<Thread>>>,
    /// Ended threads whose stacks are still to be dropped.
    remains: RefCell<Vec<Rc<Thread>>>,
    scheduler: RefCell<Box<dyn Scheduler>>,
    schedule: Stream,
    pub(crate) program: Stream,
    locks_held: Cell<u32>,
    next_event: Cell<u32>,
    next_port: Cell<u32>,
    timers: RefCell<Timers>,
    pub(crate) stack: RefCell<Stack>,
    /// Whether the stack may have something to send or to tell.
    stack_dirty: Cell<bool>,
    /// Packets of one poll; kept for its memory.
    packets: RefCell<Vec<Vec<u8>>>,
    pub(crate) transports: RefCell<wire::Transports>,
    pub(crate) script: RefCell<LiveScript>,
    held: RefCell<wire::Held>,
    sent: RefCell<Vec<Outgoing>>,
    pub(crate) processes: RefCell<Vec<Rc<Process>>>,
    pub(crate) stop_event: Rc<EventObject>,
    pub(crate) crash_wanted: Cell<bool>,
    /// The machine has lost power: nothing is recorded any more.
    off: Cell<bool>,
}

impl Kernel {
    /// The kernel of machine `id`, at `now_ns`.
    pub(crate) fn new(
        shared: Rc<Shared>,
        id: MachineId,
        counters: Rc<Counters>,
        incarnation: u32,
        now_ns: u64,
    ) -> Rc<Self> {
        #[cfg(test)]
        tests::LIVE.with(|live| live.set(live.get() + 1));
        let place = u32::from(id.0);
        let stack = wire::new_stack(&shared, id, incarnation);
        Rc::new(Self {
            schedule: shared.stream(Purpose::Schedule, place),
            program: shared.stream(Purpose::Program, place),
            scheduler: RefCell::new(Box::new(RandomWalk::new(shared.settings.stickiness))),
            id,
            first_thread: counters.thread.get(),
            counters,
            now: Cell::new(now_ns),
            horizon: Cell::new(u64::MAX),
            due: Cell::new(u64::MAX),
            running: Cell::new(NOBODY),
            running_thread: RefCell::new(None),
            next: Cell::new(None),
            threads: RefCell::default(),
            ready: RefCell::default(),
            waiting: RefCell::default(),
            remains: RefCell::default(),
            locks_held: Cell::new(0),
            next_event: Cell::new(1),
            next_port: Cell::new(1),
            timers: RefCell::default(),
            stack: RefCell::new(stack),
            stack_dirty: Cell::new(false),
            packets: RefCell::default(),
            transports: RefCell::default(),
            script: RefCell::default(),
            held: RefCell::default(),
            sent: RefCell::default(),
            processes: RefCell::default(),
            stop_event: EventObject::new(0, true, false),
            crash_wanted: Cell::new(false),
            off: Cell::new(false),
            shared,
        })
    }

    /// The machine's virtual time.
    #[inline]
    pub(crate) fn now_ns(&self) -> u64 {
        self.now.get()
    }

    /// Now, here, in the running thread.
    #[inline]
    pub(crate) fn at(&self) -> At {
        let running = self.running.get();
        At {
            time_ns: self.now.get(),
            machine: self.id,
            thread: (running != NOBODY).then_some(Tid(running)),
        }
    }

    /// The running thread; `None` in the main loop and outside.
    #[inline]
    pub(crate) fn current(&self) -> Option<Rc<Thread>> {
        self.running_thread.borrow().clone()
    }

    /// The running thread's number.
    #[inline]
    pub(crate) fn current_tid(&self) -> Option<Tid> {
        let running = self.running.get();
        (running != NOBODY).then_some(Tid(running))
    }

    /// Whether what runs now are destructors: then nothing may switch or block. Also true once the
    /// machine has lost power.
    #[inline]
    pub(crate) fn unwinding(&self) -> bool {
        self.off.get() || std::thread::panicking()
    }

    /// Whether the machine has lost power.
    pub(crate) fn is_off(&self) -> bool {
        self.off.get()
    }

    /// Records an event of this machine.
    #[inline]
    pub(crate) fn record(&self, what: What) {
        if !self.off.get() {
            self.shared.record(self.at(), what);
        }
    }

    /// Tells the oracles something, and reports what they object to.
    #[inline]
    pub(crate) fn oracle(&self, tell: impl FnOnce(&mut Oracles, At) -> Verdict) {
        if !self.off.get() {
            let at = self.at();
            let verdict = tell(&mut self.shared.oracles.borrow_mut(), at);
            if let Err(violation) = verdict {
                self.report(violation);
            }
        }
    }

    /// Reports a violation that the kernel itself saw.
    pub(crate) fn report(&self, violation: Violation) {
        if !self.off.get() {
            self.shared.report(self.at(), violation);
            // The run is over: the running thread gets no further than its next point.
            self.due_at(0);
        }
    }

    /// The scheduling point: lets 100 ns pass, and maybe other threads run. Does nothing more
    /// while destructors run, or outside of the machine's threads.
    #[inline]
    pub(crate) fn point(&self, point: Point) {
        let now = self.now.get() + POINT_NS;
        self.now.set(now);
        if now >= self.horizon.get() {
            self.point_slow(point);
        }
    }

    #[inline(never)]
    fn point_slow(&self, _point: Point) {
        let running = self.running.get();
        if running == NOBODY || self.unwinding() {
            return;
        }
        let tid = Tid(running);
        if self.now.get() < self.due.get() && !self.shared.stopping_run() {
            let chosen = self.choose(Some(tid));
            if chosen == tid {
                return;
            }
            self.next.set(Some(chosen));
        }
        // Else the main loop has something to do; the thread stays ready.
        if let Some(me) = self.current() {
            self.suspend(&me);
        }
    }

    /// Chooses a thread among those that can run, of which there is at least one.
    fn choose(&self, current: Option<Tid>) -> Tid {
        let ready = self.ready.borrow();
        if let [only] = ready[..] {
            return only;
        }
        let mut choices = self.shared.choices.borrow_mut();
        let mut draw = |bound: u32| choices.below(self.schedule, bound);
        let place = self.scheduler.borrow_mut().pick(&ready, current, &mut draw);
        let chosen = ready[place.min(ready.len() - 1)];
        drop(choices);
        if Some(chosen) != current {
            self.record(What::Switch(chosen));
        }
        chosen
    }

    /// A thread can run from now on.
    fn join_ready(&self, tid: Tid) {
        self.ready.borrow_mut().push(tid);
        self.set_horizon();
    }

    /// A thread can run no longer.
    fn leave_ready(&self, tid: Tid) {
        let mut ready = self.ready.borrow_mut();
        if let Some(place) = ready.iter().position(|other| *other == tid) {
            ready.remove(place);
        }
        drop(ready);
        self.set_horizon();
    }

    fn set_horizon(&self) {
        let horizon = if self.running.get() == NOBODY {
            u64::MAX
        } else if self.ready.borrow().len() > 1 {
            0
        } else {
            self.due.get()
        };
        self.horizon.set(horizon);
    }

    /// Something is to happen at `at_ns`: the main loop must have its turn by then.
    fn due_at(&self, at_ns: u64) {
        if at_ns < self.due.get() {
            self.due.set(at_ns);
            self.set_horizon();
        }
    }

    /// Ends every thread of `process` but the running one, as ExitProcess does.
    pub(crate) fn end_threads_of(&self, process: ProcessId) {
        let victims: Vec<Rc<Thread>> = self
            .threads
            .borrow()
            .iter()
            .filter(|thread| thread.process.id == process && !thread.has_ended())
            .cloned()
            .collect();
        for victim in victims.iter().filter(|victim| Some(victim.tid) != self.current_tid()) {
            self.end_thread(victim, crate::event::ThreadEnd::Terminated);
        }
    }

    /// Power is gone: every stack is dropped without another step, and everything that could keep
    /// the machine alive is let go.
    pub(crate) fn power_off(&self) {
        if self.off.replace(true) {
            return;
        }
        self.running.set(NOBODY);
        self.running_thread.replace(None);
        self.horizon.set(u64::MAX);
        self.unwind_all();
        let processes = core::mem::take(&mut *self.processes.borrow_mut());
        for process in &processes {
            process.dismantle();
        }
        drop(processes);
        self.timers.borrow_mut().clear();
        self.waiting.borrow_mut().clear();
        self.remains.borrow_mut().clear();
        self.transports.borrow_mut().clear();
        self.ready.borrow_mut().clear();
        let threads = core::mem::take(&mut *self.threads.borrow_mut());
        drop(threads);
        self.return_packets();
    }
}

#[cfg(test)]
impl Drop for Kernel {
    fn drop(&mut self) {
        tests::LIVE.with(|live| live.set(live.get() - 1));
    }
}

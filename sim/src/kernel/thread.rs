//! Threads: how they start, what Windows keeps for each, and how they end.

use core::any::Any;
use core::cell::{Cell, OnceCell, RefCell};
use core::panic::AssertUnwindSafe;
use std::collections::VecDeque;
use std::panic::catch_unwind;
use std::rc::Rc;

use provider_core::{ThreadId, ThreadKey, UserPtr, Work};

use crate::api::Os;
use crate::event::{ThreadEnd, Tid, What};
use crate::fault::Fault;
use crate::process::Process;
use crate::world::Violation;

use super::apc::Apc;
use super::switch::Fiber;
use super::wait::{WaitFor, Woken};
use super::{CompletionPacket, Kernel, PortObject, TimerKind};

/// What a thread is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// It runs the program's main function.
    Main,
    /// The program created it.
    Program,
    /// It brings readiness, timers and thread exits to the provider.
    Worker,
    /// It makes calls at a bad time.
    Adversary,
}

/// Whether a thread can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ready,
    Waiting,
    Ended,
}

/// Whose code a thread is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The program's.
    Program,
    /// The provider's. Terminating a thread here would lose locks on Windows too.
    Provider,
}

/// A blocking hook: whether it has more to do.
pub(crate) type HookCode = dyn Fn(&Os) -> bool;

/// One virtual thread, and everything that Windows keeps for a thread.
pub struct Thread {
    /// Its number in its machine.
    pub(crate) tid: Tid,
    pub(crate) name: Rc<str>,
    pub(crate) process: Rc<Process>,
    pub(crate) duty: Duty,
    /// Whether the adversary may end it.
    pub(crate) mortal: bool,
    pub(crate) last_error: Cell<i32>,
    pub(crate) place: Cell<Place>,
    /// How many APCs it is in.
    pub(crate) apc_depth: Cell<u32>,
    /// Its blocking hook.
    pub(crate) hook: RefCell<Option<Rc<HookCode>>>,
    /// How often it is inside of that.
    pub(crate) in_hook: Cell<u32>,
    /// It cancelled its blocking call from there.
    pub(crate) hook_cancelled: Cell<bool>,
    /// Memory for the arguments of its calls: one block for each call that it is inside of.
    pub(crate) frames: RefCell<Vec<UserPtr>>,
    pub(crate) frame_depth: Cell<usize>,
    /// Locks of the provider's that it holds.
    pub(super) locks: Cell<u32>,
    pub(super) state: Cell<State>,
    pub(super) wait: RefCell<Option<WaitFor>>,
    /// Changes when a wait begins and when it ends.
    pub(super) wait_number: Cell<u64>,
    pub(super) woken: Cell<Woken>,
    pub(super) apcs: RefCell<VecDeque<Apc>>,
    /// The completion port at which it waited last.
    pub(super) port: RefCell<Option<Rc<PortObject>>>,
    /// What that wait ended with. If the thread ends before it looks, the packet is lost.
    pub(super) packet: Cell<Option<CompletionPacket>>,
    /// Set before its stack is unwound from outside.
    unwound: Cell<bool>,
    fiber: OnceCell<Fiber>,
}

/// Set in a WSATHREADID of ours, so that one that was made up, or scribbled over, is refused.
const THREAD_ID_MARK: usize = 0x5eed_0000_0000;
/// How long after it began to block a thread is terminated at the latest.
const KILL_WITHIN_NS: u32 = 5_000_000;
/// Where thread handles begin; far from sockets and events.
const THREAD_HANDLE_BASE: usize = 0x6000_0000;

impl Thread {
    /// Its handle: the same in all processes, never used again.
    pub(crate) const fn handle(&self) -> usize {
        THREAD_HANDLE_BASE + 4 * self.tid.0 as usize
    }

    /// What WPUOpenCurrentThread gives in it.
    pub(crate) const fn thread_id(&self) -> ThreadId {
        ThreadId { handle: self.handle(), reserved: THREAD_ID_MARK ^ self.handle() }
    }

    /// Whether it has ended, even if its stack still has to be unwound.
    pub(crate) fn has_ended(&self) -> bool {
        self.state.get() == State::Ended
    }

    /// Whose code it runs when it is in no call.
    pub(crate) const fn own_place(&self) -> Place {
        match self.duty {
            Duty::Main | Duty::Program => Place::Program,
            Duty::Worker | Duty::Adversary => Place::Provider,
        }
    }

    /// A call of a mortal thread's: the chance that it calls ExitThread instead.
    pub(crate) fn exit_perhaps(self: &Rc<Self>) {
        let kernel = &self.process.kernel;
        if self.mortal && kernel.shared.strikes(Fault::ThreadExit, kernel.at(), None) {
            kernel.exit_thread(self);
        }
    }

    /// A mortal thread is about to block: the chance that it is terminated in its sleep.
    pub(crate) fn die_perhaps(&self) {
        let kernel = &self.process.kernel;
        if self.mortal && kernel.shared.strikes(Fault::Terminate, kernel.at(), None) {
            let detail = kernel.shared.detail(Fault::Terminate, kernel.id);
            let late_ns = u64::from(kernel.shared.below(detail, KILL_WITHIN_NS));
            kernel.set_timer(kernel.now_ns() + late_ns, TimerKind::Kill(self.tid));
        }
    }

    /// Runs code of the program's on this thread, wherever it is.
    pub(crate) fn in_program<R>(&self, f: impl FnOnce() -> R) -> R {
        self.at_place(Place::Program, f)
    }

    /// Runs code of the provider's on this thread.
    pub(crate) fn in_provider<R>(&self, f: impl FnOnce() -> R) -> R {
        self.at_place(Place::Provider, f)
    }

    fn at_place<R>(&self, place: Place, f: impl FnOnce() -> R) -> R {
        let before = self.place.replace(place);
        let result = f();
        self.place.set(before);
        result
    }

    /// Whether terminating it now is fair: Windows itself would lose a lock elsewhere.
    pub(crate) fn is_killable(&self) -> bool {
        let blocked_in_host = matches!(*self.wait.borrow(), Some(WaitFor::Host(_)));
        self.locks.get() == 0 && (blocked_in_host || self.place.get() == Place::Program)
    }
}

/// The thread of a handle.
pub(crate) const fn tid_of_handle(handle: usize) -> Option<Tid> {
    match handle.checked_sub(THREAD_HANDLE_BASE) {
        Some(distance) if distance % 4 == 0 && distance / 4 < u32::MAX as usize => {
            Some(Tid((distance / 4) as u32))
        }
        _ => None,
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

impl Kernel {
    /// Creates a thread that runs `body`; it is runnable at once.
    pub(crate) fn create_thread(
        self: &Rc<Self>,
        process: &Rc<Process>,
        name: &str,
        duty: Duty,
        mortal: bool,
        body: impl FnOnce(&Os) + 'static,
    ) -> Rc<Thread> {
        let tid = self.counters.next_thread();
        let thread = Rc::new(Thread {
            tid,
            name: name.into(),
            process: Rc::clone(process),
            duty,
            mortal,
            last_error: Cell::new(0),
            place: Cell::new(Place::Provider),
            apc_depth: Cell::new(0),
            hook: RefCell::new(None),
            in_hook: Cell::new(0),
            hook_cancelled: Cell::new(false),
            frames: RefCell::default(),
            frame_depth: Cell::new(0),
            locks: Cell::new(0),
            state: Cell::new(State::Ready),
            wait: RefCell::new(None),
            wait_number: Cell::new(0),
            woken: Cell::new(Woken::TimedOut),
            apcs: RefCell::default(),
            port: RefCell::new(None),
            packet: Cell::new(None),
            unwound: Cell::new(false),
            fiber: OnceCell::new(),
        });
        thread.place.set(thread.own_place());
        let kernel = Rc::clone(self);
        let me = Rc::clone(&thread);
        let fiber = Fiber::new(move || {
            let os = Os::new(Rc::clone(&me));
            kernel.record(What::ThreadStart(me.tid));
            let outcome = catch_unwind(AssertUnwindSafe(|| body(&os)));
            match outcome {
                Ok(()) => kernel.end_thread(&me, ThreadEnd::Returned),
                // Unwound from outside: whoever did that has told of its end.
                Err(_) if me.unwound.get() => {}
                Err(payload) => {
                    kernel.report(Violation {
                        oracle: "panic",
                        clause: "no panic reaches a caller",
                        message: format!(
                            "thread {} ({}) panicked: {}",
                            me.tid.0,
                            me.name,
                            panic_message(&*payload)
                        ),
                    });
                    kernel.end_thread(&me, ThreadEnd::Panicked);
                }
            }
        });
        assert!(thread.fiber.set(fiber).is_ok(), "a new thread has no fiber yet");
        self.threads.borrow_mut().push(Rc::clone(&thread));
        if matches!(duty, Duty::Main | Duty::Program) {
            process.program_threads.set(process.program_threads.get() + 1);
        }
        self.join_ready(tid);
        thread
    }

    /// The thread of that number, dead or alive; `None` for one of an earlier incarnation.
    pub(crate) fn thread(&self, tid: Tid) -> Option<Rc<Thread>> {
        let index = tid.0.checked_sub(self.first_thread)?;
        self.threads.borrow().get(index as usize).cloned()
    }

    /// The thread that a WSATHREADID names.
    pub(crate) fn thread_of_id(&self, id: &ThreadId) -> Option<Rc<Thread>> {
        if id.reserved != THREAD_ID_MARK ^ id.handle {
            return None;
        }
        self.thread(tid_of_handle(id.handle)?)
    }

    /// What GetCurrentThreadId gives to the core: no two threads of a run have the same.
    pub(crate) fn thread_key(&self, tid: Tid) -> ThreadKey {
        ThreadKey(u64::from(self.id.0) << 32 | u64::from(tid.0))
    }

    /// ExitThread: the running thread is over at this point. What is on its stack is dropped when
    /// no lock of a provider is held, and nobody sees it: Windows runs no destructors here.
    pub(crate) fn exit_thread(&self, me: &Rc<Thread>) -> ! {
        self.end_thread(me, ThreadEnd::Exited);
        loop {
            self.suspend(me);
        }
    }

    /// TerminateThread on a thread other than the running one.
    pub(crate) fn terminate_thread(&self, victim: &Rc<Thread>) {
        self.end_thread(victim, ThreadEnd::Terminated);
    }

    /// The adversary's termination; nothing when the victim is where that would be unfair.
    pub(super) fn kill(&self, tid: Tid) {
        if let Some(victim) = self.thread(tid)
            && !victim.has_ended()
            && victim.is_killable()
        {
            self.terminate_thread(&victim);
        }
    }

    /// A thread is over: for the scheduler, for those who wait for it, for its APCs, and for the
    /// provider, which is told by the worker.
    pub(super) fn end_thread(&self, thread: &Rc<Thread>, how: ThreadEnd) {
        if thread.has_ended() {
            return;
        }
        let was = thread.state.replace(State::Ended);
        thread.wait.replace(None);
        thread.wait_number.set(thread.wait_number.get() + 1);
        self.forget_waiter(thread.tid);
        self.leave_ready(thread.tid);
        self.leave_port(thread, was == State::Ready);
        let lost = core::mem::take(&mut *thread.apcs.borrow_mut());
        drop(lost);
        self.record(What::ThreadEnd(thread.tid, how));
        let process = &thread.process;
        self.oracle(|oracles, at| oracles.thread_ended(at, process.key(), thread.tid, how));
        // Whoever waits for the thread sees it ended.
        self.satisfy_waiters(|| true);
        if how != ThreadEnd::Returned && thread.fiber.get().is_some() {
            self.remains.borrow_mut().push(Rc::clone(thread));
        }
        if !matches!(thread.duty, Duty::Main | Duty::Program) {
            return;
        }
        process.program_threads.set(process.program_threads.get() - 1);
        if !process.ended() {
            let main_returned = thread.duty == Duty::Main && how == ThreadEnd::Returned;
            if main_returned || process.program_threads.get() == 0 {
                process.end();
            } else {
                process.push_work(Work::ThreadExited(self.thread_key(thread.tid)));
            }
        }
    }

    /// Resumes a thread from the main loop.
    pub(super) fn resume(&self, thread: &Rc<Thread>) {
        if let Some(fiber) = thread.fiber.get() {
            fiber.resume();
        }
    }

    /// Goes back to the main loop, or to whoever resumed this thread.
    pub(super) fn suspend(&self, me: &Thread) {
        if let Some(fiber) = me.fiber.get() {
            fiber.suspend();
        }
    }

    /// Drops what is on a thread's stack; false when it runs right now.
    pub(super) fn unwind(&self, thread: &Thread) -> bool {
        thread.unwound.set(true);
        thread.fiber.get().is_none_or(|fiber| fiber.unwind(self))
    }

    /// Drops the stacks of threads that exited or were terminated, if no thread holds a lock that
    /// a destructor could wait for.
    pub(super) fn bury(&self) {
        if self.locks_held.get() > 0 || self.remains.borrow().is_empty() {
            return;
        }
        let dead = core::mem::take(&mut *self.remains.borrow_mut());
        for thread in &dead {
            self.unwind(thread);
        }
    }

    /// Drops every stack, of those first who hold locks.
    pub(super) fn unwind_all(&self) {
        // Nobody is woken any more, whatever destructors release.
        self.waiting.borrow_mut().clear();
        let mut threads = self.threads.borrow().clone();
        threads.sort_by_key(|thread| (core::cmp::Reverse(thread.locks.get()), thread.tid));
        for thread in &threads {
            thread.state.set(State::Ended);
            if thread.fiber.get().is_some_and(Fiber::is_alive) {
                self.unwind(thread);
            }
            thread.apcs.borrow_mut().clear();
            thread.wait.replace(None);
        }
    }
}

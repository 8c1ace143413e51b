//! The core on a bench: a host without anything beside it, on which a sequence of calls runs step
//! by step, each step ending in what it showed.

mod client;
mod host;
mod memory;
mod raw;
mod send;
mod transport;

use core::cell::{Cell, RefCell};
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::rc::{Rc, Weak};

use provider_core::layout::overlapped as offsets;
use provider_core::spi::{
    AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM, WINSOCK_VERSION, WSA_FLAG_OVERLAPPED,
    WSS_OPERATION_IN_PROGRESS,
};
use provider_core::{
    EventHandle, Family, Kind, Provider, Readiness, Routine, ServiceProvider, SocketHandle,
    UserPtr, WaitEnd, Work,
};

use crate::model::{
    Act, Answer, Call, Operation, RoutineRun, Seen, Setup, Status, Thread, sent_by_routine,
};

use host::{BenchHost, Stuck, key, stuck};

/// How far a step lets the clock go: past every deadline.
const HOUR_NS: u64 = 3_600_000_000_000;
/// What an OVERLAPPED holds before its operation starts, `hEvent` apart.
const SENTINEL: u8 = 0xcc;

/// The core, its host and its client.
pub struct Bench {
    host: BenchHost,
    provider: Provider<BenchHost>,
    setup: Setup,
    socket: SocketHandle,
    /// Sends made, refused ones too.
    sends: Cell<usize>,
    operations: RefCell<Vec<Entry>>,
    routines: RefCell<Vec<RoutineRun>>,
    /// APCs that were queued, or refused.
    apcs: Cell<usize>,
    /// How deep completion routines are inside of each other.
    depth: Cell<u32>,
    /// The thread that waits in a call.
    waiting: Cell<Option<Thread>>,
    meanwhile: RefCell<Option<Weak<dyn Meanwhile>>>,
}

/// What happens while a call of the core's waits.
pub trait Meanwhile {
    /// The step that was under way has shown all that it will, and the thread waits.
    fn over(&self);
    /// Lets the next step happen; `false` when there is none.
    fn goes_on(&self) -> bool;
}

/// An operation of the client's.
struct Entry {
    overlapped: UserPtr,
    event: Option<EventHandle>,
    routine: Option<Act>,
    /// Its buffers, until the client has them back.
    lent: Vec<(UserPtr, usize)>,
    /// As it was when last looked at.
    shown: Option<Operation>,
}

impl Bench {
    /// A provider that was started, and its one socket.
    pub fn new(setup: Setup) -> Rc<Self> {
        let host = BenchHost::default();
        let provider = Provider::new(host.clone(), setup.profile);
        assert_eq!(provider.wsp_startup(WINSOCK_VERSION), Ok(WINSOCK_VERSION));
        let family = match setup.family {
            Family::V4 => AF_INET,
            Family::V6 => AF_INET6,
        };
        let kind = match setup.kind {
            Kind::Stream => SOCK_STREAM,
            Kind::Datagram => SOCK_DGRAM,
        };
        let flags = if setup.overlapped { WSA_FLAG_OVERLAPPED } else { 0 };
        let errno = host.0.memory.place(&[0; 4]);
        let socket = provider.wsp_socket(family, kind, 0, UserPtr::NULL, 0, flags, errno);
        let client = Rc::new(Self {
            host,
            provider,
            setup,
            socket,
            sends: Cell::new(0),
            operations: RefCell::default(),
            routines: RefCell::default(),
            apcs: Cell::new(0),
            depth: Cell::new(0),
            waiting: Cell::new(None),
            meanwhile: RefCell::default(),
        });
        client.host.0.client.replace(Rc::downgrade(&client));
        client
    }

    /// Who is asked what happens while a call waits.
    pub fn set_meanwhile(&self, meanwhile: Weak<dyn Meanwhile>) {
        self.meanwhile.replace(Some(meanwhile));
    }

    /// Performs the step, and gives what its call returned, if it is one. A call that blocks stays
    /// in here and asks [`Meanwhile`] for what happens. After a step that broke something the bench
    /// is of no more use.
    pub fn perform(&self, call: &Call) -> Option<Answer> {
        let performed = catch_unwind(AssertUnwindSafe(|| self.perform_on(call)));
        performed.unwrap_or_else(|payload| {
            if !payload.is::<Stuck>() {
                self.host.0.object("the core panics");
            }
            None
        })
    }

    /// Whether a call waits inside of the core.
    pub fn is_waiting(&self) -> bool {
        self.waiting.get().is_some()
    }

    /// What there is to see since this was last asked.
    pub fn show(&self, answer: Option<Answer>, blocks: bool) -> Seen {
        Seen {
            answer,
            blocks,
            operations: self.look(),
            routines: self.routines.take(),
            taken: self.host.0.transport.net.borrow_mut().take_log(),
            broken: self.host.0.broken.take(),
        }
    }

    fn perform_on(&self, call: &Call) -> Option<Answer> {
        match call {
            Call::Send(thread, send) => {
                self.host.0.running.set(Some(*thread));
                Some(self.send(*thread, send))
            }
            Call::Alert(thread) => {
                self.alert(*thread);
                None
            }
            Call::Exit(thread) => {
                self.host.0.apcs[thread.index()].take();
                self.serve(Work::ThreadExited(key(*thread)));
                None
            }
            Call::RefuseApcs(times) => {
                self.host.0.refused_apcs.set(*times);
                None
            }
            Call::RefuseCompletions(times) => {
                self.host.0.refused_completions.set(*times);
                None
            }
            Call::Time => {
                self.let_time_pass();
                None
            }
            other => match self.play(other) {
                None => Some(self.call(other)),
                Some(told) => {
                    self.tell_ready(told);
                    None
                }
            },
        }
    }

    /// The transport's part of a step, and whether readiness follows; none for a client's call.
    fn play(&self, call: &Call) -> Option<bool> {
        self.host.0.transport.net.borrow_mut().play(call, self.setup.kind)
    }

    fn tell_ready(&self, told: bool) {
        if told && let Some(token) = self.host.0.transport.token.get() {
            self.serve(Work::Ready(token, Readiness::SEND));
        }
    }

    fn let_time_pass(&self) {
        let timers = core::mem::take(&mut *self.host.0.timers.borrow_mut());
        for (token, at_ns) in timers {
            self.host.0.now_ns.set(at_ns.max(self.host.0.now_ns.get()));
            self.serve(Work::Timer(token));
        }
        self.host.0.now_ns.set(self.host.0.now_ns.get() + HOUR_NS);
    }

    /// On the worker's thread.
    fn serve(&self, work: Work) {
        let running = self.host.0.running.replace(None);
        self.provider.service(work);
        self.host.0.running.set(running);
    }

    /// A thread waits inside of the core, alertably: the steps that follow happen meanwhile.
    fn wait(&self, signal: &Cell<bool>, deadline_ns: Option<u64>) -> WaitEnd {
        let thread = self.host.0.running.get();
        let meanwhile = self.meanwhile.borrow().as_ref().and_then(Weak::upgrade);
        let (Some(thread), Some(meanwhile)) = (thread, meanwhile) else {
            self.host.0.object("the worker waits, or a thread inside of another one's wait");
            stuck()
        };
        let end = loop {
            self.waiting.set(Some(thread));
            let ran = !signal.get() && self.alert(thread);
            meanwhile.over();
            if signal.take() {
                break WaitEnd::Signalled;
            }
            if ran {
                break WaitEnd::ApcsRan;
            }
            if deadline_ns.is_some_and(|deadline_ns| deadline_ns <= self.host.0.now_ns.get()) {
                break WaitEnd::TimedOut;
            }
            if !meanwhile.goes_on() {
                stuck();
            }
        };
        self.waiting.set(None);
        self.host.0.running.set(Some(thread));
        end
    }

    /// The thread that makes the calls that anyone can make.
    fn caller(&self) -> Thread {
        match self.waiting.get() {
            Some(Thread::A) => Thread::B,
            _ => Thread::A,
        }
    }

    /// An alertable wait of the thread's: its APCs run until there is none. Says whether any ran.
    fn alert(&self, thread: Thread) -> bool {
        let mut ran = false;
        self.host.0.running.set(Some(thread));
        loop {
            let next = self.host.0.apcs[thread.index()]
                .borrow_mut()
                .as_mut()
                .and_then(|apcs| apcs.pop_front());
            let Some(context) = next else { return ran };
            self.provider.run_apc(context);
            ran = true;
        }
    }

    /// An APC is queued, or refused: the operation that it is for has ended by then, and says so.
    fn apc_queued(&self) {
        self.apcs.set(self.apcs.get() + 1);
        let operations = self.operations.borrow();
        let with_routine = operations.iter().filter(|op| op.routine.is_some());
        let ended =
            with_routine.filter(|op| matches!(self.status(op.overlapped), Status::Ended(..)));
        if ended.count() < self.apcs.get() {
            self.host.0.object("an APC is queued before its operation's status is stored (OVL-7)");
        }
    }

    /// The client's completion routine.
    fn run_routine(&self, routine: Routine, overlapped: UserPtr, end: (i32, u32)) {
        let state = &self.host.0;
        let found = self.operations.borrow().iter().position(|op| op.overlapped == overlapped);
        let (Some(operation), Some(thread)) = (found, state.running.get()) else {
            state.object("a routine for no operation, or on the worker's thread (APC-1)");
            return;
        };
        let act = self.operations.borrow()[operation].routine;
        if act.map(send::routine) != Some(routine) {
            state.object("a routine that was not given");
        }
        if self.depth.replace(self.depth.get() + 1) > 0 {
            state.object("completion routines of one socket nest (APC-10)");
        }
        let called = match act {
            Some(Act::Sends) => Some(self.send(thread, &sent_by_routine(true))),
            Some(Act::SendsPlain) => Some(self.send(thread, &sent_by_routine(false))),
            Some(Act::Cancels) => Some(self.cancel_blocking_call()),
            Some(Act::Waits) => {
                self.alert(thread);
                None
            }
            Some(Act::Nothing) | None => None,
        };
        self.depth.set(self.depth.get() - 1);
        self.routines.borrow_mut().push(RoutineRun { thread, operation, end, called });
    }

    /// Which operations show something else than at the last look.
    fn look(&self) -> Vec<(usize, Operation)> {
        let state = &self.host.0;
        let mut changed = Vec::new();
        for (number, entry) in self.operations.borrow_mut().iter_mut().enumerate() {
            let status = self.status(entry.overlapped);
            let event = entry.event.and_then(|event| state.is_set(event));
            let seen = Operation { status, event };
            if !matches!(status, Status::Pending) {
                for (at, len) in entry.lent.drain(..) {
                    state.memory.revoke(at, len);
                }
            }
            if entry.shown.replace(seen) != Some(seen) {
                changed.push((number, seen));
            }
        }
        if state.memory.take_trespass() {
            state.object("the core touches buffers of a call that is over (OVL-10)");
        }
        changed
    }

    /// What an OVERLAPPED says.
    fn status(&self, overlapped: UserPtr) -> Status {
        let bytes: [u8; offsets::EVENT] = self.host.0.memory.peek(overlapped);
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        match word(offsets::INTERNAL) {
            WSS_OPERATION_IN_PROGRESS => Status::Pending,
            _ if bytes == [SENTINEL; offsets::EVENT] => Status::Untouched,
            _ => Status::Ended(word(offsets::OFFSET_HIGH) as i32, word(offsets::INTERNAL_HIGH)),
        }
    }
}

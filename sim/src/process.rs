//! A virtual Windows process: its memory, its handles, its provider, and the two threads that the
//! simulator keeps in it.

use core::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use provider_core::{
    ConditionRoutine, EventHandle, Profile, Routine, ServiceProvider, SocketHandle, ThreadId,
    Token, UserPtr, Work,
};

use crate::api::Os;
use crate::boundary::{Boundary, Surroundings, Watch};
use crate::event::{At, Function, Point, ProcessId, Tid, What};
use crate::fault::Fault;
use crate::host::SimHost;
use crate::kernel::handles::Handles;
use crate::kernel::{Duty, EventObject, Kernel, Objects, Thread, WaitFor, Waitable, Windows};
use crate::memory::Arena;
use crate::oracle::{LeakFacts, Oracles, ProcessKey, Violation};
use crate::run::ProviderFactory;

/// A completion routine of a program's: error, bytes, overlapped, flags.
pub(crate) type RoutineCode = dyn Fn(&Os, u32, u32, UserPtr, u32);

/// A condition function of a program's: `lpCallerId`, `lpCalleeId`, `dwCallbackData`.
pub(crate) type ConditionCode = dyn Fn(&Os, UserPtr, UserPtr, usize) -> i32;

/// Where the processes' identifiers of Windows begin; they go up in fours.
const PROCESS_ID_BASE: u32 = 0x1000;
/// Where the addresses of routines begin: code, far from data.
const CODE_BASE: usize = 0x7ff6_0000_1000;
/// Where those of condition functions do.
const CONDITION_BASE: usize = 0x7ff7_0000_1000;
/// Bytes between two functions.
const CODE_STEP: usize = 16;

/// Which function an address is, of those that begin at `base`.
fn code_index(address: usize, base: usize) -> Option<usize> {
    let distance = address.checked_sub(base).filter(|distance| distance % CODE_STEP == 0)?;
    Some(distance / CODE_STEP)
}

/// One process of a machine.
pub struct Process {
    pub(crate) id: ProcessId,
    pub(crate) kernel: Rc<Kernel>,
    pub(crate) arena: Rc<Arena>,
    pub(crate) handles: RefCell<Handles>,
    pub(crate) windows: Windows,
    boundary: RefCell<Option<Rc<Boundary>>>,
    watch: RefCell<Option<Rc<Watch>>>,
    routines: RefCell<Vec<Rc<RoutineCode>>>,
    conditions: RefCell<Vec<Rc<ConditionCode>>>,
    /// Memory given back while the system owned it: free once that ends.
    zombies: RefCell<Vec<UserPtr>>,
    /// The provider's timers: at most one for each token.
    timers: RefCell<BTreeMap<Token, u64>>,
    work: RefCell<VecDeque<Work>>,
    work_event: Rc<EventObject>,
    has_worker: Cell<bool>,
    attacks: RefCell<VecDeque<(Fault, SocketHandle)>>,
    attack_event: Rc<EventObject>,
    has_adversary: Cell<bool>,
    /// WSPStartup less WSPCleanup, as far as the programs of the client API called them.
    pub(crate) startups: Cell<u32>,
    /// Threads that run the program's code and have not ended.
    pub(crate) program_threads: Cell<usize>,
    ended: Cell<bool>,
}

impl Process {
    /// A process with its provider and no thread yet.
    pub(crate) fn new(kernel: &Rc<Kernel>, provider: &ProviderFactory) -> Rc<Self> {
        let arena = Rc::new(Arena::new());
        let process = Rc::new(Self {
            id: kernel.counters.next_process(),
            kernel: Rc::clone(kernel),
            arena: Rc::clone(&arena),
            handles: RefCell::new(Handles::new(kernel.shared.settings.reuse_handles)),
            windows: Windows::default(),
            boundary: RefCell::new(None),
            watch: RefCell::new(None),
            routines: RefCell::default(),
            conditions: RefCell::default(),
            zombies: RefCell::default(),
            timers: RefCell::default(),
            work: RefCell::default(),
            work_event: EventObject::new(0, false, false),
            has_worker: Cell::new(false),
            attacks: RefCell::default(),
            attack_event: EventObject::new(0, false, false),
            has_adversary: Cell::new(false),
            startups: Cell::new(0),
            program_threads: Cell::new(0),
            ended: Cell::new(false),
        });
        let around: Rc<dyn Surroundings> = Rc::<Self>::clone(&process);
        let watch = Rc::new(Watch::new(around, process.key(), arena));
        process.watch.replace(Some(Rc::clone(&watch)));
        let profile: Profile = kernel.shared.settings.profile;
        let provider = provider(SimHost::new(&process), profile);
        process.boundary.replace(Some(Rc::new(Boundary::new(watch, provider))));
        kernel.processes.borrow_mut().push(Rc::clone(&process));
        process
    }

    /// Who it is, in the whole world.
    pub(crate) fn key(&self) -> ProcessKey {
        ProcessKey { machine: self.kernel.id, process: self.id }
    }

    /// What GetCurrentProcessId gives in it.
    pub(crate) fn windows_id(&self) -> u32 {
        PROCESS_ID_BASE + 4 * u32::from(self.id.0)
    }

    /// Whether it has ended.
    pub(crate) fn ended(&self) -> bool {
        self.ended.get()
    }

    /// The watched SPI; `None` once the machine has lost power.
    pub(crate) fn boundary(&self) -> Option<Rc<Boundary>> {
        self.boundary.borrow().clone()
    }

    /// Tells the observer something, while there is one to tell.
    pub(crate) fn watch(&self, tell: impl FnOnce(&Watch)) {
        if !self.kernel.unwinding()
            && let Some(watch) = &*self.watch.borrow()
        {
            tell(watch);
        }
    }

    /// As [`Self::watch`], for what has a result.
    pub(crate) fn with_watch<R>(&self, f: impl FnOnce(&Watch) -> R) -> Option<R> {
        self.watch.borrow().as_deref().map(f)
    }

    /// Gives a routine of the program's an address.
    pub(crate) fn add_routine(&self, code: Rc<RoutineCode>) -> Routine {
        let mut routines = self.routines.borrow_mut();
        routines.push(code);
        Routine(CODE_BASE + CODE_STEP * (routines.len() - 1))
    }

    /// The routine at an address.
    pub(crate) fn routine(&self, routine: Routine) -> Option<Rc<RoutineCode>> {
        self.routines.borrow().get(code_index(routine.0, CODE_BASE)?).cloned()
    }

    /// Gives a condition function of the program's an address.
    pub(crate) fn add_condition(&self, code: Rc<ConditionCode>) -> ConditionRoutine {
        let mut conditions = self.conditions.borrow_mut();
        conditions.push(code);
        ConditionRoutine(CONDITION_BASE + CODE_STEP * (conditions.len() - 1))
    }

    /// The condition function at an address.
    pub(crate) fn condition(&self, condition: ConditionRoutine) -> Option<Rc<ConditionCode>> {
        self.conditions.borrow().get(code_index(condition.0, CONDITION_BASE)?).cloned()
    }

    /// Gives memory back, or remembers to.
    pub(crate) fn free(&self, ptr: UserPtr) {
        if self.arena.free(ptr).is_err() {
            self.zombies.borrow_mut().push(ptr);
        }
    }

    /// Memory of `len` bytes.
    pub(crate) fn alloc(&self, len: usize) -> UserPtr {
        if !self.zombies.borrow().is_empty() {
            self.zombies.borrow_mut().retain(|ptr| self.arena.free(*ptr).is_err());
        }
        self.arena.alloc(len)
    }

    /// When the provider's timer of `token` is due.
    pub(crate) fn timer_of(&self, token: Token) -> Option<u64> {
        self.timers.borrow().get(&token).copied()
    }

    /// Notes a timer of the provider's; false when an earlier one of the token is set.
    pub(crate) fn note_timer(&self, token: Token, at_ns: u64) -> bool {
        let mut timers = self.timers.borrow_mut();
        if timers.get(&token).is_some_and(|earlier| *earlier <= at_ns) {
            return false;
        }
        timers.insert(token, at_ns);
        true
    }

    pub(crate) fn timer_fired(&self, token: Token) {
        self.timers.borrow_mut().remove(&token);
    }

    /// Something for the provider's worker, which is started when the first work comes.
    pub(crate) fn push_work(self: &Rc<Self>, work: Work) {
        if self.ended.get() || self.kernel.is_off() {
            return;
        }
        {
            let mut queue = self.work.borrow_mut();
            let known = queue.iter_mut().find_map(|queued| match (queued, work) {
                (Work::Ready(token, bits), Work::Ready(other, _)) if *token == other => Some(bits),
                _ => None,
            });
            match (known, work) {
                (Some(bits), Work::Ready(_, more)) => *bits = bits.union(more),
                _ => queue.push_back(work),
            }
        }
        if !self.has_worker.replace(true) {
            let process = Rc::clone(self);
            let body = move |_: &Os| process.serve();
            self.kernel.create_thread(self, "worker", Duty::Worker, false, body);
        }
        self.kernel.set_event(&self.work_event);
    }

    /// What the worker does until its process ends.
    fn serve(&self) {
        while !self.ended.get() {
            let next = self.work.borrow_mut().pop_front();
            match (next, self.boundary()) {
                (Some(work), Some(boundary)) => boundary.service(work),
                (None, Some(_)) => self.wait_for_work(&self.work_event),
                (_, None) => return,
            }
        }
    }

    fn wait_for_work(&self, event: &Rc<EventObject>) {
        let object = Objects::One(Waitable::Event(Rc::clone(event)));
        self.kernel.wait(WaitFor::Work(object), None);
    }

    /// A socket is used: the adversary's chance to do something to it meanwhile.
    fn chances_at(self: &Rc<Self>, socket: SocketHandle) {
        let shared = &self.kernel.shared;
        for fault in [Fault::Shutdown, Fault::Close, Fault::Flush] {
            if !shared.can_strike(fault) {
                continue;
            }
            let Some(entry) = self.handles.borrow().socket(socket) else { return };
            if shared.strikes(fault, self.kernel.at(), Some(entry.number)) {
                self.attacks.borrow_mut().push_back((fault, socket));
                if !self.has_adversary.replace(true) {
                    let process = Rc::clone(self);
                    let body = move |os: &Os| process.attack(os);
                    self.kernel.create_thread(self, "adversary", Duty::Adversary, false, body);
                }
                self.kernel.set_event(&self.attack_event);
            }
        }
    }

    /// What the adversary does until its process ends.
    fn attack(&self, os: &Os) {
        while !self.ended.get() {
            let next = self.attacks.borrow_mut().pop_front();
            match next {
                Some((fault, socket)) => os.attack(fault, socket),
                None => self.wait_for_work(&self.attack_event),
            }
        }
    }

    /// Runs the provider's APC function in the running thread.
    pub(crate) fn run_provider_apc(&self, me: &Thread, context: usize) {
        if let Some(boundary) = self.boundary() {
            me.in_provider(|| boundary.run_apc(context));
        }
    }

    /// What the process still has: nothing, after its last WSPCleanup.
    pub(crate) fn leak_facts(self: &Rc<Self>) -> LeakFacts {
        LeakFacts {
            lent_bytes: self.arena.operation_bytes(),
            transport_sockets: self.kernel.transports.borrow().of(self).len(),
            socket_handles: self.handles.borrow().open_sockets(),
        }
    }

    /// ExitProcess: every other thread ends, and Windows closes what is open.
    pub(crate) fn end(self: &Rc<Self>) {
        if self.ended.replace(true) {
            return;
        }
        let key = self.key();
        self.kernel.oracle(|oracles, at| oracles.process_ended(at, key));
        self.kernel.end_threads_of(self.id);
        let open = self.kernel.transports.borrow().of(self);
        for socket in open {
            self.kernel.transports.borrow_mut().close(socket);
            self.kernel.stack.borrow_mut().close(socket, true);
            self.kernel.stack_touched();
        }
    }

    /// Lets go of everything that keeps the process and its machine alive.
    pub(crate) fn dismantle(&self) {
        self.ended.set(true);
        let boundary = self.boundary.take();
        drop(boundary);
        let routines = self.routines.take();
        drop(routines);
        let conditions = self.conditions.take();
        drop(conditions);
        self.work.borrow_mut().clear();
        let watch = self.watch.take();
        drop(watch);
    }
}

impl Surroundings for Process {
    fn at(&self) -> At {
        self.kernel.at()
    }

    fn record(&self, _at: At, what: What) {
        self.kernel.record(what);
    }

    fn oracles(&self) -> &RefCell<Oracles> {
        &self.kernel.shared.oracles
    }

    fn report(&self, _at: At, violation: Violation) {
        self.kernel.report(violation);
    }

    fn thread_named(&self, id: &ThreadId) -> Option<Tid> {
        self.kernel.thread_of_id(id).map(|thread| thread.tid)
    }

    fn is_event(&self, event: EventHandle) -> bool {
        self.handles.borrow().event(event).is_some()
    }

    fn is_on_port(&self, socket: SocketHandle) -> bool {
        self.handles.borrow().association(socket).is_some()
    }

    fn entering(&self, _function: Function, socket: SocketHandle) {
        self.kernel.point(Point::Client);
        let Some(me) = self.kernel.current() else { return };
        if matches!(me.duty, Duty::Main | Duty::Program) && !self.kernel.unwinding() {
            me.exit_perhaps();
            me.process.chances_at(socket);
        }
        me.place.set(crate::kernel::Place::Provider);
    }

    fn left(&self, _function: Function, _socket: SocketHandle) {
        if let Some(me) = self.kernel.current() {
            me.place.set(me.own_place());
        }
        self.kernel.point(Point::Client);
    }
}

//! What the core needs of a host, with nothing going on at the same time: threads that the client
//! switches by hand, events that are flags, APC queues that are lists.

use core::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::panic::resume_unwind;
use std::rc::{Rc, Weak};

use provider_core::layout::{POINTER, overlapped as offsets};
use provider_core::{
    BlockingHook, CatalogEntry, ConditionCall, EventHandle, Family, Host, Kind, Memory, Routine,
    SocketHandle, ThreadId, ThreadKey, Token, UserPtr, WaitEnd, WindowHandle, WsaError,
};
use wspsim::host::SimHost;

use crate::model::Thread;

use super::Bench;
use super::memory::BenchMemory;
use super::transport::BenchTransport;

/// What tells event handles apart from anything else; their two low bits say nothing, as on
/// Windows.
const EVENTS: usize = 0x4000;
/// What tells thread handles apart.
const THREADS: usize = 0x7000;
/// The worker that brings readiness and timers.
const WORKER: ThreadKey = ThreadKey(9);

/// The host of one sequence.
#[derive(Clone, Default)]
pub(super) struct BenchHost(pub(super) Rc<State>);

/// What the host holds.
pub(super) struct State {
    pub(super) memory: BenchMemory,
    pub(super) transport: BenchTransport,
    /// The thread that runs; none is the worker.
    pub(super) running: Cell<Option<Thread>>,
    /// The APCs of each thread; none once it has ended.
    pub(super) apcs: [RefCell<Option<VecDeque<usize>>>; 2],
    pub(super) refused_apcs: Cell<u32>,
    pub(super) refused_completions: Cell<u32>,
    pub(super) timers: RefCell<BTreeMap<Token, u64>>,
    pub(super) now_ns: Cell<u64>,
    events: RefCell<Vec<bool>>,
    sockets: RefCell<BTreeMap<usize, usize>>,
    /// What runs the client's routines.
    pub(super) client: RefCell<Weak<Bench>>,
    /// Promises that were broken.
    pub(super) broken: RefCell<Vec<String>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            memory: BenchMemory::default(),
            transport: BenchTransport::default(),
            running: Cell::new(Some(Thread::A)),
            apcs: [(); 2].map(|()| RefCell::new(Some(VecDeque::new()))),
            refused_apcs: Cell::new(0),
            refused_completions: Cell::new(0),
            timers: RefCell::default(),
            now_ns: Cell::new(0),
            events: RefCell::default(),
            sockets: RefCell::default(),
            client: RefCell::default(),
            broken: RefCell::default(),
        }
    }
}

/// The key of a client's thread.
pub(super) const fn key(thread: Thread) -> ThreadKey {
    ThreadKey(thread.index() as u64 + 1)
}

/// The WSATHREADID of a client's thread.
pub(super) const fn thread_id(thread: Thread) -> ThreadId {
    ThreadId { handle: THREADS + thread.index(), reserved: 0x5eed }
}

/// Counts down what is to be refused.
fn is_refused(times: &Cell<u32>) -> bool {
    let left = times.get();
    times.set(left.saturating_sub(1));
    left > 0
}

/// A wait that never ends.
#[derive(Debug)]
pub(super) struct Stuck;

/// Leaves the core from inside a wait, to [`Bench::perform`]; no panic, so nothing is printed.
pub(super) fn stuck() -> ! {
    resume_unwind(Box::new(Stuck))
}

impl State {
    /// A manual-reset event.
    pub(super) fn create_event(&self, set: bool) -> EventHandle {
        let mut events = self.events.borrow_mut();
        events.push(set);
        EventHandle(EVENTS + 4 * (events.len() - 1))
    }

    /// Whether the event is set; none when that is no event.
    pub(super) fn is_set(&self, event: EventHandle) -> Option<bool> {
        self.events.borrow().get(event.0.checked_sub(EVENTS)? / 4).copied()
    }

    fn put(&self, event: EventHandle, set: bool) -> Result<(), WsaError> {
        let mut events = self.events.borrow_mut();
        let index = event.0.checked_sub(EVENTS).map(|at| at / 4);
        let event = index.and_then(|index| events.get_mut(index));
        event.map(|event| *event = set).ok_or(WsaError::WSA_INVALID_HANDLE)
    }

    pub(super) fn object(&self, what: impl Into<String>) {
        self.broken.borrow_mut().push(what.into());
    }
}

impl Host for BenchHost {
    type RawMutex = <SimHost as Host>::RawMutex;
    type Signal = Cell<bool>;
    type Memory = BenchMemory;
    type Transport = BenchTransport;

    fn memory(&self) -> &BenchMemory {
        &self.0.memory
    }

    fn transport(&self) -> &BenchTransport {
        &self.0.transport
    }

    fn process_id(&self) -> u32 {
        1
    }

    fn catalog_entry(&self, _: Family, _: Kind) -> CatalogEntry {
        CatalogEntry { provider: *b"wspsim-bench-...", id: 1 }
    }

    fn current_thread(&self) -> ThreadKey {
        self.0.running.get().map_or(WORKER, key)
    }

    fn now_ns(&self) -> u64 {
        self.0.now_ns.get()
    }

    fn set_timer(&self, token: Token, at_ns: u64) {
        let mut timers = self.0.timers.borrow_mut();
        let at = timers.entry(token).or_insert(at_ns);
        *at = at_ns.min(*at);
    }

    fn new_signal(&self) -> Cell<bool> {
        Cell::new(false)
    }

    fn signal(&self, signal: &Cell<bool>) {
        signal.set(true);
    }

    fn wait(&self, signal: &Cell<bool>, deadline_ns: Option<u64>) -> WaitEnd {
        match self.0.client.borrow().upgrade() {
            Some(client) => client.wait(signal, deadline_ns),
            None => stuck(),
        }
    }

    fn wait_event(&self, event: EventHandle, _: &Cell<bool>) -> Result<(), WsaError> {
        let set = self.0.is_set(event).ok_or(WsaError::WSA_INVALID_HANDLE)?;
        if !set {
            self.0.object("the core waits for an event that nobody sets");
            stuck();
        }
        Ok(())
    }

    fn reset_event(&self, event: EventHandle) -> Result<(), WsaError> {
        self.0.put(event, false)
    }

    fn set_event(&self, event: EventHandle) -> Result<(), WsaError> {
        self.0.put(event, true)
    }

    fn create_socket_handle(
        &self,
        _family: Family,
        _kind: Kind,
        context: usize,
    ) -> Result<SocketHandle, WsaError> {
        let mut sockets = self.0.sockets.borrow_mut();
        let handle = 0x100 + 4 * sockets.len();
        sockets.insert(handle, context);
        Ok(SocketHandle(handle))
    }

    fn socket_context(&self, socket: SocketHandle) -> Result<usize, WsaError> {
        self.0.sockets.borrow().get(&socket.0).copied().ok_or(WsaError::WSAENOTSOCK)
    }

    fn close_socket_handle(&self, socket: SocketHandle) -> Result<(), WsaError> {
        let context = self.0.sockets.borrow_mut().remove(&socket.0);
        context.map(|_| ()).ok_or(WsaError::WSAENOTSOCK)
    }

    fn queue_apc(&self, thread: &ThreadId, context: usize) -> Result<(), WsaError> {
        let index = thread.handle.wrapping_sub(THREADS);
        if index > 1 || *thread != thread_id(if index == 0 { Thread::A } else { Thread::B }) {
            self.0.object("an APC for a thread that nobody named (APC-5)");
            return Err(WsaError::WSAEFAULT);
        }
        if let Some(client) = self.0.client.borrow().upgrade() {
            client.apc_queued();
        }
        if is_refused(&self.0.refused_apcs) {
            return Err(WsaError::WSAEFAULT);
        }
        let mut apcs = self.0.apcs[index].borrow_mut();
        apcs.as_mut().map(|apcs| apcs.push_back(context)).ok_or(WsaError::WSAEFAULT)
    }

    fn complete_overlapped(
        &self,
        socket: SocketHandle,
        overlapped: UserPtr,
        error: u32,
        bytes: u32,
    ) -> Result<(), WsaError> {
        self.socket_context(socket).map_err(|_| WsaError::WSAEINVAL)?;
        if is_refused(&self.0.refused_completions) {
            return Err(WsaError::WSAEINVAL);
        }
        let memory = &self.0.memory;
        let mut event = [0; POINTER];
        memory
            .read(overlapped.offset(offsets::EVENT), &mut event)
            .and_then(|()| {
                let count = (bytes as usize).to_le_bytes();
                memory.write(overlapped.offset(offsets::INTERNAL_HIGH), &count)
            })
            .and_then(|()| {
                memory.write(overlapped.offset(offsets::OFFSET_HIGH), &error.to_le_bytes())
            })
            .and_then(|()| memory.store_status(overlapped.offset(offsets::INTERNAL), error))
            .map_err(|_| WsaError::WSAEINVAL)?;
        let _ = self.set_event(EventHandle(usize::from_le_bytes(event)));
        Ok(())
    }

    fn post_message(&self, _: WindowHandle, _: u32, _: usize, _: usize) -> bool {
        false
    }

    fn blocking_hook(&self) -> Option<BlockingHook> {
        None
    }

    fn call_blocking_hook(&self, _: BlockingHook) -> bool {
        true
    }

    fn in_blocking_hook(&self) -> bool {
        false
    }

    fn call_condition(&self, _: &ConditionCall) -> i32 {
        0
    }

    fn call_routine(
        &self,
        routine: Routine,
        error: u32,
        bytes: u32,
        overlapped: UserPtr,
        flags: u32,
    ) {
        if flags != 0 {
            self.0.object("dwFlags of a completion routine is not 0 (APC-8)");
        }
        match self.0.client.borrow().upgrade() {
            Some(client) => client.run_routine(routine, overlapped, (error as i32, bytes)),
            None => self.0.object("a routine runs when the client is gone"),
        }
    }
}

//! What every oracle needs to know: which call a thread is in, which socket a SOCKET means.

use provider_core::spi::FIONBIO;
use provider_core::{SocketHandle, UserPtr, WsaError};

use super::facts::{Call, CallId, Outcome, ProcessKey, SocketFacts, Special, ThreadPlace};
use super::hash::Map;
use crate::event::{At, Function, MachineId, Tid};

/// A socket of the run, by order of creation. A SOCKET that is used again is another socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SocketId(pub(super) u32);

/// Whether calls on a socket block, as far as it can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Blocking,
    Nonblocking,
    /// FIONBIO raced with something.
    Unknown,
}

pub(super) struct Socket {
    pub(super) process: ProcessKey,
    pub(super) handle: SocketHandle,
    pub(super) facts: SocketFacts,
    pub(super) mode: Mode,
    /// How many FIONBIO calls entered: a call that saw it change cannot be judged by mode.
    pub(super) mode_changes: u32,
    /// FIONBIO calls in progress.
    mode_changing: u32,
    /// Several of them overlapped: their order is unknown, and so is how it is afterwards.
    mode_raced: bool,
    /// Its SOCKETs that are, or were, associated with a completion port.
    pub(super) on_port: Vec<SocketHandle>,
    /// Its SOCKETs that another socket took over while calls on this one were in progress.
    pub(super) shadowed: Vec<SocketHandle>,
}

/// A call in progress.
pub(super) struct ActiveCall {
    pub(super) id: CallId,
    pub(super) process: ProcessKey,
    pub(super) thread: ThreadPlace,
    pub(super) socket: Option<SocketId>,
    /// Which of the socket's descriptors it was made through.
    descriptor: u64,
    /// The calls that end blocking ones with WSAEINTR, and were or are in progress meanwhile.
    pub(super) interrupted_by: Vec<CallId>,
    /// Something that ends overlapped operations with WSA_OPERATION_ABORTED was or is in progress
    /// meanwhile.
    pub(super) aborted: bool,
    pub(super) entered_ns: u64,
    pub(super) mode_changes: u32,
    pub(super) mode: Mode,
    /// A transport socket opened or accepted inside.
    pub(super) opened: Option<u32>,
    /// Made inside of the thread's blocking hook.
    pub(super) in_hook: bool,
    /// What the condition function said inside.
    pub(super) verdict: Option<i32>,
    pub(super) call: Call,
}

#[derive(Default)]
pub(super) struct Thread {
    /// Innermost last.
    pub(super) calls: Vec<ActiveCall>,
    /// Sockets whose routines run, innermost last.
    pub(super) routines: Vec<Option<SocketId>>,
    /// Depth of blocking hooks.
    pub(super) in_hook: u32,
    /// Depth of `run_apc`.
    pub(super) in_apc: u32,
    /// Since when it serves the provider's work.
    pub(super) serving_since_ns: Option<u64>,
    /// APCs queued and not yet run.
    pub(super) apcs_waiting: u32,
    /// Locks of the provider's that it holds.
    pub(super) locks: Vec<u32>,
}

/// Threads by machine and number: both are small and dense.
#[derive(Default)]
pub(super) struct Threads {
    machines: Vec<Vec<Thread>>,
    /// Facts without a thread, and numbers that are not dense.
    odd: Map<ThreadPlace, Thread>,
}

/// Thread numbers from here on are looked up by hash.
const DENSE_MAX: usize = 4096;

impl Threads {
    #[inline]
    pub(super) fn get(&self, place: ThreadPlace) -> Option<&Thread> {
        let index = place.thread.0 as usize;
        if index >= DENSE_MAX {
            return self.odd.get(&place);
        }
        self.machines.get(usize::from(place.machine.0))?.get(index)
    }

    #[inline]
    fn entry(&mut self, place: ThreadPlace) -> &mut Thread {
        let (machine, index) = (usize::from(place.machine.0), place.thread.0 as usize);
        let known = self.machines.get(machine).is_some_and(|threads| index < threads.len());
        if known { &mut self.machines[machine][index] } else { self.new_entry(place) }
    }

    #[cold]
    fn new_entry(&mut self, place: ThreadPlace) -> &mut Thread {
        let (machine, index) = (usize::from(place.machine.0), place.thread.0 as usize);
        if index >= DENSE_MAX {
            return self.odd.entry(place).or_default();
        }
        if self.machines.len() <= machine {
            self.machines.resize_with(machine + 1, Vec::new);
        }
        let threads = &mut self.machines[machine];
        if threads.len() <= index {
            threads.resize_with(index + 1, Thread::default);
        }
        &mut threads[index]
    }

    fn of_machine(&mut self, machine: MachineId) -> impl Iterator<Item = &mut Thread> {
        let dense = self.machines.get_mut(usize::from(machine.0)).into_iter().flatten();
        let odd = self.odd.iter_mut().filter(move |(place, _)| place.machine == machine);
        dense.chain(odd.map(|(_, thread)| thread))
    }

    fn forget_machine(&mut self, machine: MachineId) {
        if let Some(threads) = self.machines.get_mut(usize::from(machine.0)) {
            threads.clear();
        }
        self.odd.retain(|place, _| place.machine != machine);
    }
}

/// The register.
#[derive(Default)]
pub(super) struct Book {
    pub(super) threads: Threads,
    pub(super) sockets: Vec<Socket>,
    /// What each SOCKET means, and the number of that descriptor.
    handles: Map<(ProcessKey, usize), (SocketId, u64)>,
    descriptors_made: u64,
    calls_made: u64,
}

/// A descriptor that came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) socket: SocketId,
    pub(super) handle: SocketHandle,
    /// Whether the socket came to be with it.
    pub(super) fresh: bool,
}

impl Book {
    #[inline]
    pub(super) fn thread(&mut self, place: ThreadPlace) -> &mut Thread {
        self.threads.entry(place)
    }

    pub(super) fn find(&self, process: ProcessKey, handle: SocketHandle) -> Option<SocketId> {
        self.handles.get(&(process, handle.0)).map(|(id, _)| *id)
    }

    /// Whether a socket has a SOCKET left.
    pub(super) fn is_open(&self, id: SocketId) -> bool {
        self.handles.values().any(|(socket, _)| *socket == id)
    }

    /// A SOCKET was associated with a completion port.
    pub(super) fn associate(&mut self, process: ProcessKey, handle: SocketHandle) {
        if let Some(id) = self.find(process, handle) {
            self.sockets[id.0 as usize].on_port.push(handle);
        }
    }

    pub(super) fn socket(&self, id: SocketId) -> &Socket {
        &self.sockets[id.0 as usize]
    }

    pub(super) fn facts(&self, process: ProcessKey, handle: SocketHandle) -> Option<SocketFacts> {
        self.find(process, handle).map(|id| self.socket(id).facts)
    }

    /// The innermost call that the thread is in.
    pub(super) fn innermost(&self, place: ThreadPlace) -> Option<&ActiveCall> {
        self.threads.get(place)?.calls.last()
    }

    /// Since when the thread is inside of the provider; now, where it cannot be told.
    pub(super) fn in_provider_since(&self, at: At) -> u64 {
        let Some(thread) = self.threads.get(place(at)) else { return at.time_ns };
        let call = thread.calls.first().map(|call| call.entered_ns);
        call.into_iter().chain(thread.serving_since_ns).min().unwrap_or(at.time_ns)
    }

    pub(super) fn enter(&mut self, at: At, process: ProcessKey, call: Call) -> CallId {
        self.calls_made += 1;
        let id = CallId(self.calls_made);
        let known = self.handles.get(&(process, call.socket.0)).copied();
        let (socket, descriptor) = known.map_or((None, 0), |(id, number)| (Some(id), number));
        let (mut mode, mut mode_changes) = (Mode::Unknown, 0);
        if let Some(socket) = socket {
            let socket = &mut self.sockets[socket.0 as usize];
            if changes_mode(&call.special) {
                socket.mode_changes += 1;
                socket.mode_raced |= socket.mode_changing > 0;
                socket.mode_changing += 1;
                socket.mode = Mode::Unknown;
            }
            (mode, mode_changes) = (socket.mode, socket.mode_changes);
        }
        let thread = place(at);
        let entry = self.threads.entry(thread);
        let in_hook = entry.in_hook > 0;
        entry.calls.push(ActiveCall {
            id,
            process,
            thread,
            socket,
            descriptor,
            interrupted_by: Vec::new(),
            aborted: false,
            entered_ns: at.time_ns,
            mode_changes,
            mode,
            opened: None,
            in_hook,
            verdict: None,
            call,
        });
        id
    }

    /// Takes the call off its thread; calls inside it that never left (a thread ended) go too.
    pub(super) fn leave(&mut self, at: At, id: CallId) -> Option<ActiveCall> {
        let calls = &mut self.thread(place(at)).calls;
        let index = calls.iter().rposition(|call| call.id == id)?;
        calls.truncate(index + 1);
        calls.pop()
    }

    /// What a call that left did to sockets; gives a descriptor that came to be. `shared` is the
    /// socket that a WSPSocket gave another descriptor of.
    pub(super) fn settle(
        &mut self,
        call: &ActiveCall,
        outcome: &Outcome<'_>,
        shared: Option<SocketId>,
    ) -> Option<Made> {
        let ok = outcome.value == 0;
        match (call.call.function, &call.call.special) {
            (Function::WSPSocket, Special::Socket { stream, overlapped, .. }) => {
                let handle = handle_of(outcome)?;
                if let Some(socket) = shared {
                    self.name(call.process, handle, socket);
                    return Some(Made { socket, handle, fresh: false });
                }
                let facts = SocketFacts { stream: *stream, overlapped: *overlapped };
                Some(self.open(call.process, handle, facts, Mode::Blocking))
            }
            (Function::WSPAccept, _) => {
                let handle = handle_of(outcome)?;
                let listener = call.socket.map(|id| self.socket(id));
                let facts = listener
                    .map_or(SocketFacts { stream: true, overlapped: true }, |socket| socket.facts);
                let mode = listener.map_or(Mode::Unknown, |socket| socket.mode);
                Some(self.open(call.process, handle, facts, mode))
            }
            // One that was interrupted while it lingered has closed.
            (Function::WSPCloseSocket, _) if ok || outcome.errno == WsaError::WSAEINTR.0 => {
                let key = (call.process, call.call.socket.0);
                if self.handles.get(&key).is_some_and(|(_, number)| *number == call.descriptor) {
                    self.handles.remove(&key);
                }
                None
            }
            (_, special) if changes_mode(special) => {
                let id = call.socket?;
                let socket = &mut self.sockets[id.0 as usize];
                let raced = socket.mode_raced;
                socket.mode_changing = socket.mode_changing.saturating_sub(1);
                socket.mode_raced &= socket.mode_changing > 0;
                if ok && !raced {
                    socket.mode = match special {
                        Special::Ioctl { input: Some(0), .. } => Mode::Blocking,
                        Special::Ioctl { input: None, .. } => Mode::Unknown,
                        _ => Mode::Nonblocking,
                    };
                }
                None
            }
            _ => None,
        }
    }

    fn open(
        &mut self,
        process: ProcessKey,
        handle: SocketHandle,
        facts: SocketFacts,
        mode: Mode,
    ) -> Made {
        let socket = SocketId(self.sockets.len() as u32);
        self.sockets.push(Socket {
            process,
            handle,
            facts,
            mode,
            mode_changes: 0,
            mode_changing: 0,
            mode_raced: false,
            on_port: Vec::new(),
            shadowed: Vec::new(),
        });
        self.name(process, handle, socket);
        Made { socket, handle, fresh: true }
    }

    /// From now on `handle` means `socket`.
    fn name(&mut self, process: ProcessKey, handle: SocketHandle, socket: SocketId) {
        self.descriptors_made += 1;
        let old = self.handles.insert((process, handle.0), (socket, self.descriptors_made));
        if let Some((old, _)) = old {
            self.sockets[old.0 as usize].shadowed.push(handle);
        }
    }

    /// How the socket of a call blocked, if that did not change meanwhile.
    pub(super) fn mode_of(&self, call: &ActiveCall) -> Mode {
        match call.socket {
            Some(id) if self.socket(id).mode_changes == call.mode_changes => call.mode,
            _ => Mode::Unknown,
        }
    }

    /// Every call in progress of a process.
    pub(super) fn calls_of(
        &mut self,
        process: ProcessKey,
    ) -> impl Iterator<Item = &mut ActiveCall> {
        let threads = self.threads.of_machine(process.machine);
        threads.flat_map(|thread| &mut thread.calls).filter(move |call| call.process == process)
    }

    /// Whether a send is in progress that entered with a SOCKET which was nobody's then, and is this.
    pub(super) fn has_stray_send(&mut self, process: ProcessKey, handle: SocketHandle) -> bool {
        self.calls_of(process).any(|call| call.is_stray_send() && call.call.socket == handle)
    }

    pub(super) fn forget_thread(&mut self, place: ThreadPlace) -> Thread {
        core::mem::take(self.threads.entry(place))
    }

    /// Every SOCKET of a process is gone.
    pub(super) fn forget_process(&mut self, process: ProcessKey) {
        self.handles.retain(|(owner, _), _| *owner != process);
    }

    pub(super) fn forget_machine(&mut self, machine: MachineId) {
        self.handles.retain(|(owner, _), _| owner.machine != machine);
        self.threads.forget_machine(machine);
    }
}

/// The SOCKET that a call returned, if it did.
fn handle_of(outcome: &Outcome<'_>) -> Option<SocketHandle> {
    usize::try_from(outcome.value).ok().map(SocketHandle)
}

/// Whether a call makes its socket blocking or nonblocking.
fn changes_mode(special: &Special) -> bool {
    matches!(
        special,
        Special::Ioctl { code: FIONBIO, .. }
            | Special::EventSelect { .. }
            | Special::AsyncSelect { .. }
    )
}

/// The thread that a fact is about.
#[inline]
pub(super) fn place(at: At) -> ThreadPlace {
    ThreadPlace { machine: at.machine, thread: at.thread.unwrap_or(Tid(u32::MAX)) }
}

impl ActiveCall {
    /// Whether it is a send that entered with a SOCKET which was nobody's then.
    pub(super) fn is_stray_send(&self) -> bool {
        self.socket.is_none() && matches!(self.call.special, Special::Send(_))
    }

    /// Whether the call is overlapped I/O.
    pub(super) fn is_overlapped(&self) -> bool {
        !self.call.overlapped.is_null() && self.call.function != Function::WSPGetOverlappedResult
    }

    /// In words, for a message.
    pub(super) fn words(&self) -> String {
        words(
            self.call.function,
            self.call.socket,
            self.call.overlapped,
            self.thread,
            self.entered_ns,
        )
    }
}

/// An operation in words, for a message.
pub(super) fn words(
    function: Function,
    socket: SocketHandle,
    overlapped: UserPtr,
    thread: ThreadPlace,
    entered_ns: u64,
) -> String {
    let mut words = format!(
        "{function:?} on socket {:#x} (machine {}, thread {}, entered at {} ns",
        socket.0, thread.machine.0, thread.thread.0, entered_ns
    );
    if !overlapped.is_null() {
        words.push_str(&format!(", OVERLAPPED {:#x}", overlapped.0));
    }
    words.push(')');
    words
}

/// Whether a call left without doing anything.
pub(super) fn failed(function: Function, outcome: &Outcome<'_>) -> bool {
    match function {
        Function::WSPGetOverlappedResult | Function::WSPGetQOSByName => outcome.value == 0,
        Function::WSPStartup => outcome.value != 0,
        _ => outcome.value == -1,
    }
}

/// Whether a call left an operation pending.
pub(super) fn is_pending(outcome: &Outcome<'_>) -> bool {
    outcome.value == -1 && outcome.errno == WsaError::WSA_IO_PENDING.0
}

//! What a case needs of its host.

use core::net::SocketAddr;

use provider_core::{
    ConditionRoutine, EventHandle, Profile, Routine, ServiceProvider, SocketHandle, ThreadId,
    UserPtr, WindowHandle,
};

use crate::{CaseResult, Failure, Lower};

/// A thread of the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BedThread(pub usize);

/// What a completion routine is called with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// `dwError`.
    pub error: u32,
    /// `cbTransferred`.
    pub bytes: u32,
    /// `lpOverlapped`.
    pub overlapped: UserPtr,
    /// `dwFlags`.
    pub flags: u32,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The object is signalled; an auto-reset event is reset again.
    Signalled,
    /// APCs ran first.
    ApcsRan,
    /// Neither, within the bed's limit.
    TimedOut,
}

/// A message that was posted to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// `message`.
    pub message: u32,
    /// `wParam`.
    pub wparam: usize,
    /// `lParam`.
    pub lparam: usize,
}

/// An address that nothing may be read from or written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPointer {
    /// What kind of address it is.
    pub what: &'static str,
    /// The address.
    pub at: UserPtr,
}

/// A completion port of the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BedPort(pub usize);

/// What comes out of a completion port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The key of the socket.
    pub key: usize,
    /// The OVERLAPPED of the operation.
    pub overlapped: UserPtr,
    /// Bytes transferred.
    pub bytes: u32,
    /// Whether the operation failed.
    pub failed: bool,
}

/// A connection as a condition function sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The address in `lpCallerId`.
    pub caller: SocketAddr,
    /// The address in `lpCalleeId`.
    pub callee: SocketAddr,
    /// `dwCallbackData`.
    pub callback_data: usize,
}

/// What a thread or an APC runs. What it gives back goes to [`TestBed::fail`].
pub type ThreadBody = Box<dyn FnOnce(&dyn TestBed) -> CaseResult + Send>;

/// What a completion routine runs; likewise.
pub type RoutineBody = Box<dyn Fn(&dyn TestBed, Completion) -> CaseResult + Send + Sync>;

/// What a blocking hook runs; likewise. While it gives `true` it is called again at once.
pub type HookBody = Box<dyn Fn(&dyn TestBed) -> CaseResult<bool> + Send>;

/// What a condition function runs: it gives CF_ACCEPT, CF_REJECT or CF_DEFER.
pub type ConditionBody = Box<dyn Fn(&dyn TestBed, Caller) -> i32 + Send + Sync>;

/// A host as a case sees it. Every function acts on the thread that calls it, and any of them may
/// let another thread run.
pub trait TestBed {
    /// The reading of the contract that the provider follows.
    fn profile(&self) -> Profile;

    /// The procedure table. `run_apc` and `service` are the host's to call, not a case's.
    fn spi(&self) -> &dyn ServiceProvider;

    /// The script for the transport below.
    fn lower(&self) -> &dyn Lower;

    /// The case has failed; the first failure counts. A case's own function gives it back instead.
    fn fail(&self, failure: Failure);

    /// `len` bytes of user memory, never zero-filled, aligned as `len` is, up to 16. The bytes behind
    /// them are not readable: a call that runs over the end faults. Where a case takes thousands of
    /// pieces that holds for the first of them.
    fn alloc(&self, len: usize) -> UserPtr;

    /// Gives memory back.
    fn free(&self, at: UserPtr);

    /// Reads user memory. Not while the system owns it: see [`Self::status`].
    fn read(&self, from: UserPtr, into: &mut [u8]);

    /// Writes user memory. Not while the system owns it.
    fn write(&self, to: UserPtr, bytes: &[u8]);

    /// The low 32 bits of `Internal` of the OVERLAPPED at `overlapped`, which may be read at any
    /// time, before whatever was stored ahead of it.
    fn status(&self, overlapped: UserPtr) -> u32;

    /// Addresses that are not user memory, of every kind that the host has: the null pointer, low
    /// and high addresses that are not mapped, a block that was freed, an address whose end wraps
    /// around.
    fn bad_pointers(&self) -> Vec<BadPointer>;

    /// GetCurrentProcessId.
    fn process_id(&self) -> u32;

    /// The WSATHREADID of this thread (WPUOpenCurrentThread).
    fn thread_id(&self) -> ThreadId;

    /// This thread.
    fn current_thread(&self) -> BedThread;

    /// Starts a thread.
    fn spawn(&self, name: &'static str, body: ThreadBody) -> BedThread;

    /// Waits until a thread has ended, not alertably; whether it did within the bed's limit.
    fn join(&self, thread: BedThread) -> bool;

    /// ExitThread: no more code of this thread runs, destructors neither.
    fn exit_thread(&self) -> !;

    /// QueueUserAPC; whether the thread took it.
    fn queue_apc(&self, thread: BedThread, apc: ThreadBody) -> bool;

    /// Gives a completion routine an address. A host has room for 32 routines in a case.
    fn routine(&self, body: RoutineBody) -> Routine;

    /// Gives a condition function an address. A host has room for 4 in a case.
    fn condition(&self, body: ConditionBody) -> ConditionRoutine;

    /// Sets the blocking hook of this thread, which WPUQueryBlockingCallback tells of, or takes it
    /// away.
    fn set_blocking_hook(&self, hook: Option<HookBody>);

    /// A new completion port.
    fn create_port(&self) -> BedPort;

    /// Associates a socket with a port, under a key; whether that worked.
    fn associate(&self, port: BedPort, socket: SocketHandle, key: usize) -> bool;

    /// Takes the next packet: waits for one up to the bed's limit, or takes only what is there.
    fn next_packet(&self, port: BedPort, wait: bool) -> Option<Packet>;

    /// CreateEvent.
    fn create_event(&self, manual_reset: bool, initially_set: bool) -> EventHandle;

    /// CloseHandle of an event.
    fn close_event(&self, event: EventHandle);

    /// SetEvent.
    fn set_event(&self, event: EventHandle);

    /// ResetEvent.
    fn reset_event(&self, event: EventHandle);

    /// Whether an event is set now (a wait of no length: an auto-reset event is reset by it).
    fn is_set(&self, event: EventHandle) -> bool;

    /// Waits for an event up to the bed's limit, alertably or not.
    fn wait(&self, event: EventHandle, alertable: bool) -> Waited;

    /// A window that receives messages, of this thread.
    fn create_window(&self) -> WindowHandle;

    /// DestroyWindow, by the thread that made it.
    fn destroy_window(&self, window: WindowHandle);

    /// Takes the first message that was posted to a window of this thread, if there is one now.
    fn take_message(&self, window: WindowHandle) -> Option<Posted>;

    /// The shortest sleep that lets other threads run, alertable or not; whether APCs ran.
    fn pause(&self, alertable: bool) -> bool;

    /// Runs the APCs that are queued to this thread now (SleepEx of no length); whether any ran.
    fn run_apcs(&self) -> bool;

    /// How many pauses in a row are the bed's limit.
    fn patience(&self) -> u32;

    /// Waits long enough that whatever is under way has happened, alertably or not: what has not
    /// come by its end does not come. An alertable one goes on after APCs ran.
    fn grace(&self, alertable: bool);

    /// A value that is no SOCKET.
    fn no_socket(&self) -> SocketHandle;

    /// A value that is no event object's handle.
    fn no_event(&self) -> EventHandle;
}

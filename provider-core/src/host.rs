//! The seam to what Windows and the upcall table give: threads, waiting, handles, completion.

use core::net::SocketAddr;

use crate::layout::protocol_info;
use crate::{
    BlockingHook, ConditionRoutine, EventHandle, Family, Kind, Memory, Routine, SocketHandle,
    ThreadId, ThreadKey, Transport, UserPtr, WindowHandle, WsaError,
};

/// What readiness and timers are told with: the socket that they belong to, as a number that is
/// never used again for another socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Why [`Host::wait`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitEnd {
    /// The signal was set (and is reset again).
    Signalled,
    /// The deadline passed first.
    TimedOut,
    /// One or more APCs ran in the calling thread; the signal may or may not be set.
    ApcsRan,
}

/// Where the provider's entry for a protocol is in the catalogue of ws2_32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogEntry {
    /// `ProviderId`: a GUID as it lies in memory.
    pub provider: [u8; protocol_info::GUID],
    /// `dwCatalogEntryId`.
    pub id: u32,
}

/// A connection that waits to be accepted, as the client's condition function is asked about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConditionCall {
    /// The function.
    pub condition: ConditionRoutine,
    /// `lpCallerId`.
    pub caller: SocketAddr,
    /// `lpCalleeId`.
    pub callee: SocketAddr,
    /// `dwCallbackData`.
    pub callback_data: usize,
}

/// What Windows, ws2_32 and the process around a provider give it.
///
/// In the simulator every call is a scheduling point. No core lock is held across
/// [`queue_apc`](Self::queue_apc), [`complete_overlapped`](Self::complete_overlapped),
/// [`set_event`](Self::set_event), [`reset_event`](Self::reset_event), [`post_message`](Self::post_message),
/// [`call_routine`](Self::call_routine), [`call_condition`](Self::call_condition),
/// [`call_blocking_hook`](Self::call_blocking_hook) or any wait.
pub trait Host {
    /// A real lock in the DLL, a scheduling point in the simulator.
    type RawMutex: lock_api::RawMutex;
    /// An auto-reset event for the core's own blocked threads.
    type Signal;
    /// The caller's address space.
    type Memory: Memory;
    /// What carries bytes below.
    type Transport: Transport;

    /// The caller's address space.
    fn memory(&self) -> &Self::Memory;

    /// What carries bytes below.
    fn transport(&self) -> &Self::Transport;

    /// The process (GetCurrentProcessId).
    fn process_id(&self) -> u32;

    /// The entry that the provider was started for, of those that it has for its protocols.
    fn catalog_entry(&self, family: Family, kind: Kind) -> CatalogEntry;

    /// The running thread (GetCurrentThreadId).
    fn current_thread(&self) -> ThreadKey;

    /// Nanoseconds of a clock that never goes back.
    fn now_ns(&self) -> u64;

    /// Lets [`Work::Timer`] with `token` reach the provider's `service` once, at `at_ns` or soon
    /// after. A timer of a token set again before it fired keeps the earlier time.
    fn set_timer(&self, token: Token, at_ns: u64);

    /// A signal, not set.
    fn new_signal(&self) -> Self::Signal;

    /// Sets a signal; one waiting thread, now or later, is let through.
    fn signal(&self, signal: &Self::Signal);

    /// Blocks the running thread, alertably, until `signal` is set or `deadline_ns` passes.
    /// APCs of the thread run inside.
    fn wait(&self, signal: &Self::Signal, deadline_ns: Option<u64>) -> WaitEnd;

    /// Blocks the running thread, not alertably, until the client's event or `signal` is set
    /// (WaitForMultipleObjects, any); an auto-reset event is consumed. WSPCleanup has no event to
    /// tell of, and signals instead.
    ///
    /// # Errors
    /// WSA_INVALID_HANDLE.
    fn wait_event(&self, event: EventHandle, signal: &Self::Signal) -> Result<(), WsaError>;

    /// Resets a client's event (WPUResetEvent).
    ///
    /// # Errors
    /// WSA_INVALID_HANDLE.
    fn reset_event(&self, event: EventHandle) -> Result<(), WsaError>;

    /// Sets a client's event (WPUSetEvent).
    ///
    /// # Errors
    /// WSA_INVALID_HANDLE.
    fn set_event(&self, event: EventHandle) -> Result<(), WsaError>;

    /// A new `SOCKET` that carries `context`, under the provider's entry for the protocol
    /// (WPUCreateSocketHandle).
    ///
    /// # Errors
    /// WSAENOBUFS.
    fn create_socket_handle(
        &self,
        family: Family,
        kind: Kind,
        context: usize,
    ) -> Result<SocketHandle, WsaError>;

    /// The context of a `SOCKET` (WPUQuerySocketHandleContext).
    ///
    /// # Errors
    /// WSAENOTSOCK.
    fn socket_context(&self, socket: SocketHandle) -> Result<usize, WsaError>;

    /// Gives a `SOCKET` back (WPUCloseSocketHandle); its value may be used again at once.
    ///
    /// # Errors
    /// WSAENOTSOCK.
    fn close_socket_handle(&self, socket: SocketHandle) -> Result<(), WsaError>;

    /// Queues an APC that calls the provider's `run_apc` with `context` in that thread, when it
    /// waits alertably (WPUQueueApc).
    ///
    /// # Errors
    /// WSAEFAULT when the thread is gone: `run_apc` is then never called with this context.
    //= docs/spec/wspsendto.md#apc-2
    //# A completion routine MUST run only while that thread waits alertably.
    //= docs/spec/wspsendto.md#apc-7
    //# The provider MUST be able to queue the APC from any thread.
    fn queue_apc(&self, thread: &ThreadId, context: usize) -> Result<(), WsaError>;

    //= docs/spec/wspsendto.md#apc-15
    //= type=exception
    //= reason=The association is between ws2_32 and the handle: it refuses the call before a
    //= reason=provider sees it, and tells the provider of no association.
    //# A completion routine on a socket that is associated with a completion port MUST fail with
    //# WSAEINVAL.
    /// Completes an operation without a routine (WPUCompleteOverlappedRequest): stores
    /// `InternalHigh`, then `Internal`, then sets `hEvent` where it is a valid event handle, then
    /// posts a packet where the socket is associated with a completion port, unless the low bit of
    /// `hEvent` is set (EVT-9).
    ///
    /// # Errors
    /// WSAEINVAL when nothing was done.
    fn complete_overlapped(
        &self,
        socket: SocketHandle,
        overlapped: UserPtr,
        error: u32,
        bytes: u32,
    ) -> Result<(), WsaError>;

    /// Posts a message to a window (WPUPostMessage). `false` when it could not be posted; there is
    /// no error code.
    fn post_message(
        &self,
        window: WindowHandle,
        message: u32,
        wparam: usize,
        lparam: usize,
    ) -> bool;

    /// The blocking hook that a blocking call of the running thread has to call, if there is one
    /// (WPUQueryBlockingCallback).
    fn blocking_hook(&self) -> Option<BlockingHook>;

    /// Calls the blocking hook in the running thread. `false` when the call was cancelled through
    /// WSPCancelBlockingCall.
    fn call_blocking_hook(&self, hook: BlockingHook) -> bool;

    /// Whether the running thread is inside of a blocking hook.
    fn in_blocking_hook(&self) -> bool;

    /// Calls the client's condition function in the running thread, with a WSABUF for each address
    /// and null for everything else. Gives CF_ACCEPT, CF_REJECT or CF_DEFER.
    fn call_condition(&self, call: &ConditionCall) -> i32;

    /// Calls the client's completion routine in the running thread. Only ever reached from
    /// `run_apc`.
    fn call_routine(
        &self,
        routine: Routine,
        error: u32,
        bytes: u32,
        overlapped: UserPtr,
        flags: u32,
    );
}

/// What a host's worker thread brings to a provider, through
/// [`ServiceProvider::service`](crate::ServiceProvider::service).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A transport socket is ready.
    Ready(Token, crate::Readiness),
    /// A timer fired.
    Timer(Token),
    /// A thread of the process ended: all I/O that it started is cancelled.
    ThreadExited(ThreadKey),
}

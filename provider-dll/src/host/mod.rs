//! Windows behind the core's seams.

mod event;
mod lock;
pub(crate) mod threads;

use core::ffi::c_void;
use core::net::SocketAddr;
use core::ptr;
use std::sync::Arc;

use provider_core::{
    BlockingHook, CatalogEntry, ConditionCall, EventHandle, Family, Host, Kind, Routine,
    ServiceProvider as _, SocketHandle, ThreadId, ThreadKey, Token, UserPtr, WaitEnd, WindowHandle,
    WsaError, layout,
};
use windows_sys::Win32::Foundation::{WAIT_FAILED, WAIT_IO_COMPLETION, WAIT_TIMEOUT};
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcessId, INFINITE, WaitForMultipleObjects, WaitForSingleObjectEx,
};

pub(crate) use event::AutoEvent;
pub(crate) use lock::{Locked, SrwLock};

use crate::guard::alone;
use crate::instance::with_core;
use crate::lower::{Lower, NextProvider};
use crate::memory::ProcessMemory;
use crate::upcalls::Upcalls;
use crate::worker::Worker;

/// The host of the one core of the process.
pub(crate) struct WindowsHost {
    memory: ProcessMemory,
    lower: Lower,
    /// The table of the latest WSPStartup, and the core's life that it was for.
    upcalls: Locked<Option<(u32, Upcalls)>>,
    worker: Arc<Worker>,
}

impl WindowsHost {
    pub(crate) fn new(worker: &Arc<Worker>) -> Self {
        Self {
            memory: ProcessMemory,
            lower: Lower::new(worker),
            upcalls: Locked::new(None),
            worker: Arc::clone(worker),
        }
    }

    pub(crate) fn lower(&self) -> &Lower {
        &self.lower
    }

    /// A WSPStartup succeeded: its upcalls are the ones to use from here on.
    pub(crate) fn begin(&self, life: u32, upcalls: Upcalls, next: NextProvider) {
        self.lower.add(life, next);
        *self.upcalls.lock() = Some((life, upcalls));
    }

    /// A WSPCleanup has returned from the core: what is of another life than this goes.
    pub(crate) fn keep_only(&self, life: Option<u32>) {
        self.lower.keep_only(life);
        self.upcalls.lock().take_if(|(of, _)| Some(*of) != life);
    }

    /// A copy: no lock is held while an upcall runs.
    fn upcalls(&self) -> Result<Upcalls, WsaError> {
        self.upcalls.lock().map(|(_, upcalls)| upcalls).ok_or(WsaError::WSANOTINITIALISED)
    }
}

/// Nanoseconds of the performance counter.
pub(crate) fn now_ns() -> u64 {
    const SECOND: u128 = 1_000_000_000;
    let (mut count, mut frequency) = (0, 0);
    // SAFETY: both fill a number.
    unsafe {
        QueryPerformanceCounter(&raw mut count);
        QueryPerformanceFrequency(&raw mut frequency);
    }
    u64::try_from(count as u128 * SECOND / (frequency as u128).max(1)).unwrap_or(u64::MAX)
}

/// Milliseconds to wait from now, rounded up so that no wait ends early.
pub(crate) fn milliseconds_until(deadline_ns: Option<u64>) -> u32 {
    let Some(deadline) = deadline_ns else { return INFINITE };
    let left = deadline.saturating_sub(now_ns()).div_ceil(1_000_000);
    u32::try_from(left).unwrap_or(INFINITE - 1).min(INFINITE - 1)
}

/// The APC function of every completion: it is given a context of the core's.
unsafe extern "system" fn run_apc(context: usize) {
    with_core(|core| alone(|| core.run_apc(context)));
}

fn sockaddr_buffer(bytes: &mut [u8]) -> ws::WSABUF {
    ws::WSABUF { len: bytes.len() as u32, buf: bytes.as_mut_ptr() }
}

impl Host for WindowsHost {
    type RawMutex = SrwLock;
    type Signal = AutoEvent;
    type Memory = ProcessMemory;
    type Transport = Lower;

    fn memory(&self) -> &ProcessMemory {
        &self.memory
    }

    fn transport(&self) -> &Lower {
        &self.lower
    }

    fn process_id(&self) -> u32 {
        // SAFETY: asks for a number.
        unsafe { GetCurrentProcessId() }
    }

    fn catalog_entry(&self, family: Family, kind: Kind) -> CatalogEntry {
        self.lower.catalog_entry(family, kind)
    }

    fn current_thread(&self) -> ThreadKey {
        threads::current()
    }

    fn now_ns(&self) -> u64 {
        now_ns()
    }

    fn set_timer(&self, token: Token, at_ns: u64) {
        self.worker.set_timer(token, at_ns);
    }

    fn new_signal(&self) -> AutoEvent {
        AutoEvent::new()
    }

    fn signal(&self, signal: &AutoEvent) {
        signal.set();
    }

    fn wait(&self, signal: &AutoEvent, deadline_ns: Option<u64>) -> WaitEnd {
        // SAFETY: an event of ours.
        match unsafe { WaitForSingleObjectEx(signal.handle(), milliseconds_until(deadline_ns), 1) }
        {
            WAIT_IO_COMPLETION => WaitEnd::ApcsRan,
            WAIT_TIMEOUT => WaitEnd::TimedOut,
            _ => WaitEnd::Signalled,
        }
    }

    fn wait_event(&self, event: EventHandle, signal: &AutoEvent) -> Result<(), WsaError> {
        let handles = [(event.0 & !3) as *mut c_void, signal.handle()];
        // SAFETY: a handle that is none makes the wait fail.
        match unsafe { WaitForMultipleObjects(2, handles.as_ptr(), 0, INFINITE) } {
            WAIT_FAILED => Err(WsaError::WSA_INVALID_HANDLE),
            _ => Ok(()),
        }
    }

    fn reset_event(&self, event: EventHandle) -> Result<(), WsaError> {
        self.upcalls()?.reset_event(event)
    }

    fn set_event(&self, event: EventHandle) -> Result<(), WsaError> {
        self.upcalls()?.set_event(event)
    }

    fn create_socket_handle(
        &self,
        family: Family,
        kind: Kind,
        context: usize,
    ) -> Result<SocketHandle, WsaError> {
        let entry = self.lower.catalog_entry(family, kind);
        self.upcalls()?.create_socket_handle(entry.id, context)
    }

    fn socket_context(&self, socket: SocketHandle) -> Result<usize, WsaError> {
        self.upcalls()?.socket_context(socket)
    }

    fn close_socket_handle(&self, socket: SocketHandle) -> Result<(), WsaError> {
        self.upcalls()?.close_socket_handle(socket)
    }

    fn queue_apc(&self, thread: &ThreadId, context: usize) -> Result<(), WsaError> {
        self.upcalls()?.queue_apc(thread, run_apc, context)
    }

    fn complete_overlapped(
        &self,
        socket: SocketHandle,
        overlapped: UserPtr,
        error: u32,
        bytes: u32,
    ) -> Result<(), WsaError> {
        self.upcalls()?.complete_overlapped(socket, overlapped, error, bytes)
    }

    fn post_message(
        &self,
        window: WindowHandle,
        message: u32,
        wparam: usize,
        lparam: usize,
    ) -> bool {
        self.upcalls().is_ok_and(|upcalls| upcalls.post_message(window, message, wparam, lparam))
    }

    fn blocking_hook(&self) -> Option<BlockingHook> {
        self.upcalls().ok()?.blocking_hook()
    }

    fn call_blocking_hook(&self, hook: BlockingHook) -> bool {
        // SAFETY: the address that WPUQueryBlockingCallback gave as an LPBLOCKINGCALLBACK; null is
        // no hook and never gets here.
        let callback = unsafe {
            core::mem::transmute::<usize, unsafe extern "system" fn(usize) -> i32>(hook.callback)
        };
        // SAFETY: client code with its own context.
        threads::during_hook(|| unsafe { callback(hook.context) != 0 })
    }

    fn in_blocking_hook(&self) -> bool {
        threads::in_hook()
    }

    fn call_condition(&self, call: &ConditionCall) -> i32 {
        let (mut caller, caller_len) = encode(&call.caller);
        let (mut callee, callee_len) = encode(&call.callee);
        let mut caller_id = sockaddr_buffer(&mut caller[..caller_len]);
        let mut callee_id = sockaddr_buffer(&mut callee[..callee_len]);
        // SAFETY: the client's LPCONDITIONPROC; null is none and never gets here.
        let condition =
            unsafe { core::mem::transmute::<usize, ws::LPCONDITIONPROC>(call.condition.0) };
        let Some(condition) = condition else { return ws::CF_ACCEPT as i32 };
        // SAFETY: client code; what it is given outlives the call.
        unsafe {
            condition(
                &raw mut caller_id,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                &raw mut callee_id,
                ptr::null_mut(),
                ptr::null_mut(),
                call.callback_data,
            )
        }
    }

    fn call_routine(
        &self,
        routine: Routine,
        error: u32,
        bytes: u32,
        overlapped: UserPtr,
        flags: u32,
    ) {
        // SAFETY: the client's completion routine; null is none and never gets here.
        let code = unsafe {
            core::mem::transmute::<usize, ws::LPWSAOVERLAPPED_COMPLETION_ROUTINE>(routine.0)
        };
        if let Some(code) = code {
            let at = ptr::with_exposed_provenance_mut(overlapped.0);
            // SAFETY: client code, in the thread that it asked for it in.
            unsafe { code(error, bytes, at, flags) };
        }
    }
}

fn encode(address: &SocketAddr) -> ([u8; layout::SOCKADDR_IN6], usize) {
    layout::encode_sockaddr(address)
}

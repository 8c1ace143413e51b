//! The upcall table: what ws2_32 does for a provider.

use core::ffi::c_void;
use core::ptr;

use provider_core::{
    BlockingHook, EventHandle, SocketHandle, ThreadId, UserPtr, WindowHandle, WsaError,
};
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::IO::OVERLAPPED;
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleA, GetProcAddress};
use windows_sys::Win32::System::Threading::{ResetEvent, SetEvent};
use windows_sys::core::{GUID, s};

/// The export that a test host has under this name takes the place of ws2_32's
/// WPUCompleteOverlappedRequest, which is no entry of the table.
const OVERRIDE: *const u8 = s!("wsphost_WPUCompleteOverlappedRequest");

type CompleteOverlapped =
    unsafe extern "system" fn(ws::SOCKET, *mut OVERLAPPED, u32, u32, *mut i32) -> i32;

/// The table of the latest WSPStartup, by value, and what is resolved beside it.
#[derive(Clone, Copy)]
pub(crate) struct Upcalls {
    table: ws::WSPUPCALLTABLE,
    complete: CompleteOverlapped,
    /// `dwCatalogEntryId` of the provider's own entry.
    catalog_entry: u32,
}

/// What an upcall with `lpErrno` left there.
fn result(failed: bool, errno: i32) -> Result<(), WsaError> {
    if failed {
        Err(WsaError(if errno == 0 { ws::WSASYSCALLFAILURE } else { errno }))
    } else {
        Ok(())
    }
}

fn id_of(thread: &ThreadId) -> ws::WSATHREADID {
    ws::WSATHREADID { ThreadHandle: thread.handle as *mut c_void, Reserved: thread.reserved }
}

impl Upcalls {
    /// Keeps `table`.
    ///
    /// # Errors
    /// WSAEFAULT when one that a provider cannot do without is missing, or nothing completes
    /// overlapped requests.
    pub(crate) fn new(table: ws::WSPUPCALLTABLE, catalog_entry: u32) -> Result<Self, WsaError> {
        let whole = table.lpWPUCreateSocketHandle.is_some()
            && table.lpWPUCloseSocketHandle.is_some()
            && table.lpWPUQuerySocketHandleContext.is_some()
            && table.lpWPUQueueApc.is_some()
            && table.lpWPUQueryBlockingCallback.is_some()
            && table.lpWPUPostMessage.is_some();
        let complete = resolve_complete().filter(|_| whole).ok_or(WsaError::WSAEFAULT)?;
        Ok(Self { table, complete, catalog_entry })
    }

    pub(crate) fn create_socket_handle(&self, context: usize) -> Result<SocketHandle, WsaError> {
        let Some(create) = self.table.lpWPUCreateSocketHandle else {
            return Err(WsaError::WSAENOBUFS);
        };
        let mut errno = 0;
        // SAFETY: an upcall of ws2_32's with its own signature; `errno` outlives it.
        let socket = unsafe { create(self.catalog_entry, context, &raw mut errno) };
        result(socket == ws::INVALID_SOCKET, errno).map(|()| SocketHandle(socket))
    }

    pub(crate) fn close_socket_handle(&self, socket: SocketHandle) -> Result<(), WsaError> {
        let Some(close) = self.table.lpWPUCloseSocketHandle else {
            return Err(WsaError::WSAENOTSOCK);
        };
        let mut errno = 0;
        // SAFETY: as above.
        let value = unsafe { close(socket.0, &raw mut errno) };
        result(value != 0, errno)
    }

    pub(crate) fn socket_context(&self, socket: SocketHandle) -> Result<usize, WsaError> {
        let Some(query) = self.table.lpWPUQuerySocketHandleContext else {
            return Err(WsaError::WSAENOTSOCK);
        };
        let (mut context, mut errno) = (0, 0);
        // SAFETY: as above; `context` outlives it too.
        let value = unsafe { query(socket.0, &raw mut context, &raw mut errno) };
        result(value != 0, errno).map(|()| context)
    }

    pub(crate) fn queue_apc(
        &self,
        thread: &ThreadId,
        apc: unsafe extern "system" fn(usize),
        context: usize,
    ) -> Result<(), WsaError> {
        let Some(queue) = self.table.lpWPUQueueApc else { return Err(WsaError::WSAEFAULT) };
        let (id, mut errno) = (id_of(thread), 0);
        // SAFETY: as above; the identity is a copy that outlives the call (APC-6).
        let value = unsafe { queue(&raw const id, Some(apc), context, &raw mut errno) };
        result(value != 0, errno)
    }

    pub(crate) fn complete_overlapped(
        &self,
        socket: SocketHandle,
        overlapped: UserPtr,
        error: u32,
        bytes: u32,
    ) -> Result<(), WsaError> {
        let mut errno = 0;
        // SAFETY: resolved by its name; the OVERLAPPED is the system's until this returns.
        let value = unsafe {
            (self.complete)(
                socket.0,
                ptr::with_exposed_provenance_mut(overlapped.0),
                error,
                bytes,
                &raw mut errno,
            )
        };
        // Wine's stub returns 0 and leaves an error: it did nothing.
        result(value != 0 || errno != 0, errno)
    }

    pub(crate) fn set_event(&self, event: EventHandle) -> Result<(), WsaError> {
        self.event(event, self.table.lpWPUSetEvent, SetEvent)
    }

    pub(crate) fn reset_event(&self, event: EventHandle) -> Result<(), WsaError> {
        self.event(event, self.table.lpWPUResetEvent, ResetEvent)
    }

    /// These two upcalls are optional: a provider may use the native call.
    fn event(
        &self,
        event: EventHandle,
        upcall: Option<unsafe extern "system" fn(ws::WSAEVENT, *mut i32) -> i32>,
        native: unsafe extern "system" fn(*mut c_void) -> i32,
    ) -> Result<(), WsaError> {
        // The low bits are the client's (EVT-9).
        let handle = (event.0 & !3) as *mut c_void;
        let mut errno = ws::WSA_INVALID_HANDLE;
        // SAFETY: a handle that is none is refused by either.
        let done = unsafe {
            match upcall {
                Some(upcall) => upcall(handle as ws::WSAEVENT, &raw mut errno),
                None => native(handle),
            }
        };
        result(done == 0, errno)
    }

    pub(crate) fn post_message(
        &self,
        window: WindowHandle,
        message: u32,
        wparam: usize,
        lparam: usize,
    ) -> bool {
        let Some(post) = self.table.lpWPUPostMessage else { return false };
        // SAFETY: an upcall of ws2_32's with its own signature.
        unsafe { post(window.0 as *mut c_void, message, wparam, lparam as isize) != 0 }
    }

    pub(crate) fn blocking_hook(&self) -> Option<BlockingHook> {
        let query = self.table.lpWPUQueryBlockingCallback?;
        let (mut callback, mut context, mut errno) = (None, 0, 0);
        // SAFETY: as above; all three outlive the call.
        let value = unsafe {
            query(self.catalog_entry, &raw mut callback, &raw mut context, &raw mut errno)
        };
        let callback = callback.filter(|_| value == 0)?;
        Some(BlockingHook { callback: callback as usize, context })
    }

    /// Where the DLL of a provider is, as the catalog has it (not expanded).
    pub(crate) fn provider_path(
        table: &ws::WSPUPCALLTABLE,
        provider: &GUID,
    ) -> Result<Vec<u16>, WsaError> {
        const PATH_MAX: i32 = 260;
        let get = table.lpWPUGetProviderPath.ok_or(WsaError::WSAEFAULT)?;
        let mut path = vec![0; PATH_MAX as usize];
        let (mut len, mut errno) = (PATH_MAX, 0);
        // SAFETY: `path` has `len` words.
        let value = unsafe { get(provider, path.as_mut_ptr(), &raw mut len, &raw mut errno) };
        result(value != 0, errno)?;
        let end = path.iter().position(|word| *word == 0).unwrap_or(path.len());
        path.truncate(end);
        Ok(path)
    }
}

/// The override of the program, else ws2_32's export.
fn resolve_complete() -> Option<CompleteOverlapped> {
    // SAFETY: names are strings that end with a zero; the program is never unloaded, and ws2_32 is
    // loaded while a provider is.
    let found = unsafe {
        GetProcAddress(GetModuleHandleA(ptr::null()), OVERRIDE).or_else(|| {
            let ws2 = GetModuleHandleA(s!("ws2_32.dll"));
            if ws2.is_null() {
                None
            } else {
                GetProcAddress(ws2, s!("WPUCompleteOverlappedRequest"))
            }
        })
    };
    // SAFETY: the export has this signature (ws2spi.h), and so has whoever takes its place.
    found.map(|found| unsafe {
        core::mem::transmute::<unsafe extern "system" fn() -> isize, CompleteOverlapped>(found)
    })
}

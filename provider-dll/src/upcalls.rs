//! The upcall table: what ws2_32 does for a provider.

use core::ffi::c_void;
use core::ptr;

use provider_core::{
    BlockingHook, EventHandle, SocketHandle, ThreadId, UserPtr, WindowHandle, WsaError,
};
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::IO::OVERLAPPED;
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::Win32::System::Threading::{ResetEvent, SetEvent};
use windows_sys::core::GUID;

/// The environment variable that names an export to use in the place of ws2_32's
/// WPUCompleteOverlappedRequest, which is no entry of the table: `module!symbol`, where no module
/// means the program.
const OVERRIDE: &str = "WSPPROVIDER_COMPLETE";

type CompleteOverlapped =
    unsafe extern "system" fn(ws::SOCKET, *mut OVERLAPPED, u32, u32, *mut i32) -> i32;

/// The table of the latest WSPStartup, by value, and what is resolved beside it.
#[derive(Clone, Copy)]
pub(crate) struct Upcalls {
    table: ws::WSPUPCALLTABLE,
    complete: CompleteOverlapped,
    /// `dwCatalogEntryId` of the entry that was started.
    catalog_entry: u32,
}

/// What a function that failed left in `lpErrno`; one that left 0 there is none the better for it.
pub(crate) const fn error_of(errno: i32) -> WsaError {
    WsaError(if errno == 0 { ws::WSASYSCALLFAILURE } else { errno })
}

/// What an upcall with `lpErrno` left there.
fn result(failed: bool, errno: i32) -> Result<(), WsaError> {
    if failed { Err(error_of(errno)) } else { Ok(()) }
}

fn id_of(thread: &ThreadId) -> ws::WSATHREADID {
    ws::WSATHREADID { ThreadHandle: thread.handle as *mut c_void, Reserved: thread.reserved }
}

impl Upcalls {
    /// Keeps `table`, given for the entry `catalog_entry`.
    ///
    /// # Errors
    /// WSAEFAULT when an upcall is missing that a provider cannot do without,
    /// WSAEPROVIDERFAILEDINIT when nothing completes overlapped requests.
    pub(crate) fn new(table: &ws::WSPUPCALLTABLE, catalog_entry: u32) -> Result<Self, WsaError> {
        let whole = table.lpWPUCreateSocketHandle.is_some()
            && table.lpWPUCloseSocketHandle.is_some()
            && table.lpWPUQuerySocketHandleContext.is_some()
            && table.lpWPUQueueApc.is_some()
            && table.lpWPUQueryBlockingCallback.is_some()
            && table.lpWPUPostMessage.is_some();
        if !whole {
            return Err(WsaError::WSAEFAULT);
        }
        let complete = resolve_complete().ok_or(WsaError(ws::WSAEPROVIDERFAILEDINIT))?;
        Ok(Self { table: *table, complete, catalog_entry })
    }

    pub(crate) fn create_socket_handle(
        &self,
        catalog_entry: u32,
        context: usize,
    ) -> Result<SocketHandle, WsaError> {
        let Some(create) = self.table.lpWPUCreateSocketHandle else {
            return Err(WsaError::WSAENOBUFS);
        };
        let mut errno = 0;
        // SAFETY: an upcall of ws2_32's with its own signature; `errno` outlives it.
        let socket = unsafe { create(catalog_entry, context, &raw mut errno) };
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
        result(value != 0, errno)
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
}

/// Where the DLL of a provider is, as the catalogue has it: environment strings are not replaced.
pub(crate) fn provider_path(
    table: &ws::WSPUPCALLTABLE,
    provider: &GUID,
) -> Result<Vec<u16>, WsaError> {
    const PATH_MAX: i32 = 260;
    let get = table.lpWPUGetProviderPath.ok_or(WsaError::WSAEFAULT)?;
    let mut path = vec![0; PATH_MAX as usize];
    let (mut len, mut errno) = (PATH_MAX, 0);
    // SAFETY: an upcall of ws2_32's with its own signature; `path` has `len` words.
    let value = unsafe { get(provider, path.as_mut_ptr(), &raw mut len, &raw mut errno) };
    result(value != 0, errno)?;
    // A host that says that it did, and has not, leaves no path.
    let end = path.iter().position(|word| *word == 0).unwrap_or(path.len());
    if end == 0 {
        return Err(WsaError(ws::WSAEPROVIDERFAILEDINIT));
    }
    path.truncate(end);
    Ok(path)
}

/// What WSPPROVIDER_COMPLETE names, else ws2_32's export. Wine's is a stub that completes nothing,
/// and is not used.
fn resolve_complete() -> Option<CompleteOverlapped> {
    let found = match std::env::var(OVERRIDE) {
        Ok(named) => {
            let (module, symbol) = named.split_once('!')?;
            export(module, symbol)
        }
        Err(_) if is_wine() => None,
        Err(_) => export("ws2_32.dll", "WPUCompleteOverlappedRequest"),
    };
    // SAFETY: the export has this signature (ws2spi.h), and so has whoever takes its place.
    found.map(|found| unsafe { core::mem::transmute::<Export, CompleteOverlapped>(found) })
}

type Export = unsafe extern "system" fn() -> isize;

/// An export of a module that is loaded; no name means the program.
fn export(module: &str, symbol: &str) -> Option<Export> {
    let name: Vec<u16> = module.encode_utf16().chain([0]).collect();
    let symbol: Vec<u8> = symbol.bytes().chain([0]).collect();
    // SAFETY: both names end with a zero.
    unsafe {
        let program = module.is_empty();
        let loaded = GetModuleHandleW(if program { ptr::null() } else { name.as_ptr() });
        if loaded.is_null() { None } else { GetProcAddress(loaded, symbol.as_ptr()) }
    }
}

fn is_wine() -> bool {
    export("ntdll.dll", "wine_get_version").is_some()
}

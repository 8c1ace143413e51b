//! Event objects: the system's own.

use core::ptr;

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::Threading::{CreateEventW, ResetEvent, SetEvent};
use windows_sys::core::BOOL;

use super::fail;
use super::strict::{self, Upcall};

const FALSE: BOOL = 0;

/// The low bits of a handle are the client's (EVT-9).
const TAG: isize = 3;

pub(crate) unsafe extern "system" fn create_event(errno: *mut i32) -> ws::WSAEVENT {
    if let Some(error) = strict::refuses(Upcall::CreateEvent) {
        // SAFETY: the provider's lpErrno.
        unsafe { fail(errno, error) };
        return 0;
    }
    // SAFETY: no name, no attributes.
    unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) as ws::WSAEVENT }
}

/// An upcall on an event.
///
/// # Safety
/// `errno` is null or writable.
unsafe fn on_event(
    upcall: Upcall,
    event: ws::WSAEVENT,
    errno: *mut i32,
    act: unsafe extern "system" fn(HANDLE) -> BOOL,
) -> BOOL {
    let refused = strict::refuses(upcall);
    // SAFETY: what is no handle of an event is refused by the system.
    if refused.is_none() && unsafe { act((event & !TAG) as HANDLE) } != FALSE {
        return 1;
    }
    // SAFETY: as the caller says.
    unsafe { fail(errno, refused.unwrap_or(ws::WSA_INVALID_HANDLE)) };
    FALSE
}

pub(crate) unsafe extern "system" fn close_event(event: ws::WSAEVENT, errno: *mut i32) -> BOOL {
    // SAFETY: the provider's lpErrno.
    unsafe { on_event(Upcall::CloseEvent, event, errno, CloseHandle) }
}

pub(crate) unsafe extern "system" fn set_event(event: ws::WSAEVENT, errno: *mut i32) -> BOOL {
    // SAFETY: the provider's lpErrno.
    unsafe { on_event(Upcall::SetEvent, event, errno, SetEvent) }
}

pub(crate) unsafe extern "system" fn reset_event(event: ws::WSAEVENT, errno: *mut i32) -> BOOL {
    // SAFETY: the provider's lpErrno.
    unsafe { on_event(Upcall::ResetEvent, event, errno, ResetEvent) }
}

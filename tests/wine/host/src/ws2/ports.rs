//! Completion ports. The ports are the system's; which SOCKET is associated with which is kept
//! here, since a SOCKET of a non-IFS provider is no handle that the system knows.

use core::ffi::c_void;
use core::ptr;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use provider_core::UserPtr;
use windows_sys::Win32::Foundation::{
    CloseHandle, GetLastError, HANDLE, INVALID_HANDLE_VALUE, WAIT_TIMEOUT,
};
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::IO::{
    CreateIoCompletionPort, GetQueuedCompletionStatus, OVERLAPPED, PostQueuedCompletionStatus,
};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleA, GetProcAddress};
use windows_sys::core::s;

use super::{Locked, handles};

/// By SOCKET: the port and the key.
static ASSOCIATIONS: Locked<BTreeMap<ws::SOCKET, (usize, usize)>> = Locked::new(BTreeMap::new());

/// What comes out of a port.
pub(crate) struct Packet {
    pub(crate) key: usize,
    pub(crate) overlapped: UserPtr,
    pub(crate) bytes: u32,
    pub(crate) failed: bool,
}

/// NtSetIoCompletion: posts a packet with a status, which PostQueuedCompletionStatus cannot.
type SetIoCompletion = unsafe extern "system" fn(HANDLE, usize, *mut OVERLAPPED, i32, usize) -> i32;

fn set_io_completion() -> Option<SetIoCompletion> {
    static FOUND: OnceLock<Option<SetIoCompletion>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        // SAFETY: ntdll is in every process, and the export has this signature.
        unsafe {
            let found = GetProcAddress(GetModuleHandleA(s!("ntdll.dll")), s!("NtSetIoCompletion"))?;
            Some(core::mem::transmute::<unsafe extern "system" fn() -> isize, SetIoCompletion>(
                found,
            ))
        }
    })
}

/// A new port.
pub(crate) fn create() -> usize {
    // SAFETY: no file.
    unsafe { CreateIoCompletionPort(INVALID_HANDLE_VALUE, ptr::null_mut(), 0, 0) as usize }
}

pub(crate) fn close(port: usize) {
    // SAFETY: a port of ours.
    unsafe { CloseHandle(port as HANDLE) };
}

/// Associates a SOCKET that is open and has no port yet.
pub(crate) fn associate(port: usize, socket: ws::SOCKET, key: usize) -> bool {
    if !handles::is_open(socket) {
        return false;
    }
    let mut associations = ASSOCIATIONS.lock();
    if associations.contains_key(&socket) {
        return false;
    }
    associations.insert(socket, (port, key));
    true
}

/// A SOCKET was closed.
pub(crate) fn dissociate(socket: ws::SOCKET) {
    ASSOCIATIONS.lock().remove(&socket);
}

/// The port and the key of a SOCKET.
pub(crate) fn of(socket: ws::SOCKET) -> Option<(usize, usize)> {
    ASSOCIATIONS.lock().get(&socket).copied()
}

/// Posts the packet of an operation.
pub(crate) fn post(
    (port, key): (usize, usize),
    overlapped: *mut OVERLAPPED,
    error: u32,
    bytes: u32,
) {
    // Any status of severity "error" makes GetQueuedCompletionStatus fail.
    let status = if error == 0 { 0 } else { (0xc000_0000_u32 | error) as i32 };
    // SAFETY: a port of ours; the OVERLAPPED is only passed on.
    unsafe {
        match set_io_completion() {
            Some(set) => {
                set(port as HANDLE, key, overlapped, status, bytes as usize);
            }
            None => {
                PostQueuedCompletionStatus(port as HANDLE, bytes, key, overlapped);
            }
        }
    }
}

/// Takes the next packet.
pub(crate) fn next(port: usize, milliseconds: u32) -> Option<Packet> {
    let (mut bytes, mut key) = (0, 0);
    let mut overlapped: *mut OVERLAPPED = ptr::null_mut();
    // SAFETY: a port of ours, and room for what comes out.
    let done = unsafe {
        GetQueuedCompletionStatus(
            port as HANDLE,
            &raw mut bytes,
            &raw mut key,
            &raw mut overlapped,
            milliseconds,
        )
    };
    // SAFETY: no arguments.
    let nothing = done == 0 && overlapped.is_null() && unsafe { GetLastError() } == WAIT_TIMEOUT;
    if nothing || overlapped.is_null() {
        return None;
    }
    let overlapped = UserPtr(overlapped.cast::<c_void>() as usize);
    Some(Packet { key, overlapped, bytes, failed: done == 0 })
}

//! Network events, and the functions that a provider above has no use for.

use windows_sys::Win32::Foundation::{HANDLE, HWND};
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::IO::OVERLAPPED;
use windows_sys::core::{BOOL, PCWSTR, PWSTR};

use crate::result::{Outcome, checked, give, give_socket};
use crate::sockets;

pub(crate) unsafe extern "system" fn event_select(
    s: ws::SOCKET,
    event: ws::WSAEVENT,
    events: i32,
    errno: *mut i32,
) -> i32 {
    // SAFETY: the caller's event and lpErrno.
    unsafe {
        let result = sockets::real(s)
            .and_then(|real| checked(ws::WSAEventSelect(real, event, events)))
            .and_then(|()| sockets::selected(s, event as usize));
        give(result, errno)
    }
}

fn events_of(s: ws::SOCKET) -> Outcome<ws::WSANETWORKEVENTS> {
    let mut events = ws::WSANETWORKEVENTS::default();
    if let Ok(real) = sockets::real(s) {
        // SAFETY: a socket of ours, no event, and the structure that it fills.
        checked(unsafe { ws::WSAEnumNetworkEvents(real, 0, &raw mut events) })?;
    }
    sockets::collect(s, &mut events)?;
    Ok(events)
}

pub(crate) unsafe extern "system" fn enum_network_events(
    s: ws::SOCKET,
    event: HANDLE,
    events: *mut ws::WSANETWORKEVENTS,
    errno: *mut i32,
) -> i32 {
    // SAFETY: the caller's event, structure and lpErrno.
    unsafe {
        if !event.is_null() {
            ws::WSAResetEvent(event as ws::WSAEVENT);
        }
        give(events_of(s).map(|found| *events = found), errno)
    }
}

/// What no provider above asks of this one.
macro_rules! refused {
    ($($name:ident($($argument:ty),*);)*) => {$(
        pub(crate) unsafe extern "system" fn $name($(_: $argument,)* errno: *mut i32) -> i32 {
            // SAFETY: the caller's lpErrno.
            unsafe { give(Err(ws::WSAEOPNOTSUPP), errno) }
        }
    )*};
}

refused! {
    async_select(ws::SOCKET, HWND, u32, i32);
    duplicate_socket(ws::SOCKET, u32, *mut ws::WSAPROTOCOL_INFOW);
    recv_disconnect(ws::SOCKET, *const ws::WSABUF);
    send_disconnect(ws::SOCKET, *const ws::WSABUF);
    select(i32, *mut ws::FD_SET, *mut ws::FD_SET, *mut ws::FD_SET, *const ws::TIMEVAL);
    address_to_string(*const ws::SOCKADDR, u32, *const ws::WSAPROTOCOL_INFOW, PWSTR, *mut u32);
    string_to_address(PCWSTR, i32, *const ws::WSAPROTOCOL_INFOW, *mut ws::SOCKADDR, *mut i32);
}

pub(crate) unsafe extern "system" fn cancel_blocking_call(errno: *mut i32) -> i32 {
    // SAFETY: the caller's lpErrno.
    unsafe { give(Err(ws::WSAEINVAL), errno) }
}

pub(crate) unsafe extern "system" fn get_overlapped_result(
    _s: ws::SOCKET,
    _overlapped: *const OVERLAPPED,
    _transferred: *mut u32,
    _wait: BOOL,
    _flags: *mut u32,
    errno: *mut i32,
) -> BOOL {
    // SAFETY: the caller's lpErrno.
    unsafe { give(Err(ws::WSAEOPNOTSUPP), errno) };
    0
}

pub(crate) unsafe extern "system" fn get_qos_by_name(
    _s: ws::SOCKET,
    _name: *const ws::WSABUF,
    _qos: *mut ws::QOS,
    errno: *mut i32,
) -> BOOL {
    // SAFETY: the caller's lpErrno.
    unsafe { give(Err(ws::WSAEOPNOTSUPP), errno) };
    0
}

#[allow(clippy::too_many_arguments, reason = "the SPI has these arguments")]
pub(crate) unsafe extern "system" fn join_leaf(
    _s: ws::SOCKET,
    _name: *const ws::SOCKADDR,
    _len: i32,
    _caller: *const ws::WSABUF,
    _callee: *mut ws::WSABUF,
    _sqos: *const ws::QOS,
    _gqos: *const ws::QOS,
    _flags: u32,
    errno: *mut i32,
) -> ws::SOCKET {
    // SAFETY: the caller's lpErrno.
    unsafe { give_socket(Err(ws::WSAEOPNOTSUPP), errno) }
}

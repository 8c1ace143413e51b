//! Results as the SPI gives them.

use windows_sys::Win32::Networking::WinSock as ws;

/// A result with a Winsock error.
pub(crate) type Outcome<T = ()> = Result<T, i32>;

/// The thread's last Winsock error.
pub(crate) fn last() -> i32 {
    // SAFETY: no arguments.
    unsafe { ws::WSAGetLastError() }
}

/// The result of a Winsock call that gives SOCKET_ERROR on failure.
pub(crate) fn checked(value: i32) -> Outcome {
    if value == ws::SOCKET_ERROR { Err(last()) } else { Ok(()) }
}

/// The result of one that gives a socket.
pub(crate) fn opened(socket: ws::SOCKET) -> Outcome<ws::SOCKET> {
    if socket == ws::INVALID_SOCKET { Err(last()) } else { Ok(socket) }
}

/// Stores what went wrong, and gives 0 or SOCKET_ERROR.
///
/// # Safety
/// `errno` is writable.
pub(crate) unsafe fn give(result: Outcome, errno: *mut i32) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        match result {
            Ok(()) => {
                *errno = 0;
                0
            }
            Err(error) => {
                *errno = error;
                ws::SOCKET_ERROR
            }
        }
    }
}

/// Stores what went wrong, and gives the socket or INVALID_SOCKET.
///
/// # Safety
/// `errno` is writable.
pub(crate) unsafe fn give_socket(result: Outcome<ws::SOCKET>, errno: *mut i32) -> ws::SOCKET {
    // SAFETY: as the caller says.
    unsafe {
        match result {
            Ok(socket) => {
                *errno = 0;
                socket
            }
            Err(error) => {
                *errno = error;
                ws::INVALID_SOCKET
            }
        }
    }
}

//! Opening, binding, connecting and closing, for as long as faults get in the way.

use core::net::SocketAddr;

use provider_core::spi::{SOCK_DGRAM, SOCK_STREAM, WSA_FLAG_OVERLAPPED};
use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::Os;

use super::codes::{is_connect_failure, is_transient, unexpected};
use super::draw::{Ip, any};
use super::slot::pause;

/// WSAStartup, which no fault touches.
pub(crate) fn startup(os: &Os) {
    if let Err(error) = os.wsa_startup() {
        unexpected(os, "WSAStartup", error);
    }
}

/// A socket of that kind, made with `flags`, however long it takes.
pub(crate) fn open_as(os: &Os, ip: Ip, kind: i32, flags: u32) -> SocketHandle {
    loop {
        match os.wsa_socket(ip.af(), kind, 0, flags) {
            Ok(s) => return s,
            Err(error) if is_transient(error) || error == E::WSAEMFILE => pause(os, 5),
            Err(error) => {
                unexpected(os, "socket", error);
                pause(os, 1000);
            }
        }
    }
}

/// A socket of `kind` bound to `port` of ADDR_ANY, however long it takes.
pub(crate) fn open_bound(os: &Os, ip: Ip, kind: i32, port: u16) -> SocketHandle {
    bound_as(os, ip, kind, port, WSA_FLAG_OVERLAPPED)
}

/// The same of one made with `flags`.
pub(crate) fn bound_as(os: &Os, ip: Ip, kind: i32, port: u16, flags: u32) -> SocketHandle {
    loop {
        let s = open_as(os, ip, kind, flags);
        match os.bind(s, any(ip, port)) {
            Ok(()) => return s,
            // An earlier socket may still be passing its data on.
            Err(E::WSAEADDRINUSE) if port != 0 => {}
            Err(error) if is_transient(error) => {}
            // Somebody closed it.
            Err(E::WSAENOTSOCK) => {}
            Err(error) => unexpected(os, "bind", error),
        }
        close(os, s);
        pause(os, 10);
    }
}

/// A bound datagram socket.
pub(crate) fn open_datagram(os: &Os, ip: Ip, port: u16) -> SocketHandle {
    open_bound(os, ip, SOCK_DGRAM, port)
}

/// Tries once to connect a stream to `to`.
pub(crate) fn connect_once(os: &Os, ip: Ip, to: SocketAddr) -> Option<SocketHandle> {
    let s = open_as(os, ip, SOCK_STREAM, WSA_FLAG_OVERLAPPED);
    match os.connect(s, to) {
        Ok(()) => return Some(s),
        Err(error) if is_connect_failure(error) => {}
        Err(error) => unexpected(os, "connect", error),
    }
    close(os, s);
    None
}

/// Closes a socket, unless somebody did.
pub(crate) fn close(os: &Os, s: SocketHandle) {
    loop {
        match os.closesocket(s) {
            Ok(()) | Err(E::WSAENOTSOCK | E::WSAEINTR | E::WSANOTINITIALISED) => return,
            // Nonblocking and lingering: the handle is still there.
            Err(E::WSAEWOULDBLOCK) => pause(os, 10),
            Err(error) => return unexpected(os, "closesocket", error),
        }
    }
}

/// The last WSACleanup.
pub(crate) fn cleanup(os: &Os) {
    if let Err(error) = os.wsa_cleanup() {
        unexpected(os, "WSACleanup", error);
    }
}

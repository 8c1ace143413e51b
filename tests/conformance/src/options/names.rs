//! The options that a socket has, and one value of each that is not its default.

use provider_core::spi::{
    IPPROTO_TCP, SO_BROADCAST, SO_DEBUG, SO_DONTLINGER, SO_DONTROUTE, SO_EXCLUSIVEADDRUSE,
    SO_KEEPALIVE, SO_LINGER, SO_OOBINLINE, SO_RCVBUF, SO_RCVTIMEO, SO_REUSEADDR, SO_SNDBUF,
    SO_SNDTIMEO, SOL_SOCKET, TCP_NODELAY,
};

/// An option: level, name, default, and another value.
#[derive(Clone, Copy)]
pub(super) struct Named {
    pub(super) level: i32,
    pub(super) name: i32,
    pub(super) default: u32,
    pub(super) other: u32,
}

const fn of(level: i32, name: i32, default: u32, other: u32) -> Named {
    Named { level, name, default, other }
}

/// Options of four bytes that every socket has and that can be set.
const COMMON: [Named; 8] = [
    of(SOL_SOCKET, SO_SNDBUF, 65_536, 1_234),
    of(SOL_SOCKET, SO_RCVBUF, 65_536, 5_678),
    of(SOL_SOCKET, SO_SNDTIMEO, 0, 70),
    of(SOL_SOCKET, SO_RCVTIMEO, 0, 80),
    of(SOL_SOCKET, SO_REUSEADDR, 0, 1),
    of(SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 0, 1),
    of(SOL_SOCKET, SO_DEBUG, 0, 1),
    of(SOL_SOCKET, SO_DONTROUTE, 0, 1),
];

/// Those that streams have.
pub(super) const STREAM: [Named; 5] = [
    of(SOL_SOCKET, SO_KEEPALIVE, 0, 1),
    of(SOL_SOCKET, SO_OOBINLINE, 0, 1),
    // Three seconds.
    of(SOL_SOCKET, SO_LINGER, 0, 0x0003_0001),
    of(SOL_SOCKET, SO_DONTLINGER, 1, 0),
    of(IPPROTO_TCP, TCP_NODELAY, 0, 1),
];

/// Those that datagram sockets have.
pub(super) const DATAGRAM: [Named; 1] = [of(SOL_SOCKET, SO_BROADCAST, 0, 1)];

/// Those of a stream, or of a datagram socket.
pub(super) fn all(stream: bool) -> Vec<Named> {
    let own: &[Named] = if stream { &STREAM } else { &DATAGRAM };
    [&COMMON[..], own].concat()
}

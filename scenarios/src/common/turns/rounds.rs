//! What the clients of nonblocking scenarios have in common: their rounds and their sockets.

use core::net::SocketAddr;

use provider_core::spi::{SO_RCVBUF, SO_SNDBUF, SOCK_DGRAM, SOCK_STREAM, WSA_FLAG_OVERLAPPED};
use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::Os;

use super::{AskingEnd, Turn};
use crate::common::codes::{is_connect_failure, unexpected};
use crate::common::draw::{Ip, between, chance, pick};
use crate::common::looks::set_seen;
use crate::common::retry::{bound_as, cleanup, open_as, startup};
use crate::common::streams::set_nonblocking;

/// A client's main function: some rounds while things go wrong, and one when nothing does any more,
/// each until it succeeds.
pub(crate) fn ask(os: &Os, stream: impl Fn(&Os) -> bool, datagrams: impl Fn(&Os) -> bool) {
    let round = || {
        let mut wait_ms = 20;
        while !(if chance(os, 70) { stream(os) } else { datagrams(os) }) {
            os.sleep(wait_ms);
            wait_ms = (wait_ms * 2).min(1_000);
        }
    };
    startup(os);
    for _ in 0..between(os, 1..=3) {
        round();
    }
    while !os.is_calm() {
        os.sleep(200);
    }
    round();
    cleanup(os);
}

/// Overlapped or not: calls without an OVERLAPPED are the same on both.
fn flags(os: &Os) -> u32 {
    pick(os, &[WSA_FLAG_OVERLAPPED, 0])
}

/// A nonblocking stream socket.
pub(crate) fn stream_socket(os: &Os, ip: Ip) -> SocketHandle {
    let s = open_as(os, ip, SOCK_STREAM, flags(os));
    prepare_stream(os, s);
    set_nonblocking(os, s, true);
    s
}

/// A nonblocking socket to listen with.
pub(crate) fn listening_socket(os: &Os, ip: Ip, port: u16) -> SocketHandle {
    let s = bound_as(os, ip, SOCK_STREAM, port, flags(os));
    prepare_stream(os, s);
    set_nonblocking(os, s, true);
    s
}

fn prepare_stream(os: &Os, s: SocketHandle) {
    set_seen(os, s, SO_SNDBUF, pick(os, &[0, 1, 700, 4_096, 65_536]));
    set_seen(os, s, SO_RCVBUF, pick(os, &[2_048, 16_384]));
}

/// A nonblocking datagram socket.
pub(crate) fn datagram_socket(os: &Os, ip: Ip, port: u16) -> SocketHandle {
    let s = bound_as(os, ip, SOCK_DGRAM, port, flags(os));
    set_seen(os, s, SO_SNDBUF, pick(os, &[0, 600, 65_536]));
    set_nonblocking(os, s, true);
    s
}

/// Begins to connect. Whether it did.
pub(crate) fn connect(os: &Os, s: SocketHandle, to: SocketAddr) -> bool {
    match os.connect(s, to) {
        Ok(()) | Err(E::WSAEWOULDBLOCK) => true,
        Err(error) => {
            if !is_connect_failure(error) {
                unexpected(os, "connect", error);
            }
            false
        }
    }
}

/// What a client has echoed.
pub(crate) fn asking(os: &Os, s: SocketHandle) -> AskingEnd {
    let total = pick(os, &[1, 3_000, 20_000, 60_000]);
    AskingEnd::new(os, s, total, pick(os, &[100, 1_460, 3_000]))
}

/// Listens, and tells how that went.
pub(crate) fn listen(os: &Os, s: SocketHandle) -> Turn {
    match os.listen(s, 16) {
        Ok(()) => Turn::Done,
        Err(error) => {
            let known = matches!(error, E::WSAENOTSOCK | E::WSAENETDOWN | E::WSAENOBUFS);
            if !known && error != E::WSAEADDRINUSE {
                unexpected(os, "listen", error);
            }
            // It is opened again.
            Turn::Gone
        }
    }
}

/// Accepts once; `None` when nobody waits.
///
/// # Errors
/// What becomes of the listener: `Later`, or `Gone`.
pub(crate) fn accept(os: &Os, listener: SocketHandle) -> Result<Option<SocketHandle>, Turn> {
    loop {
        match os.accept(listener) {
            Ok((s, _)) => return Ok(Some(s)),
            Err(E::WSAEWOULDBLOCK) => return Ok(None),
            // Lost before it was accepted: the next may be there.
            Err(E::WSAECONNRESET) => {}
            Err(E::WSAENOTSOCK | E::WSAEINVAL) => return Err(Turn::Gone),
            Err(E::WSAENOBUFS | E::WSAENETDOWN | E::WSAEMFILE | E::WSAEINTR) => {
                return Err(Turn::Later);
            }
            Err(error) => {
                unexpected(os, "accept", error);
                return Err(Turn::Gone);
            }
        }
    }
}

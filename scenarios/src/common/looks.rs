//! Looks at a socket: they change nothing, and what they say has to hold. For sockets that one
//! thread uses, in a process where no other opens any: a handle that somebody closed is nobody
//! else's meanwhile.

use core::net::SocketAddr;

use provider_core::spi::{MSG_PEEK, SO_ACCEPTCONN, SO_ERROR, SO_TYPE, SOCK_STREAM};
use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::Os;

use super::codes::{is_broken_stream, is_transient, unexpected};
use super::draw::{chance, pick};

/// recv, at times after a look at what is there.
///
/// # Errors
/// As WSPRecv, or what the look failed with.
pub(crate) fn recv_seen(os: &Os, s: SocketHandle, into: &mut [u8]) -> Result<usize, E> {
    match os.random_below(24) {
        0 => {
            let waits = os.fionread(s)? as usize;
            let given = os.recv(s, into, 0)?;
            os.check(given >= waits.min(into.len()), "recv gave less than FIONREAD told");
            Ok(given)
        }
        1 => {
            let mut shown = vec![0; into.len()];
            let len = os.recv(s, &mut shown, MSG_PEEK)?;
            let given = os.recv(s, into, 0)?;
            let same = given >= len && into[..len] == shown[..len];
            os.check(same, "recv did not give what MSG_PEEK showed");
            Ok(given)
        }
        _ => os.recv(s, into, 0),
    }
}

/// recvfrom, at times after a look at what is there; `into` has room for any datagram.
///
/// # Errors
/// As WSPRecvFrom, or what the look failed with.
pub(crate) fn recvfrom_seen(
    os: &Os,
    s: SocketHandle,
    into: &mut [u8],
) -> Result<(usize, SocketAddr), E> {
    match os.random_below(24) {
        0 => {
            let waits = os.fionread(s)? as usize;
            let (given, from) = os.recvfrom(s, into, 0)?;
            os.check(waits == 0 || given == waits, "FIONREAD told another datagram's size");
            Ok((given, from))
        }
        1 => {
            let mut shown = vec![0; into.len()];
            let (len, shown_from) = os.recvfrom(s, &mut shown, MSG_PEEK)?;
            let (given, from) = os.recvfrom(s, into, 0)?;
            let same = (given, from) == (len, shown_from) && into[..given] == shown[..len];
            os.check(same, "recvfrom did not give what MSG_PEEK showed");
            Ok((given, from))
        }
        _ => os.recvfrom(s, into, 0),
    }
}

/// Asks for an option that is known, now and then.
pub(crate) fn look_at(os: &Os, s: SocketHandle, kind: i32) {
    if !chance(os, 5) {
        return;
    }
    // Only a stream can listen.
    let state = if kind == SOCK_STREAM { SO_ACCEPTCONN } else { SO_TYPE };
    let option = pick(os, &[SO_TYPE, state, SO_ERROR]);
    match os.getsockopt(s, option) {
        Ok(value) => {
            let known = match option {
                SO_TYPE => value == kind as u32,
                SO_ACCEPTCONN => value == 0,
                _ => {
                    let error = E(value as i32);
                    value == 0 || is_broken_stream(error) || is_transient(error)
                }
            };
            os.check(known, "an option has a value that cannot be");
        }
        Err(error) => refused(os, "getsockopt", error),
    }
}

/// Sets an option and reads it back.
pub(crate) fn set_seen(os: &Os, s: SocketHandle, option: i32, value: u32) {
    let seen = os.setsockopt(s, option, value).and_then(|()| os.getsockopt(s, option));
    match seen {
        Ok(seen) => os.check(seen == value, "an option is not what it was set to"),
        Err(error) => refused(os, "an option", error),
    }
}

fn refused(os: &Os, what: &str, error: E) {
    if !is_transient(error) && !is_broken_stream(error) {
        unexpected(os, what, error);
    }
}

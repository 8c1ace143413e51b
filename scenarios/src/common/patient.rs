//! Going on after failures that faults explain: for as long as faults strike, and a few times more.

use core::net::SocketAddr;

use provider_core::spi::{SOCK_DGRAM, SOCK_STREAM};
use provider_core::{SocketHandle, WsaError};
use wspsim::api::Os;

use super::draw::{Ip, any};
use super::retry::close;

/// How often something may fail once nothing goes wrong any more: what was under way when the
/// faults stopped can still be in its way.
const TRIES_WHEN_CALM: u32 = 60;

/// Counts the failures of one thing that has to work in the end.
pub(crate) struct Patience {
    what: &'static str,
    left: u32,
}

impl Patience {
    pub(crate) const fn new(what: &'static str) -> Self {
        Self { what, left: TRIES_WHEN_CALM }
    }

    /// After a failure: whether to try again, a little later. It is a finding when it still fails
    /// long after the faults stopped.
    pub(crate) fn again(&mut self, os: &Os, error: WsaError) -> bool {
        if error == WsaError::WSANOTINITIALISED || os.is_stopping() {
            return false;
        }
        if os.is_calm() {
            if self.left == 0 {
                os.fail(&format!("{} still fails without any fault: {error}", self.what));
                return false;
            }
            self.left -= 1;
        }
        os.sleep(1 + os.random_below(20));
        true
    }
}

/// What the steps from WSASocket to a socket that is of use may fail with, under faults and with
/// others closing and cancelling.
fn is_explained(error: WsaError) -> bool {
    matches!(
        error,
        WsaError::WSAENETDOWN
            | WsaError::WSAENOTSOCK
            | WsaError::WSANOTINITIALISED
            | WsaError::WSAENOBUFS
            | WsaError::WSAEADDRINUSE
            | WsaError::WSAEINTR
            | WsaError::WSAECONNREFUSED
            | WsaError::WSAETIMEDOUT
            | WsaError::WSAENETUNREACH
            | WsaError::WSAEHOSTUNREACH
    )
}

/// Makes a socket and takes all `steps` with it, until they succeed. `None` when the program is to
/// end.
pub(crate) fn open(
    os: &Os,
    what: &'static str,
    ip: Ip,
    kind: i32,
    steps: impl Fn(SocketHandle) -> Result<(), WsaError>,
) -> Option<SocketHandle> {
    let mut patience = Patience::new(what);
    loop {
        let made = os.socket(ip.af(), kind, 0).and_then(|socket| match steps(socket) {
            Ok(()) => Ok(socket),
            Err(error) => {
                close(os, socket);
                Err(error)
            }
        });
        match made {
            Ok(socket) => return Some(socket),
            Err(error) if !is_explained(error) => {
                os.fail(&format!("{what}: {error}"));
                return None;
            }
            Err(error) if !patience.again(os, error) => return None,
            Err(_) => {}
        }
    }
}

/// A datagram socket bound to `port`, 0 for any.
pub(crate) fn datagram(os: &Os, ip: Ip, port: u16) -> Option<SocketHandle> {
    open(os, "a bound datagram socket", ip, SOCK_DGRAM, |s| os.bind(s, any(ip, port)))
}

/// A listener at `port`, prepared by `prepare`.
pub(crate) fn listener(
    os: &Os,
    ip: Ip,
    port: u16,
    prepare: impl Fn(SocketHandle) -> Result<(), WsaError>,
) -> Option<SocketHandle> {
    open(os, "a listener", ip, SOCK_STREAM, |s| {
        prepare(s)?;
        os.bind(s, any(ip, port))?;
        os.listen(s, 20)
    })
}

/// A stream prepared by `prepare` and connected to `to`.
pub(crate) fn connected(
    os: &Os,
    to: SocketAddr,
    prepare: impl Fn(SocketHandle) -> Result<(), WsaError>,
) -> Option<SocketHandle> {
    let ip = Ip::of(&to);
    open(os, "a connection", ip, SOCK_STREAM, |s| {
        prepare(s)?;
        os.connect(s, to)
    })
}

/// Whether `error` says that a stream is of no more use, by its peer, by faults, or since somebody
/// closed it, shut it down, or ended the provider.
pub(crate) fn is_broken(error: WsaError) -> bool {
    matches!(
        error,
        WsaError::WSAECONNRESET
            | WsaError::WSAECONNABORTED
            | WsaError::WSAENETRESET
            | WsaError::WSAETIMEDOUT
            | WsaError::WSAENOTCONN
            | WsaError::WSAENOTSOCK
            | WsaError::WSAESHUTDOWN
            | WsaError::WSANOTINITIALISED
    )
}

/// Whether `error` says that the same call may work a little later.
pub(crate) fn is_passing(error: WsaError) -> bool {
    matches!(
        error,
        WsaError::WSAENETDOWN
            | WsaError::WSAENOBUFS
            | WsaError::WSAEWOULDBLOCK
            | WsaError::WSAEINTR
            | WsaError::WSAENETUNREACH
    )
}

//! Ends of nonblocking sockets: what each does when it has its turn, whoever gives it.

mod datagrams;
pub(crate) mod rounds;
mod streams;

use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::Os;

use super::codes::{is_broken_stream, is_transient, unexpected};

pub(crate) use datagrams::{AskingDatagrams, EchoDatagrams};
pub(crate) use streams::{AskingEnd, EchoEnd};

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// There is nothing to do.
    Done,
    /// A send gave WSAEWOULDBLOCK.
    Refused,
    /// Nobody will tell when the same may work: it is to be tried again a little later.
    Later,
    /// The socket is of no use any more.
    Gone,
}

/// One nonblocking socket and what is to be done with it.
pub(crate) trait End {
    fn socket(&self) -> SocketHandle;

    /// Whether it would receive.
    fn has_room(&self) -> bool;

    /// Whether it would send.
    fn has_work(&self, os: &Os) -> bool;

    /// Receives: once, or until nothing is there or there is no room.
    fn read(&mut self, os: &Os) -> Turn;

    /// Sends what there is to send.
    fn write(&mut self, os: &Os) -> Turn;

    /// Bytes that came or went.
    fn moved(&self) -> u64;

    /// Whether all is done that this end is for.
    fn is_done(&self) -> bool;

    /// After how long it wants another turn though nothing happens.
    fn wake_ms(&self) -> Option<u32> {
        None
    }
}

/// What a failure makes of a turn; one that no fault explains is a finding.
fn turn_of(os: &Os, what: &str, error: E) -> Turn {
    if is_transient(error) {
        return Turn::Later;
    }
    if !is_broken_stream(error) {
        unexpected(os, what, error);
    }
    Turn::Gone
}

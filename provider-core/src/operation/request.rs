//! What a call asks for, once its arguments are captured.

use core::net::SocketAddr;

use crate::{ThreadKey, UserPtr};

use super::{Buffers, Overlapped};

/// How a call behaves when it cannot finish at once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode {
    /// It pends.
    Overlapped(Overlapped),
    /// It waits inside the call.
    Blocking,
    /// It gives WSAEWOULDBLOCK.
    Nonblocking,
}

/// A send whose arguments are captured.
pub(crate) struct SendRequest {
    pub(crate) buffers: Buffers,
    /// Total length in bytes.
    pub(crate) total: u32,
    /// Where a datagram goes; `None` on a stream.
    pub(crate) to: Option<SocketAddr>,
    /// The last byte is urgent (MSG_OOB); not with a length of 0.
    pub(crate) urgent: bool,
    pub(crate) initiator: ThreadKey,
}

/// Where a receive writes the sender's address, at completion. There was room when it was called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FromAddress {
    pub(crate) address: UserPtr,
    pub(crate) length: UserPtr,
}

/// A receive whose arguments are captured.
pub(crate) struct RecvRequest {
    pub(crate) buffers: Buffers,
    /// Total room in bytes.
    pub(crate) total: usize,
    pub(crate) from: Option<FromAddress>,
    pub(crate) peek: bool,
    pub(crate) wait_all: bool,
    /// It is for urgent data (MSG_OOB).
    pub(crate) urgent: bool,
    pub(crate) initiator: ThreadKey,
}

/// What became of a call that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Started {
    /// It is over: so many bytes, and flags of a receive.
    Now(u32, u32),
    /// It ended, or will end, by itself; its owner is told.
    Pending,
}

//! One send of a socket, as the order oracle sees it.

use core::net::SocketAddr;

use super::super::book::{ActiveCall, words};
use super::super::facts::{CallId, Sending, ThreadPlace};
use crate::event::Function;

/// How far a send has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its call, or its operation, is in progress: it may leave any prefix behind.
    Open,
    /// It has ended with this many bytes.
    Ended {
        /// Bytes that count as sent.
        bytes: u64,
        /// Whether success was reported.
        ok: bool,
    },
}

/// A send.
pub(super) struct Entry {
    pub(super) call: CallId,
    pub(super) overlapped: bool,
    pub(super) bytes: Vec<u8>,
    pub(super) hash: u64,
    pub(super) total: u64,
    /// Its last byte is urgent.
    pub(super) urgent: bool,
    pub(super) to: Option<SocketAddr>,
    /// When the call entered and left, on the socket's own count; `u64::MAX` while it is inside.
    pub(super) entered: u64,
    pub(super) left: u64,
    pub(super) state: State,
    /// Bytes that the transport took, in the present explanation (a datagram: its length + 1, so
    /// that an empty one counts).
    pub(super) placed: u64,
    /// Something later went first: no more of it may come.
    pub(super) closed: bool,
    /// The transport refused this datagram when it was tried: it may be dropped.
    pub(super) droppable: bool,
    /// Its place in the order of the transport, in the present explanation.
    pub(super) rank: u64,
    function: Function,
    socket: provider_core::SocketHandle,
    overlapped_at: provider_core::UserPtr,
    thread: ThreadPlace,
    entered_ns: u64,
}

impl Entry {
    pub(super) fn new(call: &ActiveCall, sending: Sending, entered: u64) -> Self {
        Self {
            call: call.id,
            overlapped: call.is_overlapped(),
            bytes: sending.bytes,
            hash: sending.hash,
            total: sending.total,
            urgent: sending.urgent && sending.total > 0,
            to: sending.to,
            entered,
            left: u64::MAX,
            state: State::Open,
            placed: 0,
            closed: false,
            droppable: false,
            rank: 0,
            function: call.call.function,
            socket: call.call.socket,
            overlapped_at: call.call.overlapped,
            thread: call.thread,
            entered_ns: call.entered_ns,
        }
    }

    /// Whether the byte at `place` is the urgent one.
    pub(super) fn is_urgent(&self, place: u64) -> bool {
        self.urgent && place + 1 == self.total
    }

    /// The most bytes that it may have on the transport.
    pub(super) fn limit(&self) -> u64 {
        match self.state {
            State::Open => self.total,
            State::Ended { bytes, .. } => bytes,
        }
    }

    /// Whether more of it must come before what was sent after it.
    pub(super) fn owes(&self, placed: u64, closed: bool) -> bool {
        match self.state {
            State::Open => false,
            State::Ended { bytes, .. } => !closed && placed < bytes,
        }
    }

    /// Whether it failed, so that no more of it may come.
    pub(super) fn has_failed(&self) -> bool {
        matches!(self.state, State::Ended { ok: false, .. })
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// In words, for a message.
    pub(super) fn words(&self) -> String {
        format!(
            "{}, {} bytes",
            words(self.function, self.socket, self.overlapped_at, self.thread, self.entered_ns),
            self.total
        )
    }
}

/// Failed sends remembered to name one that comes after all.
const FAILED_MAX: usize = 32;

/// Failed sends that left the window.
#[derive(Default)]
pub(super) struct Failed(Vec<Entry>);

impl Failed {
    pub(super) fn keep(&mut self, send: Entry) {
        if send.has_failed() && send.total > 0 {
            if self.0.len() == FAILED_MAX {
                self.0.remove(0);
            }
            self.0.push(send);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter()
    }
}

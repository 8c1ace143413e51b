//! What the transport has not taken yet, in order, and how it leaves: drained, cancelled, or with
//! the connection.

use core::net::SocketAddr;

use provider_core::{Kind, WsaError};

use super::Model;
use super::net::is_fate;

/// A send, or what is left of it.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    /// All of its bytes.
    pub(super) bytes: Vec<u8>,
    /// How many of them the transport took.
    pub(super) taken: usize,
    /// Where a datagram goes; none for a stream.
    to: Option<SocketAddr>,
    /// Who waits for its end.
    pub(super) owner: Owner,
}

/// Who waits for the end of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Nobody any more: it is copied, and told as done.
    Nobody,
    /// The client, of this operation.
    Operation(usize),
    /// The thread that is blocked.
    Caller,
}

impl Queued {
    pub(super) const fn new(bytes: Vec<u8>, to: Option<SocketAddr>) -> Self {
        Self { bytes, taken: 0, to, owner: Owner::Nobody }
    }

    /// Bytes that the transport has not taken.
    pub(super) const fn left(&self) -> usize {
        self.bytes.len() - self.taken
    }
}

/// What does not end a connection: the transport takes nothing for now, and no readiness follows.
const fn is_passing(code: WsaError) -> bool {
    matches!(code, WsaError::WSAENOBUFS | WsaError::WSAENETDOWN)
}

impl Model {
    /// Offers `piece` to the transport, whether it went whole.
    ///
    /// # Errors
    /// The transport's, when the connection is dead, or it took nothing and has another reason than
    /// that it is full.
    pub(super) fn offer(&mut self, piece: &mut Queued) -> Result<bool, WsaError> {
        if let Some(to) = piece.to {
            return match self.net.try_send_to(&piece.bytes, to) {
                Ok(()) => Ok(true),
                Err(WsaError::WSAEWOULDBLOCK) => Ok(false),
                Err(error) => Err(error),
            };
        }
        while piece.left() > 0 {
            match self.net.try_send(&piece.bytes[piece.taken..]) {
                Ok(taken) => piece.taken += taken,
                Err(WsaError::WSAEWOULDBLOCK) => return Ok(false),
                Err(error) if is_fate(error) => {
                    self.fate = Some(error);
                    return Err(error);
                }
                Err(_) if piece.taken > 0 => {
                    self.timer = true;
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Sends what is queued, as far as the transport takes it.
    pub(super) fn drain(&mut self) {
        while let Some(mut piece) = self.queue.pop_front() {
            match self.offer(&mut piece) {
                Ok(true) => self.leaves(&piece, 0, piece.bytes.len()),
                Ok(false) => {
                    self.queue.push_front(piece);
                    break;
                }
                // What was told as sent is kept for later; so is a stream, which may have no hole.
                Err(error)
                    if is_passing(error)
                        && (piece.to.is_none() || piece.owner == Owner::Nobody) =>
                {
                    self.timer = true;
                    self.queue.push_front(piece);
                    break;
                }
                // A pended datagram ends with its error. One that was told as sent is lost like one
                // on the wire (DST-10).
                Err(error) if piece.to.is_some() => self.leaves(&piece, error.0, 0),
                Err(error) => {
                    self.queue.push_front(piece);
                    self.lose(error);
                }
            }
        }
        self.copy_waiting();
        self.end_half();
    }

    /// The connection is dead, and all that waits ends with it.
    pub(super) fn lose(&mut self, fate: WsaError) {
        self.fate = Some(fate);
        while let Some(piece) = self.queue.pop_front() {
            self.leaves(&piece, fate.0, piece.taken);
        }
    }

    /// Tells the end of what leaves the queue, or is copied.
    pub(super) fn leaves(&mut self, piece: &Queued, error: i32, bytes: usize) {
        match piece.owner {
            Owner::Nobody => {}
            Owner::Operation(operation) => self.end(operation, error, bytes as u32),
            Owner::Caller => self.end_blocked(error, bytes as u32),
        }
    }

    /// Once all is with the transport: the FIN that was asked for, or the socket's end.
    pub(super) fn end_half(&mut self) {
        if self.queue.is_empty() {
            if self.closed {
                self.give_back();
            } else if self.shut && self.setup.kind == Kind::Stream && self.fate.is_none() {
                self.finish();
            }
        }
    }

    /// Cancels the sends whose owner `of` selects: what of a stream the transport took stays taken,
    /// a datagram never goes (CXL-8). What was copied is done, and nobody's to cancel. An operation
    /// is aborted; a blocked call has no such code (ERR-ABORTED).
    pub(super) fn cancel(&mut self, of: impl Fn(&Self, Owner) -> bool) {
        for piece in core::mem::take(&mut self.queue) {
            if piece.owner == Owner::Nobody || !of(self, piece.owner) {
                self.queue.push_back(piece);
                continue;
            }
            let error = match piece.owner {
                Owner::Caller => WsaError::WSAEINTR,
                _ => WsaError::WSA_OPERATION_ABORTED,
            };
            self.leaves(&piece, error.0, piece.taken);
        }
    }
}

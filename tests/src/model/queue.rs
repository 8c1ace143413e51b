//! What the transport has not taken yet, in order, and how it leaves: drained, cancelled, or with
//! the connection.

use core::net::SocketAddr;

use provider_core::{Kind, WsaError};

use super::Model;
use super::call::Thread;

/// A send, or what is left of it.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    /// All of its bytes.
    pub(super) bytes: Vec<u8>,
    /// How many of them the transport took.
    pub(super) taken: usize,
    /// Where a datagram goes; none for a stream.
    to: Option<SocketAddr>,
    /// The operation whose client has not been told of its end.
    pub(super) operation: Option<usize>,
}

impl Queued {
    pub(super) const fn new(bytes: Vec<u8>, to: Option<SocketAddr>) -> Self {
        Self { bytes, taken: 0, to, operation: None }
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
    /// The transport's, when it took nothing and has another reason than that it is full.
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
                Err(error) if !is_passing(error) => {
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
                    if is_passing(error) && (piece.to.is_none() || piece.operation.is_none()) =>
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
                    while let Some(piece) = self.queue.pop_front() {
                        self.leaves(&piece, error.0, piece.taken);
                    }
                }
            }
        }
        self.copy_waiting();
        self.end_half();
    }

    fn leaves(&mut self, piece: &Queued, error: i32, bytes: usize) {
        if let Some(operation) = piece.operation {
            self.end(operation, error, bytes as u32);
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

    /// Cancels the operations that `of` selects: what of a stream the transport took stays taken, a
    /// datagram never goes (CXL-8). What was copied is done, and not theirs to cancel.
    pub(super) fn cancel(&mut self, of: impl Fn(&Self, usize) -> bool) {
        for piece in core::mem::take(&mut self.queue) {
            match piece.operation {
                Some(operation) if of(self, operation) => {
                    self.leaves(&piece, WsaError::WSA_OPERATION_ABORTED.0, piece.taken);
                }
                _ => self.queue.push_back(piece),
            }
        }
    }

    /// The operations that `thread` started are cancelled with it (CXL-5); what waited behind them
    /// may be able to go.
    pub(super) fn cancel_thread(&mut self, thread: Thread) {
        self.cancel(|model, operation| model.operations[operation].thread == thread);
        self.drain();
    }
}

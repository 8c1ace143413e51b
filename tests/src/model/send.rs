//! What becomes of a send that was not refused.

use provider_core::{Profile, WsaError};

use super::blocked::Blocked;
use super::call::{Send, Thread};
use super::queue::{Owner, Queued};
use super::seen::Answer;
use super::{LeftOut, Model};

/// What a send comes to at the call.
enum Sent {
    /// So many bytes were taken.
    Taken(u32),
    /// It is refused, or pends.
    Refused(WsaError),
    /// It waits.
    Blocks,
}

impl Model {
    /// WSPSend or WSPSendTo by `thread`; none when the call blocks.
    pub(super) fn send(&mut self, thread: Thread, send: &Send) -> Result<Option<Answer>, LeftOut> {
        let number = self.sends;
        self.sends += 1;
        let operation = self.number_operation(thread, send);
        let operation = operation.filter(|_| self.is_overlapped(send));
        match self.take(number, thread, send, operation) {
            Sent::Taken(bytes) => {
                if let Some(operation) = operation {
                    self.end(operation, 0, bytes);
                }
                Ok(Some(Answer::done(send.count.then_some(bytes))))
            }
            Sent::Refused(error) => Ok(Some(Answer::refused(error))),
            // One thread at a time.
            Sent::Blocks if self.blocked.is_some() => Err(LeftOut),
            Sent::Blocks => {
                self.blocked = Some(Blocked::new(thread, send.count, self.send_timeout > 0));
                Ok(None)
            }
        }
    }

    fn take(
        &mut self,
        number: usize,
        thread: Thread,
        send: &Send,
        operation: Option<usize>,
    ) -> Sent {
        let to = match self.admit(send) {
            Ok(to) => to,
            Err(error) => return Sent::Refused(error),
        };
        let mut piece = Queued::new(send.buffers.contents(number), to);
        let length = piece.bytes.len() as u32;
        if to.is_none() && length == 0 {
            // Nothing to wait for (BUF-6).
            return Sent::Taken(0);
        }
        // Behind what is queued nothing is tried: it would overtake (ORD-2, ORD-3).
        if self.queue.is_empty() {
            match self.offer(&mut piece) {
                Ok(true) => return Sent::Taken(length),
                Ok(false) => {}
                Err(error) if piece.taken > 0 => {
                    return self.cut_short(&piece, error, operation);
                }
                Err(error) => return Sent::Refused(error),
            }
        }
        let nonblocking = operation.is_none() && self.nonblocking;
        if let Some(copied) = self.copied_at_call(piece.left(), piece.taken > 0, nonblocking) {
            let done = piece.taken + copied;
            piece.bytes.truncate(done);
            self.queue.push_back(piece);
            return Sent::Taken(done as u32);
        }
        if nonblocking {
            // Only a stream is ever taken in part (SYN-2, SYN-8).
            return match piece.taken {
                0 => Sent::Refused(WsaError::WSAEWOULDBLOCK),
                taken => Sent::Taken(taken as u32),
            };
        }
        if let Some(operation) = operation {
            self.start(operation);
            piece.owner = Owner::Operation(operation);
            self.queue.push_back(piece);
            return Sent::Refused(WsaError::WSA_IO_PENDING);
        }
        if self.waiting() == Some(thread) {
            // In a routine that runs in the thread's wait (ERR-INPROGRESS).
            return Sent::Refused(WsaError::WSAEINPROGRESS);
        }
        piece.owner = Owner::Caller;
        self.queue.push_back(piece);
        Sent::Blocks
    }

    /// The connection died in the middle of a send: nobody may be told that nothing of it went.
    fn cut_short(&mut self, piece: &Queued, error: WsaError, operation: Option<usize>) -> Sent {
        if let Some(operation) = operation {
            self.start(operation);
            self.end(operation, error.0, piece.taken as u32);
            return Sent::Refused(WsaError::WSA_IO_PENDING);
        }
        match self.setup.profile {
            // It has no other way to tell.
            _ if !self.nonblocking => Sent::Refused(error),
            Profile::Documented => Sent::Taken(piece.taken as u32),
            // Windows took it whole, and lost it with the connection (SYN-2).
            Profile::Windows => Sent::Taken(piece.bytes.len() as u32),
        }
    }
}

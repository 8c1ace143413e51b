//! What becomes of a send that was not refused.

use provider_core::WsaError;

use super::call::{Send, Thread};
use super::queue::Queued;
use super::seen::Answer;
use super::{Model, WouldBlock};

impl Model {
    /// WSPSend or WSPSendTo by `thread`.
    pub(super) fn send(&mut self, thread: Thread, send: &Send) -> Result<Answer, WouldBlock> {
        let number = self.sends;
        self.sends += 1;
        let operation = self.number_operation(thread, send);
        match self.take(number, send, operation)? {
            Ok(bytes) => {
                if let Some(operation) = operation.filter(|_| self.is_overlapped(send)) {
                    self.end(operation, 0, bytes);
                }
                Ok(Answer::done(send.count.then_some(bytes)))
            }
            Err(error) => Ok(Answer::refused(error)),
        }
    }

    /// How many bytes were taken, or the code.
    fn take(
        &mut self,
        number: usize,
        send: &Send,
        operation: Option<usize>,
    ) -> Result<Result<u32, WsaError>, WouldBlock> {
        let to = match self.admit(send) {
            Ok(to) => to,
            Err(error) => return Ok(Err(error)),
        };
        let mut piece = Queued::new(send.buffers.contents(number), to);
        let length = piece.bytes.len() as u32;
        if to.is_none() && length == 0 {
            // Nothing to wait for (BUF-6).
            return Ok(Ok(0));
        }
        // Behind what is queued nothing is tried: it would overtake (ORD-2, ORD-3).
        if self.queue.is_empty() {
            match self.offer(&mut piece) {
                Ok(true) => return Ok(Ok(length)),
                Ok(false) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
        let overlapped = operation.filter(|_| self.is_overlapped(send));
        let nonblocking = overlapped.is_none() && self.nonblocking;
        if let Some(copied) = self.copied_at_call(piece.left(), piece.taken > 0, nonblocking) {
            let done = piece.taken + copied;
            piece.bytes.truncate(done);
            self.queue.push_back(piece);
            return Ok(Ok(done as u32));
        }
        match overlapped {
            Some(operation) => {
                self.start(operation);
                piece.operation = Some(operation);
                self.queue.push_back(piece);
                Ok(Err(WsaError::WSA_IO_PENDING))
            }
            None if !nonblocking => Err(WouldBlock),
            // Only a stream is ever taken in part (SYN-2, SYN-8).
            None if piece.taken > 0 => Ok(Ok(piece.taken as u32)),
            None => Ok(Err(WsaError::WSAEWOULDBLOCK)),
        }
    }
}

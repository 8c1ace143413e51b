//! The one call that may be blocked, and every way out of it.

use provider_core::{Kind, WsaError};

use super::Model;
use super::call::Thread;
use super::queue::Owner;
use super::seen::{Answer, Seen};

/// A send that waits inside its call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocked {
    thread: Thread,
    /// Whether `lpNumberOfBytesSent` is given.
    count: bool,
    /// Whether SO_SNDTIMEO holds for it.
    limited: bool,
    /// Its own end: error and bytes.
    end: Option<(i32, u32)>,
    /// What takes it out of its wait otherwise.
    given_up: Option<WsaError>,
}

impl Blocked {
    pub(super) const fn new(thread: Thread, count: bool, limited: bool) -> Self {
        Self { thread, count, limited, end: None, given_up: None }
    }
}

impl Model {
    /// The thread that waits in a call, and goes on waiting.
    pub(super) fn waiting(&self) -> Option<Thread> {
        let blocked = self.blocked.filter(|call| call.end.is_none() && call.given_up.is_none());
        blocked.map(|call| call.thread)
    }

    /// The blocked send has ended.
    pub(super) const fn end_blocked(&mut self, error: i32, bytes: u32) {
        if let Some(call) = &mut self.blocked {
            call.end = Some((error, bytes));
        }
    }

    /// WSPCancelBlockingCall by `thread`: it acts on that thread's own call only (CXL-4).
    pub(super) fn cancel_blocking_call(&mut self, thread: Thread) -> Result<(), WsaError> {
        let call = self.blocked.as_mut().filter(|call| call.thread == thread);
        call.ok_or(WsaError::WSAEINVAL)?.given_up = Some(WsaError::WSAEINTR);
        Ok(())
    }

    /// Every deadline has passed (SYN-7).
    pub(super) fn time_out(&mut self) {
        if let Some(call) = &mut self.blocked
            && call.limited
        {
            call.given_up = call.given_up.or(Some(WsaError::WSAETIMEDOUT));
        }
    }

    /// What the blocked call shows when it returns; none when none returns after the last step.
    pub fn returned(&mut self) -> Option<Seen> {
        let call = self.blocked?;
        let before = self.clone();
        // Where the send has ended, its own end counts (CXL-4).
        let answer = match (call.end, call.given_up) {
            (Some((0, bytes)), _) => Answer::done(call.count.then_some(bytes)),
            (Some((error, _)), _) => Answer::refused(WsaError(error)),
            (None, Some(error)) => {
                self.retract(error);
                Answer::refused(error)
            }
            (None, None) => return None,
        };
        self.blocked = None;
        Some(self.seen_since(&before, Seen { answer: Some(answer), ..Seen::default() }))
    }

    /// Takes the blocked send out of the queue. A stream that a cancelled send has left a part on
    /// is damaged: it is reset (CANCEL-6).
    fn retract(&mut self, error: WsaError) {
        let place = self.queue.iter().position(|piece| piece.owner == Owner::Caller);
        let piece = place.and_then(|place| self.queue.remove(place));
        let torn = piece.is_some_and(|piece| piece.taken > 0);
        if torn && error == WsaError::WSAEINTR && self.setup.kind == Kind::Stream {
            self.given_back = true;
            self.net.close(true);
            self.lose(WsaError::WSAECONNABORTED);
        } else {
            // What was queued behind it may be able to go.
            self.drain();
        }
    }
}

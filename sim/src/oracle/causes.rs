//! WSAEINTR, WSAENOTSOCK and WSA_OPERATION_ABORTED have a cause: somebody cancelled the call, closed
//! the very descriptor, flushed the socket, ended the provider.

use provider_core::spi::SIO_FLUSH;
use provider_core::{SocketHandle, WsaError};

use super::book::{ActiveCall, Book, SocketId, failed, place};
use super::facts::{CallId, Outcome, ProcessKey, Special};
use super::violation::{Verdict, Violation};
use crate::event::{At, Function};

/// What a call in progress ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// What was started through the descriptor.
    Close(SocketHandle),
    /// The overlapped sends of the socket.
    Flush(SocketId),
    /// Everything in the process.
    Cleanup,
}

impl Cause {
    /// What `call` ends, if it does.
    pub(super) fn of(call: &ActiveCall) -> Option<Self> {
        match (call.call.function, &call.call.special) {
            (Function::WSPCloseSocket, _) => Some(Self::Close(call.call.socket)),
            (Function::WSPCleanup, _) => Some(Self::Cleanup),
            (_, Special::Ioctl { code: SIO_FLUSH, .. }) => call.socket.map(Self::Flush),
            _ => None,
        }
    }

    /// Whether it ends a blocking call of the same process. WSPSelect may be told of any socket.
    fn interrupts(self, call: &ActiveCall) -> bool {
        match self {
            Self::Close(handle) => {
                call.call.socket == handle || call.call.function == Function::WSPSelect
            }
            Self::Cleanup => true,
            Self::Flush(_) => false,
        }
    }

    /// Whether it ends an operation of the same process that was started through `handle`.
    pub(super) fn ends(self, handle: SocketHandle, socket: Option<SocketId>, sends: bool) -> bool {
        match self {
            Self::Close(closed) => handle == closed,
            Self::Flush(id) => sends && socket == Some(id),
            Self::Cleanup => true,
        }
    }

    /// Whether it ends what `call` has started.
    fn aborts(self, call: &ActiveCall) -> bool {
        self.ends(call.call.socket, call.socket, matches!(call.call.special, Special::Send(_)))
            || self.interrupts(call)
    }
}

/// The oracle: the causes in progress.
#[derive(Default)]
pub(super) struct CauseOracle {
    active: Vec<(CallId, ProcessKey, Cause)>,
    /// Processes that ended their provider at least once: SOCKETs of theirs may be gone.
    ended: Vec<ProcessKey>,
}

impl CauseOracle {
    /// A call has entered, and is its thread's innermost.
    pub(super) fn enter(&mut self, book: &mut Book, at: At) {
        let calls = &mut book.thread(place(at)).calls;
        if let Some(call) = calls.last_mut() {
            for (_, process, cause) in &self.active {
                if *process == call.process {
                    call.interrupted |= cause.interrupts(call);
                    call.aborted |= cause.aborts(call);
                }
            }
            let (id, process) = (call.id, call.process);
            if let Some(cause) = Cause::of(call) {
                self.active.push((id, process, cause));
                for other in book.calls_of(process).filter(|other| other.id != id) {
                    other.interrupted |= cause.interrupts(other);
                    other.aborted |= cause.aborts(other);
                }
            }
        }
    }

    /// A call has left.
    ///
    /// # Errors
    /// ERR-INTR, ERR-NOTSOCK.
    pub(super) fn left(
        &mut self,
        book: &mut Book,
        at: At,
        call: &ActiveCall,
        outcome: &Outcome<'_>,
    ) -> Verdict {
        self.gone(call.id);
        if call.call.function == Function::WSPCancelBlockingCall && outcome.value == 0 {
            // Those that it is inside of.
            let outer = &mut book.thread(place(at)).calls;
            outer.iter_mut().for_each(|outer| outer.interrupted = true);
        }
        if call.call.function == Function::WSPCleanup && outcome.value == 0 {
            self.ended.push(call.process);
        }
        if !failed(call.call.function, outcome) || call.interrupted {
            return Ok(());
        }
        let (clause, what) = match WsaError(outcome.errno) {
            WsaError::WSAEINTR => {
                ("ERR-INTR", "nobody cancelled it, closed its socket or ended the provider")
            }
            WsaError::WSAENOTSOCK
                if call.socket.is_some() && !self.ended.contains(&call.process) =>
            {
                ("ERR-NOTSOCK", "the descriptor is open")
            }
            _ => return Ok(()),
        };
        let message = format!("{} gave {:?}, but {what}", call.words(), WsaError(outcome.errno));
        Err(Violation::new("error-code", clause, message))
    }

    /// A call will not leave any more.
    pub(super) fn gone(&mut self, call: CallId) {
        self.active.retain(|(id, _, _)| *id != call);
    }
}

#[cfg(test)]
mod tests;

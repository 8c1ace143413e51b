//! WSAEINTR, WSAENOTSOCK and WSA_OPERATION_ABORTED have a cause: somebody cancelled the call, closed
//! the very descriptor, flushed the socket, ended the provider.

use provider_core::spi::SIO_FLUSH;
use provider_core::{SocketHandle, WsaError};

use super::book::{ActiveCall, Book, SocketId, failed, place};
use super::facts::{CallId, Outcome, ProcessKey, Special};
use super::hash::Map;
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

/// A cause in progress.
struct Active {
    call: CallId,
    process: ProcessKey,
    cause: Cause,
    /// Calls of WSPStartup that had succeeded when it entered.
    starts: u32,
}

impl Active {
    /// Notes at a call of the same process what it may do to it.
    fn strike(&self, call: &mut ActiveCall) {
        if self.cause.interrupts(call) {
            call.interrupted_by.push(self.call);
        }
        call.aborted |= self.cause.aborts(call);
    }
}

/// How often a process started its provider, and how often it ended it or is about to.
#[derive(Default)]
struct Lives {
    starts: u32,
    ends: u32,
}

/// The oracle: the causes in progress.
#[derive(Default)]
pub(super) struct CauseOracle {
    active: Vec<Active>,
    lives: Map<ProcessKey, Lives>,
    /// Processes that ended their provider at least once: SOCKETs of theirs may be gone.
    ended: Vec<ProcessKey>,
}

impl CauseOracle {
    /// A call has entered, and is its thread's innermost.
    pub(super) fn enter(&mut self, book: &mut Book, at: At) {
        let calls = &mut book.thread(place(at)).calls;
        if let Some(call) = calls.last_mut() {
            let (id, process) = (call.id, call.process);
            for active in self.active.iter().filter(|active| active.process == process) {
                active.strike(call);
            }
            if let Some(cause) = Cause::of(call) {
                let lives = self.lives.entry(process).or_default();
                lives.ends += u32::from(cause == Cause::Cleanup);
                let active = Active { call: id, process, cause, starts: lives.starts };
                for other in book.calls_of(process).filter(|other| other.id != id) {
                    active.strike(other);
                }
                self.active.push(active);
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
        let ok = !failed(call.call.function, outcome);
        match call.call.function {
            // Those that it is inside of.
            Function::WSPCancelBlockingCall if ok => {
                let outer = &mut book.thread(place(at)).calls;
                outer.iter_mut().for_each(|outer| outer.interrupted_by.push(call.id));
            }
            Function::WSPStartup if ok => self.lives.entry(call.process).or_default().starts += 1,
            _ => {}
        }
        if let Some(at) = self.active.iter().position(|active| active.call == call.id) {
            let active = self.active.swap_remove(at);
            if self.did_something(&active, ok, outcome.errno) {
                if active.cause == Cause::Cleanup {
                    self.ended.push(call.process);
                }
            } else {
                let others = book.calls_of(call.process);
                others.for_each(|other| other.interrupted_by.retain(|by| *by != call.id));
            }
        }
        if ok || !call.interrupted_by.is_empty() {
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

    /// Whether a cause that has left may have ended anything.
    fn did_something(&mut self, active: &Active, ok: bool, errno: i32) -> bool {
        match active.cause {
            // One that was interrupted while it lingered has closed.
            Cause::Close(_) => ok || errno == WsaError::WSAEINTR.0,
            Cause::Flush(_) => ok,
            Cause::Cleanup => {
                let lives = self.lives.entry(active.process).or_default();
                lives.ends -= u32::from(!ok);
                // Starts that were there before it and that no other end can have taken.
                ok && active.starts <= lives.ends
            }
        }
    }

    /// A call will not leave any more.
    pub(super) fn gone(&mut self, call: CallId) {
        self.active.retain(|active| active.call != call);
    }
}

#[cfg(test)]
mod tests;

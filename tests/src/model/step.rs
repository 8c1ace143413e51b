//! One step: which part of the model it is for, and the routines that run in it.

use provider_core::{Kind, WsaError};

use super::call::{Act, Call, Thread, sent_by_routine};
use super::net::is_fate;
use super::queue::Owner;
use super::seen::{Answer, RoutineRun, Seen, Status};
use super::{LeftOut, Model};

impl Model {
    /// One step.
    pub(super) fn perform(&mut self, call: &Call) -> Result<Seen, LeftOut> {
        let mut seen = Seen::default();
        match call {
            Call::Send(thread, send) => {
                self.present(*thread)?;
                seen.answer = self.send(*thread, send)?;
                seen.blocks = seen.answer.is_none();
            }
            Call::Alert(thread) => {
                self.present(*thread)?;
                self.alert(*thread, &mut seen)?;
            }
            // The first thread never ends.
            Call::Exit(Thread::A) => return Err(LeftOut),
            Call::Exit(thread) => {
                self.present(*thread)?;
                self.exit(*thread);
            }
            Call::RefuseApcs(times) => self.refused_apcs = *times,
            // The provider does it itself then.
            Call::RefuseCompletions(_) => {}
            Call::Time => {
                if core::mem::take(&mut self.timer) {
                    self.drain();
                }
                // Routines that are due by then run first.
                self.alert_waiting(&mut seen)?;
                self.time_out();
            }
            Call::Cleanup => {
                self.caller()?;
                self.clean_up()?;
                seen.answer = Some(Answer::done(None));
            }
            _ if self.is_senseless(call) => return Err(LeftOut),
            _ => match self.net.play(call, self.setup.kind) {
                None => {
                    self.caller()?;
                    seen.answer = Some(self.call(call)?);
                }
                Some(true) => self.drain(),
                Some(false) => {}
            },
        }
        self.alert_waiting(&mut seen)?;
        Ok(seen)
    }

    /// A thread that is blocked waits alertably (SYN-6).
    fn alert_waiting(&mut self, seen: &mut Seen) -> Result<(), LeftOut> {
        self.waiting().map_or(Ok(()), |thread| self.alert(thread, seen))
    }

    /// What cannot happen to this socket.
    fn is_senseless(&self, call: &Call) -> bool {
        match call {
            Call::Die(_) => self.setup.kind == Kind::Datagram || self.peer.is_none(),
            Call::Full(code) if is_fate(*code) => self.is_senseless(&Call::Die(*code)),
            // A stream has one route or none; its transport tells of that by the connection's fate.
            Call::Fault(WsaError::WSAENETUNREACH | WsaError::WSAEHOSTUNREACH, _)
            | Call::Unreachable => self.setup.kind == Kind::Stream,
            _ => false,
        }
    }

    /// Whether the thread is there, and not blocked.
    fn present(&self, thread: Thread) -> Result<(), LeftOut> {
        let gone = self.apcs[thread.index()].is_none() || self.waiting() == Some(thread);
        if gone { Err(LeftOut) } else { Ok(()) }
    }

    /// Whether there is a thread for a call that anyone can make.
    fn caller(&self) -> Result<(), LeftOut> {
        self.present(Thread::A).or_else(|_| self.present(Thread::B))
    }

    /// An alertable wait: the routines of this thread run, one after the other (APC-10), those that
    /// become due meanwhile too (APC-11, REENT-3).
    fn alert(&mut self, thread: Thread, seen: &mut Seen) -> Result<(), LeftOut> {
        while let Some(operation) =
            self.apcs[thread.index()].as_mut().and_then(|apcs| apcs.pop_front())
        {
            let entry = &self.operations[operation];
            let Status::Ended(error, bytes) = entry.seen.status else { return Err(LeftOut) };
            let called = match entry.routine {
                Some(Act::Sends) => Some(self.send_in_routine(thread, true)?),
                Some(Act::SendsPlain) => Some(self.send_in_routine(thread, false)?),
                Some(Act::Cancels) => Some(self.cancel_blocking_call(thread).into()),
                Some(Act::Nothing | Act::Waits) | None => None,
            };
            seen.routines.push(RoutineRun { thread, operation, end: (error, bytes), called });
        }
        Ok(())
    }

    /// One that would block in an alertable wait is left out with the wait.
    fn send_in_routine(&mut self, thread: Thread, overlapped: bool) -> Result<Answer, LeftOut> {
        self.send(thread, &sent_by_routine(overlapped))?.ok_or(LeftOut)
    }

    /// The operations that `thread` started are cancelled with it, and no routine runs in it any
    /// more (CXL-5); what waited behind them may be able to go.
    fn exit(&mut self, thread: Thread) {
        self.apcs[thread.index()] = None;
        self.cancel(|model, owner| match owner {
            Owner::Operation(operation) => model.operations[operation].thread == thread,
            Owner::Nobody | Owner::Caller => false,
        });
        self.drain();
    }

    /// The last WSPCleanup: what is pending is cancelled without a routine or an event (CXL-7), a
    /// blocked call ends, and open sockets are reset. It would wait for a closed one to pass on what
    /// was accepted.
    fn clean_up(&mut self) -> Result<(), LeftOut> {
        if self.closed && !self.queue.is_empty() {
            return Err(LeftOut);
        }
        for piece in core::mem::take(&mut self.queue) {
            match piece.owner {
                Owner::Nobody => {}
                Owner::Operation(operation) => {
                    let aborted = WsaError::WSA_OPERATION_ABORTED.0;
                    let status = Status::Ended(aborted, piece.taken as u32);
                    self.operations[operation].seen.status = status;
                }
                Owner::Caller => self.end_blocked(WsaError::WSAEINTR.0, 0),
            }
        }
        if !self.given_back {
            self.given_back = true;
            self.net.close(!self.closed);
        }
        Ok(())
    }
}

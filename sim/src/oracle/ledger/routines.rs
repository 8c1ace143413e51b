//! Completion routines: the APC that runs one, and what it is called with.

use provider_core::{Routine, UserPtr, WsaError};

use super::op::Op;
use super::{Ledger, NAME, object};
use crate::event::{At, Tid};
use crate::oracle::book::{Book, SocketId, place};
use crate::oracle::facts::{ProcessKey, ThreadPlace};
use crate::oracle::violation::{Verdict, Violation};

/// What a client's routine was called with.
pub(in crate::oracle) struct RoutineFacts {
    pub(in crate::oracle) routine: Routine,
    pub(in crate::oracle) error: u32,
    pub(in crate::oracle) bytes: u32,
    pub(in crate::oracle) overlapped: UserPtr,
    pub(in crate::oracle) flags: u32,
    pub(in crate::oracle) alertable: bool,
}

impl Ledger {
    /// WPUQueueApc was decided.
    pub(in crate::oracle) fn apc_queued(
        &mut self,
        at: At,
        process: ProcessKey,
        target: Option<Tid>,
        accepted: bool,
    ) -> Verdict {
        let thread = target.map(|thread| ThreadPlace { machine: process.machine, thread });
        let here = |op: &Op| {
            op.process == process
                && op.has_routine()
                && !op.indicated
                && thread.is_none_or(|thread| op.thread == thread)
        };
        let ready = |op: &Op| here(op) && op.stored.is_some() && !op.refused;
        let by_me = self.ops.iter().rposition(|op| ready(op) && op.stored_by == Some(place(at)));
        let candidate = by_me.or_else(|| self.ops.iter().position(ready));
        if !accepted && let Some(index) = candidate {
            self.ops[index].refused = true;
            self.refusals = true;
            self.settle(index);
            return Ok(());
        }
        if accepted
            && candidate.is_none()
            && let Some(op) = self.ops.iter().find(|op| here(op) && op.stored.is_none())
        {
            return object(
                "OVL-7",
                format!(
                    "an APC was queued to thread {} at {} ns before the status of any operation \
                     there was stored; pending is {}",
                    op.thread.thread.0,
                    at.time_ns,
                    op.words()
                ),
            );
        }
        Ok(())
    }

    /// A client's routine begins; gives the operation's socket.
    pub(in crate::oracle) fn routine(
        &mut self,
        book: &Book,
        at: At,
        process: ProcessKey,
        facts: &RoutineFacts,
    ) -> Result<Option<SocketId>, Violation> {
        let clean = self.lifetime(process).clean;
        let mine =
            |op: &Op| op.process == process && op.address == facts.overlapped && op.has_routine();
        let awaiting = |op: &Op| mine(op) && !op.indicated;
        let index = self
            .ops
            .iter()
            .position(|op| awaiting(op) && op.stored.is_some() && !op.refused)
            .or_else(|| self.ops.iter().position(|op| awaiting(op) && op.stored.is_some()))
            .or_else(|| self.ops.iter().rposition(awaiting));
        let Some(index) = index else {
            return Err(Violation::new(
                NAME,
                "APC-9",
                format!(
                    "a routine ran on thread {} of machine {} at {} ns with the OVERLAPPED at {:#x} \
                     ({:?}, {} bytes), for which none is due",
                    place(at).thread.0,
                    process.machine.0,
                    at.time_ns,
                    facts.overlapped.0,
                    WsaError(facts.error as i32),
                    facts.bytes
                ),
            ));
        };
        self.ops[index].indicated = true;
        let op = &self.ops[index];
        let socket = op.socket;
        let wrong = wrong_routine(book, op, at, facts, clean);
        if op.refused {
            // The refusal may have been another operation's.
            let thread = op.thread;
            let other = self.ops.iter().position(|op| {
                op.process == process
                    && op.thread == thread
                    && op.awaits_routine()
                    && op.stored.is_some()
                    && !op.refused
            });
            match other {
                Some(other) => self.ops[other].refused = true,
                None => {
                    return Err(Violation::new(
                        NAME,
                        "APC-14",
                        format!(
                            "the routine of {} ran though WPUQueueApc was refused for it",
                            self.ops[index].words()
                        ),
                    ));
                }
            }
        }
        self.settle(index);
        wrong.map_or(Ok(socket), |(clause, message)| Err(Violation::new(NAME, clause, message)))
    }
}

/// What is wrong with how a routine is run.
fn wrong_routine(
    book: &Book,
    op: &Op,
    at: At,
    facts: &RoutineFacts,
    clean: bool,
) -> Option<(&'static str, String)> {
    let runs_on = place(at);
    if runs_on != op.thread {
        return Some((
            "APC-1",
            format!(
                "the routine of {} ran on thread {}, not on thread {}",
                op.words(),
                runs_on.thread.0,
                op.thread.thread.0
            ),
        ));
    }
    let inside = book
        .threads
        .get(runs_on)
        .is_some_and(|thread| thread.calls.iter().any(|call| call.id == op.call));
    if inside {
        return Some(("APC-3", format!("the routine of {} ran inside that very call", op.words())));
    }
    if !facts.alertable {
        let message =
            format!("the routine of {} ran while the thread was in no alertable wait", op.words());
        return Some(("APC-2", message));
    }
    let Some(stored) = op.stored else {
        return Some((
            "OVL-7",
            format!("the routine of {} ran before its final status was stored", op.words()),
        ));
    };
    if clean && op.stored_in_cleanup {
        return Some(("CXL-7", format!("WSPCleanup cancelled {} and its routine ran", op.words())));
    }
    if facts.routine != op.routine {
        return Some((
            "APC-4",
            format!(
                "{} was given routine {:#x}, but {:#x} ran",
                op.words(),
                op.routine.0,
                facts.routine.0
            ),
        ));
    }
    if u64::from(facts.bytes) != stored.bytes || facts.error != stored.error {
        return Some((
            "APC-8",
            format!(
                "the routine of {} was told {:?} and {} bytes, but its OVERLAPPED says {:?} and {}",
                op.words(),
                WsaError(facts.error as i32),
                facts.bytes,
                WsaError(stored.error as i32),
                stored.bytes
            ),
        ));
    }
    (op.sends() && facts.flags != 0).then(|| {
        (
            "APC-8",
            format!("the routine of {} was given flags {:#x}, not 0", op.words(), facts.flags),
        )
    })
}

//! The operation ledger: refused, or accepted and ended exactly once; status before signal; the
//! right routine, thread and arguments. One file for each kind of fact.

mod calls;
mod ends;
mod events;
mod lifetime;
mod op;
mod packets;
mod routines;
mod status;

use provider_core::UserPtr;

use super::book::SocketId;
use super::facts::{CallId, ProcessKey};
use super::violation::{Verdict, Violation};
use crate::event::{Function, MachineId};
use lifetime::Lifetime;
use op::Op;

pub(super) use op::is_final;
pub(super) use routines::RoutineFacts;

const NAME: &str = "ledger";

/// A ledger for each machine: what happens on one is of no interest on the others.
#[derive(Default)]
pub(super) struct Ledgers(Vec<Ledger>);

impl Ledgers {
    pub(super) fn of(&mut self, machine: MachineId) -> &mut Ledger {
        let index = usize::from(machine.0);
        if self.0.len() <= index {
            self.0.resize_with(index + 1, Ledger::default);
        }
        &mut self.0[index]
    }

    /// Operations that came to an end.
    pub(super) fn ended(&self) -> u64 {
        self.0.iter().map(|ledger| ledger.ended).sum()
    }
}

/// The ledger of one machine.
#[derive(Default)]
pub(super) struct Ledger {
    /// By order of entry; few at a time.
    ops: Vec<Op>,
    /// The latest of which nothing more may come: to be named if something does.
    last: Option<Op>,
    lifetimes: Vec<Lifetime>,
    /// WPUQueueApc was refused for some operation.
    refusals: bool,
    ended: u64,
}

fn object(clause: &'static str, message: String) -> Verdict {
    Err(Violation::new(NAME, clause, message))
}

impl Ledger {
    /// The call, the socket and the function of the operation in progress at `address`.
    pub(super) fn in_progress(
        &self,
        process: ProcessKey,
        address: UserPtr,
    ) -> Option<(CallId, Option<SocketId>, Function)> {
        self.ops
            .iter()
            .rev()
            .find(|op| op.process == process && op.address == address && op.stored.is_none())
            .map(|op| (op.call, op.socket, op.function))
    }

    fn settle(&mut self, index: usize) {
        if self.ops[index].is_over() {
            self.last = Some(self.ops.remove(index));
        }
    }
}

#[cfg(test)]
mod tests;

//! Completion packets: one for each operation on an associated socket that ended, after its status.

use provider_core::UserPtr;

use super::lifetime::told_by_cleanup;
use super::op::Op;
use super::{Ledger, object};
use crate::event::At;
use crate::oracle::book::Book;
use crate::oracle::facts::ProcessKey;
use crate::oracle::violation::Verdict;

/// How many owed packets a message names.
const OWED_SHOWN: usize = 5;

impl Ledger {
    /// The packet of the operation at `address` goes to its socket's port.
    pub(in crate::oracle) fn packet_posted(
        &mut self,
        book: &Book,
        at: At,
        process: ProcessKey,
        address: UserPtr,
    ) -> Verdict {
        let here = |op: &Op| op.process == process && op.address == address;
        if let Some(index) = self.ops.iter().position(|op| here(op) && op.awaits_packet()) {
            self.ops[index].packet_posted = true;
            let op = &self.ops[index];
            if told_by_cleanup(book, at, op) {
                return object(
                    "CXL-7",
                    format!("WSPCleanup cancelled {} and posted its packet", op.words()),
                );
            }
            self.settle(index);
            return Ok(());
        }
        let Some(op) = self.ops.iter().rev().chain(&self.last).find(|op| here(op)) else {
            return object(
                "RET-3",
                format!(
                    "a packet was posted for the OVERLAPPED at {:#x} at {} ns on machine {}, where \
                     no operation owes one",
                    address.0, at.time_ns, process.machine.0
                ),
            );
        };
        let (clause, why) = if op.stored.is_none() {
            ("OVL-7", "before its final status was stored")
        } else if op.has_routine() {
            ("RET-3", "though its routine is its one indication")
        } else if op.no_packet {
            ("EVT-9", "though the low bit of its hEvent is set")
        } else {
            ("RET-3", "that it does not owe")
        };
        object(clause, format!("a packet was posted for {} {why}", op.words()))
    }

    /// The host refused to complete an operation, so no packet of it can come.
    pub(in crate::oracle) fn completion_refused(&mut self, process: ProcessKey, address: UserPtr) {
        let open =
            |op: &&mut Op| op.process == process && op.address == address && op.stored.is_none();
        for op in self.ops.iter_mut().filter(open) {
            op.no_packet = true;
        }
    }

    /// What of a machine's operations somebody may wait for in vain: those that ended, and whose
    /// packets are not posted.
    pub(in crate::oracle) fn describe_owed(&self, into: &mut String) {
        let owed = || self.ops.iter().filter(|op| op.accepted && op.awaits_packet());
        for op in owed().take(OWED_SHOWN) {
            into.push_str(&format!("{} ended, and its packet was not posted\n", op.words()));
        }
        let more = owed().count().saturating_sub(OWED_SHOWN);
        if more > 0 {
            into.push_str(&format!("and {more} more\n"));
        }
    }
}

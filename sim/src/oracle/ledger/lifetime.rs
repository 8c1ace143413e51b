//! WSPStartup and WSPCleanup of a process.

use provider_core::WsaError;

use super::Ledger;
use super::op::Op;
use crate::event::{At, Function};
use crate::oracle::book::{ActiveCall, Book, place};
use crate::oracle::facts::{Outcome, ProcessKey};

/// WSPStartup and WSPCleanup of one process.
#[derive(Default)]
pub(super) struct Lifetime {
    pub(super) key: Option<ProcessKey>,
    starts: u32,
    /// Calls of the last WSPCleanup in progress.
    pub(super) cleaning: u32,
    /// The last WSPCleanup has returned.
    pub(super) clean: bool,
}

impl Ledger {
    pub(super) fn lifetime(&mut self, process: ProcessKey) -> &mut Lifetime {
        let index = self.lifetimes.iter().position(|l| l.key == Some(process));
        let index = index.unwrap_or_else(|| {
            self.lifetimes.push(Lifetime { key: Some(process), ..Lifetime::default() });
            self.lifetimes.len() - 1
        });
        &mut self.lifetimes[index]
    }

    pub(super) fn lifetime_entered(&mut self, call: &ActiveCall) {
        if call.call.function == Function::WSPCleanup {
            let life = self.lifetime(call.process);
            if life.starts <= 1 {
                life.cleaning += 1;
            }
        }
    }

    pub(super) fn lifetime_left(&mut self, call: &ActiveCall, outcome: &Outcome<'_>) {
        match call.call.function {
            Function::WSPStartup if outcome.value == 0 => {
                let life = self.lifetime(call.process);
                life.starts += 1;
                life.clean = false;
            }
            Function::WSPCleanup => {
                let life = self.lifetime(call.process);
                let last = life.starts <= 1;
                if outcome.value == 0 {
                    life.starts = life.starts.saturating_sub(1);
                    life.clean |= last;
                }
                life.cleaning = life.cleaning.saturating_sub(1);
            }
            _ => {}
        }
    }

    /// Whether the last WSPCleanup of a process is in progress, or has returned.
    pub(in crate::oracle) fn is_ending(&self, process: ProcessKey) -> bool {
        self.lifetimes
            .iter()
            .any(|life| life.key == Some(process) && (life.clean || life.cleaning > 0))
    }
}

/// Whether the running thread, inside WSPCleanup, tells of an operation that it cancelled there:
/// that has neither event nor packet (CXL-7).
pub(super) fn told_by_cleanup(book: &Book, at: At, op: &Op) -> bool {
    let inside =
        book.innermost(place(at)).is_some_and(|call| call.call.function == Function::WSPCleanup);
    let aborted =
        op.stored.is_some_and(|stored| stored.error == WsaError::WSA_OPERATION_ABORTED.0 as u32);
    op.stored_in_cleanup && inside && aborted && op.stored_by == Some(place(at))
}

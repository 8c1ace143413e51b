//! What holds when an overlapped call enters and leaves.

use provider_core::WsaError;
use provider_core::spi::WSS_OPERATION_IN_PROGRESS;

use super::op::Op;
use super::{Ledger, object};
use crate::oracle::book::{ActiveCall, Book, is_pending};
use crate::oracle::causes::Cause;
use crate::oracle::facts::{Outcome, Special};
use crate::oracle::violation::Verdict;

impl Ledger {
    /// A call enters.
    pub(in crate::oracle) fn enter(&mut self, call: &ActiveCall) {
        self.lifetime_entered(call);
        if let Some(cause) = Cause::of(call) {
            for op in self.ops.iter_mut().filter(|op| op.process == call.process) {
                op.may_abort |= cause.ends(op.handle, op.socket, op.sends());
            }
        }
        if call.is_overlapped() {
            // Its routine will never come, and the client uses the structure again.
            if self.refusals {
                let (process, address) = (call.process, call.call.overlapped);
                self.ops.retain(|op| {
                    !(op.process == process && op.address == address && op.refused && op.accepted)
                });
            }
            self.ops.push(Op::new(call));
        }
    }

    /// A call has left.
    pub(in crate::oracle) fn leave(
        &mut self,
        book: &Book,
        call: &ActiveCall,
        outcome: &Outcome<'_>,
    ) -> Verdict {
        self.lifetime_left(call, outcome);
        if !call.is_overlapped() {
            return Ok(());
        }
        let Some(index) = self.ops.iter().rposition(|op| op.call == call.id) else {
            return Ok(());
        };
        if outcome.value == 0 || is_pending(outcome) {
            self.ops[index].accepted = true;
            let verdict = if outcome.value == 0 {
                self.at_once(book, index, call, outcome)
            } else {
                under_way(&self.ops[index], outcome)
            };
            self.settle(index);
            return verdict;
        }
        let op = self.ops.remove(index);
        let error = WsaError(outcome.errno);
        let told = if op.indicated {
            Some("its routine ran")
        } else if op.event_used {
            Some("its event was set")
        } else if op.packet_posted {
            Some("its packet was posted")
        } else {
            None
        };
        if let Some(how) = told {
            return object(
                "RET-4",
                format!("{} was refused with {error:?}, but {how}", op.words()),
            );
        }
        if op.stored.is_some() {
            return object(
                "OVL-6c",
                format!(
                    "{} was refused with {error:?}, but a final status was stored in its OVERLAPPED",
                    op.words()
                ),
            );
        }
        Ok(())
    }

    /// RET-5, RET-7, OVL-8: what holds when an overlapped call returns 0.
    fn at_once(
        &self,
        book: &Book,
        index: usize,
        call: &ActiveCall,
        outcome: &Outcome<'_>,
    ) -> Verdict {
        let op = &self.ops[index];
        let Some(stored) = op.stored else {
            return object(
                "OVL-8",
                format!("{} returned 0, but no final status was stored", op.words()),
            );
        };
        if stored.error != 0 {
            return object(
                "OVL-12",
                format!(
                    "{} returned 0, but its OVERLAPPED says {:?}",
                    op.words(),
                    WsaError(stored.error as i32)
                ),
            );
        }
        let counts = !matches!(call.call.special, Special::Ioctl { .. });
        if counts && outcome.count.is_some_and(|count| u64::from(count) != stored.bytes) {
            return object(
                "RET-7",
                format!(
                    "{} returned 0 with {} bytes in the count, but InternalHigh is {}",
                    op.words(),
                    outcome.count.unwrap_or(0),
                    stored.bytes
                ),
            );
        }
        if op.awaits_routine() && !op.refused {
            let thread = book.threads.get(op.thread);
            let queued = thread.is_some_and(|t| t.apcs_waiting > 0 || t.in_apc > 0);
            if !queued {
                return object(
                    "RET-5",
                    format!("{} returned 0, but no APC was queued for its routine", op.words()),
                );
            }
        }
        Ok(())
    }
}

/// While an operation is pending its status says so, for those who poll it (OVL-6).
fn under_way(op: &Op, outcome: &Outcome<'_>) -> Verdict {
    match outcome.overlapped {
        Some(now) if op.stored.is_none() && now.status != WSS_OPERATION_IN_PROGRESS => {
            let words = op.words();
            object(
                "OVL-6",
                format!(
                    "{words} pends, and Internal has {:#x} instead of \
                     WSS_OPERATION_IN_PROGRESS",
                    now.status
                ),
            )
        }
        _ => Ok(()),
    }
}

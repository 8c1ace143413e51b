//! What is left of operations when their thread, their process or their machine ends.

use super::{Ledger, object};
use crate::event::{At, MachineId};
use crate::oracle::facts::{ProcessKey, ThreadPlace};
use crate::oracle::violation::Verdict;

impl Ledger {
    /// A thread has ended: its routines never run (CXL-5).
    pub(in crate::oracle) fn thread_ended(&mut self, at: At, thread: ThreadPlace) {
        self.ops.retain_mut(|op| {
            if op.starter == thread && !op.accepted {
                return false;
            }
            if op.starter == thread {
                op.starter_gone_ns = Some(at.time_ns);
            }
            op.thread_gone |= op.thread == thread;
            !op.is_over()
        });
    }

    /// The last WSPCleanup of a process is over: every operation must have ended. `waiting` tells
    /// how many APCs wait for a thread.
    pub(in crate::oracle) fn cleaned(
        &mut self,
        process: ProcessKey,
        waiting: impl Fn(ThreadPlace) -> u32,
    ) -> Verdict {
        let mut verdict = Ok(());
        for op in self.ops.iter().filter(|op| op.process == process && op.accepted) {
            let found = if op.stored.is_none() {
                Some(("RET-3", "was accepted and never ended"))
            } else if op.stored_in_cleanup {
                None
            } else if op.awaits_routine() && !op.refused && waiting(op.thread) == 0 {
                Some(("APC-9", "ended, but no APC was queued for its routine"))
            } else if !op.has_routine() && op.event.0 != 0 && !op.event_covered {
                Some(("EVT-1", "ended, but its event was never set"))
            } else if op.awaits_packet() {
                Some(("RET-3", "ended, but its packet was never posted"))
            } else {
                None
            };
            if let Some((clause, what)) = found {
                verdict = object(clause, format!("{} {what}", op.words()));
                break;
            }
        }
        self.forget_process(process);
        verdict
    }

    pub(in crate::oracle) fn forget_process(&mut self, process: ProcessKey) {
        self.ops.retain(|op| op.process != process);
    }

    pub(in crate::oracle) fn forget_machine(&mut self, machine: MachineId) {
        self.ops.retain(|op| op.process.machine != machine);
        self.lifetimes.retain(|life| life.key.is_none_or(|key| key.machine != machine));
    }
}

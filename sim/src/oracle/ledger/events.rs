//! The client's events: set once for each operation that has one, after its status.

use provider_core::EventHandle;

use super::lifetime::told_by_cleanup;
use super::op::Op;
use super::{Ledger, object};
use crate::event::At;
use crate::oracle::book::{Book, place};
use crate::oracle::facts::ProcessKey;
use crate::oracle::violation::Verdict;

impl Ledger {
    /// The provider set an event.
    pub(in crate::oracle) fn event_set(
        &mut self,
        book: &Book,
        at: At,
        process: ProcessKey,
        event: EventHandle,
    ) -> Verdict {
        let owed = |op: &Op| op.process == process && op.signals(event) && op.stored.is_some();
        if let Some(index) = self.ops.iter().position(|op| owed(op) && !op.event_used) {
            self.ops[index].event_used = true;
            for op in self.ops.iter_mut().filter(|op| owed(op)) {
                op.event_covered = true;
            }
            let op = &self.ops[index];
            if told_by_cleanup(book, at, op) {
                return object(
                    "CXL-7",
                    format!("WSPCleanup cancelled {} and set its event", op.words()),
                );
            }
            self.settle(index);
            return Ok(());
        }
        let mine = |op: &&Op| op.process == process && op.event == event;
        let early =
            self.ops.iter().filter(mine).find(|op| op.signals(event) && op.stored.is_none());
        if let Some(op) = early {
            return object(
                "EVT-6",
                format!(
                    "event {:#x} was set at {} ns before the final status of {} was stored",
                    event.0,
                    at.time_ns,
                    op.words()
                ),
            );
        }
        if let Some(op) = self.ops.iter().filter(mine).find(|op| op.has_routine()) {
            return object(
                "EVT-3",
                format!("event {:#x} was set for {}, which has a routine", event.0, op.words()),
            );
        }
        object(
            "EVT-7",
            format!(
                "event {:#x} was set at {} ns on machine {} by thread {}, and no operation owes it",
                event.0,
                at.time_ns,
                process.machine.0,
                place(at).thread.0
            ),
        )
    }

    /// Whether some operation has this event.
    pub(in crate::oracle) fn knows(&self, process: ProcessKey, event: EventHandle) -> bool {
        self.ops.iter().any(|op| op.process == process && op.event == event)
    }

    /// Events that ended operations still owe.
    pub(in crate::oracle) fn owed_events(&self, process: ProcessKey) -> Vec<EventHandle> {
        let owes = |op: &&Op| {
            op.process == process && op.stored.is_some() && op.event.0 != 0 && !op.event_covered
        };
        self.ops.iter().filter(owes).map(|op| op.event).collect()
    }

    /// The client closed an event: nobody owes it any more.
    pub(in crate::oracle) fn event_gone(&mut self, process: ProcessKey, event: EventHandle) {
        for op in self.ops.iter_mut().filter(|op| op.process == process && op.event == event) {
            op.event = EventHandle(0);
        }
    }
}

//! Operations: their numbers, and how their end is told.

use super::Model;
use super::call::{Act, Event, Pointer, Send, Thread};
use super::seen::{Operation, Status};

/// An operation, and what its end is told with.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// As its client sees it.
    pub(super) seen: Operation,
    /// The thread that started it.
    pub(super) thread: Thread,
    /// Its completion routine.
    pub(super) routine: Option<Act>,
}

impl Model {
    /// A call that gives an OVERLAPPED gets a number, whatever becomes of it.
    pub(super) fn number_operation(&mut self, thread: Thread, send: &Send) -> Option<usize> {
        if send.overlapped.pointer != Pointer::Good {
            return None;
        }
        let event = match send.overlapped.event {
            Event::Valid { set, .. } => Some(set),
            Event::None | Event::Invalid => None,
        };
        let seen = Operation { status: Status::Untouched, event };
        self.operations.push(Entry { seen, thread, routine: send.overlapped.routine });
        Some(self.operations.len() - 1)
    }

    /// The operation is pending: its OVERLAPPED says so (OVL-6), its event is reset (EVT-4) unless a
    /// routine makes the event the client's own business (EVT-3).
    pub(super) fn start(&mut self, operation: usize) {
        let entry = &mut self.operations[operation];
        entry.seen.status = Status::Pending;
        if entry.routine.is_none() {
            entry.seen.event = entry.seen.event.map(|_| false);
        }
    }

    /// The one end of an operation: the OVERLAPPED (OVL-7, OVL-8), then its routine's APC, or its
    /// event (EVT-1, EVT-5).
    pub(super) fn end(&mut self, operation: usize, error: i32, bytes: u32) {
        let entry = &mut self.operations[operation];
        entry.seen.status = Status::Ended(error, bytes);
        if entry.routine.is_none() {
            entry.seen.event = entry.seen.event.map(|_| true);
            return;
        }
        // A thread that is gone, or a host that refuses: no routine ever runs (APC-14, CXL-5).
        let thread = entry.thread.index();
        if self.refused_apcs > 0 {
            self.refused_apcs -= 1;
        } else if let Some(apcs) = &mut self.apcs[thread] {
            apcs.push_back(operation);
        }
    }
}

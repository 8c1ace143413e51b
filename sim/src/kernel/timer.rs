//! What is to happen at a later time.

use core::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use provider_core::{Readiness, Token, Work};

use crate::event::Tid;
use crate::process::Process;

use super::Kernel;
use super::wait::Woken;
use super::wire::TransportEntry;

/// What a timer does.
pub(crate) enum TimerKind {
    /// Ends the wait of that number of a thread.
    WaitDeadline(Tid, u64),
    /// The first APC of a thread becomes deliverable.
    ApcDue(Tid),
    /// A provider's timer.
    Provider(Rc<Process>, Token),
    /// A transport socket that refused with WSAEWOULDBLOCK by a fault is ready again.
    Ready(TransportEntry, Readiness),
    /// The adversary terminates a thread, if it is in a place where that is fair.
    Kill(Tid),
}

struct Timer {
    at_ns: u64,
    number: u64,
    kind: TimerKind,
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Timer {}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        (self.at_ns, self.number).cmp(&(other.at_ns, other.number))
    }
}

/// Timers by time; those of the same time in the order in which they were set.
#[derive(Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<Timer>>,
    next_number: u64,
}

impl Timers {
    fn push(&mut self, at_ns: u64, kind: TimerKind) {
        self.next_number += 1;
        self.heap.push(Reverse(Timer { at_ns, number: self.next_number, kind }));
    }

    fn pop_due(&mut self, now_ns: u64) -> Option<TimerKind> {
        self.heap.peek().filter(|timer| timer.0.at_ns <= now_ns)?;
        self.heap.pop().map(|timer| timer.0.kind)
    }

    pub(super) fn clear(&mut self) {
        self.heap.clear();
    }
}

impl Kernel {
    /// Sets a timer.
    pub(crate) fn set_timer(&self, at_ns: u64, kind: TimerKind) {
        self.timers.borrow_mut().push(at_ns, kind);
        self.due_at(at_ns);
    }

    /// The time of the first timer that still means something; drops those before it.
    pub(super) fn first_timer(&self) -> Option<u64> {
        let mut timers = self.timers.borrow_mut();
        loop {
            let first = timers.heap.peek()?;
            if self.is_stale(&first.0) {
                timers.heap.pop();
            } else {
                return Some(first.0.at_ns);
            }
        }
    }

    fn is_stale(&self, timer: &Timer) -> bool {
        match &timer.kind {
            TimerKind::WaitDeadline(tid, wait) => {
                self.thread(*tid).is_none_or(|thread| thread.wait_number.get() != *wait)
            }
            TimerKind::Provider(process, token) => {
                process.ended() || process.timer_of(*token) != Some(timer.at_ns)
            }
            TimerKind::Ready(entry, _) => entry.process.ended(),
            TimerKind::ApcDue(tid) | TimerKind::Kill(tid) => {
                self.thread(*tid).is_none_or(|thread| thread.has_ended())
            }
        }
    }

    /// Lets everything happen that is due now.
    pub(super) fn fire_timers(&self) {
        while self.first_timer().is_some_and(|at_ns| at_ns <= self.now_ns()) {
            let due = self.timers.borrow_mut().pop_due(self.now_ns());
            match due {
                Some(TimerKind::WaitDeadline(tid, _)) => {
                    if let Some(thread) = self.thread(tid) {
                        self.wake(&thread, Woken::TimedOut);
                    }
                }
                Some(TimerKind::ApcDue(tid)) => {
                    if let Some(thread) = self.thread(tid) {
                        self.offer_apcs(&thread);
                    }
                }
                Some(TimerKind::Provider(process, token)) => {
                    process.timer_fired(token);
                    process.push_work(Work::Timer(token));
                }
                Some(TimerKind::Ready(entry, readiness)) => entry.end_late(readiness),
                Some(TimerKind::Kill(tid)) => self.kill(tid),
                None => break,
            }
        }
    }
}

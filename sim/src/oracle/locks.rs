//! No lock of the provider's is held across an upcall, a routine or a wait (REENT-2).

use super::book::{Book, Thread, place};
use super::violation::{Verdict, Violation};
use crate::event::At;

/// Locks by thread live in the register; this oracle only judges.
pub(super) struct LockOracle;

impl LockOracle {
    pub(super) fn acquired(book: &mut Book, at: At, lock: u32) {
        book.thread(place(at)).locks.push(lock);
    }

    pub(super) fn released(book: &mut Book, at: At, lock: u32) {
        let locks = &mut book.thread(place(at)).locks;
        if locks.last() == Some(&lock) {
            locks.pop();
        } else if let Some(index) = locks.iter().rposition(|held| *held == lock) {
            locks.remove(index);
        }
    }

    /// The thread makes an upcall.
    pub(super) fn upcall(book: &Book, at: At, name: &'static str) -> Verdict {
        let Some(thread) = book.threads.get(place(at)) else { return Ok(()) };
        if thread.locks.is_empty() {
            return Ok(());
        }
        Err(Self::held(thread, at, name))
    }

    /// The thread leaves the provider.
    pub(super) fn left(book: &Book, at: At, what: &'static str) -> Verdict {
        match book.threads.get(place(at)) {
            Some(thread) if !thread.locks.is_empty() => Err(Self::held(thread, at, what)),
            _ => Ok(()),
        }
    }

    fn held(thread: &Thread, at: At, name: &str) -> Violation {
        Violation::new(
            "locks",
            "REENT-2",
            format!(
                "{name} at {} ns on machine {} by thread {} while the provider holds lock{} {:?}{}",
                at.time_ns,
                at.machine.0,
                place(at).thread.0,
                if thread.locks.len() == 1 { "" } else { "s" },
                thread.locks,
                thread
                    .calls
                    .last()
                    .map_or_else(String::new, |call| format!(", in {}", call.words())),
            ),
        )
    }
}

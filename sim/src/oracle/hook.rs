//! While a thread's blocking hook runs, every call but WSPCancelBlockingCall is refused there.

use provider_core::WsaError;

use super::book::{ActiveCall, Book, place};
use super::facts::Outcome;
use super::violation::{Verdict, Violation};
use crate::event::{At, Function};

/// Judges calls made inside of a hook; which those are is in the register.
pub(super) struct HookOracle;

impl HookOracle {
    pub(super) fn enter(book: &mut Book, at: At) {
        book.thread(place(at)).in_hook += 1;
    }

    pub(super) fn leave(book: &mut Book, at: At) {
        let thread = book.thread(place(at));
        thread.in_hook = thread.in_hook.saturating_sub(1);
    }

    /// A call left.
    pub(super) fn left(call: &ActiveCall, outcome: &Outcome<'_>) -> Verdict {
        if !call.in_hook || call.call.function == Function::WSPCancelBlockingCall {
            return Ok(());
        }
        let code = match call.call.function {
            Function::WSPStartup => outcome.value as i32,
            _ => outcome.errno,
        };
        // A bad lpErrno comes before anything else (RESULT-3).
        if code == WsaError::WSAEINPROGRESS.0 || !outcome.reports {
            return Ok(());
        }
        Err(Violation::new(
            "error-code",
            "RESULT-7",
            format!(
                "{}, in the thread's blocking hook, gave {:?} and not WSAEINPROGRESS",
                call.words(),
                WsaError(code)
            ),
        ))
    }
}

#[cfg(test)]
mod tests;

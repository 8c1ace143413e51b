//! WSPAccept does what the condition function said, and asks it once.

use provider_core::WsaError;
use provider_core::spi::{CF_ACCEPT, CF_DEFER, CF_REJECT};

use super::book::{ActiveCall, Book, failed, place};
use super::facts::{Outcome, Special};
use super::violation::{Verdict, Violation};
use crate::event::At;

/// Compares a verdict with what becomes of the call. What was said is in the register.
pub(super) struct ConditionOracle;

fn object(message: String) -> Verdict {
    Err(Violation::new("error-code", "WSPAccept", message))
}

impl ConditionOracle {
    /// A condition function returned `verdict`.
    pub(super) fn asked(book: &mut Book, at: At, verdict: i32) -> Verdict {
        let call = book.thread(place(at)).calls.last_mut();
        match call {
            Some(call) if matches!(call.call.special, Special::Accept { condition: true }) => {
                match call.verdict.replace(verdict) {
                    None => Ok(()),
                    Some(_) => {
                        object(format!("{} asked its condition function twice", call.words()))
                    }
                }
            }
            _ => object(format!(
                "a condition function ran on thread {} of machine {} at {} ns outside of the \
                 WSPAccept that it was given to",
                place(at).thread.0,
                at.machine.0,
                at.time_ns
            )),
        }
    }

    pub(super) fn left(call: &ActiveCall, outcome: &Outcome<'_>) -> Verdict {
        let Special::Accept { condition } = call.call.special else { return Ok(()) };
        let error = WsaError(outcome.errno);
        let wrong = if !failed(call.call.function, outcome) {
            match call.verdict {
                None if condition => Some("gave a socket without asking its condition function"),
                Some(CF_ACCEPT) | None => None,
                Some(_) => Some("gave a socket though its condition function did not accept"),
            }
        } else if error == WsaError::WSATRY_AGAIN && call.verdict != Some(CF_DEFER) {
            Some("gave WSATRY_AGAIN, but no condition function deferred")
        } else if error == WsaError::WSAECONNREFUSED && call.verdict != Some(CF_REJECT) {
            Some("gave WSAECONNREFUSED, but no condition function rejected")
        } else {
            None
        };
        wrong.map_or(Ok(()), |what| object(format!("{} {what}", call.words())))
    }
}

#[cfg(test)]
mod tests;

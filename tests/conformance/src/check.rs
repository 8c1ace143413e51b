//! Expectations.

use core::fmt::Debug;

use provider_core::WsaError;

use crate::{CaseResult, Failure};

/// `got` is `want`.
///
/// # Errors
/// It is not.
#[track_caller]
pub fn equal<T: PartialEq + Debug>(what: &str, got: T, want: T) -> CaseResult {
    if got == want { Ok(()) } else { Err(differs(what, &got, &want)) }
}

/// `got` is one of `wanted`.
///
/// # Errors
/// It is none of them.
#[track_caller]
pub fn one_of<T: PartialEq + Debug>(what: &str, got: T, wanted: &[T]) -> CaseResult {
    if wanted.contains(&got) {
        Ok(())
    } else {
        Err(Failure::new(format!("{what}: got {got:?}, want one of {wanted:?}")))
    }
}

/// Something holds.
///
/// # Errors
/// It does not.
#[track_caller]
pub fn holds(what: &str, is: bool) -> CaseResult {
    if is { Ok(()) } else { Err(Failure::new(format!("does not hold: {what}"))) }
}

/// The result of a call that has to succeed.
///
/// # Errors
/// It failed.
#[track_caller]
pub fn works<T>(what: &str, result: Result<T, WsaError>) -> CaseResult<T> {
    match result {
        Ok(value) => Ok(value),
        Err(error) => Err(Failure::new(format!("{what} failed with {error:?}"))),
    }
}

/// The result of a call that has to fail with `error`.
///
/// # Errors
/// It succeeded, or failed otherwise.
#[track_caller]
pub fn fails<T: Debug>(what: &str, result: Result<T, WsaError>, error: WsaError) -> CaseResult {
    match result {
        Err(got) if got == error => Ok(()),
        other => Err(Failure::new(format!("{what}: got {other:?}, want Err({error:?})"))),
    }
}

#[track_caller]
fn differs(what: &str, got: &dyn Debug, want: &dyn Debug) -> Failure {
    Failure::new(format!("{what}: got {}, want {}", short(got), short(want)))
}

/// Long values, such as the bytes of a datagram, are cut.
fn short(value: &dyn Debug) -> String {
    const MOST: usize = 160;
    let text = format!("{value:?}");
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}.. ({} characters)", &text[..at], text.len()),
        None => text,
    }
}

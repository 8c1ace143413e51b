//! Waiting for what has to come.

use crate::{BedThread, CaseResult, Failure, TestBed};

/// Waits until something holds, up to the bed's limit; alertably or not.
///
/// # Errors
/// It never did.
#[track_caller]
pub fn until(
    bed: &dyn TestBed,
    alertable: bool,
    what: &str,
    mut holds: impl FnMut() -> bool,
) -> CaseResult {
    for _ in 0..bed.patience() {
        if holds() {
            return Ok(());
        }
        bed.pause(alertable);
    }
    if holds() { Ok(()) } else { Err(Failure::new(format!("never came: {what}"))) }
}

/// Waits until a thread has ended.
///
/// # Errors
/// It did not.
#[track_caller]
pub fn ends(bed: &dyn TestBed, thread: BedThread) -> CaseResult {
    if bed.join(thread) { Ok(()) } else { Err(Failure::new("a thread does not end")) }
}

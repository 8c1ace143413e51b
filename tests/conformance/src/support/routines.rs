//! A completion routine that writes down what it is called with.

use provider_core::{Routine, WsaError};

use super::{Op, until};
use crate::{BedThread, CaseResult, Completion, Shared, TestBed, check};

/// What a routine was called with, and in which threads.
#[derive(Clone)]
pub struct Completions {
    calls: Shared<Vec<(BedThread, Completion)>>,
    routine: Routine,
}

/// A routine that writes down its calls.
pub fn completions(bed: &dyn TestBed) -> Completions {
    let calls = Shared::new(Vec::new());
    let seen = calls.clone();
    let routine = bed.routine(Box::new(move |bed, completion| {
        let thread = bed.current_thread();
        seen.push((thread, completion));
        Ok(())
    }));
    Completions { calls, routine }
}

impl Completions {
    /// The routine.
    pub const fn routine(&self) -> Routine {
        self.routine
    }

    /// How often it was called.
    pub fn count(&self) -> usize {
        self.calls.len()
    }

    /// Its calls so far, with the threads that they were made in.
    pub fn calls(&self) -> Vec<(BedThread, Completion)> {
        self.calls.get()
    }

    /// Waits alertably until it was called `count` times.
    ///
    /// # Errors
    /// It was not, or more often.
    #[track_caller]
    pub fn reach(&self, bed: &dyn TestBed, count: usize) -> CaseResult {
        until(bed, true, "the completion routine", || self.count() >= count)?;
        check::equal("calls of the completion routine", self.count(), count)
    }

    /// Waits alertably for one more call: the one for `op`, in this thread (APC-1, APC-8).
    ///
    /// # Errors
    /// It does not come, or is another.
    #[track_caller]
    pub fn one(&self, bed: &dyn TestBed, op: &Op, error: WsaError, bytes: usize) -> CaseResult {
        let before = self.count();
        until(bed, true, "the completion routine", || self.count() > before)?;
        self.called(bed, before, op, error, bytes)
    }

    /// The call with this number, from 0, was the one for `op`, in this thread.
    ///
    /// # Errors
    /// It was another.
    #[track_caller]
    pub fn called(
        &self,
        bed: &dyn TestBed,
        number: usize,
        op: &Op,
        error: WsaError,
        bytes: usize,
    ) -> CaseResult {
        let want = Completion {
            error: error.0 as u32,
            bytes: bytes as u32,
            overlapped: op.at(),
            flags: 0,
        };
        let got = self.calls().get(number).copied();
        check::equal("the routine's arguments", got.map(|(_, call)| call), Some(want))?;
        check::equal(
            "the routine's thread",
            got.map(|(thread, _)| thread),
            Some(bed.current_thread()),
        )
    }

    /// It is not called any more: an alertable grace passes, and the count stays.
    ///
    /// # Errors
    /// It was called.
    #[track_caller]
    pub fn stay(&self, bed: &dyn TestBed, count: usize) -> CaseResult {
        bed.grace(true);
        check::equal("calls of the completion routine", self.count(), count)
    }
}

//! The out parameters that every call has, filled with what no provider writes by chance.

use provider_core::{UserPtr, WsaError};

use super::Guarded;
use crate::{CaseResult, TestBed};

/// What `lpErrno` holds before a call.
pub const ERRNO_SENTINEL: i32 = 0x5a5a_5a5a;
/// What `lpNumberOfBytes...` holds before a call.
pub const COUNT_SENTINEL: u32 = 0xdead_beef;

/// `lpErrno`, guarded.
pub(crate) struct Errno(Guarded);

impl Errno {
    pub(crate) fn new(bed: &dyn TestBed) -> Self {
        Self(Guarded::holding(bed, &ERRNO_SENTINEL.to_le_bytes()))
    }

    pub(crate) fn at(&self) -> UserPtr {
        self.0.at()
    }

    pub(crate) fn value(&self, bed: &dyn TestBed) -> i32 {
        self.0.word(bed) as i32
    }

    /// The error of a call that failed.
    pub(crate) fn error(&self, bed: &dyn TestBed) -> WsaError {
        WsaError(self.value(bed))
    }

    #[track_caller]
    pub(crate) fn check(&self, bed: &dyn TestBed) -> CaseResult {
        self.0.check(bed, "lpErrno")
    }
}

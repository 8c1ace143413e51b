//! Making sends wait.

use provider_core::SocketHandle;
use provider_core::spi::SO_SNDBUF;

use crate::check::works;
use crate::{CaseResult, Seam, TestBed};

use super::set_option;

/// The transport takes nothing until [`release_sends`].
pub fn hold_sends(bed: &dyn TestBed) {
    bed.lower().hold(Seam::Send);
}

/// The transport takes what it can again, and says so.
pub fn release_sends(bed: &dyn TestBed) {
    bed.lower().release(Seam::Send);
}

/// Turns a socket's send buffer off (SO_SNDBUF 0): what the transport does not take at once pends.
///
/// # Errors
/// WSPSetSockOpt fails.
#[track_caller]
pub fn unbuffered(bed: &dyn TestBed, s: SocketHandle) -> CaseResult {
    works("SO_SNDBUF", set_option(bed, s, SO_SNDBUF, 0))
}

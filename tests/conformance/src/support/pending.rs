//! Making sends wait.

use provider_core::SocketHandle;
use provider_core::spi::SO_SNDBUF;

use crate::check::works;
use crate::{CaseResult, Seam, TestBed};

use super::{DatagramPair, datagram_pair, set_option};

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

/// A datagram pair whose `a` has no buffer, and a transport that takes nothing.
///
/// # Errors
/// A call that has to work does not.
#[track_caller]
pub fn full_pair(bed: &dyn TestBed) -> CaseResult<DatagramPair> {
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    Ok(pair)
}

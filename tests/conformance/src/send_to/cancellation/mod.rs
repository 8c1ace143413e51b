//! What ends a send before its time, and what does not (CXL).

pub(super) mod blocking;
pub(super) mod close;
pub(super) mod ends;
pub(super) mod flush;

use crate::support::{DatagramPair, datagram_pair, hold_sends, unbuffered};
use crate::{CaseResult, TestBed};

/// A datagram pair whose `a` has no buffer, and a transport that takes nothing.
fn full_pair(bed: &dyn TestBed) -> CaseResult<DatagramPair> {
    let pair = datagram_pair(bed)?;
    unbuffered(bed, pair.a)?;
    hold_sends(bed);
    Ok(pair)
}

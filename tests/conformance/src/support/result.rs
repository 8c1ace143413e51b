//! WSPGetOverlappedResult with sentinels.

use provider_core::{SocketHandle, WsaError};

use super::scratch::Errno;
use super::{COUNT_SENTINEL, Guarded, Op};
use crate::{CaseResult, Failure, TestBed, check};

/// The count and flags of an operation, or its error. A failure must leave both out parameters
/// alone (RET-9).
///
/// # Errors
/// The call broke its own contract; what the operation failed with is inside of `Ok`.
#[track_caller]
pub fn overlapped_result(
    bed: &dyn TestBed,
    s: SocketHandle,
    op: &Op,
    wait: bool,
) -> CaseResult<Result<(u32, u32), WsaError>> {
    let count = Guarded::holding(bed, &COUNT_SENTINEL.to_le_bytes());
    let flags = Guarded::holding(bed, &COUNT_SENTINEL.to_le_bytes());
    let errno = Errno::new(bed);
    let value =
        bed.spi().wsp_get_overlapped_result(s, op.at(), count.at(), wait, flags.at(), errno.at());
    count.check(bed, "lpcbTransfer")?;
    flags.check(bed, "lpdwFlags")?;
    errno.check(bed)?;
    let (count, flags) = (count.word(bed), flags.word(bed));
    if value != 0 {
        return Ok(Ok((count, flags)));
    }
    check::equal("count and flags after FALSE", (count, flags), (COUNT_SENTINEL, COUNT_SENTINEL))?;
    match errno.error(bed) {
        WsaError(0) => Err(Failure::new("WSPGetOverlappedResult gave FALSE and no error")),
        error => Ok(Err(error)),
    }
}

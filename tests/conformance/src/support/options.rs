//! WSPSetSockOpt and WSPGetSockOpt of any level and value.

use provider_core::{SocketHandle, UserPtr, WsaError};

use super::Guarded;
use super::sockets::plain;
use crate::TestBed;

/// WSPSetSockOpt with `optval` and `optlen` as they are.
///
/// # Errors
/// What it left in `lpErrno`; so for all of these.
pub fn set_raw(
    bed: &dyn TestBed,
    s: SocketHandle,
    (level, option): (i32, i32),
    value: UserPtr,
    len: i32,
) -> Result<(), WsaError> {
    plain(bed, |errno| bed.spi().wsp_set_sock_opt(s, level, option, value, len, errno))
}

/// WSPGetSockOpt with `optval` and `optlen` as they are.
///
/// # Errors
/// As [`set_raw`].
pub fn get_raw(
    bed: &dyn TestBed,
    s: SocketHandle,
    (level, option): (i32, i32),
    value: UserPtr,
    len: UserPtr,
) -> Result<(), WsaError> {
    plain(bed, |errno| bed.spi().wsp_get_sock_opt(s, level, option, value, len, errno))
}

/// WSPGetSockOpt with room for `room` bytes: what it stored, as long as it said.
///
/// # Errors
/// As [`set_raw`].
pub fn get_bytes(
    bed: &dyn TestBed,
    s: SocketHandle,
    name: (i32, i32),
    room: usize,
) -> Result<Vec<u8>, WsaError> {
    let value = Guarded::holding(bed, &vec![0xcc; room]);
    let len = Guarded::holding(bed, &(room as u32).to_le_bytes());
    get_raw(bed, s, name, value.at(), len.at())?;
    let mut bytes = value.bytes(bed);
    bytes.truncate(len.word(bed) as usize);
    Ok(bytes)
}

//! Calls with pointers that a case chooses.

use provider_core::layout::WsaBuf;
use provider_core::spi::INVALID_SOCKET;
use provider_core::{ConditionRoutine, OverlappedArgs, SocketHandle, UserPtr, WsaError};

use crate::TestBed;
use crate::support::Guarded;

fn error(bed: &dyn TestBed, errno: Guarded) -> WsaError {
    WsaError(errno.word(bed) as i32)
}

/// WSPRecv into `len` bytes at `at`, with these flags. Gives the count.
pub(super) fn receive_into(
    bed: &dyn TestBed,
    s: SocketHandle,
    at: UserPtr,
    len: u32,
    flags: u32,
) -> Result<u32, WsaError> {
    let array = Guarded::holding(bed, &WsaBuf { len, buf: at }.encode());
    let [count, flags, errno] =
        [0, flags, 0].map(|word: u32| Guarded::holding(bed, &word.to_le_bytes()));
    let none = OverlappedArgs::NONE;
    let spi = bed.spi();
    match spi.wsp_recv(s, array.at(), 1, count.at(), flags.at(), none, errno.at()) {
        0 => Ok(count.word(bed)),
        _ => Err(error(bed, errno)),
    }
}

/// WSPAccept with room for the peer's address at `addr`.
pub(super) fn accept_into(
    bed: &dyn TestBed,
    s: SocketHandle,
    addr: UserPtr,
) -> Result<SocketHandle, WsaError> {
    let [len, errno] = [28_u32, 0].map(|word| Guarded::holding(bed, &word.to_le_bytes()));
    let none = ConditionRoutine::NULL;
    match bed.spi().wsp_accept(s, addr, len.at(), none, 0, errno.at()) {
        INVALID_SOCKET => Err(error(bed, errno)),
        accepted => Ok(accepted),
    }
}

/// WSPEnumNetworkEvents into `at`.
pub(super) fn enum_into(
    bed: &dyn TestBed,
    s: SocketHandle,
    event: provider_core::EventHandle,
    at: UserPtr,
) -> Result<(), WsaError> {
    let errno = Guarded::holding(bed, &[0; 4]);
    match bed.spi().wsp_enum_network_events(s, event, at, errno.at()) {
        0 => Ok(()),
        _ => Err(error(bed, errno)),
    }
}

/// WSPSelect with these pointers.
pub(super) fn select_at(
    bed: &dyn TestBed,
    sets: [UserPtr; 3],
    timeout: UserPtr,
) -> Result<i32, WsaError> {
    let errno = Guarded::holding(bed, &[0; 4]);
    let [read, write, except] = sets;
    match bed.spi().wsp_select(0, read, write, except, timeout, errno.at()) {
        -1 => Err(error(bed, errno)),
        ready => Ok(ready),
    }
}

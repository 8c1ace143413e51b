//! WSPGetQOSByName.

use provider_core::layout::{WsaBuf, qos};
use provider_core::{SocketHandle, UserPtr, WsaError};

use crate::support::{Errno, Guarded, datagram_pair, stream_pair};
use crate::{Case, CaseResult, TestBed, check};

/// The cases of this function.
pub(crate) const CASES: &[Case] = &[
    Case::both("qos-1-no-template", &["QOS-1", "RESULT-1"], no_template),
    Case::both("qos-2-bad-pointers", &["QOS-2", "RESULT-11"], pointers),
    Case::both("qos-no-socket", &["RESULT-5"], no_socket),
];

/// What the QOS holds before a call.
const FILL: u8 = 0xcc;

/// The call fails with FALSE and `error`.
fn fails(
    bed: &dyn TestBed,
    s: SocketHandle,
    name: UserPtr,
    room: UserPtr,
    error: WsaError,
) -> CaseResult {
    let errno = Errno::new(bed);
    let value = bed.spi().wsp_get_qos_by_name(s, name, room, errno.at());
    check::equal("the call", (value, errno.error(bed)), (0, error))
}

fn name(bed: &dyn TestBed, text: &[u8]) -> UserPtr {
    let buf = Guarded::holding(bed, text).at();
    Guarded::holding(bed, &WsaBuf { len: text.len() as u32, buf }.encode()).at()
}

fn no_template(bed: &dyn TestBed) -> CaseResult {
    let room = Guarded::holding(bed, &[FILL; qos::SIZE]);
    for s in [datagram_pair(bed)?.a, stream_pair(bed)?.a] {
        for text in [&b"G711"[..], b""] {
            fails(bed, s, name(bed, text), room.at(), WsaError::WSAEINVAL)?;
        }
    }
    check::equal("the QOS", room.bytes(bed), vec![FILL; qos::SIZE])
}

fn pointers(bed: &dyn TestBed) -> CaseResult {
    let s = datagram_pair(bed)?.a;
    let room = Guarded::holding(bed, &[FILL; qos::SIZE]);
    for bad in bed.bad_pointers() {
        fails(bed, s, bad.at, room.at(), WsaError::WSAEFAULT)?;
        fails(bed, s, name(bed, b"G711"), bad.at, WsaError::WSAEFAULT)?;
        let text = Guarded::holding(bed, &WsaBuf { len: 8, buf: bad.at }.encode());
        fails(bed, s, text.at(), room.at(), WsaError::WSAEFAULT)?;
    }
    Ok(())
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    let room = Guarded::holding(bed, &[FILL; qos::SIZE]);
    fails(bed, bed.no_socket(), name(bed, b"G711"), room.at(), WsaError::WSAENOTSOCK)
}

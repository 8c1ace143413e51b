//! WSPRecvDisconnect.

use provider_core::layout::WsaBuf;
use provider_core::spi::{AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED};
use provider_core::{Routine, SocketHandle, UserPtr, WsaError};

use crate::support::{
    Errno, Guarded, Op, RecvCall, SendCall, datagram_pair, post_receive, receive_exactly, socket,
    stream_pair, until,
};
use crate::{Case, CaseResult, TestBed, check};

/// The cases of this function.
pub(crate) const CASES: &[Case] = &[
    Case::both("recvdisconnect-1-ends-receiving", &["RECVDISCONNECT-1"], ends_receiving),
    Case::both(
        "recvdisconnect-1-ends-what-waits",
        &["RECVDISCONNECT-1", "SHUTDOWN-4"],
        ends_what_waits,
    ),
    Case::both("recvdisconnect-2-no-data", &["RECVDISCONNECT-2"], no_data),
    Case::both("recvdisconnect-3-not-connected", &["RECVDISCONNECT-3"], not_connected),
    Case::both("recvdisconnect-no-socket", &["RESULT-5"], no_socket),
];

fn disconnect(bed: &dyn TestBed, s: SocketHandle, data: UserPtr) -> Result<(), WsaError> {
    let errno = Errno::new(bed);
    let value = bed.spi().wsp_recv_disconnect(s, data, errno.at());
    if value == 0 { Ok(()) } else { Err(errno.error(bed)) }
}

fn ends_receiving(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("WSPRecvDisconnect", disconnect(bed, pair.a, UserPtr::NULL))?;
    RecvCall::recv(bed, pair.a).room(9).call().refused(WsaError::WSAESHUTDOWN)?;
    // The other way is open.
    SendCall::send(bed, pair.a).bytes(b"forth").call().done(5)?;
    check::equal("the other way", receive_exactly(bed, pair.b, 5)?, b"forth".to_vec())
}

fn ends_what_waits(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let op = Op::new(bed);
    post_receive(bed, pair.a, 9, &op, Routine::NULL)?;
    check::works("WSPRecvDisconnect", disconnect(bed, pair.a, UserPtr::NULL))?;
    until(bed, false, "the end of the receive", || !op.is_pending(bed))?;
    op.failed(bed, WsaError::WSAESHUTDOWN, 0)
}

fn no_data(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let buf = Guarded::holding(bed, &[0xcc; 8]).at();
    let data = Guarded::holding(bed, &WsaBuf { len: 8, buf }.encode());
    let refused = disconnect(bed, pair.a, data.at());
    check::fails("room for disconnect data", refused, WsaError::WSAENOPROTOOPT)?;
    // Nothing was done.
    SendCall::send(bed, pair.b).bytes(b"still").call().done(5)?;
    check::equal("what arrived", receive_exactly(bed, pair.a, 5)?, b"still".to_vec())
}

fn not_connected(bed: &dyn TestBed) -> CaseResult {
    let fresh = check::works("socket", socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED))?;
    for s in [fresh, datagram_pair(bed)?.a] {
        check::fails("no peer", disconnect(bed, s, UserPtr::NULL), WsaError::WSAENOTCONN)?;
    }
    Ok(())
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    let refused = disconnect(bed, bed.no_socket(), UserPtr::NULL);
    check::fails("no socket", refused, WsaError::WSAENOTSOCK)
}

//! WSPSendDisconnect.

use provider_core::layout::WsaBuf;
use provider_core::spi::{AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED};
use provider_core::{SocketHandle, UserPtr, WsaError};

use crate::support::{
    Errno, Guarded, RecvCall, SendCall, close_hard, connect, datagram_pair, hold_sends,
    receive_exactly, receive_ready, release_sends, socket, stream_pair,
};
use crate::{Case, CaseResult, TestBed, check};

/// The cases of this function.
pub(crate) const CASES: &[Case] = &[
    Case::both("senddisconnect-1-ends-sending", &["SENDDISCONNECT-1"], ends_sending),
    Case::both("senddisconnect-1-behind-the-data", &["SENDDISCONNECT-1"], behind_the_data),
    Case::both("senddisconnect-1-twice", &["SENDDISCONNECT-1"], twice),
    Case::both("senddisconnect-1-datagrams", &["SENDDISCONNECT-1"], datagrams),
    Case::both("senddisconnect-2-no-data", &["SENDDISCONNECT-2"], no_data),
    Case::both("senddisconnect-3-not-connected", &["SENDDISCONNECT-3"], not_connected),
    Case::both("senddisconnect-no-socket", &["RESULT-5"], no_socket),
];

fn disconnect(bed: &dyn TestBed, s: SocketHandle, data: UserPtr) -> Result<(), WsaError> {
    let errno = Errno::new(bed);
    let value = bed.spi().wsp_send_disconnect(s, data, errno.at());
    if value == 0 { Ok(()) } else { Err(errno.error(bed)) }
}

fn ends_sending(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    check::works("WSPSendDisconnect", disconnect(bed, pair.a, UserPtr::NULL))?;
    SendCall::send(bed, pair.a).bytes(b"x").call().refused(WsaError::WSAESHUTDOWN)?;
    RecvCall::recv(bed, pair.b).room(9).call().gave(b"")?;
    // The other way is open.
    SendCall::send(bed, pair.b).bytes(b"back").call().done(4)?;
    check::equal("the other way", receive_exactly(bed, pair.a, 4)?, b"back".to_vec())
}

fn behind_the_data(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    hold_sends(bed);
    SendCall::send(bed, pair.a).bytes(b"before").call().done(6)?;
    check::works("WSPSendDisconnect", disconnect(bed, pair.a, UserPtr::NULL))?;
    release_sends(bed);
    check::equal("the data", receive_exactly(bed, pair.b, 6)?, b"before".to_vec())?;
    RecvCall::recv(bed, pair.b).room(9).call().gave(b"")
}

fn twice(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    for _ in 0..2 {
        check::works("WSPSendDisconnect", disconnect(bed, pair.a, UserPtr::NULL))?;
    }
    Ok(())
}

fn datagrams(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let alone = disconnect(bed, pair.a, UserPtr::NULL);
    check::fails("without a peer", alone, WsaError::WSAENOTCONN)?;
    SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).call().done(1)?;
    check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
    check::works("with a peer", disconnect(bed, pair.a, UserPtr::NULL))?;
    SendCall::send(bed, pair.a).bytes(b"y").call().refused(WsaError::WSAESHUTDOWN)
}

fn no_data(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    let buf = Guarded::holding(bed, b"bye").at();
    let data = Guarded::holding(bed, &WsaBuf { len: 3, buf }.encode());
    let mut given = vec![data.at()];
    given.extend(bed.bad_pointers().iter().map(|bad| bad.at).filter(|at| !at.is_null()));
    for data in given {
        let refused = disconnect(bed, pair.a, data);
        check::fails("disconnect data", refused, WsaError::WSAENOPROTOOPT)?;
    }
    // Nothing was done.
    SendCall::send(bed, pair.a).bytes(b"still").call().done(5)?;
    check::equal("what arrived", receive_exactly(bed, pair.b, 5)?, b"still".to_vec())
}

fn not_connected(bed: &dyn TestBed) -> CaseResult {
    let fresh = check::works("socket", socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED))?;
    let refused = disconnect(bed, fresh, UserPtr::NULL);
    check::fails("a fresh stream", refused, WsaError::WSAENOTCONN)?;
    let pair = stream_pair(bed)?;
    check::works("closing hard", close_hard(bed, pair.b))?;
    let reset = receive_ready(bed, pair.a, 9);
    check::fails("the reset", reset, WsaError::WSAECONNRESET)?;
    check::fails("a dead stream", disconnect(bed, pair.a, UserPtr::NULL), WsaError::WSAENOTCONN)
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    let refused = disconnect(bed, bed.no_socket(), UserPtr::NULL);
    check::fails("no socket", refused, WsaError::WSAENOTSOCK)
}

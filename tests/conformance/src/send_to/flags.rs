//! The flags of a call (FLAG).

use provider_core::spi::{MSG_DONTROUTE, MSG_PARTIAL, MSG_PEEK};
use provider_core::{Profile, WsaError};

use crate::support::{
    Op, SendCall, datagram_pair, nothing_arrives, receive_datagram, receive_exactly, stream_pair,
};
use crate::{Case, CaseResult, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("flag-1-dontroute-is-accepted", &["FLAG-1"], dont_route),
    Case::both("flag-3-partial-is-no-message", &["FLAG-3", "ORD-4"], partial),
    Case::both("flag-4-flags-of-this-call-alone", &["FLAG-4", "FLAG-5"], this_call),
    Case::both("flag-6-peek", &["FLAG-6", "ERR-INVAL-3"], peek),
];

fn dont_route(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let op = Op::new(bed);
    let call = || SendCall::send_to(bed, pair.a).bytes(b"near").to(pair.at_b).flags(MSG_DONTROUTE);
    call().call().done(4)?;
    call().overlapped(&op).call().done_overlapped(4)?;
    SendCall::send(bed, stream.a).bytes(b"near").flags(MSG_DONTROUTE).call().done(4)?;
    for _ in 0..2 {
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"near".to_vec())?;
    }
    check::equal("the stream", receive_exactly(bed, stream.b, 4)?, b"near".to_vec())
}

fn partial(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let call = |bytes| SendCall::send_to(bed, pair.a).bytes(bytes).to(pair.at_b);
    call(b"part").flags(MSG_PARTIAL).call().refused(WsaError::WSAEOPNOTSUPP)?;
    call(b"part").flags(MSG_PARTIAL | MSG_DONTROUTE).call().refused(WsaError::WSAEOPNOTSUPP)?;
    call(b"whole").call().done(5)?;
    check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"whole".to_vec())?;
    nothing_arrives(bed, pair.b)
}

fn this_call(bed: &dyn TestBed) -> CaseResult {
    // What one call asked for does not stay with the socket.
    let pair = datagram_pair(bed)?;
    let call = || SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b);
    for _ in 0..2 {
        call().flags(MSG_PARTIAL).call().refused(WsaError::WSAEOPNOTSUPP)?;
        call().call().done(1)?;
        call().flags(MSG_DONTROUTE).call().done(1)?;
    }
    for _ in 0..4 {
        check::equal("the datagram", receive_datagram(bed, pair.b)?.0, b"x".to_vec())?;
    }
    nothing_arrives(bed, pair.b)
}

fn peek(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    let error = match bed.profile() {
        Profile::Documented => WsaError::WSAEOPNOTSUPP,
        Profile::Windows => WsaError::WSAEINVAL,
    };
    let op = Op::new(bed);
    let call = || SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).flags(MSG_PEEK);
    call().call().refused(error)?;
    call().overlapped(&op).call().refused(error)?;
    SendCall::send(bed, stream.a).bytes(b"x").flags(MSG_PEEK).call().refused(error)?;
    nothing_arrives(bed, pair.b)
}

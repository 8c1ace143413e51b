//! The flags of a call (FLAG).

use core::net::{Ipv4Addr, SocketAddr};

use provider_core::spi::{
    AF_INET, MSG_DONTROUTE, MSG_PARTIAL, MSG_PEEK, SO_BROADCAST, SO_SNDBUF, SO_SNDTIMEO,
};
use provider_core::{Profile, WsaError};

use crate::support::{
    Op, SendCall, bound, datagram_pair, ends, hold_sends, nothing_arrives, receive_datagram,
    receive_exactly, set_nonblocking, set_option, stream_pair, unbuffered,
};
use crate::{Case, CaseResult, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("flag-1-dontroute-is-accepted", &["FLAG-1"], dont_route),
    Case::both("flag-3-partial-is-no-message", &["FLAG-3", "ORD-4"], partial),
    Case::both("flag-4-flags-of-this-call-alone", &["FLAG-4", "FLAG-5"], this_call),
    Case::both("flag-5-options-of-this-socket-alone", &["FLAG-5"], this_socket),
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

/// What decides is the socket's own options, whoever calls and whatever other sockets have.
fn this_socket(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, datagram_pair(bed)?);
    let (s, _) = check::works("a bound socket", bound(bed, AF_INET, 0))?;
    let everywhere = SocketAddr::new(Ipv4Addr::BROADCAST.into(), pair.at_b.port());
    let send = move |bed: &dyn TestBed, to, want: Result<u32, WsaError>| {
        for flags in [0, MSG_DONTROUTE] {
            let call = SendCall::send_to(bed, s).bytes(b"x").to(to).flags(flags).call();
            check::equal("the send", call.result(), want)?;
        }
        Ok(())
    };
    let from_each_thread = |to, want: Result<u32, WsaError>| {
        send(bed, to, want)?;
        let thread = bed.spawn("sender", Box::new(move |bed| send(bed, to, want)));
        ends(bed, thread)
    };
    let refused = Err(WsaError::WSAEACCES);
    check::works("SO_BROADCAST of another", set_option(bed, other.a, SO_BROADCAST, 1))?;
    from_each_thread(everywhere, refused)?;
    check::works("SO_BROADCAST", set_option(bed, s, SO_BROADCAST, 1))?;
    from_each_thread(everywhere, Ok(1))?;
    check::works("SO_BROADCAST off", set_option(bed, s, SO_BROADCAST, 0))?;
    from_each_thread(everywhere, refused)?;
    // FIONBIO and SO_SNDBUF, with a transport that takes nothing.
    unbuffered(bed, s)?;
    check::works("FIONBIO of another", set_nonblocking(bed, other.a, true))?;
    check::works("SO_SNDTIMEO", set_option(bed, s, SO_SNDTIMEO, 20))?;
    hold_sends(bed);
    from_each_thread(pair.at_b, Err(WsaError::WSAETIMEDOUT))?;
    check::works("FIONBIO", set_nonblocking(bed, s, true))?;
    from_each_thread(pair.at_b, Err(WsaError::WSAEWOULDBLOCK))?;
    check::works("SO_SNDBUF of another", set_option(bed, other.a, SO_SNDBUF, 0))?;
    check::works("SO_SNDBUF", set_option(bed, s, SO_SNDBUF, 8_192))?;
    from_each_thread(pair.at_b, Ok(1))
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

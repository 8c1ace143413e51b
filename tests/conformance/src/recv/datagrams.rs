//! What a datagram socket gives.

use provider_core::WsaError;
use provider_core::spi::{AF_INET, SIO_UDP_CONNRESET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED};

use crate::support::{
    LOOPBACK_V4, Op, RecvCall, SendCall, bind, close, connect, datagram_pair, get_option, ioctl,
    nothing_arrives, receive_datagram, set_nonblocking, sock_name, socket,
};
use crate::{Case, CaseResult, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("recv-2-one-datagram-a-call", &["RECV-2", "RECVFROM-7"], one_each),
    Case::both("recv-13-what-does-not-fit-is-lost", &["RECV-13"], cut),
    Case::both("recv-14-overlapped-and-cut-at-once", &["RECV-14"], cut_overlapped),
    Case::both("recv-17-port-unreachable-is-told-once", &["RECV-17", "RECV-18"], unreachable),
    Case::both("recv-17-unless-it-is-switched-off", &["RECV-17"], unreachable_off),
    Case::both("recv-32-strangers-are-dropped", &["RECV-32", "RECVFROM-5"], strangers),
    Case::both("send-2-to-the-default-destination", &["SEND-2"], default_destination),
    Case::both("send-3-without-one", &["SEND-3"], no_destination),
];

fn one_each(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    for datagram in [&b"one"[..], b"", b"three"] {
        SendCall::send_to(bed, pair.a).bytes(datagram).to(pair.at_b).call().done(datagram.len())?;
    }
    bed.grace(false);
    RecvCall::recv(bed, pair.b).room(2).room(100).call().gave(b"one")?;
    RecvCall::recv_from(bed, pair.b).room(100).call().gave(b"")?;
    RecvCall::recv(bed, pair.b).room(100).call().gave(b"three")?;
    nothing_arrives(bed, pair.b)
}

fn cut(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    for datagram in [&b"too long"[..], b"too long", b"next"] {
        SendCall::send_to(bed, pair.a).bytes(datagram).to(pair.at_b).call().done(datagram.len())?;
    }
    bed.grace(false);
    let call = RecvCall::recv_from(bed, pair.b).room(1).room(2).call();
    call.cut(b"too")?;
    check::equal("the sender", call.from(), (Some(pair.at_a), 16))?;
    RecvCall::recv(bed, pair.b).room(3).call().cut(b"too")?;
    RecvCall::recv(bed, pair.b).room(100).call().gave(b"next")
}

fn cut_overlapped(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    SendCall::send_to(bed, pair.a).bytes(b"too long").to(pair.at_b).call().done(8)?;
    bed.grace(false);
    let event = bed.create_event(true, false);
    let op = Op::with_event(bed, event);
    let call = RecvCall::recv(bed, pair.b).room(3).overlapped(&op).call();
    check::equal("the call", call.result(), Err(WsaError::WSA_IO_PENDING))?;
    check::equal("the wait", bed.wait(event, false), crate::Waited::Signalled)?;
    let words = op.words(bed);
    check::equal("the error", words.offset_high as i32, WsaError::WSAEMSGSIZE.0)?;
    check::equal("the count", words.internal_high, 3)?;
    call.holds(b"too")
}

/// A socket whose last datagram met a port that nobody has.
fn refused_by_its_peer(bed: &dyn TestBed) -> CaseResult<provider_core::SocketHandle> {
    let pair = datagram_pair(bed)?;
    check::works("WSPCloseSocket", close(bed, pair.b))?;
    SendCall::send_to(bed, pair.a).bytes(b"to nobody").to(pair.at_b).call().done(9)?;
    bed.grace(false);
    check::works("FIONBIO", set_nonblocking(bed, pair.a, true))?;
    Ok(pair.a)
}

fn unreachable(bed: &dyn TestBed) -> CaseResult {
    let s = refused_by_its_peer(bed)?;
    let at = check::works("WSPGetSockName", sock_name(bed, s))?;
    RecvCall::recv(bed, s).room(10).call().refused(WsaError::WSAECONNRESET)?;
    RecvCall::recv(bed, s).room(10).call().refused(WsaError::WSAEWOULDBLOCK)?;
    SendCall::send_to(bed, s).bytes(b"alive").to(at).call().done(5)?;
    check::equal("what arrived", receive_datagram(bed, s)?.0, b"alive".to_vec())
}

fn unreachable_off(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("SIO_UDP_CONNRESET", ioctl(bed, pair.a, SIO_UDP_CONNRESET, Some(0)))?;
    check::works("WSPCloseSocket", close(bed, pair.b))?;
    SendCall::send_to(bed, pair.a).bytes(b"to nobody").to(pair.at_b).call().done(9)?;
    nothing_arrives(bed, pair.a)
}

fn strangers(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, datagram_pair(bed)?);
    check::works("WSPConnect", connect(bed, pair.b, pair.at_a))?;
    SendCall::send_to(bed, other.a).bytes(b"stranger").to(pair.at_b).call().done(8)?;
    SendCall::send_to(bed, pair.a).bytes(b"peer").to(pair.at_b).call().done(4)?;
    bed.grace(false);
    let peeked = RecvCall::recv_from(bed, pair.b).room(100).flags(provider_core::spi::MSG_PEEK);
    check::equal("the look", peeked.call().result(), Ok(4))?;
    let call = RecvCall::recv_from(bed, pair.b).room(100).call();
    call.gave(b"peer")?;
    check::equal("the sender", call.from(), (Some(pair.at_a), 16))?;
    nothing_arrives(bed, pair.b)
}

fn default_destination(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
    SendCall::send(bed, pair.a).bytes(b"hello").call().done(5)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"hello".to_vec())
}

fn no_destination(bed: &dyn TestBed) -> CaseResult {
    let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
    check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
    SendCall::send(bed, s).bytes(b"x").call().refused(WsaError::WSAENOTCONN)?;
    let most = get_option(bed, s, provider_core::spi::SO_MAX_MSG_SIZE);
    check::holds("the socket is none the worse", most.is_ok())
}

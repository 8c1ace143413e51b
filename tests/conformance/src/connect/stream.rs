//! Connections of streams.

use core::net::SocketAddr;

use provider_core::spi::SO_ERROR;
use provider_core::{SocketHandle, WsaError};

use super::fresh_stream;
use crate::support::{
    LOOPBACK_V4, SendCall, accept, bind, cancel_blocking_call, close, connect, ends, get_option,
    listener, peer_name, receive_exactly, set_nonblocking, sock_name, stream_pair, unbuffered,
    until,
};
use crate::{Answer, Case, CaseResult, Seam, Shared, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("connect-1-returns-when-established", &["CONNECT-1", "CONNECT-8"], established),
    Case::both("connect-1-waits-until-then", &["CONNECT-1"], waits),
    Case::both("connect-2-nonblocking-goes-on", &["CONNECT-2", "CONNECT-3"], goes_on),
    Case::both("connect-4-connected-already", &["CONNECT-4"], connected_already),
    Case::both("connect-5-listening", &["CONNECT-5"], listening),
    Case::both("connect-6-nobody-listens", &["CONNECT-6", "CONNECT-7"], nobody),
    Case::both("connect-6-nonblocking-tells-in-so-error", &["CONNECT-6", "CONNECT-7"], told_later),
    Case::both("connect-6-what-the-transport-says", &["CONNECT-6", "CONNECT-7"], other_reasons),
    Case::both("connect-7-keeps-its-address", &["CONNECT-7"], keeps_its_address),
    Case::both("connect-8-bound-before", &["CONNECT-8"], bound_before),
    Case::both("connect-18-cancelled", &["CONNECT-18"], cancelled),
    Case::both("connect-18-closed", &["CONNECT-18", "CLOSE-8"], closed),
    Case::both("connect-22-after-the-connection-ended", &["CONNECT-22"], dead),
];

/// An address where nobody listens.
fn nowhere(bed: &dyn TestBed) -> CaseResult<SocketAddr> {
    let s = fresh_stream(bed)?;
    check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
    check::works("WSPGetSockName", sock_name(bed, s))
}

/// It connects to somebody who listens, and bytes get there.
fn connects(bed: &dyn TestBed, s: SocketHandle) -> CaseResult {
    let (listening, at) = listener(bed)?;
    check::works("WSPConnect", connect(bed, s, at))?;
    check::equal("its peer", peer_name(bed, s), Ok(at))?;
    let accepted = check::works("WSPAccept", accept(bed, listening))?;
    SendCall::send(bed, s).bytes(b"hello").call().done(5)?;
    check::equal("what arrived", receive_exactly(bed, accepted, 5)?, b"hello".to_vec())
}

fn established(bed: &dyn TestBed) -> CaseResult {
    let s = fresh_stream(bed)?;
    check::fails("its name before", sock_name(bed, s), WsaError::WSAEINVAL)?;
    connects(bed, s)?;
    let at = check::works("WSPGetSockName", sock_name(bed, s))?;
    check::equal("its address", at.ip(), LOOPBACK_V4.ip())?;
    check::holds("its port", at.port() != 0)
}

fn waits(bed: &dyn TestBed) -> CaseResult {
    let (listening, at) = listener(bed)?;
    let s = fresh_stream(bed)?;
    let returned = Shared::new(false);
    let done = returned.clone();
    bed.lower().hold(Seam::Connect);
    let thread = bed.spawn(
        "connector",
        Box::new(move |bed| {
            check::works("WSPConnect", connect(bed, s, at))?;
            done.set(true);
            check::equal("its peer", peer_name(bed, s), Ok(at))
        }),
    );
    bed.grace(false);
    check::holds("it waits", !returned.get())?;
    bed.lower().release(Seam::Connect);
    ends(bed, thread)?;
    check::works("WSPAccept", accept(bed, listening)).map(drop)
}

fn goes_on(bed: &dyn TestBed) -> CaseResult {
    let (listening, at) = listener(bed)?;
    let s = fresh_stream(bed)?;
    check::works("FIONBIO", set_nonblocking(bed, s, true))?;
    bed.lower().hold(Seam::Connect);
    check::fails("WSPConnect", connect(bed, s, at), WsaError::WSAEWOULDBLOCK)?;
    for _ in 0..2 {
        check::fails("another", connect(bed, s, at), WsaError::WSAEALREADY)?;
    }
    check::fails("its peer", peer_name(bed, s), WsaError::WSAENOTCONN)?;
    SendCall::send(bed, s).bytes(b"x").call().refused(WsaError::WSAENOTCONN)?;
    bed.lower().release(Seam::Connect);
    until(bed, false, "the connection", || peer_name(bed, s).is_ok())?;
    check::fails("one more", connect(bed, s, at), WsaError::WSAEISCONN)?;
    let accepted = check::works("WSPAccept", accept(bed, listening))?;
    SendCall::send(bed, s).bytes(b"hello").call().done(5)?;
    check::equal("what arrived", receive_exactly(bed, accepted, 5)?, b"hello".to_vec())
}

fn connected_already(bed: &dyn TestBed) -> CaseResult {
    let (listening, at) = listener(bed)?;
    let (_, other) = listener(bed)?;
    let s = fresh_stream(bed)?;
    check::works("WSPConnect", connect(bed, s, at))?;
    let accepted = check::works("WSPAccept", accept(bed, listening))?;
    for s in [s, accepted] {
        for to in [at, other] {
            check::fails("another", connect(bed, s, to), WsaError::WSAEISCONN)?;
        }
    }
    check::equal("its peer", peer_name(bed, s), Ok(at))
}

fn listening(bed: &dyn TestBed) -> CaseResult {
    let (s, _) = listener(bed)?;
    let (_, at) = listener(bed)?;
    check::fails("WSPConnect", connect(bed, s, at), WsaError::WSAEINVAL)
}

fn nobody(bed: &dyn TestBed) -> CaseResult {
    let s = fresh_stream(bed)?;
    let to = nowhere(bed)?;
    for _ in 0..2 {
        check::fails("WSPConnect", connect(bed, s, to), WsaError::WSAECONNREFUSED)?;
        check::fails("its peer", peer_name(bed, s), WsaError::WSAENOTCONN)?;
        SendCall::send(bed, s).bytes(b"x").call().refused(WsaError::WSAENOTCONN)?;
    }
    connects(bed, s)
}

fn told_later(bed: &dyn TestBed) -> CaseResult {
    let s = fresh_stream(bed)?;
    let to = nowhere(bed)?;
    check::works("FIONBIO", set_nonblocking(bed, s, true))?;
    check::fails("WSPConnect", connect(bed, s, to), WsaError::WSAEWOULDBLOCK)?;
    let mut told = Ok(0);
    until(bed, false, "the error", || {
        told = get_option(bed, s, SO_ERROR);
        told != Ok(0)
    })?;
    check::equal("SO_ERROR", told, Ok(WsaError::WSAECONNREFUSED.0 as u32))?;
    check::works("FIONBIO", set_nonblocking(bed, s, false))?;
    connects(bed, s)
}

fn other_reasons(bed: &dyn TestBed) -> CaseResult {
    let (_, at) = listener(bed)?;
    for error in [
        WsaError::WSAETIMEDOUT,
        WsaError::WSAENETUNREACH,
        WsaError::WSAEHOSTUNREACH,
        WsaError::WSAEADDRINUSE,
        WsaError::WSAECONNREFUSED,
        WsaError::WSAENETDOWN,
        WsaError::WSAENOBUFS,
    ] {
        let s = fresh_stream(bed)?;
        bed.lower().answer(Seam::Connect, Answer::Refuse(error));
        check::fails("WSPConnect", connect(bed, s, at), error)?;
        connects(bed, s)?;
    }
    Ok(())
}

/// Whatever ended the connection.
fn dead(bed: &dyn TestBed) -> CaseResult {
    let (_, at) = listener(bed)?;
    for end in [WsaError::WSAECONNRESET, WsaError::WSAECONNABORTED, WsaError::WSAENETRESET] {
        let pair = stream_pair(bed)?;
        unbuffered(bed, pair.a)?;
        bed.lower().answer(Seam::Send, Answer::Refuse(end));
        SendCall::send(bed, pair.a).bytes(b"never").call().refused(end)?;
        check::fails("WSPConnect", connect(bed, pair.a, at), WsaError::WSAEISCONN)?;
    }
    Ok(())
}

fn keeps_its_address(bed: &dyn TestBed) -> CaseResult {
    let s = fresh_stream(bed)?;
    check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
    let at = check::works("WSPGetSockName", sock_name(bed, s))?;
    let refused = connect(bed, s, nowhere(bed)?);
    check::fails("WSPConnect", refused, WsaError::WSAECONNREFUSED)?;
    check::equal("its name", sock_name(bed, s), Ok(at))?;
    connects(bed, s)?;
    check::equal("its name", sock_name(bed, s), Ok(at))
}

fn bound_before(bed: &dyn TestBed) -> CaseResult {
    let (listening, to) = listener(bed)?;
    let s = fresh_stream(bed)?;
    check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
    let at = check::works("WSPGetSockName", sock_name(bed, s))?;
    check::works("WSPConnect", connect(bed, s, to))?;
    check::equal("its name", sock_name(bed, s), Ok(at))?;
    let accepted = check::works("WSPAccept", accept(bed, listening))?;
    check::equal("who was accepted", peer_name(bed, accepted), Ok(at))
}

fn cancelled(bed: &dyn TestBed) -> CaseResult {
    let (_, at) = listener(bed)?;
    let s = fresh_stream(bed)?;
    bed.lower().hold(Seam::Connect);
    let thread = bed.spawn(
        "connector",
        Box::new(move |bed| check::fails("WSPConnect", connect(bed, s, at), WsaError::WSAEINTR)),
    );
    bed.grace(false);
    let cancel =
        |bed: &dyn TestBed| check::works("WSPCancelBlockingCall", cancel_blocking_call(bed));
    check::holds("the APC was queued", bed.queue_apc(thread, Box::new(cancel)))?;
    ends(bed, thread)?;
    bed.lower().release(Seam::Connect);
    check::works("WSPCloseSocket", close(bed, s))
}

fn closed(bed: &dyn TestBed) -> CaseResult {
    let (_, at) = listener(bed)?;
    let s = fresh_stream(bed)?;
    bed.lower().hold(Seam::Connect);
    let thread = bed.spawn(
        "connector",
        Box::new(move |bed| check::fails("WSPConnect", connect(bed, s, at), WsaError::WSAEINTR)),
    );
    bed.grace(false);
    check::works("WSPCloseSocket", close(bed, s))?;
    ends(bed, thread)
}

//! WSPListen (LISTEN).

use provider_core::spi::{AF_INET, SO_ACCEPTCONN, SOCK_DGRAM, SOCK_STREAM, WSA_FLAG_OVERLAPPED};
use provider_core::{SocketHandle, WsaError};

use crate::support::{
    LOOPBACK_V4, accept, bind, connect, datagram_pair, get_option, listen, listen_raw, peer_name,
    set_nonblocking, sock_name, socket, stream_pair,
};
use crate::{Answer, Case, CaseResult, Seam, TestBed, check};

/// The cases of this family.
pub(crate) const CASES: &[Case] = &[
    Case::both("listen-1-connections-are-queued", &["LISTEN-1"], queues),
    Case::both("listen-1-refused-by-the-transport", &["LISTEN-1"], refused_below),
    Case::both("listen-2-not-bound", &["LISTEN-2"], not_bound),
    Case::both("listen-3-datagram-socket", &["LISTEN-3"], datagram),
    Case::both("listen-4-connected", &["LISTEN-4"], connected),
    Case::both("listen-4-connecting", &["LISTEN-4"], connecting),
    Case::both("listen-5-listens-already", &["LISTEN-5"], again),
    Case::both("listen-6-any-backlog", &["LISTEN-6"], backlogs),
    Case::both("result-5-listen-on-no-socket", &["RESULT-5"], no_socket),
];

fn stream(bed: &dyn TestBed) -> CaseResult<SocketHandle> {
    check::works("WSPSocket", socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED))
}

fn bound(bed: &dyn TestBed) -> CaseResult<SocketHandle> {
    let s = stream(bed)?;
    check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
    Ok(s)
}

/// Somebody connects to it, and can be accepted.
fn takes_a_connection(bed: &dyn TestBed, listener: SocketHandle) -> CaseResult {
    let at = check::works("WSPGetSockName", sock_name(bed, listener))?;
    let s = stream(bed)?;
    check::works("WSPConnect", connect(bed, s, at))?;
    let accepted = check::works("WSPAccept", accept(bed, listener))?;
    let from = check::works("WSPGetSockName", sock_name(bed, s))?;
    check::equal("who was accepted", peer_name(bed, accepted), Ok(from))
}

fn queues(bed: &dyn TestBed) -> CaseResult {
    let listener = bound(bed)?;
    let at = check::works("WSPGetSockName", sock_name(bed, listener))?;
    check::equal("SO_ACCEPTCONN", get_option(bed, listener, SO_ACCEPTCONN), Ok(0))?;
    let early = stream(bed)?;
    check::fails("before it listens", connect(bed, early, at), WsaError::WSAECONNREFUSED)?;
    check::works("WSPListen", listen(bed, listener))?;
    check::equal("SO_ACCEPTCONN", get_option(bed, listener, SO_ACCEPTCONN), Ok(1))?;
    check::equal("its name", sock_name(bed, listener), Ok(at))?;
    let mut callers = Vec::new();
    for _ in 0..3 {
        let s = stream(bed)?;
        check::works("WSPConnect", connect(bed, s, at))?;
        callers.push(check::works("WSPGetSockName", sock_name(bed, s))?);
    }
    for caller in callers {
        let accepted = check::works("WSPAccept", accept(bed, listener))?;
        check::equal("who was accepted", peer_name(bed, accepted), Ok(caller))?;
    }
    Ok(())
}

fn refused_below(bed: &dyn TestBed) -> CaseResult {
    let listener = bound(bed)?;
    for error in [WsaError::WSAENETDOWN, WsaError::WSAENOBUFS, WsaError::WSAEADDRINUSE] {
        bed.lower().answer(Seam::Listen, Answer::Refuse(error));
        check::fails("WSPListen", listen(bed, listener), error)?;
        check::equal("SO_ACCEPTCONN", get_option(bed, listener, SO_ACCEPTCONN), Ok(0))?;
    }
    check::works("WSPListen", listen(bed, listener))?;
    takes_a_connection(bed, listener)
}

fn not_bound(bed: &dyn TestBed) -> CaseResult {
    let s = stream(bed)?;
    check::fails("WSPListen", listen(bed, s), WsaError::WSAEINVAL)?;
    check::fails("its name", sock_name(bed, s), WsaError::WSAEINVAL)?;
    check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
    check::works("WSPListen", listen(bed, s))
}

fn datagram(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let unbound = socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED);
    for s in [pair.a, check::works("WSPSocket", unbound)?] {
        check::fails("WSPListen", listen(bed, s), WsaError::WSAEOPNOTSUPP)?;
    }
    Ok(())
}

fn connected(bed: &dyn TestBed) -> CaseResult {
    let pair = stream_pair(bed)?;
    for s in [pair.a, pair.b] {
        check::fails("WSPListen", listen(bed, s), WsaError::WSAEISCONN)?;
        check::works("its peer", peer_name(bed, s))?;
    }
    Ok(())
}

fn connecting(bed: &dyn TestBed) -> CaseResult {
    let listener = bound(bed)?;
    check::works("WSPListen", listen(bed, listener))?;
    let at = check::works("WSPGetSockName", sock_name(bed, listener))?;
    let s = stream(bed)?;
    check::works("FIONBIO", set_nonblocking(bed, s, true))?;
    bed.lower().hold(Seam::Connect);
    check::fails("WSPConnect", connect(bed, s, at), WsaError::WSAEWOULDBLOCK)?;
    check::fails("WSPListen", listen(bed, s), WsaError::WSAEISCONN)?;
    bed.lower().release(Seam::Connect);
    check::works("WSPAccept", accept(bed, listener)).map(drop)
}

fn again(bed: &dyn TestBed) -> CaseResult {
    let listener = bound(bed)?;
    check::works("WSPListen", listen(bed, listener))?;
    check::works("another", listen(bed, listener))?;
    check::works("with another backlog", listen_raw(bed, listener, 1))?;
    takes_a_connection(bed, listener)
}

fn backlogs(bed: &dyn TestBed) -> CaseResult {
    for backlog in [i32::MIN, -1, 0, 1, 5, 200, 201, i32::MAX] {
        let listener = bound(bed)?;
        let listening = listen_raw(bed, listener, backlog);
        check::works(&format!("backlog {backlog}"), listening)?;
        takes_a_connection(bed, listener)?;
    }
    Ok(())
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    check::fails("WSPListen", listen(bed, bed.no_socket()), WsaError::WSAENOTSOCK)
}

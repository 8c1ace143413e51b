//! Errors of the socket's state: not bound, not connected, shut down, no destination.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use provider_core::spi::{
    AF_INET, AF_INET6, SD_BOTH, SD_RECEIVE, SD_SEND, SO_BROADCAST, SOCK_DGRAM, SOCK_STREAM,
    WINSOCK_VERSION, WSA_FLAG_OVERLAPPED,
};
use provider_core::{Profile, WsaError};

use crate::support::{
    ANY_V4, ANY_V6, LOOPBACK_V4, Op, SendCall, bind, cleanup, connect, datagram_pair,
    datagram_pair_of, listen, nonoverlapped_datagram_pair, nothing_arrives, receive_datagram,
    receive_exactly, set_option, shutdown, sock_name, socket, startup, stream_pair,
};
use crate::{Answer, Case, CaseResult, Seam, TestBed, check};

/// The cases of this family.
pub(in crate::send_to) const CASES: &[Case] = &[
    Case::both("err-notconn-stream", &["ERR-NOTCONN"], not_connected),
    Case::both("err-notconn-listening-stream", &["ERR-NOTCONN"], listening),
    Case::both("err-shutdown-datagram", &["ERR-SHUTDOWN", "EVT-7"], shut_datagram),
    Case::both("err-shutdown-stream", &["ERR-SHUTDOWN", "EVT-7"], shut_stream),
    Case::both("err-shutdown-not-by-receive", &["ERR-SHUTDOWN"], shut_receive),
    Case::documented("err-inval-1-unbound", &["ERR-INVAL-1", "DST-7"], unbound),
    Case::both("err-inval-2-nonoverlapped", &["ERR-INVAL-2"], nonoverlapped),
    Case::both("err-acces-broadcast", &["ERR-ACCES"], broadcast),
    Case::both("err-acces-broadcast-by-default", &["ERR-ACCES"], default_broadcast),
    Case::both("err-addrnotavail", &["ERR-ADDRNOTAVAIL"], not_available),
    Case::both("err-afnosupport", &["ERR-AFNOSUPPORT"], other_family),
    Case::both("err-destaddrreq", &["ERR-DESTADDRREQ"], no_destination),
    Case::both("err-isconn-is-not-given", &["ERR-ISCONN", "DST-2"], connected),
    Case::both("err-missing-not-started", &["ERR-MISSING"], not_started),
    Case::windows("err-missing-no-port", &["ERR-MISSING", "DST-7"], no_port),
];

fn not_connected(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let new = || socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED);
    let bound = || {
        let stream = new()?;
        bind(bed, stream, LOOPBACK_V4)?;
        Ok(stream)
    };
    for stream in [new(), bound()] {
        let stream = check::works("a stream", stream)?;
        let op = Op::new(bed);
        SendCall::send(bed, stream).bytes(b"x").call().refused(WsaError::WSAENOTCONN)?;
        let call = || SendCall::send_to(bed, stream).bytes(b"x").to(pair.at_b);
        call().call().refused(WsaError::WSAENOTCONN)?;
        call().overlapped(&op).call().refused(WsaError::WSAENOTCONN)?;
    }
    Ok(())
}

fn listening(bed: &dyn TestBed) -> CaseResult {
    let listener = check::works("a stream", socket(bed, AF_INET, SOCK_STREAM, 0))?;
    check::works("WSPBind", bind(bed, listener, LOOPBACK_V4))?;
    check::works("WSPListen", listen(bed, listener))?;
    SendCall::send(bed, listener).bytes(b"x").call().refused(WsaError::WSAENOTCONN)
}

fn shut_datagram(bed: &dyn TestBed) -> CaseResult {
    for how in [SD_SEND, SD_BOTH] {
        let pair = datagram_pair(bed)?;
        let event = bed.create_event(true, false);
        let op = Op::with_event(bed, event);
        check::works("WSPShutdown", shutdown(bed, pair.a, how))?;
        let call = || SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b);
        call().call().refused(WsaError::WSAESHUTDOWN)?;
        call().overlapped(&op).call().refused(WsaError::WSAESHUTDOWN)?;
        nothing_arrives(bed, pair.b)?;
        check::holds("no event is set", !bed.is_set(event))?;
        op.untouched(bed)?;
    }
    Ok(())
}

fn shut_stream(bed: &dyn TestBed) -> CaseResult {
    for how in [SD_SEND, SD_BOTH] {
        let pair = stream_pair(bed)?;
        let event = bed.create_event(true, false);
        let op = Op::with_event(bed, event);
        SendCall::send(bed, pair.a).bytes(b"before").call().done(6)?;
        check::works("WSPShutdown", shutdown(bed, pair.a, how))?;
        SendCall::send(bed, pair.a).bytes(b"x").call().refused(WsaError::WSAESHUTDOWN)?;
        SendCall::send_to(bed, pair.a).bytes(b"x").call().refused(WsaError::WSAESHUTDOWN)?;
        let call = SendCall::send(bed, pair.a).bytes(b"x").overlapped(&op).call();
        call.refused(WsaError::WSAESHUTDOWN)?;
        check::equal("what arrived", receive_exactly(bed, pair.b, 6)?, b"before".to_vec())?;
        bed.grace(true);
        check::holds("no event is set", !bed.is_set(event))?;
        op.untouched(bed)?;
    }
    Ok(())
}

fn shut_receive(bed: &dyn TestBed) -> CaseResult {
    let (pair, stream) = (datagram_pair(bed)?, stream_pair(bed)?);
    for socket in [pair.a, stream.a] {
        check::works("WSPShutdown", shutdown(bed, socket, SD_RECEIVE))?;
    }
    SendCall::send_to(bed, pair.a).bytes(b"one").to(pair.at_b).call().done(3)?;
    SendCall::send(bed, stream.a).bytes(b"two").call().done(3)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"one".to_vec())?;
    check::equal("what arrived", receive_exactly(bed, stream.b, 3)?, b"two".to_vec())
}

fn unbound(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let fresh = check::works("a socket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
    let op = Op::new(bed);
    let call = || SendCall::send_to(bed, fresh).bytes(b"x").to(pair.at_b);
    call().call().refused(WsaError::WSAEINVAL)?;
    call().overlapped(&op).call().refused(WsaError::WSAEINVAL)?;
    SendCall::send(bed, fresh).bytes(b"x").call().refused(WsaError::WSAEINVAL)?;
    check::fails("WSPGetSockName", sock_name(bed, fresh), WsaError::WSAEINVAL)?;
    nothing_arrives(bed, pair.b)?;
    check::works("WSPBind", bind(bed, fresh, LOOPBACK_V4))?;
    call().call().done(1)
}

fn nonoverlapped(bed: &dyn TestBed) -> CaseResult {
    let pair = nonoverlapped_datagram_pair(bed)?;
    SendCall::send_to(bed, pair.a).bytes(b"plain").to(pair.at_b).call().done(5)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"plain".to_vec())
}

const BROADCAST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::BROADCAST), 9);

fn broadcast(bed: &dyn TestBed) -> CaseResult {
    let s = check::works("a socket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
    check::works("WSPBind", bind(bed, s, ANY_V4))?;
    let op = Op::new(bed);
    let call = || SendCall::send_to(bed, s).bytes(b"all").to(BROADCAST);
    bed.lower().clear_taken();
    call().call().refused(WsaError::WSAEACCES)?;
    call().overlapped(&op).call().refused(WsaError::WSAEACCES)?;
    check::equal("what the transport took", bed.lower().taken(), Vec::new())?;
    check::works("SO_BROADCAST", set_option(bed, s, SO_BROADCAST, 1))?;
    call().call().done(3)?;
    check::works("SO_BROADCAST", set_option(bed, s, SO_BROADCAST, 0))?;
    call().call().refused(WsaError::WSAEACCES)
}

fn default_broadcast(bed: &dyn TestBed) -> CaseResult {
    let s = check::works("a socket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
    check::works("WSPBind", bind(bed, s, ANY_V4))?;
    check::works("SO_BROADCAST", set_option(bed, s, SO_BROADCAST, 1))?;
    check::works("WSPConnect", connect(bed, s, BROADCAST))?;
    SendCall::send(bed, s).bytes(b"all").call().done(3)?;
    check::works("SO_BROADCAST", set_option(bed, s, SO_BROADCAST, 0))?;
    SendCall::send(bed, s).bytes(b"all").call().refused(WsaError::WSAEACCES)?;
    SendCall::send_to(bed, s).bytes(b"all").call().refused(WsaError::WSAEACCES)
}

fn not_available(bed: &dyn TestBed) -> CaseResult {
    for (af, any) in [(AF_INET, ANY_V4), (AF_INET6, ANY_V6)] {
        let pair = datagram_pair_of(bed, af, WSA_FLAG_OVERLAPPED)?;
        let op = Op::new(bed);
        for to in
            [any, SocketAddr::new(any.ip(), pair.at_b.port()), SocketAddr::new(pair.at_b.ip(), 0)]
        {
            let call = || SendCall::send_to(bed, pair.a).bytes(b"x").to(to);
            call().call().refused(WsaError::WSAEADDRNOTAVAIL)?;
            call().overlapped(&op).call().refused(WsaError::WSAEADDRNOTAVAIL)?;
        }
        nothing_arrives(bed, pair.b)?;
    }
    Ok(())
}

fn other_family(bed: &dyn TestBed) -> CaseResult {
    let v4 = datagram_pair(bed)?;
    let v6 = datagram_pair_of(bed, AF_INET6, WSA_FLAG_OVERLAPPED)?;
    let op = Op::new(bed);
    let call = || SendCall::send_to(bed, v4.a).bytes(b"x").to(v6.at_b);
    call().call().refused(WsaError::WSAEAFNOSUPPORT)?;
    call().overlapped(&op).call().refused(WsaError::WSAEAFNOSUPPORT)?;
    for family in [0_u8, 1, 23, 99] {
        let mut bytes = [0; 28];
        bytes[0] = family;
        bytes[2..4].copy_from_slice(&v4.at_b.port().to_be_bytes());
        bytes[4..8].copy_from_slice(&[127, 0, 0, 1]);
        let call = SendCall::send_to(bed, v4.a).bytes(b"x").to_bytes(&bytes, 16).call();
        call.refused(WsaError::WSAEAFNOSUPPORT)?;
        if family != 23 {
            let call = SendCall::send_to(bed, v6.a).bytes(b"x").to_bytes(&bytes, 28).call();
            call.refused(WsaError::WSAEAFNOSUPPORT)?;
        }
    }
    nothing_arrives(bed, v4.b)
}

fn no_destination(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let error = match bed.profile() {
        Profile::Documented => WsaError::WSAEDESTADDRREQ,
        Profile::Windows => WsaError::WSAENOTCONN,
    };
    let op = Op::new(bed);
    SendCall::send_to(bed, pair.a).bytes(b"x").call().refused(error)?;
    SendCall::send_to(bed, pair.a).bytes(b"x").overlapped(&op).call().refused(error)?;
    // iTolen says nothing without lpTo.
    let call = SendCall::send_to(bed, pair.a).bytes(b"x");
    call.to_at(provider_core::UserPtr::NULL, 16).call().refused(error)?;
    // A default destination that was taken away is none.
    check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
    check::works("WSPConnect to zeros", connect(bed, pair.a, ANY_V4))?;
    SendCall::send_to(bed, pair.a).bytes(b"x").call().refused(error)?;
    nothing_arrives(bed, pair.b)
}

fn connected(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
    SendCall::send_to(bed, pair.a).bytes(b"same").to(pair.at_b).call().done(4)?;
    check::equal("what arrived", receive_datagram(bed, pair.b)?.0, b"same".to_vec())
}

fn not_started(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::works("WSPCleanup", cleanup(bed))?;
    let op = Op::new(bed);
    let call = || SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b);
    call().call().refused(WsaError::WSANOTINITIALISED)?;
    call().overlapped(&op).call().refused(WsaError::WSANOTINITIALISED)?;
    let call = SendCall::send(bed, bed.no_socket()).bytes(b"x").call();
    call.refused(WsaError::WSANOTINITIALISED)?;
    check::equal("WSPStartup", startup(bed), Ok(WINSOCK_VERSION))?;
    let call = SendCall::send_to(bed, pair.a).bytes(b"x").to(pair.at_b).call();
    call.refused(WsaError::WSAENOTSOCK)
}

fn no_port(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let fresh = check::works("a socket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
    let op = Op::new(bed);
    let call = || SendCall::send_to(bed, fresh).bytes(b"x").to(pair.at_b);
    for error in [WsaError::WSAENOBUFS, WsaError::WSAEADDRINUSE] {
        bed.lower().answer(Seam::Bind, Answer::Refuse(error));
        call().overlapped(&op).call().refused(error)?;
        check::fails("WSPGetSockName", sock_name(bed, fresh), WsaError::WSAEINVAL)?;
    }
    call().overlapped(&op).call().done_overlapped(1)
}

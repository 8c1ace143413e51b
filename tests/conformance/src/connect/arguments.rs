//! What the arguments of WSPConnect may be: names, connect data, quality of service.

use core::net::SocketAddr;

use provider_core::layout::{WsaBuf, encode_sockaddr};
use provider_core::spi::{
    SERVICETYPE_BESTEFFORT, SERVICETYPE_CONTROLLEDLOAD, SERVICETYPE_GUARANTEED,
};
use provider_core::{ConnectArgs, SocketHandle, WsaError};

use super::fresh_stream;
use crate::support::{
    ANY_V4, Guarded, LOOPBACK_V4, LOOPBACK_V6, connect, connect_raw, datagram_pair, flows,
    listener, name_of, peer_name, sock_name,
};
use crate::{BadPointer, Case, CaseResult, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("connect-13-another-family", &["CONNECT-13"], other_family),
    Case::both("connect-14-bad-names", &["CONNECT-14"], bad_names),
    Case::both("connect-15-stream-to-no-address", &["CONNECT-15"], no_address),
    Case::both("connect-17-data-for-the-peer", &["CONNECT-17"], caller_data),
    Case::both("connect-19-nothing-from-the-peer", &["CONNECT-19"], callee_data),
    Case::both("connect-20-bad-memory", &["CONNECT-20", "RESULT-11"], bad_memory),
    Case::both("connect-21-quality-of-service", &["CONNECT-21"], quality),
    Case::both("result-5-connect-on-no-socket", &["RESULT-5"], no_socket),
];

const NONE: ConnectArgs = ConnectArgs::NONE;

/// A refused connect has begun nothing.
fn nothing_begun(bed: &dyn TestBed, stream: SocketHandle) -> CaseResult {
    check::fails("its name", sock_name(bed, stream), WsaError::WSAEINVAL)?;
    check::fails("its peer", peer_name(bed, stream), WsaError::WSAENOTCONN)
}

fn other_family(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (fresh_stream(bed)?, datagram_pair(bed)?);
    let v6 = SocketAddr::new(LOOPBACK_V6.ip(), pair.at_b.port());
    for s in [stream, pair.a] {
        check::fails("AF_INET6", connect(bed, s, v6), WsaError::WSAEAFNOSUPPORT)?;
        let (mut bytes, len) = encode_sockaddr(&pair.at_b);
        bytes[0] = 99;
        let name = (Guarded::holding(bed, &bytes[..len]).at(), len as i32);
        let refused = connect_raw(bed, s, name, NONE);
        check::fails("no family", refused, WsaError::WSAEAFNOSUPPORT)?;
    }
    nothing_begun(bed, stream)
}

fn bad_names(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (fresh_stream(bed)?, datagram_pair(bed)?);
    let (name, size) = name_of(bed, pair.at_b);
    for s in [stream, pair.a] {
        for len in [size - 1, 4, 2, 1, 0, -1, i32::MIN] {
            let refused = connect_raw(bed, s, (name, len), NONE);
            check::fails(&format!("namelen {len}"), refused, WsaError::WSAEFAULT)?;
        }
        for bad in bed.bad_pointers() {
            for len in [size, i32::MAX] {
                let refused = connect_raw(bed, s, (bad.at, len), NONE);
                check::fails(bad.what, refused, WsaError::WSAEFAULT)?;
            }
        }
    }
    nothing_begun(bed, stream)?;
    check::fails("its peer", peer_name(bed, pair.a), WsaError::WSAENOTCONN)
}

fn no_address(bed: &dyn TestBed) -> CaseResult {
    let (_, at) = listener(bed)?;
    let s = fresh_stream(bed)?;
    for to in [ANY_V4, SocketAddr::new(ANY_V4.ip(), at.port()), LOOPBACK_V4] {
        check::fails(&format!("{to}"), connect(bed, s, to), WsaError::WSAEADDRNOTAVAIL)?;
    }
    nothing_begun(bed, s)?;
    check::works("an address", connect(bed, s, at))
}

/// A WSABUF over `bytes`.
fn buffer(bed: &dyn TestBed, bytes: &[u8]) -> Guarded {
    let buf = Guarded::holding(bed, bytes).at();
    Guarded::holding(bed, &WsaBuf { len: bytes.len() as u32, buf }.encode())
}

fn caller_data(bed: &dyn TestBed) -> CaseResult {
    let ((_, at), pair) = (listener(bed)?, datagram_pair(bed)?);
    let s = fresh_stream(bed)?;
    let (full, empty) = (buffer(bed, b"hello").at(), buffer(bed, b"").at());
    let refused = connect_raw(bed, s, name_of(bed, at), ConnectArgs { caller_data: full, ..NONE });
    check::fails("data on a stream", refused, WsaError::WSAEPROTONOSUPPORT)?;
    nothing_begun(bed, s)?;
    let args = ConnectArgs { caller_data: empty, ..NONE };
    check::works("no data", connect_raw(bed, s, name_of(bed, at), args))?;
    let name = name_of(bed, pair.at_b);
    let args = ConnectArgs { caller_data: full, ..NONE };
    check::works("a datagram socket", connect_raw(bed, pair.a, name, args))?;
    for bad in bed.bad_pointers() {
        let args = ConnectArgs { caller_data: bad.at, ..NONE };
        check::works("it is not looked at", connect_raw(bed, pair.a, name, args))?;
    }
    check::equal("its peer", peer_name(bed, pair.a), Ok(pair.at_b))
}

fn callee_data(bed: &dyn TestBed) -> CaseResult {
    let (_, at) = listener(bed)?;
    let s = fresh_stream(bed)?;
    let room = Guarded::holding(bed, &[7; 16]);
    let told = WsaBuf { len: 16, buf: room.at() };
    let callee = Guarded::holding(bed, &told.encode());
    let args = ConnectArgs { callee_data: callee.at(), ..NONE };
    check::works("WSPConnect", connect_raw(bed, s, name_of(bed, at), args))?;
    let after = WsaBuf { len: 0, ..told }.encode().to_vec();
    check::equal("lpCalleeData", callee.bytes(bed), after)?;
    check::equal("its buffer", room.bytes(bed), vec![7; 16])?;
    callee.check(bed, "lpCalleeData")
}

fn bad_memory(bed: &dyn TestBed) -> CaseResult {
    let ((_, at), pair) = (listener(bed)?, datagram_pair(bed)?);
    let s = fresh_stream(bed)?;
    for BadPointer { what, at: bad } in bed.bad_pointers() {
        if bad.is_null() {
            continue;
        }
        for (field, args) in [
            ("lpCallerData", ConnectArgs { caller_data: bad, ..NONE }),
            ("lpCalleeData", ConnectArgs { callee_data: bad, ..NONE }),
            ("lpSQOS", ConnectArgs { sqos: bad, ..NONE }),
            ("lpGQOS", ConnectArgs { gqos: bad, ..NONE }),
        ] {
            let refused = connect_raw(bed, s, name_of(bed, at), args);
            check::fails(&format!("{field}: {what}"), refused, WsaError::WSAEFAULT)?;
        }
        for args in [ConnectArgs { sqos: bad, ..NONE }, ConnectArgs { gqos: bad, ..NONE }] {
            let refused = connect_raw(bed, pair.a, name_of(bed, pair.at_b), args);
            check::fails(what, refused, WsaError::WSAEFAULT)?;
        }
    }
    nothing_begun(bed, s)?;
    check::fails("its peer", peer_name(bed, pair.a), WsaError::WSAENOTCONN)?;
    check::works("WSPConnect", connect(bed, s, at))
}

fn quality(bed: &dyn TestBed) -> CaseResult {
    let ((_, at), pair) = (listener(bed)?, datagram_pair(bed)?);
    let stream = fresh_stream(bed)?;
    for (s, to) in [(stream, at), (pair.a, pair.at_b)] {
        let connecting = |args| connect_raw(bed, s, name_of(bed, to), args);
        for (sending, receiving) in [
            (SERVICETYPE_GUARANTEED, SERVICETYPE_BESTEFFORT),
            (SERVICETYPE_BESTEFFORT, SERVICETYPE_CONTROLLEDLOAD),
            (SERVICETYPE_CONTROLLEDLOAD, SERVICETYPE_GUARANTEED),
        ] {
            let sqos = flows(bed, sending, receiving);
            let refused = connecting(ConnectArgs { sqos, ..NONE });
            check::fails("more than best effort", refused, WsaError::WSAEOPNOTSUPP)?;
            check::fails("its peer", peer_name(bed, s), WsaError::WSAENOTCONN)?;
        }
        let sqos = flows(bed, SERVICETYPE_BESTEFFORT, SERVICETYPE_BESTEFFORT);
        check::works("best effort", connecting(ConnectArgs { sqos, ..NONE }))?;
        check::equal("its peer", peer_name(bed, s), Ok(to))?;
    }
    Ok(())
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    check::fails("WSPConnect", connect(bed, bed.no_socket(), pair.at_b), WsaError::WSAENOTSOCK)
}

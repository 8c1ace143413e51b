//! WSPGetSockName and WSPGetPeerName (SOCKNAME, PEERNAME).

use core::net::SocketAddr;

use provider_core::layout::encode_sockaddr;
use provider_core::spi::{AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM, WSA_FLAG_OVERLAPPED};
use provider_core::{SocketHandle, UserPtr, WsaError};

use crate::support::{
    ANY_V4, ANY_V6, FAMILIES, Guarded, LOOPBACK_V4, accept, bind, connect, datagram_pair,
    datagram_pair_of, listen, peer_name, peer_name_raw, sock_name, sock_name_raw, socket,
    stream_pair, stream_pair_of,
};
use crate::{Case, CaseResult, TestBed, check};

/// The cases of this family.
pub(crate) const CASES: &[Case] = &[
    Case::both("sockname-1-address-and-size", &["SOCKNAME-1"], own_address),
    Case::both("sockname-2-not-bound", &["SOCKNAME-2"], not_bound),
    Case::both("sockname-3-address-of-the-connection", &["SOCKNAME-3"], of_the_connection),
    Case::both("sockname-4-room", &["SOCKNAME-4", "RESULT-10"], own_room),
    Case::both("peername-1-both-ends", &["PEERNAME-1"], both_ends),
    Case::both("peername-1-address-and-size", &["PEERNAME-1"], peer_address),
    Case::both("peername-2-default-destination", &["PEERNAME-2"], default_destination),
    Case::both("peername-3-not-connected", &["PEERNAME-3"], not_connected),
    Case::both("peername-4-room", &["PEERNAME-4", "RESULT-10"], peer_room),
    Case::both("result-5-names-of-no-socket", &["RESULT-5"], no_socket),
];

/// WSPGetSockName or WSPGetPeerName.
type Name = fn(&dyn TestBed, SocketHandle, UserPtr, UserPtr) -> Result<(), WsaError>;

fn length(bed: &dyn TestBed, len: u32) -> Guarded {
    Guarded::holding(bed, &len.to_le_bytes())
}

/// With room to spare the function stores `address` and its size, and nothing behind it.
fn stores(bed: &dyn TestBed, name: Name, s: SocketHandle, address: SocketAddr) -> CaseResult {
    let (bytes, size) = encode_sockaddr(&address);
    for room in [size, size + 1, 128] {
        let at = Guarded::holding(bed, &[0xcd; 128]);
        let len = length(bed, room as u32);
        check::works("the name", name(bed, s, at.at(), len.at()))?;
        check::equal("the size", len.word(bed) as usize, size)?;
        let stored = at.bytes(bed);
        check::equal("the address", &stored[..size], &bytes[..size])?;
        check::equal("what is behind it", &stored[size..], &[0xcd; 128][size..])?;
        len.check(bed, "namelen")?;
        at.check(bed, "name")?;
    }
    Ok(())
}

/// Rooms that are too small or no memory; what is memory stays as it was.
fn refuses(bed: &dyn TestBed, name: Name, s: SocketHandle, size: u32) -> CaseResult {
    for room in [size - 1, 4, 2, 1, 0] {
        let (at, len) = (Guarded::holding(bed, &[0xcd; 28]), length(bed, room));
        let given = name(bed, s, at.at(), len.at());
        check::fails(&format!("namelen {room}"), given, WsaError::WSAEFAULT)?;
        check::equal("namelen", len.word(bed), room)?;
        check::equal("name", at.bytes(bed), vec![0xcd; 28])?;
    }
    for bad in bed.bad_pointers() {
        let (at, len) = (Guarded::holding(bed, &[0xcd; 28]), length(bed, 28));
        check::fails(bad.what, name(bed, s, bad.at, len.at()), WsaError::WSAEFAULT)?;
        check::equal("namelen", len.word(bed), 28)?;
        check::fails(bad.what, name(bed, s, at.at(), bad.at), WsaError::WSAEFAULT)?;
        check::equal("name", at.bytes(bed), vec![0xcd; 28])?;
    }
    Ok(())
}

fn own_address(bed: &dyn TestBed) -> CaseResult {
    for (af, kind) in [(AF_INET, SOCK_DGRAM), (AF_INET, SOCK_STREAM), (AF_INET6, SOCK_DGRAM)] {
        let s = check::works("WSPSocket", socket(bed, af, kind, WSA_FLAG_OVERLAPPED))?;
        check::works("WSPBind", bind(bed, s, if af == AF_INET { ANY_V4 } else { ANY_V6 }))?;
        let at = check::works("WSPGetSockName", sock_name(bed, s))?;
        stores(bed, sock_name_raw, s, at)?;
    }
    let pair = datagram_pair_of(bed, AF_INET6, WSA_FLAG_OVERLAPPED)?;
    stores(bed, sock_name_raw, pair.a, pair.at_a)
}

fn not_bound(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        for kind in [SOCK_DGRAM, SOCK_STREAM] {
            let s = check::works("WSPSocket", socket(bed, af, kind, WSA_FLAG_OVERLAPPED))?;
            let (at, len) = (Guarded::holding(bed, &[0xcd; 28]), length(bed, 28));
            let given = sock_name_raw(bed, s, at.at(), len.at());
            check::fails("WSPGetSockName", given, WsaError::WSAEINVAL)?;
            check::equal("namelen", len.word(bed), 28)?;
            check::equal("name", at.bytes(bed), vec![0xcd; 28])?;
        }
    }
    Ok(())
}

fn of_the_connection(bed: &dyn TestBed) -> CaseResult {
    let new = || socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED);
    let listener = check::works("WSPSocket", new())?;
    check::works("WSPBind", bind(bed, listener, ANY_V4))?;
    check::works("WSPListen", listen(bed, listener))?;
    let at = check::works("WSPGetSockName", sock_name(bed, listener))?;
    check::equal("the listener's address", at.ip(), ANY_V4.ip())?;
    let s = check::works("WSPSocket", new())?;
    check::works("WSPBind", bind(bed, s, ANY_V4))?;
    let bound = check::works("WSPGetSockName", sock_name(bed, s))?;
    let to = SocketAddr::new(LOOPBACK_V4.ip(), at.port());
    check::works("WSPConnect", connect(bed, s, to))?;
    let from = SocketAddr::new(LOOPBACK_V4.ip(), bound.port());
    check::equal("the end that connected", sock_name(bed, s), Ok(from))?;
    let accepted = check::works("WSPAccept", accept(bed, listener))?;
    check::equal("the end that was accepted", sock_name(bed, accepted), Ok(to))?;
    check::equal("the listener", sock_name(bed, listener), Ok(at))
}

fn own_room(bed: &dyn TestBed) -> CaseResult {
    for (af, size) in [(AF_INET, 16), (AF_INET6, 28)] {
        let pair = datagram_pair_of(bed, af, WSA_FLAG_OVERLAPPED)?;
        refuses(bed, sock_name_raw, pair.a, size)?;
        check::equal("its name", sock_name(bed, pair.a), Ok(pair.at_a))?;
    }
    Ok(())
}

fn both_ends(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        let pair = stream_pair_of(bed, af, WSA_FLAG_OVERLAPPED)?;
        check::equal("where it connected to", peer_name(bed, pair.a), Ok(pair.at_b))?;
        let at_a = check::works("WSPGetSockName", sock_name(bed, pair.a))?;
        check::equal("who was accepted", peer_name(bed, pair.b), Ok(at_a))?;
        check::equal("its own name", sock_name(bed, pair.b), Ok(pair.at_b))?;
    }
    Ok(())
}

fn peer_address(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        let pair = stream_pair_of(bed, af, WSA_FLAG_OVERLAPPED)?;
        stores(bed, peer_name_raw, pair.a, pair.at_b)?;
    }
    Ok(())
}

fn default_destination(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        let pair = datagram_pair_of(bed, af, WSA_FLAG_OVERLAPPED)?;
        check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
        stores(bed, peer_name_raw, pair.a, pair.at_b)?;
    }
    Ok(())
}

fn not_connected(bed: &dyn TestBed) -> CaseResult {
    let unbound = |kind| socket(bed, AF_INET, kind, WSA_FLAG_OVERLAPPED);
    let bound = |kind| {
        let s = unbound(kind)?;
        bind(bed, s, LOOPBACK_V4)?;
        Ok(s)
    };
    let listening = || {
        let s = bound(SOCK_STREAM)?;
        listen(bed, s)?;
        Ok(s)
    };
    for opened in [
        unbound(SOCK_DGRAM),
        unbound(SOCK_STREAM),
        bound(SOCK_DGRAM),
        bound(SOCK_STREAM),
        listening(),
    ] {
        let s = check::works("a socket", opened)?;
        let (at, len) = (Guarded::holding(bed, &[0xcd; 28]), length(bed, 28));
        let given = peer_name_raw(bed, s, at.at(), len.at());
        check::fails("WSPGetPeerName", given, WsaError::WSAENOTCONN)?;
        check::equal("namelen", len.word(bed), 28)?;
        check::equal("name", at.bytes(bed), vec![0xcd; 28])?;
    }
    Ok(())
}

fn peer_room(bed: &dyn TestBed) -> CaseResult {
    let (stream, pair) = (stream_pair(bed)?, datagram_pair(bed)?);
    check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
    for (s, peer) in [(stream.a, stream.at_b), (pair.a, pair.at_b)] {
        refuses(bed, peer_name_raw, s, 16)?;
        check::equal("its peer", peer_name(bed, s), Ok(peer))?;
    }
    Ok(())
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    let s = bed.no_socket();
    check::fails("WSPGetSockName", sock_name(bed, s), WsaError::WSAENOTSOCK)?;
    check::fails("WSPGetPeerName", peer_name(bed, s), WsaError::WSAENOTSOCK)
}

//! The default destination of a datagram socket.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use provider_core::WsaError;
use provider_core::spi::{AF_INET, SO_BROADCAST, SOCK_DGRAM, WSA_FLAG_OVERLAPPED};

use crate::support::{
    ANY_V4, ANY_V6, FAMILIES, LOOPBACK_V4, RecvCall, SendCall, bind, connect, datagram_pair,
    datagram_pair_of, nothing_arrives, peer_name, receive_datagram, set_option, sock_name, socket,
};
use crate::{Case, CaseResult, TestBed, check};

/// The cases of this family.
pub(super) const CASES: &[Case] = &[
    Case::both("connect-8-datagram-socket-is-bound", &["CONNECT-8"], bound),
    Case::both("connect-9-sends-nothing", &["CONNECT-9"], sends_nothing),
    Case::both("connect-9-nobody-needs-to-be-there", &["CONNECT-9"], nobody_there),
    Case::both("connect-10-zeros-take-it-away", &["CONNECT-10"], zeros),
    Case::both("connect-11-another-replaces-it", &["CONNECT-11"], replaced),
    Case::both("connect-12-others-are-not-heard", &["CONNECT-12"], others),
    Case::both("connect-12-those-that-wait-already", &["CONNECT-12"], waiting),
    Case::both("connect-15-half-an-address", &["CONNECT-15"], half_an_address),
    Case::both("connect-16-broadcast", &["CONNECT-16"], broadcast),
];

fn bound(bed: &dyn TestBed) -> CaseResult {
    let pair = datagram_pair(bed)?;
    let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
    check::works("WSPConnect", connect(bed, s, pair.at_b))?;
    let at = check::works("WSPGetSockName", sock_name(bed, s))?;
    check::holds("a port", at.port() != 0)?;
    SendCall::send(bed, s).bytes(b"hello").call().done(5)?;
    let (bytes, from) = receive_datagram(bed, pair.b)?;
    check::equal("what arrived", (bytes, from.port()), (b"hello".to_vec(), at.port()))
}

fn sends_nothing(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        let pair = datagram_pair_of(bed, af, WSA_FLAG_OVERLAPPED)?;
        bed.lower().clear_taken();
        check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
        check::equal("what the transport took", bed.lower().taken(), Vec::new())?;
        nothing_arrives(bed, pair.b)?;
        SendCall::send(bed, pair.a).bytes(b"hello").call().done(5)?;
        let got = receive_datagram(bed, pair.b)?;
        check::equal("what arrived", got, (b"hello".to_vec(), pair.at_a))?;
    }
    Ok(())
}

fn nobody_there(bed: &dyn TestBed) -> CaseResult {
    let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
    // A bound stream has the port of its own protocol only.
    let stream = socket(bed, AF_INET, provider_core::spi::SOCK_STREAM, WSA_FLAG_OVERLAPPED);
    let stream = check::works("WSPSocket", stream)?;
    check::works("WSPBind", bind(bed, stream, LOOPBACK_V4))?;
    let to = check::works("WSPGetSockName", sock_name(bed, stream))?;
    check::works("WSPConnect", connect(bed, s, to))?;
    check::equal("its peer", peer_name(bed, s), Ok(to))
}

fn zeros(bed: &dyn TestBed) -> CaseResult {
    for (af, any) in FAMILIES.into_iter().zip([ANY_V4, ANY_V6]) {
        let pair = datagram_pair_of(bed, af, WSA_FLAG_OVERLAPPED)?;
        check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
        check::works("WSPConnect with zeros", connect(bed, pair.a, any))?;
        check::fails("its peer", peer_name(bed, pair.a), WsaError::WSAENOTCONN)?;
        SendCall::send(bed, pair.a).bytes(b"x").call().refused(WsaError::WSAENOTCONN)?;
        check::equal("its name", sock_name(bed, pair.a), Ok(pair.at_a))?;
        // It hears everybody again.
        let other = datagram_pair_of(bed, af, WSA_FLAG_OVERLAPPED)?;
        SendCall::send_to(bed, other.a).bytes(b"heard").to(pair.at_a).call().done(5)?;
        let got = receive_datagram(bed, pair.a)?;
        check::equal("what arrived", got, (b"heard".to_vec(), other.at_a))?;
        // Without a destination to take away it is no error.
        check::works("WSPConnect with zeros", connect(bed, pair.a, any))?;
    }
    Ok(())
}

fn replaced(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, datagram_pair(bed)?);
    for (to, at) in [(pair.b, pair.at_b), (other.b, other.at_b), (pair.b, pair.at_b)] {
        check::works("WSPConnect", connect(bed, pair.a, at))?;
        check::equal("its peer", peer_name(bed, pair.a), Ok(at))?;
        SendCall::send(bed, pair.a).bytes(b"hello").call().done(5)?;
        check::equal("what arrived", receive_datagram(bed, to)?.0, b"hello".to_vec())?;
    }
    nothing_arrives(bed, other.b)
}

fn others(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, datagram_pair(bed)?);
    check::works("WSPConnect", connect(bed, pair.b, pair.at_a))?;
    SendCall::send_to(bed, other.a).bytes(b"stranger").to(pair.at_b).call().done(8)?;
    nothing_arrives(bed, pair.b)?;
    SendCall::send_to(bed, pair.a).bytes(b"peer").to(pair.at_b).call().done(4)?;
    let got = receive_datagram(bed, pair.b)?;
    check::equal("what arrived", got, (b"peer".to_vec(), pair.at_a))
}

fn waiting(bed: &dyn TestBed) -> CaseResult {
    let (pair, other) = (datagram_pair(bed)?, datagram_pair(bed)?);
    for (from, bytes) in [(other.a, &b"one"[..]), (pair.a, b"two"), (other.b, b"three")] {
        SendCall::send_to(bed, from).bytes(bytes).to(pair.at_b).call().done(bytes.len())?;
    }
    bed.grace(false);
    check::works("WSPConnect", connect(bed, pair.b, pair.at_a))?;
    RecvCall::recv_from(bed, pair.b).room(100).call().gave(b"two")?;
    nothing_arrives(bed, pair.b)
}

fn half_an_address(bed: &dyn TestBed) -> CaseResult {
    for (af, any) in FAMILIES.into_iter().zip([ANY_V4, ANY_V6]) {
        let pair = datagram_pair_of(bed, af, WSA_FLAG_OVERLAPPED)?;
        check::works("WSPConnect", connect(bed, pair.a, pair.at_b))?;
        for to in [SocketAddr::new(any.ip(), pair.at_b.port()), SocketAddr::new(pair.at_b.ip(), 0)]
        {
            let refused = connect(bed, pair.a, to);
            check::fails(&format!("{to}"), refused, WsaError::WSAEADDRNOTAVAIL)?;
        }
        check::equal("its peer", peer_name(bed, pair.a), Ok(pair.at_b))?;
    }
    Ok(())
}

fn broadcast(bed: &dyn TestBed) -> CaseResult {
    let to = SocketAddr::new(IpAddr::V4(Ipv4Addr::BROADCAST), 9);
    let s = check::works("WSPSocket", socket(bed, AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED))?;
    check::fails("by default", connect(bed, s, to), WsaError::WSAEACCES)?;
    check::fails("its peer", peer_name(bed, s), WsaError::WSAENOTCONN)?;
    check::works("SO_BROADCAST", set_option(bed, s, SO_BROADCAST, 1))?;
    check::works("with SO_BROADCAST", connect(bed, s, to))?;
    check::equal("its peer", peer_name(bed, s), Ok(to))?;
    check::works("SO_BROADCAST", set_option(bed, s, SO_BROADCAST, 0))?;
    check::fails("without it", connect(bed, s, to), WsaError::WSAEACCES)
}

//! WSPBind (BIND).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use provider_core::layout::encode_sockaddr;
use provider_core::spi::{AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM, WSA_FLAG_OVERLAPPED};
use provider_core::{SocketHandle, UserPtr, WsaError};

use crate::support::{
    ANY_V4, ANY_V6, Guarded, LOOPBACK_V4, LOOPBACK_V6, SendCall, bind, bind_raw, name_of,
    receive_datagram, sock_name, socket,
};
use crate::{Answer, Case, CaseResult, Seam, TestBed, check};

/// The cases of this family.
pub(crate) const CASES: &[Case] = &[
    Case::both("bind-1-the-address-that-was-asked-for", &["BIND-1"], address_asked_for),
    Case::both("bind-1-datagrams-come-to-it", &["BIND-1"], datagrams_come),
    Case::both("bind-2-port-0", &["BIND-2"], free_port),
    Case::both("bind-3-bad-memory", &["BIND-3", "BIND-7"], bad_memory),
    Case::both("bind-3-too-small", &["BIND-3", "BIND-7"], too_small),
    Case::both("bind-3-larger-than-an-address", &["BIND-1", "BIND-3"], larger),
    Case::both("bind-3-another-family", &["BIND-3", "BIND-7"], other_family),
    Case::both("bind-4-bound-already", &["BIND-4"], bound_already),
    Case::both("bind-5-address-in-use", &["BIND-5", "BIND-7"], in_use),
    Case::both("bind-6-not-of-this-machine", &["BIND-6", "BIND-7"], elsewhere),
    Case::both("bind-7-refused-by-the-transport", &["BIND-7"], refused_below),
    Case::both("result-5-bind-on-no-socket", &["RESULT-5"], no_socket),
];

/// Each family with its ADDR_ANY and its loopback address.
const EACH: [(i32, SocketAddr, SocketAddr); 2] =
    [(AF_INET, ANY_V4, LOOPBACK_V4), (AF_INET6, ANY_V6, LOOPBACK_V6)];
const KINDS: [i32; 2] = [SOCK_STREAM, SOCK_DGRAM];

fn fresh(bed: &dyn TestBed, af: i32, kind: i32) -> CaseResult<SocketHandle> {
    check::works("WSPSocket", socket(bed, af, kind, WSA_FLAG_OVERLAPPED))
}

/// A bind failed: the socket is unbound, and can be bound.
fn still_unbound(bed: &dyn TestBed, s: SocketHandle, to: SocketAddr) -> CaseResult {
    check::fails("its name", sock_name(bed, s), WsaError::WSAEINVAL)?;
    check::works("a bind after it", bind(bed, s, to))
}

fn address_asked_for(bed: &dyn TestBed) -> CaseResult {
    for (af, any, loopback) in EACH {
        for address in [any, loopback] {
            // A port that was free for the other protocol.
            let first = fresh(bed, af, SOCK_DGRAM)?;
            check::works("WSPBind", bind(bed, first, address))?;
            let at = check::works("WSPGetSockName", sock_name(bed, first))?;
            check::equal("the address", at.ip(), address.ip())?;
            let second = fresh(bed, af, SOCK_STREAM)?;
            check::works("WSPBind", bind(bed, second, at))?;
            check::equal("its name", sock_name(bed, second), Ok(at))?;
        }
    }
    Ok(())
}

fn datagrams_come(bed: &dyn TestBed) -> CaseResult {
    for (af, any, loopback) in EACH {
        let (s, sender) = (fresh(bed, af, SOCK_DGRAM)?, fresh(bed, af, SOCK_DGRAM)?);
        check::works("WSPBind", bind(bed, s, any))?;
        check::works("WSPBind", bind(bed, sender, loopback))?;
        let port = check::works("WSPGetSockName", sock_name(bed, s))?.port();
        let from = check::works("WSPGetSockName", sock_name(bed, sender))?;
        let to = SocketAddr::new(loopback.ip(), port);
        SendCall::send_to(bed, sender).bytes(b"here").to(to).call().done(4)?;
        check::equal("what arrived", receive_datagram(bed, s)?, (b"here".to_vec(), from))?;
    }
    Ok(())
}

fn free_port(bed: &dyn TestBed) -> CaseResult {
    for (af, _, loopback) in EACH {
        for kind in KINDS {
            let mut ports = Vec::new();
            for _ in 0..3 {
                let s = fresh(bed, af, kind)?;
                check::works("WSPBind", bind(bed, s, loopback))?;
                let at = check::works("WSPGetSockName", sock_name(bed, s))?;
                check::equal("the address", at.ip(), loopback.ip())?;
                check::holds("a port", at.port() != 0)?;
                check::holds("another port", !ports.contains(&at.port()))?;
                ports.push(at.port());
            }
        }
    }
    Ok(())
}

fn bad_memory(bed: &dyn TestBed) -> CaseResult {
    for kind in KINDS {
        let s = fresh(bed, AF_INET, kind)?;
        for bad in bed.bad_pointers() {
            for len in [16, 28, i32::MAX] {
                let bound = bind_raw(bed, s, (bad.at, len));
                check::fails(&format!("{}, {len}", bad.what), bound, WsaError::WSAEFAULT)?;
            }
        }
        still_unbound(bed, s, LOOPBACK_V4)?;
    }
    Ok(())
}

fn too_small(bed: &dyn TestBed) -> CaseResult {
    for (af, _, loopback) in EACH {
        for kind in KINDS {
            let s = fresh(bed, af, kind)?;
            let (name, size) = name_of(bed, loopback);
            for len in [size - 1, 4, 2, 1, 0, -1, i32::MIN] {
                let bound = bind_raw(bed, s, (name, len));
                check::fails(&format!("namelen {len}"), bound, WsaError::WSAEFAULT)?;
            }
            let bound = bind_raw(bed, s, (UserPtr::NULL, 0));
            check::fails("no name", bound, WsaError::WSAEFAULT)?;
            still_unbound(bed, s, loopback)?;
        }
    }
    Ok(())
}

fn larger(bed: &dyn TestBed) -> CaseResult {
    for (af, _, loopback) in EACH {
        let s = fresh(bed, af, SOCK_DGRAM)?;
        let (bytes, len) = encode_sockaddr(&loopback);
        let mut long = vec![0xee; 128];
        long[..len].copy_from_slice(&bytes[..len]);
        let name = Guarded::holding(bed, &long);
        check::works("a SOCKADDR_STORAGE", bind_raw(bed, s, (name.at(), 128)))?;
        let at = check::works("WSPGetSockName", sock_name(bed, s))?;
        check::equal("the address", at.ip(), loopback.ip())?;
        check::equal("name", name.bytes(bed), long)?;
    }
    Ok(())
}

fn other_family(bed: &dyn TestBed) -> CaseResult {
    for (af, other, own) in
        [(AF_INET, LOOPBACK_V6, LOOPBACK_V4), (AF_INET6, LOOPBACK_V4, LOOPBACK_V6)]
    {
        for kind in KINDS {
            let s = fresh(bed, af, kind)?;
            check::fails("the other family", bind(bed, s, other), WsaError::WSAEFAULT)?;
            let (mut bytes, len) = encode_sockaddr(&own);
            bytes[0] = 99;
            let name = Guarded::holding(bed, &bytes[..len]).at();
            let bound = bind_raw(bed, s, (name, len as i32));
            check::fails("no family", bound, WsaError::WSAEFAULT)?;
            still_unbound(bed, s, own)?;
        }
    }
    Ok(())
}

fn bound_already(bed: &dyn TestBed) -> CaseResult {
    for kind in KINDS {
        let s = fresh(bed, AF_INET, kind)?;
        check::works("WSPBind", bind(bed, s, LOOPBACK_V4))?;
        let at = check::works("WSPGetSockName", sock_name(bed, s))?;
        for again in [at, LOOPBACK_V4, ANY_V4] {
            check::fails("another bind", bind(bed, s, again), WsaError::WSAEINVAL)?;
        }
        check::equal("its name", sock_name(bed, s), Ok(at))?;
    }
    Ok(())
}

fn in_use(bed: &dyn TestBed) -> CaseResult {
    for (af, _, loopback) in EACH {
        for kind in KINDS {
            let (first, second) = (fresh(bed, af, kind)?, fresh(bed, af, kind)?);
            check::works("WSPBind", bind(bed, first, loopback))?;
            let at = check::works("WSPGetSockName", sock_name(bed, first))?;
            check::fails("the same address", bind(bed, second, at), WsaError::WSAEADDRINUSE)?;
            still_unbound(bed, second, loopback)?;
            check::equal("the first one's", sock_name(bed, first), Ok(at))?;
        }
    }
    Ok(())
}

fn elsewhere(bed: &dyn TestBed) -> CaseResult {
    // Addresses for documentation, which no machine has.
    let v4 = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 77));
    let v6 = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 77));
    for (af, ip, loopback) in [(AF_INET, v4, LOOPBACK_V4), (AF_INET6, v6, LOOPBACK_V6)] {
        for kind in KINDS {
            let s = fresh(bed, af, kind)?;
            let bound = bind(bed, s, SocketAddr::new(ip, 0));
            check::fails("another machine's", bound, WsaError::WSAEADDRNOTAVAIL)?;
            still_unbound(bed, s, loopback)?;
        }
    }
    Ok(())
}

fn refused_below(bed: &dyn TestBed) -> CaseResult {
    for error in [WsaError::WSAENETDOWN, WsaError::WSAENOBUFS] {
        for kind in KINDS {
            let s = fresh(bed, AF_INET, kind)?;
            bed.lower().answer(Seam::Bind, Answer::Refuse(error));
            check::fails("WSPBind", bind(bed, s, LOOPBACK_V4), error)?;
            still_unbound(bed, s, LOOPBACK_V4)?;
        }
    }
    Ok(())
}

fn no_socket(bed: &dyn TestBed) -> CaseResult {
    check::fails("WSPBind", bind(bed, bed.no_socket(), LOOPBACK_V4), WsaError::WSAENOTSOCK)
}

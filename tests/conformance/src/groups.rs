//! Multicast by options: memberships, time to live, loopback, interface.

use core::net::SocketAddr;

use provider_core::spi::{
    AF_INET, AF_INET6, IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_MULTICAST_IF, IP_MULTICAST_LOOP,
    IP_MULTICAST_TTL, IPPROTO_IP, IPPROTO_IPV6, SIO_MULTICAST_SCOPE, SIO_MULTIPOINT_LOOPBACK,
    SOCK_STREAM, WSA_FLAG_OVERLAPPED,
};
use provider_core::{SocketHandle, WsaError};

use crate::join_leaf::CARRIED;
use crate::support::{
    FAMILIES, SendCall, bound, get_option_at, group, ioctl, level, membership, nothing_arrives,
    receive_datagram, set_option_at, socket,
};
use crate::{Case, CaseResult, TestBed, check};

/// The cases of these options.
pub(crate) const CASES: &[Case] = &[
    Case::both("setoption-20-members-hear", &["SETOPTION-20"], members_hear).on(CARRIED),
    Case::both("setoption-21-what-cannot-be-joined", &["SETOPTION-21"], refusals).on(CARRIED),
    Case::both("setoption-22-time-to-live", &["SETOPTION-22", "SETOPTION-1"], time_to_live)
        .on(CARRIED),
    Case::both("setoption-23-loop-is-the-receivers", &["SETOPTION-23"], loopback).on(CARRIED),
    Case::both("setoption-24-interface", &["SETOPTION-24"], interface).on(CARRIED),
    Case::both("setoption-25-other-sockets", &["SETOPTION-25"], other_sockets),
    Case::both("ioctl-20-by-ioctl", &["IOCTL-20"], by_ioctl).on(CARRIED),
    Case::both("setoption-4-short-memberships", &["SETOPTION-4"], short),
];

const DEFAULT: [u8; 4] = [0; 4];

/// A bound socket and the group with its port.
fn member(bed: &dyn TestBed, af: i32) -> CaseResult<(SocketHandle, SocketAddr)> {
    let (s, port) = check::works("a bound socket", bound(bed, af, 0))?;
    Ok((s, SocketAddr::new(group(af, 1), port)))
}

fn change(
    bed: &dyn TestBed,
    s: SocketHandle,
    af: i32,
    option: i32,
    number: u8,
) -> Result<(), WsaError> {
    set_option_at(bed, s, level(af), option, &membership(group(af, number), DEFAULT))
}

fn members_hear(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        let (s, to) = member(bed, af)?;
        SendCall::send_to(bed, s).bytes(b"early").to(to).call().done(5)?;
        nothing_arrives(bed, s)?;
        check::works("joining", change(bed, s, af, IP_ADD_MEMBERSHIP, 1))?;
        SendCall::send_to(bed, s).bytes(b"here").to(to).call().done(4)?;
        check::equal("what arrived", receive_datagram(bed, s)?.0, b"here".to_vec())?;
        let (elsewhere, _) = member(bed, af)?;
        check::works("joining", change(bed, elsewhere, af, IP_ADD_MEMBERSHIP, 1))?;
        SendCall::send_to(bed, elsewhere).bytes(b"port").to(to).call().done(4)?;
        check::equal("what arrived", receive_datagram(bed, s)?.0, b"port".to_vec())?;
        nothing_arrives(bed, elsewhere)?;
        check::works("leaving", change(bed, s, af, IP_DROP_MEMBERSHIP, 1))?;
        SendCall::send_to(bed, s).bytes(b"late").to(to).call().done(4)?;
        nothing_arrives(bed, s)?;
    }
    Ok(())
}

fn refusals(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        let (s, _) = member(bed, af)?;
        let not_in = change(bed, s, af, IP_DROP_MEMBERSHIP, 1);
        check::fails("leaving what was not joined", not_in, WsaError::WSAEINVAL)?;
        let nowhere = membership(group(af, 1), [0, 99, 99, 99]);
        let refused = set_option_at(bed, s, level(af), IP_ADD_MEMBERSHIP, &nowhere);
        check::fails("an interface that there is not", refused, WsaError::WSAEADDRNOTAVAIL)?;
        let one = if af == AF_INET { [127, 0, 0, 1].into() } else { [0; 16].into() };
        let refused =
            set_option_at(bed, s, level(af), IP_ADD_MEMBERSHIP, &membership(one, DEFAULT));
        check::fails("an address that is no group's", refused, WsaError::WSAEINVAL)?;
        check::works("joining", change(bed, s, af, IP_ADD_MEMBERSHIP, 1))?;
        let twice = change(bed, s, af, IP_ADD_MEMBERSHIP, 1);
        check::fails("joining twice", twice, WsaError::WSAEADDRNOTAVAIL)?;
        check::works("joining another", change(bed, s, af, IP_ADD_MEMBERSHIP, 2))?;
        check::works("leaving", change(bed, s, af, IP_DROP_MEMBERSHIP, 1))?;
        let again = change(bed, s, af, IP_DROP_MEMBERSHIP, 1);
        check::fails("leaving twice", again, WsaError::WSAEINVAL)?;
    }
    Ok(())
}

fn time_to_live(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        let (s, to) = member(bed, af)?;
        let ttl = |bed| get_option_at(bed, s, level(af), IP_MULTICAST_TTL);
        check::equal("the default", ttl(bed), Ok(1))?;
        let set =
            |value: u32| set_option_at(bed, s, level(af), IP_MULTICAST_TTL, &value.to_le_bytes());
        check::fails("256", set(256), WsaError::WSAEINVAL)?;
        check::equal("what stands", ttl(bed), Ok(1))?;
        check::works("joining", change(bed, s, af, IP_ADD_MEMBERSHIP, 1))?;
        for value in [255, 0] {
            check::works("a time to live", set(value))?;
            check::equal("what stands", ttl(bed), Ok(value))?;
            // The machine itself is near enough for any.
            SendCall::send_to(bed, s).bytes(b"near").to(to).call().done(4)?;
            check::equal("what arrived", receive_datagram(bed, s)?.0, b"near".to_vec())?;
        }
    }
    Ok(())
}

/// Two members on the machine, of which one does not want to hear it.
fn hears_not(
    bed: &dyn TestBed,
    af: i32,
    off: impl Fn(SocketHandle) -> Result<(), WsaError>,
) -> CaseResult {
    let (wants, to) = member(bed, af)?;
    let (deaf, to_deaf) = member(bed, af)?;
    for s in [wants, deaf] {
        check::works("joining", change(bed, s, af, IP_ADD_MEMBERSHIP, 1))?;
        let on = get_option_at(bed, s, level(af), IP_MULTICAST_LOOP);
        check::equal("the default", on, Ok(1))?;
    }
    check::works("loopback off", off(deaf))?;
    let on = get_option_at(bed, deaf, level(af), IP_MULTICAST_LOOP);
    check::equal("what stands", on, Ok(0))?;
    for s in [wants, deaf] {
        SendCall::send_to(bed, s).bytes(b"loop").to(to).call().done(4)?;
        check::equal("what arrived", receive_datagram(bed, wants)?.0, b"loop".to_vec())?;
        SendCall::send_to(bed, s).bytes(b"loop").to(to_deaf).call().done(4)?;
        nothing_arrives(bed, deaf)?;
    }
    Ok(())
}

fn loopback(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        hears_not(bed, af, |s| set_option_at(bed, s, level(af), IP_MULTICAST_LOOP, &[0; 4]))?;
    }
    Ok(())
}

fn by_ioctl(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        hears_not(bed, af, |s| ioctl(bed, s, SIO_MULTIPOINT_LOOPBACK, Some(0)).map(drop))?;
        let (s, _) = member(bed, af)?;
        check::works("a scope", ioctl(bed, s, SIO_MULTICAST_SCOPE, Some(9)))?;
        let ttl = get_option_at(bed, s, level(af), IP_MULTICAST_TTL);
        check::equal("the time to live", ttl, Ok(9))?;
        let refused = ioctl(bed, s, SIO_MULTICAST_SCOPE, Some(256));
        check::fails("a scope of 256", refused, WsaError::WSAEINVAL)?;
    }
    let stream = check::works("a stream", socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED))?;
    for code in [SIO_MULTIPOINT_LOOPBACK, SIO_MULTICAST_SCOPE] {
        let refused = ioctl(bed, stream, code, Some(1));
        check::fails("on a stream", refused, WsaError::WSAEOPNOTSUPP)?;
    }
    Ok(())
}

fn interface(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        let (s, _) = member(bed, af)?;
        let stands = |bed| get_option_at(bed, s, level(af), IP_MULTICAST_IF);
        let set = |value: &[u8; 4]| set_option_at(bed, s, level(af), IP_MULTICAST_IF, value);
        check::equal("the default", stands(bed), Ok(0))?;
        // An index: in network byte order for IPv4, in the machine's for IPv6.
        let index = if af == AF_INET { [0, 0, 0, 1] } else { [1, 0, 0, 0] };
        check::works("the first interface", set(&index))?;
        check::equal("what stands", stands(bed), Ok(1))?;
        check::fails("another", set(&[0, 99, 99, 99]), WsaError::WSAEADDRNOTAVAIL)?;
        check::equal("what stands", stands(bed), Ok(1))?;
        check::works("the default", set(&DEFAULT))?;
        check::equal("what stands", stands(bed), Ok(0))?;
    }
    Ok(())
}

fn other_sockets(bed: &dyn TestBed) -> CaseResult {
    let options = [
        (IP_ADD_MEMBERSHIP, membership(group(AF_INET6, 1), DEFAULT)),
        (IP_MULTICAST_TTL, vec![1, 0, 0, 0]),
        (IP_MULTICAST_LOOP, vec![1, 0, 0, 0]),
        (IP_MULTICAST_IF, vec![0; 4]),
        // None of any socket's.
        (7777, vec![0; 4]),
    ];
    let (v4, _) = member(bed, AF_INET)?;
    let (v6, _) = member(bed, AF_INET6)?;
    let stream = check::works("a stream", socket(bed, AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED))?;
    for (s, level) in [(v4, IPPROTO_IPV6), (v6, IPPROTO_IP), (stream, IPPROTO_IP)] {
        for (option, value) in &options {
            let refused = set_option_at(bed, s, level, *option, value);
            check::fails(&format!("option {option}"), refused, WsaError::WSAENOPROTOOPT)?;
            let refused = get_option_at(bed, s, level, *option);
            check::fails(&format!("option {option}"), refused, WsaError::WSAENOPROTOOPT)?;
        }
    }
    let refused = set_option_at(bed, v4, IPPROTO_IP, 7777, &[0; 4]);
    check::fails("an unknown option", refused, WsaError::WSAENOPROTOOPT)
}

fn short(bed: &dyn TestBed) -> CaseResult {
    for af in FAMILIES {
        let (s, _) = member(bed, af)?;
        let whole = membership(group(af, 1), DEFAULT);
        for option in [IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP] {
            for len in [0, 4, whole.len() - 1] {
                let refused = set_option_at(bed, s, level(af), option, &whole[..len]);
                check::fails(&format!("{len} bytes"), refused, WsaError::WSAEFAULT)?;
            }
        }
    }
    Ok(())
}

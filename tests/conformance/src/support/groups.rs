//! Multicast groups: leaves, joins, options.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use provider_core::layout::encode_sockaddr;
use provider_core::spi::{
    AF_INET, AF_INET6, INVALID_SOCKET, IPPROTO_IP, IPPROTO_IPV6, SOCK_DGRAM,
    WSA_FLAG_MULTIPOINT_C_LEAF, WSA_FLAG_MULTIPOINT_D_LEAF, WSA_FLAG_OVERLAPPED,
};
use provider_core::{ConnectArgs, SocketHandle, UserPtr, WsaError};

use super::scratch::Errno;
use super::sockets::{bind, sock_name, socket};
use super::{ANY_V4, ANY_V6, Guarded};
use crate::TestBed;

/// Both families.
pub const FAMILIES: [i32; 2] = [AF_INET, AF_INET6];

/// A group of a family.
pub const fn group(af: i32, number: u8) -> IpAddr {
    if af == AF_INET {
        IpAddr::V4(Ipv4Addr::new(239, 77, 7, number))
    } else {
        IpAddr::V6(Ipv6Addr::new(0xff15, 0, 0, 0, 0, 0, 0x77, number as u16))
    }
}

/// A datagram socket with these flags beside WSA_FLAG_OVERLAPPED, bound to ADDR_ANY, and its port.
///
/// # Errors
/// What a call left in `lpErrno`; so for all of these.
pub fn bound(bed: &dyn TestBed, af: i32, flags: u32) -> Result<(SocketHandle, u16), WsaError> {
    let s = socket(bed, af, SOCK_DGRAM, WSA_FLAG_OVERLAPPED | flags)?;
    bind(bed, s, if af == AF_INET { ANY_V4 } else { ANY_V6 })?;
    Ok((s, sock_name(bed, s)?.port()))
}

/// What makes a socket a leaf.
pub const LEAF: u32 = WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;

/// WSPJoinLeaf with nothing but a name.
///
/// # Errors
/// As [`bound`].
pub fn join_leaf(
    bed: &dyn TestBed,
    s: SocketHandle,
    name: SocketAddr,
    flags: u32,
) -> Result<SocketHandle, WsaError> {
    let (bytes, len) = encode_sockaddr(&name);
    let name = Guarded::holding(bed, &bytes[..len]).at();
    join_leaf_raw(bed, s, (name, len as i32), ConnectArgs::NONE, flags)
}

/// WSPJoinLeaf with its arguments as they are.
///
/// # Errors
/// As [`bound`].
pub fn join_leaf_raw(
    bed: &dyn TestBed,
    s: SocketHandle,
    (name, namelen): (UserPtr, i32),
    connect: ConnectArgs,
    flags: u32,
) -> Result<SocketHandle, WsaError> {
    let errno = Errno::new(bed);
    let joined = bed.spi().wsp_join_leaf(s, name, namelen, connect, flags, errno.at());
    if joined == INVALID_SOCKET { Err(errno.error(bed)) } else { Ok(joined) }
}

/// The level of a family's options.
pub const fn level(af: i32) -> i32 {
    if af == AF_INET { IPPROTO_IP } else { IPPROTO_IPV6 }
}

/// WSPSetSockOpt with a value of any size.
///
/// # Errors
/// As [`bound`].
pub fn set_option_at(
    bed: &dyn TestBed,
    s: SocketHandle,
    level: i32,
    option: i32,
    value: &[u8],
) -> Result<(), WsaError> {
    let (at, len) = (Guarded::holding(bed, value).at(), value.len() as i32);
    let errno = Errno::new(bed);
    match bed.spi().wsp_set_sock_opt(s, level, option, at, len, errno.at()) {
        0 => Ok(()),
        _ => Err(errno.error(bed)),
    }
}

/// WSPGetSockOpt of a 32-bit value.
///
/// # Errors
/// As [`bound`].
pub fn get_option_at(
    bed: &dyn TestBed,
    s: SocketHandle,
    level: i32,
    option: i32,
) -> Result<u32, WsaError> {
    let value = Guarded::holding(bed, &[0; 4]);
    let len = Guarded::holding(bed, &4u32.to_le_bytes()).at();
    let errno = Errno::new(bed);
    match bed.spi().wsp_get_sock_opt(s, level, option, value.at(), len, errno.at()) {
        0 => Ok(value.word(bed)),
        _ => Err(errno.error(bed)),
    }
}

/// An `ip_mreq` or `ipv6_mreq`. The interface is four bytes: an address or an index for IPv4, an
/// index for IPv6, zeros for the default.
pub fn membership(group: IpAddr, interface: [u8; 4]) -> Vec<u8> {
    match group {
        IpAddr::V4(v4) => [v4.octets(), interface].concat(),
        IpAddr::V6(v6) => [&v6.octets()[..], &interface].concat(),
    }
}

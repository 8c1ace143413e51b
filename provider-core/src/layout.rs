//! The structures that cross the SPI, as bytes: sizes, offsets, and how to read and write them.
//! Pointers are as wide as the target's, so the same lines serve 32 and 64 bits.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::Family;
use crate::{ThreadId, UserPtr};

/// Bytes of a pointer.
pub const POINTER: usize = size_of::<usize>();

/// `WSABUF`: `ULONG len` at 0, `CHAR *buf` at [`POINTER`].
pub mod wsabuf {
    use super::POINTER;
    /// `sizeof(WSABUF)`.
    pub const SIZE: usize = 2 * POINTER;
    /// Offset of `len`.
    pub const LEN: usize = 0;
    /// Offset of `buf`.
    pub const BUF: usize = POINTER;
}

/// `WSAOVERLAPPED`: `Internal`, `InternalHigh` (pointer-sized), `Offset`, `OffsetHigh` (32 bits),
/// `hEvent`.
pub mod overlapped {
    use super::POINTER;
    /// `sizeof(WSAOVERLAPPED)`.
    pub const SIZE: usize = 3 * POINTER + 8;
    /// Offset of `Internal`: its low 32 bits are the status.
    pub const INTERNAL: usize = 0;
    /// Offset of `InternalHigh`: bytes transferred.
    pub const INTERNAL_HIGH: usize = POINTER;
    /// Offset of `Offset`: flags.
    pub const OFFSET: usize = 2 * POINTER;
    /// Offset of `OffsetHigh`: the Winsock error.
    pub const OFFSET_HIGH: usize = 2 * POINTER + 4;
    /// Offset of `hEvent`.
    pub const EVENT: usize = 2 * POINTER + 8;
}

/// `WSATHREADID`: `ThreadHandle`, `Reserved`.
pub mod thread_id {
    use super::POINTER;
    /// `sizeof(WSATHREADID)`.
    pub const SIZE: usize = 2 * POINTER;
}

/// `fd_set`: `u_int fd_count` at 0, as many SOCKETs from [`ARRAY`](fd_set::ARRAY) on.
pub mod fd_set {
    /// Offset of `fd_array`.
    pub const ARRAY: usize = super::POINTER;
}

/// `timeval`: `tv_sec` and `tv_usec`, 32 bits each.
pub mod timeval {
    /// `sizeof(timeval)`.
    pub const SIZE: usize = 8;
    /// Offset of `tv_usec`.
    pub const MICROSECONDS: usize = 4;
}

/// `WSANETWORKEVENTS`: `long lNetworkEvents`, `int iErrorCode[FD_MAX_EVENTS]`.
pub mod network_events {
    use crate::spi::FD_MAX_EVENTS;
    /// `sizeof(WSANETWORKEVENTS)`.
    pub const SIZE: usize = 4 + 4 * FD_MAX_EVENTS;
    /// Offset of `iErrorCode`.
    pub const ERROR_CODES: usize = 4;
}

/// `QOS`: two FLOWSPECs and a WSABUF.
pub mod qos {
    /// `sizeof(QOS)`.
    pub const SIZE: usize = 2 * FLOWSPEC + super::wsabuf::SIZE;
    /// `sizeof(FLOWSPEC)`.
    pub const FLOWSPEC: usize = 32;
    /// Offset of `SendingFlowspec`.
    pub const SENDING: usize = 0;
    /// Offset of `ReceivingFlowspec`.
    pub const RECEIVING: usize = FLOWSPEC;
    /// Offset of `ServiceType` in a FLOWSPEC.
    pub const SERVICE_TYPE: usize = 20;
}

/// `WSAPROTOCOL_INFOW`.
pub mod protocol_info {
    /// `sizeof(WSAPROTOCOL_INFOW)`.
    pub const SIZE: usize = 628;
    /// Offset of `dwServiceFlags1`.
    pub const SERVICE_FLAGS_1: usize = 0;
    /// Offset of `dwProviderFlags`.
    pub const PROVIDER_FLAGS: usize = 16;
    /// Offset of `ProviderId`, a GUID.
    pub const PROVIDER_ID: usize = 20;
    /// `sizeof(GUID)`.
    pub const GUID: usize = 16;
    /// Offset of `dwCatalogEntryId`.
    pub const CATALOG_ENTRY_ID: usize = 36;
    /// Offset of `ProtocolChain.ChainLen`.
    pub const CHAIN_LEN: usize = 40;
    /// Offset of `iVersion`.
    pub const VERSION: usize = 72;
    /// Offset of `iAddressFamily`.
    pub const ADDRESS_FAMILY: usize = 76;
    /// Offset of `iMaxSockAddr`.
    pub const MAX_SOCK_ADDR: usize = 80;
    /// Offset of `iMinSockAddr`.
    pub const MIN_SOCK_ADDR: usize = 84;
    /// Offset of `iSocketType`.
    pub const SOCKET_TYPE: usize = 88;
    /// Offset of `iProtocol`.
    pub const PROTOCOL: usize = 92;
    /// Offset of `dwMessageSize`.
    pub const MESSAGE_SIZE: usize = 108;
    /// Offset of `dwProviderReserved`: what WSPDuplicateSocket hands over.
    pub const PROVIDER_RESERVED: usize = 112;
    /// Offset of `szProtocol`.
    pub const NAME: usize = 116;
}

/// `ip_mreq`: the group's address at 0, the interface's behind it, both as in a `sockaddr_in`.
pub mod ip_mreq {
    /// `sizeof(ip_mreq)`.
    pub const SIZE: usize = 8;
    /// Offset of `imr_interface`.
    pub const INTERFACE: usize = 4;
}

/// `ipv6_mreq`: the group's address at 0, the interface's index behind it.
pub mod ipv6_mreq {
    /// `sizeof(ipv6_mreq)`.
    pub const SIZE: usize = 20;
    /// Offset of `ipv6mr_interface`.
    pub const INTERFACE: usize = 16;
}

/// `sizeof(sockaddr_in)`.
pub const SOCKADDR_IN: usize = 16;
/// `sizeof(sockaddr_in6)`.
pub const SOCKADDR_IN6: usize = 28;

/// One captured `WSABUF`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WsaBuf {
    /// `len`.
    pub len: u32,
    /// `buf`.
    pub buf: UserPtr,
}

fn pointer(bytes: &[u8], at: usize) -> usize {
    let mut word = [0; POINTER];
    word.copy_from_slice(&bytes[at..at + POINTER]);
    usize::from_le_bytes(word)
}

pub(crate) fn dword(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

impl WsaBuf {
    /// From the bytes of a `WSABUF`.
    pub fn decode(bytes: &[u8; wsabuf::SIZE]) -> Self {
        Self { len: dword(bytes, wsabuf::LEN), buf: UserPtr(pointer(bytes, wsabuf::BUF)) }
    }

    /// The bytes of this `WSABUF`.
    pub fn encode(self) -> [u8; wsabuf::SIZE] {
        let mut bytes = [0; wsabuf::SIZE];
        bytes[wsabuf::LEN..wsabuf::LEN + 4].copy_from_slice(&self.len.to_le_bytes());
        bytes[wsabuf::BUF..].copy_from_slice(&self.buf.0.to_le_bytes());
        bytes
    }
}

impl ThreadId {
    /// From the bytes of a `WSATHREADID`.
    pub fn decode(bytes: &[u8; thread_id::SIZE]) -> Self {
        Self { handle: pointer(bytes, 0), reserved: pointer(bytes, POINTER) }
    }

    /// The bytes of this `WSATHREADID`.
    pub fn encode(self) -> [u8; thread_id::SIZE] {
        let mut bytes = [0; thread_id::SIZE];
        bytes[..POINTER].copy_from_slice(&self.handle.to_le_bytes());
        bytes[POINTER..].copy_from_slice(&self.reserved.to_le_bytes());
        bytes
    }
}

/// The bytes of a `sockaddr_in` or `sockaddr_in6`, and how many of them count.
pub fn encode_sockaddr(address: &SocketAddr) -> ([u8; SOCKADDR_IN6], usize) {
    let family = Family::of(address);
    let mut bytes = [0; SOCKADDR_IN6];
    bytes[..2].copy_from_slice(&(family.af() as u16).to_le_bytes());
    bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
    match address {
        SocketAddr::V4(v4) => {
            bytes[4..8].copy_from_slice(&v4.ip().octets());
        }
        SocketAddr::V6(v6) => {
            bytes[4..8].copy_from_slice(&v6.flowinfo().to_be_bytes());
            bytes[8..24].copy_from_slice(&v6.ip().octets());
            bytes[24..28].copy_from_slice(&v6.scope_id().to_le_bytes());
        }
    }
    (bytes, family.sockaddr_size())
}

/// The family field of a socket address.
pub fn sockaddr_family(bytes: &[u8; 2]) -> i32 {
    i32::from(u16::from_le_bytes(*bytes))
}

/// The address in the bytes of a `sockaddr_in`.
pub fn decode_sockaddr_in(bytes: &[u8; SOCKADDR_IN]) -> SocketAddr {
    let port = u16::from_be_bytes([bytes[2], bytes[3]]);
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(bytes[4], bytes[5], bytes[6], bytes[7]), port))
}

/// The address in the bytes of a `sockaddr_in6`.
pub fn decode_sockaddr_in6(bytes: &[u8; SOCKADDR_IN6]) -> SocketAddr {
    let port = u16::from_be_bytes([bytes[2], bytes[3]]);
    let flow = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    let mut ip = [0; 16];
    ip.copy_from_slice(&bytes[8..24]);
    SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(ip), port, flow, dword(bytes, 24)))
}

//! Socket addresses as bytes.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use windows_sys::Win32::Networking::WinSock as ws;

/// Bytes of the largest address.
pub(crate) const ROOM: usize = 28;
const SHORT: usize = 16;

/// Reading and writing addresses.
pub(crate) struct Address;

impl Address {
    /// The address in memory.
    ///
    /// # Safety
    /// `at` is null, or `len` bytes at it are readable.
    pub(crate) unsafe fn read(at: *const ws::SOCKADDR, len: i32) -> Option<SocketAddr> {
        let len = usize::try_from(len).ok().filter(|len| *len >= SHORT && !at.is_null())?;
        let mut bytes = [0; ROOM];
        let used = len.min(ROOM);
        // SAFETY: as the caller says; `bytes` has room for `used`.
        unsafe { at.cast::<u8>().copy_to_nonoverlapping(bytes.as_mut_ptr(), used) };
        Self::decode(&bytes, used)
    }

    fn decode(bytes: &[u8; ROOM], used: usize) -> Option<SocketAddr> {
        let port = u16::from_be_bytes([bytes[2], bytes[3]]);
        match u16::from_le_bytes([bytes[0], bytes[1]]) {
            ws::AF_INET => {
                let ip = Ipv4Addr::new(bytes[4], bytes[5], bytes[6], bytes[7]);
                Some(SocketAddr::V4(SocketAddrV4::new(ip, port)))
            }
            ws::AF_INET6 if used == ROOM => {
                let mut ip = [0; 16];
                ip.copy_from_slice(&bytes[8..24]);
                let scope = u32::from_le_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]);
                Some(SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(ip), port, 0, scope)))
            }
            _ => None,
        }
    }

    /// The bytes of an address, and how many count.
    pub(crate) fn bytes(address: SocketAddr) -> ([u8; ROOM], i32) {
        let mut bytes = [0; ROOM];
        bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
        match address {
            SocketAddr::V4(v4) => {
                bytes[..2].copy_from_slice(&ws::AF_INET.to_le_bytes());
                bytes[4..8].copy_from_slice(&v4.ip().octets());
                (bytes, SHORT as i32)
            }
            SocketAddr::V6(v6) => {
                bytes[..2].copy_from_slice(&ws::AF_INET6.to_le_bytes());
                bytes[8..24].copy_from_slice(&v6.ip().octets());
                bytes[24..28].copy_from_slice(&v6.scope_id().to_le_bytes());
                (bytes, ROOM as i32)
            }
        }
    }

    /// Writes an address where a caller has room for `*len` bytes.
    ///
    /// # Safety
    /// Both are null, or writable.
    pub(crate) unsafe fn write(address: SocketAddr, at: *mut ws::SOCKADDR, len: *mut i32) {
        if at.is_null() || len.is_null() {
            return;
        }
        let (bytes, used) = Self::bytes(address);
        // SAFETY: as the caller says.
        unsafe {
            let room = usize::try_from(*len).unwrap_or(0).min(used as usize);
            bytes.as_ptr().copy_to_nonoverlapping(at.cast(), room);
            *len = used;
        }
    }

    /// The address that a socket is bound to.
    pub(crate) fn of(socket: ws::SOCKET) -> Option<SocketAddr> {
        let (mut bytes, mut len) = ([0; ROOM], ROOM as i32);
        // SAFETY: `bytes` has room for as much as `len` says.
        let value = unsafe { ws::getsockname(socket, bytes.as_mut_ptr().cast(), &raw mut len) };
        if value == 0 { Self::decode(&bytes, usize::try_from(len).ok()?) } else { None }
    }

    /// Whether something sent to `to` reaches a socket bound to `bound`.
    pub(crate) fn reaches(to: SocketAddr, bound: SocketAddr) -> bool {
        to.port() == bound.port()
            && to.is_ipv4() == bound.is_ipv4()
            && (bound.ip().is_unspecified() || bound.ip() == to.ip())
    }

    /// Whether it is 255.255.255.255.
    pub(crate) fn is_broadcast(ip: IpAddr) -> bool {
        ip == IpAddr::V4(Ipv4Addr::BROADCAST)
    }
}

//! Socket addresses of callers: captured whole before anything starts.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::layout::{
    SOCKADDR_IN, SOCKADDR_IN6, decode_sockaddr_in, decode_sockaddr_in6, encode_sockaddr,
    sockaddr_family,
};
use crate::{Family, Host, Memory, UserPtr, WsaError};

use super::Provider;

/// The bytes of a caller's address, not yet judged: a bad pointer is reported before, a bad
/// content after the socket's state.
#[derive(Clone, Copy)]
pub(super) struct RawAddress {
    bytes: [u8; SOCKADDR_IN6],
    len: usize,
}

impl RawAddress {
    /// The family that it says it has, if that is one of ours.
    pub(super) fn family(&self) -> Option<Family> {
        if self.len < 2 {
            return None;
        }
        Family::from_af(sockaddr_family(&[self.bytes[0], self.bytes[1]]))
    }

    /// The address, as one of `family`.
    ///
    /// # Errors
    /// WSAEFAULT when it is too small for its family, WSAEAFNOSUPPORT when its family is not the
    /// socket's.
    pub(super) fn decode(&self, family: Family) -> Result<SocketAddr, WsaError> {
        if self.len < 2 {
            return Err(WsaError::WSAEFAULT);
        }
        let given = sockaddr_family(&[self.bytes[0], self.bytes[1]]);
        //= docs/spec/wspsendto.md#err-fault-3
        //# An `iTolen` smaller than the socket address of the socket's family MUST fail a datagram
        //# send with WSAEFAULT.
        if self.len < family.sockaddr_size() {
            return Err(WsaError::WSAEFAULT);
        }
        //= docs/spec/wspsendto.md#err-afnosupport
        //# A destination of another family than the socket's MUST fail with WSAEAFNOSUPPORT.
        //= docs/spec/connecting.md#connect-13
        //# A `name` of another family than the socket's MUST fail with WSAEAFNOSUPPORT.
        if given != family.af() {
            return Err(WsaError::WSAEAFNOSUPPORT);
        }
        Ok(match family {
            Family::V4 => {
                let mut bytes = [0; SOCKADDR_IN];
                bytes.copy_from_slice(&self.bytes[..SOCKADDR_IN]);
                decode_sockaddr_in(&bytes)
            }
            Family::V6 => decode_sockaddr_in6(&self.bytes),
        })
    }
}

/// Whether datagrams to `address` need SO_BROADCAST.
pub(super) fn is_broadcast(address: &SocketAddr) -> bool {
    address.ip() == IpAddr::V4(Ipv4Addr::BROADCAST)
}

/// ADDR_ANY of a family, port 0.
pub(super) fn any(family: Family) -> SocketAddr {
    let ip = match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::V6 => IpAddr::V6(core::net::Ipv6Addr::UNSPECIFIED),
    };
    SocketAddr::new(ip, 0)
}

impl<H: Host> Provider<H> {
    /// Captures a caller's address; what exceeds the largest address is not looked at.
    ///
    /// # Errors
    /// WSAEFAULT when it is not readable.
    pub(super) fn capture_address(
        &self,
        address: UserPtr,
        len: i32,
    ) -> Result<RawAddress, WsaError> {
        //= docs/spec/wspsendto.md#err-fault-3
        //# A larger one MUST be accepted.
        let len = usize::try_from(len).unwrap_or(0).min(SOCKADDR_IN6);
        let mut raw = RawAddress { bytes: [0; SOCKADDR_IN6], len };
        //= docs/spec/wspsendto.md#err-fault-2
        //# An `lpTo` that is not readable memory of the caller's MUST fail a datagram send with
        //# WSAEFAULT.
        //= docs/spec/connecting.md#connect-14
        //# A `name` that is too small or not readable memory MUST fail with WSAEFAULT.
        if address.is_null() && len > 0 {
            return Err(WsaError::WSAEFAULT);
        }
        self.host.memory().read(address, &mut raw.bytes[..len]).map_err(|_| WsaError::WSAEFAULT)?;
        Ok(raw)
    }

    /// Whether an address of `family` can be written: room of `*length` bytes at `to`.
    ///
    /// # Errors
    /// WSAEFAULT when the room is too small or not writable.
    pub(super) fn check_address_room(
        &self,
        family: Family,
        to: UserPtr,
        length: UserPtr,
    ) -> Result<(), WsaError> {
        let size = match family {
            Family::V4 => SOCKADDR_IN,
            Family::V6 => SOCKADDR_IN6,
        };
        self.check_room(to, length, size)
    }

    /// Writes `address` for a caller that gave room of `*length` bytes at `to`, and its size to
    /// `length`.
    ///
    /// # Errors
    /// WSAEFAULT when the room is too small or not writable.
    pub(super) fn give_address(
        &self,
        address: &SocketAddr,
        to: UserPtr,
        length: UserPtr,
    ) -> Result<(), WsaError> {
        let (bytes, size) = encode_sockaddr(address);
        //= docs/spec/sockets.md#sockname-4
        //# A room that is too small or not writable MUST fail with WSAEFAULT.
        //= docs/spec/sockets.md#peername-4
        //# A room that is too small or not writable MUST fail with WSAEFAULT.
        self.check_room(to, length, size)?;
        self.host.memory().write(to, &bytes[..size]).map_err(|_| WsaError::WSAEFAULT)?;
        self.put_u32(length, size as u32)
    }
}

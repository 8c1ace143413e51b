//! WSPSocket, WSPBind, WSPConnect, WSPListen and the names of sockets with their arguments as they
//! are.

use core::net::SocketAddr;

use provider_core::layout::{encode_sockaddr, qos};
use provider_core::spi::INVALID_SOCKET;
use provider_core::{ConnectArgs, SocketHandle, UserPtr, WsaError};

use super::Guarded;
use super::scratch::Errno;
use super::sockets::plain;
use crate::TestBed;

/// The bytes of an address in guarded memory, and how many they are.
pub fn name_of(bed: &dyn TestBed, address: SocketAddr) -> (UserPtr, i32) {
    let (bytes, len) = encode_sockaddr(&address);
    (Guarded::holding(bed, &bytes[..len]).at(), len as i32)
}

/// WSPSocket with `af`, `type`, `protocol` and a WSAPROTOCOL_INFOW.
///
/// # Errors
/// What it left in `lpErrno`; so for all of these.
pub fn socket_raw(
    bed: &dyn TestBed,
    [af, kind, protocol]: [i32; 3],
    info: UserPtr,
    flags: u32,
) -> Result<SocketHandle, WsaError> {
    let errno = Errno::new(bed);
    let s = bed.spi().wsp_socket(af, kind, protocol, info, 0, flags, errno.at());
    if s == INVALID_SOCKET { Err(errno.error(bed)) } else { Ok(s) }
}

/// WSPBind.
///
/// # Errors
/// As [`socket_raw`].
pub fn bind_raw(
    bed: &dyn TestBed,
    s: SocketHandle,
    (name, namelen): (UserPtr, i32),
) -> Result<(), WsaError> {
    plain(bed, |errno| bed.spi().wsp_bind(s, name, namelen, errno))
}

/// WSPConnect.
///
/// # Errors
/// As [`socket_raw`].
pub fn connect_raw(
    bed: &dyn TestBed,
    s: SocketHandle,
    (name, namelen): (UserPtr, i32),
    connect: ConnectArgs,
) -> Result<(), WsaError> {
    plain(bed, |errno| bed.spi().wsp_connect(s, name, namelen, connect, errno))
}

/// WSPListen.
///
/// # Errors
/// As [`socket_raw`].
pub fn listen_raw(bed: &dyn TestBed, s: SocketHandle, backlog: i32) -> Result<(), WsaError> {
    plain(bed, |errno| bed.spi().wsp_listen(s, backlog, errno))
}

/// WSPGetSockName.
///
/// # Errors
/// As [`socket_raw`].
pub fn sock_name_raw(
    bed: &dyn TestBed,
    s: SocketHandle,
    name: UserPtr,
    namelen: UserPtr,
) -> Result<(), WsaError> {
    plain(bed, |errno| bed.spi().wsp_get_sock_name(s, name, namelen, errno))
}

/// WSPGetPeerName.
///
/// # Errors
/// As [`socket_raw`].
pub fn peer_name_raw(
    bed: &dyn TestBed,
    s: SocketHandle,
    name: UserPtr,
    namelen: UserPtr,
) -> Result<(), WsaError> {
    plain(bed, |errno| bed.spi().wsp_get_peer_name(s, name, namelen, errno))
}

/// A QOS that asks for a service in each direction.
pub fn flows(bed: &dyn TestBed, sending: u32, receiving: u32) -> UserPtr {
    let mut bytes = [0; qos::SIZE];
    for (flow, service) in [(qos::SENDING, sending), (qos::RECEIVING, receiving)] {
        bytes[flow + qos::SERVICE_TYPE..][..4].copy_from_slice(&service.to_le_bytes());
    }
    Guarded::holding(bed, &bytes).at()
}

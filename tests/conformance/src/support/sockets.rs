//! The functions that make a socket what a case needs, each with `lpErrno` of its own.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use provider_core::layout::{
    SOCKADDR_IN, SOCKADDR_IN6, decode_sockaddr_in, decode_sockaddr_in6, encode_sockaddr,
    sockaddr_family,
};
use provider_core::spi::{
    AF_INET, FIONBIO, INVALID_SOCKET, SIO_FLUSH, SO_LINGER, SOL_SOCKET, WINSOCK_VERSION,
};
use provider_core::{
    ConditionRoutine, ConnectArgs, OverlappedArgs, SocketHandle, UserPtr, WsaError,
};

use super::Guarded;
use super::scratch::Errno;
use crate::TestBed;

/// 127.0.0.1, port 0.
pub const LOOPBACK_V4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// `::1`, port 0.
pub const LOOPBACK_V6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0);
/// ADDR_ANY, port 0.
pub const ANY_V4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
/// in6addr_any, port 0.
pub const ANY_V6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0);

type Result<T = ()> = core::result::Result<T, WsaError>;

/// A call that returns 0 or SOCKET_ERROR.
pub(super) fn plain(bed: &dyn TestBed, call: impl FnOnce(UserPtr) -> i32) -> Result {
    let errno = Errno::new(bed);
    if call(errno.at()) == 0 { Ok(()) } else { Err(errno.error(bed)) }
}

/// A call that gives a socket.
fn opening(bed: &dyn TestBed, call: impl FnOnce(UserPtr) -> SocketHandle) -> Result<SocketHandle> {
    let errno = Errno::new(bed);
    let socket = call(errno.at());
    if socket == INVALID_SOCKET { Err(errno.error(bed)) } else { Ok(socket) }
}

fn address_memory(bed: &dyn TestBed, address: SocketAddr) -> (UserPtr, i32) {
    let (bytes, len) = encode_sockaddr(&address);
    (Guarded::holding(bed, &bytes[..len]).at(), len as i32)
}

/// WSPSocket; `flags` is WSA_FLAG_OVERLAPPED or 0.
///
/// # Errors
/// What it left in `lpErrno`; so for all of these.
pub fn socket(bed: &dyn TestBed, af: i32, kind: i32, flags: u32) -> Result<SocketHandle> {
    opening(bed, |errno| bed.spi().wsp_socket(af, kind, 0, UserPtr::NULL, 0, flags, errno))
}

/// WSPBind.
///
/// # Errors
/// As [`socket`].
pub fn bind(bed: &dyn TestBed, s: SocketHandle, to: SocketAddr) -> Result {
    let (name, len) = address_memory(bed, to);
    plain(bed, |errno| bed.spi().wsp_bind(s, name, len, errno))
}

/// WSPConnect.
///
/// # Errors
/// As [`socket`].
pub fn connect(bed: &dyn TestBed, s: SocketHandle, to: SocketAddr) -> Result {
    let (name, len) = address_memory(bed, to);
    plain(bed, |errno| bed.spi().wsp_connect(s, name, len, ConnectArgs::NONE, errno))
}

/// WSPListen.
///
/// # Errors
/// As [`socket`].
pub fn listen(bed: &dyn TestBed, s: SocketHandle) -> Result {
    plain(bed, |errno| bed.spi().wsp_listen(s, 5, errno))
}

/// WSPAccept.
///
/// # Errors
/// As [`socket`].
pub fn accept(bed: &dyn TestBed, s: SocketHandle) -> Result<SocketHandle> {
    let none = UserPtr::NULL;
    opening(bed, |errno| bed.spi().wsp_accept(s, none, none, ConditionRoutine::NULL, 0, errno))
}

/// WSPCloseSocket.
///
/// # Errors
/// As [`socket`].
pub fn close(bed: &dyn TestBed, s: SocketHandle) -> Result {
    plain(bed, |errno| bed.spi().wsp_close_socket(s, errno))
}

/// WSPCloseSocket that resets a stream's connection and drops what is unsent (SO_LINGER of 0).
///
/// # Errors
/// As [`socket`].
pub fn close_hard(bed: &dyn TestBed, s: SocketHandle) -> Result {
    set_option(bed, s, SO_LINGER, 1)?;
    close(bed, s)
}

/// WSPShutdown.
///
/// # Errors
/// As [`socket`].
pub fn shutdown(bed: &dyn TestBed, s: SocketHandle, how: i32) -> Result {
    plain(bed, |errno| bed.spi().wsp_shutdown(s, how, errno))
}

/// WSPCancelBlockingCall.
///
/// # Errors
/// As [`socket`].
pub fn cancel_blocking_call(bed: &dyn TestBed) -> Result {
    plain(bed, |errno| bed.spi().wsp_cancel_blocking_call(errno))
}

/// WSPGetSockName.
///
/// # Errors
/// As [`socket`].
pub fn sock_name(bed: &dyn TestBed, s: SocketHandle) -> Result<SocketAddr> {
    name(bed, |name, len, errno| bed.spi().wsp_get_sock_name(s, name, len, errno))
}

/// WSPGetPeerName.
///
/// # Errors
/// As [`socket`].
pub fn peer_name(bed: &dyn TestBed, s: SocketHandle) -> Result<SocketAddr> {
    name(bed, |name, len, errno| bed.spi().wsp_get_peer_name(s, name, len, errno))
}

fn name(
    bed: &dyn TestBed,
    call: impl FnOnce(UserPtr, UserPtr, UserPtr) -> i32,
) -> Result<SocketAddr> {
    let room = Guarded::holding(bed, &[0; SOCKADDR_IN6]);
    let len = Guarded::holding(bed, &(SOCKADDR_IN6 as u32).to_le_bytes());
    plain(bed, |errno| call(room.at(), len.at(), errno))?;
    decode_address(&room.bytes(bed)).ok_or(WsaError::WSAEAFNOSUPPORT)
}

/// The address in the bytes of a sockaddr.
pub fn decode_address(bytes: &[u8]) -> Option<SocketAddr> {
    if sockaddr_family(bytes.first_chunk()?) == AF_INET {
        Some(decode_sockaddr_in(bytes.first_chunk::<SOCKADDR_IN>()?))
    } else {
        Some(decode_sockaddr_in6(bytes.first_chunk::<SOCKADDR_IN6>()?))
    }
}

/// WSPSetSockOpt of an option of SOL_SOCKET with a 32-bit value.
///
/// # Errors
/// As [`socket`].
pub fn set_option(bed: &dyn TestBed, s: SocketHandle, option: i32, value: u32) -> Result {
    let value = Guarded::holding(bed, &value.to_le_bytes()).at();
    plain(bed, |errno| bed.spi().wsp_set_sock_opt(s, SOL_SOCKET, option, value, 4, errno))
}

/// WSPGetSockOpt of an option of SOL_SOCKET with a 32-bit value.
///
/// # Errors
/// As [`socket`].
pub fn get_option(bed: &dyn TestBed, s: SocketHandle, option: i32) -> Result<u32> {
    let value = Guarded::holding(bed, &[0; 4]);
    let len = Guarded::holding(bed, &4u32.to_le_bytes()).at();
    plain(bed, |errno| bed.spi().wsp_get_sock_opt(s, SOL_SOCKET, option, value.at(), len, errno))?;
    Ok(value.word(bed))
}

/// WSPIoctl with a 32-bit value in, or none, and a 32-bit value out. Not overlapped.
///
/// # Errors
/// As [`socket`].
pub fn ioctl(bed: &dyn TestBed, s: SocketHandle, code: u32, value: Option<u32>) -> Result<u32> {
    let input = value.map(|value| Guarded::holding(bed, &value.to_le_bytes()));
    let (input, in_len) = input.map_or((UserPtr::NULL, 0), |memory| (memory.at(), 4));
    let output = Guarded::holding(bed, &[0; 4]);
    let returned = Guarded::holding(bed, &[0; 4]).at();
    let none = OverlappedArgs::NONE;
    plain(bed, |errno| {
        bed.spi().wsp_ioctl(s, code, input, in_len, output.at(), 4, returned, none, errno)
    })?;
    Ok(output.word(bed))
}

/// FIONBIO.
///
/// # Errors
/// As [`socket`].
pub fn set_nonblocking(bed: &dyn TestBed, s: SocketHandle, on: bool) -> Result {
    ioctl(bed, s, FIONBIO, Some(u32::from(on))).map(drop)
}

/// SIO_FLUSH.
///
/// # Errors
/// As [`socket`].
pub fn flush(bed: &dyn TestBed, s: SocketHandle) -> Result {
    ioctl(bed, s, SIO_FLUSH, None).map(drop)
}

/// WSPStartup(2.2). Gives the version agreed on.
///
/// # Errors
/// The code that it returned.
pub fn startup(bed: &dyn TestBed) -> Result<u16> {
    bed.spi().wsp_startup(WINSOCK_VERSION)
}

/// WSPCleanup.
///
/// # Errors
/// As [`socket`].
pub fn cleanup(bed: &dyn TestBed) -> Result {
    plain(bed, |errno| bed.spi().wsp_cleanup(errno))
}

//! The lower provider's functions as the transport uses them: one buffer, no overlapped I/O, errors
//! as values.

use core::ffi::c_void;
use core::net::SocketAddr;
use core::ptr;

use provider_core::layout::{self, SOCKADDR_IN, SOCKADDR_IN6};
use provider_core::spi::{AF_INET, AF_INET6};
use provider_core::{SocketHandle, WsaError};
use windows_sys::Win32::Networking::WinSock as ws;

use super::chain::NextProvider;
use crate::upcalls;

/// The functions of a provider that stays loaded while this is held.
pub(super) struct Calls<'a>(&'a NextProvider);

/// A table entry; a provider with a missing one was refused by ws2_32 long ago.
macro_rules! entry {
    ($calls:expr, $name:ident) => {
        $calls.0.table.$name.ok_or(WsaError::WSAENETDOWN)?
    };
}

fn checked(value: i32, errno: i32) -> Result<i32, WsaError> {
    if value == ws::SOCKET_ERROR { Err(upcalls::error_of(errno)) } else { Ok(value) }
}

fn socket_of(value: usize, errno: i32) -> Result<usize, WsaError> {
    if SocketHandle(value) == provider_core::spi::INVALID_SOCKET {
        Err(upcalls::error_of(errno))
    } else {
        Ok(value)
    }
}

fn buffer(bytes: *const u8, len: usize) -> ws::WSABUF {
    ws::WSABUF { len: u32::try_from(len).unwrap_or(u32::MAX), buf: bytes.cast_mut() }
}

/// Room for an address, aligned as the system wants it.
#[repr(C, align(8))]
struct AddressRoom([u8; SOCKADDR_IN6]);

impl AddressRoom {
    fn of(address: &SocketAddr) -> (Self, i32) {
        let (bytes, len) = layout::encode_sockaddr(address);
        (Self(bytes), len as i32)
    }

    fn pointer(&self) -> *const ws::SOCKADDR {
        ptr::from_ref(self).cast()
    }

    fn pointer_mut(&mut self) -> *mut ws::SOCKADDR {
        ptr::from_mut(self).cast()
    }

    fn address(&self) -> Result<SocketAddr, WsaError> {
        match i32::from(u16::from_le_bytes([self.0[0], self.0[1]])) {
            AF_INET => {
                let mut short = [0; SOCKADDR_IN];
                short.copy_from_slice(&self.0[..SOCKADDR_IN]);
                Ok(layout::decode_sockaddr_in(&short))
            }
            AF_INET6 => Ok(layout::decode_sockaddr_in6(&self.0)),
            _ => Err(WsaError::WSAEAFNOSUPPORT),
        }
    }
}

impl<'a> Calls<'a> {
    pub(super) const fn new(next: &'a NextProvider) -> Self {
        Self(next)
    }

    pub(super) fn socket(&self, af: i32, kind: i32, protocol: i32) -> Result<usize, WsaError> {
        let call = entry!(self, lpWSPSocket);
        let mut errno = 0;
        // SAFETY: the provider's function with its own signature; all arguments outlive the call.
        let socket = unsafe { call(af, kind, protocol, &self.0.info, 0, 0, &raw mut errno) };
        socket_of(socket, errno)
    }

    pub(super) fn close(&self, socket: usize) {
        if let Some(call) = self.0.table.lpWSPCloseSocket {
            let mut errno = 0;
            // SAFETY: as above.
            unsafe { call(socket, &raw mut errno) };
        }
    }

    pub(super) fn bind(&self, socket: usize, address: &SocketAddr) -> Result<(), WsaError> {
        let call = entry!(self, lpWSPBind);
        let ((room, len), mut errno) = (AddressRoom::of(address), 0);
        // SAFETY: as above.
        let value = unsafe { call(socket, room.pointer(), len, &raw mut errno) };
        checked(value, errno).map(|_| ())
    }

    pub(super) fn connect(&self, socket: usize, peer: &SocketAddr) -> Result<(), WsaError> {
        let call = entry!(self, lpWSPConnect);
        let ((room, len), mut errno) = (AddressRoom::of(peer), 0);
        let none = ptr::null();
        // SAFETY: as above.
        let value = unsafe {
            call(
                socket,
                room.pointer(),
                len,
                none,
                ptr::null_mut(),
                ptr::null(),
                ptr::null(),
                &raw mut errno,
            )
        };
        checked(value, errno).map(|_| ())
    }

    pub(super) fn listen(&self, socket: usize, backlog: i32) -> Result<(), WsaError> {
        let call = entry!(self, lpWSPListen);
        let mut errno = 0;
        // SAFETY: as above.
        checked(unsafe { call(socket, backlog, &raw mut errno) }, errno).map(|_| ())
    }

    pub(super) fn accept(&self, listener: usize) -> Result<(usize, SocketAddr), WsaError> {
        let call = entry!(self, lpWSPAccept);
        let (mut room, mut len) = (AddressRoom([0; SOCKADDR_IN6]), SOCKADDR_IN6 as i32);
        let mut errno = 0;
        // SAFETY: as above.
        let socket =
            unsafe { call(listener, room.pointer_mut(), &raw mut len, None, 0, &raw mut errno) };
        Ok((socket_of(socket, errno)?, room.address()?))
    }

    pub(super) fn sock_name(&self, socket: usize) -> Result<SocketAddr, WsaError> {
        let call = entry!(self, lpWSPGetSockName);
        let (mut room, mut len) = (AddressRoom([0; SOCKADDR_IN6]), SOCKADDR_IN6 as i32);
        let mut errno = 0;
        // SAFETY: as above.
        let value = unsafe { call(socket, room.pointer_mut(), &raw mut len, &raw mut errno) };
        checked(value, errno)?;
        room.address()
    }

    pub(super) fn shutdown(&self, socket: usize, how: i32) -> Result<(), WsaError> {
        let call = entry!(self, lpWSPShutdown);
        let mut errno = 0;
        // SAFETY: as above.
        checked(unsafe { call(socket, how, &raw mut errno) }, errno).map(|_| ())
    }

    pub(super) fn send(&self, socket: usize, bytes: &[u8], flags: u32) -> Result<usize, WsaError> {
        let call = entry!(self, lpWSPSend);
        let array = buffer(bytes.as_ptr(), bytes.len());
        let (mut sent, mut errno) = (0, 0);
        // SAFETY: as above; a send only reads its buffers.
        let value = unsafe {
            call(
                socket,
                &raw const array,
                1,
                &raw mut sent,
                flags,
                ptr::null_mut(),
                None,
                ptr::null(),
                &raw mut errno,
            )
        };
        checked(value, errno).map(|_| sent as usize)
    }

    pub(super) fn send_to(
        &self,
        socket: usize,
        datagram: &[u8],
        to: &SocketAddr,
    ) -> Result<(), WsaError> {
        let call = entry!(self, lpWSPSendTo);
        let array = buffer(datagram.as_ptr(), datagram.len());
        let ((room, len), mut sent, mut errno) = (AddressRoom::of(to), 0, 0);
        // SAFETY: as above.
        let value = unsafe {
            call(
                socket,
                &raw const array,
                1,
                &raw mut sent,
                0,
                room.pointer(),
                len,
                ptr::null_mut(),
                None,
                ptr::null(),
                &raw mut errno,
            )
        };
        checked(value, errno).map(|_| ())
    }

    pub(super) fn receive(
        &self,
        socket: usize,
        into: &mut [u8],
        flags: u32,
    ) -> Result<usize, WsaError> {
        let call = entry!(self, lpWSPRecv);
        let array = buffer(into.as_mut_ptr(), into.len());
        let (mut got, mut flags, mut errno) = (0, flags, 0);
        // SAFETY: as above; `into` is writable and as long as the array says. The last argument is
        // written, whatever windows-sys makes of it.
        let value = unsafe {
            call(
                socket,
                &raw const array,
                1,
                &raw mut got,
                &raw mut flags,
                ptr::null_mut(),
                None,
                ptr::null(),
                &raw mut errno,
            )
        };
        checked(value, errno).map(|_| got as usize)
    }

    /// A datagram that was cut counts as longer than there was room for.
    pub(super) fn receive_from(
        &self,
        socket: usize,
        into: &mut [u8],
        flags: u32,
    ) -> Result<(usize, SocketAddr), WsaError> {
        let call = entry!(self, lpWSPRecvFrom);
        let array = buffer(into.as_mut_ptr(), into.len());
        let (mut room, mut len) = (AddressRoom([0; SOCKADDR_IN6]), SOCKADDR_IN6 as i32);
        let (mut got, mut flags, mut errno) = (0, flags, 0);
        // SAFETY: as above.
        let value = unsafe {
            call(
                socket,
                &raw const array,
                1,
                &raw mut got,
                &raw mut flags,
                room.pointer_mut(),
                &raw mut len,
                ptr::null_mut(),
                None,
                ptr::null(),
                &raw mut errno,
            )
        };
        match checked(value, errno) {
            Ok(_) => Ok((got as usize, room.address()?)),
            Err(WsaError::WSAEMSGSIZE) => Ok((into.len() + 1, room.address()?)),
            Err(error) => Err(error),
        }
    }

    pub(super) fn set_option(
        &self,
        socket: usize,
        level: i32,
        name: i32,
        value: &[u8],
    ) -> Result<(), WsaError> {
        let call = entry!(self, lpWSPSetSockOpt);
        let mut errno = 0;
        // SAFETY: as above.
        let done = unsafe {
            call(socket, level, name, value.as_ptr(), value.len() as i32, &raw mut errno)
        };
        checked(done, errno).map(|_| ())
    }

    /// An option that is one word.
    pub(super) fn option_word(
        &self,
        socket: usize,
        level: i32,
        name: i32,
    ) -> Result<u32, WsaError> {
        let call = entry!(self, lpWSPGetSockOpt);
        let (mut word, mut len, mut errno) = (0_u32, 4, 0);
        // SAFETY: as above.
        let value = unsafe {
            call(socket, level, name, (&raw mut word).cast(), &raw mut len, &raw mut errno)
        };
        checked(value, errno).map(|_| word)
    }

    /// An ioctl that gives one word.
    pub(super) fn ioctl_word(&self, socket: usize, code: u32) -> Result<u32, WsaError> {
        let call = entry!(self, lpWSPIoctl);
        let (mut word, mut bytes, mut errno) = (0_u32, 0, 0);
        // SAFETY: as above.
        let value = unsafe {
            call(
                socket,
                code,
                ptr::null(),
                0,
                (&raw mut word).cast::<c_void>(),
                4,
                &raw mut bytes,
                ptr::null_mut(),
                None,
                ptr::null(),
                &raw mut errno,
            )
        };
        checked(value, errno).map(|_| word)
    }

    /// What TCP knows of a connection.
    pub(super) fn tcp_info(&self, socket: usize) -> Result<ws::TCP_INFO_v0, WsaError> {
        let call = entry!(self, lpWSPIoctl);
        let (version, mut info) = (0_u32, ws::TCP_INFO_v0::default());
        let (mut bytes, mut errno) = (0, 0);
        // SAFETY: as above; version 0 is the structure's.
        let value = unsafe {
            call(
                socket,
                ws::SIO_TCP_INFO,
                (&raw const version).cast::<c_void>(),
                4,
                (&raw mut info).cast::<c_void>(),
                size_of::<ws::TCP_INFO_v0>() as u32,
                &raw mut bytes,
                ptr::null_mut(),
                None,
                ptr::null(),
                &raw mut errno,
            )
        };
        checked(value, errno).map(|_| info)
    }

    pub(super) fn event_select(
        &self,
        socket: usize,
        event: *mut c_void,
        events: i32,
    ) -> Result<(), WsaError> {
        let call = entry!(self, lpWSPEventSelect);
        let mut errno = 0;
        // SAFETY: as above; the event lives as long as the DLL.
        let value = unsafe { call(socket, event as ws::WSAEVENT, events, &raw mut errno) };
        checked(value, errno).map(|_| ())
    }

    /// The shared event is left alone: it is an auto-reset one, and others may have set it.
    pub(super) fn enum_network_events(
        &self,
        socket: usize,
    ) -> Result<ws::WSANETWORKEVENTS, WsaError> {
        let call = entry!(self, lpWSPEnumNetworkEvents);
        let (mut events, mut errno) = (ws::WSANETWORKEVENTS::default(), 0);
        // SAFETY: as above.
        let value = unsafe { call(socket, ptr::null_mut(), &raw mut events, &raw mut errno) };
        checked(value, errno).map(|_| events)
    }
}

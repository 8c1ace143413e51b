//! A provider's table behind calls that look like Winsock's: blocking, with a buffer each.

use core::net::SocketAddr;

use provider_core::layout::{
    SOCKADDR_IN, SOCKADDR_IN6, WsaBuf, decode_sockaddr_in, encode_sockaddr,
};
use provider_core::spi::{AF_INET, INVALID_SOCKET, WSA_FLAG_OVERLAPPED};
use provider_core::{
    ConnectArgs, OverlappedArgs, ServiceProvider, SocketHandle, UserPtr, WsaError,
};

use crate::spi::TableSpi;

/// The calls.
pub(crate) struct Winsock(TableSpi);

fn at<T>(value: &mut T) -> UserPtr {
    UserPtr((&raw mut *value).expose_provenance())
}

fn buffer(bytes: *const u8, len: usize) -> [u8; 16] {
    WsaBuf { len: len as u32, buf: UserPtr(bytes.expose_provenance()) }.encode()
}

type Done<T = ()> = Result<T, String>;

impl Winsock {
    pub(crate) fn new(spi: TableSpi) -> Self {
        Self(spi)
    }

    pub(crate) fn spi(&self) -> &TableSpi {
        &self.0
    }

    fn check(&self, what: &str, call: impl FnOnce(UserPtr) -> i32) -> Done {
        let mut errno = 0_i32;
        match call(at(&mut errno)) {
            0 => Ok(()),
            _ => Err(format!("{what}: {:?}", WsaError(errno))),
        }
    }

    pub(crate) fn socket(&self, kind: i32) -> Done<SocketHandle> {
        let mut errno = 0_i32;
        let none = UserPtr::NULL;
        let flags = WSA_FLAG_OVERLAPPED;
        let s = self.0.wsp_socket(AF_INET, kind, 0, none, 0, flags, at(&mut errno));
        if s == INVALID_SOCKET { Err(format!("socket: {:?}", WsaError(errno))) } else { Ok(s) }
    }

    pub(crate) fn bind(&self, s: SocketHandle, to: SocketAddr) -> Done {
        let (mut name, len) = encode_sockaddr(&to);
        self.check("bind", |errno| self.0.wsp_bind(s, at(&mut name), len as i32, errno))
    }

    pub(crate) fn connect(&self, s: SocketHandle, to: SocketAddr) -> Done {
        let (mut name, len) = encode_sockaddr(&to);
        let none = ConnectArgs::NONE;
        let name = at(&mut name);
        self.check("connect", |errno| self.0.wsp_connect(s, name, len as i32, none, errno))
    }

    pub(crate) fn sendto(&self, s: SocketHandle, bytes: &[u8], to: SocketAddr) -> Done<usize> {
        let mut array = buffer(bytes.as_ptr(), bytes.len());
        let (mut name, len) = encode_sockaddr(&to);
        let (mut sent, none) = (0_u32, OverlappedArgs::NONE);
        let (array, sent_at, name) = (at(&mut array), at(&mut sent), at(&mut name));
        self.check("sendto", |errno| {
            self.0.wsp_send_to(s, array, 1, sent_at, 0, name, len as i32, none, errno)
        })?;
        Ok(sent as usize)
    }

    pub(crate) fn send(&self, s: SocketHandle, bytes: &[u8]) -> Done<usize> {
        let mut array = buffer(bytes.as_ptr(), bytes.len());
        let (mut sent, none) = (0_u32, OverlappedArgs::NONE);
        let (array, sent_at) = (at(&mut array), at(&mut sent));
        self.check("send", |errno| self.0.wsp_send(s, array, 1, sent_at, 0, none, errno))?;
        Ok(sent as usize)
    }

    /// Bytes, and their sender.
    pub(crate) fn recvfrom(
        &self,
        s: SocketHandle,
        room: &mut [u8],
    ) -> Done<(usize, Option<SocketAddr>)> {
        let mut array = buffer(room.as_mut_ptr(), room.len());
        let mut from = [0_u8; SOCKADDR_IN6];
        let (mut len, mut got, mut flags) = (SOCKADDR_IN6 as i32, 0_u32, 0_u32);
        let (array, none) = (at(&mut array), OverlappedArgs::NONE);
        let (got_at, flags_at) = (at(&mut got), at(&mut flags));
        let (from_at, len_at) = (at(&mut from), at(&mut len));
        self.check("recvfrom", |errno| {
            self.0.wsp_recv_from(s, array, 1, got_at, flags_at, from_at, len_at, none, errno)
        })?;
        let from = from.first_chunk::<SOCKADDR_IN>().map(decode_sockaddr_in);
        Ok((got as usize, from))
    }

    pub(crate) fn recv(&self, s: SocketHandle, room: &mut [u8]) -> Done<usize> {
        let mut array = buffer(room.as_mut_ptr(), room.len());
        let (mut got, mut flags, none) = (0_u32, 0_u32, OverlappedArgs::NONE);
        let (array, got_at, flags_at) = (at(&mut array), at(&mut got), at(&mut flags));
        self.check("recv", |errno| self.0.wsp_recv(s, array, 1, got_at, flags_at, none, errno))?;
        Ok(got as usize)
    }

    pub(crate) fn shutdown(&self, s: SocketHandle, how: i32) -> Done {
        self.check("shutdown", |errno| self.0.wsp_shutdown(s, how, errno))
    }

    pub(crate) fn closesocket(&self, s: SocketHandle) -> Done {
        self.check("closesocket", |errno| self.0.wsp_close_socket(s, errno))
    }
}

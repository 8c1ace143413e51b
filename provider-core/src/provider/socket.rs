//! WSPSocket.

use alloc::sync::Arc;

use crate::socket::{Multipoint, Options, Socket, SocketState};
use crate::spi::{
    AF_INET, AF_INET6, FROM_PROTOCOL_INFO, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_STREAM,
    WSA_FLAG_MULTIPOINT_C_LEAF, WSA_FLAG_MULTIPOINT_D_LEAF, WSA_FLAG_NO_HANDLE_INHERIT,
    WSA_FLAG_OVERLAPPED,
};
use crate::{Family, Host, Kind, SocketHandle, Transport, UserPtr, WsaError};

use super::Provider;

/// What a socket for a multipoint session over IP is made with.
const LEAF: u32 = WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;

/// The arguments of WSPSocket, as the caller gave them.
pub(super) struct SocketArgs {
    pub(super) af: i32,
    pub(super) kind: i32,
    pub(super) protocol: i32,
    pub(super) protocol_info: UserPtr,
    pub(super) flags: u32,
}

impl<H: Host> Provider<H> {
    pub(super) fn open_socket(&self, args: &SocketArgs) -> Result<SocketHandle, WsaError> {
        let life = self.life()?;
        let (mut af, mut kind, mut protocol) = (args.af, args.kind, args.protocol);
        if !args.protocol_info.is_null() {
            let info = self.capture_protocol_info(args.protocol_info)?;
            for (given, told) in
                [(&mut af, info.family), (&mut kind, info.kind), (&mut protocol, info.protocol)]
            {
                if *given == 0 || *given == FROM_PROTOCOL_INFO {
                    *given = told;
                }
            }
            if info.reserved != 0 {
                return Err(WsaError::WSAEINVAL);
            }
        }
        let family = match af {
            AF_INET => Family::V4,
            AF_INET6 => Family::V6,
            _ => return Err(WsaError::WSAEAFNOSUPPORT),
        };
        let kind = match kind {
            SOCK_STREAM => Kind::Stream,
            SOCK_DGRAM => Kind::Datagram,
            _ => return Err(WsaError::WSAESOCKTNOSUPPORT),
        };
        match (kind, protocol) {
            (_, 0) | (Kind::Stream, IPPROTO_TCP) | (Kind::Datagram, IPPROTO_UDP) => {}
            (_, IPPROTO_TCP | IPPROTO_UDP) => return Err(WsaError::WSAEPROTOTYPE),
            _ => return Err(WsaError::WSAEPROTONOSUPPORT),
        }
        //= docs/spec/sockets.md#socket-20
        //# WSA_FLAG_MULTIPOINT_C_LEAF and WSA_FLAG_MULTIPOINT_D_LEAF together, on a datagram socket,
        //# MUST be accepted; one without the other, on a stream, or a flag for a root MUST fail with
        //# WSAEINVAL.
        let leaf = match (kind, args.flags & LEAF) {
            (_, 0) => false,
            (Kind::Datagram, LEAF) => true,
            _ => return Err(WsaError::WSAEINVAL),
        };
        // Handles are not inherited by other processes in any case.
        if args.flags & !(WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT | LEAF) != 0 {
            return Err(WsaError::WSAEINVAL);
        }
        let id = self.sockets.reserve(self.host.current_thread().0);
        let transport = match self.host.transport().open(family, kind, id.token()) {
            Ok(transport) => transport,
            Err(error) => {
                self.sockets.remove(id);
                return Err(error);
            }
        };
        let handle = match self.host.create_socket_handle(id.context()) {
            Ok(handle) => handle,
            Err(error) => {
                self.host.transport().close(transport, true);
                self.sockets.remove(id);
                return Err(error);
            }
        };
        let overlapped = args.flags & WSA_FLAG_OVERLAPPED != 0;
        let mut state = SocketState::new(id.token(), transport, Options::default());
        if leaf {
            state.multipoint = Multipoint::Leaf;
        }
        self.enter_socket(Socket::new(id, life, handle, family, kind, overlapped, state))
    }

    /// Gives a socket its place in the table; gives its handle.
    ///
    /// # Errors
    /// WSANOTINITIALISED when the last WSPCleanup came between and did not see this socket.
    pub(super) fn enter_socket(&self, socket: Socket<H>) -> Result<SocketHandle, WsaError> {
        let (id, life, handle) = (socket.id, socket.life, socket.handle);
        self.sockets.fill(id, Arc::new(socket));
        if self.life() != Ok(life) {
            let _ = self.close_socket(handle);
            return Err(WsaError::WSANOTINITIALISED);
        }
        Ok(handle)
    }
}

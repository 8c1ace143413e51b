//! WSPSocket.

use crate::socket::{Multipoint, Opened, Options, SocketState};
use crate::spi::{
    FROM_PROTOCOL_INFO, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_STREAM,
    WSA_FLAG_MULTIPOINT_C_LEAF, WSA_FLAG_MULTIPOINT_D_LEAF, WSA_FLAG_NO_HANDLE_INHERIT,
    WSA_FLAG_OVERLAPPED,
};
use crate::table::Id;
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
        //= docs/spec/sockets.md#socket-11
        //# With an `lpProtocolInfo` of a protocol of the provider's, 0 and FROM_PROTOCOL_INFO for
        //# `af`, `type` and `protocol` MUST stand for what the structure says.
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
                return self.open_descriptor(&info, [af, kind, protocol]);
            }
        }
        //= docs/spec/sockets.md#socket-1
        //# AF_INET or AF_INET6 with SOCK_STREAM or SOCK_DGRAM and the protocol of that type, or 0,
        //# MUST give a socket that is unbound and blocking.
        //= docs/spec/sockets.md#socket-2
        //# Another address family MUST fail with WSAEAFNOSUPPORT.
        let family = Family::from_af(af).ok_or(WsaError::WSAEAFNOSUPPORT)?;
        let kind = match kind {
            SOCK_STREAM => Kind::Stream,
            SOCK_DGRAM => Kind::Datagram,
            //= docs/spec/sockets.md#socket-3
            //# Another type MUST fail with WSAESOCKTNOSUPPORT.
            _ => return Err(WsaError::WSAESOCKTNOSUPPORT),
        };
        match (kind, protocol) {
            (_, 0) | (Kind::Stream, IPPROTO_TCP) | (Kind::Datagram, IPPROTO_UDP) => {}
            //= docs/spec/sockets.md#socket-4
            //# IPPROTO_TCP or IPPROTO_UDP with the other one's type MUST fail with WSAEPROTOTYPE.
            (_, IPPROTO_TCP | IPPROTO_UDP) => return Err(WsaError::WSAEPROTOTYPE),
            //= docs/spec/sockets.md#socket-5
            //# Another protocol MUST fail with WSAEPROTONOSUPPORT.
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
        //= docs/spec/sockets.md#socket-8
        //# WSA_FLAG_NO_HANDLE_INHERIT MUST be accepted.
        // Handles are not inherited by other processes in any case.
        //= docs/spec/sockets.md#socket-6
        //# Flags that the provider does not have MUST fail with WSAEINVAL.
        if args.flags & !(WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT | LEAF) != 0 {
            return Err(WsaError::WSAEINVAL);
        }
        let id = self.sockets.reserve(self.host.current_thread().0);
        //= docs/spec/sockets.md#socket-10
        //# When the transport opens no socket the call MUST fail with the transport's code.
        let transport = match self.host.transport().open(family, kind, id.token()) {
            Ok(transport) => transport,
            Err(error) => {
                self.sockets.remove(id);
                return Err(error);
            }
        };
        //= docs/spec/sockets.md#socket-9
        //# When there is no handle the call MUST fail with the code of WPUCreateSocketHandle and
        //# give the transport's socket back.
        //= docs/spec/startup.md#startup-12
        //# Every socket given to a client MUST be a handle from WPUCreateSocketHandle, with the
        //# provider's context.
        let handle = match self.host.create_socket_handle(family, kind, id.context()) {
            Ok(handle) => handle,
            Err(error) => {
                self.host.transport().close(transport, true);
                self.sockets.remove(id);
                return Err(error);
            }
        };
        //= docs/spec/sockets.md#socket-7
        //# WSA_FLAG_OVERLAPPED MUST decide for the socket's life whether its operations can be
        //# overlapped.
        let overlapped = args.flags & WSA_FLAG_OVERLAPPED != 0;
        let mut state = SocketState::new(id.token(), transport, Options::default());
        if leaf {
            state.multipoint = Multipoint::Leaf;
        }
        self.enter_socket(id, Opened::new(id, life, handle, family, kind, overlapped, state))
    }

    /// Gives a descriptor its place in the table; gives its handle.
    ///
    /// # Errors
    /// WSANOTINITIALISED when the last WSPCleanup came between and did not see it.
    pub(super) fn enter_socket(&self, id: Id, opened: Opened<H>) -> Result<SocketHandle, WsaError> {
        let (handle, life) = (opened.descriptor.handle, opened.life);
        self.sockets.fill(id, opened.clone());
        if self.life() != Ok(life) {
            let _ = self.close_opened(&opened);
            return Err(WsaError::WSANOTINITIALISED);
        }
        Ok(handle)
    }
}

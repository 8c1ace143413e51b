//! WSPBind, WSPGetSockName, WSPGetPeerName, and implicit binding.

use core::net::SocketAddr;

use crate::socket::{Phase, Socket, SocketState};
use crate::{Host, Kind, SocketHandle, Transport, UserPtr, WsaError};

use super::Provider;
use super::address::any;

impl<H: Host> Provider<H> {
    pub(super) fn bind(
        &self,
        handle: SocketHandle,
        name: UserPtr,
        namelen: i32,
    ) -> Result<(), WsaError> {
        let socket = self.socket(handle)?;
        let raw = self.capture_address(name, namelen)?;
        let mut state = self.lock_open(&socket)?;
        //= docs/spec/sockets.md#bind-4
        //# A socket that is bound MUST fail with WSAEINVAL.
        if state.local.is_some() {
            return Err(WsaError::WSAEINVAL);
        }
        //= docs/spec/sockets.md#bind-3
        //# A `name` that is not readable memory, is too small, or is of another family than the
        //# socket MUST fail with WSAEFAULT.
        // A family that does not match is WSAEFAULT here, unlike in a send (WSPBind's page).
        let address = raw.decode(socket.family).map_err(|_| WsaError::WSAEFAULT)?;
        let bound = self.bind_to(&mut state, address);
        self.deliver(&socket, state);
        bound
    }

    fn bind_to(&self, state: &mut SocketState<H>, address: SocketAddr) -> Result<(), WsaError> {
        //= docs/spec/sockets.md#bind-1
        //# A bind that succeeds MUST give the socket that local address.
        //= docs/spec/sockets.md#bind-2
        //# Port 0 MUST be replaced by a free port.
        //= docs/spec/sockets.md#bind-5
        //# An address in use MUST fail with WSAEADDRINUSE.
        //= docs/spec/sockets.md#bind-6
        //# An address that is not one of the machine's MUST fail with WSAEADDRNOTAVAIL.
        //= docs/spec/sockets.md#bind-7
        //# A bind that fails MUST leave the socket unbound.
        let bound = self.host.transport().bind(state.transport, address)?;
        state.local = Some(bound);
        Self::stir(state);
        Ok(())
    }

    /// Binds to ADDR_ANY and a free port, unless bound already; a bind that fails leaves nothing
    /// behind.
    pub(super) fn bind_implicitly(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
    ) -> Result<(), WsaError> {
        //= docs/spec/wspsendto.md#dst-8
        //# After an implicit bind WSPGetSockName MUST give ADDR_ANY and a port other than 0.
        //= docs/spec/wspsendto.md#dst-9
        //# An implicit bind MUST stay though the send that caused it fails.
        if state.local.is_some() { Ok(()) } else { self.bind_to(state, any(socket.family)) }
    }

    pub(super) fn sock_name(
        &self,
        handle: SocketHandle,
        name: UserPtr,
        namelen: UserPtr,
    ) -> Result<(), WsaError> {
        let socket = self.socket(handle)?;
        let state = self.lock_open(&socket)?;
        //= docs/spec/sockets.md#sockname-2
        //# A socket that is not bound MUST fail with WSAEINVAL.
        let bound = state.local.ok_or(WsaError::WSAEINVAL)?;
        //= docs/spec/sockets.md#sockname-3
        //# A connected stream MUST give the address of its connection, though it was bound to
        //# ADDR_ANY.
        let local = match (socket.kind, state.phase) {
            (Kind::Stream, Phase::Connected) => {
                self.host.transport().local_address(state.transport).unwrap_or(bound)
            }
            _ => bound,
        };
        drop(state);
        //= docs/spec/sockets.md#sockname-1
        //# The address that the socket is bound to MUST be stored in `name` and its size in
        //# `namelen`.
        self.give_address(&local, name, namelen)
    }

    pub(super) fn peer_name(
        &self,
        handle: SocketHandle,
        name: UserPtr,
        namelen: UserPtr,
    ) -> Result<(), WsaError> {
        let socket = self.socket(handle)?;
        let state = self.lock_open(&socket)?;
        let peer = match (socket.kind, state.phase) {
            (Kind::Stream, phase) if phase != Phase::Connected => None,
            //= docs/spec/sockets.md#peername-1
            //# The peer of a connection, accepted or made, MUST be stored in `name` and its size in
            //# `namelen`.
            //= docs/spec/sockets.md#peername-2
            //# A connected datagram socket MUST give its default destination.
            _ => state.peer,
        };
        drop(state);
        //= docs/spec/sockets.md#peername-3
        //# A socket that is not connected MUST fail with WSAENOTCONN.
        self.give_address(&peer.ok_or(WsaError::WSAENOTCONN)?, name, namelen)
    }
}

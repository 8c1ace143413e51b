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
        if state.local.is_some() {
            return Err(WsaError::WSAEINVAL);
        }
        // A family that does not match is WSAEFAULT here, unlike in a send (WSPBind's page).
        let address = raw.decode(socket.family).map_err(|_| WsaError::WSAEFAULT)?;
        let bound = self.bind_to(&mut state, address);
        self.deliver(&socket, state);
        bound
    }

    fn bind_to(&self, state: &mut SocketState<H>, address: SocketAddr) -> Result<(), WsaError> {
        let bound = self.host.transport().bind(state.transport, address)?;
        state.local = Some(bound);
        Self::stir(state);
        Ok(())
    }

    /// Binds to ADDR_ANY and a free port, unless bound already. It stays, whatever becomes of the
    /// call that needed it (DST-9); a bind that fails leaves nothing behind (B35).
    pub(super) fn bind_implicitly(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
    ) -> Result<(), WsaError> {
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
        let bound = state.local.ok_or(WsaError::WSAEINVAL)?;
        // A connected stream bound to ADDR_ANY has an address of its own by now.
        let local = match (socket.kind, state.phase) {
            (Kind::Stream, Phase::Connected) => {
                self.host.transport().local_address(state.transport).unwrap_or(bound)
            }
            _ => bound,
        };
        drop(state);
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
            _ => state.peer,
        };
        drop(state);
        self.give_address(&peer.ok_or(WsaError::WSAENOTCONN)?, name, namelen)
    }
}

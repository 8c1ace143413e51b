//! WSPAccept.

use alloc::sync::Arc;
use core::net::SocketAddr;

use crate::socket::{Options, Phase, Socket, SocketState};
use crate::{Host, Kind, SocketHandle, Transport, UserPtr, WsaError};

use super::Provider;
use crate::table::Id;

/// A connection taken from the transport.
struct Accepted<H: Host> {
    id: Id,
    transport: <H::Transport as Transport>::Socket,
    peer: SocketAddr,
    options: Options,
    local: Option<SocketAddr>,
}

impl<H: Host> Provider<H> {
    pub(super) fn accept(
        &self,
        handle: SocketHandle,
        addr: UserPtr,
        addrlen: UserPtr,
    ) -> Result<SocketHandle, WsaError> {
        let socket = self.socket(handle)?;
        if !addr.is_null() {
            self.check_address_room(socket.family, addr, addrlen)?;
        }
        let mut state = self.lock_open(&socket)?;
        if socket.kind == Kind::Datagram {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        if state.phase != Phase::Listening {
            return Err(WsaError::WSAEINVAL);
        }
        let first = self.take_connection(&socket, &mut state);
        let accepted = match first {
            Err(WsaError::WSAEWOULDBLOCK) if !state.options.nonblocking => {
                drop(state);
                self.watch(&socket, None, |state| match state.phase {
                    Phase::Closed => Some(Err(WsaError::WSAEINTR)),
                    _ => match self.take_connection(&socket, state) {
                        Err(WsaError::WSAEWOULDBLOCK) => None,
                        result => Some(result),
                    },
                })?
            }
            result => {
                drop(state);
                result?
            }
        };
        let mut state = SocketState::new(accepted.id.token(), accepted.transport, accepted.options);
        state.phase = Phase::Connected;
        state.peer = Some(accepted.peer);
        state.local = accepted.local;
        self.tell_options(&state);
        let new = self.enter_socket(
            accepted.id,
            socket.life,
            socket.family,
            Kind::Stream,
            socket.overlapped,
            state,
        )?;
        if !addr.is_null() {
            // Writable and large enough a moment ago; if the caller unmapped it since, the
            // connection is worth more than the address.
            let _ = self.give_address(&accepted.peer, addr, addrlen);
        }
        Ok(new)
    }

    fn take_connection(
        &self,
        listener: &Arc<Socket<H>>,
        state: &mut SocketState<H>,
    ) -> Result<Accepted<H>, WsaError> {
        let id = self.sockets.reserve(self.host.current_thread().0);
        match self.host.transport().accept(state.transport, id.token()) {
            Ok((transport, peer)) => {
                let local = self.host.transport().local_address(transport).or(state.local);
                Ok(Accepted { id, transport, peer, options: state.options, local })
            }
            Err(error) => {
                debug_assert_eq!(listener.kind, Kind::Stream);
                self.sockets.remove(id);
                Err(error)
            }
        }
    }
}

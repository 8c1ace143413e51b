//! From a SOCKET to the socket behind it.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::socket::{Opened, Phase, Socket, StateGuard};
use crate::table::Id;
use crate::{Host, SocketHandle, Token, WsaError};

use super::Provider;

impl<H: Host> Provider<H> {
    /// The socket behind a handle, and which of its descriptors that is.
    ///
    /// # Errors
    /// WSANOTINITIALISED before WSPStartup, WSAENOTSOCK for what is no socket (ERR-NOTSOCK).
    pub(super) fn socket(&self, handle: SocketHandle) -> Result<Opened<H>, WsaError> {
        let context = match self.host.socket_context(handle) {
            Ok(context) => context,
            Err(_) => return Err(self.no_socket()),
        };
        //= docs/spec/results.md#result-5
        //# A descriptor that is no open socket of the provider MUST fail the call with WSAENOTSOCK.
        //= docs/spec/wspsendto.md#err-notsock
        //# A send on a descriptor that is no open socket of the provider MUST fail with WSAENOTSOCK.
        match self.sockets.get(Id::from_context(context)) {
            Some(socket) if socket.descriptor.handle == handle => Ok(socket),
            _ => Err(self.no_socket()),
        }
    }

    /// The lock of a socket whose descriptor is still open.
    ///
    /// # Errors
    /// WSAENOTSOCK when it was closed since it was looked up.
    pub(super) fn lock_open<'a>(
        &self,
        socket: &'a Opened<H>,
    ) -> Result<StateGuard<'a, H>, WsaError> {
        let state = socket.lock();
        if state.phase == Phase::Closed || !state.descriptors.is_open(socket.descriptor) {
            return Err(WsaError::WSAENOTSOCK);
        }
        Ok(state)
    }

    /// The socket that readiness and timers with `token` are for.
    pub(super) fn socket_of(&self, token: Token) -> Option<Arc<Socket<H>>> {
        self.sockets.get(Id::from_token(token)).map(|opened| opened.socket)
    }

    /// Every socket, once.
    pub(super) fn all_sockets(&self) -> Vec<Arc<Socket<H>>> {
        let all = self.sockets.all().into_iter();
        all.filter(|opened| opened.descriptor.is_first()).map(|opened| opened.socket).collect()
    }

    fn no_socket(&self) -> WsaError {
        if self.is_started() { WsaError::WSAENOTSOCK } else { WsaError::WSANOTINITIALISED }
    }
}

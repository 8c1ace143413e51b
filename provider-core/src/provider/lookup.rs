//! From a SOCKET to the socket behind it.

use alloc::sync::Arc;

use crate::socket::{Phase, Socket, StateGuard};
use crate::table::Id;
use crate::{Host, SocketHandle, WsaError};

use super::Provider;

impl<H: Host> Provider<H> {
    /// The socket behind a handle.
    ///
    /// # Errors
    /// WSANOTINITIALISED before WSPStartup, WSAENOTSOCK for what is no socket (ERR-NOTSOCK).
    pub(super) fn socket(&self, handle: SocketHandle) -> Result<Arc<Socket<H>>, WsaError> {
        let context = match self.host.socket_context(handle) {
            Ok(context) => context,
            Err(_) => return Err(self.no_socket()),
        };
        match self.sockets.get(Id::from_context(context)) {
            Some(socket) if socket.handle == handle => Ok(socket),
            _ => Err(self.no_socket()),
        }
    }

    /// The lock of a socket that is still open.
    ///
    /// # Errors
    /// WSAENOTSOCK when it was closed since it was looked up.
    pub(super) fn lock_open<'a>(
        &self,
        socket: &'a Socket<H>,
    ) -> Result<StateGuard<'a, H>, WsaError> {
        let state = socket.lock();
        if state.phase == Phase::Closed { Err(WsaError::WSAENOTSOCK) } else { Ok(state) }
    }

    fn no_socket(&self) -> WsaError {
        if self.is_started() { WsaError::WSAENOTSOCK } else { WsaError::WSANOTINITIALISED }
    }
}

//! WSPShutdown.

use crate::socket::{Phase, SocketState};
use crate::spi::{SD_BOTH, SD_RECEIVE, SD_SEND};
use crate::{Half, Host, Kind, SocketHandle, Transport, WsaError};

use super::Provider;

impl<H: Host> Provider<H> {
    pub(super) fn shutdown(&self, handle: SocketHandle, how: i32) -> Result<(), WsaError> {
        let socket = self.socket(handle)?;
        let mut state = self.lock_open(&socket)?;
        let (send, receive) = match how {
            SD_SEND => (true, false),
            SD_RECEIVE => (false, true),
            SD_BOTH => (true, true),
            _ => return Err(WsaError::WSAEINVAL),
        };
        // What ended a connection is not for this call to tell: it has no code for it.
        if socket.kind == Kind::Stream && state.phase != Phase::Connected {
            return Err(WsaError::WSAENOTCONN);
        }
        if send {
            // What was accepted still drains; the FIN follows it (CXL-6).
            state.send_ended = true;
            self.end_send_half(socket.kind, &mut state);
        }
        if receive && !state.receive_ended {
            state.receive_ended = true;
            // Nothing will come any more: whoever waits must not wait for ever.
            state.end_receives(WsaError::WSAESHUTDOWN, false, |_| true);
            if socket.kind == Kind::Stream {
                let _ = self.host.transport().shutdown(state.transport, Half::Receive);
            }
        }
        self.deliver(&socket, state);
        Ok(())
    }

    /// Tells the transport that the send half ended, once everything accepted is with it.
    pub(super) fn end_send_half(&self, kind: Kind, state: &mut SocketState<H>) {
        if kind == Kind::Stream
            && state.send_ended
            && !state.fin_sent
            && state.send_idle()
            && matches!(state.phase, Phase::Connected | Phase::Closed)
        {
            state.fin_sent = true;
            // A connection that died meanwhile has nothing to end.
            let _ = self.host.transport().shutdown(state.transport, Half::Send);
        }
    }
}

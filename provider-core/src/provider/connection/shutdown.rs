//! WSPShutdown.

use crate::socket::{Opened, Phase, SocketState};
use crate::spi::{SD_BOTH, SD_RECEIVE, SD_SEND};
use crate::{Half, Host, Kind, SocketHandle, Transport, WsaError};

use super::super::Provider;

impl<H: Host> Provider<H> {
    pub(in super::super) fn shutdown(
        &self,
        handle: SocketHandle,
        how: i32,
    ) -> Result<(), WsaError> {
        self.shutdown_opened(&self.socket(handle)?, how)
    }

    /// The same, of a descriptor that was looked up.
    pub(in super::super) fn shutdown_opened(
        &self,
        socket: &Opened<H>,
        how: i32,
    ) -> Result<(), WsaError> {
        let mut state = self.lock_open(socket)?;
        let (send, receive) = match how {
            SD_SEND => (true, false),
            SD_RECEIVE => (false, true),
            SD_BOTH => (true, true),
            //= docs/spec/ending.md#shutdown-5
            //# Another `how` MUST fail with WSAEINVAL.
            _ => return Err(WsaError::WSAEINVAL),
        };
        //= docs/spec/ending.md#shutdown-6
        //# A stream that is not connected MUST fail with WSAENOTCONN.
        // What ended a connection is not for this call to tell: it has no code for it.
        if socket.kind == Kind::Stream && state.phase != Phase::Connected {
            return Err(WsaError::WSAENOTCONN);
        }
        if send {
            //= docs/spec/wspsendto.md#cxl-6
            //# Sends that were accepted before WSPShutdown MUST still go out, and MUST NOT be
            //# cancelled by it.
            //= docs/spec/ending.md#shutdown-7
            //# The call MUST NOT block, whatever SO_LINGER is.
            // What was accepted still drains; the FIN follows it.
            state.send_ended = true;
            self.end_send_half(socket.kind, &mut state);
        }
        //= docs/spec/ending.md#shutdown-8
        //# A second call MUST succeed.
        //= docs/spec/wspsendto.md#err-shutdown
        //# SD_RECEIVE alone MUST NOT affect sends.
        if receive && !state.receive_ended {
            state.receive_ended = true;
            //= docs/spec/ending.md#shutdown-4
            //# Receives that wait when SD_RECEIVE or SD_BOTH is called MUST end with WSAESHUTDOWN.
            // Nothing will come any more: whoever waits must not wait for ever.
            state.end_receives(WsaError::WSAESHUTDOWN, false, |_| true);
            if socket.kind == Kind::Stream {
                let _ = self.host.transport().shutdown(state.transport, Half::Receive);
            }
        }
        //= docs/spec/ending.md#shutdown-9
        //# The call MUST NOT close the socket.
        Self::stir(&mut state);
        self.deliver(socket, state);
        Ok(())
    }

    /// Tells the transport that the send half ended, once everything accepted is with it.
    pub(in super::super) fn end_send_half(&self, kind: Kind, state: &mut SocketState<H>) {
        if kind == Kind::Stream
            //= docs/spec/ending.md#shutdown-2
            //# A stream MUST send its end after all data that was accepted before SD_SEND or
            //# SD_BOTH.
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

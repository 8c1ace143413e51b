//! WSPSendDisconnect and WSPRecvDisconnect: WSPShutdown of one half, for protocols that can say
//! something with it. TCP and UDP cannot.

use crate::spi::{SD_RECEIVE, SD_SEND};
use crate::{Host, Kind, SocketHandle, UserPtr, WsaError};

use super::super::Provider;

impl<H: Host> Provider<H> {
    pub(in super::super) fn send_disconnect(
        &self,
        handle: SocketHandle,
        data: UserPtr,
    ) -> Result<(), WsaError> {
        //= docs/spec/ending.md#senddisconnect-2
        //# An `lpOutboundDisconnectData` that is not null MUST fail with WSAENOPROTOOPT, with nothing
        //# done.
        //= docs/spec/ending.md#senddisconnect-1
        //# On a connected stream the call MUST do what WSPShutdown with SD_SEND does.
        self.disconnect(handle, data, SD_SEND)
    }

    pub(in super::super) fn recv_disconnect(
        &self,
        handle: SocketHandle,
        data: UserPtr,
    ) -> Result<(), WsaError> {
        //= docs/spec/ending.md#recvdisconnect-2
        //# An `lpInboundDisconnectData` that is not null MUST fail with WSAENOPROTOOPT, with nothing
        //# done.
        //= docs/spec/ending.md#recvdisconnect-1
        //# On a connected stream the call MUST do what WSPShutdown with SD_RECEIVE does.
        self.disconnect(handle, data, SD_RECEIVE)
    }

    fn disconnect(&self, handle: SocketHandle, data: UserPtr, how: i32) -> Result<(), WsaError> {
        let socket = self.socket(handle)?;
        if !data.is_null() {
            return Err(WsaError::WSAENOPROTOOPT);
        }
        //= docs/spec/ending.md#senddisconnect-3
        //# A stream that is not connected MUST fail with WSAENOTCONN.
        //= docs/spec/ending.md#recvdisconnect-3
        //# A stream that is not connected MUST fail with WSAENOTCONN.
        // That of a stream WSPShutdown says; a datagram socket is connected when it has a peer.
        if socket.kind == Kind::Datagram && self.lock_open(&socket)?.peer.is_none() {
            return Err(WsaError::WSAENOTCONN);
        }
        self.shutdown_opened(&socket, how)
    }
}

//! WSPSetSockOpt and WSPGetSockOpt.

use crate::socket::{Linger, Phase, Socket, SocketState};
use crate::spi::{
    SO_BROADCAST, SO_DONTLINGER, SO_ERROR, SO_KEEPALIVE, SO_LINGER, SO_MAX_MSG_SIZE, SO_RCVBUF,
    SO_RCVTIMEO, SO_SNDBUF, SO_SNDTIMEO, SO_TYPE, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET,
};
use crate::{Host, Kind, Memory, SocketHandle, Transport, TransportOption, UserPtr, WsaError};

use super::Provider;

impl<H: Host> Provider<H> {
    pub(super) fn set_option(
        &self,
        handle: SocketHandle,
        level: i32,
        name: i32,
        value: UserPtr,
        len: i32,
    ) -> Result<(), WsaError> {
        let socket = self.socket(handle)?;
        if level != SOL_SOCKET {
            return Err(WsaError::WSAEINVAL);
        }
        // All of them take four bytes: a BOOL, a DWORD, or a LINGER of two shorts.
        if len < 4 {
            return Err(WsaError::WSAEFAULT);
        }
        let word = self.take_u32(value)?;
        let mut state = self.lock_open(&socket)?;
        match (name, socket.kind) {
            (SO_BROADCAST, Kind::Datagram) => {
                state.options.broadcast = word != 0;
                let option = TransportOption::Broadcast(word != 0);
                self.host.transport().set_option(state.transport, option);
            }
            (SO_KEEPALIVE, Kind::Stream) => {
                if let Phase::Failed(_) = state.phase {
                    return Err(WsaError::WSAENOTCONN);
                }
                state.options.keep_alive = word != 0;
                self.tell_options(&state);
            }
            (SO_LINGER, Kind::Stream) => {
                state.options.linger = match (word & 0xffff, word >> 16) {
                    (0, _) => Linger::Graceful,
                    (_, 0) => Linger::Abort,
                    (_, seconds) => Linger::Wait(seconds as u16),
                };
            }
            (SO_DONTLINGER, Kind::Stream) => {
                if word != 0 {
                    state.options.linger = Linger::Graceful;
                }
            }
            (SO_SNDBUF, _) => {
                state.options.send_buffer = word;
                // More room may let queued sends in; less drops nothing.
                self.drain_sends(&socket, &mut state);
            }
            (SO_RCVBUF, _) => {
                state.options.receive_buffer = word;
                self.tell_options(&state);
            }
            (SO_SNDTIMEO, _) => state.options.send_timeout_ms = word,
            (SO_RCVTIMEO, _) => state.options.receive_timeout_ms = word,
            _ => return Err(WsaError::WSAENOPROTOOPT),
        }
        self.deliver(&socket, state);
        Ok(())
    }

    /// Tells the transport what it has to know of the options: of a new connection, or changed.
    pub(super) fn tell_options(&self, state: &SocketState<H>) {
        if !state.transport_closed {
            let transport = self.host.transport();
            let options = &state.options;
            for option in [
                TransportOption::KeepAlive(options.keep_alive),
                TransportOption::ReceiveBuffer(options.receive_buffer),
            ] {
                transport.set_option(state.transport, option);
            }
        }
    }

    pub(super) fn option(
        &self,
        handle: SocketHandle,
        level: i32,
        name: i32,
        value: UserPtr,
        len: UserPtr,
    ) -> Result<(), WsaError> {
        let socket = self.socket(handle)?;
        if level != SOL_SOCKET {
            return Err(WsaError::WSAEINVAL);
        }
        if self.take_u32(len)? < 4 {
            return Err(WsaError::WSAEFAULT);
        }
        // SO_ERROR is cleared by reading: it must not be lost to a bad pointer.
        self.host.memory().probe_write(value, 4).map_err(|_| WsaError::WSAEFAULT)?;
        let mut state = self.lock_open(&socket)?;
        let word = self.option_word(&socket, &mut state, name)?;
        drop(state);
        self.put_u32(value, word)?;
        self.put_u32(len, 4)
    }

    fn option_word(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
        name: i32,
    ) -> Result<u32, WsaError> {
        let options = &state.options;
        Ok(match (name, socket.kind) {
            (SO_BROADCAST, Kind::Datagram) => u32::from(options.broadcast),
            (SO_KEEPALIVE, Kind::Stream) => u32::from(options.keep_alive),
            (SO_LINGER, Kind::Stream) => match options.linger {
                Linger::Graceful => 0,
                Linger::Abort => 1,
                Linger::Wait(seconds) => 1 | u32::from(seconds) << 16,
            },
            (SO_DONTLINGER, Kind::Stream) => u32::from(options.linger == Linger::Graceful),
            (SO_SNDBUF, _) => options.send_buffer,
            (SO_RCVBUF, _) => options.receive_buffer,
            (SO_SNDTIMEO, _) => options.send_timeout_ms,
            (SO_RCVTIMEO, _) => options.receive_timeout_ms,
            (SO_ERROR, _) => state.error.take().map_or(0, |error| error.0 as u32),
            (SO_TYPE, Kind::Stream) => SOCK_STREAM as u32,
            (SO_TYPE, Kind::Datagram) => SOCK_DGRAM as u32,
            (SO_MAX_MSG_SIZE, Kind::Datagram) => {
                self.host.transport().datagram_max(socket.family) as u32
            }
            _ => return Err(WsaError::WSAENOPROTOOPT),
        })
    }
}

//! SOL_SOCKET.

use crate::socket::{Linger, Opened, Phase, Socket, SocketState};
use crate::spi::{
    SO_ACCEPTCONN, SO_BROADCAST, SO_DEBUG, SO_DONTLINGER, SO_DONTROUTE, SO_ERROR,
    SO_EXCLUSIVEADDRUSE, SO_KEEPALIVE, SO_LINGER, SO_MAX_MSG_SIZE, SO_OOBINLINE, SO_PROTOCOL_INFOW,
    SO_RCVBUF, SO_RCVTIMEO, SO_REUSEADDR, SO_SNDBUF, SO_SNDTIMEO, SO_TYPE, SOCK_DGRAM, SOCK_STREAM,
};
use crate::{AddressUse, Host, Kind, Memory, Transport, TransportOption, WsaError};

use super::super::Provider;
use super::{Given, Room};

impl<H: Host> Provider<H> {
    pub(super) fn set_socket_option(
        &self,
        socket: &Opened<H>,
        name: i32,
        given: Given,
    ) -> Result<(), WsaError> {
        //= docs/spec/options.md#setoption-17
        //# An option that can only be read MUST fail with WSAENOPROTOOPT.
        if access(name, socket.kind)? == Access::Read {
            return Err(WsaError::WSAENOPROTOOPT);
        }
        let word = self.take_word(given)?;
        let on = word != 0;
        let mut state = self.lock_open(socket)?;
        match name {
            SO_BROADCAST => {
                //= docs/spec/options.md#setoption-7
                //# SO_BROADCAST MUST be judged when a send is called, not when its datagram goes out.
                state.options.broadcast = on;
                if on {
                    // It is never taken back: what was accepted may still be on its way.
                    self.tell_option(&state, TransportOption::Broadcast(true));
                }
            }
            SO_KEEPALIVE => {
                check_alive(&mut state)?;
                state.options.keep_alive = on;
                self.tell_option(&state, TransportOption::KeepAlive(on));
            }
            //= docs/spec/options.md#setoption-8
            //# SO_LINGER and SO_DONTLINGER MUST each replace the other.
            SO_LINGER => {
                state.options.linger = match (word & 0xffff, word >> 16) {
                    (0, _) => Linger::Graceful,
                    (_, 0) => Linger::Abort,
                    (_, seconds) => Linger::Wait(seconds as u16),
                };
            }
            SO_DONTLINGER if on => state.options.linger = Linger::Graceful,
            SO_DONTLINGER => {}
            SO_OOBINLINE => {
                //= docs/spec/options.md#setoption-12
                //# SO_OOBINLINE MUST keep urgent data in the stream.
                state.options.urgent_inline = on;
                self.tell_option(&state, TransportOption::UrgentInline(on));
            }
            SO_REUSEADDR => self.use_address(&mut state, AddressUse::Shared, on)?,
            SO_EXCLUSIVEADDRUSE => self.use_address(&mut state, AddressUse::Exclusive, on)?,
            SO_SNDBUF => {
                state.options.send_buffer = word;
                //= docs/spec/options.md#setoption-5
                //# A smaller SO_SNDBUF MUST NOT drop what is queued.
                //= docs/spec/options.md#setoption-6
                //# A larger SO_SNDBUF MUST let queued sends into its room.
                self.drain_sends(socket, &mut state);
            }
            SO_RCVBUF => {
                state.options.receive_buffer = word;
                self.tell_option(&state, TransportOption::ReceiveBuffer(word));
            }
            //= docs/spec/options.md#setoption-11
            //# SO_SNDTIMEO and SO_RCVTIMEO MUST hold for the blocking calls that begin after they
            //# were set.
            SO_SNDTIMEO => state.options.send_timeout_ms = word,
            SO_RCVTIMEO => state.options.receive_timeout_ms = word,
            //= docs/spec/options.md#setoption-18
            //# SO_DEBUG and SO_DONTROUTE MUST be kept and change nothing else.
            SO_DEBUG => state.options.debug = on,
            SO_DONTROUTE => state.options.dont_route = on,
            _ => return Err(WsaError::WSAENOPROTOOPT),
        }
        //= docs/spec/options.md#setoption-1
        //# An option that was set MUST be in force for the calls that follow, and be read back by
        //# WSPGetSockOpt.
        self.deliver(socket, state);
        Ok(())
    }

    /// SO_REUSEADDR and SO_EXCLUSIVEADDRUSE exclude each other. They are interpreted by the bind
    /// alone; asking for exclusive use after it is refused, since it could not be kept.
    fn use_address(
        &self,
        state: &mut SocketState<H>,
        usage: AddressUse,
        on: bool,
    ) -> Result<(), WsaError> {
        let options = &mut state.options;
        //= docs/spec/options.md#setoption-14
        //# SO_REUSEADDR and SO_EXCLUSIVEADDRUSE MUST exclude each other: while one is on, the other
        //# fails with WSAEINVAL.
        //= docs/spec/options.md#setoption-15
        //# SO_EXCLUSIVEADDRUSE on a socket that is bound MUST fail with WSAEINVAL.
        let other = options.address_use != AddressUse::Own && options.address_use != usage;
        let late = usage == AddressUse::Exclusive && state.local.is_some();
        if on && (other || late) {
            return Err(WsaError::WSAEINVAL);
        }
        if on || !other {
            options.address_use = if on { usage } else { AddressUse::Own };
            //= docs/spec/options.md#setoption-13
            //# With SO_REUSEADDR a bind MUST be possible to an address in use by sockets that all
            //# have it too.
            let option = TransportOption::AddressUse(options.address_use);
            self.tell_option(state, option);
        }
        Ok(())
    }

    pub(super) fn socket_option(
        &self,
        socket: &Opened<H>,
        name: i32,
        room: Room,
    ) -> Result<(), WsaError> {
        access(name, socket.kind)?;
        if name == SO_PROTOCOL_INFOW {
            return self.protocol_info_option(socket, room);
        }
        // SO_ERROR is cleared by reading: it must not be lost to a bad pointer.
        self.check_value_room(room, 4)?;
        let mut state = self.lock_open(socket)?;
        let word = self.option_word(socket, &mut state, name)?;
        drop(state);
        self.give_word(room, word)
    }

    //= docs/spec/options.md#getoption-6
    //# SO_PROTOCOL_INFO MUST describe the socket's protocol, without XP1_IFS_HANDLES.
    fn protocol_info_option(&self, socket: &Opened<H>, room: Room) -> Result<(), WsaError> {
        let info = self.fill_protocol_info(socket.family, socket.kind);
        self.check_value_room(room, info.len())?;
        drop(self.lock_open(socket)?);
        self.host.memory().write(room.value, &info).map_err(|_| WsaError::WSAEFAULT)?;
        self.put_u32(room.len, info.len() as u32)
    }

    fn option_word(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
        name: i32,
    ) -> Result<u32, WsaError> {
        let options = &state.options;
        Ok(match name {
            //= docs/spec/options.md#getoption-7
            //# SO_ACCEPTCONN MUST tell whether the socket listens.
            SO_ACCEPTCONN => u32::from(state.phase == Phase::Listening),
            SO_BROADCAST => u32::from(options.broadcast),
            SO_DEBUG => u32::from(options.debug),
            SO_DONTROUTE => u32::from(options.dont_route),
            //= docs/spec/options.md#getoption-3
            //# SO_ERROR MUST give the socket's error and clear it.
            SO_ERROR => state.error.take().map_or(0, |error| error.0 as u32),
            SO_EXCLUSIVEADDRUSE => u32::from(options.address_use == AddressUse::Exclusive),
            SO_KEEPALIVE => u32::from(options.keep_alive),
            SO_LINGER => match options.linger {
                Linger::Graceful => 0,
                Linger::Abort => 1,
                Linger::Wait(seconds) => 1 | u32::from(seconds) << 16,
            },
            SO_DONTLINGER => u32::from(options.linger == Linger::Graceful),
            //= docs/spec/options.md#getoption-5
            //# SO_MAX_MSG_SIZE MUST give the largest datagram of the transport, and fail on a
            //# stream with WSAENOPROTOOPT.
            SO_MAX_MSG_SIZE => self.host.transport().datagram_max(socket.family) as u32,
            SO_OOBINLINE => u32::from(options.urgent_inline),
            SO_RCVBUF => options.receive_buffer,
            SO_RCVTIMEO => options.receive_timeout_ms,
            SO_REUSEADDR => u32::from(options.address_use == AddressUse::Shared),
            SO_SNDBUF => options.send_buffer,
            SO_SNDTIMEO => options.send_timeout_ms,
            //= docs/spec/options.md#getoption-4
            //# SO_TYPE MUST give the socket's type.
            SO_TYPE if socket.kind == Kind::Stream => SOCK_STREAM as u32,
            SO_TYPE => SOCK_DGRAM as u32,
            _ => return Err(WsaError::WSAENOPROTOOPT),
        })
    }
}

/// What can be done with an option.
#[derive(PartialEq, Eq)]
enum Access {
    Read,
    ReadAndSet,
}

/// What can be done with an option of a socket of `kind`. Asked before its value is looked at: the
/// name says how long that is.
///
/// # Errors
/// WSAENOPROTOOPT for one that the socket does not have.
fn access(name: i32, kind: Kind) -> Result<Access, WsaError> {
    match (name, kind) {
        (SO_ERROR | SO_TYPE | SO_PROTOCOL_INFOW, _)
        | (SO_ACCEPTCONN, Kind::Stream)
        | (SO_MAX_MSG_SIZE, Kind::Datagram) => Ok(Access::Read),
        (SO_SNDBUF | SO_RCVBUF | SO_SNDTIMEO | SO_RCVTIMEO, _)
        | (SO_REUSEADDR | SO_EXCLUSIVEADDRUSE | SO_DEBUG | SO_DONTROUTE, _)
        | (SO_KEEPALIVE | SO_LINGER | SO_DONTLINGER | SO_OOBINLINE, Kind::Stream)
        | (SO_BROADCAST, Kind::Datagram) => Ok(Access::ReadAndSet),
        //= docs/spec/options.md#setoption-3
        //# An option that is unknown, or not for this type of socket, MUST fail with
        //# WSAENOPROTOOPT.
        //= docs/spec/options.md#setoption-9
        //# SO_LINGER, SO_DONTLINGER and SO_KEEPALIVE on a datagram socket MUST fail with
        //# WSAENOPROTOOPT.
        //= docs/spec/options.md#getoption-9
        //# An option that is unknown, or not for this type of socket, MUST fail with
        //# WSAENOPROTOOPT.
        _ => Err(WsaError::WSAENOPROTOOPT),
    }
}

//= docs/spec/options.md#setoption-10
//# SO_KEEPALIVE on a connection that has failed MUST fail with WSAENOTCONN, and before that once with
//# WSAENETRESET where keep-alive found it dead and nobody was told.
fn check_alive<H: Host>(state: &mut SocketState<H>) -> Result<(), WsaError> {
    match state.phase {
        Phase::Failed(error @ WsaError::WSAENETRESET) if core::mem::take(&mut state.untold) => {
            Err(error)
        }
        Phase::Failed(_) => Err(WsaError::WSAENOTCONN),
        _ => Ok(()),
    }
}

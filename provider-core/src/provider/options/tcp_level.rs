//! IPPROTO_TCP.

use crate::socket::Opened;
use crate::spi::TCP_NODELAY;
use crate::{Host, Kind, TransportOption, WsaError};

use super::super::Provider;
use super::{Given, Room};

impl<H: Host> Provider<H> {
    pub(super) fn set_tcp_option(
        &self,
        socket: &Opened<H>,
        name: i32,
        given: Given,
    ) -> Result<(), WsaError> {
        if (name, socket.kind) != (TCP_NODELAY, Kind::Stream) {
            return Err(WsaError::WSAENOPROTOOPT);
        }
        let on = self.take_word(given)? != 0;
        let mut state = self.lock_open(socket)?;
        //= docs/spec/options.md#setoption-16
        //# TCP_NODELAY MUST be in force for a stream, at the level IPPROTO_TCP.
        state.options.no_delay = on;
        self.tell_option(&state, TransportOption::NoDelay(on));
        Ok(())
    }

    pub(super) fn tcp_option(
        &self,
        socket: &Opened<H>,
        name: i32,
        room: Room,
    ) -> Result<(), WsaError> {
        if (name, socket.kind) != (TCP_NODELAY, Kind::Stream) {
            return Err(WsaError::WSAENOPROTOOPT);
        }
        self.check_value_room(room, 4)?;
        let on = self.lock_open(socket)?.options.no_delay;
        self.give_word(room, u32::from(on))
    }
}

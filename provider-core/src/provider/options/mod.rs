//! WSPSetSockOpt and WSPGetSockOpt: a file for each level.
//!
//! A BOOL, a DWORD and a LINGER are four bytes each; a shorter `optlen` is WSAEFAULT, also for a BOOL
//! given in one byte. Each level has the options that Winsock lists for a stream or a datagram socket
//! over IP; any other name is WSAENOPROTOOPT. Among them are SO_GROUP_ID, since there are no socket
//! groups, and SO_PROTOCOL_INFOA, which ws2_32 turns into SO_PROTOCOL_INFOW before a provider sees
//! it.

mod ip_level;
mod socket_level;
mod tcp_level;

use crate::socket::SocketState;
use crate::spi::{IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, SOL_SOCKET};
use crate::{Host, SocketHandle, Transport, TransportOption, UserPtr, WsaError};

use super::Provider;

/// `optval` and `optlen` of WSPSetSockOpt.
#[derive(Clone, Copy)]
struct Given {
    value: UserPtr,
    len: i32,
}

/// `optval` and `optlen` of WSPGetSockOpt.
#[derive(Clone, Copy)]
struct Room {
    value: UserPtr,
    len: UserPtr,
}

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
        let given = Given { value, len };
        match level {
            SOL_SOCKET => self.set_socket_option(&socket, name, given),
            IPPROTO_TCP => self.set_tcp_option(&socket, name, given),
            IPPROTO_IP | IPPROTO_IPV6 => self.set_ip_option(&socket, level, name, given),
            //= docs/spec/options.md#setoption-2
            //# A `level` that the provider does not have MUST fail with WSAEINVAL.
            _ => Err(WsaError::WSAEINVAL),
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
        let room = Room { value, len };
        match level {
            SOL_SOCKET => self.socket_option(&socket, name, room),
            IPPROTO_TCP => self.tcp_option(&socket, name, room),
            IPPROTO_IP | IPPROTO_IPV6 => self.ip_option(&socket, level, name, room),
            //= docs/spec/options.md#getoption-8
            //# A `level` that the provider does not have MUST fail with WSAEINVAL.
            _ => Err(WsaError::WSAEINVAL),
        }
    }

    /// Tells the transport what it has to know of the options: of a new connection, or changed.
    pub(super) fn tell_options(&self, state: &SocketState<H>) {
        if !state.transport_closed {
            let transport = self.host.transport();
            let options = &state.options;
            for option in [
                TransportOption::KeepAlive(options.keep_alive),
                TransportOption::ReceiveBuffer(options.receive_buffer),
                TransportOption::UrgentInline(options.urgent_inline),
                TransportOption::NoDelay(options.no_delay),
                TransportOption::AddressUse(options.address_use),
            ] {
                transport.set_option(state.transport, option);
            }
        }
    }

    /// Tells the transport of one option that was set.
    fn tell_option(&self, state: &SocketState<H>, option: TransportOption) {
        if !state.transport_closed {
            self.host.transport().set_option(state.transport, option);
        }
    }

    /// The value of an option of four bytes.
    ///
    /// # Errors
    /// WSAEFAULT when it is shorter, or not readable.
    fn take_word(&self, given: Given) -> Result<u32, WsaError> {
        //= docs/spec/options.md#setoption-4
        //# An `optlen` that is too small, or an `optval` that is not readable memory, MUST fail
        //# with WSAEFAULT.
        if given.len < 4 { Err(WsaError::WSAEFAULT) } else { self.take_u32(given.value) }
    }

    /// Whether there is room for a value of `size` bytes and for its size.
    ///
    /// # Errors
    /// WSAEFAULT.
    fn check_value_room(&self, room: Room, size: usize) -> Result<(), WsaError> {
        //= docs/spec/options.md#getoption-10
        //# An `optlen` that is too small, or a pointer that is not memory of the caller's, MUST
        //# fail with WSAEFAULT, and not clear SO_ERROR.
        self.check_room(room.value, room.len, size)
    }

    /// Stores the value of an option of four bytes, and its size.
    fn give_word(&self, room: Room, word: u32) -> Result<(), WsaError> {
        self.put_u32(room.value, word)?;
        //= docs/spec/options.md#getoption-2
        //# The value's size MUST be stored in `optlen`.
        self.put_u32(room.len, 4)
    }
}

//! The multicast options of the levels IPPROTO_IP and IPPROTO_IPV6, which have the same numbers, and
//! what SIO_MULTIPOINT_LOOPBACK and SIO_MULTICAST_SCOPE set.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::layout::{ip_mreq, ipv6_mreq};
use crate::socket::{Opened, SocketState};
use crate::spi::{
    IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_MULTICAST_IF, IP_MULTICAST_LOOP, IP_MULTICAST_TTL,
    IPPROTO_IPV6,
};
use crate::{
    Family, Group, GroupInterface, Host, Kind, Memory, Transport, TransportOption, WsaError,
};

use super::super::Provider;
use super::{Given, Room};

impl<H: Host> Provider<H> {
    pub(super) fn set_ip_option(
        &self,
        socket: &Opened<H>,
        level: i32,
        name: i32,
        given: Given,
    ) -> Result<(), WsaError> {
        check_level(socket, level)?;
        if let IP_ADD_MEMBERSHIP | IP_DROP_MEMBERSHIP = name {
            let group = self.take_group(socket.family, given)?;
            let state = self.lock_open(socket)?;
            let transport = self.host.transport();
            //= docs/spec/options.md#setoption-20
            //# IP_ADD_MEMBERSHIP, or IPV6_ADD_MEMBERSHIP on a socket of AF_INET6, MUST let the socket
            //# hear what is sent to the group and to its port, until IP_DROP_MEMBERSHIP,
            //# IPV6_DROP_MEMBERSHIP or WSPCloseSocket.
            //= docs/spec/options.md#setoption-21
            //# Joining a group twice, or on an interface that there is not, MUST fail with
            //# WSAEADDRNOTAVAIL; an address that is no group's, and leaving a group that was not joined,
            //# with WSAEINVAL.
            return match name {
                IP_ADD_MEMBERSHIP => transport.join(state.transport, group),
                _ => transport.leave(state.transport, group),
            };
        }
        let word = self.take_word(given)?;
        let mut state = self.lock_open(socket)?;
        match name {
            IP_MULTICAST_IF => {
                let named = match socket.family {
                    // An address or an index, in network byte order.
                    Family::V4 => interface_v4(word.to_le_bytes()),
                    Family::V6 => interface_v6(word),
                };
                //= docs/spec/options.md#setoption-24
                //# IP_MULTICAST_IF or IPV6_MULTICAST_IF MUST choose the interface that what the socket
                //# sends to groups leaves by: 0 for the default, an index, or for IPv4 an address;
                //# another MUST fail with WSAEADDRNOTAVAIL.
                let index =
                    self.host.transport().set_multicast_interface(state.transport, named)?;
                state.options.multicast_interface = if named.is_some() { index } else { 0 };
                Ok(())
            }
            IP_MULTICAST_TTL => self.set_multicast_ttl(&mut state, word),
            IP_MULTICAST_LOOP => {
                self.set_multicast_loop(&mut state, word);
                Ok(())
            }
            _ => Err(WsaError::WSAENOPROTOOPT),
        }
    }

    pub(super) fn ip_option(
        &self,
        socket: &Opened<H>,
        level: i32,
        name: i32,
        room: Room,
    ) -> Result<(), WsaError> {
        check_level(socket, level)?;
        self.check_value_room(room, 4)?;
        let options = self.lock_open(socket)?.options;
        let word = match name {
            IP_MULTICAST_IF => options.multicast_interface,
            IP_MULTICAST_TTL => u32::from(options.multicast_ttl),
            IP_MULTICAST_LOOP => u32::from(options.multicast_loop),
            _ => return Err(WsaError::WSAENOPROTOOPT),
        };
        self.give_word(room, word)
    }

    pub(in crate::provider) fn set_multicast_loop(&self, state: &mut SocketState<H>, word: u32) {
        //= docs/spec/options.md#setoption-23
        //# IP_MULTICAST_LOOP or IPV6_MULTICAST_LOOP of 0 MUST keep what its own machine sends from the
        //# socket, and MUST NOT keep what the socket sends from others.
        state.options.multicast_loop = word != 0;
        self.tell_option(state, TransportOption::MulticastLoop(word != 0));
    }

    /// # Errors
    /// WSAEINVAL beyond what a packet's header can say.
    pub(in crate::provider) fn set_multicast_ttl(
        &self,
        state: &mut SocketState<H>,
        word: u32,
    ) -> Result<(), WsaError> {
        //= docs/spec/options.md#setoption-22
        //# IP_MULTICAST_TTL or IPV6_MULTICAST_HOPS of 0 MUST keep what the socket sends to groups on
        //# its machine; a value above 255 MUST fail with WSAEINVAL.
        let ttl = u8::try_from(word).map_err(|_| WsaError::WSAEINVAL)?;
        state.options.multicast_ttl = ttl;
        self.tell_option(state, TransportOption::MulticastTtl(ttl));
        Ok(())
    }

    /// The group that an `ip_mreq` or an `ipv6_mreq` names.
    ///
    /// # Errors
    /// WSAEFAULT when it is too small or not readable.
    fn take_group(&self, family: Family, given: Given) -> Result<Group, WsaError> {
        let size = match family {
            Family::V4 => ip_mreq::SIZE,
            Family::V6 => ipv6_mreq::SIZE,
        };
        if usize::try_from(given.len).unwrap_or(0) < size {
            return Err(WsaError::WSAEFAULT);
        }
        let mut bytes = [0; ipv6_mreq::SIZE];
        let read = self.host.memory().read(given.value, &mut bytes[..size]);
        read.map_err(|_| WsaError::WSAEFAULT)?;
        Ok(match family {
            Family::V4 => Group {
                address: Ipv4Addr::from(part(&bytes, 0)).into(),
                interface: interface_v4(part(&bytes, ip_mreq::INTERFACE)),
            },
            Family::V6 => Group {
                address: Ipv6Addr::from(part::<16>(&bytes, 0)).into(),
                interface: interface_v6(u32::from_le_bytes(part(&bytes, ipv6_mreq::INTERFACE))),
            },
        })
    }
}

/// The options are a datagram socket's, of the family that the level is of.
fn check_level<H: Host>(socket: &Opened<H>, level: i32) -> Result<(), WsaError> {
    //= docs/spec/options.md#setoption-25
    //# Options of IPPROTO_IP and IPPROTO_IPV6 on a stream, or on a socket of the other family, MUST
    //# fail with WSAENOPROTOOPT.
    let is_v6 = level == IPPROTO_IPV6;
    if socket.kind == Kind::Datagram && is_v6 == (socket.family == Family::V6) {
        Ok(())
    } else {
        Err(WsaError::WSAENOPROTOOPT)
    }
}

/// How IPv4 names an interface: by one of its addresses or, from 0.0.0.1 to 0.255.255.255, by its
/// index.
fn interface_v4(bytes: [u8; 4]) -> Option<GroupInterface> {
    match (bytes, u32::from_be_bytes(bytes)) {
        (_, 0) => None,
        ([0, ..], index) => Some(GroupInterface::Index(index)),
        _ => Some(GroupInterface::Address(IpAddr::V4(Ipv4Addr::from(bytes)))),
    }
}

fn interface_v6(index: u32) -> Option<GroupInterface> {
    (index != 0).then_some(GroupInterface::Index(index))
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[at..at + N]);
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_begins_with_0_is_an_index() {
        assert_eq!(interface_v4([0; 4]), None);
        assert_eq!(interface_v4([0, 0, 1, 2]), Some(GroupInterface::Index(258)));
        let address = Some(GroupInterface::Address("10.0.0.1".parse().unwrap()));
        assert_eq!(interface_v4([10, 0, 0, 1]), address);
    }
}

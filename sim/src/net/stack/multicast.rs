//! Multicast groups: who joined which, and who on this machine hears what is for one.
//!
//! A machine has one interface for groups; its loopback addresses carry none. Whether a socket hears
//! what its own machine sends to a group is the receiving socket's choice, as Winsock has it, for
//! IPv4 and IPv6 alike.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use provider_core::{Family, Group, GroupInterface, Kind, WsaError};

use super::slots::Detail;
use super::{Stack, StackSocket};

/// The index of a machine's one interface.
pub const INTERFACE: u32 = 1;

/// What a datagram socket has to do with groups.
#[derive(Debug)]
pub(super) struct Multicast {
    joined: Vec<IpAddr>,
    /// The hop limit of what it sends to groups; with 0 that stays on the machine.
    pub(super) ttl: u8,
    /// Whether it hears what this machine sends to a group that it joined.
    pub(super) hears_own: bool,
}

impl Default for Multicast {
    fn default() -> Self {
        Self { joined: Vec::new(), ttl: 1, hears_own: true }
    }
}

/// How many sockets of the machine joined each group.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeMap<IpAddr, usize>);

impl Groups {
    /// Whether anybody here joined.
    pub(super) fn has(&self, group: IpAddr) -> bool {
        self.0.contains_key(&group)
    }

    fn left(&mut self, group: IpAddr) {
        if let Some(members) = self.0.get_mut(&group) {
            *members -= 1;
            if *members == 0 {
                self.0.remove(&group);
            }
        }
    }

    /// A socket is gone.
    pub(super) fn left_all(&mut self, socket: &Multicast) {
        socket.joined.iter().for_each(|group| self.left(*group));
    }
}

impl Stack {
    /// Joins a group with a datagram socket, bound or not: it then hears what is sent to the group
    /// and to its port, by any machine.
    ///
    /// # Errors
    /// WSAEADDRNOTAVAIL for a group that it joined before or an interface that is not the machine's,
    /// WSAEINVAL for what is no group, WSAEAFNOSUPPORT, WSAEOPNOTSUPP on a stream, WSAENOTSOCK, the
    /// socket's fate.
    pub fn join(&mut self, socket: StackSocket, group: Group) -> Result<(), WsaError> {
        let state = self.group_of(socket, group)?;
        if state.joined.contains(&group.address) {
            return Err(WsaError::WSAEADDRNOTAVAIL);
        }
        state.joined.push(group.address);
        *self.groups.0.entry(group.address).or_default() += 1;
        Ok(())
    }

    /// Leaves a group. What has arrived for the socket before stays.
    ///
    /// # Errors
    /// WSAEINVAL for a group that it is not in; else as [`Self::join`].
    pub fn leave(&mut self, socket: StackSocket, group: Group) -> Result<(), WsaError> {
        let state = self.group_of(socket, group)?;
        let at = state.joined.iter().position(|joined| *joined == group.address);
        state.joined.swap_remove(at.ok_or(WsaError::WSAEINVAL)?);
        self.groups.left(group.address);
        Ok(())
    }

    /// The index of the interface that a multicast option names; `None` is the machine's choice.
    ///
    /// # Errors
    /// WSAEADDRNOTAVAIL for one that it has not.
    pub fn multicast_interface(&self, named: Option<GroupInterface>) -> Result<u32, WsaError> {
        let known = match named {
            None => true,
            Some(GroupInterface::Index(index)) => index == INTERFACE,
            Some(GroupInterface::Address(address)) => {
                !address.is_loopback() && self.wire.routes.is_own(address)
            }
        };
        if known { Ok(INTERFACE) } else { Err(WsaError::WSAEADDRNOTAVAIL) }
    }

    /// The groups of a socket that `group` may be one of.
    fn group_of(&mut self, socket: StackSocket, group: Group) -> Result<&mut Multicast, WsaError> {
        let interface = self.multicast_interface(group.interface);
        let holder = self.slots.get_mut(socket)?;
        if let Some(fate) = holder.fate {
            return Err(fate);
        }
        let Detail::Datagram(state) = &mut holder.detail else {
            return Err(WsaError::WSAEOPNOTSUPP);
        };
        if group.address.is_ipv4() != (holder.family == Family::V4) {
            return Err(WsaError::WSAEAFNOSUPPORT);
        }
        if !group.address.is_multicast() {
            return Err(WsaError::WSAEINVAL);
        }
        interface?;
        Ok(&mut state.multicast)
    }

    // Everyone on the port who joined gets a copy.
    pub(super) fn deliver_to_group(
        &mut self,
        group: IpAddr,
        port: u16,
        from: SocketAddr,
        payload: &[u8],
    ) {
        let own = self.wire.routes.is_own(from.ip());
        let everyone: Vec<StackSocket> = self.ports.all(Kind::Datagram, group, port).collect();
        for socket in everyone {
            let Ok(holder) = self.slots.get(socket) else { continue };
            let Detail::Datagram(state) = &holder.detail else { continue };
            let reachable = holder.bound.is_some_and(|(address, _)| !address.is_loopback());
            let hears = reachable
                && state.multicast.joined.contains(&group)
                && (state.multicast.hears_own || !own);
            if hears {
                self.deliver_datagram(socket, from, payload);
            }
        }
    }
}

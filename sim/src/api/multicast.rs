//! Multicast groups as programs use them: the options, and WSAJoinLeaf.

use core::net::{IpAddr, SocketAddr};

use provider_core::spi::{
    IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_MULTICAST_LOOP, IP_MULTICAST_TTL, IPPROTO_IP,
    IPPROTO_IPV6,
};
use provider_core::{ConnectArgs, ServiceProvider, SocketHandle, WsaError};

use super::Os;
use super::args::Args;

impl Os {
    /// setsockopt(IP_ADD_MEMBERSHIP) or setsockopt(IPV6_ADD_MEMBERSHIP), by the family of `group`, on
    /// the default interface.
    ///
    /// # Errors
    /// As WSPSetSockOpt.
    pub fn join_group(&self, s: SocketHandle, group: IpAddr) -> Result<(), WsaError> {
        self.set_ip_option(s, group, IP_ADD_MEMBERSHIP, &membership(group))
    }

    /// setsockopt(IP_DROP_MEMBERSHIP) or setsockopt(IPV6_DROP_MEMBERSHIP).
    ///
    /// # Errors
    /// As WSPSetSockOpt.
    pub fn leave_group(&self, s: SocketHandle, group: IpAddr) -> Result<(), WsaError> {
        self.set_ip_option(s, group, IP_DROP_MEMBERSHIP, &membership(group))
    }

    /// setsockopt(IP_MULTICAST_LOOP) or setsockopt(IPV6_MULTICAST_LOOP), by the family of `any`: an
    /// address of the socket's family.
    ///
    /// # Errors
    /// As WSPSetSockOpt.
    pub fn set_multicast_loop(
        &self,
        s: SocketHandle,
        any: IpAddr,
        on: bool,
    ) -> Result<(), WsaError> {
        self.set_ip_option(s, any, IP_MULTICAST_LOOP, &u32::from(on).to_le_bytes())
    }

    /// setsockopt(IP_MULTICAST_TTL) or setsockopt(IPV6_MULTICAST_HOPS).
    ///
    /// # Errors
    /// As WSPSetSockOpt.
    pub fn set_multicast_ttl(&self, s: SocketHandle, any: IpAddr, ttl: u8) -> Result<(), WsaError> {
        self.set_ip_option(s, any, IP_MULTICAST_TTL, &u32::from(ttl).to_le_bytes())
    }

    fn set_ip_option(
        &self,
        s: SocketHandle,
        any: IpAddr,
        name: i32,
        value: &[u8],
    ) -> Result<(), WsaError> {
        let level = if any.is_ipv4() { IPPROTO_IP } else { IPPROTO_IPV6 };
        let mut args = Args::new(self)?;
        let staged = args.staged(value);
        let (len, errno) = (staged.len as i32, args.errno());
        args.done(args.spi.wsp_set_sock_opt(s, level, name, staged.buf, len, errno))
    }

    /// WSAJoinLeaf. `flags` is JL_SENDER_ONLY, JL_RECEIVER_ONLY or JL_BOTH. Gives the socket itself.
    ///
    /// # Errors
    /// As WSPJoinLeaf.
    pub fn wsa_join_leaf(
        &self,
        s: SocketHandle,
        group: SocketAddr,
        flags: u32,
    ) -> Result<SocketHandle, WsaError> {
        let args = Args::new(self)?;
        let (name, len) = args.address(group);
        let none = ConnectArgs::NONE;
        let socket = args.spi.wsp_join_leaf(s, name, len, none, flags, args.errno());
        args.socket(socket)
    }
}

/// An `ip_mreq` or `ipv6_mreq` for the default interface.
fn membership(group: IpAddr) -> Vec<u8> {
    match group {
        IpAddr::V4(v4) => [v4.octets(), [0; 4]].concat(),
        IpAddr::V6(v6) => [&v6.octets()[..], &[0; 4]].concat(),
    }
}

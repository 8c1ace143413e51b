//! Which address is whose: the machine's own, on the link, a broadcast, a group, or nowhere.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The IPv4 subnet of every simulated machine, address and prefix length. There is one link and no
/// router: what lies outside has no route.
pub const SUBNET_V4: (Ipv4Addr, u8) = (Ipv4Addr::new(10, 0, 0, 0), 16);

/// The IPv6 subnet of every simulated machine, address and prefix length.
pub const SUBNET_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0), 64);

/// Where a destination is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// One of the machine's own addresses.
    Own,
    /// On the link.
    Link,
    /// Every machine on the link, this one too.
    Broadcast,
    /// Every machine on the link that joined the group, this one too.
    Group,
    /// Nowhere.
    None,
}

/// The machine's own addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Routes {
    pub(super) v4: Ipv4Addr,
    pub(super) v6: Ipv6Addr,
}

impl Routes {
    pub(super) fn of(&self, destination: IpAddr) -> Route {
        match destination {
            _ if self.is_own(destination) => Route::Own,
            _ if destination.is_multicast() => Route::Group,
            _ if is_for_all(destination) => Route::Broadcast,
            IpAddr::V4(v4) if in_subnet_v4(v4) && v4 != SUBNET_V4.0 => Route::Link,
            IpAddr::V6(v6) if in_subnet_v6(v6) && v6 != SUBNET_V6.0 => Route::Link,
            _ => Route::None,
        }
    }

    pub(super) fn is_own(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => v4 == self.v4 || v4 == Ipv4Addr::LOCALHOST,
            IpAddr::V6(v6) => v6 == self.v6 || v6 == Ipv6Addr::LOCALHOST,
        }
    }

    /// The address that packets to `destination` come from when the sender did not choose one.
    pub(super) fn source_for(&self, destination: IpAddr) -> IpAddr {
        match destination {
            _ if destination.is_loopback() => destination,
            IpAddr::V4(_) => IpAddr::V4(self.v4),
            IpAddr::V6(_) => IpAddr::V6(self.v6),
        }
    }
}

/// Whether a packet for `destination` goes to every machine on the link: a broadcast, or for a
/// group, of which each machine knows whether it wants it.
#[must_use]
pub fn is_for_all(destination: IpAddr) -> bool {
    match destination {
        IpAddr::V4(v4) if v4.is_broadcast() || v4 == subnet_broadcast() => true,
        _ => destination.is_multicast(),
    }
}

/// Whether a packet may come from `source`: one machine's address, not a group's.
pub(super) fn is_unicast(source: IpAddr) -> bool {
    !source.is_unspecified() && !is_for_all(source)
}

fn subnet_broadcast() -> Ipv4Addr {
    Ipv4Addr::from(u32::from(SUBNET_V4.0) | (u32::MAX >> SUBNET_V4.1))
}

fn in_subnet_v4(address: Ipv4Addr) -> bool {
    (u32::from(address) ^ u32::from(SUBNET_V4.0)) >> (32 - SUBNET_V4.1) == 0
}

fn in_subnet_v6(address: Ipv6Addr) -> bool {
    (u128::from(address) ^ u128::from(SUBNET_V6.0)) >> (128 - SUBNET_V6.1) == 0
}

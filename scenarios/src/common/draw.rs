//! Small draws from the program's own stream of the seed.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::ops::RangeInclusive;

use provider_core::spi::{AF_INET, AF_INET6};
use wspsim::api::Os;

/// Which IP a socket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ip {
    V4,
    V6,
}

impl Ip {
    pub(crate) const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// One of the two.
    pub(crate) fn draw(os: &Os) -> Self {
        pick(os, &Self::BOTH)
    }

    /// The one of an address.
    pub(crate) const fn of(address: &SocketAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// AF_INET or AF_INET6.
    pub(crate) const fn af(self) -> i32 {
        match self {
            Self::V4 => AF_INET,
            Self::V6 => AF_INET6,
        }
    }
}

/// A number of the range.
pub(crate) fn between(os: &Os, range: RangeInclusive<u32>) -> u32 {
    let width = range.end() - range.start() + 1;
    range.start() + if width > 1 { os.random_below(width) } else { 0 }
}

/// One of `from`.
pub(crate) fn pick<T: Copy>(os: &Os, from: &[T]) -> T {
    from[between(os, 0..=from.len() as u32 - 1) as usize]
}

/// True in `percent` of a hundred.
pub(crate) fn chance(os: &Os, percent: u32) -> bool {
    os.random_below(100) < percent
}

/// The address of a machine.
pub(crate) fn address(os: &Os, machine: &str, ip: Ip, port: u16) -> SocketAddr {
    let ip = match ip {
        Ip::V4 => os.address_of(machine),
        Ip::V6 => os.address_of_v6(machine),
    };
    SocketAddr::new(ip, port)
}

/// ADDR_ANY.
pub(crate) fn any(ip: Ip, port: u16) -> SocketAddr {
    let ip = match ip {
        Ip::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Ip::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    SocketAddr::new(ip, port)
}

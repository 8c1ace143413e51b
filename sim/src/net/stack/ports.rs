//! Who is bound where: one owner for each protocol, family, address and port.
//!
//! As on Windows without socket options, a wildcard address and a specific one may share a port;
//! the specific one then gets what is sent to it.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::collections::BTreeMap;

use provider_core::{Kind, WsaError};

use super::StackSocket;

/// The first ephemeral port; they go up to 65535.
pub const EPHEMERAL_FIRST: u16 = 49152;
const EPHEMERAL_COUNT: u16 = u16::MAX - EPHEMERAL_FIRST + 1;

// Addresses compare as plain numbers, which is faster than as `IpAddr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    group: u8,
    port: u16,
    address: u128,
}

impl Key {
    fn new(kind: Kind, address: IpAddr, port: u16) -> Self {
        let (family, address) = match address {
            IpAddr::V4(v4) => (0, u128::from(u32::from(v4))),
            IpAddr::V6(v6) => (2, u128::from(v6)),
        };
        let group = family + u8::from(kind == Kind::Datagram);
        Self { group, port, address }
    }
}

/// The table of bound addresses.
#[derive(Debug)]
pub(super) struct Ports {
    bound: BTreeMap<Key, StackSocket>,
    /// Where the search for a free port starts, for each group.
    next: [u16; 4],
}

impl Ports {
    /// A table whose ephemeral ports start where `seed` says.
    pub(super) fn new(seed: u64) -> Self {
        let start = |shift: u32| (seed >> shift) as u16 % EPHEMERAL_COUNT;
        Self { bound: BTreeMap::new(), next: [start(0), start(16), start(32), start(48)] }
    }

    /// Binds `socket` and gives the port.
    ///
    /// # Errors
    /// WSAEADDRINUSE; for port 0 WSAENOBUFS when none is free.
    pub(super) fn bind(
        &mut self,
        kind: Kind,
        address: IpAddr,
        port: u16,
        socket: StackSocket,
    ) -> Result<u16, WsaError> {
        let mut key = Key::new(kind, address, port);
        if port == 0 {
            key.port = self.free_port(key).ok_or(WsaError::WSAENOBUFS)?;
        } else if self.bound.contains_key(&key) {
            return Err(WsaError::WSAEADDRINUSE);
        }
        self.bound.insert(key, socket);
        Ok(key.port)
    }

    pub(super) fn release(&mut self, kind: Kind, address: IpAddr, port: u16) {
        self.bound.remove(&Key::new(kind, address, port));
    }

    /// Whoever is bound to exactly this address and port.
    pub(super) fn specific(&self, kind: Kind, address: IpAddr, port: u16) -> Option<StackSocket> {
        self.bound.get(&Key::new(kind, address, port)).copied()
    }

    /// Whoever is bound to this port of any address of the family of `address`.
    pub(super) fn wildcard(&self, kind: Kind, address: IpAddr, port: u16) -> Option<StackSocket> {
        self.specific(kind, wildcard_like(address), port)
    }

    /// Everyone bound to `port` in the family of `address`.
    pub(super) fn all(
        &self,
        kind: Kind,
        address: IpAddr,
        port: u16,
    ) -> impl Iterator<Item = StackSocket> {
        self.range(Key::new(kind, address, port))
    }

    fn range(&self, key: Key) -> impl Iterator<Item = StackSocket> {
        let (first, last) = (Key { address: 0, ..key }, Key { address: u128::MAX, ..key });
        self.bound.range(first..=last).map(|(_, socket)| *socket)
    }

    // A port counts as free only when no address has it, so that a later bind of the same port to
    // another address never meets an ephemeral one.
    fn free_port(&mut self, key: Key) -> Option<u16> {
        let start = self.next[usize::from(key.group)];
        for step in 0..EPHEMERAL_COUNT {
            let place = (start + step) % EPHEMERAL_COUNT;
            let port = EPHEMERAL_FIRST + place;
            if self.range(Key { port, ..key }).next().is_none() {
                self.next[usize::from(key.group)] = (place + 1) % EPHEMERAL_COUNT;
                return Some(port);
            }
        }
        None
    }
}

/// The unspecified address of the family of `address`.
pub(super) const fn wildcard_like(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

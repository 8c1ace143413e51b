//! Who is bound where: an owner for each protocol, family, address and port, or several that agreed
//! to share.
//!
//! As on Windows, a wildcard address and a specific one may share a port, unless the wildcard's owner
//! has it exclusively; the specific one then gets what is sent to it. Of those that share an address
//! the one bound first does.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::collections::BTreeMap;

use provider_core::{AddressUse, Kind, WsaError};

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
    /// The order in which those that share an address came.
    turn: u64,
}

impl Key {
    fn new(kind: Kind, address: IpAddr, port: u16) -> Self {
        let (family, address) = match address {
            IpAddr::V4(v4) => (0, u128::from(u32::from(v4))),
            IpAddr::V6(v6) => (2, u128::from(v6)),
        };
        let group = family + u8::from(kind == Kind::Datagram);
        Self { group, port, address, turn: 0 }
    }
}

#[derive(Clone, Copy, Debug)]
struct Owner {
    socket: StackSocket,
    usage: AddressUse,
}

/// The table of bound addresses.
#[derive(Debug)]
pub(super) struct Ports {
    bound: BTreeMap<Key, Owner>,
    binds: u64,
    /// Where the search for a free port starts, for each group.
    next: [u16; 4],
}

impl Ports {
    /// A table whose ephemeral ports start where `seed` says.
    pub(super) fn new(seed: u64) -> Self {
        let start = |shift: u32| (seed >> shift) as u16 % EPHEMERAL_COUNT;
        Self { bound: BTreeMap::new(), binds: 0, next: [start(0), start(16), start(32), start(48)] }
    }

    /// Binds `socket` and gives the port.
    ///
    /// # Errors
    /// WSAEADDRINUSE; WSAEACCES where an exclusive use forbids it; for port 0 WSAENOBUFS when none is
    /// free.
    pub(super) fn bind(
        &mut self,
        kind: Kind,
        address: IpAddr,
        port: u16,
        usage: AddressUse,
        socket: StackSocket,
    ) -> Result<u16, WsaError> {
        let mut key = Key::new(kind, address, port);
        if port == 0 {
            key.port = self.free_port(key).ok_or(WsaError::WSAENOBUFS)?;
        } else {
            let wildcard = Key::new(kind, wildcard_like(address), port);
            self.check(key, wildcard, usage)?;
        }
        self.binds += 1;
        key.turn = self.binds;
        self.bound.insert(key, Owner { socket, usage });
        Ok(key.port)
    }

    /// Whether those that are bound let another one in at `key`.
    fn check(&self, key: Key, wildcard: Key, usage: AddressUse) -> Result<(), WsaError> {
        for (_, owner) in self.owners(key) {
            match (owner.usage, usage) {
                (AddressUse::Shared, AddressUse::Shared) => {}
                (AddressUse::Exclusive, AddressUse::Shared) => return Err(WsaError::WSAEACCES),
                _ => return Err(WsaError::WSAEADDRINUSE),
            }
        }
        let excluded = key != wildcard
            && self.owners(wildcard).any(|(_, owner)| owner.usage == AddressUse::Exclusive);
        if excluded { Err(WsaError::WSAEACCES) } else { Ok(()) }
    }

    pub(super) fn release(&mut self, kind: Kind, address: IpAddr, port: u16, socket: StackSocket) {
        let key = Key::new(kind, address, port);
        let held = self.owners(key).find(|(_, owner)| owner.socket == socket).map(|(key, _)| *key);
        if let Some(held) = held {
            self.bound.remove(&held);
        }
    }

    fn owners(&self, key: Key) -> impl Iterator<Item = (&Key, &Owner)> {
        self.bound.range(key..=Key { turn: u64::MAX, ..key })
    }

    /// Everyone bound to exactly this address and port, first come first.
    pub(super) fn sharers(
        &self,
        kind: Kind,
        address: IpAddr,
        port: u16,
    ) -> impl Iterator<Item = StackSocket> {
        self.owners(Key::new(kind, address, port)).map(|(_, owner)| owner.socket)
    }

    /// The first bound to exactly this address and port.
    pub(super) fn specific(&self, kind: Kind, address: IpAddr, port: u16) -> Option<StackSocket> {
        self.sharers(kind, address, port).next()
    }

    /// The first bound to this port of any address of the family of `address`.
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
        let first = Key { address: 0, turn: 0, ..key };
        let last = Key { address: u128::MAX, turn: u64::MAX, ..key };
        self.bound.range(first..=last).map(|(_, owner)| owner.socket)
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

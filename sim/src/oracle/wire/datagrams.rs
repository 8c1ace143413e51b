//! Datagrams on their way: one that arrives was sent, to this port, unaltered, and arrives no more
//! often than it was sent; what was for a group, only where the group was joined.

use core::net::IpAddr;

use super::super::hash::Map;
use super::super::transports::Tsock;
use crate::net::stack::is_for_all;

/// The content's hash, and the ports that it goes from and to.
pub(super) type Key = (u64, u16, u16);

/// One content that was sent to a group or broadcast.
#[derive(Default)]
struct Spread {
    /// Where to, and how often.
    sent: Vec<(IpAddr, u32)>,
    /// How often each socket received it.
    received: Map<Tsock, u32>,
}

/// What is on its way.
#[derive(Default)]
pub(super) struct Datagrams {
    /// To one socket each: how many.
    single: Map<Key, u32>,
    /// To all who want it.
    spread: Map<Key, Spread>,
    /// The groups that a socket ever joined: what it heard before it left may still wait in it.
    joined: Map<Tsock, Vec<IpAddr>>,
    /// A datagram may arrive more than once.
    duplicates: bool,
}

impl Datagrams {
    pub(super) fn allow_duplicates(&mut self) {
        self.duplicates = true;
    }

    pub(super) fn joined(&mut self, tsock: Tsock, group: IpAddr) {
        let groups = self.joined.entry(tsock).or_default();
        if !groups.contains(&group) {
            groups.push(group);
        }
    }

    pub(super) fn sent(&mut self, key: Key, to: IpAddr) {
        if !is_for_all(to) {
            let count = self.single.entry(key).or_default();
            *count = count.saturating_add(1);
            return;
        }
        let sent = &mut self.spread.entry(key).or_default().sent;
        match sent.iter_mut().find(|(place, _)| *place == to) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => sent.push((to, 1)),
        }
    }

    /// Whether a datagram that arrived at `tsock` may be one that was sent.
    pub(super) fn received(&mut self, tsock: Tsock, key: Key) -> bool {
        // What was for many is counted for each receiver, so it is asked first.
        if let Some(spread) = self.spread.get_mut(&key) {
            let groups = self.joined.get(&tsock).map_or(&[][..], Vec::as_slice);
            let hears = |to: IpAddr| !to.is_multicast() || groups.contains(&to);
            let due: u32 = spread.sent.iter().filter(|(to, _)| hears(*to)).map(|(_, n)| n).sum();
            let received = spread.received.entry(tsock).or_default();
            if *received < due || self.duplicates && due > 0 {
                *received = received.saturating_add(1);
                return true;
            }
        }
        match self.single.get_mut(&key) {
            Some(count) if *count > 0 => {
                if !self.duplicates {
                    *count -= 1;
                }
                true
            }
            _ => false,
        }
    }
}

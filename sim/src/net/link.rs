//! The link layer in front of the wire: what becomes of a packet between two machines.
//!
//! Each direction between two machines is a link of its own, with its own stream of delays. Faults
//! are chances at each packet, on the machine that sends it.

mod delay;

use crate::choice::{Purpose, Rate, Stream};
use crate::event::{At, MachineId, What};
use crate::fault::Fault;
use crate::world::{Outgoing, Shared};

/// Marks the place of a link's stream of losses, beside that of its delays.
const LOSS: u32 = 1 << 31;

/// All links of a world.
pub struct Links {
    machines: usize,
    links: Vec<Link>,
}

/// One direction between two machines.
#[derive(Clone, Copy, Default)]
struct Link {
    delays: Option<Stream>,
    losses: Option<Stream>,
    /// Until when packets before are being sent, while bandwidth is short.
    busy_until_ns: u64,
    /// When the latest packet is due that was not allowed to be overtaken.
    last_due_ns: u64,
}

impl Links {
    /// Links between `machines` machines.
    pub fn new(machines: usize) -> Self {
        Self { machines, links: vec![Link::default(); machines * machines] }
    }

    /// Lets a packet of `from` pass, or not: calls `emit` with the packet and its due time, never
    /// less than the smallest delay after it was sent, once for each copy that goes on the wire.
    pub fn carry(
        &mut self,
        shared: &Shared,
        from: MachineId,
        mut packet: Outgoing,
        mut emit: impl FnMut(u64, &mut Vec<u8>),
    ) {
        let to = packet.to;
        let at = At { time_ns: packet.sent_ns, machine: from, thread: None };
        let len = packet.bytes.len() as u32;
        let network = &shared.settings.network;
        let (row, column) = (usize::from(from.0), usize::from(to.0));
        if row.max(column) >= self.machines {
            return shared.recycle(packet.bytes);
        }
        let link = &mut self.links[row * self.machines + column];

        // Drawn first and always, so that no fault shifts the delays of later packets.
        let delay_ns = link.delay(shared, from, to);
        let lost = link.loses(shared, from, to, network.loss);
        let gone = shared.is_cut(from, to)
            || lost
            || (len > network.mtu_small && shared.strikes(Fault::Mtu, at, None))
            || shared.strikes(Fault::Drop, at, None);
        if gone {
            shared.record(at, What::PacketDropped { to, len });
            return shared.recycle(packet.bytes);
        }

        if shared.strikes(Fault::Corrupt, at, None) {
            flip_one_bit(shared, from, &mut packet.bytes);
        }
        let Some(due_ns) = link.due(shared, at, delay_ns, len) else {
            shared.record(at, What::PacketDropped { to, len });
            return shared.recycle(packet.bytes);
        };
        let copy_due_ns = shared.strikes(Fault::Duplicate, at, None).then(|| {
            let detail = shared.detail(Fault::Duplicate, from);
            due_ns + below_ns(shared, detail, network.max_delay_ns)
        });
        for due_ns in [Some(due_ns), copy_due_ns].into_iter().flatten() {
            shared.record(at, What::PacketSent { to, len, due_ns });
            emit(due_ns, &mut packet.bytes);
        }
        shared.recycle(packet.bytes);
    }
}

/// How long a packet waits at most for those before it where bandwidth is short: a queue has an end,
/// or what a fast sender has put into it would be under way long after the fault.
const QUEUE_NS: u64 = 2_000_000_000;

impl Link {
    fn delay(&mut self, shared: &Shared, from: MachineId, to: MachineId) -> u64 {
        let network = &shared.settings.network;
        if network.max_delay_ns <= network.min_delay_ns {
            return network.min_delay_ns;
        }
        let stream =
            *self.delays.get_or_insert_with(|| shared.stream(Purpose::Delay, place(from, to)));
        let word = shared.word(stream);
        delay::between(word, network.min_delay_ns, network.max_delay_ns, network.delay_step_ns)
    }

    fn loses(&mut self, shared: &Shared, from: MachineId, to: MachineId, loss: Rate) -> bool {
        if loss == Rate::NEVER {
            return false;
        }
        let stream = *self
            .losses
            .get_or_insert_with(|| shared.stream(Purpose::Delay, place(from, to) | LOSS));
        shared.chance(stream, loss)
    }

    /// When a packet that is sent now reaches the other end; never, when too much waits before it.
    fn due(&mut self, shared: &Shared, at: At, delay_ns: u64, len: u32) -> Option<u64> {
        let network = &shared.settings.network;
        let mut leaves_ns = at.time_ns;
        if shared.strikes(Fault::Bandwidth, at, None) {
            let busy_ns = u64::from(len) * 1_000_000_000 / network.bytes_per_second.max(1);
            let until_ns = self.busy_until_ns.max(at.time_ns) + busy_ns;
            if until_ns - at.time_ns > QUEUE_NS {
                return None;
            }
            self.busy_until_ns = until_ns;
            leaves_ns = until_ns;
        }
        let due_ns = leaves_ns + delay_ns;
        if shared.strikes(Fault::Delay, at, None) {
            let detail = shared.detail(Fault::Delay, at.machine);
            return Some(due_ns + below_ns(shared, detail, network.extra_delay_ns));
        }
        if shared.strikes(Fault::Reorder, at, None) {
            // Enough to be overtaken by several later ones, and far from a loss.
            let detail = shared.detail(Fault::Reorder, at.machine);
            let later_ns = network.min_delay_ns + below_ns(shared, detail, network.max_delay_ns);
            return Some(due_ns + later_ns);
        }
        if network.in_order {
            self.last_due_ns = self.last_due_ns.max(due_ns);
            return Some(self.last_due_ns);
        }
        Some(due_ns)
    }
}

const fn place(from: MachineId, to: MachineId) -> u32 {
    (from.0 as u32) << 16 & !LOSS | to.0 as u32
}

/// A drawn time in `0..bound_ns`, to a microsecond.
fn below_ns(shared: &Shared, stream: Stream, bound_ns: u64) -> u64 {
    let micros = u32::try_from(bound_ns / 1_000).unwrap_or(u32::MAX);
    u64::from(shared.below(stream, micros)) * 1_000
}

/// Checksums of 16 bits see every single flipped bit, but not all damage beyond that; so one. The
/// fragments of a datagram share one checksum, so of theirs only a bit that another one guards: that
/// of their IP header.
fn flip_one_bit(shared: &Shared, from: MachineId, bytes: &mut [u8]) {
    let detail = shared.detail(Fault::Corrupt, from);
    let mut bit = shared.below(detail, bytes.len() as u32 * 8) as usize;
    if is_fragment(bytes) {
        bit %= 20 * 8;
    }
    if let Some(byte) = bytes.get_mut(bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
}

/// Whether a packet is an IPv4 fragment: IPv6 is never fragmented here.
fn is_fragment(packet: &[u8]) -> bool {
    const MORE_OR_OFFSET: [u8; 2] = [0x3f, 0xff];
    packet.first().is_some_and(|first| first >> 4 == 4)
        && packet.get(6..8).is_some_and(|word| {
            word.iter().zip(MORE_OR_OFFSET).any(|(byte, mask)| byte & mask != 0)
        })
}

#[cfg(test)]
mod tests;

//! Putting IPv4 fragments together again.

use core::net::IpAddr;

use super::ip::{self, Envelope, Fragment, HOP_LIMIT, Header, V4_HEADER};

/// Packets under way at once; a new one pushes the oldest out.
const PACKETS: usize = 16;
/// How long a packet may lack pieces (as Windows: 60 s), in nanoseconds.
const PATIENCE: u64 = 60_000_000_000;
/// Pieces apart from each other that one packet may have; more are a broken sender.
const RANGES: usize = 256;
/// The largest IPv4 payload.
const LARGEST: usize = 65_535 - V4_HEADER;

#[derive(Debug)]
struct Partial {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    ident: u16,
    /// A header, then what arrived, each piece in its place.
    packet: Vec<u8>,
    /// What arrived of the payload: ranges in order, apart from each other.
    ranges: Vec<(usize, usize)>,
    /// Bytes of the whole payload, once the last piece came.
    total: Option<usize>,
    expires: u64,
}

/// The packets that lack pieces, oldest first.
#[derive(Debug, Default)]
pub(super) struct Reassembly(Vec<Partial>);

impl Reassembly {
    /// Takes one piece. Gives the whole packet when this was the last that lacked.
    pub(super) fn add(&mut self, now: u64, header: &Header, packet: &[u8]) -> Option<Vec<u8>> {
        let piece = header.fragment?;
        let payload = packet.get(header.header_len..header.total_len)?;
        let end = piece.offset + payload.len();
        // Every piece but the last is a multiple of 8 bytes, or the next could not name its place.
        if payload.is_empty() || end > LARGEST || (piece.more && payload.len() % 8 != 0) {
            return None;
        }
        self.0.retain(|partial| partial.expires > now);
        let index = self.find(now, header, piece);
        let partial = &mut self.0[index];
        if !partial.take(piece, payload, end) {
            self.0.remove(index);
            return None;
        }
        if partial.ranges.as_slice() != [(0, partial.total?)] {
            return None;
        }
        Some(self.0.remove(index).finish())
    }

    fn find(&mut self, now: u64, header: &Header, piece: Fragment) -> usize {
        let known = self.0.iter().position(|partial| {
            partial.ident == piece.ident
                && partial.source == header.source
                && partial.destination == header.destination
                && partial.protocol == header.protocol
        });
        known.unwrap_or_else(|| {
            if self.0.len() == PACKETS {
                self.0.remove(0);
            }
            self.0.push(Partial {
                source: header.source,
                destination: header.destination,
                protocol: header.protocol,
                ident: piece.ident,
                packet: vec![0; V4_HEADER],
                ranges: Vec::new(),
                total: None,
                expires: now.saturating_add(PATIENCE),
            });
            self.0.len() - 1
        })
    }
}

impl Partial {
    // False when the piece contradicts what came before: then nothing of the packet can be trusted.
    fn take(&mut self, piece: Fragment, payload: &[u8], end: usize) -> bool {
        if !piece.more && self.total.is_some_and(|total| total != end) {
            return false;
        }
        if !piece.more {
            self.total = Some(end);
        }
        let reached = self.ranges.last().map_or(0, |&(_, last)| last).max(end);
        if self.total.is_some_and(|total| reached > total) {
            return false;
        }
        if self.packet.len() < V4_HEADER + end {
            self.packet.resize(V4_HEADER + end, 0);
        }
        self.packet[V4_HEADER + piece.offset..V4_HEADER + end].copy_from_slice(payload);
        let (mut start, mut stop) = (piece.offset, end);
        self.ranges.retain(|&(from, to)| {
            let apart = to < start || from > stop;
            if !apart {
                start = start.min(from);
                stop = stop.max(to);
            }
            apart
        });
        let at = self.ranges.partition_point(|&(from, _)| from < start);
        self.ranges.insert(at, (start, stop));
        self.ranges.len() <= RANGES
    }

    fn finish(mut self) -> Vec<u8> {
        let length = self.packet.len() - V4_HEADER;
        if let (IpAddr::V4(source), IpAddr::V4(destination)) = (self.source, self.destination) {
            let mut header = Vec::with_capacity(V4_HEADER);
            let protocol = self.protocol;
            let envelope = Envelope { source, destination, protocol, hop_limit: HOP_LIMIT };
            ip::push_v4_header(&mut header, &envelope, length, None, self.ident);
            self.packet[..V4_HEADER].copy_from_slice(&header);
        }
        self.packet
    }
}

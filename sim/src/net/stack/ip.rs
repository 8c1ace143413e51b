//! IP packets as bytes: parsing, checksums, headers, fragments, and which destination is where.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bytes of an IPv4 header without options; nobody in a simulated network sends options.
pub(super) const V4_HEADER: usize = 20;
/// Bytes of the fixed IPv6 header.
pub(super) const V6_HEADER: usize = 40;
/// Bytes of a UDP header.
pub(super) const UDP_HEADER: usize = 8;

/// Protocol numbers.
pub(super) const ICMP_V4: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMP_V6: u8 = 58;

/// The hop limit of all packets but those to groups, which have their sender's.
pub(super) const HOP_LIMIT: u8 = 64;
const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;

/// What an IP header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    /// Bytes before the payload.
    pub(super) header_len: usize,
    /// Bytes of the whole packet; what follows in the buffer is not part of it.
    pub(super) total_len: usize,
    /// Set for a piece of a cut IPv4 packet.
    pub(super) fragment: Option<Fragment>,
}

/// Where a piece belongs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    pub(super) ident: u16,
    /// Bytes of the payload that come before it.
    pub(super) offset: usize,
    /// Whether pieces follow.
    pub(super) more: bool,
}

/// What an IP header is made from, besides lengths.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope<A> {
    pub(super) source: A,
    pub(super) destination: A,
    pub(super) protocol: u8,
    pub(super) hop_limit: u8,
}

/// Where an IP packet goes, for whoever carries it: one machine's address, or a broadcast or a group
/// to every other machine. `None` when it is no IP packet.
#[must_use]
pub fn destination(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 if packet.len() >= V4_HEADER => Some(IpAddr::V4(v4_at(packet, 16))),
        6 if packet.len() >= V6_HEADER => Some(IpAddr::V6(v6_at(packet, 24))),
        _ => None,
    }
}

/// The header of `packet`, or `None` when it is malformed or its header checksum is wrong.
pub(super) fn parse(packet: &[u8]) -> Option<Header> {
    match packet.first()? >> 4 {
        4 => parse_v4(packet),
        6 => parse_v6(packet),
        _ => None,
    }
}

fn parse_v4(packet: &[u8]) -> Option<Header> {
    let header_len = usize::from(packet[0] & 0x0f) * 4;
    if header_len < V4_HEADER || packet.len() < header_len {
        return None;
    }
    let total_len = usize::from(word(packet, 2));
    if total_len < header_len || total_len > packet.len() {
        return None;
    }
    if fold(sum(&packet[..header_len])) != 0xffff {
        return None;
    }
    let flags = word(packet, 6);
    let offset = usize::from(flags & 0x1fff) * 8;
    let more = flags & MORE_FRAGMENTS != 0;
    let fragment = (more || offset != 0).then(|| Fragment { ident: word(packet, 4), offset, more });
    Some(Header {
        source: IpAddr::V4(v4_at(packet, 12)),
        destination: IpAddr::V4(v4_at(packet, 16)),
        protocol: packet[9],
        header_len,
        total_len,
        fragment,
    })
}

// Extension headers are not followed: no machine here sends them, so the packet is dropped for its
// protocol number.
fn parse_v6(packet: &[u8]) -> Option<Header> {
    if packet.len() < V6_HEADER {
        return None;
    }
    let total_len = V6_HEADER + usize::from(word(packet, 4));
    if total_len > packet.len() {
        return None;
    }
    Some(Header {
        source: IpAddr::V6(v6_at(packet, 8)),
        destination: IpAddr::V6(v6_at(packet, 24)),
        protocol: packet[6],
        header_len: V6_HEADER,
        total_len,
        fragment: None,
    })
}

/// Appends an IPv4 header for `payload_len` bytes of payload.
pub(super) fn push_v4_header(
    into: &mut Vec<u8>,
    envelope: &Envelope<Ipv4Addr>,
    payload_len: usize,
    fragment: Option<Fragment>,
    ident: u16,
) {
    let total = (V4_HEADER + payload_len).min(0xffff) as u16;
    let flags = match fragment {
        None => DONT_FRAGMENT,
        Some(piece) => (piece.offset / 8) as u16 | if piece.more { MORE_FRAGMENTS } else { 0 },
    };
    let mut header = [0u8; V4_HEADER];
    header[0] = 0x45;
    header[2..4].copy_from_slice(&total.to_be_bytes());
    header[4..6].copy_from_slice(&ident.to_be_bytes());
    header[6..8].copy_from_slice(&flags.to_be_bytes());
    header[8] = envelope.hop_limit;
    header[9] = envelope.protocol;
    header[12..16].copy_from_slice(&envelope.source.octets());
    header[16..20].copy_from_slice(&envelope.destination.octets());
    let checksum = !fold(sum(&header));
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    into.extend_from_slice(&header);
}

/// Appends an IPv6 header for `payload_len` bytes of payload.
pub(super) fn push_v6_header(
    into: &mut Vec<u8>,
    envelope: &Envelope<Ipv6Addr>,
    payload_len: usize,
) {
    let mut header = [0u8; V6_HEADER];
    header[0] = 0x60;
    header[4..6].copy_from_slice(&(payload_len.min(0xffff) as u16).to_be_bytes());
    header[6] = envelope.protocol;
    header[7] = envelope.hop_limit;
    header[8..24].copy_from_slice(&envelope.source.octets());
    header[24..40].copy_from_slice(&envelope.destination.octets());
    into.extend_from_slice(&header);
}

/// The checksum field of a UDP, TCP or ICMPv6 message that is `head` followed by `body`, its
/// checksum field zero. `head` must have an even length.
pub(super) fn checksum(
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    head: &[u8],
    body: &[u8],
) -> u16 {
    let length = head.len() + body.len();
    !fold(pseudo(source, destination, protocol, length) + sum(head) + sum(body))
}

/// Whether `message`, checksum field included, sums up.
pub(super) fn verify(source: IpAddr, destination: IpAddr, protocol: u8, message: &[u8]) -> bool {
    fold(pseudo(source, destination, protocol, message.len()) + sum(message)) == 0xffff
}

fn pseudo(source: IpAddr, destination: IpAddr, protocol: u8, length: usize) -> u64 {
    let addresses = match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            u64::from(u32::from(source)) + u64::from(u32::from(destination))
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            sum(&source.octets()) + sum(&destination.octets())
        }
        _ => 0,
    };
    addresses + u64::from(protocol) + length as u64
}

/// The ones' complement sum of `bytes` as big-endian words, folded to 16 bits. Sums may be added.
pub(super) fn sum(bytes: &[u8]) -> u64 {
    // Four bytes at a time in the machine's own order: the sum does not care, and is swapped once.
    let mut total = 0u64;
    let mut chunks = bytes.chunks_exact(4);
    for chunk in &mut chunks {
        total += u64::from(u32::from_ne_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]));
    }
    let rest = chunks.remainder();
    let mut last = [0u8; 4];
    last[..rest.len()].copy_from_slice(rest);
    total += u64::from(u32::from_ne_bytes(last));
    u64::from(u16::from_be(fold(total)))
}

/// Folds a sum to 16 bits.
pub(super) const fn fold(mut total: u64) -> u16 {
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    total as u16
}

/// The big-endian word at `at`, zero when out of range.
pub(super) fn word(bytes: &[u8], at: usize) -> u16 {
    match bytes.get(at..at + 2) {
        Some(pair) => u16::from_be_bytes([pair[0], pair[1]]),
        None => 0,
    }
}

pub(super) fn v4_at(bytes: &[u8], at: usize) -> Ipv4Addr {
    let mut octets = [0u8; 4];
    octets.copy_from_slice(&bytes[at..at + 4]);
    Ipv4Addr::from(octets)
}

pub(super) fn v6_at(bytes: &[u8], at: usize) -> Ipv6Addr {
    let mut octets = [0u8; 16];
    octets.copy_from_slice(&bytes[at..at + 16]);
    Ipv6Addr::from(octets)
}

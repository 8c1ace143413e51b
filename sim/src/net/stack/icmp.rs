//! Port unreachable, sent and understood, for IPv4 and IPv6.
//!
//! Not smoltcp's: its ICMP sockets miss reports whose quoted datagram was cut.

use core::net::{IpAddr, SocketAddr};

use super::Stack;
use super::ip::{
    self, Envelope, HOP_LIMIT, Header, ICMP_V4, ICMP_V6, UDP, UDP_HEADER, V4_HEADER, V6_HEADER,
};

const HEADER: usize = 8;
/// The largest report, IP header included (RFC 1812, RFC 4443).
const LARGEST_V4: usize = 576;
const LARGEST_V6: usize = 1280;

const V4_UNREACHABLE: u8 = 3;
const V4_PORT: u8 = 3;
const V6_UNREACHABLE: u8 = 1;
const V6_PORT: u8 = 4;

impl Stack {
    /// Answers `packet`, a datagram for a port that nobody has. The caller knows that it was no
    /// broadcast and for no group, and came from one machine.
    pub(super) fn report_unreachable(&mut self, header: &Header, packet: &[u8]) {
        let (kind, code, protocol, room) = match header.source {
            IpAddr::V4(_) => (V4_UNREACHABLE, V4_PORT, ICMP_V4, LARGEST_V4 - V4_HEADER - HEADER),
            IpAddr::V6(_) => (V6_UNREACHABLE, V6_PORT, ICMP_V6, LARGEST_V6 - V6_HEADER - HEADER),
        };
        let quote = &packet[..header.total_len.min(room)];
        let mut head = [kind, code, 0, 0, 0, 0, 0, 0];
        let (source, destination) = (header.destination, header.source);
        let checksum = match source {
            IpAddr::V4(_) => !ip::fold(ip::sum(&head) + ip::sum(quote)),
            IpAddr::V6(_) => ip::checksum(source, destination, ICMP_V6, &head, quote),
        };
        head[2..4].copy_from_slice(&checksum.to_be_bytes());
        let envelope = Envelope { source, destination, protocol, hop_limit: HOP_LIMIT };
        self.wire.send(&envelope, &head, quote);
    }

    pub(super) fn receive_icmp(&mut self, header: &Header, packet: &[u8]) {
        let message = &packet[header.header_len..header.total_len];
        if message.len() < HEADER {
            return;
        }
        let intact = match header.source {
            IpAddr::V4(_) => ip::fold(ip::sum(message)) == 0xffff,
            IpAddr::V6(_) => ip::verify(header.source, header.destination, ICMP_V6, message),
        };
        let port_unreachable = match header.source {
            IpAddr::V4(_) => message[..2] == [V4_UNREACHABLE, V4_PORT],
            IpAddr::V6(_) => message[..2] == [V6_UNREACHABLE, V6_PORT],
        };
        if !intact || !port_unreachable {
            return;
        }
        if let Some(sender) = quoted_sender(header.source.is_ipv4(), &message[HEADER..]) {
            self.datagram_unreachable(sender);
        }
    }
}

// The quote may stop anywhere, so its own lengths and checksums say nothing about it.
fn quoted_sender(v4: bool, quote: &[u8]) -> Option<SocketAddr> {
    let version = quote.first()? >> 4;
    let (address, protocol, header_len) = if v4 {
        if version != 4 || quote.len() < V4_HEADER {
            return None;
        }
        (IpAddr::V4(ip::v4_at(quote, 12)), quote[9], usize::from(quote[0] & 0x0f) * 4)
    } else {
        if version != 6 || quote.len() < V6_HEADER {
            return None;
        }
        (IpAddr::V6(ip::v6_at(quote, 8)), quote[6], V6_HEADER)
    };
    let complete = header_len >= V4_HEADER && quote.len() >= header_len + UDP_HEADER;
    (protocol == UDP && complete).then(|| SocketAddr::new(address, ip::word(quote, header_len)))
}

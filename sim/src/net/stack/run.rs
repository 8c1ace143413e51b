//! Packets in, packets out, and when.

use core::net::IpAddr;

use super::Stack;
use super::ip::{self, Header};
use super::route::{self, Route};

/// Rounds of one poll. Only connections that loop back go beyond two; the next poll goes on.
const ROUNDS: usize = 10_000;

impl Stack {
    /// An IP packet arrived. What is malformed, damaged or not for this machine is dropped; a
    /// datagram for a port that nobody has is answered with port unreachable, a segment for no
    /// connection with RST.
    pub fn receive(&mut self, now_ns: u64, packet: &[u8]) {
        self.now = self.now.max(now_ns);
        if let Some(header) = ip::parse(packet)
            && !header.source.is_loopback()
            && !header.destination.is_loopback()
        {
            self.dispatch(&header, packet);
        }
    }

    fn dispatch(&mut self, header: &Header, packet: &[u8]) {
        let for_us = match self.wire.routes.of(header.destination) {
            Route::Own | Route::Broadcast => true,
            Route::Group => self.groups.has(header.destination),
            Route::Link | Route::None => false,
        };
        if !for_us || !route::is_unicast(header.source) {
            return;
        }
        if header.fragment.is_some() {
            if let Some(whole) = self.reassembly.add(self.now, header, packet) {
                if let Some(header) = ip::parse(&whole) {
                    self.deliver(&header, &whole);
                }
                self.wire.recycle(whole);
            }
            return;
        }
        self.deliver(header, packet);
    }

    fn deliver(&mut self, header: &Header, packet: &[u8]) {
        match (header.protocol, header.source) {
            (ip::UDP, _) => self.receive_udp(header, packet),
            (ip::TCP, _) => self.receive_segment(header, packet),
            (ip::ICMP_V4, IpAddr::V4(_)) | (ip::ICMP_V6, IpAddr::V6(_)) => {
                self.receive_icmp(header, packet);
            }
            _ => {}
        }
    }

    /// Runs the stack at `now_ns` and appends the IP packets that leave the machine to `out`, in
    /// order. Buffers given to [`Self::recycle`] are used again.
    pub fn poll(&mut self, now_ns: u64, out: &mut Vec<Vec<u8>>) {
        self.now = self.now.max(now_ns);
        for _ in 0..ROUNDS {
            while let Some(packet) = self.wire.looped.pop_front() {
                if let Some(header) = ip::parse(&packet) {
                    self.dispatch(&header, &packet);
                }
                self.wire.recycle(packet);
            }
            self.wake_connections();
            if self.dirty.is_empty() {
                break;
            }
            self.poll_connections();
        }
        out.append(&mut self.wire.outgoing);
        self.datagrams_sent();
    }

    /// When the stack next needs [`Self::poll`] with no call or packet before, in nanoseconds: now
    /// when something waits to be sent, `None` when only a call or a packet can change anything.
    pub fn poll_at(&mut self, now_ns: u64) -> Option<u64> {
        let busy = !self.dirty.is_empty()
            || !self.wire.looped.is_empty()
            || !self.wire.outgoing.is_empty();
        if busy {
            return Some(now_ns);
        }
        self.next_wake().map(|at| at.max(now_ns))
    }
}

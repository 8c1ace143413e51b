//! Packets on their way: the pool of buffers, what leaves, what loops back, and smoltcp's view of
//! it.

use core::net::IpAddr;
use std::collections::VecDeque;

use smoltcp::phy::{self, Checksum, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

use super::ip::{self, Envelope, Fragment, V4_HEADER, V6_HEADER};
use super::route::{Route, Routes};
use super::{segments, urgent};

/// Buffers kept for reuse; a burst beyond it allocates.
const POOL: usize = 1024;

/// Where a stack puts the packets that it makes.
pub(super) struct Wire {
    pub(super) routes: Routes,
    /// The largest IP packet of the link, in bytes.
    pub(super) mtu: usize,
    /// For the link, in order.
    pub(super) outgoing: Vec<Vec<u8>>,
    /// For this machine itself, in order.
    pub(super) looped: VecDeque<Vec<u8>>,
    /// What of the sequence space smoltcp's last packet took, if any: first and end.
    pub(super) asked: Option<(u32, u32)>,
    /// The sequence number behind the urgent byte of the connection that is polled.
    pub(super) urgent_end: Option<u32>,
    /// What smoltcp's last packet acknowledged.
    pub(super) acknowledged: Option<u32>,
    free: Vec<Vec<u8>>,
    ident: u16,
}

impl Wire {
    pub(super) const fn new(routes: Routes, mtu: usize, ident: u16) -> Self {
        Self {
            routes,
            mtu,
            outgoing: Vec::new(),
            looped: VecDeque::new(),
            asked: None,
            urgent_end: None,
            acknowledged: None,
            free: Vec::new(),
            ident,
        }
    }

    /// An empty buffer.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_default()
    }

    /// Gives a buffer back.
    pub(super) fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.free.len() < POOL && buffer.capacity() != 0 {
            buffer.clear();
            self.free.push(buffer);
        }
    }

    /// Sends one IP packet with the payload `head` then `body`, cut into IPv4 fragments where the
    /// link needs it. The caller has checked that an IPv6 one fits. `head` fits in any fragment.
    pub(super) fn send(&mut self, envelope: &Envelope<IpAddr>, head: &[u8], body: &[u8]) {
        let &Envelope { source, destination, protocol, hop_limit } = envelope;
        let length = head.len() + body.len();
        let route = self.routes.of(destination);
        let loops = matches!(route, Route::Own | Route::Broadcast | Route::Group);
        // What is for a group and may go nowhere is for this machine alone.
        let leaves = route != Route::Own && !(route == Route::Group && hop_limit == 0);
        match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let envelope = Envelope { source, destination, protocol, hop_limit };
                self.ident = self.ident.wrapping_add(1);
                let ident = self.ident;
                // Loopback has no MTU.
                if loops {
                    let mut packet = self.take();
                    ip::push_v4_header(&mut packet, &envelope, length, None, ident);
                    packet.extend_from_slice(head);
                    packet.extend_from_slice(body);
                    self.looped.push_back(packet);
                }
                if !leaves {
                    return;
                }
                let room = if V4_HEADER + length <= self.mtu {
                    length
                } else {
                    (self.mtu - V4_HEADER) & !7
                };
                let mut offset = 0;
                loop {
                    let end = (offset + room).min(length);
                    let fragment =
                        (room < length).then_some(Fragment { ident, offset, more: end < length });
                    let mut packet = self.take();
                    ip::push_v4_header(&mut packet, &envelope, end - offset, fragment, ident);
                    if offset == 0 {
                        packet.extend_from_slice(head);
                        packet.extend_from_slice(&body[..end - head.len()]);
                    } else {
                        packet.extend_from_slice(&body[offset - head.len()..end - head.len()]);
                    }
                    self.outgoing.push(packet);
                    offset = end;
                    if offset >= length {
                        return;
                    }
                }
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                if V6_HEADER + length > self.mtu && route != Route::Own {
                    return;
                }
                let envelope = Envelope { source, destination, protocol, hop_limit };
                let mut packet = self.take();
                ip::push_v6_header(&mut packet, &envelope, length);
                packet.extend_from_slice(head);
                packet.extend_from_slice(body);
                if loops && leaves {
                    let mut copy = self.take();
                    copy.extend_from_slice(&packet);
                    self.looped.push_back(copy);
                }
                if leaves {
                    self.outgoing.push(packet);
                } else {
                    self.looped.push_back(packet);
                }
            }
            _ => {}
        }
    }
}

/// The device that smoltcp sees during one call: at most one packet in, any number out.
pub(super) struct Port<'a> {
    pub(super) incoming: Option<&'a [u8]>,
    pub(super) wire: &'a mut Wire,
}

/// What such a device promises.
pub(super) fn capabilities(mtu: usize) -> DeviceCapabilities {
    let mut capabilities = DeviceCapabilities::default();
    capabilities.medium = Medium::Ip;
    capabilities.max_transmission_unit = mtu;
    // Incoming checksums are verified before a packet is given to any socket.
    capabilities.checksum.ipv4 = Checksum::Tx;
    capabilities.checksum.tcp = Checksum::Tx;
    capabilities
}

impl phy::Device for Port<'_> {
    type RxToken<'b>
        = Incoming<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = Outgoing<'b>
    where
        Self: 'b;

    fn receive(&mut self, _: Instant) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        let packet = self.incoming.take()?;
        Some((Incoming(packet), Outgoing(self.wire)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Outgoing<'_>> {
        Some(Outgoing(self.wire))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        capabilities(self.wire.mtu)
    }
}

/// One packet for smoltcp.
pub(super) struct Incoming<'a>(&'a [u8]);

impl phy::RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

/// Room for one packet of smoltcp's.
pub(super) struct Outgoing<'a>(&'a mut Wire);

impl phy::TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let mut packet = self.0.take();
        packet.resize(length, 0);
        let result = f(&mut packet);
        let header = ip::parse(&packet);
        let route = header.map_or(Route::None, |header| self.0.routes.of(header.destination));
        if let (Some(header), Some(end)) = (header, self.0.urgent_end) {
            urgent::point(&mut packet, &header, end);
        }
        let segment = header.map(|header| &packet[header.header_len..]);
        self.0.asked = segment.and_then(segments::sequence);
        self.0.acknowledged = segment.and_then(segments::acknowledged);
        match route {
            // smoltcp answers whoever wrote; a packet with a forged source gets no answer.
            Route::None | Route::Broadcast | Route::Group => self.0.recycle(packet),
            Route::Own => self.0.looped.push_back(packet),
            Route::Link => self.0.outgoing.push(packet),
        }
        result
    }
}

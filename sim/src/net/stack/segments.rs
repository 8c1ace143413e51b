//! Segments to and from connections, and what they did to them: established, ended, died, why.

use core::net::SocketAddr;

use provider_core::{Readiness, WsaError};
use smoltcp::iface::PollResult;
use smoltcp::socket::tcp::State;

use super::Stack;
use super::connection::{Connection, Owner, Pair};
use super::device::Port;
use super::ip::{self, Header, TCP};
use super::route::Route;
use super::slots::Detail;
use super::timers::instant;

const HEADER: usize = 20;
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// Packets that one connection sends in a row before others get their turn.
const BURST: usize = 256;

/// Whether `new` comes before `old`: sequence numbers wrap around.
const fn is_older(new: u32, old: u32) -> bool {
    new.wrapping_sub(old).cast_signed() < 0
}

/// The acknowledgment number of `segment`, if it has one.
pub(super) fn acknowledged(segment: &[u8]) -> Option<u32> {
    (segment.len() >= HEADER && segment[13] & ACK != 0).then(|| number(segment, 8))
}

/// What of the sequence space `segment` takes, first and end; `None` for one that the peer need not
/// acknowledge.
pub(super) fn sequence(segment: &[u8]) -> Option<(u32, u32)> {
    let offset = usize::from(*segment.get(12)? >> 4) * 4;
    let flags = *segment.get(13)?;
    let payload = segment.len().saturating_sub(offset) as u32;
    let length = payload + u32::from(flags & FIN != 0) + u32::from(flags & SYN != 0);
    let first = number(segment, 4);
    (length != 0 && flags & RST == 0).then(|| (first, first.wrapping_add(length)))
}

/// The sequence or acknowledgment number at `at`.
pub(super) fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from(ip::word(bytes, at)) << 16 | u32::from(ip::word(bytes, at + 2))
}

/// A copy of `packet`, whose segment begins at `start`, without its FIN. Checksums are verified
/// before, so nobody looks at them again.
fn data_alone(packet: &[u8], start: usize) -> Vec<u8> {
    let mut data = packet.to_vec();
    data[start + 13] &= !FIN;
    data
}

/// A copy of `packet`, whose segment begins at `start` and has its data at `data_at`, without that.
fn fin_alone(packet: &[u8], start: usize, data_at: usize) -> Vec<u8> {
    let mut fin = packet[..start + data_at].to_vec();
    let cut = packet.len() - fin.len();
    let after = number(packet, start + 4).wrapping_add(cut as u32);
    fin[start + 4..start + 8].copy_from_slice(&after.to_be_bytes());
    set_length(&mut fin, cut);
    fin
}

impl Connection {
    /// Keeps what the segment in `packet`, at `start`, acknowledges, unless it was overtaken: as an
    /// acknowledgment without data.
    fn remember(&mut self, packet: &[u8], start: usize) {
        let segment = &packet[start..];
        if segment[13] & (SYN | RST | ACK) != ACK {
            return;
        }
        let end = sequence(segment).map_or_else(|| number(segment, 4), |(_, end)| end);
        let (latest, latest_end) = &mut self.latest;
        if let Some(known) = latest.get(start..)
            && (is_older(end, *latest_end) || is_older(number(segment, 8), number(known, 8)))
        {
            return;
        }
        *latest_end = end;
        acknowledgment_at(latest, packet, start, end);
    }

    /// What the segment in `packet` acknowledges, as an acknowledgment that smoltcp takes, where it
    /// is news in a segment whose own numbers have all arrived before: smoltcp drops that. A peer
    /// that sends again begins with the first numbers it has no answer for, also in segments
    /// without data, so of two sides that do neither would ever hear the other.
    fn late_acknowledgment(&mut self, packet: &[u8], start: usize) -> Option<Vec<u8>> {
        let segment = &packet[start..];
        let expected = self.expected?;
        if segment[13] & (SYN | RST | ACK) != ACK {
            return None;
        }
        let first = number(segment, 4);
        let end = sequence(segment).map_or(first, |(_, end)| end);
        let is_over = is_older(first, expected) && !is_older(expected, end);
        let known = self.latest.0.get(start..)?;
        if !is_over || !is_older(number(known, 8), number(segment, 8)) {
            return None;
        }
        let mut forged = Vec::new();
        acknowledgment_at(&mut forged, packet, start, expected);
        // The newest word of the peer's, by whatever segment it came.
        for field in [start + 8..start + 12, start + 14..start + 16] {
            self.latest.0[field.clone()].copy_from_slice(&packet[field]);
        }
        Some(forged)
    }
}

/// Makes `into` the acknowledgment that the segment in `packet`, at `start`, has, without data and
/// with the sequence number `at`.
fn acknowledgment_at(into: &mut Vec<u8>, packet: &[u8], start: usize, at: u32) {
    let len = start + HEADER;
    into.clear();
    into.extend_from_slice(&packet[..len]);
    into[start + 4..start + 8].copy_from_slice(&at.to_be_bytes());
    into[start + 12] = (HEADER as u8 / 4) << 4;
    into[start + 13] = ACK;
    set_length(into, packet.len() - len);
}

/// Takes `cut` bytes off the length field of an IP header. Checksums are verified before.
fn set_length(packet: &mut [u8], cut: usize) {
    // That of IPv4 counts its header, that of IPv6 does not.
    let length_at = if packet[0] >> 4 == 4 { 2 } else { 4 };
    let length = ip::word(packet, length_at) - cut as u16;
    packet[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
}

impl Stack {
    /// Takes the segment in `packet`, whose IP header is `header`.
    pub(super) fn receive_segment(&mut self, header: &Header, packet: &[u8]) {
        let segment = &packet[header.header_len..header.total_len];
        let packet = &packet[..header.total_len];
        if segment.len() < HEADER
            || self.wire.routes.of(header.destination) != Route::Own
            || !ip::verify(header.source, header.destination, TCP, segment)
        {
            return;
        }
        let pair = Pair {
            local: SocketAddr::new(header.destination, ip::word(segment, 2)),
            remote: SocketAddr::new(header.source, ip::word(segment, 0)),
        };
        let flags = segment[13];
        let opens = flags & (SYN | ACK | RST) == SYN;
        if let Some(&index) = self.pairs.get(&pair) {
            match self.connection(index).map_or(State::Closed, Connection::state) {
                // The peer uses its port again: the old connection is over.
                State::TimeWait if opens => self.end_time_wait(index),
                State::Established
                | State::FinWait1
                | State::FinWait2
                | State::CloseWait
                | State::Closing
                | State::LastAck
                    if opens =>
                {
                    return self.challenge(index, header, packet);
                }
                _ => return self.feed(index, segment, packet),
            }
        }
        if opens && let Some(index) = self.admit(pair) {
            return self.feed(index, segment, packet);
        }
        let mut port = Port { incoming: Some(packet), wire: &mut self.wire };
        let now = instant(self.now);
        self.interface.poll_ingress_single(now, &mut port, &mut self.nobody);
    }

    fn feed(&mut self, index: usize, segment: &[u8], packet: &[u8]) {
        let now = self.now;
        let Some(Some(connection)) = self.connections.get_mut(index) else { return };
        connection.heard(now);
        let flags = segment[13];
        if flags & ACK != 0 {
            connection.last_ack = number(segment, 8);
            connection.urgent.acknowledged(connection.last_ack);
        }
        let opening = matches!(connection.state(), State::Listen | State::SynSent);
        let start = packet.len() - segment.len();
        let late = connection.late_acknowledgment(packet, start);
        connection.remember(packet, start);
        let data_at = usize::from(segment[12] >> 4) * 4;
        let set = &mut connection.set;
        if flags & (FIN | SYN | RST) == FIN && segment.len() > data_at {
            // smoltcp cuts off what exceeds its window and takes the FIN behind that all the same:
            // the stream would end early. Alone, a FIN counts only where everything before it was
            // taken.
            for piece in [data_alone(packet, start), fin_alone(packet, start, data_at)] {
                let mut port = Port { incoming: Some(&piece), wire: &mut self.wire };
                self.interface.poll_ingress_single(instant(now), &mut port, set);
            }
        } else {
            let mut port = Port { incoming: Some(packet), wire: &mut self.wire };
            self.interface.poll_ingress_single(instant(now), &mut port, set);
        }
        if let Some(late) = late {
            let mut port = Port { incoming: Some(&late), wire: &mut self.wire };
            self.interface.poll_ingress_single(instant(now), &mut port, set);
        }
        let begun = !matches!(connection.state(), State::Listen | State::SynSent | State::Closed);
        if opening && begun {
            connection.urgent.opened(number(segment, 4));
        }
        connection.hear_urgent(segment);
        self.mark(index);
        self.settle(index, flags & RST != 0);
    }

    /// Helps a connection that smoltcp let get stuck: when its timer for sending again meets a
    /// window of zero (be it a stale one, of an acknowledgment that was overtaken), or a probe of
    /// such a window ends while data is on its way, no timer is set again. The peer's latest
    /// acknowledgment, told again and again, makes it probe the window, or send the first segment
    /// once more.
    pub(super) fn unstick(&mut self, index: usize) {
        const DUPLICATES: u32 = 4;
        let now = self.now;
        let Some(Some(connection)) = self.connections.get_mut(index) else { return };
        for _ in 0..DUPLICATES {
            let mut port = Port { incoming: Some(&connection.latest.0), wire: &mut self.wire };
            self.interface.poll_ingress_single(instant(now), &mut port, &mut connection.set);
        }
    }

    // A peer that starts again forgot this connection and opens a new one from the same port. RFC
    // 5961 answers with what this side expects; the peer then resets the old one, and its next SYN
    // finds nobody. smoltcp ignores such a SYN, and the peer would time out. So it is shown a
    // segment that acknowledges the future instead, to which it gives the same answer.
    fn challenge(&mut self, index: usize, header: &Header, packet: &[u8]) {
        let now = self.now;
        let mut forged = self.wire.take();
        forged.extend_from_slice(packet);
        let Some(Some(connection)) = self.connections.get_mut(index) else { return };
        let future = connection.last_ack.wrapping_add(1 << 30);
        if let Some(segment) = forged.get_mut(header.header_len..) {
            segment[8..12].copy_from_slice(&future.to_be_bytes());
            segment[13] = ACK;
        }
        let mut port = Port { incoming: Some(&forged), wire: &mut self.wire };
        self.interface.poll_ingress_single(instant(now), &mut port, &mut connection.set);
        self.wire.recycle(forged);
        self.mark(index);
        self.settle(index, false);
    }

    /// Runs the connections that have something to do.
    pub(super) fn poll_connections(&mut self) {
        let mut dirty = core::mem::take(&mut self.dirty);
        for index in dirty.drain(..) {
            if let Some(connection) = self.connection_mut(index) {
                connection.dirty = false;
                self.egress(index);
            }
        }
        if self.dirty.is_empty() {
            self.dirty = dirty;
        }
    }

    fn egress(&mut self, index: usize) {
        self.check_deadline(index);
        let now = instant(self.now);
        let (mut more, mut again) = (true, false);
        for _ in 0..BURST {
            let Some(Some(connection)) = self.connections.get_mut(index) else { return };
            if connection.mute {
                break;
            }
            self.wire.asked = None;
            self.wire.urgent_end = connection.urgent.sent_end();
            self.wire.acknowledged = None;
            let mut port = Port { incoming: None, wire: &mut self.wire };
            let result = self.interface.poll_egress(now, &mut port, &mut connection.set);
            self.wire.urgent_end = None;
            more = result != PollResult::None;
            if let Some(next) = self.wire.acknowledged.take() {
                connection.expected = Some(next);
            }
            if let Some((first, end)) = self.wire.asked {
                connection.urgent.leaves(first);
                again |= connection.asked(first, end);
            }
            if !more {
                break;
            }
        }
        if more {
            self.mark(index);
        }
        if again && self.connection_mut(index).is_some_and(Connection::retransmitted) {
            self.kill(index, WsaError::WSAECONNABORTED, true);
        }
        self.settle(index, false);
        self.schedule(index);
    }

    /// Looks at what became of a connection, and tells.
    pub(super) fn settle(&mut self, index: usize, reset: bool) {
        let Some(Some(connection)) = self.connections.get_mut(index) else { return };
        let state = connection.state();
        let before = core::mem::replace(&mut connection.seen, state);
        let handshake =
            matches!(state, State::Closed | State::Listen | State::SynSent | State::SynReceived);
        if !connection.established && !handshake {
            connection.established = true;
            self.established(index);
        }
        let Some(Some(connection)) = self.connections.get_mut(index) else { return };
        let closes = state == State::Closed && before != State::Closed;
        if closes && connection.fate.is_none() && connection.owner != Owner::Nobody {
            let graceful = before == State::TimeWait || before == State::LastAck && !reset;
            if graceful {
                connection.ended = true;
            } else {
                let refused = !connection.established;
                let error =
                    if refused { WsaError::WSAECONNREFUSED } else { WsaError::WSAECONNRESET };
                return self.kill(index, error, false);
            }
        }
        if connection.deaf || connection.owner == Owner::Nobody {
            let discarded = connection.discard();
            // Data for nobody after the last of ours was acknowledged: the peer must not believe
            // that it is read.
            if discarded != 0 && connection.owner == Owner::Nobody && connection.drained() {
                connection.tcp_mut().abort();
                self.mark(index);
            } else if discarded != 0 {
                self.mark(index);
            }
        }
        let Some(Some(connection)) = self.connections.get_mut(index) else { return };
        // A RST is still to be sent as long as smoltcp knows the peer.
        let gone = match connection.state() {
            State::Closed => connection.mute || connection.tcp().remote_endpoint().is_none(),
            State::Listen => true,
            _ => connection.mute,
        };
        if gone {
            self.forget_pair(index);
        }
        let Some(Some(connection)) = self.connections.get_mut(index) else { return };
        let held = match connection.owner {
            Owner::Client(_) => true,
            Owner::Listener(_) => connection.established,
            Owner::Nobody => false,
        };
        if gone && !held {
            self.reap(index);
        } else {
            self.tell(index);
        }
    }

    /// Tells whoever holds the connection what may act differently now.
    pub(super) fn tell(&mut self, index: usize) {
        let Some(Some(connection)) = self.connections.get(index) else { return };
        if let Owner::Client(socket) = connection.owner
            && let Ok(holder) = self.slots.get_mut(socket)
        {
            self.ready.tell(socket, &mut holder.interest, connection.levels());
            self.tell_urgent(index);
        }
    }

    /// The connection dies of `error`, with a RST to the peer or without.
    pub(super) fn kill(&mut self, index: usize, error: WsaError, reset: bool) {
        let Some(Some(connection)) = self.connections.get_mut(index) else { return };
        if connection.fate.is_none() {
            connection.fate = Some(error);
            // Told whether or not it was waited for.
            if let Owner::Client(socket) = connection.owner
                && let Ok(holder) = self.slots.get_mut(socket)
            {
                holder.interest.wait(Readiness::RECEIVE);
            }
        }
        if reset {
            connection.tcp_mut().abort();
            connection.seen = State::Closed;
            self.mark(index);
        } else {
            self.silence(index);
        }
        self.settle(index, false);
    }

    // From now on smoltcp is not asked, so its timers count no more.
    fn silence(&mut self, index: usize) {
        if let Some(connection) = self.connection_mut(index) {
            connection.mute = true;
            connection.wake_at = None;
            self.wake_stale = true;
        }
    }

    /// TIME-WAIT is over; what the client has not received yet stays.
    pub(super) fn end_time_wait(&mut self, index: usize) {
        let Some(Some(connection)) = self.connections.get_mut(index) else { return };
        connection.ended = true;
        self.silence(index);
        self.settle(index, false);
    }

    pub(super) fn connection(&self, index: usize) -> Option<&Connection> {
        self.connections.get(index)?.as_ref()
    }

    pub(super) fn connection_mut(&mut self, index: usize) -> Option<&mut Connection> {
        self.connections.get_mut(index)?.as_mut()
    }

    /// Puts a connection into the table.
    pub(super) fn add_connection(&mut self, connection: Connection) -> usize {
        let pair = connection.pair;
        let index = match self.free_connections.pop() {
            Some(index) => {
                self.connections[index] = Some(connection);
                index
            }
            None => {
                self.connections.push(Some(connection));
                self.connections.len() - 1
            }
        };
        self.pairs.insert(pair, index);
        index
    }

    /// The connection is to be polled.
    pub(super) fn mark(&mut self, index: usize) {
        if let Some(Some(connection)) = self.connections.get_mut(index)
            && !connection.dirty
            && !connection.mute
        {
            connection.dirty = true;
            self.dirty.push(index);
        }
    }

    fn forget_pair(&mut self, index: usize) {
        let Some(pair) = self.connection(index).map(|connection| connection.pair) else { return };
        if self.pairs.get(&pair) == Some(&index) {
            self.pairs.remove(&pair);
        }
    }

    /// Forgets the connection.
    pub(super) fn reap(&mut self, index: usize) {
        self.forget_pair(index);
        let Some(connection) = self.connections.get_mut(index).and_then(Option::take) else {
            return;
        };
        self.free_connections.push(index);
        self.wake_stale = true;
        if let Owner::Listener(listener) = connection.owner
            && !connection.established
            && let Ok(holder) = self.slots.get_mut(listener)
            && let Detail::Listener(listener) = &mut holder.detail
        {
            listener.unfinished = listener.unfinished.saturating_sub(1);
        }
    }

    fn established(&mut self, index: usize) {
        let Some(Some(connection)) = self.connections.get(index) else { return };
        let Owner::Listener(listener) = connection.owner else { return };
        let Ok(holder) = self.slots.get_mut(listener) else { return };
        if let Detail::Listener(state) = &mut holder.detail {
            state.unfinished = state.unfinished.saturating_sub(1);
            state.queue.push_back(index);
            self.ready.tell(listener, &mut holder.interest, Readiness::RECEIVE);
        }
    }
}

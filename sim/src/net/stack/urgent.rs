//! Urgent data, which smoltcp does not know: the mark is put on segments that leave, and taken from
//! segments that arrive, beside it.
//!
//! The urgent pointer names the byte behind the urgent one, as stacks have it (RFC 6093). One mark
//! is under way at a time in each direction: a later one takes its place, and the byte of the
//! earlier one is an ordinary byte then, unless it has arrived. What has arrived out of line is out
//! of the stream for good, and lost when the next one arrives before it was read.

use std::collections::VecDeque;

use provider_core::{Readiness, WsaError};

use super::connection::{Connection, Owner};
use super::ip::{self, Header, TCP};
use super::segments::number;
use super::{RECEIVE_BUFFER_BOUNDS, Stack, StackSocket};

const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const URG: u8 = 0x20;

/// What one connection has under way and in hand. Places in the stream of received bytes are counted
/// from its first.
#[derive(Debug, Default)]
pub(super) struct Urgent {
    /// SO_OOBINLINE: what arrives from now on stays in the stream.
    inline: bool,
    /// The sequence number of the first byte to send, and how many smoltcp took.
    own_first: Option<u32>,
    sent: u32,
    /// The sequence number behind the latest urgent byte sent, until it is acknowledged.
    sent_end: Option<u32>,
    /// The sequence number of the first byte to receive.
    first: Option<u32>,
    /// Bytes taken out of smoltcp's buffer.
    taken: u64,
    /// The latest urgent byte that was heard of.
    latest: Option<u64>,
    /// The same, while it has not arrived.
    announced: Option<u64>,
    /// Urgent bytes in smoltcp's buffer, in order.
    marks: VecDeque<Mark>,
    /// The urgent byte that was pulled out of the stream and not read.
    held: Option<u8>,
    /// An urgent byte was passed, or taken in line, since ordinary bytes were.
    stopped: bool,
    /// Something of the above is news for whoever holds the connection.
    news: bool,
}

/// An urgent byte in the buffer.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: u64,
    /// It is out of the stream, and thrown away when it is reached.
    pulled: bool,
}

impl Urgent {
    /// The sequence number behind the urgent byte that segments are to point at.
    pub(super) const fn sent_end(&self) -> Option<u32> {
        self.sent_end
    }

    /// A segment that takes sequence space leaves; the first is the SYN.
    pub(super) fn leaves(&mut self, sequence: u32) {
        self.own_first.get_or_insert_with(|| sequence.wrapping_add(1));
    }

    /// smoltcp took `bytes`, of which the last one is urgent or none is.
    pub(super) fn sent(&mut self, bytes: usize, urgent: bool) {
        self.sent = self.sent.wrapping_add(bytes as u32);
        if urgent {
            self.sent_end = self.own_first.map(|first| first.wrapping_add(self.sent));
        }
    }

    /// The peer has everything up to `ack`.
    pub(super) fn acknowledged(&mut self, ack: u32) {
        if self.sent_end.is_some_and(|end| ack.wrapping_sub(end).cast_signed() >= 0) {
            self.sent_end = None;
        }
    }

    /// The peer's SYN was accepted.
    pub(super) fn opened(&mut self, sequence: u32) {
        self.first = Some(sequence.wrapping_add(1));
    }

    /// SO_OOBINLINE.
    pub(super) fn set_inline(&mut self, on: bool) {
        // Who waits for urgent data waits in vain now, or need not any more.
        self.news |= on != self.inline && (self.announced.is_some() || self.held.is_some());
        self.inline = on;
    }

    /// Whether a receive of urgent data would not have to wait.
    pub(super) const fn is_settled(&self) -> bool {
        self.inline || self.announced.is_none()
    }
}

/// Lets the segment in `packet`, which leaves, point at the urgent byte before `end`, if it lies
/// before that and near enough.
pub(super) fn point(packet: &mut [u8], header: &Header, end: u32) {
    let Some(segment) = packet.get_mut(header.header_len..) else { return };
    if header.protocol != TCP || segment.len() < 20 || segment[13] & (SYN | RST) != 0 {
        return;
    }
    let Ok(pointer @ 1..) = u16::try_from(end.wrapping_sub(number(segment, 4))) else { return };
    segment[13] |= URG;
    segment[18..20].copy_from_slice(&pointer.to_be_bytes());
    segment[16..18].fill(0);
    let checksum = ip::checksum(header.source, header.destination, TCP, &[], segment);
    segment[16..18].copy_from_slice(&checksum.to_be_bytes());
}

impl Connection {
    /// Takes what `segment`, which smoltcp has seen, says of urgent data.
    pub(super) fn hear_urgent(&mut self, segment: &[u8]) {
        if segment[13] & (URG | SYN | RST) == URG {
            self.announce(number(segment, 4), ip::word(segment, 18));
        }
        self.pull();
    }

    fn announce(&mut self, sequence: u32, pointer: u16) {
        // Further off than any window: a segment of an earlier connection.
        const FAR: u64 = RECEIVE_BUFFER_BOUNDS.1 as u64 + 65_536;
        let arrived = self.arrived();
        let Some(first) = self.urgent.first else { return };
        let expected = first.wrapping_add(arrived as u32);
        // Sequence numbers wrap around.
        let ahead = i64::from(sequence.wrapping_sub(expected).cast_signed());
        let at = arrived.checked_add_signed(ahead + i64::from(pointer) - 1);
        let urgent = &mut self.urgent;
        let Some(at) = at.filter(|at| *at >= urgent.taken) else { return };
        if pointer == 0
            || ahead.unsigned_abs() > FAR
            || urgent.latest.is_some_and(|known| at <= known)
        {
            return;
        }
        urgent.latest = Some(at);
        urgent.announced = Some(at);
        urgent.news = true;
    }

    /// The urgent byte that was announced may have arrived.
    fn pull(&mut self) {
        let Some(at) = self.urgent.announced else { return };
        if at < self.arrived() {
            let pulled = !self.urgent.inline;
            if pulled {
                let mut bytes = vec![0; (at - self.urgent.taken) as usize + 1];
                let copied = self.tcp_mut().peek_slice(&mut bytes).unwrap_or(0);
                self.urgent.held = bytes[..copied].last().copied();
            }
            self.urgent.marks.push_back(Mark { at, pulled });
            self.pass_pulled();
        } else if !self.peer_ended() {
            return;
        }
        // It is here, or nothing will come any more.
        self.urgent.announced = None;
        self.urgent.news = true;
    }

    /// Throws pulled bytes away that are the next of the stream.
    fn pass_pulled(&mut self) {
        while let Some(mark) = self.urgent.marks.front().copied()
            && mark.pulled
            && mark.at == self.urgent.taken
        {
            let passed = self.tcp_mut().recv(|bytes| (bytes.len().min(1), bytes.len().min(1)));
            self.urgent.taken += passed.unwrap_or(0) as u64;
            self.urgent.marks.pop_front();
            // A receive that has got what came before goes no further.
            self.urgent.stopped = true;
        }
    }

    /// Bytes that have arrived without a gap since the stream began.
    fn arrived(&self) -> u64 {
        self.urgent.taken + self.tcp().recv_queue() as u64
    }

    /// Bytes that one receive may give: it does not go beyond an urgent byte, and gives one that is
    /// in line alone.
    pub(super) fn readable(&self) -> usize {
        let queue = self.tcp().recv_queue();
        match self.urgent.marks.front() {
            None => queue,
            Some(mark) => queue.min((mark.at - self.urgent.taken).max(1) as usize),
        }
    }

    /// Gives what [`Self::readable`] says, as far as it fits into `into`. With `peek` it stays.
    pub(super) fn receive(&mut self, into: &mut [u8], peek: bool) -> usize {
        let len = self.readable().min(into.len());
        let into = &mut into[..len];
        if peek {
            return self.tcp_mut().peek_slice(into).unwrap_or(0);
        }
        let count = self.tcp_mut().recv_slice(into).unwrap_or(0);
        let urgent = &mut self.urgent;
        urgent.taken += count as u64;
        if count > 0 {
            urgent.stopped = urgent.marks.front().is_some_and(|mark| mark.at < urgent.taken);
            if urgent.stopped {
                urgent.marks.pop_front();
            }
            self.pass_pulled();
        }
        count
    }

    /// Forgets what arrived: nobody will read it.
    pub(super) fn discarded(&mut self, bytes: usize) {
        let urgent = &mut self.urgent;
        urgent.taken += bytes as u64;
        urgent.marks.clear();
        (urgent.announced, urgent.held) = (None, None);
    }
}

impl Stack {
    /// Takes one byte as urgent data, behind all that was taken before it.
    ///
    /// # Errors
    /// As [`Self::try_send`].
    pub fn try_send_urgent(&mut self, socket: StackSocket, byte: u8) -> Result<(), WsaError> {
        self.send_stream(socket, &[byte], true).map(drop)
    }

    /// Gives the urgent byte that was pulled out of the stream. With `peek` it stays.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK when one was announced and has not arrived ([`Readiness::URGENT`] follows),
    /// WSAEINVAL when there is none or it is in line; else as [`Self::try_recv`].
    pub fn try_recv_urgent(&mut self, socket: StackSocket, peek: bool) -> Result<u8, WsaError> {
        let (_, connection) = self.receiving(socket)?;
        let urgent = &mut connection.urgent;
        if urgent.inline {
            return Err(WsaError::WSAEINVAL);
        }
        // What was announced takes the place of what is in hand only when it has arrived.
        if let Some(byte) = urgent.held {
            urgent.held = urgent.held.filter(|_| peek);
            return Ok(byte);
        }
        if urgent.announced.is_none() {
            return Err(WsaError::WSAEINVAL);
        }
        self.slots.get_mut(socket)?.interest.wait(Readiness::URGENT);
        Err(WsaError::WSAEWOULDBLOCK)
    }

    /// Whether no urgent data waits to be read, announced or arrived, beside the stream or in line.
    pub fn at_urgent_mark(&mut self, socket: StackSocket) -> bool {
        self.receiving(socket).map_or(true, |(_, connection)| {
            let urgent = &connection.urgent;
            let beside = urgent.held.is_some() && !urgent.inline;
            let in_line = urgent.marks.iter().any(|mark| !mark.pulled);
            !beside && !in_line && urgent.announced.is_none()
        })
    }

    /// Whether an urgent byte lies between what the latest receive of a stream gave and what the
    /// next one would give, or that one ended with it, where it is in line.
    pub fn stopped_at_mark(&mut self, socket: StackSocket) -> bool {
        self.receiving(socket).is_ok_and(|(_, connection)| {
            let urgent = &connection.urgent;
            let next = urgent.marks.front().map(|mark| mark.at).or(urgent.announced);
            urgent.stopped || next == Some(urgent.taken)
        })
    }

    pub(super) fn set_urgent_inline(&mut self, index: usize, on: bool) {
        if let Some(connection) = self.connection_mut(index) {
            connection.urgent.set_inline(on);
            self.tell(index);
        }
    }

    /// What is news of urgent data is told whether or not it was waited for.
    pub(super) fn tell_urgent(&mut self, index: usize) {
        let Some(Some(connection)) = self.connections.get_mut(index) else { return };
        if let Owner::Client(socket) = connection.owner
            && let Ok(holder) = self.slots.get_mut(socket)
            && core::mem::take(&mut connection.urgent.news)
        {
            holder.interest.wait(Readiness::URGENT);
            self.ready.tell(socket, &mut holder.interest, Readiness::URGENT);
        }
    }
}

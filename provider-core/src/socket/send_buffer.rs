//! The send buffer: bytes taken over from clients that the transport has not taken yet.

use alloc::collections::VecDeque;
use core::net::SocketAddr;

/// What stands between the client's buffers and the transport, SO_SNDBUF bytes of it.
/// A stream's bytes run together; datagrams keep their bounds and their destinations.
pub(crate) struct SendBuffer {
    bytes: VecDeque<u8>,
    datagrams: VecDeque<(usize, SocketAddr)>,
}

impl SendBuffer {
    pub(crate) const fn new() -> Self {
        Self { bytes: VecDeque::new(), datagrams: VecDeque::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.datagrams.is_empty()
    }

    /// Bytes held; an empty datagram counts as one, so that no number of them fits.
    fn held(&self) -> usize {
        self.bytes.len().max(self.datagrams.len())
    }

    /// How many more bytes of a stream fit under `limit`.
    pub(crate) fn room(&self, limit: usize) -> usize {
        limit.saturating_sub(self.bytes.len())
    }

    /// Whether a datagram of `len` bytes fits under `limit`. An empty buffer takes one of any
    /// size, unless buffering is off (a limit of 0).
    pub(crate) fn takes_datagram(&self, len: usize, limit: usize) -> bool {
        limit > 0 && (self.is_empty() || self.held() + len.max(1) <= limit)
    }

    pub(crate) fn push_stream(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    pub(crate) fn push_datagram(&mut self, bytes: &[u8], to: SocketAddr) {
        self.bytes.extend(bytes);
        self.datagrams.push_back((bytes.len(), to));
    }

    /// The first bytes of a stream, as many as lie together.
    pub(crate) fn front_stream(&self) -> &[u8] {
        self.bytes.as_slices().0
    }

    /// The transport took the first `count` bytes of the stream.
    pub(crate) fn consume_stream(&mut self, count: usize) {
        self.bytes.drain(..count.min(self.bytes.len()));
    }

    /// The first datagram, copied together into `stage`, and its destination.
    pub(crate) fn front_datagram<'a>(
        &mut self,
        stage: &'a mut alloc::vec::Vec<u8>,
    ) -> Option<(&'a [u8], SocketAddr)> {
        let &(len, to) = self.datagrams.front()?;
        stage.clear();
        stage.extend(self.bytes.range(..len));
        Some((stage, to))
    }

    /// The transport took the first datagram, or it is given up.
    pub(crate) fn pop_datagram(&mut self) {
        if let Some((len, _)) = self.datagrams.pop_front() {
            self.bytes.drain(..len);
        }
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.datagrams.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const TO: SocketAddr =
        SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::LOCALHOST), 7);

    #[test]
    fn datagrams_keep_their_bounds_and_their_order() {
        let mut buffer = SendBuffer::new();
        let mut stage = Vec::new();
        buffer.push_datagram(b"one", TO);
        buffer.push_datagram(b"", TO);
        buffer.push_datagram(b"three", TO);
        let mut seen = Vec::new();
        while let Some((bytes, _)) = buffer.front_datagram(&mut stage) {
            seen.push(bytes.to_vec());
            buffer.pop_datagram();
        }
        assert_eq!(seen, [&b"one"[..], b"", b"three"]);
        assert!(buffer.is_empty());
    }

    #[test]
    fn an_empty_buffer_takes_one_datagram_of_any_size_and_no_second() {
        let mut buffer = SendBuffer::new();
        assert!(buffer.takes_datagram(100, 10));
        buffer.push_datagram(&[0; 100], TO);
        assert!(!buffer.takes_datagram(0, 10));
        assert!(!buffer.takes_datagram(1, 0));
    }

    #[test]
    fn empty_datagrams_fill_the_buffer_too() {
        let mut buffer = SendBuffer::new();
        while buffer.takes_datagram(0, 4) {
            buffer.push_datagram(b"", TO);
        }
        assert_eq!(buffer.datagrams.len(), 4);
    }

    #[test]
    fn a_stream_gives_back_what_it_was_given() {
        let mut buffer = SendBuffer::new();
        buffer.push_stream(b"abc");
        buffer.push_stream(b"def");
        assert_eq!(buffer.room(8), 2);
        let mut seen: Vec<u8> = Vec::new();
        while !buffer.is_empty() {
            let piece = buffer.front_stream()[..1].to_vec();
            seen.extend(&piece);
            buffer.consume_stream(1);
        }
        assert_eq!(seen, b"abcdef");
    }
}

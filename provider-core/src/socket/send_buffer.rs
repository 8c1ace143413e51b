//! The send buffer: bytes taken over from clients that the transport has not taken yet, and the
//! rule of when a send is taken into it (OVL-14).
//!
//! The rule of every send, in this order:
//!
//! 1. While anything is queued on the socket, a send is queued behind it (ORD-2, ORD-3). A stream
//!    send of no bytes has nothing to be queued: it is done at once.
//! 2. With nothing queued and nothing buffered, the transport is offered the send, and takes a
//!    datagram or nothing, a stream's bytes as far as it has room.
//! 3. What it leaves is copied into the buffer, whole, where [`SendBuffer::admits`] it, and the send
//!    is complete: within the quota of SO_SNDBUF bytes, or, whatever its size, while at most one send
//!    is outstanding in the buffer. A send is outstanding as long as a byte of it, or a datagram, is
//!    in the buffer.
//! 4. Else it is queued. An overlapped send pends, a blocking one blocks. Its data stays in the
//!    client's memory, which is the system's until the send completes.
//! 5. Whenever the buffer has emptied, or SO_SNDBUF has changed, or something queued was given up:
//!    the queue's first send is offered to the transport where the buffer is empty, else copied and
//!    completed where 3 now admits it, and so on with the next. Lowering SO_SNDBUF drops nothing.
//!
//! With SO_SNDBUF at 0 nothing is admitted: a send completes when the transport took all of it out
//! of the client's memory (B26).
//!
//! Nonblocking calls are never queued; what 1 and 3 would queue is WSAEWOULDBLOCK. For a stream:
//!
//! - `Profile::Documented` follows the page, which measures by room alone: the send takes the
//!   transport's room and then the quota's, gives the count, and is WSAEWOULDBLOCK where that is 0
//!   (SYN-2, SYN-3).
//! - `Profile::Windows` takes all or nothing, by rule 3. Once the transport took a part, the rest is
//!   buffered even with SO_SNDBUF at 0: there is no way to tell of a part.

use alloc::collections::VecDeque;
use core::net::SocketAddr;

/// A send in the buffer, or what the transport has left of it.
struct Outstanding {
    len: usize,
    /// Where a datagram goes; `None` on a stream.
    to: Option<SocketAddr>,
    /// The last byte is urgent.
    urgent: bool,
}

/// What of a stream goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front<'a> {
    /// Ordinary bytes.
    Bytes(&'a [u8]),
    /// The urgent byte of a send.
    Urgent(u8),
}

/// What stands between the client's buffers and the transport. A stream's bytes run together;
/// datagrams keep their bounds and their destinations.
pub(crate) struct SendBuffer {
    bytes: VecDeque<u8>,
    sends: VecDeque<Outstanding>,
    /// Sends with an urgent byte.
    urgent: usize,
}

impl SendBuffer {
    pub(crate) const fn new() -> Self {
        Self { bytes: VecDeque::new(), sends: VecDeque::new(), urgent: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sends.is_empty()
    }

    /// What counts against the quota: the bytes, or the sends where those are more, so that no
    /// number of empty datagrams fits.
    fn held(&self) -> usize {
        self.bytes.len().max(self.sends.len())
    }

    /// How many more bytes of a stream fit under `quota`.
    pub(crate) fn room(&self, quota: usize) -> usize {
        quota.saturating_sub(self.held())
    }

    /// Whether a send of `len` bytes, or the rest of one, is taken in at once under `quota`.
    pub(crate) fn admits(&self, len: usize, quota: usize) -> bool {
        //= docs/spec/wspsendto.md#ovl-14
        //# A send within the quota of SO_SNDBUF MUST be copied and complete at once. A send beyond
        //# it MUST be copied and complete at once while at most one send is outstanding in the
        //# buffer.
        //= docs/spec/wspsendto.md#ovl-14
        //# With SO_SNDBUF 0 a send MUST NOT complete before the transport has taken all of it.
        quota > 0 && (self.sends.len() <= 1 || self.room(quota) >= len.max(1))
    }

    /// Begins a send, behind all others; its bytes follow with [`Self::extend`]. `to` is where a
    /// datagram goes; the last byte of one that is `urgent` is urgent data.
    pub(crate) fn begin(&mut self, to: Option<SocketAddr>, urgent: bool) {
        self.sends.push_back(Outstanding { len: 0, to, urgent });
        self.urgent += usize::from(urgent);
    }

    /// More bytes of the send begun last.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        if let Some(last) = self.sends.back_mut() {
            last.len += bytes.len();
            self.bytes.extend(bytes);
        }
    }

    /// Takes back the send begun last.
    pub(crate) fn take_back(&mut self) {
        if let Some(last) = self.sends.pop_back() {
            self.bytes.truncate(self.bytes.len() - last.len);
            self.urgent -= usize::from(last.urgent);
        }
    }

    /// The first bytes of a stream, as many as lie together up to an urgent one, or that.
    pub(crate) fn front_stream(&self) -> Front<'_> {
        let bytes = self.bytes.as_slices().0;
        if self.urgent == 0 {
            return Front::Bytes(bytes);
        }
        let mut end = 0;
        for send in &self.sends {
            end += send.len;
            if send.urgent {
                break;
            }
        }
        match bytes {
            [byte, ..] if end == 1 => Front::Urgent(*byte),
            _ => Front::Bytes(&bytes[..bytes.len().min(end - 1)]),
        }
    }

    /// The transport took the first `count` bytes of the stream.
    pub(crate) fn consume_stream(&mut self, count: usize) {
        let mut count = count.min(self.bytes.len());
        self.bytes.drain(..count);
        while let Some(first) = self.sends.front_mut() {
            if first.len > count {
                first.len -= count;
                return;
            }
            count -= first.len;
            self.urgent -= usize::from(first.urgent);
            self.sends.pop_front();
        }
    }

    /// The first datagram, copied together into `stage`, and its destination.
    pub(crate) fn front_datagram<'a>(
        &mut self,
        stage: &'a mut alloc::vec::Vec<u8>,
    ) -> Option<(&'a [u8], SocketAddr)> {
        let &Outstanding { len, to, .. } = self.sends.front()?;
        stage.clear();
        stage.extend(self.bytes.range(..len));
        Some((stage, to?))
    }

    /// The transport took the first datagram, or it is given up.
    pub(crate) fn pop_datagram(&mut self) {
        if let Some(first) = self.sends.pop_front() {
            self.bytes.drain(..first.len);
        }
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const TO: Option<SocketAddr> =
        Some(SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::LOCALHOST), 7));

    fn holding(sends: &[&[u8]], to: Option<SocketAddr>) -> SendBuffer {
        let mut buffer = SendBuffer::new();
        for send in sends {
            buffer.begin(to, false);
            buffer.extend(send);
        }
        buffer
    }

    #[test]
    fn datagrams_keep_their_bounds_and_their_order() {
        let mut buffer = holding(&[b"one", b"", b"three"], TO);
        let (mut stage, mut seen) = (Vec::new(), Vec::new());
        while let Some((bytes, _)) = buffer.front_datagram(&mut stage) {
            seen.push(bytes.to_vec());
            buffer.pop_datagram();
        }
        assert_eq!(seen, [&b"one"[..], b"", b"three"]);
        assert!(buffer.is_empty());
    }

    //= docs/spec/wspsendto.md#ovl-14
    //= type=test
    //# A send within the quota of SO_SNDBUF MUST be copied and complete at once.
    #[test]
    fn a_send_within_the_quota_is_admitted() {
        let buffer = holding(&[b"a", b"b", b"c"], TO);
        assert!(buffer.admits(7, 10));
        assert!(!buffer.admits(8, 10));
    }

    //= docs/spec/wspsendto.md#ovl-14
    //= type=test
    //# A send beyond it MUST be copied and complete at once while at most one send is outstanding
    //# in the buffer.
    #[test]
    fn over_the_quota_one_outstanding_send_admits_another_and_two_do_not() {
        assert!(holding(&[], None).admits(100, 10));
        assert!(holding(&[&[0; 100]], None).admits(100, 10));
        assert!(!holding(&[&[0; 100], b"x"], None).admits(1, 10));
    }

    //= docs/spec/wspsendto.md#ovl-14
    //= type=test
    //# With SO_SNDBUF 0 a send MUST NOT complete before the transport has taken all of it.
    #[test]
    fn without_a_quota_nothing_is_admitted() {
        assert!(!holding(&[], None).admits(1, 0));
        assert!(!holding(&[], TO).admits(0, 0));
    }

    #[test]
    fn empty_datagrams_fill_the_buffer_too() {
        let mut buffer = SendBuffer::new();
        while buffer.admits(0, 4) {
            buffer.begin(TO, false);
        }
        assert_eq!(buffer.sends.len(), 4);
    }

    #[test]
    fn a_send_of_a_stream_is_outstanding_until_its_last_byte_is_taken() {
        let mut buffer = holding(&[b"abc", b"def", b"ghi"], None);
        let outstanding = [(0, 3), (2, 3), (1, 2), (4, 1), (1, 1), (1, 0)];
        for (taken, left) in outstanding {
            buffer.consume_stream(taken);
            assert_eq!(buffer.sends.len(), left);
        }
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_stream_gives_back_what_it_was_given() {
        let mut buffer = holding(&[b"abc", b"never", b"def"], None);
        buffer.take_back();
        buffer.take_back();
        buffer.begin(None, false);
        buffer.extend(b"de");
        buffer.extend(b"f");
        assert_eq!(buffer.room(8), 2);
        let mut seen: Vec<u8> = Vec::new();
        while !buffer.is_empty() {
            let Front::Bytes(piece) = buffer.front_stream() else { panic!("nothing is urgent") };
            seen.push(piece[0]);
            buffer.consume_stream(1);
        }
        assert_eq!(seen, b"abcdef");
    }

    #[test]
    fn urgent_bytes_go_alone_and_in_their_place() {
        let mut buffer = SendBuffer::new();
        for (send, urgent) in [(&b"ab"[..], false), (b"cd!", true), (b"?", true), (b"ef", false)] {
            buffer.begin(None, urgent);
            buffer.extend(send);
        }
        buffer.begin(None, true);
        buffer.extend(b"gone");
        buffer.take_back();
        let seen = [(Front::Bytes(b"abcd"), 3), (Front::Bytes(b"d"), 1), (Front::Urgent(b'!'), 1)];
        for (front, taken) in seen {
            assert_eq!(buffer.front_stream(), front);
            buffer.consume_stream(taken);
        }
        assert_eq!(buffer.front_stream(), Front::Urgent(b'?'));
        buffer.consume_stream(1);
        assert_eq!(buffer.front_stream(), Front::Bytes(b"ef"));
        buffer.consume_stream(2);
        assert!(buffer.is_empty());
    }
}

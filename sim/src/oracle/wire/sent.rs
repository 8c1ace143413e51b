//! What one end sent on a stream, and where in it a receiver may be.
//!
//! An urgent byte that is pulled out of the stream is not part of what a receiver reads; one that is
//! in line is, and so is one whose place another took before it arrived. So a reader that passes one
//! may have had it or not.

use std::collections::VecDeque;

/// Bytes that both sides agreed on are dropped in pieces of this size.
const TRIM: u64 = 1 << 16;

/// What the transport of an end took.
#[derive(Default)]
pub(super) struct Sent {
    bytes: Vec<u8>,
    /// How many before them were dropped.
    from: u64,
    /// Where the urgent ones are, in order.
    urgent: VecDeque<u64>,
    /// All urgent bytes, and where they were.
    marks: Vec<(u64, u8)>,
}

impl Sent {
    /// More bytes; `urgent` is for the last one.
    pub(super) fn extend(&mut self, bytes: &[u8], urgent: bool) {
        self.bytes.extend_from_slice(bytes);
        if let (true, Some(last)) = (urgent, bytes.last()) {
            self.urgent.push_back(self.end() - 1);
            self.marks.push((self.end() - 1, *last));
        }
    }

    /// How many bytes there were in all.
    pub(super) fn end(&self) -> u64 {
        self.from + self.bytes.len() as u64
    }

    /// Whether nothing was dropped yet.
    pub(super) fn is_complete(&self) -> bool {
        self.from == 0
    }

    /// Adds the places where a receiver may be that was at `at` and got `bytes`.
    pub(super) fn follow(&self, at: u64, bytes: &[u8], into: &mut Vec<u64>) {
        let next = self.urgent.partition_point(|place| *place < at);
        let ahead = self.urgent.get(next).map_or(u64::MAX, |place| place - at);
        if ahead >= bytes.len() as u64 {
            if self.agreeing(at, bytes) == bytes.len() && !into.contains(&(at + bytes.len() as u64))
            {
                into.push(at + bytes.len() as u64);
            }
            return;
        }
        let (before, rest) = bytes.split_at(ahead as usize);
        if self.agreeing(at, before) == before.len() {
            let place = at + ahead;
            self.follow(place + 1, rest, into);
            if self.agreeing(place, &rest[..1]) == 1 {
                self.follow(place + 1, &rest[1..], into);
            }
        }
    }

    /// How many of `bytes` are what was sent from `at` on.
    pub(super) fn agreeing(&self, at: u64, bytes: &[u8]) -> usize {
        let Some(start) = at.checked_sub(self.from) else { return 0 };
        let Some(sent) = self.bytes.get(start as usize..) else { return 0 };
        if sent.len() >= bytes.len() && sent[..bytes.len()] == *bytes {
            return bytes.len();
        }
        sent.iter().zip(bytes).take_while(|(a, b)| a == b).count()
    }

    /// Whether a receiver at `at` lacks nothing of the stream.
    pub(super) fn is_all(&self, at: u64) -> bool {
        (at..self.end()).all(|place| self.urgent.contains(&place))
    }

    /// The first place from `at` on where this was an urgent byte.
    pub(super) fn urgent_from(&self, at: u64, byte: u8) -> Option<u64> {
        self.marks.iter().find(|(place, b)| *place >= at && *b == byte).map(|(place, _)| *place)
    }

    /// Nobody is before `at` any more.
    pub(super) fn agreed(&mut self, at: u64) {
        let agreed = at.saturating_sub(self.from);
        if agreed >= TRIM {
            self.bytes.drain(..(agreed as usize).min(self.bytes.len()));
            self.from = at;
            self.urgent.retain(|place| *place >= at);
        }
    }
}

//! Payloads: bytes that follow from a drawn tag and their place, so that a receiver on another
//! machine can check each of them.

use wspsim::api::Os;

/// The bytes of one tag: the same for whoever knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    tag: u64,
}

impl Payload {
    /// The payload of a new, drawn tag.
    pub(crate) fn draw(os: &Os) -> Self {
        let mut bytes = [0; 8];
        os.random_bytes(&mut bytes);
        Self { tag: u64::from_le_bytes(bytes) }
    }

    /// The payload of a known tag.
    pub(crate) const fn of(tag: u64) -> Self {
        Self { tag }
    }

    pub(crate) const fn tag(self) -> u64 {
        self.tag
    }

    /// A payload of its own for the `index`th part.
    pub(crate) const fn part(self, index: u64) -> Self {
        Self { tag: mix(self.tag ^ mix(index)) }
    }

    /// Writes the bytes from `offset` on.
    pub(crate) fn fill(self, offset: u64, into: &mut [u8]) {
        let word = |at: u64| mix(self.tag.wrapping_add(at / 8)).to_le_bytes();
        let mut at = offset;
        // Up to the first whole word, then whole words: those are moved, not copied by a call.
        let from = (at % 8) as usize;
        let odd = into.len().min((8 - from) % 8);
        let (head, rest) = into.split_at_mut(odd);
        if odd > 0 {
            head.copy_from_slice(&word(at)[from..from + odd]);
            at += odd as u64;
        }
        let (words, tail) = rest.as_chunks_mut::<8>();
        for whole in words {
            *whole = word(at);
            at += 8;
        }
        let left = tail.len();
        tail.copy_from_slice(&word(at)[..left]);
    }

    /// `len` bytes from `offset` on.
    pub(crate) fn bytes(self, offset: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.fill(offset, &mut bytes);
        bytes
    }

    /// The place of the first byte that differs from the payload from `offset` on.
    pub(crate) fn mismatch(self, offset: u64, bytes: &[u8]) -> Option<usize> {
        let mut expected = [0; 256];
        let mut at = 0;
        for piece in bytes.chunks(expected.len()) {
            let expected = &mut expected[..piece.len()];
            self.fill(offset + at as u64, expected);
            if piece != expected {
                let place = piece.iter().zip(expected.iter()).position(|(a, b)| a != b);
                return place.map(|place| at + place);
            }
            at += piece.len();
        }
        None
    }
}

/// The finaliser of splitmix64.
const fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// A digest over bytes, fed in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest(u64);

impl Digest {
    pub(crate) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    pub(crate) const fn to_bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }
}

/// Bytes in front of a record: its sender's tag, its number, its length.
pub(crate) const RECORD_HEADER: usize = 16;

/// A record that tells whose it is: the header, then `len` bytes of the sender's payload for
/// `number`.
pub(crate) fn record(sender: Payload, number: u32, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; RECORD_HEADER + len];
    bytes[..8].copy_from_slice(&sender.tag().to_le_bytes());
    bytes[8..12].copy_from_slice(&number.to_le_bytes());
    bytes[12..16].copy_from_slice(&(len as u32).to_le_bytes());
    sender.part(u64::from(number)).fill(0, &mut bytes[RECORD_HEADER..]);
    bytes
}

/// Sender, number and length from a header.
fn header(bytes: &[u8]) -> (u64, u32, usize) {
    let mut tag = [0; 8];
    let mut number = [0; 4];
    let mut len = [0; 4];
    tag.copy_from_slice(&bytes[..8]);
    number.copy_from_slice(&bytes[8..12]);
    len.copy_from_slice(&bytes[12..16]);
    (u64::from_le_bytes(tag), u32::from_le_bytes(number), u32::from_le_bytes(len) as usize)
}

/// Checks that `bytes` are one whole record. Gives its sender and its number.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn whole_record(bytes: &[u8]) -> Result<(u64, u32), String> {
    if bytes.len() < RECORD_HEADER {
        return Err(format!("a datagram of {} bytes arrived, which nobody sent", bytes.len()));
    }
    let (tag, number, len) = header(bytes);
    if len != bytes.len() - RECORD_HEADER {
        return Err(format!(
            "datagram {number} of sender {tag:#x} has {} bytes instead of {len}",
            bytes.len() - RECORD_HEADER
        ));
    }
    match Payload::of(tag).part(u64::from(number)).mismatch(0, &bytes[RECORD_HEADER..]) {
        None => Ok((tag, number)),
        Some(at) => Err(format!("datagram {number} of sender {tag:#x} differs at byte {at}")),
    }
}

/// Cuts a stream into records and checks every byte.
pub(crate) struct RecordReader {
    pending: Vec<u8>,
    longest: usize,
}

impl RecordReader {
    /// For records of at most `longest` bytes after their header.
    pub(crate) const fn new(longest: usize) -> Self {
        Self { pending: Vec::new(), longest }
    }

    /// Whether the stream stands between two records.
    pub(crate) fn is_between_records(&self) -> bool {
        self.pending.is_empty()
    }

    /// Takes the next bytes of the stream; `arrived` is told sender and number of each record.
    ///
    /// # Errors
    /// What is wrong with the stream.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        mut arrived: impl FnMut(u64, u32) -> Result<(), String>,
    ) -> Result<(), String> {
        self.pending.extend_from_slice(bytes);
        let mut done = 0;
        while self.pending.len() - done >= RECORD_HEADER {
            let rest = &self.pending[done..];
            let (tag, number, len) = header(rest);
            if len > self.longest {
                return Err(format!(
                    "the stream lost its order: a record of {len} bytes, number {number}, sender \
                     {tag:#x}"
                ));
            }
            let Some(body) = rest.get(RECORD_HEADER..RECORD_HEADER + len) else { break };
            if let Some(at) = Payload::of(tag).part(u64::from(number)).mismatch(0, body) {
                return Err(format!("record {number} of sender {tag:#x} differs at byte {at}"));
            }
            arrived(tag, number)?;
            done += RECORD_HEADER + len;
        }
        self.pending.drain(..done);
        Ok(())
    }
}

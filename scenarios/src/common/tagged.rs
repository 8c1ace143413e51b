//! Payloads that say what they are: a tag in front, and bytes that follow from it.

use wspsim::api::Os;

/// Bytes of a tag, the least that a message has.
pub(crate) const TAG: usize = 8;

/// A tag from the seed; no two of a run are the same, but for a chance of one in 2^64.
pub(crate) fn draw_tag(os: &Os) -> u64 {
    let mut bytes = [0; TAG];
    os.random_bytes(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// The word of `tag`'s bytes at `index` (splitmix64).
const fn word(tag: u64, index: u64) -> u64 {
    let mut word = tag.wrapping_add((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// A message of `len` bytes, at least [`TAG`].
pub(crate) fn message(tag: u64, len: usize) -> Vec<u8> {
    let len = len.max(TAG);
    let mut bytes = Vec::with_capacity(len + TAG);
    bytes.extend(tag.to_le_bytes());
    let mut index = 0;
    while bytes.len() < len {
        bytes.extend(word(tag, index).to_le_bytes());
        index += 1;
    }
    bytes.truncate(len);
    bytes
}

/// The tag of a whole message; `None` when a byte of it is wrong.
pub(crate) fn tag_of(bytes: &[u8]) -> Option<u64> {
    let tag = front_tag(bytes)?;
    let body = bytes[TAG..].chunks(TAG).zip(0..);
    let intact =
        |(chunk, index): (&[u8], u64)| *chunk == word(tag, index).to_le_bytes()[..chunk.len()];
    body.into_iter().all(intact).then_some(tag)
}

/// The tag in front of `bytes`; `None` when there are too few.
pub(crate) fn front_tag(bytes: &[u8]) -> Option<u64> {
    let front = bytes.get(..TAG)?.try_into().ok()?;
    Some(u64::from_le_bytes(front))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_knows_itself_and_its_damage() {
        for len in [8, 9, 15, 16, 17, 1000] {
            let mut bytes = message(77, len);
            assert_eq!(bytes.len(), len);
            assert_eq!(tag_of(&bytes), Some(77));
            if let Some(last) = bytes[TAG..].last_mut() {
                *last ^= 1;
                assert_eq!(tag_of(&bytes), None);
            }
        }
        assert_eq!(tag_of(&[0; 7]), None);
    }
}

//! What the simulator itself does with the memory: bounds only, no ownership.

use provider_core::UserPtr;

use super::Arena;
use super::blocks::copy;
use crate::memory::scribble::Pattern;

impl Arena {
    /// The simulator itself reads: bounds only, no ownership. `false` when it is not live memory.
    #[inline]
    pub fn peek(&self, from: UserPtr, into: &mut [u8]) -> bool {
        if into.is_empty() {
            return true;
        }
        let inner = self.inner.borrow();
        let Some((index, offset)) = inner.live(from.0, into.len()) else { return false };
        copy(into, &inner.blocks[index].bytes[offset..offset + into.len()]);
        true
    }

    /// As [`Self::peek`], to the end of `into`.
    pub fn peek_append(&self, from: UserPtr, len: usize, into: &mut Vec<u8>) -> bool {
        if len == 0 {
            return true;
        }
        let inner = self.inner.borrow();
        let Some((index, offset)) = inner.live(from.0, len) else { return false };
        into.extend_from_slice(&inner.blocks[index].bytes[offset..offset + len]);
        true
    }

    /// The simulator itself fills a range with a pattern; does nothing where it is not live.
    pub fn scribble(&self, at: UserPtr, len: usize, pattern: Pattern) {
        let mut inner = self.inner.borrow_mut();
        if let Some((index, offset)) = inner.live(at.0, len) {
            inner.blocks[index].bytes[offset..offset + len].fill(pattern.byte());
        }
    }

    /// As [`Self::scribble`], but leaves alone what is lent to somebody now.
    pub fn scribble_unlent(&self, at: UserPtr, len: usize, pattern: Pattern) {
        let mut inner = self.inner.borrow_mut();
        let Some((index, offset)) = inner.live(at.0, len) else { return };
        let end = at.0 + len;
        let block = &mut inner.blocks[index];
        if !block.loans.iter().any(|loan| loan.start < end && at.0 < loan.end) {
            block.bytes[offset..offset + len].fill(pattern.byte());
        }
    }
}

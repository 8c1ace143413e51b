//! The blocks of an arena: where they are, and what may be done to a range of them.

use provider_core::UserPtr;

use crate::memory::access::{AccessError, ClientMisuse};
use crate::memory::loan::{Ended, Held, Lent, Loan, LoanId};
use crate::oracle::Violation;

/// The first address: above 4 GiB, so that a pointer cut to 32 bits cannot work.
pub(super) const BASE: usize = 0x0001_0000_0000 + 0x2_0000;
/// Granule size in bytes; also the least gap behind a block.
pub(super) const GRANULE: usize = 256;

pub(super) struct Block {
    pub(super) start: usize,
    pub(super) len: usize,
    pub(super) bytes: Vec<u8>,
    pub(super) loans: Vec<Loan>,
    /// As what it was lent before, for a message.
    pub(super) ended: Ended,
    pub(super) state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Live,
    /// The client gave it back while it was lent: it goes when the last loan ends.
    Zombie,
    Freed,
}

#[derive(Default)]
pub(super) struct Inner {
    pub(super) blocks: Vec<Block>,
    /// Granule to block index plus one; 0 is a gap.
    pub(super) granules: Vec<u32>,
    /// Loan group to the blocks it has loans in.
    pub(super) groups: Vec<Vec<u32>>,
    pub(super) free_groups: Vec<u32>,
    /// Ranges that a call in progress was given and that are not live memory: touching them is a
    /// fault, not a violation.
    pub(super) bad_given: Vec<(usize, usize, LoanId)>,
    /// Byte vectors of freed blocks, to use again.
    pub(super) spare: Vec<Vec<u8>>,
}

#[derive(Clone, Copy)]
pub(super) enum Reach {
    Read,
    Write,
}

impl Block {
    /// Whether the system owns a byte of the range until an operation ends.
    pub(super) fn is_owned(&self, start: usize, len: usize) -> bool {
        self.loans.iter().any(|loan| {
            loan.held == Held::ForOperation
                && loan.start < start + len
                && start < loan.end
                && len > 0
        })
    }
}

/// Why the client may not touch a range.
#[cold]
pub(super) fn misuse(inner: &Inner, at: UserPtr, len: usize, verb: &'static str) -> ClientMisuse {
    let live = inner.range(at.0, len).filter(|(i, _)| inner.blocks[*i].state == State::Live);
    let message = match (live, verb) {
        (None, "read") => "read by the client, and not its memory",
        (None, _) => "written by the client, and not its memory",
        (Some(_), "read") => "read by the client while the system owns it (BUF-4)",
        (Some(_), _) => "written by the client while the system owns it (BUF-4)",
    };
    ClientMisuse { address: at.0, len, message }
}

/// Copies between slices of one length. Words are most of what is copied, and a call of memcpy
/// costs several times as much as moving one.
#[inline]
pub(super) fn copy(into: &mut [u8], from: &[u8]) {
    match into.len() {
        4 => copy_exact::<4>(into, from),
        8 => copy_exact::<8>(into, from),
        16 => copy_exact::<16>(into, from),
        32 => copy_exact::<32>(into, from),
        _ => into.copy_from_slice(from),
    }
}

#[inline]
fn copy_exact<const N: usize>(into: &mut [u8], from: &[u8]) {
    if let (Some(into), Some(from)) = (into.first_chunk_mut::<N>(), from.first_chunk::<N>()) {
        *into = *from;
    }
}

impl Inner {
    /// The block that `address` lies in, whatever its state.
    #[inline]
    pub(super) fn block(&self, address: usize) -> Option<usize> {
        let granule = address.checked_sub(BASE)? / GRANULE;
        let entry = *self.granules.get(granule)?;
        (entry as usize).checked_sub(1)
    }

    /// Block index and offset of a range that lies wholly inside one block.
    #[inline]
    pub(super) fn range(&self, start: usize, len: usize) -> Option<(usize, usize)> {
        let index = self.block(start)?;
        let block = &self.blocks[index];
        let offset = start.checked_sub(block.start)?;
        (offset <= block.len && len <= block.len - offset).then_some((index, offset))
    }

    #[inline]
    pub(super) fn live(&self, start: usize, len: usize) -> Option<(usize, usize)> {
        self.range(start, len).filter(|(index, _)| self.blocks[*index].state != State::Freed)
    }

    /// Whether the provider may reach the range: block and offset.
    #[inline]
    pub(super) fn reach(
        &self,
        start: usize,
        len: usize,
        how: Reach,
    ) -> Result<(usize, usize), AccessError> {
        if let Some((index, offset)) = self.range(start, len) {
            let end = start + len;
            for loan in &self.blocks[index].loans {
                if loan.start <= start
                    && end <= loan.end
                    && (matches!(how, Reach::Read) || loan.lent.is_writable())
                {
                    return Ok((index, offset));
                }
            }
        }
        Err(self.refusal(start, len, how))
    }

    /// Why the provider may not reach the range.
    #[cold]
    #[inline(never)]
    pub(super) fn refusal(&self, start: usize, len: usize, how: Reach) -> AccessError {
        let Some((index, _)) = self.range(start, len) else {
            return self.out_of_bounds(start, len);
        };
        let block = &self.blocks[index];
        let end = start + len;
        let covers = |loan: &&Loan| loan.start <= start && end <= loan.end;
        let readable = block.loans.iter().rfind(covers).map(|loan| loan.lent);
        if self.is_bad_given(start, end) {
            return AccessError::Fault;
        }
        let verb = match how {
            Reach::Read => "read",
            Reach::Write => "wrote",
        };
        let before = block.ended.was(start - block.start, len);
        let (clause, why) = match (readable, block.state, before) {
            (Some(lent), ..) => {
                (lent.clause(), format!("{} is lent for reading only", lent.words()))
            }
            (None, State::Freed, before) => {
                (before.map_or("OVL-10", Lent::clause), format!("it was freed{}", was(before)))
            }
            (None, _, before) => {
                (before.map_or("BUF-4", Lent::clause), format!("nobody lends it{}", was(before)))
            }
        };
        violation(clause, format!("the provider {verb} {len} bytes at {start:#x}, but {why}"))
    }

    pub(super) fn out_of_bounds(&self, start: usize, len: usize) -> AccessError {
        let end = start.saturating_add(len);
        // A range that starts inside lent memory and runs over its end is an overrun, unless the
        // client gave just that range.
        if !self.is_bad_given(start, end)
            && let Some(index) = self.block(start)
            && let Some(loan) =
                self.blocks[index].loans.iter().find(|l| l.start <= start && start < l.end)
        {
            let over = end - loan.end;
            return violation(
                loan.lent.clause(),
                format!(
                    "the provider reached {len} bytes at {start:#x}, {over} beyond the end of {}",
                    loan.lent.words()
                ),
            );
        }
        AccessError::Fault
    }

    pub(super) fn is_bad_given(&self, start: usize, end: usize) -> bool {
        self.bad_given.iter().any(|(s, e, _)| *s <= start && end <= *e)
    }

    pub(super) fn release(&mut self, index: usize) {
        let block = &mut self.blocks[index];
        block.state = State::Freed;
        let bytes = core::mem::take(&mut block.bytes);
        if self.spare.len() < 64 {
            self.spare.push(bytes);
        }
    }
}

fn was(before: Option<Lent>) -> String {
    before
        .map_or_else(String::new, |lent| format!(" (it was {} whose loan has ended)", lent.words()))
}

fn violation(clause: &'static str, message: String) -> AccessError {
    AccessError::Violation(Box::new(Violation::new("memory", clause, message)))
}

pub(super) fn word(bytes: &[u8]) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[..4]);
    u32::from_le_bytes(word)
}

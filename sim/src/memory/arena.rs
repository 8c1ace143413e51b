//! Allocation, bounds, ownership.
//!
//! Addresses start above 4 GiB and are never used twice. Every block is followed by a gap that
//! belongs to nobody. Lookup is one index: the address space is cut into granules, and a table says
//! which block a granule belongs to.

use core::cell::{Cell, RefCell};

use provider_core::UserPtr;

use super::access::{AccessError, ClientMisuse};
use super::loan::{Ended, Held, Lent, Loan, LoanId};
use super::scribble::Pattern;
use crate::oracle::Violation;

/// The first address: above 4 GiB, so that a pointer cut to 32 bits cannot work.
const BASE: usize = 0x0001_0000_0000 + 0x2_0000;
/// Granule size in bytes; also the least gap behind a block.
const GRANULE: usize = 256;
/// The longest block, in bytes.
const LEN_MAX: usize = 1 << 30;

struct Block {
    start: usize,
    len: usize,
    bytes: Vec<u8>,
    loans: Vec<Loan>,
    /// As what it was lent before, for a message.
    ended: Ended,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Live,
    /// The client gave it back while it was lent: it goes when the last loan ends.
    Zombie,
    Freed,
}

#[derive(Default)]
struct Inner {
    blocks: Vec<Block>,
    /// Granule to block index plus one; 0 is a gap.
    granules: Vec<u32>,
    /// Loan group to the blocks it has loans in.
    groups: Vec<Vec<u32>>,
    free_groups: Vec<u32>,
    /// Ranges that a call in progress was given and that are not live memory: touching them is a
    /// fault, not a violation.
    bad_given: Vec<(usize, usize, LoanId)>,
    /// Byte vectors of freed blocks, to use again.
    spare: Vec<Vec<u8>>,
}

/// The memory of one process.
#[derive(Default)]
pub struct Arena {
    inner: RefCell<Inner>,
    operation_bytes: Cell<usize>,
    live_blocks: Cell<usize>,
}

#[derive(Clone, Copy)]
enum Reach {
    Read,
    Write,
}

impl Block {
    /// Whether the system owns a byte of the range until an operation ends.
    fn is_owned(&self, start: usize, len: usize) -> bool {
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
fn misuse(inner: &Inner, at: UserPtr, len: usize, verb: &'static str) -> ClientMisuse {
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
fn copy(into: &mut [u8], from: &[u8]) {
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
    fn block(&self, address: usize) -> Option<usize> {
        let granule = address.checked_sub(BASE)? / GRANULE;
        let entry = *self.granules.get(granule)?;
        (entry as usize).checked_sub(1)
    }

    /// Block index and offset of a range that lies wholly inside one block.
    #[inline]
    fn range(&self, start: usize, len: usize) -> Option<(usize, usize)> {
        let index = self.block(start)?;
        let block = &self.blocks[index];
        let offset = start.checked_sub(block.start)?;
        (offset <= block.len && len <= block.len - offset).then_some((index, offset))
    }

    #[inline]
    fn live(&self, start: usize, len: usize) -> Option<(usize, usize)> {
        self.range(start, len).filter(|(index, _)| self.blocks[*index].state != State::Freed)
    }

    /// Whether the provider may reach the range: block and offset.
    #[inline]
    fn reach(&self, start: usize, len: usize, how: Reach) -> Result<(usize, usize), AccessError> {
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
    fn refusal(&self, start: usize, len: usize, how: Reach) -> AccessError {
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

    fn out_of_bounds(&self, start: usize, len: usize) -> AccessError {
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

    fn is_bad_given(&self, start: usize, end: usize) -> bool {
        self.bad_given.iter().any(|(s, e, _)| *s <= start && end <= *e)
    }

    fn release(&mut self, index: usize) {
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

impl Arena {
    /// Empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// A new block of `len` bytes (0 to 1 GiB), aligned to 16, filled with [`Pattern::Fresh`].
    /// A longer one gives the null pointer.
    pub fn alloc(&self, len: usize) -> UserPtr {
        if len > LEN_MAX {
            return UserPtr::NULL;
        }
        let mut inner = self.inner.borrow_mut();
        let mut bytes = inner.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes.resize(len, Pattern::Fresh.byte());
        let first = inner.granules.len();
        let start = BASE + first * GRANULE;
        let index = inner.blocks.len() as u32 + 1;
        let granules = len.div_ceil(GRANULE).max(1);
        inner.granules.resize(first + granules, index);
        inner.granules.push(0);
        inner.blocks.push(Block {
            start,
            len,
            bytes,
            loans: Vec::new(),
            ended: Ended::default(),
            state: State::Live,
        });
        self.live_blocks.set(self.live_blocks.get() + 1);
        UserPtr(start)
    }

    /// The client gives a block back. While it is lent it stays readable to the provider, and goes
    /// when the last loan ends.
    ///
    /// # Errors
    /// `ptr` is not the start of a block that the client has.
    pub fn free(&self, ptr: UserPtr) -> Result<(), ClientMisuse> {
        let mut inner = self.inner.borrow_mut();
        let misuse = |message| Err(ClientMisuse { address: ptr.0, len: 0, message });
        let Some(index) = inner.block(ptr.0) else {
            return misuse("freed, and never allocated");
        };
        let block = &mut inner.blocks[index];
        if block.start != ptr.0 {
            return misuse("freed, and not the start of a block");
        }
        if block.state != State::Live {
            return misuse("freed twice");
        }
        self.live_blocks.set(self.live_blocks.get().saturating_sub(1));
        if block.loans.is_empty() {
            inner.release(index);
        } else {
            block.state = State::Zombie;
        }
        Ok(())
    }

    /// The client reads.
    ///
    /// # Errors
    /// Not the client's memory, or owned by the system until an operation ends.
    #[inline]
    pub fn client_read(&self, from: UserPtr, into: &mut [u8]) -> Result<(), ClientMisuse> {
        if into.is_empty() {
            return Ok(());
        }
        let inner = self.inner.borrow();
        let (index, offset) = self.client(&inner, from, into.len(), "read")?;
        copy(into, &inner.blocks[index].bytes[offset..offset + into.len()]);
        Ok(())
    }

    /// The client writes.
    ///
    /// # Errors
    /// As [`Self::client_read`].
    #[inline]
    pub fn client_write(&self, to: UserPtr, bytes: &[u8]) -> Result<(), ClientMisuse> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut inner = self.inner.borrow_mut();
        let (index, offset) = self.client(&inner, to, bytes.len(), "written")?;
        copy(&mut inner.blocks[index].bytes[offset..offset + bytes.len()], bytes);
        Ok(())
    }

    /// The client polls a status word (HasOverlappedIoCompleted): allowed also while it is lent.
    ///
    /// # Errors
    /// Not the client's memory.
    #[inline]
    pub fn client_status(&self, from: UserPtr) -> Result<u32, ClientMisuse> {
        let inner = self.inner.borrow();
        let Some((index, offset)) = inner.live(from.0, 4) else {
            return Err(ClientMisuse { address: from.0, len: 4, message: "polled, and not live" });
        };
        Ok(word(&inner.blocks[index].bytes[offset..]))
    }

    #[inline]
    fn client(
        &self,
        inner: &Inner,
        at: UserPtr,
        len: usize,
        verb: &'static str,
    ) -> Result<(usize, usize), ClientMisuse> {
        if let Some((index, offset)) = inner.range(at.0, len) {
            let block = &inner.blocks[index];
            if block.state == State::Live && (block.loans.is_empty() || !block.is_owned(at.0, len))
            {
                return Ok((index, offset));
            }
        }
        Err(misuse(inner, at, len, verb))
    }

    /// The provider reads.
    ///
    /// # Errors
    /// [`AccessError`].
    #[inline]
    pub fn provider_read(&self, from: UserPtr, into: &mut [u8]) -> Result<(), AccessError> {
        if into.is_empty() {
            return Ok(());
        }
        let inner = self.inner.borrow();
        let (index, offset) = inner.reach(from.0, into.len(), Reach::Read)?;
        copy(into, &inner.blocks[index].bytes[offset..offset + into.len()]);
        Ok(())
    }

    /// The provider writes.
    ///
    /// # Errors
    /// [`AccessError`]; nothing is then written.
    #[inline]
    pub fn provider_write(&self, to: UserPtr, bytes: &[u8]) -> Result<(), AccessError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut inner = self.inner.borrow_mut();
        let (index, offset) = inner.reach(to.0, bytes.len(), Reach::Write)?;
        copy(&mut inner.blocks[index].bytes[offset..offset + bytes.len()], bytes);
        Ok(())
    }

    /// The provider asks whether it could read.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn probe_read(&self, from: UserPtr, len: usize) -> Result<(), AccessError> {
        if len == 0 {
            return Ok(());
        }
        self.inner.borrow().reach(from.0, len, Reach::Read).map(drop)
    }

    /// The provider asks whether it could write.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn probe_write(&self, to: UserPtr, len: usize) -> Result<(), AccessError> {
        if len == 0 {
            return Ok(());
        }
        self.inner.borrow().reach(to.0, len, Reach::Write).map(drop)
    }

    /// The provider reads a status word.
    ///
    /// # Errors
    /// [`AccessError`].
    #[inline]
    pub fn load_status(&self, from: UserPtr) -> Result<u32, AccessError> {
        let inner = self.inner.borrow();
        let (index, offset) = inner.reach(from.0, 4, Reach::Read)?;
        Ok(word(&inner.blocks[index].bytes[offset..]))
    }

    /// The provider stores a status word. The caller then tells
    /// [`Watch::status_stored`](crate::boundary::Watch::status_stored).
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn store_status(&self, to: UserPtr, status: u32) -> Result<(), AccessError> {
        self.provider_write(to, &status.to_le_bytes())
    }

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

    /// A group that loans can be added to.
    pub fn open_loan(&self) -> LoanId {
        let mut inner = self.inner.borrow_mut();
        if let Some(id) = inner.free_groups.pop() {
            return LoanId(id);
        }
        inner.groups.push(Vec::new());
        LoanId(inner.groups.len() as u32 - 1)
    }

    /// Lends a range. What is not live memory is remembered as a bad argument instead, so that the
    /// provider's touch of it is a fault and not a violation; gives whether it was live.
    pub fn lend(&self, id: LoanId, at: UserPtr, len: usize, lent: Lent, held: Held) -> bool {
        if len == 0 {
            return true;
        }
        let inner = &mut *self.inner.borrow_mut();
        let live = match inner.range(at.0, len) {
            Some((index, _)) if inner.blocks[index].state == State::Live => index,
            _ => {
                inner.bad_given.push((at.0, at.0.saturating_add(len), id));
                return false;
            }
        };
        let block = &mut inner.blocks[live];
        block.loans.push(Loan { start: at.0, end: at.0 + len, lent, held, id });
        if held == Held::ForOperation {
            self.operation_bytes.set(self.operation_bytes.get() + len);
        }
        let group = &mut inner.groups[id.0 as usize];
        // The ranges of a call mostly lie in one block.
        if group.last() != Some(&(live as u32)) && !group.contains(&(live as u32)) {
            group.push(live as u32);
        }
        true
    }

    /// Ends every loan of a group; the group may be given out again.
    pub fn take_back(&self, id: LoanId) {
        let inner = &mut *self.inner.borrow_mut();
        let Some(group) = inner.groups.get_mut(id.0 as usize) else { return };
        let mut blocks = core::mem::take(group);
        for index in blocks.drain(..) {
            let index = index as usize;
            let block = &mut inner.blocks[index];
            let mut place = block.loans.len();
            while place > 0 {
                place -= 1;
                let loan = &block.loans[place];
                if loan.id != id {
                    continue;
                }
                if loan.held == Held::ForOperation {
                    let bytes = self.operation_bytes.get();
                    self.operation_bytes.set(bytes.saturating_sub(loan.end - loan.start));
                }
                let (offset, len) = (loan.start - block.start, loan.end - loan.start);
                block.ended.note(offset, len, loan.lent);
                // In no order: whoever looks for a loan looks at all that cover its range.
                block.loans.swap_remove(place);
            }
            if block.loans.is_empty() && block.state == State::Zombie {
                inner.release(index);
            }
        }
        inner.groups[id.0 as usize] = blocks;
        if !inner.bad_given.is_empty() {
            inner.bad_given.retain(|(_, _, given)| *given != id);
        }
        inner.free_groups.push(id.0);
    }

    /// Bytes lent to overlapped operations now.
    pub fn operation_bytes(&self) -> usize {
        self.operation_bytes.get()
    }

    /// Blocks that the client has not given back.
    pub fn live_blocks(&self) -> usize {
        self.live_blocks.get()
    }
}

fn word(bytes: &[u8]) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[..4]);
    u32::from_le_bytes(word)
}

#[cfg(test)]
mod tests;

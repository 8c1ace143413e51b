//! Allocation, bounds, ownership.
//!
//! Addresses start above 4 GiB and are never used twice. Every block is followed by a gap that
//! belongs to nobody. Lookup is one index: the address space is cut into granules, and a table says
//! which block a granule belongs to.

mod blocks;
mod client;
mod lending;
mod observer;
mod provider;

#[cfg(test)]
mod tests;

use core::cell::{Cell, RefCell};

use provider_core::UserPtr;

use super::access::ClientMisuse;
use super::loan::Ended;
use super::scribble::Pattern;
use blocks::{BASE, Block, GRANULE, Inner, State};

/// The longest block, in bytes.
const LEN_MAX: usize = 1 << 30;

/// The memory of one process.
#[derive(Default)]
pub struct Arena {
    inner: RefCell<Inner>,
    operation_bytes: Cell<usize>,
    live_blocks: Cell<usize>,
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

    /// Bytes lent to overlapped operations now.
    pub fn operation_bytes(&self) -> usize {
        self.operation_bytes.get()
    }

    /// Blocks that the client has not given back.
    pub fn live_blocks(&self) -> usize {
        self.live_blocks.get()
    }
}

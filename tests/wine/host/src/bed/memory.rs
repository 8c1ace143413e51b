//! Memory of a case: each piece ends where a page begins that nobody may touch. A case that takes
//! thousands of pieces gets the later ones side by side, for the system counts mappings.

use core::ptr;
use std::collections::BTreeMap;

use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_DECOMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_NOACCESS, PAGE_READWRITE,
    VirtualAlloc, VirtualFree,
};

use crate::ws2::Locked;

const PAGE: usize = 4096;
const ALIGNMENT: usize = 16;
/// How many pieces have a page behind them.
const GUARDED: usize = 4096;
/// From what the others are cut.
const CHUNK: usize = 1 << 22;
/// What memory holds that nobody wrote yet.
const FILL: u8 = 0xcd;

/// What a case took.
pub(super) struct Arena(Locked<Pieces>);

struct Pieces {
    /// Those with a page behind them, by their addresses: where the reservation begins, and how
    /// much of it is usable.
    guarded: BTreeMap<usize, (usize, usize)>,
    /// The others: what is left of the current chunk, and all chunks.
    left: (usize, usize),
    chunks: Vec<usize>,
}

/// A piece as long as `len` is aligned to this, so that it can end with a page.
fn alignment(len: usize) -> usize {
    1 << len.trailing_zeros().min(ALIGNMENT.trailing_zeros())
}

/// Reserves memory of which `usable` bytes may be touched and the page behind them not.
fn reserve(usable: usize) -> usize {
    // SAFETY: a reservation of our own, one page longer than what is usable.
    unsafe {
        let base = VirtualAlloc(ptr::null(), usable + PAGE, MEM_RESERVE, PAGE_NOACCESS);
        assert!(!base.is_null(), "no address space left");
        let base = VirtualAlloc(base, usable, MEM_COMMIT, PAGE_READWRITE);
        assert!(!base.is_null(), "no memory left");
        base as usize
    }
}

impl Arena {
    pub(super) fn new() -> Self {
        let (guarded, chunks) = (BTreeMap::new(), Vec::new());
        Self(Locked::new(Pieces { guarded, left: (0, 0), chunks }))
    }

    pub(super) fn alloc(&self, len: usize) -> usize {
        let len = len.max(1);
        let mut pieces = self.0.lock();
        let at = if pieces.guarded.len() < GUARDED || len > CHUNK / 2 {
            let usable = len.next_multiple_of(PAGE);
            let base = reserve(usable);
            let at = (base + usable - len) / alignment(len) * alignment(len);
            pieces.guarded.insert(at, (base, usable));
            at
        } else {
            let taken = len.next_multiple_of(ALIGNMENT);
            if pieces.left.1 < taken {
                let chunk = reserve(CHUNK);
                pieces.chunks.push(chunk);
                pieces.left = (chunk, CHUNK);
            }
            let at = pieces.left.0;
            pieces.left = (at + taken, pieces.left.1 - taken);
            at
        };
        // SAFETY: ours alone until it is returned.
        unsafe { ptr::with_exposed_provenance_mut::<u8>(at).write_bytes(FILL, len) };
        at
    }

    /// Nobody may touch it any more; its addresses are not given out again before [`Self::clear`].
    pub(super) fn free(&self, at: usize) {
        if let Some((base, usable)) = self.0.lock().guarded.get(&at).copied() {
            // SAFETY: a reservation of ours.
            unsafe { VirtualFree(base as *mut _, usable, MEM_DECOMMIT) };
        }
    }

    pub(super) fn clear(&self) {
        let mut pieces = self.0.lock();
        let guarded = core::mem::take(&mut pieces.guarded);
        let chunks = core::mem::take(&mut pieces.chunks);
        pieces.left = (0, 0);
        for base in guarded.into_values().map(|(base, _)| base).chain(chunks) {
            // SAFETY: as above, and given back once.
            unsafe { VirtualFree(base as *mut _, 0, MEM_RELEASE) };
        }
    }
}

//! The client's memory: one run of bytes, of which some is taken back from the provider.

use core::cell::{Cell, RefCell};
use core::ops::Range;

use provider_core::{Memory, MemoryFault, UserPtr};

/// Where the memory begins; what is below is nobody's.
const BASE: usize = 0x1_0000;
/// Where memory lies that is as long as anyone wants, and holds zeros.
pub(super) const ENDLESS: UserPtr = UserPtr(1 << 40);
/// An address that is nobody's.
pub(super) const NOWHERE: UserPtr = UserPtr(0x10);
/// What memory holds that was taken back.
const SCRIBBLE: u8 = 0xdd;

/// The client's memory.
#[derive(Default)]
pub(super) struct BenchMemory {
    bytes: RefCell<Vec<u8>>,
    /// What the provider may not touch any more.
    revoked: RefCell<Vec<Range<usize>>>,
    /// Whether it touched such memory.
    trespassed: Cell<bool>,
}

impl BenchMemory {
    /// Memory for `bytes`, which it holds.
    pub(super) fn place(&self, bytes: &[u8]) -> UserPtr {
        let mut all = self.bytes.borrow_mut();
        let at = BASE + all.len();
        all.extend_from_slice(bytes);
        // Nothing is behind it: what is one byte too long ends where nothing is lent.
        let padding = 16 - all.len() % 16;
        all.extend(core::iter::repeat_n(0xee, padding));
        UserPtr(at)
    }

    /// The provider may not touch this any more: it is overwritten, and watched.
    pub(super) fn revoke(&self, at: UserPtr, len: usize) {
        if len > 0 {
            self.scribble(at, len);
            self.revoked.borrow_mut().push(at.0 - BASE..at.0 - BASE + len);
        }
    }

    /// The client writes there itself.
    pub(super) fn scribble(&self, at: UserPtr, len: usize) {
        self.bytes.borrow_mut()[at.0 - BASE..][..len].fill(SCRIBBLE);
    }

    /// Whether the provider touched what had been revoked, since this was last asked.
    pub(super) fn take_trespass(&self) -> bool {
        self.trespassed.take()
    }

    /// The bytes there, for the client.
    pub(super) fn peek<const N: usize>(&self, at: UserPtr) -> [u8; N] {
        let start = at.0 - BASE;
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.bytes.borrow()[start..start + N]);
        bytes
    }

    fn range(&self, at: UserPtr, len: usize) -> Result<Range<usize>, MemoryFault> {
        let start = at.0.checked_sub(BASE).ok_or(MemoryFault)?;
        let end = start.checked_add(len).ok_or(MemoryFault)?;
        if end > self.bytes.borrow().len() {
            return Err(MemoryFault);
        }
        let revoked = self.revoked.borrow();
        if revoked.iter().any(|range| range.start < end && start < range.end) {
            self.trespassed.set(true);
        }
        Ok(start..end)
    }
}

const fn is_endless(at: UserPtr, len: usize) -> bool {
    at.0 >= ENDLESS.0 && at.0 - ENDLESS.0 + len <= ENDLESS.0
}

impl Memory for BenchMemory {
    fn read(&self, from: UserPtr, into: &mut [u8]) -> Result<(), MemoryFault> {
        if is_endless(from, into.len()) {
            into.fill(0);
        } else if !into.is_empty() {
            let range = self.range(from, into.len())?;
            into.copy_from_slice(&self.bytes.borrow()[range]);
        }
        Ok(())
    }

    fn write(&self, to: UserPtr, bytes: &[u8]) -> Result<(), MemoryFault> {
        if !bytes.is_empty() {
            let range = self.range(to, bytes.len())?;
            self.bytes.borrow_mut()[range].copy_from_slice(bytes);
        }
        Ok(())
    }

    fn probe_read(&self, from: UserPtr, len: usize) -> Result<(), MemoryFault> {
        if len > 0 && !is_endless(from, len) {
            self.range(from, len)?;
        }
        Ok(())
    }

    fn probe_write(&self, to: UserPtr, len: usize) -> Result<(), MemoryFault> {
        if len > 0 {
            self.range(to, len)?;
        }
        Ok(())
    }

    fn load_status(&self, from: UserPtr) -> Result<u32, MemoryFault> {
        let mut word = [0; 4];
        self.read(from, &mut word)?;
        Ok(u32::from_le_bytes(word))
    }

    fn store_status(&self, to: UserPtr, status: u32) -> Result<(), MemoryFault> {
        self.write(to, &status.to_le_bytes())
    }
}

//! What the provider does with the memory that was lent to it.

use provider_core::UserPtr;

use super::Arena;
use super::blocks::{Reach, copy, word};
use crate::memory::access::AccessError;

impl Arena {
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
}

//! What the program does with its memory.

use provider_core::UserPtr;

use super::Arena;
use super::blocks::{Inner, State, copy, misuse, word};
use crate::memory::access::ClientMisuse;

impl Arena {
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
}

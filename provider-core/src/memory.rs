//! The seam to the caller's address space.

use crate::UserPtr;

/// An address that the caller has no right to: the call that was given it ends with WSAEFAULT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryFault;

/// The caller's memory: WSABUF arrays, buffers, socket addresses, WSAOVERLAPPED.
///
/// A length of 0 touches nothing and never fails, whatever the pointer.
pub trait Memory {
    /// Copies `into.len()` bytes from the caller.
    ///
    /// # Errors
    /// [`MemoryFault`] when any byte is not readable; `into` is then unspecified.
    fn read(&self, from: UserPtr, into: &mut [u8]) -> Result<(), MemoryFault>;

    /// Copies `bytes` to the caller.
    ///
    /// # Errors
    /// [`MemoryFault`] when any byte is not writable; nothing is then written.
    fn write(&self, to: UserPtr, bytes: &[u8]) -> Result<(), MemoryFault>;

    /// Whether `len` bytes can be read, without reading them.
    ///
    /// # Errors
    /// [`MemoryFault`] when any byte is not readable.
    fn probe_read(&self, from: UserPtr, len: usize) -> Result<(), MemoryFault>;

    /// Whether `len` bytes can be written, without writing them.
    ///
    /// # Errors
    /// [`MemoryFault`] when any byte is not writable.
    fn probe_write(&self, to: UserPtr, len: usize) -> Result<(), MemoryFault>;

    /// Reads a status word with acquire order: what was stored before it is visible after.
    ///
    /// # Errors
    /// [`MemoryFault`] when the word is not readable.
    fn load_status(&self, from: UserPtr) -> Result<u32, MemoryFault>;

    /// Writes a status word with release order: whoever sees it sees all that was written before.
    ///
    /// # Errors
    /// [`MemoryFault`] when the word is not writable.
    fn store_status(&self, to: UserPtr, status: u32) -> Result<(), MemoryFault>;
}

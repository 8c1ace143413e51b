//! The caller's address space: raw pointers, probed before they are used.
//!
//! Rust's gnu targets have no structured exceptions, so a bad pointer cannot be tried and caught.
//! Each range is asked about first (VirtualQuery). What is not committed, or not for the access
//! meant, is WSAEFAULT. A thread that unmaps a range between the question and the copy still brings
//! the process down, as it would in any code that is given such a pointer; docs/dll.md says more.

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use provider_core::{Memory, MemoryFault, UserPtr};
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEMORY_BASIC_INFORMATION, PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE,
    PAGE_EXECUTE_WRITECOPY, PAGE_GUARD, PAGE_READONLY, PAGE_READWRITE, PAGE_WRITECOPY,
    VirtualQuery,
};

/// The memory of the process that the DLL is in.
pub(crate) struct ProcessMemory;

const WRITABLE: u32 =
    PAGE_READWRITE | PAGE_WRITECOPY | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY;
const READABLE: u32 = WRITABLE | PAGE_READONLY | PAGE_EXECUTE_READ;

/// Whether every byte of a range is committed with one of the protections in `wanted`.
fn probe(at: UserPtr, len: usize, wanted: u32) -> Result<(), MemoryFault> {
    if len == 0 {
        return Ok(());
    }
    let end = at.0.checked_add(len).ok_or(MemoryFault)?;
    let mut next = at.0;
    while next < end {
        let mut region = MEMORY_BASIC_INFORMATION::default();
        // SAFETY: asks about an address, whatever it is, and fills `region`.
        let filled = unsafe {
            VirtualQuery(
                ptr::without_provenance(next),
                &raw mut region,
                size_of::<MEMORY_BASIC_INFORMATION>(),
            )
        };
        let usable = filled != 0
            && region.State == MEM_COMMIT
            && region.Protect & PAGE_GUARD == 0
            && region.Protect & wanted != 0;
        if !usable {
            return Err(MemoryFault);
        }
        next = (region.BaseAddress as usize).saturating_add(region.RegionSize);
    }
    Ok(())
}

impl Memory for ProcessMemory {
    fn read(&self, from: UserPtr, into: &mut [u8]) -> Result<(), MemoryFault> {
        self.probe_read(from, into.len())?;
        // SAFETY: the range was readable a moment ago; `into` is ours and apart from it. The caller
        // may write it meanwhile: then the bytes are unspecified, and nothing here depends on them.
        unsafe {
            let source: *const u8 = ptr::with_exposed_provenance(from.0);
            ptr::copy_nonoverlapping(source, into.as_mut_ptr(), into.len());
        }
        Ok(())
    }

    fn write(&self, to: UserPtr, bytes: &[u8]) -> Result<(), MemoryFault> {
        self.probe_write(to, bytes.len())?;
        // SAFETY: the range was writable a moment ago; `bytes` are ours and apart from it.
        unsafe {
            let target: *mut u8 = ptr::with_exposed_provenance_mut(to.0);
            ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len());
        }
        Ok(())
    }

    fn probe_read(&self, from: UserPtr, len: usize) -> Result<(), MemoryFault> {
        probe(from, len, READABLE)
    }

    fn probe_write(&self, to: UserPtr, len: usize) -> Result<(), MemoryFault> {
        probe(to, len, WRITABLE)
    }

    fn load_status(&self, from: UserPtr) -> Result<u32, MemoryFault> {
        if !from.0.is_multiple_of(align_of::<AtomicU32>()) {
            let mut word = [0; 4];
            self.read(from, &mut word)?;
            return Ok(u32::from_le_bytes(word));
        }
        self.probe_read(from, 4)?;
        // SAFETY: readable a moment ago, and aligned.
        let word = unsafe { AtomicU32::from_ptr(ptr::with_exposed_provenance_mut(from.0)) };
        Ok(word.load(Ordering::Acquire))
    }

    fn store_status(&self, to: UserPtr, status: u32) -> Result<(), MemoryFault> {
        if !to.0.is_multiple_of(align_of::<AtomicU32>()) {
            return self.write(to, &status.to_le_bytes());
        }
        self.probe_write(to, 4)?;
        // SAFETY: writable a moment ago, and aligned.
        let word = unsafe { AtomicU32::from_ptr(ptr::with_exposed_provenance_mut(to.0)) };
        word.store(status, Ordering::Release);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windows_sys::Win32::System::Memory::{
        MEM_RELEASE, MEM_RESERVE, PAGE_NOACCESS, VirtualAlloc, VirtualFree, VirtualProtect,
    };

    const PAGE: usize = 0x1000;

    /// Three pages of a process: to be written, to be read, and neither.
    struct Pages(UserPtr);

    impl Pages {
        fn new() -> Self {
            // SAFETY: memory of its own, protected page by page.
            unsafe {
                let kind = MEM_COMMIT | MEM_RESERVE;
                let pages = VirtualAlloc(ptr::null(), 3 * PAGE, kind, PAGE_READWRITE);
                assert!(!pages.is_null());
                let mut before = 0;
                for (page, protection) in [(1, PAGE_READONLY), (2, PAGE_NOACCESS)] {
                    let at = pages.byte_add(page * PAGE);
                    assert_ne!(VirtualProtect(at, PAGE, protection, &raw mut before), 0);
                }
                Self(UserPtr(pages.expose_provenance()))
            }
        }
    }

    impl Drop for Pages {
        fn drop(&mut self) {
            // SAFETY: its own.
            unsafe { VirtualFree(ptr::with_exposed_provenance_mut(self.0.0), 0, MEM_RELEASE) };
        }
    }

    #[test]
    fn every_byte_of_a_range_has_to_allow_the_access() {
        let pages = Pages::new();
        let (memory, start) = (ProcessMemory, pages.0);
        assert_eq!(memory.probe_write(start, PAGE), Ok(()));
        assert_eq!(memory.probe_write(start, PAGE + 1), Err(MemoryFault), "a page to be read");
        assert_eq!(memory.probe_read(start, 2 * PAGE), Ok(()), "two regions");
        assert_eq!(memory.probe_read(start, 2 * PAGE + 1), Err(MemoryFault));
        assert_eq!(memory.probe_read(start.offset(2 * PAGE), 1), Err(MemoryFault));
        assert_eq!(memory.probe_read(start.offset(2 * PAGE), 0), Ok(()), "nothing is touched");
    }

    #[test]
    fn a_fault_writes_nothing() {
        let pages = Pages::new();
        let edge = pages.0.offset(PAGE - 2);
        assert_eq!(ProcessMemory.write(edge, &[1, 2, 3]), Err(MemoryFault));
        let mut bytes = [9; 3];
        assert_eq!(ProcessMemory.read(edge, &mut bytes), Ok(()));
        assert_eq!(bytes, [0; 3]);
        assert_eq!(ProcessMemory.write(edge, &[1, 2]), Ok(()));
        assert_eq!(ProcessMemory.load_status(edge.offset(usize::MAX - 1)), Ok(0x0201_0000));
    }

    #[test]
    fn what_is_no_memory_is_a_fault() {
        for at in [0, 0x10, usize::MAX, usize::MAX - 2, 1 << 63] {
            let at = UserPtr(at);
            assert_eq!(ProcessMemory.probe_read(at, 4), Err(MemoryFault), "{at:?}");
            assert_eq!(ProcessMemory.store_status(at, 1), Err(MemoryFault), "{at:?}");
            assert_eq!(ProcessMemory.load_status(at), Err(MemoryFault), "{at:?}");
        }
        assert_eq!(ProcessMemory.probe_read(UserPtr(0x1_0000), usize::MAX), Err(MemoryFault));
    }
}

//! Memory of one call.

use core::ptr;

use provider_core::UserPtr;
use provider_core::layout::WsaBuf;
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_NOACCESS, PAGE_READONLY, PAGE_READWRITE,
    VirtualAlloc, VirtualFree, VirtualProtect,
};

const ROOM: usize = 1 << 16;
const ALIGNMENT: usize = 16;

/// A page of pieces, and pages for what is read-only or not there.
pub(super) struct Memory {
    pieces: usize,
    used: usize,
    others: Vec<usize>,
}

fn pages(kind: u32, protection: u32) -> usize {
    // SAFETY: a reservation of our own.
    let at = unsafe { VirtualAlloc(ptr::null(), ROOM, kind, protection) };
    assert!(!at.is_null(), "no memory left");
    at as usize
}

impl Memory {
    pub(super) fn new() -> Self {
        let pieces = pages(MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
        Self { pieces, used: 0, others: Vec::new() }
    }

    fn put(at: usize, bytes: &[u8]) {
        // SAFETY: pages of ours with room for them.
        unsafe {
            let to = ptr::with_exposed_provenance_mut::<u8>(at);
            to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
    }

    fn get(at: usize, len: usize) -> Vec<u8> {
        // SAFETY: pages of ours.
        unsafe { core::slice::from_raw_parts(ptr::with_exposed_provenance(at), len).to_vec() }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> usize {
        let at = self.pieces + self.used;
        self.used += (bytes.len() + ALIGNMENT).next_multiple_of(ALIGNMENT);
        assert!(self.used <= ROOM, "a call with more than {ROOM} bytes");
        Self::put(at, bytes);
        at
    }

    pub(super) fn word(&mut self, word: u32) -> usize {
        self.bytes(&word.to_le_bytes())
    }

    pub(super) fn buffer(&mut self, len: u32, buf: usize) -> usize {
        self.bytes(&WsaBuf { len, buf: UserPtr(buf) }.encode())
    }

    pub(super) fn read_word(&self, at: usize) -> i32 {
        // SAFETY: a piece of ours.
        unsafe { ptr::with_exposed_provenance::<i32>(at).read_unaligned() }
    }

    /// Whether a piece is other than it was filled.
    pub(super) fn differs(&self, at: usize, len: usize, fill: u8) -> bool {
        Self::get(at, len).iter().any(|byte| *byte != fill)
    }

    /// The same bytes at an odd address.
    pub(super) fn misaligned(&mut self, at: usize, len: usize) -> usize {
        let copy = self.bytes(&vec![0; len + 1]) + 1;
        Self::put(copy, &Self::get(at, len));
        copy
    }

    /// The same bytes where nobody may write.
    pub(super) fn read_only(&mut self, at: usize, len: usize) -> usize {
        let page = pages(MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
        self.others.push(page);
        Self::put(page, &Self::get(at, len));
        let mut before = 0;
        // SAFETY: pages of ours.
        unsafe { VirtualProtect(page as *const _, ROOM, PAGE_READONLY, &raw mut before) };
        page
    }

    /// Addresses that are taken and mean nothing.
    pub(super) fn unmapped(&mut self) -> usize {
        let page = pages(MEM_RESERVE, PAGE_NOACCESS);
        self.others.push(page);
        page
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        for page in self.others.drain(..).chain([self.pieces]) {
            // SAFETY: reservations of ours, given back once.
            unsafe { VirtualFree(page as *mut _, 0, MEM_RELEASE) };
        }
    }
}

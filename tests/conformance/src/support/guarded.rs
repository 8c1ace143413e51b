//! Memory with guard bytes around it.

use provider_core::UserPtr;

use crate::{CaseResult, Failure, TestBed};

const GUARD: usize = 32;
const GUARD_BYTE: u8 = 0xa5;

/// User memory with guard bytes before and behind it, which nobody may change.
#[derive(Clone, Copy, Debug)]
pub struct Guarded {
    at: UserPtr,
    len: usize,
}

impl Guarded {
    /// Memory that holds `bytes`.
    pub fn holding(bed: &dyn TestBed, bytes: &[u8]) -> Self {
        let start = bed.alloc(bytes.len() + 2 * GUARD);
        let mut all = vec![GUARD_BYTE; bytes.len() + 2 * GUARD];
        all[GUARD..GUARD + bytes.len()].copy_from_slice(bytes);
        bed.write(start, &all);
        Self { at: start.offset(GUARD), len: bytes.len() }
    }

    /// Its address, between the guards.
    pub const fn at(&self) -> UserPtr {
        self.at
    }

    /// Its length in bytes, without the guards.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is between the guards.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What it holds.
    pub fn bytes(&self, bed: &dyn TestBed) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        bed.read(self.at, &mut bytes);
        bytes
    }

    /// The first four bytes of it as a number.
    pub fn word(&self, bed: &dyn TestBed) -> u32 {
        let mut word = [0; 4];
        bed.read(self.at, &mut word);
        u32::from_le_bytes(word)
    }

    /// Writes over all of it, as the owner of a stack would after a call.
    pub fn scribble(&self, bed: &dyn TestBed) {
        bed.write(self.at, &vec![0xb7; self.len]);
    }

    /// The guard bytes are as they were.
    ///
    /// # Errors
    /// Somebody wrote beside the memory.
    #[track_caller]
    pub fn check(&self, bed: &dyn TestBed, what: &str) -> CaseResult {
        for (side, at) in [
            ("before", UserPtr(self.at.0.wrapping_sub(GUARD))),
            ("behind", self.at.offset(self.len)),
        ] {
            let mut guard = [0; GUARD];
            bed.read(at, &mut guard);
            if guard != [GUARD_BYTE; GUARD] {
                return Err(Failure::new(format!(
                    "bytes {side} {what} were changed: {guard:02x?}"
                )));
            }
        }
        Ok(())
    }
}

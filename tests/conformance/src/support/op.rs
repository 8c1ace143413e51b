//! An OVERLAPPED whose words are sentinels until somebody stores a result.

use provider_core::layout::{POINTER, overlapped as offsets};
use provider_core::spi::WSS_OPERATION_IN_PROGRESS;
use provider_core::{EventHandle, UserPtr, WsaError};

use super::Guarded;
use crate::{CaseResult, Failure, TestBed, check};

/// The words of an OVERLAPPED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// `Internal`, all of it.
    pub internal: usize,
    /// `InternalHigh`.
    pub internal_high: usize,
    /// `Offset`.
    pub offset: u32,
    /// `OffsetHigh`.
    pub offset_high: u32,
    /// `hEvent`.
    pub event: usize,
}

/// A WSAOVERLAPPED in guarded memory.
#[derive(Clone, Copy, Debug)]
pub struct Op {
    memory: Guarded,
    event: usize,
}

const SENTINEL: u32 = 0x5e5e_5e5e;
const LONG_SENTINEL: usize = 0x5e5e_5e5e_5e5e_5e5e_u64 as usize;

impl Op {
    /// Without an event.
    pub fn new(bed: &dyn TestBed) -> Self {
        Self::with_event(bed, EventHandle(0))
    }

    /// With this in `hEvent`, whatever it is.
    pub fn with_event(bed: &dyn TestBed, event: EventHandle) -> Self {
        let memory = Guarded::holding(bed, &encode(sentinels(event.0)));
        Self { memory, event: event.0 }
    }

    /// Fills in the sentinels again, for another operation.
    pub fn renew(&self, bed: &dyn TestBed) {
        bed.write(self.at(), &encode(sentinels(self.event)));
    }

    /// Its address.
    pub const fn at(&self) -> UserPtr {
        self.memory.at()
    }

    /// The low 32 bits of `Internal`. Allowed at any time.
    pub fn status(&self, bed: &dyn TestBed) -> u32 {
        bed.status(self.at())
    }

    /// Whether it says that an operation is under way. Allowed at any time.
    pub fn is_pending(&self, bed: &dyn TestBed) -> bool {
        self.status(bed) == WSS_OPERATION_IN_PROGRESS
    }

    /// Its words. Only while no operation uses it.
    pub fn words(&self, bed: &dyn TestBed) -> Words {
        let mut bytes = [0; offsets::SIZE];
        bed.read(self.at(), &mut bytes);
        decode(&bytes)
    }

    /// No word of it was changed (OVL-5, OVL-6c).
    ///
    /// # Errors
    /// One was, or a byte beside it.
    #[track_caller]
    pub fn untouched(&self, bed: &dyn TestBed) -> CaseResult {
        check::equal("the words of the OVERLAPPED", self.words(bed), sentinels(self.event))?;
        self.memory.check(bed, "the OVERLAPPED")
    }

    /// Its operation is under way (OVL-6).
    ///
    /// # Errors
    /// It is not.
    #[track_caller]
    pub fn pending(&self, bed: &dyn TestBed) -> CaseResult {
        check::equal("Internal", self.status(bed), WSS_OPERATION_IN_PROGRESS)
    }

    /// Its operation sent all its `bytes` (OVL-7, OVL-8).
    ///
    /// # Errors
    /// Its words say otherwise.
    #[track_caller]
    pub fn sent(&self, bed: &dyn TestBed, bytes: usize) -> CaseResult {
        self.ended(bed, 0, bytes)
    }

    /// Its operation ended with `error` after `bytes` (OVL-7).
    ///
    /// # Errors
    /// Its words say otherwise.
    #[track_caller]
    pub fn failed(&self, bed: &dyn TestBed, error: WsaError, bytes: usize) -> CaseResult {
        self.ended(bed, error.0 as u32, bytes)
    }

    #[track_caller]
    fn ended(&self, bed: &dyn TestBed, error: u32, bytes: usize) -> CaseResult {
        if self.is_pending(bed) {
            return Err(Failure::new("the operation is still under way"));
        }
        let words = self.words(bed);
        check::equal(
            "OffsetHigh (the error)",
            WsaError(words.offset_high as i32),
            WsaError(error as i32),
        )?;
        check::equal("InternalHigh (the count)", words.internal_high, bytes)?;
        check::equal("Offset (the flags)", words.offset, 0)?;
        check::equal("hEvent", words.event, self.event)?;
        self.memory.check(bed, "the OVERLAPPED")
    }
}

const fn sentinels(event: usize) -> Words {
    Words {
        internal: LONG_SENTINEL,
        internal_high: LONG_SENTINEL,
        offset: SENTINEL,
        offset_high: SENTINEL,
        event,
    }
}

fn encode(words: Words) -> [u8; offsets::SIZE] {
    let mut bytes = [0; offsets::SIZE];
    let mut put = |at: usize, word: &[u8]| bytes[at..at + word.len()].copy_from_slice(word);
    put(offsets::INTERNAL, &words.internal.to_le_bytes());
    put(offsets::INTERNAL_HIGH, &words.internal_high.to_le_bytes());
    put(offsets::OFFSET, &words.offset.to_le_bytes());
    put(offsets::OFFSET_HIGH, &words.offset_high.to_le_bytes());
    put(offsets::EVENT, &words.event.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8; offsets::SIZE]) -> Words {
    let long = |at: usize| {
        let mut word = [0; POINTER];
        word.copy_from_slice(&bytes[at..at + POINTER]);
        usize::from_le_bytes(word)
    };
    let short = |at: usize| {
        let mut word = [0; 4];
        word.copy_from_slice(&bytes[at..at + 4]);
        u32::from_le_bytes(word)
    };
    Words {
        internal: long(offsets::INTERNAL),
        internal_high: long(offsets::INTERNAL_HIGH),
        offset: short(offsets::OFFSET),
        offset_high: short(offsets::OFFSET_HIGH),
        event: long(offsets::EVENT),
    }
}

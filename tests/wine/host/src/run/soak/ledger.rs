//! The ledger: each operation, how it was started, and each way in which its end was told.
//!
//! An operation that was accepted ends once. One without a routine is completed by one call of
//! WPUCompleteOverlappedRequest, refused or not; one with a routine by one call of the routine, or,
//! where WPUQueueApc was refused or its thread has gone, by its status alone.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::OnceLock;

use provider_core::spi::WSS_OPERATION_IN_PROGRESS;
use windows_sys::Win32::System::IO::OVERLAPPED;

use crate::ws2::threads;

/// Bytes of an operation's buffer.
pub(super) const ROOM: usize = 512;

/// How an operation was started.
pub(super) const FREE: u32 = 0;
/// Without a routine.
pub(super) const PLAIN: u32 = 1;
/// With one.
pub(super) const ROUTINE: u32 = 2;

/// The memory of one operation and what is known of it.
#[repr(C)]
pub(super) struct Slot {
    /// The first, so that a routine finds the rest.
    overlapped: core::cell::UnsafeCell<OVERLAPPED>,
    data: core::cell::UnsafeCell<[u8; ROOM]>,
    kind: AtomicU32,
    /// The thread that started it.
    owner: AtomicU32,
    routine_calls: AtomicU32,
    completions: AtomicU32,
}

// SAFETY: the OVERLAPPED and the data are the system's while an operation is under way, and the
// owner's otherwise; the rest is atomic.
unsafe impl Sync for Slot {}
// SAFETY: as above.
unsafe impl Send for Slot {}

static SLOTS: OnceLock<Vec<Slot>> = OnceLock::new();
static WRONG: AtomicU64 = AtomicU64::new(0);
static STARTED: AtomicU64 = AtomicU64::new(0);
static ENDED: AtomicU64 = AtomicU64::new(0);
/// Operations with a routine that ended by their status alone, in a thread that lives.
static SILENT: AtomicU64 = AtomicU64::new(0);

/// Something that must not be.
pub(super) fn wrong(what: &str) {
    // A flood says no more than its beginning.
    if WRONG.fetch_add(1, Ordering::Relaxed) < 50 {
        println!("WRONG: {what}");
    }
}

pub(super) fn wrongs() -> u64 {
    WRONG.load(Ordering::Relaxed)
}

pub(super) fn started() -> u64 {
    STARTED.load(Ordering::Relaxed)
}

pub(super) fn ended() -> u64 {
    ENDED.load(Ordering::Relaxed)
}

pub(super) fn silent() -> u64 {
    SILENT.load(Ordering::Relaxed)
}

/// So many routines were not called, as their APCs were refused.
pub(super) fn note_silent(count: usize) {
    SILENT.fetch_add(count as u64, Ordering::Relaxed);
}

/// All slots; the first call says how many.
pub(super) fn slots(count: usize) -> &'static [Slot] {
    SLOTS.get_or_init(|| (0..count).map(|_| Slot::new()).collect())
}

/// The slot of an OVERLAPPED, if it is one's.
fn slot_of(overlapped: *const OVERLAPPED) -> Option<&'static Slot> {
    let slots = SLOTS.get()?;
    let distance = (overlapped as usize).checked_sub(slots.as_ptr() as usize)?;
    (distance % size_of::<Slot>() == 0).then(|| slots.get(distance / size_of::<Slot>()))?
}

/// WPUCompleteOverlappedRequest was called for an operation.
pub(crate) fn completed(overlapped: *const OVERLAPPED) {
    if let Some(slot) = slot_of(overlapped) {
        let before = slot.completions.fetch_add(1, Ordering::SeqCst);
        let kind = slot.kind.load(Ordering::SeqCst);
        if kind != PLAIN || before != 0 {
            wrong(&format!("an operation of kind {kind} is completed again, after {before}"));
        }
    }
}

/// The completion routine of all operations.
pub(super) unsafe extern "system" fn routine(
    _error: u32,
    bytes: u32,
    overlapped: *mut OVERLAPPED,
    _flags: u32,
) {
    let Some(slot) = slot_of(overlapped) else { return wrong("a routine without its operation") };
    let before = slot.routine_calls.fetch_add(1, Ordering::SeqCst);
    let kind = slot.kind.load(Ordering::SeqCst);
    if kind != ROUTINE || before != 0 {
        wrong(&format!("an operation of kind {kind} calls its routine again, after {before}"));
    }
    if slot.owner.load(Ordering::SeqCst) != threads::current() as u32 {
        wrong("a routine runs in another thread");
    }
    if slot.is_pending() || bytes as usize > ROOM {
        wrong("a routine runs before its result is stored");
    }
}

impl Slot {
    fn new() -> Self {
        Self {
            overlapped: core::cell::UnsafeCell::new(OVERLAPPED::default()),
            data: core::cell::UnsafeCell::new([0x61; ROOM]),
            kind: AtomicU32::new(FREE),
            owner: AtomicU32::new(0),
            routine_calls: AtomicU32::new(0),
            completions: AtomicU32::new(0),
        }
    }

    pub(super) fn overlapped(&self) -> *mut OVERLAPPED {
        self.overlapped.get()
    }

    pub(super) fn data(&self) -> *mut u8 {
        self.data.get().cast()
    }

    fn status(&self) -> u32 {
        // SAFETY: the low half of Internal, which is only ever accessed so.
        let status =
            unsafe { AtomicU32::from_ptr((&raw mut (*self.overlapped()).Internal).cast()) };
        status.load(Ordering::SeqCst)
    }

    pub(super) fn is_pending(&self) -> bool {
        self.status() == WSS_OPERATION_IN_PROGRESS
    }

    pub(super) fn is_free(&self) -> bool {
        self.kind.load(Ordering::SeqCst) == FREE
    }

    /// An operation is about to be started with it.
    pub(super) fn begin(&self, kind: u32) {
        // SAFETY: it is free, so the OVERLAPPED is ours.
        unsafe { self.overlapped().write(OVERLAPPED::default()) };
        self.owner.store(threads::current() as u32, Ordering::SeqCst);
        self.routine_calls.store(0, Ordering::SeqCst);
        self.completions.store(0, Ordering::SeqCst);
        self.kind.store(kind, Ordering::SeqCst);
    }

    /// The call was refused: nothing of it may be told.
    pub(super) fn refused(&self) {
        if self.routine_calls.load(Ordering::SeqCst) + self.completions.load(Ordering::SeqCst) != 0
        {
            wrong("a refused operation is told of");
        }
        self.kind.store(FREE, Ordering::SeqCst);
    }

    pub(super) fn accepted(&self) {
        STARTED.fetch_add(1, Ordering::Relaxed);
    }

    /// Frees it if its operation has ended as it should.
    pub(super) fn settle(&self) -> bool {
        let told = match self.kind.load(Ordering::SeqCst) {
            FREE => return true,
            ROUTINE => self.routine_calls.load(Ordering::SeqCst),
            _ => self.completions.load(Ordering::SeqCst),
        };
        told == 1 && !self.is_pending() && self.end()
    }

    /// Whether it has a result, and its routine was not called.
    pub(super) fn is_silent(&self) -> bool {
        self.kind.load(Ordering::SeqCst) == ROUTINE
            && self.routine_calls.load(Ordering::SeqCst) == 0
            && !self.is_pending()
    }

    /// Frees it if its operation has a result, whoever was told.
    pub(super) fn settle_by_status(&self) -> bool {
        self.settle() || self.is_silent() && self.end()
    }

    fn end(&self) -> bool {
        ENDED.fetch_add(1, Ordering::Relaxed);
        self.kind.store(FREE, Ordering::SeqCst);
        true
    }

    pub(super) fn describe(&self) -> String {
        let of = |value: &AtomicU32| value.load(Ordering::SeqCst);
        format!(
            "kind {}, status {:#x}, {} calls of its routine, {} completions, thread {}",
            of(&self.kind),
            self.status(),
            of(&self.routine_calls),
            of(&self.completions),
            of(&self.owner),
        )
    }
}

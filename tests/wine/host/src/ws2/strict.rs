//! A host that is hard on its provider: upcalls that fail with every code they may, and are slow.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::Threading::{Sleep, SwitchToThread};

use super::script;

/// An upcall, and WPUCompleteOverlappedRequest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Upcall {
    CloseEvent,
    CloseSocketHandle,
    CreateEvent,
    CreateSocketHandle,
    FdIsSet,
    GetProviderPath,
    ModifyIfsHandle,
    PostMessage,
    QueryBlockingCallback,
    QuerySocketHandleContext,
    QueueApc,
    ResetEvent,
    SetEvent,
    OpenCurrentThread,
    CloseThread,
    CompleteOverlapped,
}

impl Upcall {
    const COUNT: usize = 16;

    /// The codes that it may fail with, where a provider can be expected to go on.
    const fn codes(self) -> &'static [i32] {
        match self {
            Self::CreateSocketHandle => &[ws::WSAENOBUFS],
            Self::QueueApc => &[ws::WSAEFAULT],
            Self::CompleteOverlapped => &[ws::WSAEINVAL],
            Self::SetEvent | Self::ResetEvent | Self::CloseEvent => &[ws::WSA_INVALID_HANDLE],
            Self::CreateEvent => &[ws::WSA_NOT_ENOUGH_MEMORY],
            Self::QueryBlockingCallback => &[ws::WSAEFAULT, ws::WSAEINVAL],
            Self::OpenCurrentThread | Self::CloseThread => &[ws::WSANOTINITIALISED],
            Self::ModifyIfsHandle => &[ws::WSAEINVAL],
            Self::GetProviderPath => &[ws::WSAEFAULT, ws::WSAEINVAL],
            // A handle that exists stays known, and a message has no error.
            _ => &[],
        }
    }
}

static ON: AtomicBool = AtomicBool::new(false);
static DICE: AtomicU64 = AtomicU64::new(0x9e37_79b9_7f4a_7c15);
static REFUSED: [AtomicU64; Upcall::COUNT] = [const { AtomicU64::new(0) }; Upcall::COUNT];

/// Of so many calls of an upcall one fails; of as many another is slow.
const ONE_IN: u64 = 64;

/// Turns strictness on or off.
pub(crate) fn set(on: bool) {
    ON.store(on, Ordering::SeqCst);
}

pub(crate) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// A number from a sequence that all threads draw from.
pub(crate) fn roll() -> u64 {
    // splitmix64.
    let mut word = DICE.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Whether this call of an upcall fails, and with what. It may be slow instead.
pub(crate) fn refuses(upcall: Upcall) -> Option<i32> {
    if let Some(error) = script::next(upcall) {
        return Some(error);
    }
    if !is_on() {
        return None;
    }
    let word = roll();
    if word.is_multiple_of(ONE_IN) {
        let codes = upcall.codes();
        let error = codes.get((word >> 32) as usize % codes.len().max(1)).copied();
        if error.is_some() {
            REFUSED[upcall as usize].fetch_add(1, Ordering::Relaxed);
        }
        return error;
    }
    if word % ONE_IN == 1 {
        // SAFETY: both only wait.
        unsafe {
            if word & (1 << 40) == 0 {
                SwitchToThread();
            } else {
                Sleep(1);
            }
        }
    }
    None
}

/// How often strictness refused an upcall.
pub(crate) fn refused(upcall: Upcall) -> u64 {
    REFUSED[upcall as usize].load(Ordering::Relaxed)
}

/// Writes over the stack below the caller, where a call that has returned may have left something.
#[inline(never)]
pub(crate) fn scribble_stack() {
    let mut below = [0_u64; 1024];
    for word in &mut below {
        // SAFETY: a local of ours; volatile so that it is written at all.
        unsafe { core::ptr::write_volatile(word, 0xdead_dead_dead_dead) };
    }
    core::hint::black_box(&below);
}

//! Which thread runs, by a number that is never used again, and what it is doing for the client.
//!
//! The system's own slots hold it, not Rust's thread-locals: those are gone when DllMain hears of a
//! thread's end.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;

use provider_core::ThreadKey;
use windows_sys::Win32::System::Threading::{
    TLS_OUT_OF_INDEXES, TlsAlloc, TlsGetValue, TlsSetValue,
};

static NEXT: AtomicU64 = AtomicU64::new(1);
static SLOTS: OnceLock<Slots> = OnceLock::new();

/// The slots of this DLL; each thread has its own values there, 0 at first.
#[derive(Clone, Copy)]
struct Slots {
    key: u32,
    in_hook: u32,
}

/// Takes the slots. `false` when the process has none left.
pub(crate) fn prepare() -> bool {
    if SLOTS.get().is_some() {
        return true;
    }
    // SAFETY: takes a slot, or gives TLS_OUT_OF_INDEXES.
    let slots = unsafe { Slots { key: TlsAlloc(), in_hook: TlsAlloc() } };
    if slots.key == TLS_OUT_OF_INDEXES || slots.in_hook == TLS_OUT_OF_INDEXES {
        return false;
    }
    // Two first starts at once: the slots of one of them stay unused.
    let _ = SLOTS.set(slots);
    true
}

fn get(slot: u32) -> usize {
    // SAFETY: a slot of ours.
    unsafe { TlsGetValue(slot) }.addr()
}

fn set(slot: u32, value: usize) {
    let value: *const c_void = ptr::without_provenance(value);
    // SAFETY: a slot of ours.
    unsafe { TlsSetValue(slot, value) };
}

/// The running thread.
pub(crate) fn current() -> ThreadKey {
    let Some(slots) = SLOTS.get() else { return ThreadKey(0) };
    if get(slots.key) == 0 {
        set(slots.key, NEXT.fetch_add(1, Ordering::Relaxed) as usize);
    }
    ThreadKey(get(slots.key) as u64)
}

/// The running thread, if it ever called the provider.
pub(crate) fn known() -> Option<ThreadKey> {
    match get(SLOTS.get()?.key) {
        0 => None,
        key => Some(ThreadKey(key as u64)),
    }
}

/// Whether the running thread is inside of its blocking hook.
pub(crate) fn in_hook() -> bool {
    SLOTS.get().is_some_and(|slots| get(slots.in_hook) != 0)
}

/// Runs the client's blocking hook.
pub(crate) fn during_hook<R>(hook: impl FnOnce() -> R) -> R {
    let Some(slots) = SLOTS.get() else { return hook() };
    let before = get(slots.in_hook);
    set(slots.in_hook, 1);
    let result = hook();
    set(slots.in_hook, before);
    result
}

//! Which thread runs, by a number that is never used again, and what it is doing for the client.

use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering};

use provider_core::ThreadKey;

static NEXT: AtomicU64 = AtomicU64::new(1);

thread_local! {
    // No destructors: nothing of this may run under the loader lock when a thread ends.
    static KEY: Cell<u64> = const { Cell::new(0) };
    static IN_HOOK: Cell<bool> = const { Cell::new(false) };
}

/// The running thread.
pub(crate) fn current() -> ThreadKey {
    ThreadKey(KEY.with(|key| {
        if key.get() == 0 {
            key.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        key.get()
    }))
}

/// The running thread, if it ever called the provider.
pub(crate) fn known() -> Option<ThreadKey> {
    let key = KEY.with(Cell::get);
    (key != 0).then_some(ThreadKey(key))
}

/// Whether the running thread is inside of its blocking hook.
pub(crate) fn in_hook() -> bool {
    IN_HOOK.with(Cell::get)
}

/// Runs the client's blocking hook.
pub(crate) fn during_hook<R>(hook: impl FnOnce() -> R) -> R {
    let before = IN_HOOK.with(|inside| inside.replace(true));
    let result = hook();
    IN_HOOK.with(|inside| inside.set(before));
    result
}

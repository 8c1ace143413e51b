//! Blocking hooks: one for each thread, and the callback that WPUQueryBlockingCallback gives.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::core::BOOL;

use super::give;
use super::strict::{self, Upcall};

/// What a hook does: while it gives `true` it is called again at once.
pub(crate) type Hook = Rc<dyn Fn() -> bool>;

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static CANCELLED: Cell<bool> = const { Cell::new(false) };
}

/// Sets the hook of the running thread, or takes it away.
pub(crate) fn set(hook: Option<Hook>) {
    HOOK.with(|own| *own.borrow_mut() = hook);
}

/// WSPCancelBlockingCall has succeeded in the running thread.
pub(crate) fn cancelled() {
    if DEPTH.with(Cell::get) > 0 {
        CANCELLED.with(|cancelled| cancelled.set(true));
    }
}

/// ws2_32's own function: it calls the thread's hook until that has nothing left to do, and gives
/// FALSE where the call was cancelled meanwhile.
unsafe extern "system" fn callback(_context: usize) -> BOOL {
    let Some(hook) = HOOK.with(|own| own.borrow().clone()) else { return 1 };
    DEPTH.with(|depth| depth.set(depth.get() + 1));
    while hook() {}
    DEPTH.with(|depth| depth.set(depth.get() - 1));
    BOOL::from(!CANCELLED.with(Cell::take))
}

pub(crate) unsafe extern "system" fn query_blocking_callback(
    _entry: u32,
    callback_out: *mut ws::LPBLOCKINGCALLBACK,
    context: *mut usize,
    errno: *mut i32,
) -> i32 {
    if let Some(error) = strict::refuses(Upcall::QueryBlockingCallback) {
        // SAFETY: the provider's lpErrno.
        return unsafe { give(Err(error), errno) };
    }
    let is_set = HOOK.with(|own| own.borrow().is_some());
    // SAFETY: the provider's callback and context.
    unsafe {
        *callback_out = is_set.then_some(callback as unsafe extern "system" fn(usize) -> BOOL);
        *context = usize::from(is_set);
    }
    0
}

//! Event objects of the DLL's own.

use core::ptr;

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
use windows_sys::Win32::System::Threading::{
    CreateEventW, INFINITE, SetEvent, WaitForSingleObject,
};

/// An auto-reset event, or none where the system had none to give: then every wait on it ends at
/// once, and whoever waits looks again.
pub(crate) struct AutoEvent(HANDLE);

// SAFETY: a handle may be used by any thread.
unsafe impl Send for AutoEvent {}
// SAFETY: as above.
unsafe impl Sync for AutoEvent {}

impl AutoEvent {
    pub(crate) fn new() -> Self {
        // SAFETY: no name, no attributes.
        Self(unsafe { CreateEventW(ptr::null(), 0, 0, ptr::null()) })
    }

    pub(crate) fn set(&self) {
        // SAFETY: ours until it is dropped.
        unsafe { SetEvent(self.0) };
    }

    /// Waits, not alertably, for at most so many milliseconds.
    pub(crate) fn wait(&self, milliseconds: u32) {
        debug_assert_ne!(milliseconds, INFINITE);
        // SAFETY: ours until it is dropped.
        unsafe { WaitForSingleObject(self.0, milliseconds) };
    }

    pub(crate) fn handle(&self) -> HANDLE {
        self.0
    }
}

impl Drop for AutoEvent {
    fn drop(&mut self) {
        // SAFETY: ours, and closed once.
        unsafe { CloseHandle(self.0) };
    }
}

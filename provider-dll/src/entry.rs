//! DllMain: what may be done under the loader lock, which is next to nothing.

use core::ffi::c_void;

use windows_sys::Win32::System::SystemServices::DLL_THREAD_DETACH;

use crate::host::threads;
use crate::instance::worker;

/// Records the end of a thread that called the provider; the worker cancels its I/O (CXL-5). No
/// lock of the core's, no upcall, no wait.
#[unsafe(no_mangle)]
extern "system" fn DllMain(_module: *mut c_void, reason: u32, _reserved: *mut c_void) -> i32 {
    if reason == DLL_THREAD_DETACH
        && let (Some(thread), Some(worker)) = (threads::known(), worker())
    {
        worker.thread_ended(thread);
    }
    1
}

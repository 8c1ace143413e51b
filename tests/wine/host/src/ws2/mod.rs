//! What ws2_32 is to a provider: the upcall table, and what stands behind it.

pub(crate) mod complete;
mod events;
pub(crate) mod handles;
pub(crate) mod hooks;
mod paths;
pub(crate) mod ports;
pub(crate) mod script;
pub(crate) mod strict;
pub(crate) mod threads;
pub(crate) mod windows;

use std::sync::{Mutex, MutexGuard, PoisonError};

use windows_sys::Win32::Networking::WinSock as ws;

/// The table, which WSPStartup gets by value.
pub(crate) const UPCALLS: ws::WSPUPCALLTABLE = ws::WSPUPCALLTABLE {
    lpWPUCloseEvent: Some(events::close_event),
    lpWPUCloseSocketHandle: Some(handles::close_socket_handle),
    lpWPUCreateEvent: Some(events::create_event),
    lpWPUCreateSocketHandle: Some(handles::create_socket_handle),
    lpWPUFDIsSet: Some(handles::fd_is_set),
    lpWPUGetProviderPath: Some(paths::get_provider_path),
    lpWPUModifyIFSHandle: Some(handles::modify_ifs_handle),
    lpWPUPostMessage: Some(windows::post_message),
    lpWPUQueryBlockingCallback: Some(hooks::query_blocking_callback),
    lpWPUQuerySocketHandleContext: Some(handles::query_socket_handle_context),
    lpWPUQueueApc: Some(threads::queue_apc),
    lpWPUResetEvent: Some(events::reset_event),
    lpWPUSetEvent: Some(events::set_event),
    lpWPUOpenCurrentThread: Some(threads::open_current_thread),
    lpWPUCloseThread: Some(threads::close_thread),
};

/// A value that all threads share. Its lock is held for one access, never across a call.
pub(crate) struct Locked<T>(Mutex<T>);

impl<T> Locked<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stores an error for an upcall that failed.
///
/// # Safety
/// `errno` is null or writable.
pub(crate) unsafe fn fail(errno: *mut i32, error: i32) {
    if !errno.is_null() {
        // SAFETY: as the caller says.
        unsafe { *errno = error };
    }
}

/// Stores what went wrong; gives 0 or SOCKET_ERROR.
///
/// # Safety
/// `errno` is null or writable.
pub(crate) unsafe fn give(result: Result<(), i32>, errno: *mut i32) -> i32 {
    match result {
        Ok(()) => 0,
        Err(error) => {
            // SAFETY: as the caller says.
            unsafe { fail(errno, error) };
            ws::SOCKET_ERROR
        }
    }
}

//! What changes around the threads: the provider below, and how much the process uses.

use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use windows_sys::Win32::Foundation::CloseHandle;
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::ProcessStatus::{GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::Threading::{CreateEventW, GetCurrentProcess, Sleep};
use wsplower::control::{Control, SEAM_ACCEPT, SEAM_RECEIVE, SEAM_SEND};

use crate::ws2::strict::roll;

/// Lets the provider below misbehave until it is told to stop.
pub(super) fn change(lower: &Control, stop: &AtomicBool) {
    let seams = [SEAM_SEND, SEAM_SEND, SEAM_RECEIVE, SEAM_ACCEPT];
    let errors = [ws::WSAEWOULDBLOCK, ws::WSAENOBUFS, ws::WSAEWOULDBLOCK, ws::WSAECONNRESET];
    while !stop.load(Ordering::Relaxed) {
        let word = roll();
        let seam = seams[(word >> 8) as usize % seams.len()];
        match word % 8 {
            0..3 => (lower.hold)(seam),
            3 => (lower.take)(SEAM_SEND, 1 + (word >> 16) as usize % 64),
            4 => (lower.refuse)(seam, errors[(word >> 24) as usize % errors.len()]),
            5 => (lower.delay)(seam, 1),
            _ => {}
        }
        // SAFETY: waits, and nothing else.
        unsafe { Sleep((word >> 40) as u32 % 5) };
        (lower.release)(seam);
        (lower.clear_taken)();
    }
    for seam in seams {
        (lower.forget)(seam);
        (lower.release)(seam);
    }
}

/// What the process uses.
#[derive(Clone, Copy, Default)]
pub(super) struct Usage {
    pub(super) bytes: u64,
    pub(super) handles: usize,
}

impl Usage {
    pub(super) fn now() -> Self {
        let mut counters = PROCESS_MEMORY_COUNTERS::default();
        let size = size_of::<PROCESS_MEMORY_COUNTERS>() as u32;
        // A handle has the lowest value that is free: it tells how many there are, also where
        // GetProcessHandleCount does not (Wine).
        // SAFETY: the first fills what it is given; the event is closed again.
        let handles = unsafe {
            GetProcessMemoryInfo(GetCurrentProcess(), &raw mut counters, size);
            let event = CreateEventW(ptr::null(), 0, 0, ptr::null());
            CloseHandle(event);
            event as usize / 4
        };
        Self { bytes: counters.WorkingSetSize as u64, handles }
    }
}

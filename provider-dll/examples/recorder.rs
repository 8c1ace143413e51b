//! A lower provider that carries nothing and tells how it was started: a DLL for tests/startup.rs.
#![cfg(windows)]

use core::ffi::c_void;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use windows_sys::Win32::Networking::WinSock as ws;

const VERSION: u16 = 0x0202;

static STARTS: AtomicU32 = AtomicU32::new(0);
static CLEANUPS: AtomicU32 = AtomicU32::new(0);
static ENTRY: AtomicU32 = AtomicU32::new(0);
static CHAIN_LEN: AtomicI32 = AtomicI32::new(0);

/// What was seen: starts, clean-ups, and of the last start the entry and the length of its chain.
///
/// # Safety
/// `seen` has room for four numbers.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn recorder_seen(seen: *mut [u32; 4]) {
    let chain_len = CHAIN_LEN.load(Ordering::SeqCst) as u32;
    let counts = [&STARTS, &CLEANUPS, &ENTRY].map(|number| number.load(Ordering::SeqCst));
    // SAFETY: as above.
    unsafe { seen.write([counts[0], counts[1], counts[2], chain_len]) };
}

unsafe extern "system" fn refuse() -> isize {
    -1
}

unsafe extern "system" fn agree() -> isize {
    0
}

unsafe extern "system" fn open() -> isize {
    0x7770
}

unsafe extern "system" fn cleanup(_errno: *mut i32) -> i32 {
    CLEANUPS.fetch_add(1, Ordering::SeqCst);
    0
}

/// The number in an environment variable of the process, or 0.
fn told(name: &str) -> i32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// # Safety
/// As ws2spi.h says.
#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "the name of the export")]
pub unsafe extern "system" fn WSPStartup(
    _version: u16,
    data: *mut ws::WSPDATA,
    info: *const ws::WSAPROTOCOL_INFOW,
    _upcalls: ws::WSPUPCALLTABLE,
    table: *mut ws::WSPPROC_TABLE,
) -> i32 {
    let answer = told("RECORDER_ANSWER");
    if answer != 0 {
        return answer;
    }
    STARTS.fetch_add(1, Ordering::SeqCst);
    let mut functions: [*const c_void; 30] = [refuse as *const c_void; 30];
    functions[5] = cleanup as *const c_void;
    functions[28] = open as *const c_void;
    // WSPCloseSocket, WSPEventSelect.
    for place in [6, 10] {
        functions[place] = agree as *const c_void;
    }
    // SAFETY: as ws2spi.h says; the table is an array of 30 pointers, and a function that looks at
    // no argument may be called with any.
    unsafe {
        ENTRY.store((*info).dwCatalogEntryId, Ordering::SeqCst);
        CHAIN_LEN.store((*info).ProtocolChain.ChainLen, Ordering::SeqCst);
        let version = told("RECORDER_VERSION");
        (*data).wVersion = if version == 0 { VERSION } else { version as u16 };
        (*data).wHighVersion = VERSION;
        table.cast::<[*const c_void; 30]>().write(functions);
    }
    0
}

//! WSPStartup: version, upcalls, the lower provider, the procedure table.

use core::panic::AssertUnwindSafe;
use core::ptr;
use std::panic::catch_unwind;

use provider_core::{ServiceProvider, WsaError, spi};
use windows_sys::Win32::Networking::WinSock as ws;

use crate::instance;
use crate::lower::NextProvider;
use crate::table;
use crate::upcalls::Upcalls;

const DESCRIPTION: &str = "wspsim provider";

/// The DLL's one export that ws2_32 knows.
///
/// # Safety
/// As ws2spi.h says: `lpWSPData` and `lpProcTable` are to be written, `lpProtocolInfo` to be read.
#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "the name of the export")]
pub unsafe extern "system" fn WSPStartup(
    wVersionRequested: u16,
    lpWSPData: *mut ws::WSPDATA,
    lpProtocolInfo: *const ws::WSAPROTOCOL_INFOW,
    UpcallTable: ws::WSPUPCALLTABLE,
    lpProcTable: *mut ws::WSPPROC_TABLE,
) -> i32 {
    if lpWSPData.is_null() || lpProtocolInfo.is_null() || lpProcTable.is_null() {
        return WsaError::WSAEFAULT.0;
    }
    // SAFETY: not null, and readable by the function's contract.
    let info = unsafe { ptr::read_unaligned(lpProtocolInfo) };
    let started = catch_unwind(AssertUnwindSafe(|| start(wVersionRequested, &info, &UpcallTable)));
    match started {
        Ok(Ok(version)) => {
            // SAFETY: not null, and writable by the function's contract.
            unsafe {
                lpWSPData.write_unaligned(data(version));
                lpProcTable.write_unaligned(table::TABLE);
            }
            0
        }
        Ok(Err(error)) => error.0,
        Err(_) => ws::WSASYSNOTREADY,
    }
}

fn start(
    version: u16,
    info: &ws::WSAPROTOCOL_INFOW,
    upcalls: &ws::WSPUPCALLTABLE,
) -> Result<u16, WsaError> {
    let core = instance::core();
    let kept = Upcalls::new(*upcalls, info.dwCatalogEntryId)?;
    // The version first: nothing is loaded for one that is not spoken.
    let version = core.wsp_startup(version)?;
    core.host().set_upcalls(kept);
    match NextProvider::start(info, upcalls) {
        Ok(next) => {
            core.host().lower().add(next);
            Ok(version)
        }
        Err(error) => {
            table::undo_startup();
            Err(error)
        }
    }
}

fn data(version: u16) -> ws::WSPDATA {
    let mut description = [0; 256];
    for (word, unit) in description.iter_mut().zip(DESCRIPTION.encode_utf16()) {
        *word = unit;
    }
    ws::WSPDATA {
        wVersion: version,
        wHighVersion: spi::WINSOCK_VERSION,
        szDescription: description,
    }
}

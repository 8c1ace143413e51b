//! WSPStartup: version, upcalls, the lower provider, the procedure table.

use core::panic::AssertUnwindSafe;
use core::ptr;
use std::panic::catch_unwind;

use provider_core::{Memory as _, ServiceProvider, UserPtr, WsaError, spi};
use windows_sys::Win32::Networking::WinSock as ws;

use crate::instance;
use crate::lower::NextProvider;
use crate::memory::ProcessMemory;
use crate::table;
use crate::upcalls::Upcalls;

const DESCRIPTION: &str = "wspsim provider";

/// The DLL's one export that ws2_32 knows.
///
/// # Safety
/// As ws2spi.h says: `UpcallTable` has functions of those kinds.
#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "the name of the export")]
pub unsafe extern "system" fn WSPStartup(
    wVersionRequested: u16,
    lpWSPData: *mut ws::WSPDATA,
    lpProtocolInfo: *const ws::WSAPROTOCOL_INFOW,
    UpcallTable: ws::WSPUPCALLTABLE,
    lpProcTable: *mut ws::WSPPROC_TABLE,
) -> i32 {
    //= docs/spec/startup.md#startup-6
    //# An `lpWSPData` or `lpProcTable` that is null MUST fail the call with WSAEFAULT.
    let readable = ProcessMemory.probe_read(at(lpProtocolInfo), size_of::<ws::WSAPROTOCOL_INFOW>());
    let writable = ProcessMemory
        .probe_write(at(lpWSPData), size_of::<ws::WSPDATA>())
        .and(ProcessMemory.probe_write(at(lpProcTable), size_of::<ws::WSPPROC_TABLE>()));
    if readable.and(writable).is_err() {
        return WsaError::WSAEFAULT.0;
    }
    // SAFETY: readable a moment ago.
    let info = unsafe { ptr::read_unaligned(lpProtocolInfo) };
    let started = catch_unwind(AssertUnwindSafe(|| start(wVersionRequested, &info, &UpcallTable)));
    match started {
        Ok(Ok(version)) => {
            //= docs/spec/startup.md#startup-7
            //# All 30 entries of the procedure table MUST be filled.
            // SAFETY: writable a moment ago.
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

fn at<T>(pointer: *const T) -> UserPtr {
    UserPtr(pointer.expose_provenance())
}

fn start(
    version: u16,
    info: &ws::WSAPROTOCOL_INFOW,
    upcalls: &ws::WSPUPCALLTABLE,
) -> Result<u16, WsaError> {
    let core = instance::start().ok_or(WsaError(ws::WSASYSNOTREADY))?;
    // The version first: nothing is loaded for one that is not spoken.
    let version = core.wsp_startup(version)?;
    let prepared = core.life().and_then(|life| {
        let kept = Upcalls::new(upcalls, info.dwCatalogEntryId)?;
        let next = NextProvider::start(info, upcalls)?;
        Ok((life, kept, next))
    });
    match prepared {
        Ok((life, kept, next)) => {
            //= docs/spec/startup.md#startup-8
            //# The upcall table MUST be copied before the call returns, and the most recent copy used.
            core.host().begin(life, kept, next);
            Ok(version)
        }
        Err(error) => {
            let mut errno = 0_i32;
            instance::cleanup(core, at(&raw mut errno));
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

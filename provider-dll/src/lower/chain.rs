//! The next provider in the chain: found by the catalogue, loaded, started.

use core::ptr;
use std::os::windows::ffi::OsStrExt;

use provider_core::{CatalogEntry, WsaError, layout::protocol_info, spi};
use windows_sys::Win32::Foundation::{FreeLibrary, HMODULE};
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::Environment::ExpandEnvironmentStringsW;
use windows_sys::Win32::System::LibraryLoader::{GetProcAddress, LoadLibraryW};
use windows_sys::core::{GUID, s};

use crate::catalog::{self, LAYERED_ENTRY};
use crate::upcalls;

/// The environment variable that names the next provider's DLL, in the place of what
/// WPUGetProviderPath gives.
const OVERRIDE: &str = "WSPPROVIDER_NEXT";

const FAILED: WsaError = WsaError(ws::WSAEPROVIDERFAILEDINIT);

/// A lower provider that was started: cleaned up and unloaded with its last holder.
pub(crate) struct NextProvider {
    pub(super) table: ws::WSPPROC_TABLE,
    /// What its sockets are made of.
    pub(super) info: ws::WSAPROTOCOL_INFOW,
    /// Our own entry, above it.
    own: ws::WSAPROTOCOL_INFOW,
    /// Let go after the clean-up.
    _module: Module,
}

/// A loaded DLL.
struct Module(HMODULE);

// SAFETY: a module belongs to the process, not to a thread.
unsafe impl Send for Module {}
// SAFETY: as above.
unsafe impl Sync for Module {}

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: loaded once for this, and nobody calls into it any more.
        unsafe { FreeLibrary(self.0) };
    }
}

impl NextProvider {
    //= docs/spec/startup.md#startup-11
    //# A next provider that cannot be loaded or started MUST fail the call with
    //# WSAEPROVIDERFAILEDINIT and be unloaded.
    /// Starts the one below our entry `own`.
    ///
    /// # Errors
    /// WSAEPROVIDERFAILEDINIT: it is not there, is no provider, or did not start.
    pub(crate) fn start(
        own: &ws::WSAPROTOCOL_INFOW,
        upcalls: &ws::WSPUPCALLTABLE,
    ) -> Result<Self, WsaError> {
        let (path, info) = below(own, upcalls)?;
        // SAFETY: the path ends with a zero.
        let module = Module(unsafe { LoadLibraryW(path.as_ptr()) });
        if module.0.is_null() {
            return Err(FAILED);
        }
        // SAFETY: the name ends with a zero.
        let startup = unsafe { GetProcAddress(module.0, s!("WSPStartup")) };
        // SAFETY: this is what the export of that name is (ws2spi.h).
        let startup = unsafe {
            core::mem::transmute::<Option<unsafe extern "system" fn() -> isize>, ws::LPWSPSTARTUP>(
                startup,
            )
        };
        let startup = startup.ok_or(FAILED)?;
        let mut table = ws::WSPPROC_TABLE::default();
        let mut data = ws::WSPDATA { wVersion: 0, wHighVersion: 0, szDescription: [0; 256] };
        // SAFETY: all of these outlive the call. It writes `data`, whatever windows-sys makes of it.
        let error = unsafe {
            startup(
                spi::WINSOCK_VERSION,
                (&raw mut data).cast_const(),
                &raw const info,
                *upcalls,
                &raw mut table,
            )
        };
        if error != 0 {
            return Err(FAILED);
        }
        let next = Self { table, info, own: *own, _module: module };
        // From here on the start is paired, by Drop.
        if data.wVersion == spi::WINSOCK_VERSION { Ok(next) } else { Err(FAILED) }
    }

    /// Our own entry in the catalogue, above this.
    pub(super) fn own_entry(&self) -> CatalogEntry {
        let mut provider = [0; protocol_info::GUID];
        let id = &self.own.ProviderId;
        provider[..4].copy_from_slice(&id.data1.to_le_bytes());
        provider[4..6].copy_from_slice(&id.data2.to_le_bytes());
        provider[6..8].copy_from_slice(&id.data3.to_le_bytes());
        provider[8..].copy_from_slice(&id.data4);
        CatalogEntry { provider, id: self.own.dwCatalogEntryId }
    }

    /// Whether our entry above this is for sockets of that family and type.
    pub(super) fn serves(&self, af: i32, type_: i32) -> bool {
        self.own.iAddressFamily == af && self.own.iSocketType == type_
    }
}

impl Drop for NextProvider {
    fn drop(&mut self) {
        if let Some(cleanup) = self.table.lpWSPCleanup {
            let mut errno = 0;
            // SAFETY: its own function, while its DLL is loaded.
            unsafe { cleanup(&raw mut errno) };
        }
    }
}

//= docs/spec/startup.md#startup-10
//# The next provider of the chain MUST be found with WPUGetProviderPath and started with its own entry
//# where it is the base, and with the same chain otherwise.
/// Where the next provider is, and the protocol information that it is started with: its own where
/// it is the base (a chain of one), else ours, in which it finds its own place.
fn below(
    own: &ws::WSAPROTOCOL_INFOW,
    upcalls: &ws::WSPUPCALLTABLE,
) -> Result<(Vec<u16>, ws::WSAPROTOCOL_INFOW), WsaError> {
    if let Some(path) = std::env::var_os(OVERRIDE) {
        return Ok((path.encode_wide().chain([0]).collect(), *own));
    }
    let next = catalog_entry_below(own)?;
    let mut path = upcalls::provider_path(upcalls, &next.ProviderId)?;
    path.push(0);
    let is_base = next.ProtocolChain.ChainLen == ws::BASE_PROTOCOL as i32;
    Ok((expanded(&path)?, if is_base { next } else { *own }))
}

/// The catalogue entry behind ours in the chain.
fn catalog_entry_below(own: &ws::WSAPROTOCOL_INFOW) -> Result<ws::WSAPROTOCOL_INFOW, WsaError> {
    let chain = &own.ProtocolChain;
    let len = usize::try_from(chain.ChainLen).unwrap_or(0).min(chain.ChainEntries.len());
    let entries = &chain.ChainEntries[..len];
    let known = catalogue()?;
    let find = |id| known.iter().find(|entry| entry.dwCatalogEntryId == id);
    let is_layered = |id| find(id).is_some_and(|entry| is(&entry.ProviderId, LAYERED_ENTRY));
    let below = catalog::below(entries, own.dwCatalogEntryId, is_layered);
    below.and_then(find).copied().ok_or(FAILED)
}

fn is(id: &GUID, wanted: u128) -> bool {
    let wanted = GUID::from_u128(wanted);
    (id.data1, id.data2, id.data3, id.data4)
        == (wanted.data1, wanted.data2, wanted.data3, wanted.data4)
}

/// All entries of the catalogue.
fn catalogue() -> Result<Vec<ws::WSAPROTOCOL_INFOW>, WsaError> {
    const ENTRY: usize = size_of::<ws::WSAPROTOCOL_INFOW>();
    let mut entries: Vec<ws::WSAPROTOCOL_INFOW> = Vec::new();
    loop {
        let mut bytes = (entries.len() * ENTRY) as u32;
        let mut errno = 0;
        // SAFETY: the buffer has as many bytes as `bytes` says.
        let found = unsafe {
            ws::WSCEnumProtocols(ptr::null(), entries.as_mut_ptr(), &raw mut bytes, &raw mut errno)
        };
        let needed = (bytes as usize).div_ceil(ENTRY);
        match usize::try_from(found) {
            Ok(found) => {
                entries.truncate(found);
                return Ok(entries);
            }
            // It grew, or was not asked with room yet.
            Err(_) if errno == ws::WSAENOBUFS && needed > entries.len() => {
                entries.resize(needed, ws::WSAPROTOCOL_INFOW::default());
            }
            Err(_) => return Err(FAILED),
        }
    }
}

/// A path with its environment strings replaced. Ends with a zero, as `path` does.
fn expanded(path: &[u16]) -> Result<Vec<u16>, WsaError> {
    let mut whole = Vec::new();
    loop {
        let room = whole.len() as u32;
        // SAFETY: `path` ends with a zero; `whole` has as many words as `room` says.
        let words = unsafe { ExpandEnvironmentStringsW(path.as_ptr(), whole.as_mut_ptr(), room) };
        match words {
            0 => return Err(FAILED),
            words if words <= room => return Ok(whole),
            words => whole.resize(words as usize, 0),
        }
    }
}

//! The next provider in the chain: found by the catalog, loaded, started.

use core::ptr;
use std::os::windows::ffi::OsStrExt;

use provider_core::WsaError;
use windows_sys::Win32::Foundation::{FreeLibrary, HMODULE};
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::Environment::ExpandEnvironmentStringsW;
use windows_sys::Win32::System::LibraryLoader::{GetProcAddress, LoadLibraryW};
use windows_sys::core::s;

use crate::upcalls::Upcalls;

/// The environment variable that names the lower provider's DLL, for tests: it takes the place of
/// WPUGetProviderPath.
pub(crate) const OVERRIDE: &str = "WSPPROVIDER_LOWER";

/// A lower provider that was started.
pub(crate) struct NextProvider {
    pub(crate) table: ws::WSPPROC_TABLE,
    /// What its sockets are made of: its own catalog entry.
    pub(crate) info: ws::WSAPROTOCOL_INFOW,
    module: HMODULE,
}

// SAFETY: a module and function pointers belong to the process, not to a thread.
unsafe impl Send for NextProvider {}
// SAFETY: as above.
unsafe impl Sync for NextProvider {}

impl NextProvider {
    /// Starts the one behind our own entry.
    ///
    /// # Errors
    /// WSAEPROVIDERFAILEDINIT: it is not there, is no provider, or did not start.
    pub(crate) fn start(
        own: &ws::WSAPROTOCOL_INFOW,
        upcalls: &ws::WSPUPCALLTABLE,
    ) -> Result<Self, WsaError> {
        let failed = WsaError(ws::WSAEPROVIDERFAILEDINIT);
        let (path, info) = below(own, upcalls)?;
        // SAFETY: the path ends with a zero.
        let module = unsafe { LoadLibraryW(path.as_ptr()) };
        if module.is_null() {
            return Err(failed);
        }
        let mut next = Self { table: ws::WSPPROC_TABLE::default(), info, module };
        // SAFETY: the name ends with a zero.
        let startup = unsafe { GetProcAddress(module, s!("WSPStartup")) };
        // SAFETY: this is what the export of that name is (ws2spi.h).
        let startup = unsafe {
            core::mem::transmute::<Option<unsafe extern "system" fn() -> isize>, ws::LPWSPSTARTUP>(
                startup,
            )
        };
        let Some(startup) = startup else { return Err(failed) };
        let mut data = ws::WSPDATA { wVersion: 0, wHighVersion: 0, szDescription: [0; 256] };
        // SAFETY: all of these outlive the call.
        let error = unsafe {
            startup(
                provider_core::spi::WINSOCK_VERSION,
                (&raw mut data).cast_const(),
                &raw const next.info,
                *upcalls,
                &raw mut next.table,
            )
        };
        if error != 0 || data.wVersion != provider_core::spi::WINSOCK_VERSION {
            return Err(failed);
        }
        Ok(next)
    }

    /// Pairs the start.
    pub(crate) fn clean_up(&self) {
        if let Some(cleanup) = self.table.lpWSPCleanup {
            let mut errno = 0;
            // SAFETY: its own function.
            unsafe { cleanup(&raw mut errno) };
        }
    }
}

impl Drop for NextProvider {
    fn drop(&mut self) {
        // SAFETY: loaded once, and nobody calls into it any more.
        unsafe { FreeLibrary(self.module) };
    }
}

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
    let mut path = Upcalls::provider_path(upcalls, &next.ProviderId)?;
    path.push(0);
    let is_base = next.ProtocolChain.ChainLen == ws::BASE_PROTOCOL as i32;
    Ok((expanded(&path), if is_base { next } else { *own }))
}

/// The catalog entry behind ours in the chain.
fn catalog_entry_below(own: &ws::WSAPROTOCOL_INFOW) -> Result<ws::WSAPROTOCOL_INFOW, WsaError> {
    let failed = WsaError(ws::WSAEPROVIDERFAILEDINIT);
    let chain = &own.ProtocolChain;
    let len = usize::try_from(chain.ChainLen).unwrap_or(0).min(chain.ChainEntries.len());
    let entries = &chain.ChainEntries[..len];
    let place = entries.iter().position(|entry| *entry == own.dwCatalogEntryId);
    let below = place.and_then(|place| entries.get(place + 1)).ok_or(failed)?;
    let (mut bytes, mut errno) = (0, 0);
    // SAFETY: asks for the size with no buffer.
    unsafe { ws::WSCEnumProtocols(ptr::null(), ptr::null_mut(), &raw mut bytes, &raw mut errno) };
    let count = bytes as usize / size_of::<ws::WSAPROTOCOL_INFOW>();
    let mut catalog = vec![ws::WSAPROTOCOL_INFOW::default(); count];
    // SAFETY: the buffer has as many bytes as `bytes` says.
    let found = unsafe {
        ws::WSCEnumProtocols(ptr::null(), catalog.as_mut_ptr(), &raw mut bytes, &raw mut errno)
    };
    catalog.truncate(usize::try_from(found).unwrap_or(0));
    catalog.into_iter().find(|entry| entry.dwCatalogEntryId == *below).ok_or(failed)
}

fn expanded(path: &[u16]) -> Vec<u16> {
    const EXPANDED_MAX: usize = 1024;
    let mut whole = vec![0; EXPANDED_MAX];
    // SAFETY: `path` ends with a zero; `whole` has as many words as it says.
    let words = unsafe {
        ExpandEnvironmentStringsW(path.as_ptr(), whole.as_mut_ptr(), EXPANDED_MAX as u32)
    };
    if words == 0 || words as usize > EXPANDED_MAX { path.to_vec() } else { whole }
}

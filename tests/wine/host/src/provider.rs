//! The DLLs: the provider under test, and the one below it.

use core::ffi::c_void;
use std::ffi::OsString;
use std::os::windows::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use provider_core::layout::encode_sockaddr;
use windows_sys::Win32::Foundation::{GetLastError, HMODULE};
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::LibraryLoader::{GetProcAddress, LoadLibraryW};
use windows_sys::core::{GUID, s};
use wsplower::control::{self, Control};

use crate::ws2::UPCALLS;

/// What there is to load.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    /// The provider under test.
    pub(crate) provider: PathBuf,
    /// The provider below it.
    pub(crate) lower: PathBuf,
}

impl Files {
    /// Those beside this program.
    pub(crate) fn beside() -> Result<Self, String> {
        let exe = std::env::current_exe().map_err(|error| format!("where am I: {error}"))?;
        let folder = exe.parent().unwrap_or(Path::new("."));
        let (provider, lower) = (folder.join("wspprovider.dll"), folder.join("wsplower.dll"));
        Ok(Self { provider, lower })
    }

    /// What the provider has to be told through the environment before it is started.
    pub(crate) fn environment(&self) -> [(&'static str, OsString); 2] {
        [
            ("WSPPROVIDER_NEXT", self.lower.clone().into_os_string()),
            ("WSPPROVIDER_COMPLETE", "!HostCompleteOverlappedRequest".into()),
        ]
    }

    /// Tells it in this process.
    pub(crate) fn tell_provider(&self) {
        for (name, value) in self.environment() {
            // SAFETY: no other thread of this process reads the environment yet.
            unsafe { std::env::set_var(name, value) };
        }
    }
}

/// A DLL that stays loaded.
#[derive(Clone, Copy)]
pub(crate) struct Module(HMODULE);

// SAFETY: a module belongs to the process.
unsafe impl Send for Module {}
// SAFETY: as above.
unsafe impl Sync for Module {}

type Export = unsafe extern "system" fn() -> isize;

impl Module {
    pub(crate) fn load(path: &Path) -> Result<Self, String> {
        let words: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
        // SAFETY: the path ends with a zero.
        let module = unsafe { LoadLibraryW(words.as_ptr()) };
        if module.is_null() {
            // SAFETY: no arguments.
            let error = unsafe { GetLastError() };
            return Err(format!(
                "{} could not be loaded (error {error}); `cargo xtask dll` builds it",
                path.display()
            ));
        }
        Ok(Self(module))
    }

    fn export(self, name: *const u8, called: &str) -> Result<Export, String> {
        // SAFETY: the name ends with a zero.
        unsafe { GetProcAddress(self.0, name) }
            .ok_or_else(|| format!("there is no export {called}"))
    }

    /// The digest of the core's sources that the provider was built from.
    pub(crate) fn core_digest(self) -> Result<String, String> {
        let export = self.export(s!("wsp_core_digest"), "wsp_core_digest")?;
        // SAFETY: the export gives a string that ends with a zero and lives as long as the DLL.
        unsafe {
            let digest = core::mem::transmute::<
                Export,
                unsafe extern "system" fn() -> *const core::ffi::c_char,
            >(export);
            Ok(core::ffi::CStr::from_ptr(digest()).to_string_lossy().into_owned())
        }
    }
}

/// The lower provider's script.
pub(crate) fn lower_control(path: &Path) -> Result<&'static Control, String> {
    let export = Module::load(path)?.export(control::EXPORT.as_ptr().cast(), "wsplower_control")?;
    // SAFETY: the export gives the table, which lives as long as the DLL, which is never unloaded.
    unsafe {
        let table = core::mem::transmute::<Export, extern "system" fn() -> *const Control>(export);
        Ok(&*table())
    }
}

/// `dwCatalogEntryId` of the provider under test.
const OWN_ENTRY: u32 = 1001;
/// And of the base below it.
const BASE_ENTRY: u32 = 1;

/// The catalogue entry that a provider is started for.
pub(crate) fn own_entry() -> ws::WSAPROTOCOL_INFOW {
    let any = core::net::SocketAddr::from(([0, 0, 0, 0], 0));
    let mut info = ws::WSAPROTOCOL_INFOW {
        dwServiceFlags1: ws::XP1_CONNECTIONLESS | ws::XP1_MESSAGE_ORIENTED,
        dwProviderFlags: ws::PFL_MATCHES_PROTOCOL_ZERO,
        ProviderId: GUID::from_u128(0x7773_7069_0001_4000_8000_0000_0000_0001),
        dwCatalogEntryId: OWN_ENTRY,
        iVersion: 2,
        iAddressFamily: i32::from(ws::AF_INET),
        iMaxSockAddr: encode_sockaddr(&any).1 as i32,
        iMinSockAddr: encode_sockaddr(&any).1 as i32,
        iSocketType: ws::SOCK_DGRAM,
        iProtocol: ws::IPPROTO_UDP,
        dwMessageSize: 65_507,
        ..Default::default()
    };
    info.ProtocolChain.ChainLen = 2;
    info.ProtocolChain.ChainEntries[0] = OWN_ENTRY;
    info.ProtocolChain.ChainEntries[1] = BASE_ENTRY;
    info
}

/// A provider that is loaded.
#[derive(Clone, Copy)]
pub(crate) struct Provider {
    startup: ws::LPWSPSTARTUP,
}

impl Provider {
    pub(crate) fn load(path: &Path) -> Result<(Self, Module), String> {
        let module = Module::load(path)?;
        let export = module.export(s!("WSPStartup"), "WSPStartup")?;
        // SAFETY: the export of this name has this signature (ws2spi.h).
        let startup = unsafe { core::mem::transmute::<Export, ws::LPWSPSTARTUP>(export) };
        Ok((Self { startup }, module))
    }

    /// WSPStartup: the table and the version agreed on.
    ///
    /// # Errors
    /// The code that it returned.
    pub(crate) fn start(self, version: u16) -> Result<(ws::WSPPROC_TABLE, u16), i32> {
        let startup = self.startup.ok_or(ws::WSAEPROVIDERFAILEDINIT)?;
        let mut data = ws::WSPDATA { wVersion: 0, wHighVersion: 0, szDescription: [0; 256] };
        let mut table = ws::WSPPROC_TABLE::default();
        let info = own_entry();
        // SAFETY: all of these outlive the call.
        let error = unsafe {
            startup(version, (&raw mut data).cast_const(), &raw const info, UPCALLS, &raw mut table)
        };
        if error != 0 {
            return Err(error);
        }
        Ok((table, data.wVersion))
    }
}

/// Whether every one of the 30 entries is there.
pub(crate) fn is_whole(table: &ws::WSPPROC_TABLE) -> bool {
    const ENTRIES: usize = size_of::<ws::WSPPROC_TABLE>() / size_of::<usize>();
    let words: *const ws::WSPPROC_TABLE = table;
    // SAFETY: the table is an array of pointers.
    let words = unsafe { core::slice::from_raw_parts(words.cast::<*const c_void>(), ENTRIES) };
    words.iter().all(|entry| !entry.is_null())
}

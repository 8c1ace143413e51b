//! A host with just enough upcalls to start a provider and to open a socket, and the DLLs.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};
use std::os::windows::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use windows_sys::Win32::Foundation::{CloseHandle, FreeLibrary, HMODULE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress, LoadLibraryW};
use windows_sys::Win32::System::Threading::GetCurrentProcessId;
use windows_sys::core::{GUID, s};

pub(crate) const VERSION: u16 = 0x0202;

/// How often each of the two upcall tables was asked for a socket handle.
pub(crate) static MADE: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
/// The provider whose path was asked for last.
pub(crate) static ASKED_FOR: Mutex<Option<[u8; 16]>> = Mutex::new(None);
/// What WPUGetProviderPath answers.
pub(crate) static PATH: Mutex<String> = Mutex::new(String::new());
static CONTEXT: Mutex<Option<usize>> = Mutex::new(None);

const SOCKET: usize = 0x1234;

fn context() -> std::sync::MutexGuard<'static, Option<usize>> {
    CONTEXT.lock().unwrap()
}

unsafe extern "system" fn create<const TABLE: usize>(_: u32, own: usize, _: *mut i32) -> usize {
    MADE[TABLE].fetch_add(1, Ordering::SeqCst);
    *context() = Some(own);
    SOCKET
}

unsafe extern "system" fn close(_: usize, _: *mut i32) -> i32 {
    *context() = None;
    0
}

unsafe extern "system" fn query(socket: usize, into: *mut usize, errno: *mut i32) -> i32 {
    match context().filter(|_| socket == SOCKET) {
        Some(own) => {
            // SAFETY: the provider's.
            unsafe { into.write(own) };
            0
        }
        None => {
            // SAFETY: the provider's.
            unsafe { errno.write(ws::WSAENOTSOCK) };
            -1
        }
    }
}

unsafe extern "system" fn queue_apc(
    _: *const ws::WSATHREADID,
    _: ws::LPWSAUSERAPC,
    _: usize,
    _: *mut i32,
) -> i32 {
    0
}

unsafe extern "system" fn blocking_callback(
    _: u32,
    callback: *mut ws::LPBLOCKINGCALLBACK,
    _: *mut usize,
    _: *mut i32,
) -> i32 {
    // SAFETY: the provider's.
    unsafe { callback.write(None) };
    0
}

unsafe extern "system" fn post_message(_: *mut c_void, _: u32, _: usize, _: isize) -> i32 {
    1
}

unsafe extern "system" fn provider_path(
    id: *const GUID,
    path: *mut u16,
    len: *mut i32,
    _: *mut i32,
) -> i32 {
    let words: Vec<u16> = PATH.lock().unwrap().encode_utf16().chain([0]).collect();
    // SAFETY: the provider's; `path` has as many words as `len` says.
    unsafe {
        assert!(words.len() <= *len as usize);
        *ASKED_FOR.lock().unwrap() = Some(id.cast::<[u8; 16]>().read());
        ptr::copy_nonoverlapping(words.as_ptr(), path, words.len());
    }
    0
}

/// One of two tables, which differ in who makes handles.
pub(crate) fn upcalls(second: bool) -> ws::WSPUPCALLTABLE {
    ws::WSPUPCALLTABLE {
        lpWPUCreateSocketHandle: Some(if second { create::<1> } else { create::<0> }),
        lpWPUCloseSocketHandle: Some(close),
        lpWPUQuerySocketHandleContext: Some(query),
        lpWPUQueueApc: Some(queue_apc),
        lpWPUQueryBlockingCallback: Some(blocking_callback),
        lpWPUPostMessage: Some(post_message),
        lpWPUGetProviderPath: Some(provider_path),
        ..Default::default()
    }
}

fn wide(path: &Path) -> Vec<u16> {
    path.as_os_str().encode_wide().chain([0]).collect()
}

/// The folder that has the DLL: this program is in a folder of it.
pub(crate) fn folder() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    exe.ancestors().nth(2).unwrap().to_path_buf()
}

/// The folder that has the recorder.
pub(crate) fn examples() -> PathBuf {
    folder().join("examples")
}

/// A DLL, loaded while this is held.
pub(crate) struct Dll(HMODULE);

impl Dll {
    pub(crate) fn provider() -> Self {
        Self::load(&folder().join("wspprovider.dll"))
    }

    pub(crate) fn recorder() -> Self {
        Self::load(&examples().join("recorder.dll"))
    }

    fn load(path: &Path) -> Self {
        // SAFETY: the path ends with a zero.
        let module = unsafe { LoadLibraryW(wide(path).as_ptr()) };
        assert!(!module.is_null(), "{} cannot be loaded", path.display());
        Self(module)
    }

    fn export(&self, name: *const u8) -> unsafe extern "system" fn() -> isize {
        // SAFETY: the name ends with a zero.
        unsafe { GetProcAddress(self.0, name) }.unwrap()
    }

    pub(crate) fn core_digest(&self) -> String {
        let export = self.export(s!("wsp_core_digest"));
        // SAFETY: the export gives a string that lives as long as the DLL.
        unsafe {
            type Digest = unsafe extern "system" fn() -> *const core::ffi::c_char;
            let digest =
                core::mem::transmute::<unsafe extern "system" fn() -> isize, Digest>(export);
            core::ffi::CStr::from_ptr(digest()).to_str().unwrap().to_owned()
        }
    }

    /// Starts, clean-ups, the last start's entry and the length of its chain.
    pub(crate) fn seen(&self) -> [u32; 4] {
        type Seen = unsafe extern "system" fn(*mut [u32; 4]);
        let mut seen = [0; 4];
        // SAFETY: the recorder's export has this signature.
        unsafe {
            let export = self.export(s!("recorder_seen"));
            core::mem::transmute::<unsafe extern "system" fn() -> isize, Seen>(export)(
                &raw mut seen,
            );
        }
        seen
    }

    pub(crate) fn startup(&self) -> Startup {
        // SAFETY: the export of this name has this signature (ws2spi.h).
        unsafe { core::mem::transmute(self.export(s!("WSPStartup"))) }
    }
}

impl Drop for Dll {
    fn drop(&mut self) {
        // SAFETY: loaded once for this.
        unsafe { FreeLibrary(self.0) };
    }
}

/// WSPStartup, with what it writes as it is.
pub(crate) type Startup = unsafe extern "system" fn(
    u16,
    *mut ws::WSPDATA,
    *const ws::WSAPROTOCOL_INFOW,
    ws::WSPUPCALLTABLE,
    *mut ws::WSPPROC_TABLE,
) -> i32;

/// Whether a DLL of that name is in the process.
pub(crate) fn is_loaded(name: &str) -> bool {
    // SAFETY: the name ends with a zero.
    unsafe { !GetModuleHandleW(wide(Path::new(name)).as_ptr()).is_null() }
}

/// An entry of ours, over the base `below`.
pub(crate) fn own_entry(below: u32) -> ws::WSAPROTOCOL_INFOW {
    const OWN: u32 = 5000;
    let mut info = ws::WSAPROTOCOL_INFOW {
        ProviderId: GUID::from_u128(0x1234_5678),
        dwCatalogEntryId: OWN,
        iAddressFamily: i32::from(ws::AF_INET),
        iSocketType: ws::SOCK_DGRAM,
        iProtocol: ws::IPPROTO_UDP,
        ..Default::default()
    };
    info.ProtocolChain.ChainLen = 2;
    info.ProtocolChain.ChainEntries[0] = OWN;
    info.ProtocolChain.ChainEntries[1] = below;
    info
}

/// A start: the table, or the error.
pub(crate) fn start(
    dll: &Dll,
    version: u16,
    info: &ws::WSAPROTOCOL_INFOW,
    upcalls: ws::WSPUPCALLTABLE,
) -> Result<ws::WSPPROC_TABLE, i32> {
    let mut data = ws::WSPDATA { wVersion: 0, wHighVersion: 0, szDescription: [0; 256] };
    let mut table = ws::WSPPROC_TABLE::default();
    // SAFETY: all of these outlive the call.
    let error = unsafe { dll.startup()(version, &raw mut data, info, upcalls, &raw mut table) };
    if error != 0 {
        return Err(error);
    }
    assert_eq!((data.wVersion, data.wHighVersion), (VERSION, VERSION));
    Ok(table)
}

/// WSPCleanup.
pub(crate) fn cleanup(table: &ws::WSPPROC_TABLE) -> Result<(), i32> {
    let mut errno = 0;
    // SAFETY: the provider's function.
    let value = unsafe { table.lpWSPCleanup.unwrap()(&raw mut errno) };
    if value == 0 { Ok(()) } else { Err(errno) }
}

/// WSPSocket for UDP.
pub(crate) fn socket(table: &ws::WSPPROC_TABLE) -> Result<usize, i32> {
    let mut errno = 0;
    let (af, kind, protocol) = (i32::from(ws::AF_INET), ws::SOCK_DGRAM, ws::IPPROTO_UDP);
    // SAFETY: the provider's function; no protocol information.
    let socket = unsafe {
        table.lpWSPSocket.unwrap()(af, kind, protocol, ptr::null(), 0, 0, &raw mut errno)
    };
    if socket == usize::MAX { Err(errno) } else { Ok(socket) }
}

/// Makes the override of the chain, or takes it away.
pub(crate) fn set(name: &str, value: Option<&str>) {
    // SAFETY: the cases run in one thread, and the DLL's own looks at no variable.
    unsafe {
        match value {
            Some(value) => std::env::set_var(name, value),
            None => std::env::remove_var(name),
        }
    }
}

/// Threads of this process.
pub(crate) fn threads() -> usize {
    // SAFETY: a snapshot of its own, walked with a structure that says how large it is.
    unsafe {
        let snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
        assert_ne!(snapshot, INVALID_HANDLE_VALUE);
        let mut thread =
            THREADENTRY32 { dwSize: size_of::<THREADENTRY32>() as u32, ..Default::default() };
        let own = GetCurrentProcessId();
        let mut count = 0;
        let mut more = Thread32First(snapshot, &raw mut thread);
        while more != 0 {
            count += usize::from(thread.th32OwnerProcessID == own);
            more = Thread32Next(snapshot, &raw mut thread);
        }
        CloseHandle(snapshot);
        count
    }
}

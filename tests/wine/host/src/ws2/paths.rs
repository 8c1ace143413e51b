//! WPUGetProviderPath: where the DLL of the provider below is. The path has a variable of the
//! environment in it, as those of the catalogue do.

use std::os::windows::ffi::OsStrExt;

use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::core::{GUID, PWSTR};

use super::give;
use super::strict::{self, Upcall};

/// The variable that names the folder.
pub(crate) const FOLDER: &str = "WSPHOST_FOLDER";

pub(crate) unsafe extern "system" fn get_provider_path(
    _provider: *const GUID,
    path: PWSTR,
    len: *mut i32,
    errno: *mut i32,
) -> i32 {
    if let Some(error) = strict::refuses(Upcall::GetProviderPath) {
        // SAFETY: the provider's lpErrno.
        return unsafe { give(Err(error), errno) };
    }
    let text = format!("%{FOLDER}%\\wsplower.dll");
    let words: Vec<u16> = std::ffi::OsStr::new(&text).encode_wide().chain([0]).collect();
    // SAFETY: the provider has room for `*len` words.
    unsafe {
        let room = usize::try_from(*len).unwrap_or(0);
        *len = words.len() as i32;
        if room < words.len() {
            return give(Err(ws::WSAEFAULT), errno);
        }
        words.as_ptr().copy_to_nonoverlapping(path, words.len());
    }
    0
}

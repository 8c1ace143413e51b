//! Which core this is.

use core::ffi::{CStr, c_char};

/// The digest with the zero that ends a C string.
const TERMINATED: [u8; provider_core::SOURCE_DIGEST.len() + 1] = {
    let mut bytes = [0; provider_core::SOURCE_DIGEST.len() + 1];
    let (text, _) = bytes.split_at_mut(provider_core::SOURCE_DIGEST.len());
    text.copy_from_slice(provider_core::SOURCE_DIGEST.as_bytes());
    bytes
};

static DIGEST: &CStr = match CStr::from_bytes_with_nul(&TERMINATED) {
    Ok(digest) => digest,
    Err(_) => panic!("a digest has no zero in it"),
};

/// The digest of the core's sources, as `wspsim --version` prints it.
#[unsafe(no_mangle)]
pub extern "system" fn wsp_core_digest() -> *const c_char {
    DIGEST.as_ptr()
}

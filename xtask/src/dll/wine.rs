//! Wine, where this is not Windows.

use std::path::PathBuf;

use super::debian;
use super::toolchain::{Toolchain, folder_of_builds, works};

/// Makes sure that there is Wine; gives its folder for our programs, which is made by the first of
/// them.
///
/// # Errors
/// That it is missing and cannot be installed.
pub(crate) fn prefix(toolchain: Toolchain) -> Result<PathBuf, String> {
    if toolchain != Toolchain::Native && !works("wine") {
        debian::install(&["wine", "wine64"])?;
    }
    Ok(folder_of_builds().join("wine"))
}

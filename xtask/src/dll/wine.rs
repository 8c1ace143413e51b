//! Wine, where this is not Windows.

use std::path::{Path, PathBuf};
use std::process::Command;

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

/// What starts programs for Windows.
pub(super) struct Runner {
    toolchain: Toolchain,
    prefix: PathBuf,
}

/// Debian's loader itself: the script in front of it asks for 32-bit programs' sake.
const LOADER: &str = "/usr/lib/wine/wine64";

impl Runner {
    /// # Errors
    /// As [`prefix`].
    pub(super) fn new(toolchain: Toolchain) -> Result<Self, String> {
        Ok(Self { toolchain, prefix: prefix(toolchain)? })
    }

    /// A program, to be given arguments.
    pub(super) fn program(&self, exe: &Path) -> Command {
        if self.toolchain == Toolchain::Native {
            return Command::new(exe);
        }
        let loader = if Path::new(LOADER).is_file() { LOADER } else { "wine" };
        let mut command = Command::new(loader);
        command.arg(exe).env("WINEPREFIX", &self.prefix).env("WINEDEBUG", "-all");
        // Nothing here has a window, and nothing is to be downloaded.
        command.env("WINEDLLOVERRIDES", "mscoree,mshtml=").env_remove("DISPLAY");
        command
    }
}

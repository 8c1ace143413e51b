//! The folder that findings go to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use wspsim::finding::FindingFile;
use xxhash_rust::xxh3::xxh3_64;

use super::error::{InputError, OwnError};

/// A folder that was writable when the hunt began.
pub(super) struct OutDir {
    path: PathBuf,
    /// Whether it was not there before: then an empty one is taken away again.
    made: bool,
}

impl OutDir {
    /// Makes the folder if need be, and tries to write into it.
    ///
    /// # Errors
    /// [`InputError::Out`].
    pub(super) fn prepare(path: &Path) -> Result<Self, InputError> {
        let made = !path.exists();
        let probe = path.join(".wspsim-can-write");
        let tried = fs::create_dir_all(path)
            .and_then(|()| fs::write(&probe, b""))
            .and_then(|()| fs::remove_file(&probe));
        match tried {
            Ok(()) => Ok(Self { path: path.to_owned(), made }),
            Err(source) => {
                let source = if path.is_file() {
                    io::Error::new(source.kind(), "it is a file, not a folder")
                } else {
                    source
                };
                Err(InputError::Out { path: path.to_owned(), source })
            }
        }
    }

    /// Writes a finding; gives its path. What was pinned sets its name apart from the one of the
    /// same seed with nothing, or something else, pinned.
    ///
    /// # Errors
    /// [`OwnError::WriteFinding`].
    pub(super) fn write(&self, finding: &FindingFile, pinned: &str) -> Result<PathBuf, OwnError> {
        let variant =
            (!pinned.is_empty()).then(|| format!("{:08x}", xxh3_64(pinned.as_bytes()) as u32));
        Ok(finding.write(&self.path, variant.as_deref())?)
    }
}

impl Drop for OutDir {
    fn drop(&mut self) {
        if self.made {
            // Refused when there is anything in it, which is what keeps the findings.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

//! What can be wrong with a finding's file.

use std::io;
use std::path::{Path, PathBuf};

use super::format::FORMAT;

/// Why a finding's file could not be read. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum FindingFileError {
    /// There is no such file.
    #[error("{path}: there is no such file; give the path that `wspsim hunt` printed with the finding", path = .0.display())]
    Missing(PathBuf),
    /// It is a folder.
    #[error("{path} is a folder; give one of the files in it", path = .0.display())]
    Folder(PathBuf),
    /// The system does not let us read it.
    #[error("{path} cannot be read: {source}; check its permissions", path = path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is something else.
    #[error("{path} is not a finding of wspsim; give a file that `wspsim hunt` wrote", path = .0.display())]
    Foreign(PathBuf),
    /// A later wspsim wrote it.
    #[error("{path} has format {found}, and this wspsim reads up to format {FORMAT}; replay it with the wspsim that wrote it, or a later one", path = path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u64,
    },
    /// It was cut short or changed.
    #[error("{path} is damaged ({what}); run the hunt again with the seed in its name to get it back", path = path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong in it.
        what: String,
    },
}

impl FindingFileError {
    pub(super) fn unreadable(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing(path),
            io::ErrorKind::IsADirectory => Self::Folder(path),
            // Windows says this of a folder that is opened as a file.
            io::ErrorKind::PermissionDenied if path.is_dir() => Self::Folder(path),
            _ => Self::Unreadable { path, source },
        }
    }
}

/// Why a finding could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be written: {source}; give a folder that can be written to with --out", path = path.display())]
pub struct WriteError {
    /// Which path.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

//! What can go wrong on the command line, split by blame: the split decides the exit code.

use std::io;
use std::path::{Path, PathBuf};

use wspsim::finding::{FindingFileError, WriteError};
use wspsim::run::RunError;

/// Exit code: nothing found.
pub(super) const CLEAN: u8 = 0;
/// Exit code: findings, or a failure reproduced.
pub(super) const FOUND: u8 = 1;
/// Exit code: bad input.
pub(super) const BAD_INPUT: u8 = 2;
/// Exit code: our own failure, or a replay that departed from its file.
pub(super) const OWN_FAILURE: u8 = 3;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Something that was given is wrong. The sentence says what would be right.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The program failed, whatever was given.
    #[error(transparent)]
    Own(#[from] OwnError),
}

impl Error {
    /// The exit code.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Input(_) => BAD_INPUT,
            Self::Own(_) => OWN_FAILURE,
        }
    }
}

/// What can be wrong with what was given. Change the arguments or the file, and it works.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    /// No scenario has this name.
    #[error("there is no scenario `{name}`{}; the scenarios are: {known}", did_you_mean(.nearest))]
    UnknownScenario {
        /// What was given.
        name: String,
        /// The name most like it, if one is.
        nearest: Option<&'static str>,
        /// All names.
        known: String,
    },
    /// A fault has two rates.
    #[error(
        "--fault gives `{name}` two rates; give one, and scripts (`{name}@N`) as many as needed"
    )]
    TwoRates {
        /// The fault.
        name: &'static str,
    },
    /// A scenario does not live with a fault that was asked for.
    #[error(
        "scenario `{scenario}` does not live with the fault `{fault}`, so a finding would mean \
         nothing; {those_that_do}"
    )]
    NotLivedWith {
        /// The scenario.
        scenario: &'static str,
        /// The fault.
        fault: &'static str,
        /// A clause on the scenarios that do.
        those_that_do: String,
    },
    /// No scenario lives with all the faults that were asked for.
    #[error("no scenario lives with all of: {faults}; give fewer of them at once")]
    NobodyLivesWith {
        /// The faults.
        faults: String,
    },
    /// A scenario is not for the profile that was asked for.
    #[error("scenario `{scenario}` is for the profile `{profile}` alone; leave out --profile")]
    OtherProfile {
        /// The scenario.
        scenario: &'static str,
        /// The profile that it is for.
        profile: &'static str,
    },
    /// Trace and object would both go to standard output.
    #[error("--json and `--trace -` would both write to standard output; give --trace a file")]
    TraceInJson,
    /// The trace file cannot be written.
    #[error(
        "cannot write a trace to {}: {}; give a file in a folder that can be written, or `-`",
        shown(path),
        plain(source)
    )]
    Trace {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The folder for findings cannot be used.
    #[error(
        "cannot write findings into {}: {}; give --out a folder that can be created or written",
        shown(path),
        plain(source)
    )]
    Out {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file to replay cannot be read, or is not one of ours, or not whole.
    #[error(transparent)]
    ReplayFile(#[from] FindingFileError),
    /// The file to replay is of a scenario that there is not.
    #[error("{} is a finding in another version's scenario: {unknown}", shown(path))]
    ReplayScenario {
        /// The file.
        path: PathBuf,
        /// Which scenario, and which there are.
        unknown: Box<Self>,
    },
}

/// What can fail without anybody having given anything wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum OwnError {
    /// Standard output failed (a closed pipe is not a failure).
    #[error("writing to standard output failed: {}", plain(.0))]
    Output(io::Error),
    /// A finding could not be written although the folder could be before.
    #[error(transparent)]
    WriteFinding(#[from] WriteError),
    /// The trace broke off.
    #[error("writing the trace failed: {0}; the run itself is not affected, only the trace is cut")]
    WriteTrace(String),
    /// The worker threads could not be started.
    #[error("starting {jobs} worker threads failed: {message}; try fewer with --jobs")]
    Workers {
        /// How many.
        jobs: usize,
        /// Why.
        message: String,
    },
    /// The simulator says that it failed itself.
    #[error(transparent)]
    Simulator(#[from] RunError),
    /// The command line itself panicked.
    #[error("wspsim failed: {0}; this is a bug of wspsim, not of a provider")]
    Panic(String),
}

fn did_you_mean(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

/// A path as a sentence shows it.
fn shown(path: &Path) -> String {
    format!("`{}`", path.display())
}

/// An I/O error without the number that the operating system gave it.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_lowercase(),
        None => text,
    }
}

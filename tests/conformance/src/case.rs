//! What a case is.

use core::fmt;
use core::panic::Location;

use provider_core::Profile;

use crate::TestBed;

/// Which readings of the contract a case is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profiles {
    /// Both; it may ask [`TestBed::profile`] for what they differ in.
    Both,
    /// [`Profile::Documented`] alone.
    Documented,
    /// [`Profile::Windows`] alone.
    Windows,
}

impl Profiles {
    /// The profiles, in the order in which they are run.
    pub const fn list(self) -> &'static [Profile] {
        match self {
            Self::Both => &[Profile::Documented, Profile::Windows],
            Self::Documented => &[Profile::Documented],
            Self::Windows => &[Profile::Windows],
        }
    }
}

/// Which hosts a case runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// The simulator and a real process.
    Both,
    /// The simulator alone, for this reason.
    Simulator(&'static str),
    /// A real process alone, for this reason.
    Process(&'static str),
}

/// One case.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Its name: small letters, digits and `-`, the clause that it is about first.
    pub name: &'static str,
    /// The clauses that it shows.
    pub clauses: &'static [&'static str],
    /// Which readings of the contract it is for.
    pub profiles: Profiles,
    /// Where it runs.
    pub hosts: Hosts,
    /// What it does.
    pub run: fn(&dyn TestBed) -> CaseResult,
}

impl Case {
    /// A case for both profiles on all hosts.
    pub const fn both(
        name: &'static str,
        clauses: &'static [&'static str],
        run: fn(&dyn TestBed) -> CaseResult,
    ) -> Self {
        Self { name, clauses, profiles: Profiles::Both, hosts: Hosts::Both, run }
    }

    /// A case for [`Profile::Documented`] alone.
    pub const fn documented(
        name: &'static str,
        clauses: &'static [&'static str],
        run: fn(&dyn TestBed) -> CaseResult,
    ) -> Self {
        Self { profiles: Profiles::Documented, ..Self::both(name, clauses, run) }
    }

    /// A case for [`Profile::Windows`] alone.
    pub const fn windows(
        name: &'static str,
        clauses: &'static [&'static str],
        run: fn(&dyn TestBed) -> CaseResult,
    ) -> Self {
        Self { profiles: Profiles::Windows, ..Self::both(name, clauses, run) }
    }

    /// The same case, for these hosts.
    #[must_use]
    pub const fn on(mut self, hosts: Hosts) -> Self {
        self.hosts = hosts;
        self
    }
}

/// What a case, or a piece of it, comes to.
pub type CaseResult<T = ()> = Result<T, Failure>;

/// An expectation that did not hold: where it stands and what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The file of the case.
    pub file: &'static str,
    /// The line in it.
    pub line: u32,
    /// What was expected and what came instead.
    pub message: String,
}

impl Failure {
    /// A failure at the caller's line.
    #[track_caller]
    pub fn new(message: impl Into<String>) -> Self {
        let at = Location::caller();
        Self { file: at.file(), line: at.line(), message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl core::error::Error for Failure {}

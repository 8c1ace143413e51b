//! A finding as a file: everything that it takes to see the same failure again.

mod choices;
mod error;
mod format;
mod replay;

use std::fs;
use std::path::{Path, PathBuf};

use crate::choice::Choice;
use crate::run::RunReport;
use crate::settings::Settings;

pub use error::{FindingFileError, WriteError};
pub use replay::{Replay, replay};

/// What broke, as a file tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The oracle.
    pub oracle: String,
    /// The clause.
    pub clause: String,
    /// What happened.
    pub message: String,
    /// How many events the run had when it was seen.
    pub step: u64,
    /// When, in virtual nanoseconds.
    pub time_ns: u64,
    /// The name of the machine.
    pub machine: String,
    /// The number of the thread, where one ran.
    pub thread: Option<u32>,
}

/// The content of a finding's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingFile {
    /// The version of wspsim that wrote it. Another version may run the same seed another way.
    pub version: String,
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// Profile, network, faults and limits.
    pub settings: Settings,
    /// What broke.
    pub broken: Broken,
    /// The digest of the whole run.
    pub digest: u128,
    /// The digest after each 1,024 events.
    pub checkpoints: Vec<u64>,
    /// Every choice of the run.
    pub choices: Vec<Choice>,
    /// The last events, rendered.
    pub tail: Vec<String>,
}

impl FindingFile {
    /// The file for a run that found something; `None` for one that did not.
    pub fn of(report: &RunReport) -> Option<Self> {
        let finding = report.finding.as_ref()?;
        let machine = usize::from(finding.at.machine.0);
        let broken = Broken {
            oracle: finding.violation.oracle.to_owned(),
            clause: finding.violation.clause.to_owned(),
            message: finding.violation.message.clone(),
            step: finding.step,
            time_ns: finding.at.time_ns,
            machine: report.machines.get(machine).cloned().unwrap_or_default(),
            thread: finding.at.thread.map(|tid| tid.0),
        };
        Some(Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: report.scenario.to_owned(),
            seed: report.seed,
            settings: report.settings.clone(),
            broken,
            digest: report.digest,
            checkpoints: report.checkpoints.clone(),
            choices: report.choices.clone(),
            tail: report.tail_lines(),
        })
    }

    /// Its file name: `SCENARIO-SEED.json`, or `SCENARIO-SEED-VARIANT.json` for a run that differs
    /// from the seed's own in what was pinned.
    pub fn file_name(&self, variant: Option<&str>) -> String {
        let variant = variant.map_or_else(String::new, |variant| format!("-{variant}"));
        format!("{}-{}{variant}.json", self.scenario, self.seed)
    }

    /// Writes it into a folder, which is made if it is missing; gives the path of the file. A file
    /// of that name is replaced, whole or not at all.
    ///
    /// # Errors
    /// [`WriteError`] names the path and what the system said.
    pub fn write(&self, folder: &Path, variant: Option<&str>) -> Result<PathBuf, WriteError> {
        let name = self.file_name(variant);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| WriteError { path, source }
        };
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let path = folder.join(&name);
        let unfinished = folder.join(format!("{name}.part"));
        fs::write(&unfinished, format::to_text(self)).map_err(failed(&unfinished))?;
        fs::rename(&unfinished, &path).map_err(failed(&path))?;
        Ok(path)
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`FindingFileError`]: what is wrong with the file, and what to do.
    pub fn read(path: &Path) -> Result<Self, FindingFileError> {
        let bytes = fs::read(path).map_err(|source| FindingFileError::unreadable(path, source))?;
        format::from_bytes(path, &bytes)
    }
}

#[cfg(test)]
mod tests;

//! One run, made and cut down to what the command line tells of it.

use core::time::Duration;

use wspsim::fault::Fault;
use wspsim::finding::FindingFile;
use wspsim::run::{RunOptions, RunReport, run};
use wspsim::settings::FaultChoice;

use provider_core::Profile;

use super::House;
use super::clock::Clock;
use super::error::OwnError;
use super::select::Entry;
use super::show;
use super::watchdog::Watchdog;

/// What the command line keeps of a run: small, and free to go between threads.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    /// The scenario.
    pub scenario: &'static str,
    /// The seed.
    pub seed: u64,
    /// The digest.
    pub digest: u128,
    /// Events.
    pub steps: u64,
    /// Virtual nanoseconds.
    pub virtual_ns: u64,
    /// Sends entered.
    pub sends: u64,
    /// Operations ended.
    pub completions: u64,
    /// Strikes, by place in the catalogue.
    pub faults: [u64; Fault::ALL.len()],
    /// What broke.
    pub found: Option<Found>,
    /// Real time that it took.
    pub busy: Duration,
}

/// What a run found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Which oracle.
    pub oracle: &'static str,
    /// Which clause.
    pub clause: &'static str,
    /// What happened.
    pub message: String,
    /// At which event.
    pub step: u64,
    /// When, in virtual nanoseconds.
    pub time_ns: u64,
    /// Its file, if it comes to that.
    pub file: Box<FindingFile>,
}

/// What is pinned for the runs of a command.
#[derive(Clone, Debug)]
pub(super) struct Pins {
    /// The profile, if pinned.
    pub profile: Option<Profile>,
    /// The faults.
    pub faults: FaultChoice,
}

impl Pins {
    /// Options for one run.
    pub(super) fn options(&self, house: &House<'_>, seed: u64) -> RunOptions {
        RunOptions {
            profile: self.profile,
            faults: self.faults.clone(),
            provider: house.provider.map(|make| make()),
            ..RunOptions::seed(seed)
        }
    }
}

/// Makes a run, watched. `pinned` is what the command line pins of it.
///
/// # Errors
/// [`OwnError::Simulator`].
pub(super) fn make(
    house: &House<'_>,
    scenario: Entry,
    options: RunOptions,
    watchdog: &Watchdog,
    pinned: &str,
) -> Result<(RunReport, Duration), OwnError> {
    let command = show::run_command(house.program, scenario.name(), options.seed, pinned);
    let clock = Clock::start();
    let report = watchdog.during(command, || run(scenario, options))?;
    Ok((report, clock.elapsed()))
}

/// Cuts a report down.
pub(super) fn summarise(report: &RunReport, busy: Duration) -> Summary {
    Summary {
        scenario: report.scenario,
        seed: report.seed,
        digest: report.digest,
        steps: report.steps,
        virtual_ns: report.virtual_ns,
        sends: report.sends,
        completions: report.completions,
        faults: report.faults,
        found: found(report),
        busy,
    }
}

fn found(report: &RunReport) -> Option<Found> {
    let finding = report.finding.as_ref()?;
    Some(Found {
        oracle: finding.violation.oracle,
        clause: finding.violation.clause,
        message: finding.violation.message.clone(),
        step: finding.step,
        time_ns: finding.at.time_ns,
        file: Box::new(FindingFile::of(report)?),
    })
}

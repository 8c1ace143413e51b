//! The objects that `--json` prints, each on one line.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Serialize, Serializer};

use wspsim::fault::Fault;

use super::console::Stream;
use super::show;
use super::summary::{Found, Summary};

/// `list --json`.
#[derive(Serialize)]
pub(super) struct Lists {
    /// The scenarios.
    pub scenarios: Vec<Named>,
    /// The faults.
    pub faults: Vec<Named>,
}

/// A thing with a name.
#[derive(Serialize)]
pub(super) struct Named {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
}

/// `run --json`. `finding` is there only when there is one.
#[derive(Serialize)]
pub(super) struct Run<'a> {
    scenario: &'a str,
    seed: u64,
    outcome: &'static str,
    digest: Digest,
    steps: u64,
    virtual_ms: u64,
    sends: u64,
    completions: u64,
    faults: Strikes<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finding: Option<Broken<'a>>,
}

#[derive(Serialize)]
struct Broken<'a> {
    oracle: &'a str,
    clause: &'a str,
    message: &'a str,
    step: u64,
}

impl<'a> Run<'a> {
    /// Of this run.
    pub(super) fn of(summary: &'a Summary) -> Self {
        Self {
            scenario: summary.scenario,
            seed: summary.seed,
            outcome: if summary.found.is_some() { "finding" } else { "clean" },
            digest: Digest(summary.digest),
            steps: summary.steps,
            virtual_ms: summary.virtual_ns / NS_PER_MS,
            sends: summary.sends,
            completions: summary.completions,
            faults: Strikes(&summary.faults),
            finding: summary.found.as_ref().map(|found| Broken {
                oracle: found.oracle,
                clause: found.clause,
                message: &found.message,
                step: found.step,
            }),
        }
    }
}

/// `hunt --json`.
#[derive(Serialize)]
pub(super) struct Hunt<'a> {
    /// How many runs were made.
    pub runs: u64,
    /// What they found, in the order of the runs.
    pub findings: &'a [Finding],
    /// Runs a second of real time, all jobs together.
    pub seeds_per_second: f64,
    /// Each scenario.
    pub scenarios: Vec<Scenario<'a>>,
}

/// A finding of a hunt.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    scenario: &'static str,
    seed: u64,
    oracle: &'static str,
    clause: &'static str,
    message: String,
    step: u64,
    /// The path of its file.
    file: String,
    /// The command that replays the file.
    replay: String,
    /// The command that runs the seed again.
    run: String,
}

impl Finding {
    /// Of a run that found something; `pinned` as in [`show::run_command`].
    pub(super) fn new(
        program: &str,
        summary: &Summary,
        found: &Found,
        file: &Path,
        pinned: &str,
    ) -> Self {
        Self {
            scenario: summary.scenario,
            seed: summary.seed,
            oracle: found.oracle,
            clause: found.clause,
            message: found.message.clone(),
            step: found.step,
            file: file.display().to_string(),
            replay: show::replay_command(program, file),
            run: show::run_command(program, summary.scenario, summary.seed, pinned),
        }
    }

    /// The command that replays it.
    pub(super) fn replay(&self) -> &str {
        &self.replay
    }

    /// The command that runs the seed again.
    pub(super) fn run(&self) -> &str {
        &self.run
    }
}

/// A scenario of a hunt.
#[derive(Serialize)]
pub(super) struct Scenario<'a> {
    /// Its name.
    pub name: &'static str,
    /// Runs made.
    pub runs: u64,
    /// Over the digests of its runs in seed order.
    pub digest: Digest,
    /// How many of the runs found something.
    pub findings: u64,
    /// Runs a second, as if all jobs ran only this scenario.
    pub seeds_per_second: f64,
    /// Virtual milliseconds over all runs.
    pub virtual_ms: u64,
    /// Sends over all runs.
    pub sends: u64,
    /// Completions over all runs.
    pub completions: u64,
    /// Strikes over all runs.
    pub faults: Strikes<'a>,
}

/// Nanoseconds in a millisecond.
pub(super) const NS_PER_MS: u64 = 1_000_000;

/// A digest as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digest(pub u128);

impl core::fmt::Display for Digest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How often each fault of the catalogue struck, by name.
pub(super) struct Strikes<'a>(pub &'a [u64; Fault::ALL.len()]);

impl Serialize for Strikes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let by_name: BTreeMap<&str, u64> =
            Fault::ALL.iter().map(|fault| fault.name()).zip(self.0.iter().copied()).collect();
        by_name.serialize(serializer)
    }
}

/// Prints an object on a line of its own.
///
/// # Errors
/// What the stream says.
pub(super) fn print(out: &mut Stream, object: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string(object).map_err(io::Error::other)?;
    out.line(&text)
}

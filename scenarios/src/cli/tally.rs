//! The sums of a hunt, one for each scenario. Fed in seed order, so that they do not depend on
//! how many jobs there were.

use core::time::Duration;

use wspsim::fault::Fault;
use xxhash_rust::xxh3::Xxh3;

use super::clock::per_second;
use super::summary::Summary;

/// The sums of one scenario.
pub(super) struct Tally {
    /// Its name.
    pub name: &'static str,
    /// Runs.
    pub runs: u64,
    /// Runs that found something.
    pub findings: u64,
    /// Virtual time.
    pub virtual_ns: u64,
    /// Sends.
    pub sends: u64,
    /// Completions.
    pub completions: u64,
    /// Strikes, by place in the catalogue.
    pub faults: [u64; Fault::ALL.len()],
    digest: Xxh3,
    busy: Duration,
}

impl Tally {
    /// Nothing yet.
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            runs: 0,
            findings: 0,
            virtual_ns: 0,
            sends: 0,
            completions: 0,
            faults: [0; Fault::ALL.len()],
            digest: Xxh3::new(),
            busy: Duration::ZERO,
        }
    }

    /// Adds a run: the one with the next seed.
    pub(super) fn add(&mut self, run: &Summary) {
        self.runs += 1;
        self.findings += u64::from(run.found.is_some());
        self.virtual_ns = self.virtual_ns.saturating_add(run.virtual_ns);
        self.sends += run.sends;
        self.completions += run.completions;
        for (sum, count) in self.faults.iter_mut().zip(run.faults) {
            *sum += count;
        }
        self.digest.update(&run.seed.to_le_bytes());
        self.digest.update(&run.digest.to_le_bytes());
        self.busy += run.busy;
    }

    /// Over the runs so far, in the order in which they were added.
    pub(super) fn digest(&self) -> u128 {
        self.digest.digest128()
    }

    /// Runs a second, had `jobs` at once run nothing else.
    pub(super) fn seeds_per_second(&self, jobs: usize) -> f64 {
        per_second(self.runs, self.busy, jobs)
    }
}

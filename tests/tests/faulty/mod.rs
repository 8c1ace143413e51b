//! A provider that is wrong on purpose: every oracle catches its own bug, and what it finds is
//! kept, replayed and told as it should be.

mod caught;
mod command;
mod coverage;
mod file;

use core::ops::Range;

use wspsim::run::{RunOptions, RunReport, run};
use wspsim::scenario::Scenario;
use wspsim::settings::FaultChoice;
use wspsim_tests::faulty::{Flaw, factory};

/// The seeds that each flaw is shown with: profile, schedule and program's draws differ.
const SEEDS: Range<u64> = 0..8;

/// A run of `seed` without faults, whose providers have `flaw`.
fn options(seed: u64, flaw: Option<Flaw>) -> RunOptions {
    RunOptions {
        faults: FaultChoice::None,
        provider: Some(factory(flaw)),
        ..RunOptions::seed(seed)
    }
}

fn made(scenario: &dyn Scenario, options: RunOptions) -> RunReport {
    run(scenario, options).unwrap_or_else(|error| panic!("{error}"))
}

fn flawed(flaw: Flaw, seed: u64) -> RunReport {
    made(flaw.scene(), options(seed, Some(flaw)))
}

/// What a run found, in one line.
fn told(report: &RunReport) -> String {
    match &report.finding {
        None => "clean".to_owned(),
        Some(finding) => format!("step {}: {}", finding.step, finding.violation),
    }
}

//! The conformance cases on the simulator: one machine, no faults but what a case scripts itself,
//! every oracle watching, the schedule from the seed.

mod bed;
mod lower;

use provider_core::Profile;
use wspsim::api::Os;
use wspsim::run::{RunOptions, RunReport, run};
use wspsim::scenario::Scenario;
use wspsim::settings::{FaultChoice, Limits, NetworkRange, SECOND};
use wspsim::world::WorldBuilder;
use wspsim_conformance::{Case, Hosts, TestBed};

use crate::scene::QUIET;
use bed::SimBed;

/// A case as a scenario.
pub struct CaseScenario {
    case: &'static Case,
    about: &'static str,
}

impl Scenario for CaseScenario {
    fn name(&self) -> &'static str {
        self.case.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn profile(&self) -> Option<Profile> {
        match self.case.profiles.list() {
            [only] => Some(*only),
            _ => None,
        }
    }

    fn network(&self) -> NetworkRange {
        QUIET
    }

    fn limits(&self) -> Limits {
        Limits { chaos_ns: 3_600 * SECOND, liveness_ns: 3_600 * SECOND }
    }

    fn build(&self, world: &mut WorldBuilder) {
        let case = self.case;
        world.client("host", move |os| program(case, os));
    }
}

/// The case between WSPStartup and WSPCleanup.
fn program(case: &Case, os: &Os) {
    let started = os.wsa_startup();
    os.log_taken();
    let Some(bed) = SimBed::new(os) else { return };
    match (case.run)(&bed) {
        Err(failure) => bed.fail(failure),
        // What was to happen below did not: the case has shown something else.
        Ok(()) => {
            if let Some((seam, left)) = os.unasked_answers() {
                os.fail(&format!("{left} answers of `{}` were not asked for", seam.name()));
            }
        }
    }
    bed.release_all();
    let ended = started.and_then(|_| os.wsa_cleanup());
    os.check(ended.is_ok(), "WSPStartup and WSPCleanup around a case succeed");
}

/// The cases that the simulator runs, as scenarios.
pub fn scenarios() -> Vec<CaseScenario> {
    let mut cases = wspsim_conformance::all();
    cases.retain(|case| !matches!(case.hosts, Hosts::Process(_)));
    cases.into_iter().map(CaseScenario::new).collect()
}

impl CaseScenario {
    fn new(case: &'static Case) -> Self {
        // There are as many as cases, once for each list of them.
        let about = format!("Shows {}.", case.clauses.join(", ")).leak();
        Self { case, about }
    }

    /// The case.
    pub fn case(&self) -> &'static Case {
        self.case
    }

    /// Runs the case once.
    ///
    /// # Errors
    /// What the case or an oracle found, and how to see it again.
    pub fn run(&self, profile: Profile, seed: u64) -> Result<RunReport, String> {
        let options = RunOptions {
            profile: Some(profile),
            faults: FaultChoice::None,
            ..RunOptions::seed(seed)
        };
        let report = run(self, options).map_err(|error| error.to_string())?;
        let Some(finding) = &report.finding else { return Ok(report) };
        let name = self.case.name;
        let pinned = format!("{profile:?}").to_lowercase();
        Err(format!(
            "{name}, {profile:?}, seed {seed}: {}\n  again: cargo run -p wspsim-tests --bin \
             wspsim-conformance -- run {name} --seed {seed} --profile {pinned} --trace -",
            finding.violation
        ))
    }
}

//! Every case of the conformance suite, under each profile that it is for and under many schedules.

use std::collections::BTreeSet;

use provider_core::Profile;
use rayon::prelude::*;
use wspsim::run::{RunOptions, run};
use wspsim::scenario::Scenario;
use wspsim::settings::FaultChoice;
use wspsim_conformance::Case;
use wspsim_scenarios::cli::House;
use wspsim_tests::sim_bed::{CaseScenario, scenarios};

use crate::program::wspsim_of;

/// Schedules of each case and profile.
const SEEDS: u64 = 50;

/// The first failure of a case under each of its profiles.
fn failures(scenario: &CaseScenario) -> Vec<String> {
    let profiles = scenario.case().profiles.list().iter();
    profiles
        .filter_map(|profile| (0..SEEDS).find_map(|seed| scenario.run(*profile, seed).err()))
        .collect()
}

#[test]
fn every_case_holds_under_every_schedule() {
    let scenarios = scenarios();
    let failures: Vec<String> = scenarios.par_iter().flat_map_iter(failures).collect();
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn cases_have_names_of_their_own_and_clauses() {
    let all = wspsim_conformance::all();
    let names: BTreeSet<&str> = all.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), all.len(), "a name is used twice");
    for Case { name, clauses, .. } in all {
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        assert!(name.bytes().all(plain), "{name}");
        assert!(!clauses.is_empty(), "{name} shows no clause");
    }
}

/// A case that is for one profile is run under it, whatever the seed would draw, and not under the
/// other: nothing would have been shown.
#[test]
fn cases_for_one_profile_are_run_under_it_alone() {
    let cases: &'static [_] = scenarios().leak();
    let mut met = 0;
    for case in cases {
        let Some(own) = case.profile() else { continue };
        met += 1;
        let all: [&'static dyn Scenario; 1] = [case];
        let house = House { scenarios: &all, ..House::registered() };
        let (right, wrong) = match own {
            Profile::Documented => ("documented", "windows"),
            Profile::Windows => ("windows", "documented"),
        };
        for command in ["run", "hunt"] {
            let seeds = if command == "run" { ["--seed", "1"] } else { ["--seeds", "0..1"] };
            let args = [command, case.name(), seeds[0], seeds[1], "--profile", wrong];
            let done = wspsim_of(house, &args);
            assert_eq!((done.code, done.out.as_str()), (2, ""), "{args:?}");
            assert!(done.err.contains(&format!("is for the profile `{right}` alone")), "{done:?}");
        }
        for seed in 0..4 {
            let report =
                run(case, RunOptions { faults: FaultChoice::None, ..RunOptions::seed(seed) });
            let report = report.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(report.settings.profile, own, "{}, seed {seed}", case.name());
        }
    }
    assert!(met > 0, "no case is for one profile");
}

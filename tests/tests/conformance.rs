//! Every case of the conformance suite, under each profile that it is for and under many schedules.

use std::collections::BTreeSet;

use rayon::prelude::*;
use wspsim_conformance::Case;
use wspsim_tests::sim_bed::{CaseScenario, scenarios};

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

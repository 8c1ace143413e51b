//! One seed, one digest. Debug against release is `cargo xtask test determinism`.

use std::collections::BTreeSet;

use serde_json::Value;
use wspsim::run::{RunOptions, RunReport, run};
use wspsim::scenario::Scenario;

use crate::program::{finish, process, scratch, wspsim};

fn made(scenario: &dyn Scenario, options: RunOptions) -> RunReport {
    run(scenario, options).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn twice_in_a_process() {
    for scenario in wspsim_scenarios::all() {
        for seed in 0..4 {
            let first = made(*scenario, RunOptions::seed(seed));
            let second = made(*scenario, RunOptions::seed(seed));
            let place = format!("{}, seed {seed}", scenario.name());
            assert_eq!(first.checkpoints, second.checkpoints, "{place}");
            assert_eq!(first.digest, second.digest, "{place}");
            assert_eq!(first.choices, second.choices, "{place}");
            assert_eq!(first.settings, second.settings, "{place}");
            assert_eq!(
                (first.steps, first.virtual_ns, first.sends, first.completions, first.faults),
                (second.steps, second.virtual_ns, second.sends, second.completions, second.faults),
                "{place}"
            );
        }
    }
}

#[test]
fn different_seeds_differ() {
    for scenario in wspsim_scenarios::all() {
        let digests: BTreeSet<u128> =
            (0..8).map(|seed| made(*scenario, RunOptions::seed(seed)).digest).collect();
        assert_eq!(digests.len(), 8, "{}", scenario.name());
    }
}

#[test]
fn a_trace_changes_nothing() {
    for scenario in wspsim_scenarios::all() {
        let plain = made(*scenario, RunOptions::seed(5));
        let trace: Option<Box<dyn std::io::Write + Send>> = Some(Box::new(std::io::sink()));
        let traced = made(*scenario, RunOptions { trace, ..RunOptions::seed(5) });
        assert_eq!(plain.digest, traced.digest, "{}", scenario.name());
    }
}

/// What was recorded, fed back, is the same run and asks for nothing else.
#[test]
fn recorded_choices_replay() {
    for scenario in wspsim_scenarios::all() {
        let first = made(*scenario, RunOptions::seed(6));
        let again = made(
            *scenario,
            RunOptions {
                settings: Some(first.settings.clone()),
                replay: Some(first.choices.clone()),
                ..RunOptions::seed(6)
            },
        );
        assert_eq!(first.ended, again.ended, "{}", scenario.name());
        assert_eq!(first.digest, again.digest, "{}", scenario.name());
    }
}

/// `run` and `hunt` draw the same from a seed, and a process of its own draws it again.
#[test]
fn across_processes() {
    for scenario in wspsim_scenarios::all() {
        let here = wspsim(&["run", scenario.name(), "--seed", "7", "--json"]);
        for _ in 0..2 {
            let there = finish(&mut process(&["run", scenario.name(), "--seed", "7", "--json"]));
            assert_eq!(here.json(), there.json());
        }
    }
}

/// What a hunt tells of its scenarios, rates of real time apart.
fn hunted(jobs: &str, folder: &str) -> Vec<Value> {
    let out = scratch("determinism").join(folder);
    let out = out.to_str().expect("an ordinary path");
    let done = wspsim(&["hunt", "--seeds", "0..6", "--jobs", jobs, "--json", "--out", out]);
    assert!(done.code < 2, "{done:?}");
    let mut object = done.json();
    let scenarios = object["scenarios"].as_array_mut().expect("an array");
    for scenario in scenarios.iter_mut() {
        scenario.as_object_mut().expect("an object").remove("seeds_per_second");
    }
    scenarios.clone()
}

#[test]
fn whatever_the_jobs() {
    let one = hunted("1", "one");
    assert_eq!(one, hunted("2", "two"));
    assert_eq!(one, hunted("5", "five"));
}

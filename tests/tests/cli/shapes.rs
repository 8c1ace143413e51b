//! The shapes of what `--json` prints.

use serde_json::Value;
use wspsim::fault::Fault;

use crate::program::{scratch, wspsim};

#[track_caller]
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[track_caller]
fn has_exactly(value: &Value, expected: &[&str]) {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    let mut found = keys(value);
    found.sort_unstable();
    assert_eq!(found, expected);
}

fn is_digest(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[track_caller]
fn counts_every_fault(value: &Value) {
    let names: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    has_exactly(value, &names);
    assert!(value.as_object().expect("an object").values().all(Value::is_u64));
}

#[test]
fn list() {
    let object = wspsim(&["list", "--json"]).json();
    has_exactly(&object, &["scenarios", "faults"]);
    let scenarios = object["scenarios"].as_array().expect("an array");
    assert_eq!(scenarios.len(), wspsim_scenarios::all().len());
    let faults = object["faults"].as_array().expect("an array");
    assert_eq!(faults.len(), Fault::ALL.len());
    for named in scenarios.iter().chain(faults) {
        has_exactly(named, &["name", "about"]);
    }
}

#[test]
fn run() {
    for scenario in wspsim_scenarios::all() {
        let done = wspsim(&["run", scenario.name(), "--seed", "3", "--no-faults", "--json"]);
        assert_eq!(done.code, 0, "{done:?}");
        let object = done.json();
        has_exactly(
            &object,
            &[
                "scenario",
                "seed",
                "outcome",
                "digest",
                "steps",
                "virtual_ms",
                "sends",
                "completions",
                "faults",
            ],
        );
        assert_eq!(object["scenario"], scenario.name());
        assert_eq!(object["seed"], 3);
        assert_eq!(object["outcome"], "clean");
        assert!(is_digest(&object["digest"]), "{object}");
        for count in ["steps", "virtual_ms", "sends", "completions"] {
            assert!(object[count].is_u64(), "{count}: {object}");
        }
        counts_every_fault(&object["faults"]);
    }
}

#[test]
fn hunt() {
    let out = scratch("shapes").join("findings");
    let out = out.to_str().expect("an ordinary path");
    let done = wspsim(&["hunt", "--seeds", "0..2", "--no-faults", "--json", "--out", out]);
    assert_eq!(done.code, 0, "{done:?}");
    let object = done.json();
    has_exactly(&object, &["runs", "findings", "seeds_per_second", "scenarios"]);
    assert_eq!(object["runs"], 2 * wspsim_scenarios::all().len());
    assert_eq!(object["findings"], Value::Array(Vec::new()));
    assert!(object["seeds_per_second"].is_number());
    for scenario in object["scenarios"].as_array().expect("an array") {
        has_exactly(
            scenario,
            &[
                "name",
                "runs",
                "digest",
                "findings",
                "seeds_per_second",
                "virtual_ms",
                "sends",
                "completions",
                "faults",
            ],
        );
        assert_eq!(scenario["runs"], 2);
        assert_eq!(scenario["findings"], 0);
        assert!(is_digest(&scenario["digest"]), "{scenario}");
        counts_every_fault(&scenario["faults"]);
    }
}

/// A hunt without findings leaves no folder behind that was not there.
#[test]
fn no_findings_no_folder() {
    let out = scratch("shapes").join("nothing-found");
    let name = wspsim_scenarios::all()[0].name();
    let path = out.to_str().expect("an ordinary path");
    let done = wspsim(&["hunt", name, "--seeds", "0..1", "--no-faults", "--out", path]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(!out.exists());
}

/// A table for people has a line for every scenario, each named once however often it was given.
#[test]
fn table() {
    let name = wspsim_scenarios::all()[0].name();
    let out = scratch("shapes").join("table");
    let out = out.to_str().expect("an ordinary path");
    let done = wspsim(&["hunt", name, name, "--seeds", "0..2", "--no-faults", "--out", out]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(done.out.matches(name).count(), 1, "{}", done.out);
    assert!(done.out.contains("virtual time") && done.out.contains("2 runs in "), "{}", done.out);
}

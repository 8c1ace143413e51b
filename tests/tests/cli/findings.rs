//! From a finding to its file, and from the file back to the failure.

use core::sync::atomic::{AtomicU8, Ordering};
use std::fs;
use std::path::PathBuf;

use wspsim::api::Os;
use wspsim::scenario::Scenario;
use wspsim::world::WorldBuilder;
use wspsim_scenarios::cli::House;

use crate::program::{Done, scratch, wspsim_of};

/// Fails for every seed whose program draws a 0 of 3.
struct Unlucky {
    /// What became of the program since the file was written.
    now: AtomicU8,
}

const AS_IT_WAS: u8 = 0;
const MENDED: u8 = 1;
const CHANGED: u8 = 2;

impl Scenario for Unlucky {
    fn name(&self) -> &'static str {
        "unlucky"
    }

    fn about(&self) -> &'static str {
        "A program that fails by chance."
    }

    fn build(&self, world: &mut WorldBuilder) {
        let now = self.now.load(Ordering::Relaxed);
        world.client("client", move |os: &Os| {
            if now == CHANGED {
                os.mark(1);
            }
            for round in 0..2000 {
                os.sleep(1 + os.random_below(5));
                os.mark(round);
            }
            if os.random_below(3) == 0 && now != MENDED {
                os.fail("drew a 0");
            }
            os.mark(7);
        });
    }
}

/// A scenario for one test, so that tests side by side do not change each other's.
fn unlucky() -> &'static Unlucky {
    Box::leak(Box::new(Unlucky { now: AtomicU8::new(AS_IT_WAS) }))
}

fn of(scenario: &'static Unlucky, args: &[&str]) -> Done {
    let scenarios: [&'static dyn Scenario; 1] = [scenario];
    wspsim_of(House { scenarios: &scenarios, ..House::registered() }, args)
}

fn text(path: &std::path::Path) -> &str {
    path.to_str().expect("an ordinary path")
}

/// A folder for findings, without those of an earlier test run.
fn fresh(name: &str) -> PathBuf {
    let folder = scratch("findings").join(name);
    let _ = fs::remove_dir_all(&folder);
    folder
}

/// Hunts; gives the folder and the path of the first finding.
fn hunted(scenario: &'static Unlucky, name: &str) -> (PathBuf, PathBuf) {
    let folder = fresh(name);
    let done = of(scenario, &["hunt", "--seeds", "0..20", "--json", "--out", text(&folder)]);
    assert_eq!(done.code, 1, "{done:?}");
    let file = done.json()["findings"][0]["file"].as_str().expect("a path").to_owned();
    (folder, PathBuf::from(file))
}

#[test]
fn a_hunt_tells_and_writes_what_it_finds() {
    let scenario = unlucky();
    let folder = fresh("told");
    let args = ["hunt", "--seeds", "0..20", "--jobs", "2", "--profile", "windows", "--out"];
    let args = [&args[..], &[text(&folder)]].concat();
    let json = of(scenario, &[&args[..], &["--json"]].concat());
    let object = json.json();
    let findings = object["findings"].as_array().expect("an array");
    assert!(!findings.is_empty() && findings.len() < 20);
    assert_eq!(object["scenarios"][0]["findings"], findings.len());

    let plain = of(scenario, &args);
    assert_eq!(plain.code, 1);
    for finding in findings {
        assert_eq!(finding["scenario"], "unlucky");
        assert_eq!(finding["message"], "drew a 0");
        let seed = finding["seed"].as_u64().expect("a seed");
        let file = finding["file"].as_str().expect("a path");
        assert!(PathBuf::from(file).is_file());
        let replay = format!("cargo run --release -- replay {file}");
        let run = format!("cargo run --release -- run unlucky --seed {seed} --profile windows");
        assert_eq!(finding["replay"], replay.as_str());
        assert_eq!(finding["run"], run.as_str());
        for told in [&plain.out, &json.err] {
            assert!(told.contains(&replay) && told.contains(&run), "{told}");
        }
    }
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), findings.len());
}

/// Hunts of the same seeds with other things pinned keep each its own files.
#[test]
fn what_is_pinned_sets_files_apart() {
    let folder = fresh("apart");
    let args = ["hunt", "--seeds", "0..20", "--json", "--out", text(&folder)];
    let mut files = Vec::new();
    for pinned in [&[][..], &["--no-faults"], &["--profile", "windows"]] {
        let done = of(unlucky(), &[&args[..], pinned].concat());
        let told = done.json();
        let findings = told["findings"].as_array().expect("an array").clone();
        files.extend(findings.iter().map(|finding| finding["file"].to_string()));
    }
    let found = files.len();
    files.sort();
    files.dedup();
    assert_eq!((files.len(), fs::read_dir(&folder).expect("a folder").count()), (found, found));
}

#[test]
fn run_finds_what_hunt_found() {
    let scenario = unlucky();
    let (_, file) = hunted(scenario, "run");
    let name = file.file_stem().and_then(|stem| stem.to_str()).expect("a name");
    let seed = name.rsplit('-').next().expect("a seed");
    let done = of(scenario, &["run", "unlucky", "--seed", seed, "--json"]);
    assert_eq!(done.code, 1, "{done:?}");
    let object = done.json();
    assert_eq!(object["outcome"], "finding");
    assert_eq!(object["finding"]["message"], "drew a 0");
    assert_eq!(of(scenario, &["run", "unlucky", "--seed", seed]).code, 1);
}

#[test]
fn replay_reproduces_always() {
    let scenario = unlucky();
    let (_, file) = hunted(scenario, "reproduced");
    let first = of(scenario, &["replay", text(&file)]);
    assert_eq!(first.code, 1, "{first:?}");
    assert!(first.out.starts_with("reproduced in unlucky, seed "), "{first:?}");
    for _ in 0..3 {
        assert_eq!(of(scenario, &["replay", text(&file)]).out, first.out);
    }
    let traced = of(scenario, &["replay", text(&file), "--trace", "-"]);
    assert_eq!(traced.code, 1, "{traced:?}");
    assert!(traced.out.ends_with(&first.out), "{traced:?}");
    assert!(traced.out.lines().count() > 10, "the story is told: {traced:?}");
}

#[test]
fn replay_of_what_was_mended_is_clean() {
    let scenario = unlucky();
    let (_, file) = hunted(scenario, "mended");
    scenario.now.store(MENDED, Ordering::Relaxed);
    let done = of(scenario, &["replay", text(&file)]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.starts_with("clean in unlucky, seed "), "{done:?}");
}

#[test]
fn replay_of_what_was_changed_departs() {
    let scenario = unlucky();
    let (_, file) = hunted(scenario, "changed");
    scenario.now.store(CHANGED, Ordering::Relaxed);
    let done = of(scenario, &["replay", text(&file)]);
    assert_eq!(done.code, 3, "{done:?}");
    assert!(done.out.contains("departed in unlucky") && done.out.contains("at step "), "{done:?}");
    assert!(done.err.contains("cargo run --release -- run unlucky --seed "), "{done:?}");
}

#[test]
fn damaged_files_are_refused() {
    let scenario = unlucky();
    let (folder, file) = hunted(scenario, "damaged");
    let whole = fs::read_to_string(&file).expect("the finding");
    let cut = &whole[..whole.len() / 2];
    for (name, content, right) in [
        ("cut.json", cut.to_owned(), "is damaged"),
        ("seed.json", whole.replacen("\"seed\": ", "\"seed\": 1", 1), "does not fit its checksum"),
        ("less.json", whole.replacen("\"checkpoints\"", "\"points\"", 1), "is damaged"),
        ("newer.json", whole.replacen("\"format\": 1", "\"format\": 99", 1), "has format 99"),
        ("kind.json", whole.replacen("wspsim finding", "another's", 1), "is not a finding"),
    ] {
        let path = folder.join(name);
        fs::write(&path, content).expect("the scratch folder can be written");
        let done = of(scenario, &["replay", text(&path)]);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{name}: {done:?}");
        assert!(done.err.contains(right), "{name}: {done:?}");
    }
}

/// The file is whole, but its scenario is not one of the house.
#[test]
fn a_file_of_an_unknown_scenario_is_refused() {
    let (_, file) = hunted(unlucky(), "unknown");
    let done = wspsim_of(House::registered(), &["replay", text(&file)]);
    assert_eq!((done.code, done.out.as_str()), (2, ""), "{done:?}");
    assert!(done.err.contains("there is no scenario `unlucky`"), "{done:?}");
}

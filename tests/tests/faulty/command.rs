//! The command line with a faulty provider: exit codes, the line that replays, the files.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;

use serde_json::Value;
use wspsim::run::ProviderFactory;
use wspsim_scenarios::cli::House;
use wspsim_tests::faulty::{Flaw, factory};
use wspsim_tests::scene;

use crate::program::{Done, scratch, wspsim_of};

type Maker<'a> = &'a (dyn Fn() -> Rc<ProviderFactory> + Sync);

fn sound() -> Rc<ProviderFactory> {
    factory(None)
}

fn wrong() -> Rc<ProviderFactory> {
    factory(Some(Flaw::RoutineTwice))
}

fn other() -> Rc<ProviderFactory> {
    factory(Some(Flaw::EventTwice))
}

fn wspsim(provider: Maker<'_>, args: &[&str]) -> Done {
    wspsim_of(
        House { scenarios: scene::ALL, provider: Some(provider), ..House::registered() },
        args,
    )
}

/// An empty folder for findings.
fn folder(name: &str) -> PathBuf {
    let path = scratch("faulty-command").join(name);
    let _ = fs::remove_dir_all(&path);
    path
}

fn text(path: &std::path::Path) -> &str {
    path.to_str().expect("an ordinary path")
}

/// Hunts one scenario with `wrong` and gives the files.
fn hunted(name: &str, jobs: &str) -> (Done, Vec<PathBuf>) {
    let out = folder(name);
    let scenario = scene::DATAGRAM.name();
    let args = ["hunt", scenario, "--seeds", "0..3", "--no-faults", "--jobs", jobs, "--json"];
    let done = wspsim(&wrong, &[&args[..], &["--out", text(&out)]].concat());
    let mut files: Vec<PathBuf> = fs::read_dir(&out)
        .expect("the hunt made it")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    files.sort();
    (done, files)
}

#[test]
fn run_exits_1_with_a_finding_and_0_without() {
    let args = ["run", scene::DATAGRAM.name(), "--seed", "1", "--no-faults", "--json"];
    assert_eq!(wspsim(&sound, &args).code, 0);
    let found = wspsim(&wrong, &args);
    assert_eq!(found.code, 1, "{found:?}");
    assert_ne!(found.json()["outcome"], wspsim(&sound, &args).json()["outcome"]);
}

#[test]
fn a_hunt_keeps_a_file_for_each_finding() {
    let (done, files) = hunted("hunt", "1");
    assert_eq!(done.code, 1, "{done:?}");
    let told = done.json();
    assert_eq!(told["findings"].as_array().map(Vec::len), Some(3), "{told}");
    assert_eq!(files.len(), 3);
    for file in &files {
        assert!(done.err.contains(text(file)), "no line names {}: {done:?}", file.display());
    }
}

#[test]
fn jobs_do_not_change_what_is_found() {
    let (one, _) = hunted("jobs-one", "1");
    let (two, _) = hunted("jobs-two", "2");
    let found = |done: &Done| -> Vec<Value> {
        let mut object = done.json();
        let scenarios = object["scenarios"].as_array_mut().expect("an array");
        for scenario in scenarios.iter_mut() {
            scenario.as_object_mut().expect("an object").remove("seeds_per_second");
        }
        scenarios.clone()
    };
    assert_eq!(found(&one), found(&two));
}

#[test]
fn replay_exits_1_reproduced_0_clean_3_departed() {
    let (_, files) = hunted("replay", "2");
    let file = text(&files[0]);
    for _ in 0..2 {
        let again = wspsim(&wrong, &["replay", file]);
        assert_eq!(again.code, 1, "{again:?}");
        assert!(again.out.contains("reproduced"), "{again:?}");
    }
    let clean = wspsim(&sound, &["replay", file]);
    assert_eq!(clean.code, 0, "{clean:?}");
    // A provider that is wrong in another way goes another way.
    let departed = wspsim(&other, &["replay", file]);
    assert_eq!(departed.code, 3, "{departed:?}");
    assert!(departed.out.contains("step "), "{departed:?}");
    let whole = fs::read_to_string(file).expect("it was just written");
    let damaged = files[0].with_file_name("damaged.json");
    fs::write(&damaged, &whole[..whole.len() / 2]).expect("the folder can be written");
    let refused = wspsim(&wrong, &["replay", text(&damaged)]);
    assert_eq!(refused.code, 2, "{refused:?}");
}

/// Nothing in a process can end a thread of its own that loops: the command ends as a whole, and
/// says which run it was.
#[test]
fn a_run_that_hangs_ends_with_its_name() {
    let out = folder("hangs");
    let scenario = scene::ENDLESS.name();
    let hunt = ["hunt", scenario, "--seeds", "5..6", "--stall", "1", "--out", text(&out)];
    let run = ["run", scenario, "--seed", "5", "--stall", "1"];
    for args in [&hunt[..], &run] {
        let done = Command::new(env!("CARGO_BIN_EXE_wspsim-faulty"))
            .arg(Flaw::RoutineTwice.name())
            .args(args)
            .output()
            .expect("it was built with the tests");
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(3), "{said}");
        assert!(said.contains(&format!("run {scenario} --seed 5 --trace FILE")), "{said}");
    }
}

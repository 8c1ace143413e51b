//! Bad input: exit code 2, nothing on standard output, and a sentence that says what would be
//! right.

use std::fs;
use std::path::PathBuf;

use wspsim::fault::{Fault, Kind};

use crate::program::{scratch, wspsim};

fn a_scenario() -> &'static str {
    wspsim_scenarios::all()[0].name()
}

#[track_caller]
fn refused(args: &[&str], right: &str) {
    let done = wspsim(args);
    assert_eq!(done.code, 2, "{args:?}: {done:?}");
    assert_eq!(done.out, "", "{args:?}");
    assert!(done.err.starts_with("error: "), "{args:?}: {}", done.err);
    assert!(done.err.contains(right), "{args:?} does not say {right:?}: {}", done.err);
    assert!(!done.err.contains("panic"), "{args:?}: {}", done.err);
}

#[test]
fn commands() {
    let done = wspsim(&[]);
    assert_eq!((done.code, done.out.as_str()), (2, ""));
    assert!(done.err.contains("Usage: wspsim"), "{}", done.err);
    refused(&["hnt"], "hunt");
    refused(&["hunt", "--bogus"], "--bogus");
    refused(&["run"], "<SCENARIO>");
    refused(&["replay"], "<FILE>");
    refused(&["run", a_scenario()], "--seed");
}

#[test]
fn scenarios() {
    let slip = format!("{}x", a_scenario());
    let meant = format!("did you mean `{}`?", a_scenario());
    refused(&["run", &slip, "--seed", "1"], &meant);
    refused(&["hunt", &slip], &meant);
    refused(&["run", "nothing-like-it-at-all", "--seed", "1"], "the scenarios are: ");
    refused(&["run", "", "--seed", "1"], "the scenarios are: ");
}

#[test]
fn seeds() {
    for seed in ["18446744073709551616", "-1", "1.5", "ten", "", "0x10", " 1"] {
        refused(&["run", a_scenario(), "--seed", seed], "a seed is a whole number from 0 to");
    }
}

#[test]
fn ranges() {
    for (range, right) in [
        ("5..5", "`5..6`"),
        ("0..0", "`0..1`"),
        ("9..2", "`2..9`"),
        ("7", "`7..8`"),
        ("1..=4", "`1..5`"),
        ("0..99999999999999999999", "at most 18446744073709551615"),
        ("a..b", "--seeds 0..500"),
        ("..", "--seeds 0..500"),
        ("-5..3", "--seeds 0..500"),
        ("", "--seeds 0..500"),
    ] {
        refused(&["hunt", "--seeds", range], right);
    }
}

#[test]
fn faults() {
    for (fault, right) in [
        ("drop=1.01", "above 1"),
        ("drop=-0.5", "from 0 to 1"),
        ("drop=x", "from 0 to 1"),
        ("drop=0.0000001", "finer than a millionth"),
        ("drop=1/0", "0 below the line"),
        ("drop@0", "`drop@1`"),
        ("drop", "`drop=0.01`"),
        ("dropp=0.1", "did you mean `drop`?"),
        ("nothing-like-it=0.1", "the faults are: enobufs"),
        ("", "NAME=RATE"),
    ] {
        refused(&["hunt", "--fault", fault], right);
        refused(&["run", a_scenario(), "--seed", "1", "--fault", fault], right);
    }
    refused(&["hunt", "--fault", "drop=0.1", "--fault", "drop=0.2"], "two rates");
    refused(&["hunt", "--fault", "drop=0.1", "--no-faults"], "cannot be used with");
}

/// A scenario is not run against an adversary that it does not live with: whatever came of it
/// would not be the provider's.
#[test]
fn adversaries() {
    for scenario in wspsim_scenarios::all() {
        for fault in Fault::ALL.iter().filter(|fault| fault.kind() == Kind::Adversary) {
            if !scenario.adversaries().contains(fault) {
                let rate = format!("{}=0.1", fault.name());
                let args = ["run", scenario.name(), "--seed", "1", "--fault", &rate];
                refused(&args, "does not live with");
            }
        }
    }
}

#[test]
fn other_options() {
    refused(&["hunt", "--profile", "linux"], "documented, windows");
    for jobs in ["0", "-1", "1025", "many"] {
        refused(&["hunt", "--jobs", jobs], "--jobs 2");
    }
    for time in ["0", "-1", "1.5", "soon"] {
        refused(&["hunt", "--time", time], "--time 60");
    }
}

fn a_file(name: &str, content: &[u8]) -> PathBuf {
    let path = scratch("bad-input").join(name);
    fs::write(&path, content).expect("the scratch folder can be written");
    path
}

/// Found out before the first run is made, not after hours of hunting.
#[test]
fn unwritable_folders() {
    let file = a_file("not-a-folder", b"");
    let file = file.to_str().expect("an ordinary path");
    refused(&["hunt", "--out", file], "it is a file, not a folder");
    refused(&["hunt", "--out", &format!("{file}/below")], "give --out a folder");
    refused(&["hunt", "--out", ""], "a value is required");
}

#[test]
fn traces() {
    let below = format!("{}/trace", a_file("not-a-trace-folder", b"").display());
    refused(&["run", a_scenario(), "--seed", "1", "--trace", &below], "cannot write a trace");
    refused(&["run", a_scenario(), "--seed", "1", "--json", "--trace", "-"], "give --trace a file");
}

#[test]
fn replay_files() {
    refused(&["replay", "no/such/file.json"], "there is no such file; give the path");
    let folder = scratch("bad-input");
    refused(&["replay", folder.to_str().expect("an ordinary path")], "give one of the files in it");
    for (name, content) in [
        ("empty.json", &b""[..]),
        ("binary.json", &[0xff, 0xfe, 0x00, 0x80][..]),
        ("text.json", b"hello"),
        ("cut.json", b"{\"format\": 1, \"scenario\": \"x"),
        ("null.json", b"null"),
        ("array.json", b"[1, 2, 3]"),
        ("foreign.json", b"{\"name\": \"wspsim\", \"private\": true, \"dependencies\": {}}"),
        ("deep.json", &[b'['; 100_000][..]),
    ] {
        let path = a_file(name, content);
        refused(
            &["replay", path.to_str().expect("an ordinary path")],
            "give a file that `wspsim hunt` wrote",
        );
    }
}

//! A finding's file: written, read back, replayed; damaged and altered.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use wspsim::finding::{FindingFile, FindingFileError, Replay, replay};
use wspsim_tests::faulty::{Flaw, factory};

use super::{flawed, told};
use crate::program::scratch;

/// One of each scenario, and one that ends by a time limit.
const KEPT: [Flaw; 4] =
    [Flaw::RoutineTwice, Flaw::Reordered, Flaw::CorruptedReceive, Flaw::LostWakeUp];

/// Keeps what `flaw` breaks at seed 2; gives the content and the path.
fn kept(flaw: Flaw, folder: &str) -> (FindingFile, PathBuf) {
    let report = flawed(flaw, 2);
    let file = FindingFile::of(&report).unwrap_or_else(|| panic!("{} is clean", flaw.name()));
    let folder = scratch("faulty").join(folder).join(flaw.name());
    let path = file.write(&folder, None).unwrap_or_else(|error| panic!("{error}"));
    (file, path)
}

fn replayed(flaw: Flaw, file: &FindingFile, with: Option<Flaw>) -> Replay {
    replay(flaw.scene(), file, None, Some(factory(with))).unwrap_or_else(|error| panic!("{error}"))
}

fn assert_reproduced(flaw: Flaw, file: &FindingFile) {
    match replayed(flaw, file, Some(flaw)) {
        Replay::Reproduced(report) => {
            let finding = report.finding.as_ref().expect("it was reproduced");
            assert_eq!(finding.step, file.broken.step, "{}", flaw.name());
            assert_eq!(finding.violation.message, file.broken.message, "{}", flaw.name());
            assert_eq!(report.digest, file.digest, "{}", flaw.name());
        }
        Replay::Clean(_) => panic!("{}: clean, and not {:?}", flaw.name(), file.broken),
        Replay::Departed { step, report } => {
            panic!("{}: departed at step {step}, with {}", flaw.name(), told(&report))
        }
    }
}

#[test]
fn what_is_written_is_read_back() {
    for flaw in KEPT {
        let (file, path) = kept(flaw, "read-back");
        let read = FindingFile::read(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read, file, "{}", flaw.name());
        assert_eq!(read.broken.oracle, flaw.oracle());
        assert!(!read.tail.is_empty(), "{}: no last events", flaw.name());
    }
}

#[test]
fn replay_fails_at_the_same_step_each_time() {
    for flaw in KEPT {
        let (_, path) = kept(flaw, "same-step");
        let file = FindingFile::read(&path).unwrap_or_else(|error| panic!("{error}"));
        for _ in 0..3 {
            assert_reproduced(flaw, &file);
        }
    }
}

/// In a process of its own, by the command line.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test may start a program")]
fn replay_in_a_process_of_its_own() {
    for flaw in KEPT {
        let (file, path) = kept(flaw, "own-process");
        let output = Command::new(env!("CARGO_BIN_EXE_wspsim-faulty"))
            .args([flaw.name(), "replay"])
            .arg(&path)
            .output()
            .expect("the program starts");
        let told = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{}: {told}", flaw.name());
        assert!(told.contains(&file.broken.step.to_string()), "{}: {told}", flaw.name());
        assert!(told.contains(&file.broken.message), "{}: {told}", flaw.name());
    }
}

/// The right provider under the same choices does not fail: what is found is the provider's.
#[test]
fn the_right_provider_does_not_fail() {
    for flaw in KEPT {
        let (file, _) = kept(flaw, "right");
        if let Replay::Reproduced(report) = replayed(flaw, &file, None) {
            panic!("{}: {}", flaw.name(), told(&report));
        }
    }
}

/// Cut anywhere, or with any one byte changed, a file is refused or says the same.
#[test]
fn a_damaged_file_is_refused() {
    let (file, path) = kept(Flaw::RoutineTwice, "damaged");
    let whole = fs::read(&path).expect("it was just written");
    let damaged = path.with_file_name("damaged.json");
    let mut refused = 0;
    for part in 0..64 {
        let len = whole.len() * part / 64;
        fs::write(&damaged, &whole[..len]).expect("the folder can be written");
        let read = FindingFile::read(&damaged);
        assert!(read.is_err(), "cut to {len} of {} bytes, it is read", whole.len());
        assert!(told_to_do(&read.expect_err("just seen")), "cut to {len} bytes");
        let mut changed = whole.clone();
        changed[len] ^= 0x01;
        fs::write(&damaged, &changed).expect("the folder can be written");
        match FindingFile::read(&damaged) {
            Ok(read) => assert_eq!(read, file, "byte {len} changed, and nobody noticed"),
            Err(error) => {
                refused += 1;
                assert!(told_to_do(&error), "byte {len} changed");
            }
        }
    }
    assert!(refused > 32, "only {refused} of 64 changes were noticed");
}

/// Whether a message says what to do: it has a part behind a semicolon.
fn told_to_do(error: &FindingFileError) -> bool {
    error.to_string().contains("; ")
}

/// Other choices are another run: it departs, and says where.
#[test]
fn altered_choices_depart() {
    for flaw in KEPT {
        let (file, path) = kept(flaw, "altered");
        for part in 1..4 {
            let mut altered = file.clone();
            altered.choices[file.choices.len() * part / 4].stream ^= 1;
            // An altered file is a whole file: what it says is simply not what happens.
            let folder = path.with_file_name("altered");
            let written = altered.write(&folder, None).unwrap_or_else(|error| panic!("{error}"));
            let read = FindingFile::read(&written).unwrap_or_else(|error| panic!("{error}"));
            let place = format!("{}, choice {part}/4", flaw.name());
            match replayed(flaw, &read, Some(flaw)) {
                Replay::Departed { step, report } => {
                    assert!(0 < step && step <= report.steps, "{place}: {step}");
                }
                Replay::Clean(_) => panic!("{place}: clean"),
                Replay::Reproduced(_) => panic!("{place}: reproduced"),
            }
        }
    }
}

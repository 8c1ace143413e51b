use std::path::PathBuf;

use provider_core::Profile;

use super::*;
use crate::choice::Rate;
use crate::event::MachineId;
use crate::fault::{Fault, FaultPlan, Script};

/// A folder of the test's own, removed with it.
struct Folder(PathBuf);

#[allow(clippy::disallowed_methods, reason = "a folder that no other test run has")]
impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wspsim-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn sample() -> FindingFile {
    let mut plan = FaultPlan::none();
    plan.set_rate(Fault::Drop, Rate(7));
    plan.set_rate(Fault::Bandwidth, Rate::ALWAYS);
    plan.scripts.push(Script::new(Fault::Reset, 3).on_machine(MachineId(1)).on_socket(2));
    FindingFile {
        version: "0.1.0".to_owned(),
        scenario: "datagram-echo".to_owned(),
        seed: u64::MAX,
        settings: Settings {
            profile: Profile::Windows,
            plan,
            reuse_handles: true,
            stickiness: 200,
            ..Settings::default()
        },
        broken: Broken {
            oracle: "ledger".to_owned(),
            clause: "RET-3".to_owned(),
            message: "an operation \"ended\" twice".to_owned(),
            step: 4711,
            time_ns: 12_345_678,
            machine: "client".to_owned(),
            thread: Some(3),
        },
        digest: u128::MAX - 5,
        checkpoints: vec![1, u64::MAX],
        choices: vec![Choice { stream: 1, value: 0 }; 9],
        tail: vec!["one".to_owned(), "two".to_owned()],
    }
}

#[test]
fn what_is_written_is_read_back() {
    let folder = Folder::new("round-trip");
    let below = folder.0.join("made/on/demand");
    let path = sample().write(&below, None).unwrap();
    assert_eq!(path, below.join("datagram-echo-18446744073709551615.json"));
    assert_eq!(FindingFile::read(&path).unwrap(), sample());
    assert_eq!(fs::read_dir(&below).unwrap().count(), 1, "nothing else is left behind");
    // Again, over the old one.
    sample().write(&below, None).unwrap();
}

fn error_for(name: &str, content: &[u8]) -> String {
    let folder = Folder::new(name);
    let path = folder.0.join("f.json");
    fs::write(&path, content).unwrap();
    FindingFile::read(&path).unwrap_err().to_string()
}

#[test]
fn missing_files_and_folders_are_told_apart() {
    let folder = Folder::new("missing");
    let missing = FindingFile::read(&folder.0.join("none.json")).unwrap_err();
    assert!(matches!(missing, FindingFileError::Missing(_)), "{missing}");
    let a_folder = FindingFile::read(&folder.0).unwrap_err();
    assert!(matches!(a_folder, FindingFileError::Folder(_)), "{a_folder}");
}

#[test]
fn foreign_files_are_not_called_damaged() {
    for (n, content) in
        ["", "hello", "[1, 2]", "{\"kind\": \"other\"}", "\u{0}\u{1}"].iter().enumerate()
    {
        let error = error_for(&format!("foreign-{n}"), content.as_bytes());
        assert!(error.contains("is not a finding of wspsim"), "{content:?}: {error}");
    }
}

#[test]
fn a_newer_format_names_both() {
    let text = format::to_text(&sample()).replacen("\"format\": 1", "\"format\": 2", 1);
    let error = error_for("newer", text.as_bytes());
    assert!(error.contains("has format 2, and this wspsim reads up to format 1"), "{error}");
}

#[test]
fn every_cut_and_every_change_is_noticed() {
    let text = format::to_text(&sample());
    let path = Path::new("f.json");
    for len in (60..text.len() - 2).step_by(37) {
        let error = format::from_bytes(path, &text.as_bytes()[..len]).unwrap_err();
        assert!(matches!(error, FindingFileError::Damaged { .. }), "cut at {len}: {error}");
    }
    for place in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        if bytes[place].is_ascii_whitespace() {
            continue;
        }
        bytes[place] ^= 1;
        assert!(format::from_bytes(path, &bytes).is_err(), "byte {place}");
    }
}

#[test]
fn every_error_says_what_to_do() {
    let path = PathBuf::from("f.json");
    let denied = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    for error in [
        FindingFileError::Missing(path.clone()),
        FindingFileError::Folder(path.clone()),
        FindingFileError::Unreadable { path: path.clone(), source: denied() },
        FindingFileError::Foreign(path.clone()),
        FindingFileError::Newer { path: path.clone(), found: 2 },
        FindingFileError::Damaged { path: path.clone(), what: "x".to_owned() },
    ] {
        let text = error.to_string();
        assert!(text.contains("f.json") && text.contains(';'), "{text}");
    }
    let text = WriteError { path, source: denied() }.to_string();
    assert!(text.contains("f.json") && text.contains("--out"), "{text}");
}

#[test]
fn a_folder_that_cannot_be_written_to_is_an_error() {
    let folder = Folder::new("unwritable");
    let file = folder.0.join("a-file");
    fs::write(&file, "").unwrap();
    let error = sample().write(&file, None).unwrap_err();
    assert!(error.to_string().contains("cannot be written"), "{error}");
}

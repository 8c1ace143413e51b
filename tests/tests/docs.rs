//! What the documents say twice is held against the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use wspsim::fault::{Fault, Kind};
use wspsim_scenarios::cli;

use crate::program::{workspace, wspsim};

fn document(name: &str) -> String {
    let path = workspace().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cells of the rows of a document's tables, headings and rules apart.
fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix('|')?.strip_suffix('|'))
        .map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

#[test]
fn the_fault_table_is_the_catalogue() {
    let table: Vec<Vec<String>> = rows(&document("docs/faults.md"))
        .into_iter()
        .filter(|row| row[0].starts_with('`'))
        .collect();
    let told: Vec<(&str, &str, &str)> = table
        .iter()
        .map(|row| (row[0].trim_matches('`'), row[1].as_str(), row[2].as_str()))
        .collect();
    let are: Vec<(&str, &str, &str)> = Fault::ALL
        .iter()
        .map(|fault| {
            let kind = match fault.kind() {
                Kind::Environment => "environment",
                Kind::Adversary => "adversary",
            };
            (fault.name(), kind, fault.about())
        })
        .collect();
    assert_eq!(told, are);
}

#[test]
fn the_oracle_table_is_complete() {
    let table = rows(&document("docs/oracles.md"));
    let names = table.iter().filter(|row| row[0].starts_with('`'));
    let told: Vec<&str> = names.map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(told, wspsim::oracle::NAMES);
}

/// Every command that a document shows is one that the command line takes.
#[test]
fn commands_in_documents_exist() {
    let mut seen = 0;
    for name in ["README.md", "docs/faults.md", "docs/guide-scenarios.md", "docs/bugs-found.md"] {
        for line in document(name).lines() {
            let Some(at) = line.find("cargo run --release -- ") else { continue };
            let command = line[at..].split(['`', '#']).next().unwrap_or_default();
            let words = command.split_whitespace().skip(4).map(|word| word.trim_matches('\''));
            // A word in capitals or angle brackets stands for something.
            let words: Vec<String> = words
                .map(|word| match word {
                    "N" | "SEED" => "1".to_owned(),
                    other => other.to_owned(),
                })
                .collect();
            let all = core::iter::once("wspsim".to_owned()).chain(words);
            if let Err(why) = cli::accepts(all) {
                panic!("{name}: `{command}`: {why}");
            }
            seen += 1;
        }
    }
    assert!(seen > 3, "no commands found");
}

/// A scenario is known by one name, in small letters, that needs no quotes.
#[test]
fn scenario_names() {
    let all = wspsim_scenarios::all();
    let names: BTreeSet<&str> = all.iter().map(|scenario| scenario.name()).collect();
    assert_eq!(names.len(), all.len(), "a name is used twice");
    for scenario in all {
        let name = scenario.name();
        assert!(
            name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-'),
            "{name}"
        );
        let about = scenario.about();
        assert!(!about.is_empty() && !about.contains('\n'), "{name}: not a line: {about:?}");
        assert!(wspsim(&["list"]).out.contains(scenario.about()), "{name}");
    }
}

/// The dependency page explains each dependency of the workspace, and no other.
#[test]
fn dependencies_are_explained() {
    let manifest = document("Cargo.toml");
    let (_, after) = manifest.split_once("[workspace.dependencies]").expect("a section");
    let section = after.split("\n[").next().unwrap_or_default();
    let are: BTreeSet<String> = section
        .lines()
        .filter(|line| {
            line.starts_with(|c: char| c.is_ascii_lowercase()) && !line.contains("path = ")
        })
        .filter_map(|line| Some(line.split_once(" = ")?.0.to_owned()))
        .collect();
    let told: BTreeSet<String> = rows(&document("docs/dependencies.md"))
        .into_iter()
        .filter(|row| row[0].starts_with('`'))
        .map(|row| row[0].trim_matches('`').to_owned())
        .collect();
    assert_eq!(told, are);
}

/// Every ban on what a run may not depend on says why.
#[test]
fn bans_have_reasons() {
    let bans = document("clippy.toml");
    let entries: Vec<&str> = bans.lines().filter(|line| line.contains("path = \"")).collect();
    assert!(entries.len() > 20);
    for entry in entries {
        assert!(entry.contains("reason = \"") && !entry.contains("reason = \"\""), "{entry}");
    }
}

/// The text of every source file below `folder`.
fn sources(folder: &Path, into: &mut String) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            into.push_str(&fs::read_to_string(&path).expect("a source can be read"));
        }
    }
}

/// Every bug that was found has its place, its oracle and its regression, and that is there.
#[test]
fn regressions_exist() {
    let mut code = String::new();
    for folder in ["sim/src", "tests/tests"] {
        sources(&workspace().join(folder), &mut code);
    }
    let text = document("docs/bugs-found.md");
    let (_, found) = text.split_once("## By the hunt").expect("a section");
    let found = found.split("\n## ").next().unwrap_or_default();
    let rows = rows(found);
    let bugs = rows.iter().filter(|row| row[0] != "what was wrong" && !row[0].starts_with('-'));
    let mut named = 0;
    for row in bugs {
        assert_eq!(row.len(), 4, "{row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
        if row[3].starts_with("none but") {
            continue;
        }
        let path = row[3].trim_matches('`');
        let name = path.rsplit("::").next().unwrap_or_default();
        assert!(code.contains(&format!("fn {name}()")), "{path}: no such test");
        named += 1;
    }
    assert!(named > 10, "{named} regressions found");
}

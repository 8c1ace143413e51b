//! `cargo xtask plants`: breaks a copy of the provider core in known ways, one at a time, and lets
//! the hunt look for each. None may survive.
//!
//! A plant is a file in tests/plants: a line on what it breaks, then edits. Each edit names a file
//! and holds the old and the new text between marks; the old text must stand in the file exactly
//! once, so that a plant that no longer fits is noticed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::step::{Outcome, cargo as workspace_cargo, root};

/// Seeds of every scenario that a plant may survive at most.
const SEEDS_MOST: u64 = 2_000;

/// Ends of the seed ranges tried one after the other: most plants are found in the first.
const SEEDS: [u64; 4] = [20, 100, 500, SEEDS_MOST];

struct Edit {
    file: String,
    old: String,
    new: String,
}

struct Plant {
    name: String,
    about: String,
    edits: Vec<Edit>,
}

/// What the hunt found first.
struct Found {
    scenario: String,
    seed: u64,
    oracle: String,
}

/// Tries the plants named, or all.
pub(crate) fn run(names: &[&str]) -> Outcome {
    let root = root();
    let tree = root.join("target/plants/tree");
    let plants = read_all(&root.join("tests/plants"))?;
    if let Some(unknown) = names.iter().find(|name| plants.iter().all(|p| p.name != **name)) {
        let known: Vec<&str> = plants.iter().map(|p| p.name.as_str()).collect();
        return Err(format!("there is no plant `{unknown}`; there are {}", known.join(", ")));
    }
    let mut survivors = Vec::new();
    println!("| plant | what it breaks | found by | scenario | seeds it took |");
    println!("|---|---|---|---|---|");
    for plant in plants.iter().filter(|p| names.is_empty() || names.contains(&p.name.as_str())) {
        copy_tree(&root, &tree)?;
        apply(plant, &tree)?;
        build(&root, &tree).map_err(|why| format!("{}: {why}", plant.name))?;
        match hunt(&root, &tree)? {
            Some(Found { scenario, seed, oracle }) => {
                println!(
                    "| {} | {} | {oracle} | {scenario} | {} |",
                    plant.name,
                    plant.about,
                    seed + 1
                );
            }
            None => {
                println!(
                    "| {} | {} | nothing | all | survived {SEEDS_MOST} |",
                    plant.name, plant.about
                );
                survivors.push(plant.name.clone());
            }
        }
    }
    if survivors.is_empty() { Ok(()) } else { Err(format!("survived: {}", survivors.join(", "))) }
}

fn read_all(folder: &Path) -> Result<Vec<Plant>, String> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "plant"))
        .collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Result<Plant, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let damaged = |what: &str| format!("{}: {what}", path.display());
    let (about, rest) = text.split_once('\n').ok_or_else(|| damaged("is empty"))?;
    let mut edits = Vec::new();
    for block in rest.split("\nfile: ").skip(1) {
        let (file, body) = block.split_once("\n<<<<<<<\n").ok_or_else(|| damaged("no <<<<<<<"))?;
        let (old, body) = body.split_once("=======\n").ok_or_else(|| damaged("no ======="))?;
        let (new, _) = body.split_once(">>>>>>>").ok_or_else(|| damaged("no >>>>>>>"))?;
        edits.push(Edit { file: file.trim().into(), old: old.into(), new: new.into() });
    }
    if edits.is_empty() {
        return Err(damaged("has no edits"));
    }
    Ok(Plant { name, about: about.into(), edits })
}

/// A fresh copy of what the command line is built from. Files that are the same keep their times,
/// so that cargo builds only what a plant touches.
fn copy_tree(root: &Path, tree: &Path) -> Outcome {
    for part in ["provider-core", "sim", "scenarios"] {
        copy(&root.join(part), &tree.join(part)).map_err(|error| format!("{part}: {error}"))?;
    }
    let manifest =
        fs::read_to_string(root.join("Cargo.toml")).map_err(|error| error.to_string())?;
    let members: Vec<&str> = manifest
        .lines()
        .filter(|line| {
            !["\"tests\",", "\"benches\",", "\"xtask\","].iter().any(|m| line.trim().starts_with(m))
        })
        .collect();
    write_if_changed(&tree.join("Cargo.toml"), members.join("\n").as_bytes())
        .and_then(|()| {
            write_if_changed(&tree.join("Cargo.lock"), &fs::read(root.join("Cargo.lock"))?)
        })
        .map_err(|error| error.to_string())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            write_if_changed(&target, &fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

fn write_if_changed(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) { Ok(()) } else { fs::write(path, bytes) }
}

fn apply(plant: &Plant, tree: &Path) -> Outcome {
    for edit in &plant.edits {
        let path = tree.join(&edit.file);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", edit.file))?;
        let count = text.matches(&edit.old).count();
        if count != 1 {
            return Err(format!(
                "{}: its old text stands {count} times in {}, and must stand there once",
                plant.name, edit.file
            ));
        }
        fs::write(&path, text.replacen(&edit.old, &edit.new, 1))
            .map_err(|error| format!("{}: {error}", edit.file))?;
    }
    Ok(())
}

fn cargo(root: &Path, tree: &Path) -> Command {
    let mut command = workspace_cargo(&[]);
    command.current_dir(tree).env("CARGO_TARGET_DIR", root.join("target/plants/target"));
    command
}

fn build(root: &Path, tree: &Path) -> Outcome {
    let output = cargo(root, tree)
        .args(["build", "--release", "--quiet"])
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("does not build:\n{}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// Widens the range of seeds until something is found.
fn hunt(root: &Path, tree: &Path) -> Result<Option<Found>, String> {
    let mut first = 0;
    for last in SEEDS {
        let output = cargo(root, tree)
            .args(["run", "--release", "--quiet", "--", "hunt", "--json", "--seeds"])
            .arg(format!("{first}..{last}"))
            .arg("--out")
            .arg(root.join("target/plants/findings"))
            .stderr(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        match output.status.code() {
            Some(0) => first = last,
            Some(1) => return first_finding(&String::from_utf8_lossy(&output.stdout)).map(Some),
            code => return Err(format!("the hunt ended with {code:?}")),
        }
    }
    Ok(None)
}

/// The finding of the smallest seed in what `hunt --json` printed.
fn first_finding(json: &str) -> Result<Found, String> {
    let value: serde_json::Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let text = |finding: &serde_json::Value, key: &str| {
        finding.get(key).and_then(|value| value.as_str()).unwrap_or("?").to_owned()
    };
    value["findings"]
        .as_array()
        .and_then(|findings| findings.iter().min_by_key(|finding| finding["seed"].as_u64()))
        .map(|finding| Found {
            scenario: text(finding, "scenario"),
            seed: finding["seed"].as_u64().unwrap_or_default(),
            oracle: text(finding, "oracle"),
        })
        .ok_or_else(|| "the hunt reported findings and listed none".into())
}

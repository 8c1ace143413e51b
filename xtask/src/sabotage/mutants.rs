//! `cargo xtask mutants`: the conformance suite looks for each mutant of tests/mutants. None may
//! survive, and each case has to fail for one of them: a case that none makes fail may be one that
//! cannot.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::Value;

use super::tree::Tree;
use super::{apply, chosen};
use crate::step::{Outcome, root};

/// Schedules of each case.
const SEEDS: &str = "0..4";
const BINARY: &str = "wspsim-conformance";

/// Tries the mutants named, or all; after all of them, says which cases never failed.
pub(crate) fn run(names: &[&str]) -> Outcome {
    let mutants = chosen(&root().join("tests/mutants"), "mutant", names)?;
    let tree = Tree::of("mutants", &["provider-core", "sim", "scenarios", "tests"]);
    let mut survivors = Vec::new();
    let mut failed = BTreeSet::new();
    println!("| mutant | what it breaks | cases that fail |");
    println!("|---|---|---|");
    for mutant in &mutants {
        tree.renew()?;
        apply(mutant, tree.path())?;
        let (name, about) = (&mutant.name, &mutant.about);
        build(&tree).map_err(|why| format!("{name}: {why}"))?;
        let caught = failing(&tree).map_err(|why| format!("{name}: {why}"))?;
        let Some(caught) = caught else {
            println!("| {name} | {about} | (a run hangs) |");
            continue;
        };
        if caught.is_empty() {
            survivors.push(name.clone());
        }
        let cases: Vec<&str> = caught.iter().map(String::as_str).collect();
        println!("| {name} | {about} | {} |", cases.join(", "));
        failed.extend(caught);
    }
    if names.is_empty() {
        tree.renew()?;
        build(&tree)?;
        let spared: Vec<String> =
            cases(&tree)?.into_iter().filter(|case| !failed.contains(case)).collect();
        println!("\n{} cases failed for a mutant, {} for none", failed.len(), spared.len());
        spared.iter().for_each(|case| println!("  {case}"));
    }
    if survivors.is_empty() { Ok(()) } else { Err(format!("survived: {}", survivors.join(", "))) }
}

fn build(tree: &Tree) -> Outcome {
    tree.build(&["-p", "wspsim-tests", "--bin", BINARY])
}

/// What the conformance command printed as an object; `None` where a run of it hung.
fn ask(tree: &Tree, args: &[&str]) -> Result<Option<Value>, String> {
    let output = tree
        .cargo()
        .args(["run", "--quiet", "-p", "wspsim-tests", "--bin", BINARY, "--"])
        .args(args)
        .stderr(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    match output.status.code() {
        Some(0 | 1) => {
            serde_json::from_slice(&output.stdout).map(Some).map_err(|error| error.to_string())
        }
        // A broken core may hang; that is noticed too, but says nothing of one case.
        Some(3) => Ok(None),
        code => Err(format!("{BINARY} {} ended with {code:?}", args.join(" "))),
    }
}

/// The cases that fail under some schedule; `None` where a run hangs.
fn failing(tree: &Tree) -> Result<Option<BTreeSet<String>>, String> {
    let out = root().join("target/mutants/findings");
    let out = out.to_string_lossy();
    let told = ask(tree, &["hunt", "--json", "--seeds", SEEDS, "--stall", "20", "--out", &out])?;
    Ok(told.map(|told| names_of(&told["findings"], "scenario")))
}

fn cases(tree: &Tree) -> Result<BTreeSet<String>, String> {
    let listed = ask(tree, &["list", "--json"])?.ok_or("listing the cases hangs")?;
    Ok(names_of(&listed["scenarios"], "name"))
}

fn names_of(list: &Value, key: &str) -> BTreeSet<String> {
    let entries = list.as_array().into_iter().flatten();
    entries.filter_map(|entry| entry[key].as_str().map(str::to_owned)).collect()
}

//! `cargo xtask model`: the reference model of the send side looks for each plant and each mutant.
//! One that it does not find is told and is no failure: some break what only a second thread, or
//! another function, can see.

use std::process::Stdio;

use super::tree::Tree;
use super::{Sabotage, apply, read_all};
use crate::step::{Outcome, root};

const TEST: &str = "model::the_core_does_what_the_model_says";

/// Tries the plants and mutants named, or all.
pub(crate) fn run(names: &[&str]) -> Outcome {
    let tests = root().join("tests");
    let mut all = read_all(&tests.join("plants"), "plant")?;
    all.extend(read_all(&tests.join("mutants"), "mutant")?);
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|s| s.name != **name)) {
        return Err(format!("there is no plant and no mutant `{unknown}`"));
    }
    all.retain(|s| names.is_empty() || names.contains(&s.name.as_str()));
    let tree = Tree::of("model", &["provider-core", "sim", "scenarios", "tests"]);
    println!("| plant or mutant | what it breaks | found in |");
    println!("|---|---|---|");
    for sabotage in &all {
        let Sabotage { name, about, .. } = sabotage;
        tree.renew()?;
        apply(sabotage, tree.path())?;
        tree.build(&["--tests", "-p", "wspsim-tests"]).map_err(|why| format!("{name}: {why}"))?;
        let told = match steps(&tree)? {
            Some(steps) => format!("{steps} steps"),
            None => "not found".to_owned(),
        };
        println!("| {name} | {about} | {told} |");
    }
    Ok(())
}

/// How many steps the shrunk sequence has that shows the difference; none when there is none.
fn steps(tree: &Tree) -> Result<Option<usize>, String> {
    let output = tree
        .cargo()
        .args(["test", "--quiet", "-p", "wspsim-tests", "--test", "main", "--", "--exact", TEST])
        .stderr(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(None);
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    let (_, story) = printed
        .split_once("the core and the model part:\n")
        .ok_or_else(|| format!("{TEST} ended without a word of the model"))?;
    // The socket is told on the first line; what a step showed is indented under it.
    let lines = story.lines().take_while(|line| !line.is_empty()).skip(1);
    Ok(Some(lines.filter(|line| !line.starts_with(' ')).count()))
}

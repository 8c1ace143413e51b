//! `cargo xtask plants`: the hunt looks for each plant of tests/plants. None may survive.

use std::process::Stdio;

use super::tree::Tree;
use super::{apply, chosen};
use crate::step::{Outcome, root};

/// Seeds of every scenario that a plant may survive at most.
const SEEDS_MOST: u64 = 2_000;

/// Ends of the seed ranges tried one after the other: most plants are found in the first.
const SEEDS: [u64; 4] = [20, 100, 500, SEEDS_MOST];

/// What the hunt found first.
struct Found {
    scenario: String,
    seed: u64,
    oracle: String,
}

/// Tries the plants named, or all.
pub(crate) fn run(names: &[&str]) -> Outcome {
    let plants = chosen(&root().join("tests/plants"), "plant", names)?;
    let tree = Tree::of("plants", &["provider-core", "sim", "scenarios"]);
    let mut survivors = Vec::new();
    println!("| plant | what it breaks | found by | scenario | seeds it took |");
    println!("|---|---|---|---|---|");
    for plant in &plants {
        tree.renew()?;
        apply(plant, tree.path())?;
        tree.build(&["--release"]).map_err(|why| format!("{}: {why}", plant.name))?;
        let (name, about) = (&plant.name, &plant.about);
        match hunt(&tree)? {
            Some(Found { scenario, seed, oracle }) => {
                println!("| {name} | {about} | {oracle} | {scenario} | {} |", seed + 1);
            }
            None => {
                println!("| {name} | {about} | nothing | all | survived {SEEDS_MOST} |");
                survivors.push(name.clone());
            }
        }
    }
    if survivors.is_empty() { Ok(()) } else { Err(format!("survived: {}", survivors.join(", "))) }
}

/// Widens the range of seeds until something is found.
fn hunt(tree: &Tree) -> Result<Option<Found>, String> {
    let mut first = 0;
    for last in SEEDS {
        let output = tree
            .cargo()
            .args(["run", "--release", "--quiet", "--", "hunt", "--json", "--seeds"])
            .arg(format!("{first}..{last}"))
            .arg("--out")
            .arg(root().join("target/plants/findings"))
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

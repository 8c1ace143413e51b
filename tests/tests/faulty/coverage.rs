//! No oracle without a flaw that shows that it works.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use wspsim::oracle;
use wspsim_tests::faulty::Flaw;

use crate::program::workspace;

/// The one oracle that judges the program and not the provider: `misuse_is_the_programs` shows it.
const OF_THE_PROGRAM: &str = "client-misuse";

#[test]
fn every_oracle_has_a_flaw() {
    let shown: BTreeSet<&str> =
        Flaw::ALL.iter().map(|flaw| flaw.oracle()).chain([OF_THE_PROGRAM]).collect();
    let are: BTreeSet<&str> = oracle::NAMES.iter().copied().collect();
    assert_eq!(are.len(), oracle::NAMES.len(), "an oracle is listed twice");
    let missing: Vec<_> = are.difference(&shown).collect();
    assert!(missing.is_empty(), "no flaw shows that these oracles catch anything: {missing:?}");
    let unknown: Vec<_> = shown.difference(&are).collect();
    assert!(unknown.is_empty(), "flaws are meant for oracles that do not exist: {unknown:?}");
}

/// The list of oracles is what the simulator can report under, no less and no more.
#[test]
fn the_list_of_oracles_is_whole() {
    let mut reported = BTreeSet::new();
    collect(&workspace().join("sim/src"), &mut reported);
    let listed: BTreeSet<String> = oracle::NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(reported, listed);
}

/// How a violation gets the name of its oracle, spaces apart.
const NAMED: [&str; 4] =
    ["Violation::new(\"", "Violation{oracle:\"", "constNAME:&str=\"", ".report(\""];

/// The names in all sources under `folder`, tests apart.
fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("the sources can be read").path();
        let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
        if is_test {
            continue;
        }
        if path.is_dir() {
            collect(&path, names);
            continue;
        }
        let text = fs::read_to_string(&path).expect("sources are text");
        let dense: String = text.split_whitespace().collect();
        for pattern in NAMED {
            for rest in dense.split(pattern).skip(1) {
                names.extend(rest.split('"').next().map(str::to_owned));
            }
        }
    }
}

#[test]
fn names_tell_flaws_apart() {
    let names: BTreeSet<&str> = Flaw::ALL.iter().map(|flaw| flaw.name()).collect();
    assert_eq!(names.len(), Flaw::ALL.len());
    for flaw in Flaw::ALL.iter().copied() {
        assert_eq!(Flaw::from_name(flaw.name()), Some(flaw));
        assert!(flaw.about().ends_with('.'), "{}: not a sentence", flaw.name());
    }
}

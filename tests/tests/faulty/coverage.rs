//! No oracle without a flaw that shows that it works.

use std::collections::BTreeSet;

use wspsim::oracle;
use wspsim_tests::faulty::Flaw;

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

#[test]
fn names_tell_flaws_apart() {
    let names: BTreeSet<&str> = Flaw::ALL.iter().map(|flaw| flaw.name()).collect();
    assert_eq!(names.len(), Flaw::ALL.len());
    for flaw in Flaw::ALL.iter().copied() {
        assert_eq!(Flaw::from_name(flaw.name()), Some(flaw));
        assert!(flaw.about().ends_with('.'), "{}: not a sentence", flaw.name());
    }
}

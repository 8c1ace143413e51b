//! Each flaw, with and without.

use wspsim::run::RunOptions;
use wspsim::settings::FaultChoice;
use wspsim_tests::faulty::Flaw;
use wspsim_tests::scene;

use super::{SEEDS, flawed, made, options, told};

/// Every seed of the range ends in a finding of the oracle that is meant, and of no other.
#[test]
fn each_flaw_by_its_oracle() {
    let mut wrong = Vec::new();
    for flaw in Flaw::ALL.iter().copied() {
        for seed in SEEDS {
            let report = flawed(flaw, seed);
            let caught = report.finding.as_ref().is_some_and(|finding| {
                finding.violation.oracle == flaw.oracle()
                    && flaw.clauses().contains(&finding.violation.clause)
            });
            if !caught {
                let (name, oracle) = (flaw.name(), flaw.oracle());
                wrong.push(format!("{name}, seed {seed}: not {oracle}, but {}", told(&report)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same seeds without a flaw find nothing, so what was found is the flaw.
#[test]
fn nothing_without_a_flaw() {
    for scenario in [scene::DATAGRAM, scene::STREAM, scene::NOTIFIED] {
        for seed in SEEDS {
            let report = made(scenario, options(seed, None));
            assert_eq!(report.finding, None, "{}, seed {seed}: {}", scenario.name(), told(&report));
        }
    }
}

/// Without a flaw the layers around the core are not there, as far as a run can tell.
#[test]
fn the_layers_alone_change_nothing() {
    for scenario in [scene::DATAGRAM, scene::STREAM, scene::NOTIFIED] {
        let layered = made(scenario, options(3, None));
        let bare = RunOptions { faults: FaultChoice::None, ..RunOptions::seed(3) };
        assert_eq!(layered.digest, made(scenario, bare).digest, "{}", scenario.name());
    }
}

/// A failing run is as deterministic as any other.
#[test]
fn one_seed_one_digest() {
    for flaw in Flaw::ALL.iter().copied() {
        let (first, second) = (flawed(flaw, 1), flawed(flaw, 1));
        assert_eq!(first.digest, second.digest, "{}", flaw.name());
        assert_eq!(first.finding, second.finding, "{}", flaw.name());
        assert_eq!(first.choices, second.choices, "{}", flaw.name());
    }
}

/// A program's own mistake is told apart from the provider's.
#[test]
fn misuse_is_the_programs() {
    for seed in SEEDS {
        let report = made(scene::MISUSE, options(seed, None));
        let finding = report.finding.as_ref().map(|finding| finding.violation.oracle);
        assert_eq!(finding, Some("client-misuse"), "seed {seed}: {}", told(&report));
    }
}

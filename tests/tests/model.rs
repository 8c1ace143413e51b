//! The core against the reference model: sequences of calls on one socket, drawn at random, and
//! the same answers, operations, routines and bytes from both. docs/model.md tells more.

mod reach;
mod strategy;

use core::fmt::Write as _;

use proptest::test_runner::{
    Config, RngSeed, TestCaseError, TestError, TestRunner, contextualize_config,
};
use wspsim_tests::bench::Bench;
use wspsim_tests::model::{Call, Model, Setup};

/// Sequences that are tried when the environment does not say how many (`PROPTEST_CASES`).
const CASES: u32 = 20_000;

/// The steps up to one that shows something else than the model predicts, told in a list; none when
/// there is none.
fn difference(setup: Setup, calls: &[Call]) -> Option<String> {
    let (mut model, bench) = (Model::new(setup), Bench::new(setup));
    let mut story = format!("{setup}\n");
    for call in calls.iter().chain([&Call::Cleanup]) {
        let Some(predicted) = model.step(call) else { continue };
        let seen = bench.step(call);
        let _ = writeln!(story, "{call}");
        if seen != predicted {
            let _ = writeln!(story, "    model: {predicted}\n    core:  {seen}");
            return Some(story);
        }
        let _ = writeln!(story, "    both:  {seen}");
    }
    None
}

/// The same sequences every time; the environment may ask for more of them, or for others.
fn config() -> Config {
    contextualize_config(Config {
        cases: CASES,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    })
}

#[test]
fn the_core_does_what_the_model_says() {
    let sequences = strategy::sequence();
    let result = TestRunner::new(config()).run(&sequences, |(setup, calls)| {
        match difference(setup, &calls) {
            None => Ok(()),
            Some(story) => Err(TestCaseError::fail(story)),
        }
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(story, (setup, calls))) => {
            panic!("the core and the model part:\n{story}\nas code: {setup:?}\n{calls:?}")
        }
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

//! The core against the reference model: sequences of calls on one socket, drawn at random, and
//! the same answers, operations, routines and bytes from both. docs/model.md tells more.

mod reach;
mod strategy;

use proptest::test_runner::{
    Config, RngSeed, TestCaseError, TestError, TestRunner, contextualize_config,
};
use wspsim_tests::duel::difference;

/// Sequences that are tried when the environment does not say how many (`PROPTEST_CASES`).
const CASES: u32 = 20_000;

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

//! The command line with the cases of the conformance suite for scenarios, and without faults:
//! `wspsim-conformance run CASE --seed N --profile P --trace -`.

use std::ffi::OsString;
use std::process::ExitCode;

use wspsim::scenario::Scenario;
use wspsim_scenarios::cli::{House, main_of};
use wspsim_tests::sim_bed::scenarios;

#[allow(clippy::disallowed_methods, reason = "arguments say what to do, and no run can see them")]
fn main() -> ExitCode {
    let cases: &'static [_] = scenarios().leak();
    let cases: Vec<&'static dyn Scenario> =
        cases.iter().map(|case| case as &'static dyn Scenario).collect();
    let mut args: Vec<OsString> = std::env::args_os().collect();
    // A case scripts what goes wrong itself.
    let runs = args.get(1).is_some_and(|command| command == "run" || command == "hunt");
    if runs && args.iter().all(|arg| arg != "--no-faults") {
        args.insert(2, "--no-faults".into());
    }
    let program = "cargo run -p wspsim-tests --bin wspsim-conformance --";
    main_of(House { program, scenarios: &cases, provider: None }, args)
}

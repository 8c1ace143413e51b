//! Set-up and checks that plain cargo cannot do: `cargo xtask help`.
#![forbid(unsafe_code)]

mod clauses;
mod component;
mod determinism;
mod dll;
mod sabotage;
mod step;

use std::io::Write as _;
use std::process::ExitCode;

use step::{Outcome, Step};

const HELP: &str = "\
cargo xtask help            this text
cargo xtask test            all checks, in this order
cargo xtask test STEP...    only these steps
cargo xtask plants          breaks copies of the core in the ways of tests/plants, and hunts each
cargo xtask plants NAME...  only these
cargo xtask mutants         breaks copies of the core in the ways of tests/mutants, and runs the
                            conformance cases on each; says which cases no mutant makes fail
cargo xtask mutants NAME... only these
cargo xtask model           breaks copies of the core in the ways of both folders, and holds each
                            against the reference model of docs/model.md
cargo xtask model NAME...   only these
cargo xtask clauses         holds the clauses of docs/spec against the code and the tests that cite
                            them, and writes docs/conformance.md
        --check             fails instead when a clause lacks code or test, or the page is old
        --missing           lists the clauses that lack code or test
        --json              prints the counts as one line
cargo xtask dll             lints and builds the provider DLL for Windows, and says where it is;
                            away from Windows, Debian's packages for that are installed
        --debug             builds it unoptimised
        --test              runs its own tests instead, under Wine
cargo xtask dll-test        runs the provider DLL under a program that plays ws2_32, on Windows or under
                            Wine: the conformance suite, hostile calls, an exchange with a peer
        --json              prints the suite's counts as one line
cargo xtask dll-soak        random calls of eight threads for half an hour, in a host that fails upcalls
        --minutes N         so many minutes

Steps:
  fmt          sources are formatted (rustfmt)
  clippy       no lints, the determinism bans of clippy.toml among them
  clauses      each clause of the contract has code and a test, no citation is stale, and
               docs/conformance.md is as `cargo xtask clauses` writes it
  test         unit, integration and documentation tests of the workspace
  determinism  one seed, one digest: across processes, jobs, debug and release; and the hunt of
               these seeds finds nothing
  doc          the documentation builds without warnings

Needs a Rust toolchain. Missing components (rustfmt, clippy) are added with rustup.";

const STEPS: [Step; 6] = [
    Step { name: "fmt", run: step::fmt },
    Step { name: "clippy", run: step::clippy },
    Step { name: "clauses", run: clauses::check },
    Step { name: "test", run: step::test },
    Step { name: "determinism", run: determinism::check },
    Step { name: "doc", run: step::doc },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => {
            // Whoever closes the pipe has read enough.
            let _ = writeln!(std::io::stdout(), "{HELP}");
            ExitCode::SUCCESS
        }
        ["test", names @ ..] => test(names),
        ["plants", names @ ..] => end(sabotage::plants(names)),
        ["mutants", names @ ..] => end(sabotage::mutants(names)),
        ["model", names @ ..] => end(sabotage::model(names)),
        ["clauses", words @ ..] if clauses::accepts(words) => end(clauses::run(words)),
        ["dll", words @ ..] if dll::accepts(words) => end(dll::run(words)),
        ["dll", ..] => bad_input("dll takes one of --debug and --test, or none"),
        ["dll-test", words @ ..] if dll::test::accepts(words) => end(dll::test::run(words)),
        ["dll-test", ..] => bad_input("dll-test takes --json, or nothing"),
        ["dll-soak", words @ ..] => end(dll::test::soak(words)),
        ["clauses", ..] => bad_input("clauses takes one of --check, --missing and --json, or none"),
        [other, ..] => bad_input(&format!("there is no task `{other}`")),
    }
}

/// The end of a task that is not a list of steps.
fn end(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn bad_input(what: &str) -> ExitCode {
    eprintln!("error: {what}\n\n{HELP}");
    ExitCode::from(2)
}

/// Runs the steps named, or all; goes on after a failure, so that one run shows all that is wrong.
fn test(names: &[&str]) -> ExitCode {
    if let Some(unknown) = names.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        return bad_input(&format!("there is no step `{unknown}`"));
    }
    let chosen: Vec<&Step> =
        STEPS.iter().filter(|step| names.is_empty() || names.contains(&step.name)).collect();
    let mut outcomes: Vec<(&str, Outcome)> = Vec::new();
    for (index, step) in chosen.iter().enumerate() {
        println!("\n==== {} of {}: {} ====", index + 1, chosen.len(), step.name);
        outcomes.push((step.name, (step.run)()));
    }
    println!("\n==== summary ====");
    for (name, outcome) in &outcomes {
        match outcome {
            Ok(()) => println!("  ok      {name}"),
            Err(why) => println!("  FAILED  {name}: {why}"),
        }
    }
    if outcomes.iter().all(|(_, outcome)| outcome.is_ok()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

//! The command line with a provider that is wrong on purpose: `wspsim-faulty FLAW ARGS...`.

use std::process::ExitCode;

use wspsim_scenarios::cli::{House, main_of};
use wspsim_tests::faulty::{Flaw, factory};
use wspsim_tests::scene;

#[allow(clippy::disallowed_methods, reason = "arguments say what to do, and no run can see them")]
fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let program = args.next();
    let name = args.next().unwrap_or_default();
    let Some(flaw) = Flaw::from_name(&name.to_string_lossy()) else {
        let flaws: Vec<&str> = Flaw::ALL.iter().map(|flaw| flaw.name()).collect();
        eprintln!("error: the first argument names a flaw, one of {}", flaws.join(", "));
        return ExitCode::from(2);
    };
    let provider = || factory(Some(flaw));
    let scenarios: Vec<_> = scene::ALL.iter().copied().chain([scene::ENDLESS]).collect();
    let again = format!("cargo run -p wspsim-tests --bin wspsim-faulty -- {}", flaw.name());
    let house = House { program: &again, scenarios: &scenarios, provider: Some(&provider) };
    main_of(house, program.into_iter().chain(args))
}

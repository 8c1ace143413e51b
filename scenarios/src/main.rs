//! The command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    wspsim_scenarios::cli::main()
}

//! Components of the toolchain that a minimal installation lacks.

use std::process::{Command, Stdio};

use crate::step::{Outcome, cargo, root, run};

/// Makes sure that `probe`, a cargo command, works; adds `component` with rustup if it does not.
pub(crate) fn need(component: &str, probe: &[&str]) -> Outcome {
    if works(probe) {
        return Ok(());
    }
    println!("{component} is missing; adding it");
    let added =
        run(Command::new("rustup").current_dir(root()).args(["component", "add", component]));
    if added.is_ok() && works(probe) {
        return Ok(());
    }
    Err(format!(
        "{component} is missing: install it with `rustup component add {component}`, or, where \
         Rust did not come from rustup, the package of your system that has `cargo {}`",
        probe[0]
    ))
}

fn works(probe: &[&str]) -> bool {
    cargo(probe)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

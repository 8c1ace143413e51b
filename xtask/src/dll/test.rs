//! `cargo xtask dll-test`: the provider DLL under a host of ours, on Windows or under Wine.

use std::path::Path;
use std::process::Command;

use crate::step::{Outcome, cargo};

use super::wine::Runner;
use super::{Profile, Toolchain, smoke};

/// The DLL, the provider below it, and the program that plays ws2_32.
const PACKAGES: [&str; 3] = ["wspprovider", "wsplower", "wsphost"];

/// Whether these are words that `run` takes.
pub(crate) fn accepts(words: &[&str]) -> bool {
    matches!(words, [] | ["--json"])
}

/// Builds, and runs everything.
pub(crate) fn run(words: &[&str]) -> Outcome {
    let json = words == ["--json"];
    let toolchain = Toolchain::find()?;
    let runner = Runner::new(toolchain)?;
    let folder = toolchain.build(&PACKAGES, Profile::Debug)?;
    let host = folder.join("wsphost.exe");
    same_core(&mut runner.program(&host))?;
    told(&mut runner.program(&host), "hostile")?;
    smoke::run(|| runner.program(&host))?;
    conformance(&mut runner.program(&host), json)
}

/// The suite; its own output is all that is printed to standard output.
fn conformance(host: &mut Command, json: bool) -> Outcome {
    host.arg("conformance");
    if json {
        host.arg("--json");
    }
    ended(host, "the conformance suite")
}

/// A task of the host's, whose output is not the suite's.
fn told(host: &mut Command, task: &str) -> Outcome {
    let output = host.arg(task).output().map_err(|error| format!("{task}: {error}"))?;
    eprint!("{}", String::from_utf8_lossy(&output.stdout));
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{task}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

pub(super) fn ended(command: &mut Command, what: &str) -> Outcome {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what} ended with {status}")),
        Err(error) => Err(format!("{what} could not be started: {error}")),
    }
}

/// The DLL says that it was built from the sources that the simulator was built from.
fn same_core(host: &mut Command) -> Outcome {
    let dll = printed(host.arg("digest"), "the host")?;
    let simulator = printed(
        &mut cargo(&["run", "--quiet", "--bin", "wspsim", "--", "--version"]),
        "the simulator",
    )?;
    let dll = dll.trim();
    if !dll.is_empty() && simulator.contains(dll) {
        eprintln!("the DLL and the simulator have the core {dll}");
        return Ok(());
    }
    Err(format!("the DLL has the core {dll}, and the simulator says: {}", simulator.trim()))
}

/// What a command prints.
pub(super) fn printed(command: &mut Command, what: &str) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{what}: {error}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{what} ended with {}:\n{errors}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `cargo xtask dll-soak`: so many minutes of random calls in a strict host.
pub(crate) fn soak(words: &[&str]) -> Outcome {
    let minutes = match words {
        [] => "30",
        ["--minutes", minutes] => minutes,
        _ => return Err("dll-soak takes --minutes N, or nothing".to_owned()),
    };
    let toolchain = Toolchain::find()?;
    let runner = Runner::new(toolchain)?;
    let folder = toolchain.build(&PACKAGES, Profile::Debug)?;
    let host: &Path = &folder.join("wsphost.exe");
    ended(runner.program(host).args(["soak", "--minutes", minutes]), "the soak")
}

//! Debian's packages for a Rust toolchain that builds for Windows.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::step::{Outcome, run};

/// rustc with the sources of std, clippy, and mingw's linker and headers.
const PACKAGES: [&str; 6] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-clippy",
    "gcc-mingw-w64-x86-64-posix",
    "binutils-mingw-w64-x86-64",
];

/// Makes sure that the toolchain's packages are there.
///
/// # Errors
/// As [`install`].
pub(crate) fn need_toolchain() -> Outcome {
    install(&PACKAGES)
}

/// Installs what is missing of `packages`.
///
/// # Errors
/// What is missing, where it may not be installed.
pub(crate) fn install(packages: &[&str]) -> Outcome {
    let missing: Vec<&str> =
        packages.iter().copied().filter(|package| !installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !Path::new("/usr/bin/apt-get").is_file() {
        return Err(format!(
            "this needs Debian's packages {list}, or what does the same: for building, \
             `rustup target add x86_64-pc-windows-gnu` with x86_64-w64-mingw32-gcc; for running, Wine"
        ));
    }
    let Some(apt) = apt_get() else {
        return Err(format!("these packages are missing: `sudo apt-get install {list}`"));
    };
    println!("missing: {list}");
    run(apt().args(["update", "-q"]))?;
    run(apt().args(["install", "-y", "-q", "--no-install-recommends"]).args(&missing))
        .map_err(|why| format!("{why}; these packages are missing: {list}"))
}

fn installed(package: &str) -> bool {
    let query =
        Command::new("dpkg-query").args(["-W", "-f", "${db:Status-Status}", package]).output();
    query.is_ok_and(|output| output.status.success() && output.stdout == b"installed")
}

/// apt-get as somebody who may use it: root, or whom sudo asks nothing.
fn apt_get() -> Option<fn() -> Command> {
    if is_root() {
        return Some(|| quiet(Command::new("apt-get")));
    }
    let sudo = Command::new("sudo").args(["-n", "true"]).stderr(Stdio::null()).status();
    sudo.is_ok_and(|status| status.success()).then_some(|| {
        let mut command = Command::new("sudo");
        command.args(["-n", "apt-get"]);
        quiet(command)
    })
}

/// A package that has a question is given its default answer.
fn quiet(mut command: Command) -> Command {
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

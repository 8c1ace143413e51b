//! The steps that are one cargo command each.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::component;

/// What a step comes to: nothing, or why it failed.
pub(crate) type Outcome = Result<(), String>;

/// A step of `cargo xtask test`.
pub(crate) struct Step {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) run: fn() -> Outcome,
}

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// A cargo command in the workspace. Cargo tells its tasks where it is; by name otherwise.
#[allow(
    clippy::disallowed_methods,
    reason = "the toolchain that runs the task is the one to check with"
)]
pub(crate) fn cargo(args: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root()).args(args);
    command
}

/// Runs a command that shows its own output.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let line = shown(command);
    eprintln!("$ {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` ended with {status}")),
        Err(error) => Err(format!("`{line}` could not be started: {error}")),
    }
}

/// A command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_stem().unwrap_or(program.as_os_str()).to_string_lossy();
    let args = command.get_args().map(|arg| arg.to_string_lossy());
    core::iter::once(name).chain(args).collect::<Vec<_>>().join(" ")
}

pub(crate) fn fmt() -> Outcome {
    component::need("rustfmt", &["fmt", "--version"])?;
    run(&mut cargo(&["fmt", "--all", "--", "--check"]))
        .map_err(|why| format!("{why}; `cargo fmt --all` formats"))
}

pub(crate) fn clippy() -> Outcome {
    component::need("clippy", &["clippy", "--version"])?;
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

pub(crate) fn test() -> Outcome {
    run(&mut cargo(&["test", "--workspace"]))
}

pub(crate) fn doc() -> Outcome {
    run(cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

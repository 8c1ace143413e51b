//! What builds crates of the workspace for Windows, and builds them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{Outcome, cargo, root, run};

use super::debian;

/// How a crate is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As `cargo build` does.
    Debug,
    /// As it is shipped.
    Release,
}

/// One of the ways to build for Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// On Windows: cargo, as it is.
    Native,
    /// A target of rustup's, with mingw's linker.
    Rustup,
    /// Debian's rustc, which builds std for a target whose programs run under Debian's Wine too.
    Debian,
}

/// rustup's target. Its std wants bcryptprimitives.dll.
const RUSTUP_TARGET: &str = "x86_64-pc-windows-gnu";
/// The same for Windows 7 and later, whose std does without.
const DEBIAN_TARGET: &str = "x86_64-win7-windows-gnu";
const LINKER: &str = "x86_64-w64-mingw32-gcc";

impl Toolchain {
    /// The one of this machine; Debian's is installed where there is none.
    ///
    /// # Errors
    /// What is missing, where it cannot be installed.
    pub(crate) fn find() -> Result<Self, String> {
        let found = if cfg!(windows) {
            Self::Native
        } else if has_rustup_target() && works(LINKER) && wine_runs_rustup_target() {
            Self::Rustup
        } else {
            debian::need_toolchain()?;
            Self::Debian
        };
        eprintln!("for Windows: {}", found.what());
        Ok(found)
    }

    fn what(self) -> &'static str {
        match self {
            Self::Native => "the toolchain of this system",
            Self::Rustup => "rustup's toolchain, target x86_64-pc-windows-gnu",
            Self::Debian => "Debian's toolchain, target x86_64-win7-windows-gnu",
        }
    }

    /// Builds packages of the workspace, all their libraries and programs; gives the folder that
    /// has the files.
    ///
    /// # Errors
    /// That cargo failed.
    pub(crate) fn build(self, packages: &[&str], profile: Profile) -> Result<PathBuf, String> {
        let mut command = self.cargo("build", packages);
        if profile == Profile::Release {
            command.arg("--release");
        }
        run(&mut command)?;
        let folder = match profile {
            Profile::Debug => "debug",
            Profile::Release => "release",
        };
        let mut path = folder_of_builds();
        path.extend(self.target());
        path.push(folder);
        Ok(path)
    }

    /// Runs the tests of packages that are for Windows; under Wine, with its folder `prefix`, where
    /// this is not Windows.
    ///
    /// # Errors
    /// That one failed.
    pub(crate) fn test(self, packages: &[&str], prefix: &Path) -> Outcome {
        // `cargo test` leaves the DLL where it was before.
        self.build(packages, Profile::Debug)?;
        let mut command = self.cargo("test", packages);
        if let Some(target) = self.target() {
            let target = target.to_uppercase().replace('-', "_");
            command.env(format!("CARGO_TARGET_{target}_RUNNER"), "wine");
            command.env("WINEPREFIX", prefix).env("WINEDEBUG", "-all");
            // The threads of a process are counted.
            command.env("RUST_TEST_THREADS", "1");
        }
        run(&mut command)
    }

    /// Lints packages as they are for Windows.
    ///
    /// # Errors
    /// That there are lints.
    pub(crate) fn clippy(self, packages: &[&str]) -> Outcome {
        run(self.cargo("clippy", packages).args(["--all-targets", "--", "-D", "warnings"]))
    }

    /// The C compiler with the headers of Windows that goes with it; on Windows itself there need not
    /// be one.
    pub(crate) fn c_compiler(self) -> Option<&'static str> {
        match self {
            Self::Native => works("gcc").then_some("gcc"),
            Self::Rustup | Self::Debian => Some(LINKER),
        }
    }

    fn target(self) -> Option<&'static str> {
        match self {
            Self::Native => None,
            Self::Rustup => Some(RUSTUP_TARGET),
            Self::Debian => Some(DEBIAN_TARGET),
        }
    }

    fn cargo(self, verb: &str, packages: &[&str]) -> Command {
        let mut command = match self {
            Self::Native | Self::Rustup => cargo(&[verb]),
            Self::Debian => debian_cargo(verb),
        };
        command.arg("--target-dir").arg(folder_of_builds());
        if let Some(target) = self.target() {
            command.args(["--target", target]);
        }
        packages.iter().for_each(|package| {
            command.args(["--package", package]);
        });
        command
    }
}

/// Debian's cargo, with std built for the target. What runs the task may be another toolchain:
/// nothing of it is handed on.
#[allow(clippy::disallowed_methods, reason = "what is found behind Debian's own programs")]
fn debian_cargo(verb: &str) -> Command {
    let mut command = Command::new("/usr/bin/cargo");
    let mut path = vec![PathBuf::from("/usr/bin")];
    if let Some(rest) = std::env::var_os("PATH") {
        path.extend(std::env::split_paths(&rest));
    }
    if let Ok(path) = std::env::join_paths(path) {
        command.env("PATH", path);
    }
    for name in ["CARGO", "RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH"] {
        command.env_remove(name);
    }
    // build-std is not stable; this lets a stable compiler do it.
    command.env("RUSTC_BOOTSTRAP", "1").env("RUSTC", "/usr/bin/rustc");
    command.current_dir(root()).args([verb, "-Z", "build-std=std,panic_unwind"]);
    command
}

/// Apart from the builds for this system: another compiler, another std.
pub(super) fn folder_of_builds() -> PathBuf {
    root().join("target").join("windows")
}

fn has_rustup_target() -> bool {
    let list =
        Command::new("rustup").current_dir(root()).args(["target", "list", "--installed"]).output();
    list.is_ok_and(|list| {
        String::from_utf8_lossy(&list.stdout).lines().any(|line| line == RUSTUP_TARGET)
    })
}

pub(super) fn works(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Where this system has Wine, whether it has the DLL that the std of rustup's target wants.
fn wine_runs_rustup_target() -> bool {
    const FOLDERS: [&str; 5] = [
        "/usr/lib/x86_64-linux-gnu/wine/x86_64-windows",
        "/usr/lib/wine/x86_64-windows",
        "/usr/lib64/wine/x86_64-windows",
        "/opt/wine-stable/lib64/wine/x86_64-windows",
        "/opt/wine-stable/lib/wine/x86_64-windows",
    ];
    let mut of_wine = FOLDERS.iter().map(Path::new).filter(|folder| folder.is_dir()).peekable();
    of_wine.peek().is_none() || of_wine.any(|folder| folder.join("bcryptprimitives.dll").is_file())
}

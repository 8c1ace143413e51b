//! The command line, inside this process and as a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use wspsim_scenarios::cli::{self, Console, House};

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Done {
    /// Exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Done {
    /// Standard output, which is one JSON object on one line.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "not one line: {self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs the command line in this process.
pub(crate) fn wspsim(args: &[&str]) -> Done {
    wspsim_of(House::registered(), args)
}

/// Runs the command line in this process, with other scenarios or another provider.
pub(crate) fn wspsim_of(house: House<'_>, args: &[&str]) -> Done {
    let (mut console, out, err) = Console::captured();
    let words = core::iter::once("wspsim").chain(args.iter().copied());
    let code = i32::from(cli::enter(house, words, &mut console));
    Done { code, out: out.text(), err: err.text() }
}

/// A command for the built binary: a process of its own, in an empty folder of its own.
pub(crate) fn process(args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(args).current_dir(scratch("process")).stdin(Stdio::null());
    command
}

/// Runs the built binary to its end.
pub(crate) fn finish(command: &mut Command) -> Done {
    let output = command.output().expect("the built binary starts");
    Done {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A folder for a test's files, made if need be.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&path).expect("the build folder can be written");
    path
}

/// The workspace's folder.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace")
}

/// The `wspsim` binary of the profile that this test was built with, built once. Cargo tells a
/// test only of its own package's binaries, so it is found beside the test.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let test = std::env::current_exe().expect("a test knows its own path");
        // <target>/<profile>/deps/<test>
        let folder = test.ancestors().nth(2).expect("tests are built into <profile>/deps");
        let target = folder.parent().expect("the profile's folder is in the target folder");
        let release = folder.file_name().is_some_and(|name| name == "release");
        let mut build = Command::new(env!("CARGO"));
        build.current_dir(workspace()).args([
            "build",
            "--quiet",
            "--bin",
            "wspsim",
            "--target-dir",
        ]);
        build.arg(target).args(release.then_some("--release"));
        assert!(build.status().expect("cargo starts").success(), "wspsim does not build");
        folder.join(format!("wspsim{}", std::env::consts::EXE_SUFFIX))
    })
}

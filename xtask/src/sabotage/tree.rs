//! The copy that is broken.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{Outcome, cargo as workspace_cargo, root};

/// A copy of some of the workspace's folders, built in a target folder of its own.
pub(super) struct Tree {
    root: PathBuf,
    tree: PathBuf,
    target: PathBuf,
    parts: &'static [&'static str],
}

impl Tree {
    /// The copy for `what`, which needs `parts` of the workspace.
    pub(super) fn of(what: &str, parts: &'static [&'static str]) -> Self {
        let root = root();
        let home = root.join("target").join(what);
        Self { tree: home.join("tree"), target: home.join("target"), root, parts }
    }

    pub(super) fn path(&self) -> &Path {
        &self.tree
    }

    /// Makes the copy as the workspace is. Files that are the same keep their times, so that cargo
    /// builds only what a sabotage touches.
    pub(super) fn renew(&self) -> Outcome {
        for part in self.parts {
            copy(&self.root.join(part), &self.tree.join(part))
                .map_err(|error| format!("{part}: {error}"))?;
        }
        self.renew_manifest().map_err(|error| format!("Cargo.toml: {error}"))
    }

    /// The workspace's manifest without the members that are not copied.
    fn renew_manifest(&self) -> std::io::Result<()> {
        let manifest = fs::read_to_string(self.root.join("Cargo.toml"))?;
        let mut in_members = false;
        let mut is_kept = |line: &&str| {
            let line = line.trim();
            if line.starts_with("members") || line.starts_with(']') {
                in_members = line.starts_with("members");
                return true;
            }
            let member = line.strip_prefix('"').and_then(|rest| rest.split_once("\","));
            let Some((path, _)) = member.filter(|_| in_members) else { return true };
            self.parts.iter().any(|part| path == *part || path.starts_with(&format!("{part}/")))
        };
        let kept: Vec<&str> = manifest.lines().filter(|line| is_kept(line)).collect();
        write_if_changed(&self.tree.join("Cargo.toml"), kept.join("\n").as_bytes())?;
        write_if_changed(&self.tree.join("Cargo.lock"), &fs::read(self.root.join("Cargo.lock"))?)
    }

    /// A cargo command in the copy.
    pub(super) fn cargo(&self) -> Command {
        let mut command = workspace_cargo(&[]);
        command.current_dir(&self.tree).env("CARGO_TARGET_DIR", &self.target);
        command
    }

    /// Builds; the error is what the compiler said.
    pub(super) fn build(&self, args: &[&str]) -> Outcome {
        let output = self
            .cargo()
            .args(["build", "--quiet"])
            .args(args)
            .output()
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(())
        } else {
            Err(format!("does not build:\n{}", String::from_utf8_lossy(&output.stderr)))
        }
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        // What moved or went in the workspace must not stay behind.
        if !from.join(entry.file_name()).exists() {
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            write_if_changed(&target, &fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

fn write_if_changed(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) { Ok(()) } else { fs::write(path, bytes) }
}

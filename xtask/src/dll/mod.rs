//! `cargo xtask dll`: the provider DLL and what belongs to it, built for Windows.

mod debian;
mod toolchain;

pub(crate) use toolchain::{Profile, Toolchain};

use crate::step::Outcome;

/// What is built.
const PACKAGES: [&str; 1] = ["wspprovider"];

/// Whether these are words that `run` takes.
pub(crate) fn accepts(words: &[&str]) -> bool {
    matches!(words, [] | ["--debug"])
}

/// Lints and builds for Windows, and says where the files are.
pub(crate) fn run(words: &[&str]) -> Outcome {
    let profile = if words == ["--debug"] { Profile::Debug } else { Profile::Release };
    let toolchain = Toolchain::find()?;
    toolchain.clippy(&PACKAGES)?;
    let folder = toolchain.build(&PACKAGES, profile)?;
    let path = folder.join("wspprovider.dll");
    if !path.is_file() {
        return Err(format!("cargo succeeded, and there is no {}", path.display()));
    }
    println!("{}", path.display());
    Ok(())
}

//! `cargo xtask dll`: the provider DLL and what belongs to it, built for Windows.

mod abi;
mod debian;
mod smoke;
pub(crate) mod test;
mod toolchain;
mod wine;

pub(crate) use toolchain::{Profile, Toolchain};

use crate::step::Outcome;

/// The DLL, and the program that installs it.
const PACKAGES: [&str; 2] = ["wspprovider", "wspinstall"];

/// Whether these are words that `run` takes.
pub(crate) fn accepts(words: &[&str]) -> bool {
    matches!(words, [] | ["--debug"] | ["--test"])
}

/// Lints and builds for Windows, and says where the files are; or runs the DLL's own tests.
pub(crate) fn run(words: &[&str]) -> Outcome {
    if words == ["--test"] {
        let toolchain = Toolchain::find()?;
        return toolchain.test(&PACKAGES, &wine::prefix(toolchain)?);
    }
    let profile = if words == ["--debug"] { Profile::Debug } else { Profile::Release };
    let toolchain = Toolchain::find()?;
    abi::check(toolchain)?;
    toolchain.clippy(&PACKAGES)?;
    let folder = toolchain.build(&PACKAGES, profile)?;
    for file in ["wspprovider.dll", "wspinstall.exe"] {
        let path = folder.join(file);
        if !path.is_file() {
            return Err(format!("cargo succeeded, and there is no {}", path.display()));
        }
        println!("{}", path.display());
    }
    Ok(())
}

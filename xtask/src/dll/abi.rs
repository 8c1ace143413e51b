//! What crosses the DLL's boundary, as a C compiler sees it: sizes, offsets and numbers.

use std::fs;
use std::process::Command;

use crate::step::{Outcome, run};

use super::toolchain::{Toolchain, folder_of_builds};

/// Writes a C program that claims all of it, and has it compiled against ws2spi.h.
pub(crate) fn check(toolchain: Toolchain) -> Outcome {
    let Some(compiler) = toolchain.c_compiler() else {
        println!("no gcc: the layouts are checked against windows-sys only");
        return Ok(());
    };
    let folder = folder_of_builds();
    let program = folder.join("layout.c");
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&program, wspprovider::layout::c_program()))
        .map_err(|error| format!("{}: {error}", program.display()))?;
    run(Command::new(compiler)
        .args(["-std=c11", "-D_WIN32_WINNT=0x0600", "-fsyntax-only"])
        .arg(program))
}

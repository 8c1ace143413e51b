//! `wspinstall install|uninstall|show`: the provider DLL in the catalogue of a Windows machine.

#[cfg_attr(not(windows), allow(dead_code, reason = "the program does nothing elsewhere"))]
mod arguments;
#[cfg_attr(not(windows), allow(dead_code, reason = "the program does nothing elsewhere"))]
mod catalog;
#[cfg(windows)]
mod commands;
#[cfg(windows)]
mod winsock;

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    use std::process::ExitCode;

    let words: Vec<String> = std::env::args().skip(1).collect();
    match arguments::parse(&words) {
        Err(what) => {
            eprintln!("error: {what}\n\n{}", arguments::HELP);
            ExitCode::from(2)
        }
        Ok(command) => match commands::run(command) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("error: {why}");
                ExitCode::FAILURE
            }
        },
    }
}

#[cfg(not(windows))]
fn main() -> std::process::ExitCode {
    eprintln!("error: this is a program for Windows; `cargo xtask dll` builds it");
    std::process::ExitCode::from(2)
}

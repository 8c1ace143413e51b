//! Plays ws2_32 to a provider DLL, on Windows or under Wine.

#[cfg(windows)]
mod bed;
#[cfg(windows)]
mod provider;
#[cfg(windows)]
mod run;
#[cfg(windows)]
mod spi;
#[cfg(windows)]
mod winsock;
#[cfg(windows)]
mod ws2;

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    run::main()
}

#[cfg(not(windows))]
fn main() -> std::process::ExitCode {
    eprintln!("error: this is a program for Windows; `cargo xtask dll-test` runs it under Wine");
    std::process::ExitCode::from(2)
}

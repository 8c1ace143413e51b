//! How the DLL starts and ends, in a process of its own: `cargo test` for a Windows target.

#[cfg(windows)]
mod windows;

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    windows::run()
}

#[cfg(not(windows))]
fn main() {
    println!("these tests are for Windows: `cargo xtask dll-test` runs them");
}

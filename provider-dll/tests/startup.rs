//! How the DLL starts and ends: for Windows and Wine.
#![cfg(windows)]

#[path = "startup/bed.rs"]
mod bed;
#[path = "startup/cases.rs"]
mod cases;

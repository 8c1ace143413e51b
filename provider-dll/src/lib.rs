//! The provider core as a real Winsock service provider: a layered, non-IFS transport provider.
//!
//! ws2_32 loads the DLL and calls `WSPStartup`. The core is the one that the simulator runs, to the
//! line; here are only the ABI around it (`table`), Windows behind its seams (`host`), and the next
//! provider in the chain below (`lower`). Elsewhere than on Windows the crate is empty.
#![cfg(windows)]

mod entry;
mod guard;
mod host;
mod instance;
mod layout_checks;
mod lower;
mod memory;
mod startup;
mod table;
mod upcalls;
mod worker;

pub use startup::WSPStartup;

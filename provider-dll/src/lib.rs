//! The provider core as a real Winsock service provider: a layered, non-IFS transport provider.
//!
//! ws2_32 loads the DLL and calls `WSPStartup`. The core is the one that the simulator runs, to the
//! line; here are only the ABI around it (`table`), Windows behind its seams (`host`), and the next
//! provider in the chain below (`lower`). Elsewhere than on Windows
//! there are only [`layout`] and [`catalog`].

pub mod catalog;
#[cfg(windows)]
mod digest;
#[cfg(windows)]
mod entry;
#[cfg(windows)]
mod guard;
#[cfg(windows)]
mod host;
#[cfg(windows)]
mod instance;
pub mod layout;
#[cfg(windows)]
mod lower;
#[cfg(windows)]
mod memory;
#[cfg(windows)]
mod startup;
#[cfg(windows)]
mod table;
#[cfg(windows)]
mod upcalls;
#[cfg(any(windows, test))]
mod urgent_mark;
#[cfg(windows)]
mod worker;

#[cfg(windows)]
pub use digest::wsp_core_digest;
#[cfg(windows)]
pub use startup::WSPStartup;

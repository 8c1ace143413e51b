//! The provider below the provider under test: it carries bytes with real Winsock sockets, and
//! answers as a test tells it to.
//!
//! What a test needs and no machine gives reliably (multicast groups, broadcasts, the report of an
//! unreachable port) is made up inside of the process (`world`): all peers of a test are in it.
//! The script is set through `control`.
#![cfg(windows)]

mod address;
mod calls;
pub mod control;
mod options;
mod result;
mod script;
mod sockets;
mod startup;
mod streams;
mod transfers;
mod urgent;
mod world;

pub use startup::WSPStartup;

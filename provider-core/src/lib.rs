//! A Winsock service provider core: the functions of the SPI, written once for every host.
//!
//! [`Provider`] is the whole SPI over three seams, and knows the world through nothing else:
//!
//! - [`Host`]: what Windows and the upcall table give. Locks, alertable waits, APCs, completion,
//!   socket handles, timers, time.
//! - [`Memory`]: the caller's address space. Every pointer of a caller's is a [`UserPtr`] that only
//!   `Memory` can read or write.
//! - [`Transport`]: nonblocking sockets below the provider, with readiness told back.
//!
//! Hosts call [`ServiceProvider`]: the SPI's functions for clients, [`ServiceProvider::run_apc`] as
//! the APC function, [`ServiceProvider::service`] from a worker thread. All of them take `&self`
//! and may be called by any thread.
//!
//! What the code obeys is cited by the ids of the contract's clauses (RET-3, APC-10 ...), which
//! docs/spec has. Where the contract's page and real Windows disagree, [`Profile`] decides.
//!
//! The crate does no IO, reads no clock, draws no random number, and is the same code in the
//! simulator and in the DLL: it has no feature and no `cfg` that could tell them apart.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod address_text;
mod error;
mod host;
pub mod layout;
mod memory;
mod operation;
mod provider;
mod provider_trait;
mod socket;
pub mod spi;
mod table;
mod transport;

pub use error::WsaError;
pub use host::{CatalogEntry, ConditionCall, Host, Token, WaitEnd, Work};
pub use memory::{Memory, MemoryFault};
pub use provider::Provider;
pub use provider_trait::{ConnectArgs, OverlappedArgs, ServiceProvider};
pub use spi::{
    BlockingHook, ConditionRoutine, EventHandle, Routine, SocketHandle, ThreadId, ThreadKey,
    UserPtr, WindowHandle,
};
pub use transport::{
    AddressUse, Family, Group, GroupInterface, Half, Kind, Readiness, Transport, TransportOption,
};

/// A digest of this crate's sources, names and texts: 32 hexadecimal digits. Programs that were built
/// from the same core have the same.
pub const SOURCE_DIGEST: &str = env!("CORE_SOURCE_DIGEST");

/// Where the contract's page and real Windows disagree, which of the two the provider follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// The contract page, to the letter.
    Documented,
    /// What Windows and its other pages do.
    Windows,
}

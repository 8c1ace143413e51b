//! A Winsock service provider core.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

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
pub use host::{Host, Token, WaitEnd, Work};
pub use memory::{Memory, MemoryFault};
pub use provider::Provider;
pub use provider_trait::{OverlappedArgs, ServiceProvider};
pub use spi::{EventHandle, Routine, SocketHandle, ThreadId, ThreadKey, UserPtr};
pub use transport::{Family, Half, Kind, Readiness, Transport, TransportOption};

/// Where the contract's page and real Windows disagree, which of the two the provider follows.
///
/// docs/spec says for each clause what depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// The contract page, to the letter.
    Documented,
    /// What Windows and its other pages do.
    Windows,
}

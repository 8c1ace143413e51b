//! The provider: the SPI's functions, each in the file of its family, over the three seams.
//!
//! Locking: a call looks its socket up, takes the socket's one lock, changes state, moves bytes,
//! lets the lock go, and only then tells owners (`delivery`). Lock order: the socket's first; inside
//! it the table's (to reserve a number), the list of blocked threads', a blocked call's own and that
//! of the descriptors on offer, each alone and let go at once. The gate's and the contexts' locks are
//! never held with another.

mod address;
mod bind;
mod blocking;
mod cancel;
mod close;
mod connection;
mod delivery;
mod duplicate;
mod finish;
mod ioctl;
mod lookup;
mod names;
mod notify;
mod options;
mod overlapped;
mod protocol_info;
mod receive;
mod send;
mod service;
mod socket;
mod spi;
mod startup;
mod transfer;

use lock_api::Mutex;

use crate::operation::BlockedThreads;
use crate::socket::Opened;
use crate::table::{Slab, Table};
use crate::{Host, Profile};

use delivery::ApcContext;
use duplicate::Handoffs;
use startup::Lifetime;

/// A Winsock service provider over one host.
///
/// All functions take `&self` and may be called by any thread; see
/// [`ServiceProvider`](crate::ServiceProvider).
pub struct Provider<H: Host> {
    host: H,
    profile: Profile,
    lifetime: Mutex<H::RawMutex, Lifetime>,
    /// By descriptor.
    sockets: Table<H::RawMutex, Opened<H>>,
    /// Routines whose APC is queued and has not run.
    apcs: Mutex<H::RawMutex, Slab<ApcContext<H>>>,
    blocked: BlockedThreads<H>,
    handoffs: Mutex<H::RawMutex, Handoffs>,
}

impl<H: Host> Provider<H> {
    /// A provider that was not started yet.
    pub fn new(host: H, profile: Profile) -> Self {
        Self {
            host,
            profile,
            lifetime: Mutex::new(Lifetime::default()),
            sockets: Table::new(),
            apcs: Mutex::new(Slab::new()),
            blocked: BlockedThreads::new(),
            handoffs: Mutex::new(Handoffs::new()),
        }
    }

    /// The host.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// The profile given at start.
    pub fn profile(&self) -> Profile {
        self.profile
    }
}

//! What is below: the lower providers that the DLL was started over, and their sockets.

mod calls;
mod chain;
mod multicast;
mod registry;
mod transport;

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use provider_core::{CatalogEntry, Family, Kind, Readiness, Token, WsaError, spi};
use windows_sys::Win32::Networking::WinSock as ws;

pub(crate) use chain::NextProvider;

use crate::host::Locked;
use crate::worker::Worker;
use registry::{Entry, LowerSocket, Registry};

/// The lower providers as a transport.
pub(crate) struct Lower {
    /// One for each catalogue entry of ours that was started, with the core's life it is for.
    started: Locked<Vec<(u32, Arc<NextProvider>)>>,
    registry: Registry,
    worker: Arc<Worker>,
    /// The largest datagram, as sockets of each family have told.
    datagram_max: [AtomicUsize; 2],
}

/// Everything that a socket may become ready for.
const ALL_EVENTS: u32 =
    ws::FD_READ | ws::FD_WRITE | ws::FD_OOB | ws::FD_ACCEPT | ws::FD_CONNECT | ws::FD_CLOSE;

/// What UDP can carry over IPv4 and over IPv6, until a socket tells.
const UDP_MAX: [usize; 2] = [65_507, 65_527];

impl Lower {
    pub(crate) fn new(worker: &Arc<Worker>) -> Self {
        Self {
            started: Locked::new(Vec::new()),
            registry: Registry::new(),
            worker: Arc::clone(worker),
            datagram_max: UDP_MAX.map(AtomicUsize::new),
        }
    }

    /// Keeps a lower provider for what is opened in `life`. One more start of an entry takes the
    /// place of the one before, whose sockets keep it.
    pub(crate) fn add(&self, life: u32, next: NextProvider) {
        let next = Arc::new(next);
        let replaced = {
            let mut started = self.started.lock();
            let place = started
                .iter()
                .position(|(of, known)| *of == life && known.own_entry() == next.own_entry());
            let replaced = place.map(|place| started.remove(place));
            started.push((life, next));
            replaced
        };
        // It may be the last holder: a lower WSPCleanup, with no lock held.
        drop(replaced);
    }

    /// Lets go of the lower providers of all lives but `life`. Each is cleaned up and unloaded with
    /// the last of its sockets.
    pub(crate) fn keep_only(&self, life: Option<u32>) {
        let ended: Vec<_> =
            self.started.lock().extract_if(.., |(of, _)| Some(*of) != life).collect();
        drop(ended);
    }

    /// The lower provider for sockets of `family` and `kind`: that of the entry for them, or where
    /// no such entry was started, the latest.
    fn next(&self, family: Family, kind: Kind) -> Result<Arc<NextProvider>, WsaError> {
        let (af, type_, _) = numbers(family, kind);
        let started = self.started.lock();
        let fits = |next: &&(u32, Arc<NextProvider>)| next.1.serves(af, type_);
        let found = started.iter().rev().find(fits).or_else(|| started.last());
        found.map(|(_, next)| Arc::clone(next)).ok_or(WsaError::WSAENETDOWN)
    }

    /// Our own entry for sockets of `family` and `kind`.
    pub(crate) fn catalog_entry(&self, family: Family, kind: Kind) -> CatalogEntry {
        match self.next(family, kind) {
            Ok(next) => next.own_entry(),
            // Before the first start nobody asks.
            Err(_) => CatalogEntry { provider: [0; 16], id: 0 },
        }
    }

    /// What the shared event told of, for all sockets.
    pub(crate) fn collect_events(&self) -> Vec<(Token, Readiness)> {
        let entries = self.registry.all();
        let ready = entries.iter().map(|entry| (entry.token, entry.collect()));
        ready.filter(|(_, readiness)| !readiness.is_empty()).collect()
    }

    /// Whose data is all acknowledged, of those that somebody waits for; `None` when nobody waits.
    pub(crate) fn collect_drained(&self) -> Option<Vec<Token>> {
        let entries = self.registry.all();
        if !entries.iter().any(|entry| entry.is_drain_wanted()) {
            return None;
        }
        let drained = entries.iter().filter(|entry| entry.has_become_drained());
        Some(drained.map(|entry| entry.token).collect())
    }

    /// Enters a lower socket and selects its events, which also makes it nonblocking; or closes it.
    fn enter(
        &self,
        next: Arc<NextProvider>,
        socket: usize,
        token: Token,
        family: Family,
    ) -> Result<LowerSocket, WsaError> {
        self.worker.want();
        let entry = Arc::new(Entry::new(next, socket, token, family));
        let entered = self.registry.add(&entry);
        match entry.calls().event_select(socket, self.worker.network(), ALL_EVENTS as i32) {
            Ok(()) => Ok(entered),
            Err(error) => {
                self.registry.take(entered);
                entry.close();
                Err(error)
            }
        }
    }

    fn learn_datagram_max(&self, entry: &Entry) {
        let max = entry.calls().option_word(entry.socket, spi::SOL_SOCKET, spi::SO_MAX_MSG_SIZE);
        if let Ok(max @ 1..) = max {
            self.datagram_max[index(entry.family)].store(max as usize, Ordering::Relaxed);
        }
    }
}

fn index(family: Family) -> usize {
    match family {
        Family::V4 => 0,
        Family::V6 => 1,
    }
}

/// Family, type and protocol as WSPSocket takes them.
fn numbers(family: Family, kind: Kind) -> (i32, i32, i32) {
    let family = match family {
        Family::V4 => spi::AF_INET,
        Family::V6 => spi::AF_INET6,
    };
    match kind {
        Kind::Stream => (family, spi::SOCK_STREAM, spi::IPPROTO_TCP),
        Kind::Datagram => (family, spi::SOCK_DGRAM, spi::IPPROTO_UDP),
    }
}

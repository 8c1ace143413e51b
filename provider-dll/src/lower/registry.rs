//! The sockets of the lower providers, and what the core knows them by.

use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::sync::Arc;

use provider_core::{Family, Readiness, Token, WsaError, spi};
use windows_sys::Win32::Networking::WinSock as ws;

use crate::host::Locked;
use crate::urgent_mark::UrgentMark;

use super::calls::Calls;
use super::chain::NextProvider;

/// A socket of a lower provider, by a number that is never used again. The core's token is not one:
/// a socket that could not connect gets another transport socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LowerSocket(u64);

/// What is known of it.
pub(super) struct Entry {
    /// What its readiness is told with.
    pub(super) token: Token,
    pub(super) family: Family,
    /// Its `SOCKET`: the value may be somebody else's once this is closed.
    pub(super) socket: usize,
    next: Arc<NextProvider>,
    state: Locked<State>,
}

/// What changes about it.
struct State {
    open: bool,
    /// How its connect ended, once it has.
    connected: Option<Result<(), WsaError>>,
    /// Our half was ended.
    send_ended: bool,
    /// Somebody waits for all of it to be acknowledged.
    drain_wanted: bool,
    mark: UrgentMark,
}

impl Entry {
    pub(super) fn new(
        next: Arc<NextProvider>,
        socket: usize,
        token: Token,
        family: Family,
    ) -> Self {
        let state = State {
            open: true,
            connected: None,
            send_ended: false,
            drain_wanted: false,
            mark: UrgentMark::default(),
        };
        Self { token, family, socket, next, state: Locked::new(state) }
    }

    pub(super) fn calls(&self) -> Calls<'_> {
        Calls::new(&self.next)
    }

    /// The provider that it belongs to, which stays loaded for it.
    pub(super) fn next(&self) -> Arc<NextProvider> {
        Arc::clone(&self.next)
    }

    pub(super) fn connected(&self) -> Option<Result<(), WsaError>> {
        self.state.lock().connected
    }

    /// Ends one half.
    pub(super) fn shutdown(&self, how: i32) -> Result<(), WsaError> {
        self.calls().shutdown(self.socket, how)?;
        self.state.lock().send_ended |= how != spi::SD_RECEIVE;
        Ok(())
    }

    /// Bytes that a receive would give.
    pub(super) fn readable(&self) -> usize {
        self.calls().ioctl_word(self.socket, spi::FIONREAD).map_or(0, |bytes| bytes as usize)
    }

    /// What SIOCATMARK says.
    pub(super) fn has_urgent_ahead(&self) -> bool {
        self.calls().ioctl_word(self.socket, spi::SIOCATMARK) == Ok(0)
    }

    /// What it knows of the urgent byte.
    pub(super) fn mark<R>(&self, act: impl FnOnce(&mut UrgentMark) -> R) -> R {
        act(&mut self.state.lock().mark)
    }

    /// Whether all that the connection took was acknowledged, its FIN too. Where the lower provider
    /// does not tell, what it took is all that anybody can wait for.
    pub(super) fn is_drained(&self) -> bool {
        let mut state = self.state.lock();
        let drained = state.is_drained(|| self.calls().tcp_info(self.socket));
        state.drain_wanted = !drained;
        drained
    }

    /// Whether somebody waits for that, and need not any more.
    pub(super) fn has_become_drained(&self) -> bool {
        self.state.lock().drain_wanted && self.is_drained()
    }

    pub(super) fn is_drain_wanted(&self) -> bool {
        self.state.lock().drain_wanted
    }

    /// Closes it, once, and not while the worker looks at it: the value is then somebody else's.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        if core::mem::take(&mut state.open) {
            self.calls().close(self.socket);
        }
    }

    /// What has happened to it since it was last asked.
    pub(super) fn collect(&self) -> Readiness {
        let mut state = self.state.lock();
        if !state.open {
            return Readiness::NONE;
        }
        match self.calls().enum_network_events(self.socket) {
            Ok(events) => state.note(&events),
            Err(_) => Readiness::NONE,
        }
    }
}

impl State {
    fn is_drained(&self, info: impl FnOnce() -> Result<ws::TCP_INFO_v0, WsaError>) -> bool {
        if !self.open {
            return true;
        }
        let Ok(info) = info() else { return true };
        match info.State {
            ws::TCPSTATE_CLOSED | ws::TCPSTATE_FIN_WAIT_2 | ws::TCPSTATE_TIME_WAIT => true,
            ws::TCPSTATE_ESTABLISHED | ws::TCPSTATE_CLOSE_WAIT if !self.send_ended => {
                info.BytesInFlight == 0
            }
            _ => false,
        }
    }

    fn note(&mut self, events: &ws::WSANETWORKEVENTS) -> Readiness {
        let bits = events.lNetworkEvents as u32;
        let mut readiness = Readiness::NONE;
        if bits & ws::FD_CONNECT != 0 {
            let error = events.iErrorCode[ws::FD_CONNECT_BIT as usize];
            self.connected = Some(if error == 0 { Ok(()) } else { Err(WsaError(error)) });
        }
        if bits & ws::FD_OOB != 0 {
            self.mark.announced();
        }
        for (bit, told) in [
            (ws::FD_CONNECT, Readiness::CONNECT.union(Readiness::SEND)),
            // An urgent byte in line is told of as data.
            (ws::FD_READ, Readiness::RECEIVE.union(Readiness::URGENT)),
            (ws::FD_ACCEPT, Readiness::RECEIVE),
            (ws::FD_WRITE, Readiness::SEND),
            (ws::FD_OOB, Readiness::URGENT),
            (ws::FD_CLOSE, Readiness::RECEIVE.union(Readiness::SEND)),
        ] {
            if bits & bit != 0 {
                readiness = readiness.union(told);
            }
        }
        readiness
    }
}

/// All of them.
pub(super) struct Registry {
    entries: Locked<BTreeMap<LowerSocket, Arc<Entry>>>,
    next: AtomicU64,
}

impl Registry {
    pub(super) const fn new() -> Self {
        Self { entries: Locked::new(BTreeMap::new()), next: AtomicU64::new(1) }
    }

    pub(super) fn add(&self, entry: &Arc<Entry>) -> LowerSocket {
        let socket = LowerSocket(self.next.fetch_add(1, Ordering::Relaxed));
        self.entries.lock().insert(socket, Arc::clone(entry));
        socket
    }

    pub(super) fn take(&self, socket: LowerSocket) -> Option<Arc<Entry>> {
        self.entries.lock().remove(&socket)
    }

    pub(super) fn get(&self, socket: LowerSocket) -> Result<Arc<Entry>, WsaError> {
        self.entries.lock().get(&socket).cloned().ok_or(WsaError::WSAENOTSOCK)
    }

    pub(super) fn all(&self) -> Vec<Arc<Entry>> {
        self.entries.lock().values().cloned().collect()
    }
}

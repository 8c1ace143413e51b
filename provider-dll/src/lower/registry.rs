//! The sockets of the lower providers, and what the core knows them by.

use std::collections::BTreeMap;
use std::sync::Arc;

use provider_core::{Family, Readiness, Token, WsaError};
use windows_sys::Win32::Networking::WinSock as ws;

use crate::host::Locked;

use super::calls::Calls;
use super::chain::NextProvider;

/// A socket of a lower provider.
pub(super) struct Entry {
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
    /// The peer ended its half, or the connection is gone.
    ended: bool,
}

impl Entry {
    pub(super) fn new(
        next: Arc<NextProvider>,
        socket: usize,
        token: Token,
        family: Family,
    ) -> Self {
        let state = State { open: true, connected: None, ended: false };
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

    pub(super) fn has_ended(&self) -> bool {
        self.state.lock().ended
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
    fn note(&mut self, events: &ws::WSANETWORKEVENTS) -> Readiness {
        let bits = events.lNetworkEvents as u32;
        let mut readiness = Readiness::NONE;
        if bits & ws::FD_CONNECT != 0 {
            let error = events.iErrorCode[ws::FD_CONNECT_BIT as usize];
            self.connected = Some(if error == 0 { Ok(()) } else { Err(WsaError(error)) });
        }
        // The peer may have ended its half by a reset.
        self.ended |= bits & ws::FD_CLOSE != 0;
        for (bit, told) in [
            (ws::FD_CONNECT, Readiness::CONNECT.union(Readiness::SEND)),
            (ws::FD_READ, Readiness::RECEIVE),
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

/// All of them, by the core's tokens, which are never used again.
pub(super) struct Registry(Locked<BTreeMap<Token, Arc<Entry>>>);

impl Registry {
    pub(super) const fn new() -> Self {
        Self(Locked::new(BTreeMap::new()))
    }

    pub(super) fn add(&self, entry: &Arc<Entry>) {
        self.0.lock().insert(entry.token, Arc::clone(entry));
    }

    pub(super) fn take(&self, token: Token) -> Option<Arc<Entry>> {
        self.0.lock().remove(&token)
    }

    pub(super) fn get(&self, token: Token) -> Result<Arc<Entry>, WsaError> {
        self.0.lock().get(&token).cloned().ok_or(WsaError::WSAENOTSOCK)
    }

    pub(super) fn all(&self) -> Vec<Arc<Entry>> {
        self.0.lock().values().cloned().collect()
    }
}

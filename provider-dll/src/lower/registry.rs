//! The sockets of the lower provider, and what the core knows them by.

use std::collections::BTreeMap;

use provider_core::{Family, Kind, Readiness, Token, WsaError};
use windows_sys::Win32::Networking::WinSock as ws;

use crate::host::Locked;

/// What is known of a socket.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) token: Token,
    pub(crate) family: Family,
    pub(crate) kind: Kind,
    /// How its connect ended, once it has.
    pub(crate) connected: Option<Result<(), WsaError>>,
    /// The peer ended its half, or the connection is gone: a lingering close waits for this.
    pub(crate) closed: bool,
}

/// All of them.
pub(crate) struct Registry(Locked<BTreeMap<usize, Entry>>);

impl Registry {
    pub(crate) const fn new() -> Self {
        Self(Locked::new(BTreeMap::new()))
    }

    pub(crate) fn add(&self, socket: usize, token: Token, family: Family, kind: Kind) {
        let entry = Entry { token, family, kind, connected: None, closed: false };
        self.0.lock().insert(socket, entry);
    }

    pub(crate) fn remove(&self, socket: usize) {
        self.0.lock().remove(&socket);
    }

    pub(crate) fn get(&self, socket: usize) -> Option<Entry> {
        self.0.lock().get(&socket).copied()
    }

    pub(crate) fn all(&self) -> Vec<usize> {
        self.0.lock().keys().copied().collect()
    }

    /// Takes network events down; gives whom to tell of what.
    pub(crate) fn note(
        &self,
        socket: usize,
        events: &ws::WSANETWORKEVENTS,
    ) -> Option<(Token, Readiness)> {
        let bits = events.lNetworkEvents as u32;
        let has = |bit: u32| bits & bit != 0;
        let mut entries = self.0.lock();
        let entry = entries.get_mut(&socket)?;
        let mut readiness = Readiness::NONE;
        let mut add = |more| readiness = readiness.union(more);
        if has(ws::FD_CONNECT) {
            let error = events.iErrorCode[ws::FD_CONNECT_BIT as usize];
            entry.connected = Some(if error == 0 { Ok(()) } else { Err(WsaError(error)) });
            add(Readiness::CONNECT);
            add(Readiness::SEND);
        }
        if has(ws::FD_READ) || has(ws::FD_ACCEPT) {
            add(Readiness::RECEIVE);
        }
        if has(ws::FD_WRITE) {
            add(Readiness::SEND);
        }
        if has(ws::FD_OOB) {
            add(Readiness::URGENT);
        }
        if has(ws::FD_CLOSE) {
            entry.closed = true;
            add(Readiness::RECEIVE);
            add(Readiness::SEND);
        }
        (!readiness.is_empty()).then_some((entry.token, readiness))
    }
}

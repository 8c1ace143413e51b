//! Listening and accepting.
//!
//! smoltcp has no backlog. Each SYN that there is room for gets its own smoltcp socket; one that
//! exceeds the backlog is refused with RST, so that its connect ends with WSAECONNREFUSED, as
//! Winsock documents.

use core::net::SocketAddr;
use std::collections::VecDeque;

use provider_core::{Kind, Readiness, WsaError};

use super::connection::{Connection, Owner, Pair};
use super::ports::wildcard_like;
use super::slots::{Detail, Listener, Socket};
use super::{BACKLOG_MAX, Stack, StackSocket};

impl Stack {
    /// Starts to listen on a bound stream, with room for `backlog` connections not yet accepted
    /// (at least one, at most [`BACKLOG_MAX`]). On a listener, changes the backlog.
    ///
    /// # Errors
    /// WSAEINVAL when not bound, WSAEISCONN, WSAEOPNOTSUPP for a datagram socket, WSAENOTSOCK, the
    /// socket's fate.
    pub fn listen(&mut self, socket: StackSocket, backlog: usize) -> Result<(), WsaError> {
        let holder = self.slots.get_mut(socket)?;
        if let Some(fate) = holder.fate {
            return Err(fate);
        }
        let backlog = backlog.clamp(1, BACKLOG_MAX);
        match &mut holder.detail {
            Detail::Datagram(_) => Err(WsaError::WSAEOPNOTSUPP),
            Detail::Connection(_) => Err(WsaError::WSAEISCONN),
            Detail::Idle if holder.bound.is_none() => Err(WsaError::WSAEINVAL),
            Detail::Idle => {
                let queue = VecDeque::new();
                holder.detail = Detail::Listener(Listener { backlog, unfinished: 0, queue });
                Ok(())
            }
            Detail::Listener(listener) => {
                listener.backlog = backlog;
                Ok(())
            }
        }
    }

    /// Takes a waiting connection, first come first. One that died while it waited is given too;
    /// its calls say why.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK when none waits; WSAENOBUFS when no socket can be opened; WSAEINVAL when not
    /// listening; the listener's fate; WSAENOTSOCK.
    pub fn accept(&mut self, listener: StackSocket) -> Result<(StackSocket, SocketAddr), WsaError> {
        let holder = self.slots.get_mut(listener)?;
        if let Some(fate) = holder.fate {
            return Err(fate);
        }
        let (family, buffer) = (holder.family, holder.receive_buffer);
        let Detail::Listener(state) = &mut holder.detail else {
            return Err(WsaError::WSAEINVAL);
        };
        let Some(&index) = state.queue.front() else {
            holder.interest.wait(Readiness::RECEIVE);
            return Err(WsaError::WSAEWOULDBLOCK);
        };
        let accepted = Socket::new(family, Kind::Stream, Detail::Connection(index), buffer);
        let socket = self.slots.insert(accepted).map_err(|_| WsaError::WSAENOBUFS)?;
        if let Ok(Socket { detail: Detail::Listener(state), .. }) = self.slots.get_mut(listener) {
            state.queue.pop_front();
        }
        let connection = self.connection_mut(index).ok_or(WsaError::WSAECONNABORTED)?;
        connection.owner = Owner::Client(socket);
        let remote = connection.pair.remote;
        // What arrived before it had a holder is news to this one.
        self.tell(index);
        Ok((socket, remote))
    }

    /// A connection for the SYN of `pair`, if somebody listens and has room.
    pub(super) fn admit(&mut self, pair: Pair) -> Option<usize> {
        let (address, port) = (pair.local.ip(), pair.local.port());
        let specific = self.ports.sharers(Kind::Stream, address, port);
        let wildcard = self.ports.sharers(Kind::Stream, wildcard_like(address), port);
        let socket = specific.chain(wildcard).find(|&socket| {
            self.slots.get(socket).is_ok_and(|h| matches!(h.detail, Detail::Listener(_)))
        })?;
        let holder = self.slots.get_mut(socket).ok()?;
        let (window, dead) = (holder.receive_buffer, holder.fate.is_some());
        let urgent_inline = holder.urgent_inline;
        let Detail::Listener(listener) = &mut holder.detail else { return None };
        if dead || listener.queue.len() + listener.unfinished >= listener.backlog {
            return None;
        }
        let mut connection = Connection::new(pair, Owner::Listener(socket), window);
        connection.tcp_mut().listen(pair.local).ok()?;
        connection.seen = connection.state();
        connection.urgent.set_inline(urgent_inline);
        listener.unfinished += 1;
        Some(self.add_connection(connection))
    }

    /// Resets what a closed listener did not hand over.
    pub(super) fn close_listener(&mut self, socket: StackSocket) {
        for index in 0..self.connections.len() {
            let waits = self.connection(index).is_some_and(|c| c.owner == Owner::Listener(socket));
            if waits {
                self.close_connection(index, true);
            }
        }
    }
}

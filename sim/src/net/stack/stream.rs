//! The client's calls on streams.

use core::net::SocketAddr;

use provider_core::{Family, Half, Kind, Readiness, WsaError};
use smoltcp::socket::tcp::State;

use super::connection::{Connection, Owner, Pair};
use super::route::Route;
use super::slots::Detail;
use super::{Stack, StackSocket};

impl Stack {
    /// Starts to connect; an unbound stream is bound to a free port first. Never succeeds at once.
    /// After a connect that failed it may be called again.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK when under way ([`Readiness::CONNECT`] follows); WSAEALREADY, WSAEISCONN,
    /// WSAEINVAL on a listener, WSAEOPNOTSUPP on a datagram socket, WSAEAFNOSUPPORT,
    /// WSAEADDRNOTAVAIL for port 0, the unspecified address, or a loopback source with a
    /// destination elsewhere, WSAENETUNREACH, WSAEADDRINUSE when this machine has the same
    /// connection already, WSAENOBUFS when no port is free, WSAENOTSOCK, the socket's fate.
    pub fn connect(&mut self, socket: StackSocket, peer: SocketAddr) -> Result<(), WsaError> {
        let holder = self.slots.get(socket)?;
        if let Some(fate) = holder.fate {
            return Err(fate);
        }
        let old = match &holder.detail {
            Detail::Datagram(_) => return Err(WsaError::WSAEOPNOTSUPP),
            Detail::Listener(_) => return Err(WsaError::WSAEINVAL),
            Detail::Idle => None,
            Detail::Connection(index) => Some(*index),
        };
        if let Some(connection) = old.and_then(|index| self.connection(index)) {
            if connection.established {
                return Err(WsaError::WSAEISCONN);
            }
            if connection.fate.is_none() {
                return Err(WsaError::WSAEALREADY);
            }
        }
        if Family::of(&peer) != holder.family {
            return Err(WsaError::WSAEAFNOSUPPORT);
        }
        if peer.port() == 0 || peer.ip().is_unspecified() {
            return Err(WsaError::WSAEADDRNOTAVAIL);
        }
        let route = self.wire.routes.of(peer.ip());
        if matches!(route, Route::None | Route::Broadcast | Route::Group) {
            return Err(WsaError::WSAENETUNREACH);
        }
        let (window, keep_alive) = (holder.receive_buffer, holder.keep_alive);
        let (no_delay, urgent_inline) = (holder.no_delay, holder.urgent_inline);
        self.bind_if_needed(socket)?;
        let (address, port) = self.slots.get(socket)?.bound.ok_or(WsaError::WSAEINVAL)?;
        if address.is_loopback() && route != Route::Own {
            return Err(WsaError::WSAEADDRNOTAVAIL);
        }
        let source =
            if address.is_unspecified() { self.wire.routes.source_for(peer.ip()) } else { address };
        // Without flow label and scope, which no packet carries.
        let remote = SocketAddr::new(peer.ip(), peer.port());
        let pair = Pair { local: SocketAddr::new(source, port), remote };
        if let Some(&index) = self.pairs.get(&pair) {
            if self.connection(index).map(Connection::state) != Some(State::TimeWait) {
                return Err(WsaError::WSAEADDRINUSE);
            }
            self.end_time_wait(index);
        }

        let mut connection = Connection::new(pair, Owner::Client(socket), window);
        let context = self.interface.context();
        if connection.tcp_mut().connect(context, pair.remote, pair.local).is_err() {
            return Err(WsaError::WSAEADDRNOTAVAIL);
        }
        connection.seen = connection.state();
        connection.keep_alive(keep_alive);
        connection.tcp_mut().set_nagle_enabled(!no_delay);
        connection.urgent.set_inline(urgent_inline);
        if let Some(old) = old {
            self.reap(old);
        }
        let index = self.add_connection(connection);
        self.mark(index);
        let holder = self.slots.get_mut(socket)?;
        holder.detail = Detail::Connection(index);
        holder.interest.wait(Readiness::CONNECT);
        Err(WsaError::WSAEWOULDBLOCK)
    }

    /// How the connect ended.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK while under way; else why it failed: WSAECONNREFUSED, WSAETIMEDOUT, or the
    /// connection's fate. WSAENOTCONN when there was none, WSAENOTSOCK.
    pub fn connect_result(&mut self, socket: StackSocket) -> Result<(), WsaError> {
        let (_, connection) = self.stream(socket)?;
        if let Some(fate) = connection.fate {
            return Err(fate);
        }
        if connection.established {
            return Ok(());
        }
        self.slots.get_mut(socket)?.interest.wait(Readiness::CONNECT);
        Err(WsaError::WSAEWOULDBLOCK)
    }

    /// Takes as much of `bytes` as there is room for (at least one byte, unless it is empty), in
    /// order. Gives the count.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK when there is no room, the connection's fate, WSAESHUTDOWN after a shutdown
    /// of the send half, WSAENOTCONN, WSAEOPNOTSUPP on a datagram socket, WSAENOTSOCK.
    pub fn try_send(&mut self, socket: StackSocket, bytes: &[u8]) -> Result<usize, WsaError> {
        self.send_stream(socket, bytes, false)
    }

    pub(super) fn send_stream(
        &mut self,
        socket: StackSocket,
        bytes: &[u8],
        urgent: bool,
    ) -> Result<usize, WsaError> {
        let (index, connection) = self.stream(socket)?;
        if let Some(fate) = connection.fate {
            return Err(fate);
        }
        if !connection.established {
            return Err(WsaError::WSAENOTCONN);
        }
        if connection.fin {
            return Err(WsaError::WSAESHUTDOWN);
        }
        let taken = connection.tcp_mut().send_slice(bytes).map_err(|_| WsaError::WSAESHUTDOWN)?;
        if taken != 0 {
            connection.urgent.sent(taken, urgent);
            self.mark(index);
        } else if !bytes.is_empty() {
            self.slots.get_mut(socket)?.interest.wait(Readiness::SEND);
            return Err(WsaError::WSAEWOULDBLOCK);
        }
        Ok(taken)
    }

    /// Gives bytes that arrived, and how many; 0 means that the peer ended its half. With `peek`
    /// they stay. With room for none, 0 says only that there is something or the end. A receive ends
    /// before an urgent byte, and one that is in line is given alone.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK when none are there, the connection's fate (what had arrived is lost then, as
    /// on Windows), WSAESHUTDOWN after a shutdown of the receive half, WSAENOTCONN, WSAEOPNOTSUPP
    /// on a datagram socket, WSAENOTSOCK.
    pub fn try_recv(
        &mut self,
        socket: StackSocket,
        into: &mut [u8],
        peek: bool,
    ) -> Result<usize, WsaError> {
        let (index, connection) = self.receiving(socket)?;
        if !connection.tcp().can_recv() {
            if connection.peer_ended() {
                return Ok(0);
            }
            self.slots.get_mut(socket)?.interest.wait(Readiness::RECEIVE);
            return Err(WsaError::WSAEWOULDBLOCK);
        }
        let count = connection.receive(into, peek);
        if peek {
            return Ok(count);
        }
        // The window is larger now; smoltcp decides whether that is worth a segment.
        self.mark(index);
        Ok(count)
    }

    /// Whether everything that a stream took was acknowledged, and its FIN too once its send half
    /// was ended. True as well when the connection is dead or closed: nothing is left to wait for. [`Readiness::SEND`] is told when
    /// this turns true after it was asked.
    pub fn is_drained(&mut self, socket: StackSocket) -> bool {
        let Ok((_, connection)) = self.stream(socket) else { return true };
        if connection.drained() || !connection.fin && connection.tcp().send_queue() == 0 {
            return true;
        }
        if let Ok(holder) = self.slots.get_mut(socket) {
            holder.interest.wait(Readiness::SEND);
        }
        false
    }

    pub(super) fn shutdown_stream(
        &mut self,
        socket: StackSocket,
        index: usize,
        half: Half,
    ) -> Result<(), WsaError> {
        let connection = self.connection_mut(index).ok_or(WsaError::WSAENOTCONN)?;
        if let Some(fate) = connection.fate {
            return Err(fate);
        }
        if !connection.established {
            return Err(WsaError::WSAENOTCONN);
        }
        let news = match half {
            Half::Receive => {
                // What is there already is thrown away at the next poll.
                connection.deaf = true;
                Readiness::RECEIVE
            }
            Half::Send => {
                connection.fin = true;
                connection.tcp_mut().close();
                connection.seen = connection.state();
                Readiness::SEND
            }
        };
        self.mark(index);
        let holder = self.slots.get_mut(socket)?;
        self.ready.tell(socket, &mut holder.interest, news);
        Ok(())
    }

    pub(super) fn close_connection(&mut self, index: usize, abort: bool) {
        let Some(connection) = self.connection_mut(index) else { return };
        let unaccepted = matches!(connection.owner, Owner::Listener(_));
        connection.owner = Owner::Nobody;
        connection.fin = true;
        match connection.state() {
            // Its SYN may be out; the answer will find nobody and be reset.
            State::SynSent => return self.reap(index),
            State::Closed | State::Listen => {}
            _ if abort || unaccepted => connection.tcp_mut().abort(),
            _ => connection.tcp_mut().close(),
        }
        connection.seen = connection.state();
        self.mark(index);
        self.settle(index, false);
    }

    pub(super) fn set_keep_alive(&mut self, index: usize, on: bool) {
        if let Some(connection) = self.connection_mut(index) {
            connection.keep_alive(on);
            self.mark(index);
        }
    }

    /// The connection of a stream that can receive.
    pub(super) fn receiving(
        &mut self,
        socket: StackSocket,
    ) -> Result<(usize, &mut Connection), WsaError> {
        let (index, connection) = self.stream(socket)?;
        if let Some(fate) = connection.fate {
            return Err(fate);
        }
        if connection.deaf {
            return Err(WsaError::WSAESHUTDOWN);
        }
        if !connection.established {
            return Err(WsaError::WSAENOTCONN);
        }
        Ok((index, connection))
    }

    /// The connection of a stream.
    fn stream(&mut self, socket: StackSocket) -> Result<(usize, &mut Connection), WsaError> {
        let holder = self.slots.get(socket)?;
        if holder.kind == Kind::Datagram {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        if let Some(fate) = holder.fate {
            return Err(fate);
        }
        let Detail::Connection(index) = holder.detail else {
            return Err(WsaError::WSAENOTCONN);
        };
        let connection = self.connection_mut(index).ok_or(WsaError::WSAENOTCONN)?;
        Ok((index, connection))
    }
}

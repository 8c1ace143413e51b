//! Datagrams: sending, receiving, and the reports of ports that nobody has.

use core::net::{IpAddr, SocketAddr};
use std::collections::VecDeque;

use provider_core::{Family, Kind, Readiness, WsaError};

use super::ip::{self, Envelope, HOP_LIMIT, Header, UDP, UDP_HEADER, V4_HEADER, V6_HEADER};
use super::multicast::Multicast;
use super::ports::wildcard_like;
use super::route::Route;
use super::slots::{Detail, Socket};
use super::{RECEIVE_DATAGRAMS, SEND_BUFFER, Stack, StackSocket};

/// The state of a datagram socket.
#[derive(Debug, Default)]
pub(super) struct Datagram {
    queue: VecDeque<(SocketAddr, Vec<u8>)>,
    /// Payload bytes in `queue`.
    queued: usize,
    /// Bytes handed to the stack since its last poll.
    unsent: usize,
    /// Port-unreachable reports not yet taken.
    resets: u32,
    /// Whether the receive half was shut down.
    deaf: bool,
    pub(super) multicast: Multicast,
}

impl Datagram {
    pub(super) const fn shut_receive(&mut self) {
        self.deaf = true;
    }
}

impl Stack {
    /// Sends one whole datagram; an unbound socket is bound to a free port first.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK until the next poll when the send buffer is full, WSAEMSGSIZE beyond
    /// [`Self::datagram_max`], WSAENETUNREACH without a route, WSAEADDRNOTAVAIL for port 0, the
    /// unspecified address, or a loopback source with a destination elsewhere, WSAEACCES for a
    /// broadcast without the option, WSAEAFNOSUPPORT, WSAENOTSOCK, WSAEOPNOTSUPP on a stream.
    pub fn try_send_to(
        &mut self,
        socket: StackSocket,
        datagram: &[u8],
        to: SocketAddr,
    ) -> Result<(), WsaError> {
        let holder = self.slots.get(socket)?;
        if holder.kind != Kind::Datagram {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        if let Some(fate) = holder.fate {
            return Err(fate);
        }
        if Family::of(&to) != holder.family {
            return Err(WsaError::WSAEAFNOSUPPORT);
        }
        if datagram.len() > self.datagram_max(holder.family) {
            return Err(WsaError::WSAEMSGSIZE);
        }
        if to.port() == 0 || to.ip().is_unspecified() {
            return Err(WsaError::WSAEADDRNOTAVAIL);
        }
        let route = self.wire.routes.of(to.ip());
        match route {
            Route::None => return Err(WsaError::WSAENETUNREACH),
            Route::Broadcast if !holder.broadcast => return Err(WsaError::WSAEACCES),
            _ => {}
        }
        self.bind_if_needed(socket)?;

        let holder = self.slots.get_mut(socket)?;
        let (Some((source, port)), Detail::Datagram(state)) = (holder.bound, &mut holder.detail)
        else {
            return Err(WsaError::WSAEINVAL);
        };
        if source.is_loopback() && route != Route::Own {
            return Err(WsaError::WSAEADDRNOTAVAIL);
        }
        // Headers count, or zero-length datagrams would fill memory for nothing.
        let cost = datagram.len() + V4_HEADER + UDP_HEADER;
        if state.unsent != 0 && state.unsent + cost > SEND_BUFFER {
            holder.interest.wait(Readiness::SEND);
            return Err(WsaError::WSAEWOULDBLOCK);
        }
        if state.unsent == 0 {
            self.senders.push(socket);
        }
        state.unsent += cost;
        let hop_limit = if route == Route::Group { state.multicast.ttl } else { HOP_LIMIT };
        let source =
            if source.is_unspecified() { self.wire.routes.source_for(to.ip()) } else { source };

        let mut head = [0u8; UDP_HEADER];
        head[0..2].copy_from_slice(&port.to_be_bytes());
        head[2..4].copy_from_slice(&to.port().to_be_bytes());
        head[4..6].copy_from_slice(&((UDP_HEADER + datagram.len()) as u16).to_be_bytes());
        let checksum = match ip::checksum(source, to.ip(), UDP, &head, datagram) {
            // Zero would mean that there is none.
            0 => 0xffff,
            checksum => checksum,
        };
        head[6..8].copy_from_slice(&checksum.to_be_bytes());
        let envelope = Envelope { source, destination: to.ip(), protocol: UDP, hop_limit };
        self.wire.send(&envelope, &head, datagram);
        Ok(())
    }

    /// Gives one datagram: its whole length in bytes (what exceeds `into` is cut, and lost unless
    /// `peek`) and its sender.
    ///
    /// # Errors
    /// WSAECONNRESET once for each port-unreachable report, before any datagram and also with
    /// `peek`; WSAEWOULDBLOCK when nothing is there; WSAESHUTDOWN after a shutdown of the receive
    /// half; WSAEINVAL when not bound, WSAENOTSOCK, WSAEOPNOTSUPP on a stream.
    pub fn try_recv_from(
        &mut self,
        socket: StackSocket,
        into: &mut [u8],
        peek: bool,
    ) -> Result<(usize, SocketAddr), WsaError> {
        let holder = self.slots.get_mut(socket)?;
        let Detail::Datagram(state) = &mut holder.detail else {
            return Err(WsaError::WSAEOPNOTSUPP);
        };
        if let Some(fate) = holder.fate {
            return Err(fate);
        }
        if holder.bound.is_none() {
            return Err(WsaError::WSAEINVAL);
        }
        if state.deaf {
            return Err(WsaError::WSAESHUTDOWN);
        }
        if state.resets != 0 {
            state.resets -= 1;
            return Err(WsaError::WSAECONNRESET);
        }
        let Some((from, payload)) = state.queue.front() else {
            holder.interest.wait(Readiness::RECEIVE);
            return Err(WsaError::WSAEWOULDBLOCK);
        };
        let (from, length) = (*from, payload.len());
        let copied = length.min(into.len());
        into[..copied].copy_from_slice(&payload[..copied]);
        if !peek && let Some((_, payload)) = state.queue.pop_front() {
            state.queued -= length;
            self.wire.recycle(payload);
        }
        Ok((length, from))
    }

    /// Takes one pending port-unreachable report of a datagram socket, if there is one.
    pub fn take_reset(&mut self, socket: StackSocket) -> bool {
        let Ok(Socket { detail: Detail::Datagram(state), interest, .. }) =
            self.slots.get_mut(socket)
        else {
            return false;
        };
        if state.resets == 0 {
            interest.wait(Readiness::RECEIVE);
            return false;
        }
        state.resets -= 1;
        true
    }

    /// The largest datagram that [`Self::try_send_to`] takes, in bytes: 65507 for IPv4, which is
    /// cut into fragments, and what one packet carries for IPv6, which is not.
    pub fn datagram_max(&self, family: Family) -> usize {
        match family {
            Family::V4 => 65_535 - V4_HEADER - UDP_HEADER,
            Family::V6 => self.wire.mtu.saturating_sub(V6_HEADER + UDP_HEADER),
        }
    }

    /// Acts as if a port-unreachable report had arrived for this datagram socket.
    pub fn inject_unreachable(&mut self, socket: StackSocket) {
        let Ok(holder) = self.slots.get_mut(socket) else { return };
        let Detail::Datagram(state) = &mut holder.detail else { return };
        state.resets = state.resets.saturating_add(1);
        self.ready.tell(socket, &mut holder.interest, Readiness::RECEIVE);
    }

    pub(super) fn datagram_available(state: &Datagram) -> usize {
        state.queue.front().map_or(0, |(_, payload)| payload.len())
    }

    /// A report about a datagram that `sender` sent.
    pub(super) fn datagram_unreachable(&mut self, sender: SocketAddr) {
        let (address, port) = (sender.ip(), sender.port());
        let socket = self
            .ports
            .specific(Kind::Datagram, address, port)
            .or_else(|| self.ports.wildcard(Kind::Datagram, address, port));
        if let (true, Some(socket)) = (self.wire.routes.is_own(address), socket) {
            self.inject_unreachable(socket);
        }
    }

    pub(super) fn receive_udp(&mut self, header: &Header, packet: &[u8]) {
        let message = &packet[header.header_len..header.total_len];
        let length = usize::from(ip::word(message, 4));
        // A checksum of zero means none, and nobody here sends none.
        if length < UDP_HEADER || length > message.len() || ip::word(message, 6) == 0 {
            return;
        }
        let message = &message[..length];
        let (source, destination) = (header.source, header.destination);
        if !ip::verify(source, destination, UDP, message) {
            return;
        }
        let from = SocketAddr::new(source, ip::word(message, 0));
        let port = ip::word(message, 2);
        let payload = &message[UDP_HEADER..];
        // Nobody answers what was meant for several.
        match self.wire.routes.of(destination) {
            Route::Broadcast => return self.deliver_broadcast(destination, port, from, payload),
            Route::Group => return self.deliver_to_group(destination, port, from, payload),
            Route::Own | Route::Link | Route::None => {}
        }
        let socket = self
            .ports
            .specific(Kind::Datagram, destination, port)
            .or_else(|| self.ports.wildcard(Kind::Datagram, destination, port));
        match socket {
            Some(socket) => self.deliver_datagram(socket, from, payload),
            None => self.report_unreachable(header, packet),
        }
    }

    // Everyone on the port gets a copy, but for sockets that are bound to the loopback address.
    fn deliver_broadcast(&mut self, to: IpAddr, port: u16, from: SocketAddr, payload: &[u8]) {
        let own = IpAddr::V4(self.wire.routes.v4);
        let everyone: Vec<StackSocket> = self.ports.all(Kind::Datagram, to, port).collect();
        for socket in everyone {
            let bound = self.slots.get(socket).ok().and_then(|holder| holder.bound);
            if bound.is_some_and(|(address, _)| address == own || address == wildcard_like(to)) {
                self.deliver_datagram(socket, from, payload);
            }
        }
    }

    pub(super) fn deliver_datagram(
        &mut self,
        socket: StackSocket,
        from: SocketAddr,
        payload: &[u8],
    ) {
        let mut buffer = self.wire.take();
        let Ok(holder) = self.slots.get_mut(socket) else { return };
        let Detail::Datagram(state) = &mut holder.detail else { return };
        let full = state.queue.len() >= RECEIVE_DATAGRAMS
            || state.queued + payload.len() > holder.receive_buffer && !state.queue.is_empty();
        if full || state.deaf || holder.fate.is_some() {
            self.wire.recycle(buffer);
            return;
        }
        buffer.extend_from_slice(payload);
        state.queued += payload.len();
        state.queue.push_back((from, buffer));
        self.ready.tell(socket, &mut holder.interest, Readiness::RECEIVE);
    }

    /// What the sockets sent is out: there is room again.
    pub(super) fn datagrams_sent(&mut self) {
        for index in 0..self.senders.len() {
            let socket = self.senders[index];
            let Ok(holder) = self.slots.get_mut(socket) else { continue };
            let Detail::Datagram(state) = &mut holder.detail else { continue };
            state.unsent = 0;
            self.ready.tell(socket, &mut holder.interest, Readiness::SEND);
        }
        self.senders.clear();
    }
}

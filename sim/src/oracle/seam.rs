//! The part of [`Oracles`] that hears of the transport seam.

use core::net::{IpAddr, SocketAddr};

use provider_core::{Family, Half, Kind, Readiness, WsaError};
use xxhash_rust::xxh3::xxh3_64;

use super::book::{ActiveCall, SocketId, place};
use super::facade::Oracles;
use super::facts::{ProcessKey, Special, TransportResult};
use super::send_order::Offer;
use super::transports::Tsock;
use super::violation::Verdict;
use crate::event::At;

impl Oracles {
    /// The provider opened a transport socket. `tsock` is unique in its machine for the whole run.
    pub fn transport_opened(
        &mut self,
        at: At,
        process: ProcessKey,
        tsock: u32,
        _family: Family,
        kind: Kind,
    ) {
        let tsock = Tsock { machine: process.machine, number: tsock };
        let stream = kind == Kind::Stream;
        self.transports.opened(&mut self.book, at, process, tsock, stream);
    }

    /// The provider took a connection from a listener.
    pub fn transport_accepted(
        &mut self,
        _at: At,
        process: ProcessKey,
        _listener: u32,
        tsock: u32,
        local: Option<SocketAddr>,
        peer: SocketAddr,
    ) {
        let tsock = Tsock { machine: process.machine, number: tsock };
        self.transports.accepted(process, tsock);
        self.wire.connected(tsock, local, peer);
    }

    /// A transport socket was bound.
    pub fn transport_bound(&mut self, _at: At, process: ProcessKey, tsock: u32, local: SocketAddr) {
        self.wire.bound(Tsock { machine: process.machine, number: tsock }, local);
    }

    /// A transport socket joined a multicast group.
    pub fn transport_joined(&mut self, process: ProcessKey, tsock: u32, group: IpAddr) {
        self.wire.joined(Tsock { machine: process.machine, number: tsock }, group);
    }

    /// The provider learned that a transport socket is connected.
    pub fn transport_connected(
        &mut self,
        _at: At,
        process: ProcessKey,
        tsock: u32,
        local: Option<SocketAddr>,
        peer: SocketAddr,
    ) {
        self.wire.connected(Tsock { machine: process.machine, number: tsock }, local, peer);
    }

    /// `try_send` or `try_send_to` gave `result`: bytes taken.
    ///
    /// # Errors
    /// ORD-2.
    pub fn transport_sent(
        &mut self,
        at: At,
        process: ProcessKey,
        tsock: u32,
        offered: &[u8],
        to: Option<SocketAddr>,
        result: TransportResult,
    ) -> Verdict {
        let offer = Offer { bytes: offered, hash: 0, to, urgent: false };
        self.offered(at, Tsock { machine: process.machine, number: tsock }, offer, result)
    }

    /// `try_send_urgent` gave `result`.
    ///
    /// # Errors
    /// ORD-2.
    pub fn transport_sent_urgent(
        &mut self,
        at: At,
        process: ProcessKey,
        tsock: u32,
        byte: u8,
        result: Result<(), WsaError>,
    ) -> Verdict {
        let offer = Offer { bytes: &[byte], hash: 0, to: None, urgent: true };
        let tsock = Tsock { machine: process.machine, number: tsock };
        self.offered(at, tsock, offer, result.map(|()| 1))
    }

    fn offered(
        &mut self,
        at: At,
        tsock: Tsock,
        mut offer: Offer<'_>,
        result: TransportResult,
    ) -> Verdict {
        let Offer { bytes: offered, to, urgent, .. } = offer;
        let Some(carrier) = self.transports.get(tsock) else { return Ok(()) };
        let stream = carrier.stream;
        self.transports.set_full(tsock, result == Err(WsaError::WSAEWOULDBLOCK));
        match result {
            Ok(taken) if stream => {
                self.wire.stream_sent(tsock, &offered[..taken.min(offered.len())], urgent);
            }
            Err(error) if stream && is_fatal(error) => self.wire.broken(tsock),
            Err(WsaError::WSAEWOULDBLOCK) => return Ok(()),
            _ if stream => {}
            Ok(_) => {
                offer.hash = xxh3_64(offered);
                if let Some(to) = to {
                    self.wire.datagram_sent(tsock, offer.hash, to);
                }
            }
            Err(_) => offer.hash = xxh3_64(offered),
        }
        let Some(socket) = self.carried(at, tsock) else { return Ok(()) };
        if self.book.innermost(place(at)).is_some_and(ActiveCall::is_stray_send) {
            self.order.met_stray(&self.book, socket);
            return Ok(());
        }
        self.order.transport_sent(&self.book, at, socket, offer, result)
    }

    /// The provider is told that a transport socket is ready.
    pub fn transport_ready(&mut self, process: ProcessKey, tsock: u32, readiness: Readiness) {
        if readiness.contains(Readiness::SEND) {
            let tsock = Tsock { machine: process.machine, number: tsock };
            self.transports.set_full(tsock, false);
        }
    }

    /// The SPI socket behind a transport socket that is used to send or to receive.
    fn carried(&mut self, at: At, tsock: Tsock) -> Option<SocketId> {
        if let Some(socket) = self.transports.get(tsock)?.socket {
            return Some(socket);
        }
        let call = self.book.innermost(place(at))?;
        if !matches!(call.call.special, Special::Send(_) | Special::Receive { .. }) {
            return None;
        }
        let socket = call.socket?;
        self.transports.used(tsock, socket);
        self.transports.get(tsock)?.socket
    }

    /// `try_recv` or `try_recv_from` gave `result`; `data` is what was put into the provider's
    /// buffer.
    ///
    /// # Errors
    /// ORD-2, RET-14.
    #[allow(clippy::too_many_arguments, reason = "what the call had and gave")]
    pub fn transport_received(
        &mut self,
        at: At,
        process: ProcessKey,
        tsock: u32,
        data: &[u8],
        from: Option<SocketAddr>,
        result: TransportResult,
        peek: bool,
    ) -> Verdict {
        let tsock = Tsock { machine: process.machine, number: tsock };
        let socket = self.carried(at, tsock);
        let Some(stream) = self.transports.get(tsock).map(|carrier| carrier.stream) else {
            return Ok(());
        };
        let len = match result {
            Ok(len) => len,
            Err(error) => {
                if stream && is_fatal(error) {
                    self.wire.broken(tsock);
                    if let Some(socket) = socket {
                        self.order.died(socket);
                    }
                }
                return Ok(());
            }
        };
        if peek {
            if !stream {
                self.receive.datagram_peeked(tsock, xxh3_64(data), data.len(), from);
            }
            return Ok(());
        }
        if stream {
            self.receive.bytes_arrived(tsock, data);
            return self.wire.stream_received(tsock, data);
        }
        let hash = xxh3_64(data);
        self.receive.datagram_arrived(tsock, hash, data.len(), from);
        // A datagram that was cut cannot be recognised.
        match from {
            Some(from) if len == data.len() => self.wire.datagram_received(tsock, hash, len, from),
            _ => Ok(()),
        }
    }

    /// `try_recv_urgent` gave `result`.
    ///
    /// # Errors
    /// RECV-22.
    pub fn transport_received_urgent(
        &mut self,
        process: ProcessKey,
        tsock: u32,
        result: Result<u8, WsaError>,
        peek: bool,
    ) -> Verdict {
        let tsock = Tsock { machine: process.machine, number: tsock };
        let Some(carrier) = self.transports.get(tsock) else { return Ok(()) };
        let socket = carrier.socket;
        match result {
            Ok(byte) => {
                self.receive.urgent_arrived(tsock, byte, peek);
                if peek { Ok(()) } else { self.wire.urgent_received(tsock, byte) }
            }
            // There is none.
            Err(WsaError::WSAEINVAL) => Ok(()),
            Err(error) if is_fatal(error) => {
                self.wire.broken(tsock);
                if let Some(socket) = socket {
                    self.order.died(socket);
                }
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    /// The provider ended one half.
    ///
    /// # Errors
    /// CXL-6.
    pub fn transport_shutdown(
        &mut self,
        _at: At,
        process: ProcessKey,
        tsock: u32,
        half: Half,
        result: Result<(), WsaError>,
    ) -> Verdict {
        let tsock = Tsock { machine: process.machine, number: tsock };
        if half == Half::Receive {
            self.wire.deaf(tsock);
            return Ok(());
        }
        if result.is_err() {
            self.wire.broken(tsock);
            return Ok(());
        }
        self.finish(process, tsock)
    }

    /// The provider gave a transport socket back.
    ///
    /// # Errors
    /// CXL-6.
    pub fn transport_closed(
        &mut self,
        at: At,
        process: ProcessKey,
        tsock: u32,
        abort: bool,
    ) -> Verdict {
        let tsock = Tsock { machine: process.machine, number: tsock };
        self.transports.closed(&mut self.book, at, tsock);
        if abort {
            self.wire.broken(tsock);
            return Ok(());
        }
        self.finish(process, tsock)
    }

    fn finish(&mut self, process: ProcessKey, tsock: Tsock) -> Verdict {
        let excused = self.ledgers.of(process.machine).is_ending(process);
        match self.transports.get(tsock).and_then(|carrier| carrier.socket) {
            Some(socket) => self.order.finished(socket, excused),
            None => Ok(()),
        }
    }

    /// What a process had on the wire may not all arrive.
    pub(super) fn process_lost(&mut self, process: ProcessKey) {
        for tsock in self.transports.left_open(process) {
            self.wire.broken(tsock);
        }
    }
}

/// Whether an error of the transport ends a connection.
fn is_fatal(error: WsaError) -> bool {
    !matches!(error, WsaError::WSAEWOULDBLOCK | WsaError::WSAENOBUFS | WsaError::WSAENETDOWN)
}

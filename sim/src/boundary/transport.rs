//! What the simulator's transport tells.

use core::net::{IpAddr, SocketAddr};

use provider_core::{Family, Half, Kind, Readiness, WsaError};

use super::watch::Watch;
use crate::oracle::TransportResult;

impl Watch {
    /// The provider opened a transport socket. `tsock` is unique in its machine for the whole run.
    pub fn transport_opened(&self, tsock: u32, family: Family, kind: Kind) {
        self.tell(|oracles, at, process| {
            oracles.transport_opened(at, process, tsock, family, kind);
            Ok(())
        });
    }

    /// The provider took a connection from a listener.
    pub fn transport_accepted(
        &self,
        listener: u32,
        tsock: u32,
        local: Option<SocketAddr>,
        peer: SocketAddr,
    ) {
        self.tell(|oracles, at, process| {
            oracles.transport_accepted(at, process, listener, tsock, local, peer);
            Ok(())
        });
    }

    /// A transport socket was bound.
    pub fn transport_bound(&self, tsock: u32, local: SocketAddr) {
        self.tell(|oracles, at, process| {
            oracles.transport_bound(at, process, tsock, local);
            Ok(())
        });
    }

    /// The provider learned that a transport socket is connected.
    pub fn transport_connected(&self, tsock: u32, local: Option<SocketAddr>, peer: SocketAddr) {
        self.tell(|oracles, at, process| {
            oracles.transport_connected(at, process, tsock, local, peer);
            Ok(())
        });
    }

    /// A transport socket joined a multicast group.
    pub fn transport_joined(&self, tsock: u32, group: IpAddr) {
        self.tell(|oracles, _, process| {
            oracles.transport_joined(process, tsock, group);
            Ok(())
        });
    }

    /// The provider's worker is about to hear that a transport socket is ready.
    pub fn transport_ready(&self, tsock: u32, readiness: Readiness) {
        self.tell(|oracles, _, process| {
            oracles.transport_ready(process, tsock, readiness);
            Ok(())
        });
    }

    /// `try_send` or `try_send_to` gave `result`: bytes taken, the whole length for a datagram.
    pub fn transport_sent(
        &self,
        tsock: u32,
        offered: &[u8],
        to: Option<SocketAddr>,
        result: TransportResult,
    ) {
        self.tell(|oracles, at, process| {
            oracles.transport_sent(at, process, tsock, offered, to, result)
        });
    }

    /// `try_recv` or `try_recv_from` gave `result`; `data` is what was put into the provider's
    /// buffer (for a datagram that was cut: the part that fitted), `from` its sender.
    pub fn transport_received(
        &self,
        tsock: u32,
        data: &[u8],
        from: Option<SocketAddr>,
        result: TransportResult,
        peek: bool,
    ) {
        self.tell(|oracles, at, process| {
            oracles.transport_received(at, process, tsock, data, from, result, peek)
        });
    }

    /// `try_send_urgent` gave `result`.
    pub fn transport_sent_urgent(&self, tsock: u32, byte: u8, result: Result<(), WsaError>) {
        self.tell(|oracles, at, process| {
            oracles.transport_sent_urgent(at, process, tsock, byte, result)
        });
    }

    /// `try_recv_urgent` gave `result`.
    pub fn transport_received_urgent(&self, tsock: u32, result: Result<u8, WsaError>, peek: bool) {
        self.tell(|oracles, _, process| {
            oracles.transport_received_urgent(process, tsock, result, peek)
        });
    }

    /// The provider ended one half.
    pub fn transport_shutdown(&self, tsock: u32, half: Half, result: Result<(), WsaError>) {
        self.tell(|oracles, at, process| {
            oracles.transport_shutdown(at, process, tsock, half, result)
        });
    }

    /// The provider gave a transport socket back.
    pub fn transport_closed(&self, tsock: u32, abort: bool) {
        self.tell(|oracles, at, process| oracles.transport_closed(at, process, tsock, abort));
    }
}

//! A `Transport` that sends and receives something else than it is asked for.

use core::net::SocketAddr;
use std::rc::Rc;

use provider_core::{
    Family, Group, GroupInterface, Half, Host, Kind, Token, Transport, TransportOption, WsaError,
};
use wspsim::host::{SimHost, SimTransport};

use super::Flaw;
use super::state::{Datagram, Socket, State};

/// The transport given to the provider core.
pub struct FlawedTransport {
    inner: SimTransport,
    state: Rc<State>,
}

/// What a thread that is torn down in a wait still sends.
pub(super) struct LastWord<'t>(&'t FlawedTransport);

impl Drop for LastWord<'_> {
    fn drop(&mut self) {
        let last = self.0.state.last.take();
        if let Some(Datagram { socket, mut bytes, address }) = last {
            bytes.iter_mut().for_each(|byte| *byte = !*byte);
            let _ = self.0.inner.try_send_to(socket, &bytes, address);
        }
    }
}

impl FlawedTransport {
    pub(super) fn new(host: &SimHost, state: Rc<State>) -> Self {
        Self { inner: host.transport().clone(), state }
    }

    /// For [`Flaw::SentBehind`]: sends when it is dropped, so a wait that returns forgets it.
    pub(super) fn last_word(&self) -> Option<LastWord<'_>> {
        self.state.has(Flaw::SentBehind).then(|| LastWord(self))
    }

    /// Sends what [`Flaw::AbortedButSent`] held back.
    pub(super) fn send_held(&self) {
        let held = self.state.held.take();
        if let Some(Datagram { socket, bytes, address }) = held {
            let _ = self.inner.try_send_to(socket, &bytes, address);
        }
    }

    fn keep(&self, socket: Socket, bytes: &[u8], address: SocketAddr) -> Datagram {
        Datagram { socket, bytes: bytes.to_vec(), address }
    }
}

impl Transport for FlawedTransport {
    type Socket = Socket;

    fn open(&self, family: Family, kind: Kind, token: Token) -> Result<Socket, WsaError> {
        self.inner.open(family, kind, token)
    }

    fn bind(&self, socket: Socket, address: SocketAddr) -> Result<SocketAddr, WsaError> {
        self.inner.bind(socket, address)
    }

    fn connect(&self, socket: Socket, peer: SocketAddr) -> Result<(), WsaError> {
        self.inner.connect(socket, peer)
    }

    fn connect_result(&self, socket: Socket) -> Result<(), WsaError> {
        self.inner.connect_result(socket)
    }

    fn listen(&self, socket: Socket, backlog: usize) -> Result<(), WsaError> {
        self.inner.listen(socket, backlog)
    }

    fn accept(&self, listener: Socket, token: Token) -> Result<(Socket, SocketAddr), WsaError> {
        self.inner.accept(listener, token)
    }

    fn try_send(&self, socket: Socket, bytes: &[u8]) -> Result<usize, WsaError> {
        if self.state.has(Flaw::PartialAsFull) && bytes.len() > 1 {
            return self.inner.try_send(socket, &bytes[..bytes.len() / 2]).map(|_| bytes.len());
        }
        if self.state.has(Flaw::CorruptedSend) && !bytes.is_empty() {
            let mut changed = bytes.to_vec();
            changed[bytes.len() / 2] ^= 0x10;
            return self.inner.try_send(socket, &changed);
        }
        self.inner.try_send(socket, bytes)
    }

    fn has_urgent(&self) -> bool {
        self.inner.has_urgent()
    }

    fn try_send_urgent(&self, socket: Socket, byte: u8) -> Result<(), WsaError> {
        self.inner.try_send_urgent(socket, byte)
    }

    fn try_recv_urgent(&self, socket: Socket, peek: bool) -> Result<u8, WsaError> {
        self.inner.try_recv_urgent(socket, peek)
    }

    fn at_urgent_mark(&self, socket: Socket) -> bool {
        self.inner.at_urgent_mark(socket)
    }

    fn stopped_at_mark(&self, socket: Socket) -> bool {
        self.inner.stopped_at_mark(socket)
    }

    fn try_send_to(&self, socket: Socket, datagram: &[u8], to: SocketAddr) -> Result<(), WsaError> {
        if self.state.has(Flaw::Reordered) {
            let held = self.state.held.take();
            return match held {
                Some(earlier) if earlier.socket == socket => {
                    self.inner.try_send_to(socket, datagram, to)?;
                    self.inner.try_send_to(socket, &earlier.bytes, earlier.address)
                }
                _ => {
                    self.state.held.replace(Some(self.keep(socket, datagram, to)));
                    Ok(())
                }
            };
        }
        if self.state.has(Flaw::AbortedButSent) && self.state.armed.replace(false) {
            self.state.held.replace(Some(self.keep(socket, datagram, to)));
            return Err(WsaError::WSAEWOULDBLOCK);
        }
        if self.state.has(Flaw::SentBehind) {
            self.state.last.replace(Some(self.keep(socket, datagram, to)));
        }
        self.inner.try_send_to(socket, datagram, to)?;
        if self.state.has(Flaw::RefusedButSent) { Err(WsaError::WSAENOBUFS) } else { Ok(()) }
    }

    fn try_recv(&self, socket: Socket, into: &mut [u8], peek: bool) -> Result<usize, WsaError> {
        let given = self.inner.try_recv(socket, into, peek)?;
        if self.state.has(Flaw::CorruptedReceive)
            && let Some(byte) = into[..given].last_mut()
        {
            *byte ^= 1;
        }
        Ok(given)
    }

    fn try_recv_from(
        &self,
        socket: Socket,
        into: &mut [u8],
        peek: bool,
    ) -> Result<(usize, SocketAddr), WsaError> {
        if self.state.has(Flaw::DatagramTwice) {
            let last = self.state.last.take();
            if let Some(Datagram { bytes, address, .. }) = last.filter(|l| l.socket == socket) {
                into[..bytes.len()].copy_from_slice(&bytes);
                return Ok((bytes.len(), address));
            }
        }
        let (len, from) = self.inner.try_recv_from(socket, into, peek)?;
        if self.state.has(Flaw::DatagramTwice) {
            self.state.last.replace(Some(self.keep(socket, &into[..len.min(into.len())], from)));
        }
        if self.state.has(Flaw::TruncatedDatagram) {
            return Ok((len.saturating_sub(1), from));
        }
        if self.state.has_once(Flaw::Swallowed) {
            return self.inner.try_recv_from(socket, into, peek);
        }
        Ok((len, from))
    }

    fn take_reset(&self, socket: Socket) -> bool {
        self.inner.take_reset(socket)
    }

    fn available(&self, socket: Socket) -> usize {
        self.inner.available(socket)
    }

    fn datagram_max(&self, family: Family) -> usize {
        self.inner.datagram_max(family)
    }

    fn shutdown(&self, socket: Socket, half: Half) -> Result<(), WsaError> {
        self.inner.shutdown(socket, half)
    }

    fn is_drained(&self, socket: Socket) -> bool {
        self.inner.is_drained(socket)
    }

    fn close(&self, socket: Socket, abort: bool) {
        if !self.state.has(Flaw::LeakedTransport) {
            self.inner.close(socket, abort);
        }
    }

    fn local_address(&self, socket: Socket) -> Option<SocketAddr> {
        self.inner.local_address(socket)
    }

    fn join(&self, socket: Socket, group: Group) -> Result<(), WsaError> {
        self.inner.join(socket, group)
    }

    fn leave(&self, socket: Socket, group: Group) -> Result<(), WsaError> {
        self.inner.leave(socket, group)
    }

    fn set_multicast_interface(
        &self,
        socket: Socket,
        interface: Option<GroupInterface>,
    ) -> Result<u32, WsaError> {
        self.inner.set_multicast_interface(socket, interface)
    }

    fn set_option(&self, socket: Socket, option: TransportOption) {
        self.inner.set_option(socket, option);
    }
}

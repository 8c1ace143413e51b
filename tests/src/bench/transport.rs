//! The scripted transport as the core reaches it: one socket, whose sends the script answers.

use core::cell::{Cell, RefCell};
use core::net::SocketAddr;

use provider_core::{
    Family, Group, GroupInterface, Half, Kind, Token, Transport, TransportOption, WsaError,
};

use crate::model::{DATAGRAM_MAX, Net};

/// The port that a bind to port 0 takes.
const FREE_PORT: u16 = 50_000;

/// The transport.
#[derive(Default)]
pub(super) struct BenchTransport {
    /// The script.
    pub(super) net: RefCell<Net>,
    /// What readiness of the socket is told with.
    pub(super) token: Cell<Option<Token>>,
    local: Cell<Option<SocketAddr>>,
}

impl Transport for BenchTransport {
    type Socket = u8;

    fn open(&self, _: Family, _: Kind, token: Token) -> Result<u8, WsaError> {
        match self.token.replace(Some(token)) {
            None => Ok(0),
            Some(_) => Err(WsaError::WSAEMFILE),
        }
    }

    fn bind(&self, _: u8, mut address: SocketAddr) -> Result<SocketAddr, WsaError> {
        if address.port() == 0 {
            address.set_port(FREE_PORT);
        }
        self.local.set(Some(address));
        Ok(address)
    }

    fn connect(&self, _: u8, _: SocketAddr) -> Result<(), WsaError> {
        Ok(())
    }

    fn connect_result(&self, _: u8) -> Result<(), WsaError> {
        Ok(())
    }

    fn listen(&self, _: u8, _: usize) -> Result<(), WsaError> {
        Err(WsaError::WSAENOBUFS)
    }

    fn accept(&self, _: u8, _: Token) -> Result<(u8, SocketAddr), WsaError> {
        Err(WsaError::WSAEWOULDBLOCK)
    }

    fn try_send(&self, _: u8, bytes: &[u8]) -> Result<usize, WsaError> {
        self.net.borrow_mut().try_send(bytes)
    }

    fn has_urgent(&self) -> bool {
        false
    }

    fn try_send_urgent(&self, _: u8, _: u8) -> Result<(), WsaError> {
        Err(WsaError::WSAEOPNOTSUPP)
    }

    fn try_recv_urgent(&self, _: u8, _: bool) -> Result<u8, WsaError> {
        Err(WsaError::WSAEOPNOTSUPP)
    }

    fn at_urgent_mark(&self, _: u8) -> bool {
        true
    }

    fn stopped_at_mark(&self, _: u8) -> bool {
        false
    }

    fn try_send_to(&self, _: u8, datagram: &[u8], to: SocketAddr) -> Result<(), WsaError> {
        self.net.borrow_mut().try_send_to(datagram, to)
    }

    fn try_recv(&self, _: u8, _: &mut [u8], _: bool) -> Result<usize, WsaError> {
        Err(WsaError::WSAEWOULDBLOCK)
    }

    fn try_recv_from(&self, _: u8, _: &mut [u8], _: bool) -> Result<(usize, SocketAddr), WsaError> {
        Err(WsaError::WSAEWOULDBLOCK)
    }

    fn take_reset(&self, _: u8) -> bool {
        self.net.borrow_mut().take_reset()
    }

    fn available(&self, _: u8) -> usize {
        0
    }

    fn datagram_max(&self, _: Family) -> usize {
        DATAGRAM_MAX
    }

    fn shutdown(&self, _: u8, half: Half) -> Result<(), WsaError> {
        if half == Half::Send {
            self.net.borrow_mut().finish();
        }
        Ok(())
    }

    fn is_drained(&self, _: u8) -> bool {
        true
    }

    fn close(&self, _: u8, abort: bool) {
        self.net.borrow_mut().close(abort);
    }

    fn local_address(&self, _: u8) -> Option<SocketAddr> {
        self.local.get()
    }

    fn join(&self, _: u8, _: Group) -> Result<(), WsaError> {
        Err(WsaError::WSAEADDRNOTAVAIL)
    }

    fn leave(&self, _: u8, _: Group) -> Result<(), WsaError> {
        Err(WsaError::WSAEADDRNOTAVAIL)
    }

    fn set_multicast_interface(&self, _: u8, _: Option<GroupInterface>) -> Result<u32, WsaError> {
        Err(WsaError::WSAEADDRNOTAVAIL)
    }

    fn set_option(&self, _: u8, _: TransportOption) {}
}

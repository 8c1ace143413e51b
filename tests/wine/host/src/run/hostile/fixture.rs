//! Sockets for hostile calls.

use core::cell::RefCell;
use core::net::{Ipv4Addr, SocketAddr};

use provider_core::layout::{SOCKADDR_IN, SOCKADDR_IN6, decode_sockaddr_in, encode_sockaddr};
use provider_core::spi::{
    AF_INET, FIONBIO, SOCK_DGRAM, SOCK_STREAM, WINSOCK_VERSION, WSA_FLAG_OVERLAPPED,
};
use provider_core::{ConnectArgs, OverlappedArgs, ServiceProvider, SocketHandle, UserPtr};

use crate::provider::Provider;
use crate::spi::TableSpi;
use crate::winsock::Winsock;

/// What a function wants for a socket. All are nonblocking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A datagram socket, not bound.
    FreshDatagram,
    /// One that is bound, with a datagram to be received.
    Datagram,
    /// A stream that is bound.
    BoundStream,
    /// A connection.
    Connected,
    /// A listener with a connection to be accepted.
    Listener,
}

/// Makes sockets, and closes what goes with them.
pub(super) struct Fixture {
    provider: Provider,
    winsock: Winsock,
    /// Peers of the sockets of the call.
    others: RefCell<Vec<SocketHandle>>,
}

fn at<T>(value: &mut T) -> UserPtr {
    UserPtr((&raw mut *value).expose_provenance())
}

impl Fixture {
    pub(super) fn new(provider: Provider, spi: TableSpi) -> Self {
        Self { provider, winsock: Winsock::new(spi), others: RefCell::new(Vec::new()) }
    }

    fn spi(&self) -> &TableSpi {
        self.winsock.spi()
    }

    /// One start more, for a WSPCleanup to undo.
    pub(super) fn start_again(&self) {
        assert!(self.provider.start(WINSOCK_VERSION).is_ok(), "WSPStartup fails");
    }

    pub(super) fn clean_up_once(&self) {
        let mut errno = 0_i32;
        assert!(self.spi().wsp_cleanup(at(&mut errno)) == 0, "WSPCleanup fails with {errno}");
    }

    pub(super) fn close(&self, socket: SocketHandle) {
        let mut errno = 0_i32;
        // A call may have closed it.
        self.spi().wsp_close_socket(socket, at(&mut errno));
    }

    /// Closes the peers.
    pub(super) fn tidy(&self) {
        self.others.borrow_mut().drain(..).for_each(|other| self.close(other));
    }

    fn made(&self, kind: i32) -> SocketHandle {
        let mut errno = 0_i32;
        let none = UserPtr::NULL;
        let flags = WSA_FLAG_OVERLAPPED;
        self.spi().wsp_socket(AF_INET, kind, 0, none, 0, flags, at(&mut errno))
    }

    fn bound(&self, kind: i32) -> (SocketHandle, SocketAddr) {
        let s = self.made(kind);
        let (mut name, len) = encode_sockaddr(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let mut errno = 0_i32;
        self.spi().wsp_bind(s, at(&mut name), len as i32, at(&mut errno));
        let (mut room, mut size) = ([0_u8; SOCKADDR_IN6], SOCKADDR_IN6 as i32);
        self.spi().wsp_get_sock_name(s, at(&mut room), at(&mut size), at(&mut errno));
        let named = room.first_chunk::<SOCKADDR_IN>().map(decode_sockaddr_in);
        (s, named.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
    }

    fn nonblocking(&self, s: SocketHandle) {
        let (mut on, mut returned, mut errno) = (1_u32, 0_u32, 0_i32);
        let (null, none) = (UserPtr::NULL, OverlappedArgs::NONE);
        let (on, returned, errno) = (at(&mut on), at(&mut returned), at(&mut errno));
        self.spi().wsp_ioctl(s, FIONBIO, on, 4, null, 0, returned, none, errno);
    }

    fn connect(&self, s: SocketHandle, to: SocketAddr) {
        let (mut name, len) = encode_sockaddr(&to);
        let mut errno = 0_i32;
        let none = ConnectArgs::NONE;
        self.spi().wsp_connect(s, at(&mut name), len as i32, none, at(&mut errno));
    }

    pub(super) fn socket(&self, kind: Kind) -> SocketHandle {
        let s = match kind {
            Kind::FreshDatagram => self.made(SOCK_DGRAM),
            Kind::Datagram => {
                let (s, own) = self.bound(SOCK_DGRAM);
                let sent = self.winsock.sendto(s, b"datagram", own);
                assert!(sent.is_ok(), "a datagram is sent: {sent:?}");
                s
            }
            Kind::BoundStream => self.bound(SOCK_STREAM).0,
            Kind::Connected | Kind::Listener => {
                let (listener, own) = self.bound(SOCK_STREAM);
                let mut errno = 0_i32;
                self.spi().wsp_listen(listener, 5, at(&mut errno));
                let client = self.made(SOCK_STREAM);
                self.connect(client, own);
                let (given, other) =
                    if kind == Kind::Listener { (listener, client) } else { (client, listener) };
                self.others.borrow_mut().push(other);
                given
            }
        };
        self.nonblocking(s);
        s
    }
}

//! The transport below: the next provider's procedure table, nonblocking, with readiness from its
//! WSPEventSelect. One event serves all sockets, since a wait takes at most 64 handles.

mod calls;
mod chain;
mod registry;

use core::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use provider_core::{
    Family, Group, GroupInterface, Half, Kind, Readiness, Token, Transport, TransportOption,
    WsaError, layout, spi,
};
use windows_sys::Win32::Networking::WinSock as ws;

pub(crate) use chain::NextProvider;

use crate::host::Locked;
use crate::worker::Worker;
use calls::Calls;
use registry::Registry;

/// A `SOCKET` of the lower provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LowerSocket(pub(crate) usize);

/// The lower provider as a transport.
pub(crate) struct Lower {
    /// The provider that was started last; what came before stays loaded until the last
    /// WSPCleanup, as sockets of it may live.
    started: Locked<Vec<Arc<NextProvider>>>,
    registry: Registry,
    worker: Arc<Worker>,
}

/// Everything that a socket may become ready for.
const ALL_EVENTS: u32 =
    ws::FD_READ | ws::FD_WRITE | ws::FD_OOB | ws::FD_ACCEPT | ws::FD_CONNECT | ws::FD_CLOSE;

impl Lower {
    pub(crate) fn new(worker: &Arc<Worker>) -> Self {
        Self {
            started: Locked::new(Vec::new()),
            registry: Registry::new(),
            worker: Arc::clone(worker),
        }
    }

    pub(crate) fn add(&self, next: NextProvider) {
        self.started.lock().push(Arc::new(next));
    }

    /// The last WSPCleanup: every start is paired, and the DLLs go.
    pub(crate) fn clean_up(&self) {
        let started = core::mem::take(&mut *self.started.lock());
        started.iter().rev().for_each(|next| next.clean_up());
    }

    fn calls(&self) -> Result<Calls, WsaError> {
        let next = self.started.lock().last().cloned();
        next.map(Calls::new).ok_or(WsaError::WSAENETDOWN)
    }

    /// What the shared event told of, for all sockets.
    pub(crate) fn collect_events(&self) -> Vec<(Token, Readiness)> {
        let Ok(calls) = self.calls() else { return Vec::new() };
        let mut ready = Vec::new();
        for socket in self.registry.all() {
            if let Ok(events) = calls.enum_network_events(socket) {
                ready.extend(self.registry.note(socket, &events));
            }
        }
        ready
    }

    /// Selects the events of a socket, which also makes it nonblocking.
    fn select(&self, calls: &Calls, socket: usize) -> Result<(), WsaError> {
        self.worker.want();
        calls.event_select(socket, self.worker.network.handle(), ALL_EVENTS as i32)
    }

    /// Enters a socket, or closes it.
    fn enter(
        &self,
        calls: &Calls,
        socket: usize,
        token: Token,
        family: Family,
        kind: Kind,
    ) -> Result<LowerSocket, WsaError> {
        self.registry.add(socket, token, family, kind);
        match self.select(calls, socket) {
            Ok(()) => Ok(LowerSocket(socket)),
            Err(error) => {
                self.registry.remove(socket);
                calls.close(socket);
                Err(error)
            }
        }
    }
}

fn numbers(family: Family, kind: Kind) -> (i32, i32, i32) {
    let family = match family {
        Family::V4 => spi::AF_INET,
        Family::V6 => spi::AF_INET6,
    };
    match kind {
        Kind::Stream => (family, spi::SOCK_STREAM, spi::IPPROTO_TCP),
        Kind::Datagram => (family, spi::SOCK_DGRAM, spi::IPPROTO_UDP),
    }
}

/// The level and the options of a family's multicast.
struct Multicast {
    level: i32,
    join: i32,
    leave: i32,
    ttl: i32,
    looped: i32,
}

const fn multicast(family: Family) -> Multicast {
    match family {
        Family::V4 => Multicast {
            level: ws::IPPROTO_IP,
            join: ws::IP_ADD_MEMBERSHIP,
            leave: ws::IP_DROP_MEMBERSHIP,
            ttl: ws::IP_MULTICAST_TTL,
            looped: ws::IP_MULTICAST_LOOP,
        },
        Family::V6 => Multicast {
            level: ws::IPPROTO_IPV6,
            join: ws::IPV6_ADD_MEMBERSHIP,
            leave: ws::IPV6_DROP_MEMBERSHIP,
            ttl: ws::IPV6_MULTICAST_HOPS,
            looped: ws::IPV6_MULTICAST_LOOP,
        },
    }
}

/// An `ip_mreq` or an `ipv6_mreq`.
fn membership(group: &Group) -> Vec<u8> {
    match group.address {
        IpAddr::V4(address) => {
            let interface = match group.interface {
                Some(GroupInterface::Address(IpAddr::V4(address))) => address.octets(),
                // 0.0.0.n names the interface with index n.
                Some(GroupInterface::Index(index)) => index.to_be_bytes(),
                _ => [0; 4],
            };
            [address.octets(), interface].concat()
        }
        IpAddr::V6(address) => {
            let index = match group.interface {
                Some(GroupInterface::Index(index)) => index,
                _ => 0,
            };
            [&address.octets()[..], &index.to_le_bytes()].concat()
        }
    }
}

impl Transport for Lower {
    type Socket = LowerSocket;

    fn open(&self, family: Family, kind: Kind, token: Token) -> Result<LowerSocket, WsaError> {
        let calls = self.calls()?;
        let (af, type_, protocol) = numbers(family, kind);
        let socket = calls.socket(af, type_, protocol)?;
        self.enter(&calls, socket, token, family, kind)
    }

    fn bind(&self, socket: LowerSocket, address: SocketAddr) -> Result<SocketAddr, WsaError> {
        let calls = self.calls()?;
        calls.bind(socket.0, &address)?;
        calls.sock_name(socket.0)
    }

    fn connect(&self, socket: LowerSocket, peer: SocketAddr) -> Result<(), WsaError> {
        self.calls()?.connect(socket.0, &peer)
    }

    fn connect_result(&self, socket: LowerSocket) -> Result<(), WsaError> {
        let entry = self.registry.get(socket.0).ok_or(WsaError::WSAENOTSOCK)?;
        entry.connected.unwrap_or(Err(WsaError::WSAEWOULDBLOCK))
    }

    fn listen(&self, socket: LowerSocket, backlog: usize) -> Result<(), WsaError> {
        self.calls()?.listen(socket.0, i32::try_from(backlog).unwrap_or(i32::MAX))
    }

    fn accept(
        &self,
        listener: LowerSocket,
        token: Token,
    ) -> Result<(LowerSocket, SocketAddr), WsaError> {
        let calls = self.calls()?;
        let (socket, peer) = calls.accept(listener.0)?;
        let family = Family::of(&peer);
        Ok((self.enter(&calls, socket, token, family, Kind::Stream)?, peer))
    }

    fn try_send(&self, socket: LowerSocket, bytes: &[u8]) -> Result<usize, WsaError> {
        self.calls()?.send(socket.0, bytes, 0)
    }

    fn has_urgent(&self) -> bool {
        true
    }

    fn try_send_urgent(&self, socket: LowerSocket, byte: u8) -> Result<(), WsaError> {
        self.calls()?.send(socket.0, &[byte], ws::MSG_OOB as u32).map(|_| ())
    }

    fn try_recv_urgent(&self, socket: LowerSocket, peek: bool) -> Result<u8, WsaError> {
        let mut byte = [0];
        let flags = ws::MSG_OOB as u32 | if peek { ws::MSG_PEEK as u32 } else { 0 };
        match self.calls()?.receive(socket.0, &mut byte, flags)? {
            0 => Err(WsaError::WSAEINVAL),
            _ => Ok(byte[0]),
        }
    }

    fn at_urgent_mark(&self, socket: LowerSocket) -> bool {
        self.calls().and_then(|calls| calls.ioctl_word(socket.0, ws::SIOCATMARK as u32)) != Ok(0)
    }

    fn try_send_to(
        &self,
        socket: LowerSocket,
        datagram: &[u8],
        to: SocketAddr,
    ) -> Result<(), WsaError> {
        self.calls()?.send_to(socket.0, datagram, &to)
    }

    fn try_recv(
        &self,
        socket: LowerSocket,
        into: &mut [u8],
        peek: bool,
    ) -> Result<usize, WsaError> {
        self.calls()?.receive(socket.0, into, if peek { ws::MSG_PEEK as u32 } else { 0 })
    }

    fn try_recv_from(
        &self,
        socket: LowerSocket,
        into: &mut [u8],
        peek: bool,
    ) -> Result<(usize, SocketAddr), WsaError> {
        self.calls()?.receive_from(socket.0, into, if peek { ws::MSG_PEEK as u32 } else { 0 })
    }

    fn take_reset(&self, socket: LowerSocket) -> bool {
        // A look without room: it meets the report if there is one, and leaves datagrams alone.
        let looked = self
            .calls()
            .and_then(|calls| calls.receive_from(socket.0, &mut [0], ws::MSG_PEEK as u32));
        looked == Err(WsaError::WSAECONNRESET)
    }

    fn available(&self, socket: LowerSocket) -> usize {
        let word = self.calls().and_then(|calls| calls.ioctl_word(socket.0, spi::FIONREAD));
        word.map_or(0, |bytes| bytes as usize)
    }

    fn datagram_max(&self, family: Family) -> usize {
        // The protocol's own, less than which no lower provider for IP takes.
        match family {
            Family::V4 => 65_507,
            Family::V6 => 65_487,
        }
    }

    fn shutdown(&self, socket: LowerSocket, half: Half) -> Result<(), WsaError> {
        let how = match half {
            Half::Receive => spi::SD_RECEIVE,
            Half::Send => spi::SD_SEND,
        };
        self.calls()?.shutdown(socket.0, how)
    }

    /// Winsock does not tell what was acknowledged. A connection whose peer has ended its half too
    /// has got all of it; before that nobody knows.
    fn is_drained(&self, socket: LowerSocket) -> bool {
        self.registry.get(socket.0).is_none_or(|entry| entry.closed)
    }

    fn close(&self, socket: LowerSocket, abort: bool) {
        self.registry.remove(socket.0);
        let Ok(calls) = self.calls() else { return };
        if abort {
            let linger = [1_u16.to_le_bytes(), 0_u16.to_le_bytes()].concat();
            // Without it the close is a graceful one: nothing more can be done.
            let _ = calls.set_option(socket.0, spi::SOL_SOCKET, spi::SO_LINGER, &linger);
        }
        calls.close(socket.0);
    }

    fn local_address(&self, socket: LowerSocket) -> Option<SocketAddr> {
        self.calls().ok()?.sock_name(socket.0).ok()
    }

    fn join(&self, socket: LowerSocket, group: Group) -> Result<(), WsaError> {
        let entry = self.registry.get(socket.0).ok_or(WsaError::WSAENOTSOCK)?;
        let names = multicast(entry.family);
        self.calls()?.set_option(socket.0, names.level, names.join, &membership(&group))
    }

    fn leave(&self, socket: LowerSocket, group: Group) -> Result<(), WsaError> {
        let entry = self.registry.get(socket.0).ok_or(WsaError::WSAENOTSOCK)?;
        let names = multicast(entry.family);
        self.calls()?.set_option(socket.0, names.level, names.leave, &membership(&group))
    }

    fn set_option(&self, socket: LowerSocket, option: TransportOption) {
        let (Ok(calls), Some(entry)) = (self.calls(), self.registry.get(socket.0)) else { return };
        let names = multicast(entry.family);
        let (level, name, value) = match option {
            TransportOption::KeepAlive(on) => (spi::SOL_SOCKET, spi::SO_KEEPALIVE, u32::from(on)),
            TransportOption::Broadcast(on) => (spi::SOL_SOCKET, spi::SO_BROADCAST, u32::from(on)),
            TransportOption::ReceiveBuffer(bytes) => (spi::SOL_SOCKET, spi::SO_RCVBUF, bytes),
            TransportOption::UrgentInline(on) => (spi::SOL_SOCKET, ws::SO_OOBINLINE, u32::from(on)),
            TransportOption::MulticastTtl(ttl) => (names.level, names.ttl, u32::from(ttl)),
            TransportOption::MulticastLoop(on) => (names.level, names.looped, u32::from(on)),
        };
        // An option that the lower provider refuses is not worth a socket.
        let _ = calls.set_option(socket.0, level, name, &value.to_le_bytes());
        debug_assert!(layout::POINTER >= 4 && matches!(entry.kind, Kind::Stream | Kind::Datagram));
    }
}

//! A real TCP/IP stack for one simulated machine.
//!
//! TCP is smoltcp's, one socket set for each connection, so that only connections with something
//! to do are polled. Around it, ours: IP itself with IPv4 fragments, UDP, ICMP port unreachable,
//! ports, which segment belongs to which connection, backlogs, urgent data, and why a connection
//! died. smoltcp says none of the last five.
//!
//! The stack knows no clock, thread or network. Time comes in as nanoseconds, packets go in by
//! [`Stack::receive`] and come out of [`Stack::poll`]. After any other call the stack may have
//! something to send: [`Stack::poll_at`] then says "now".
//!
//! All machines are on one link, in [`SUBNET_V4`] and [`SUBNET_V6`]; there is no router. So nobody
//! has to be told who joined a multicast group (no IGMP, no MLD): what is for a group goes to every
//! machine, and each stack knows whether one of its sockets wants it.
//! Packets to the machine's own addresses, 127.0.0.1 and `::1` never leave it.

mod connection;
mod device;
mod icmp;
mod ip;
mod listen;
mod multicast;
mod ports;
mod readiness;
mod reassembly;
mod route;
mod run;
mod segments;
mod slots;
mod stream;
mod timers;
mod udp;
mod urgent;

#[cfg(test)]
mod tests;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::collections::BTreeMap;

use provider_core::{Family, Half, Kind, Readiness, TransportOption, WsaError};
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpCidr};

use connection::{Connection, Pair};
use device::{Port, Wire};
use multicast::Groups;
use ports::Ports;
use readiness::ReadyQueue;
use reassembly::Reassembly;
use route::Routes;
use slots::{Detail, Slots, Socket};
use udp::Datagram;

pub use ip::destination;
pub use multicast::INTERFACE;
pub use ports::EPHEMERAL_FIRST;
pub use route::{SUBNET_V4, SUBNET_V6, is_for_all};
pub use timers::{
    CONNECT_TIMEOUT, KEEP_ALIVE_IDLE, KEEP_ALIVE_INTERVAL, KEEP_ALIVE_PROBES, LINGER_TIMEOUT,
    RETRANSMISSIONS, TIME_WAIT,
};

/// Bytes that a socket receives into until SO_RCVBUF says otherwise. The largest window that TCP
/// can tell without scaling, and room for the largest datagram.
pub const RECEIVE_BUFFER: usize = 65_535;
/// The bounds of SO_RCVBUF, in bytes: with less a stream cannot move, with more a machine of many
/// connections gets large.
pub const RECEIVE_BUFFER_BOUNDS: (usize, usize) = (1024, 8 << 20);
/// Datagrams that wait in a socket; more are dropped, as are those beyond SO_RCVBUF bytes.
pub const RECEIVE_DATAGRAMS: usize = 256;
/// Bytes that a socket may have unsent (datagrams) or unacknowledged (a stream).
pub const SEND_BUFFER: usize = 65_536;
/// The largest backlog; a larger wish is cut to it (as SOMAXCONN on a Windows client).
pub const BACKLOG_MAX: usize = 200;
/// The MTUs that a stack works with: from what every IPv4 host takes to the largest IP packet.
pub const MTU_BOUNDS: (usize, usize) = (576, 65_535);

/// What a machine's stack starts with.
#[derive(Clone, Copy, Debug)]
pub struct StackConfig {
    /// The machine's IPv4 address, inside [`SUBNET_V4`].
    pub v4: Ipv4Addr,
    /// The machine's IPv6 address, inside [`SUBNET_V6`].
    pub v6: Ipv6Addr,
    /// The largest IP packet of the link in bytes; brought within [`MTU_BOUNDS`].
    pub mtu: usize,
    /// Where initial sequence numbers, packet ids and ephemeral ports come from. A machine that
    /// starts again should get another one, or its new connections look like old ones.
    pub seed: u64,
}

/// A socket of a stack. An id is never used twice: after `close` every call with it gives
/// WSAENOTSOCK.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct StackSocket(pub u32);

/// The stack of one machine.
pub struct Stack {
    slots: Slots,
    ports: Ports,
    ready: ReadyQueue,
    wire: Wire,
    reassembly: Reassembly,
    groups: Groups,
    /// Datagram sockets that sent since the last poll.
    senders: Vec<StackSocket>,

    interface: Interface,
    /// For segments that belong to nobody: smoltcp answers them with RST.
    nobody: SocketSet<'static>,
    connections: Vec<Option<Connection>>,
    free_connections: Vec<usize>,
    /// Connections that segments are for.
    pairs: BTreeMap<Pair, usize>,
    /// Connections to poll; an entry may be out of date, which costs a poll.
    dirty: Vec<usize>,
    /// When a connection needs a poll by itself, in nanoseconds.
    wake_at: Option<u64>,
    /// Whether `wake_at` must be found anew.
    wake_stale: bool,
    /// The latest time that the stack was told, in nanoseconds.
    now: u64,
}

impl core::fmt::Debug for Stack {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Stack")
            .field("v4", &self.wire.routes.v4)
            .field("sockets", &self.slots.open())
            .field("connections", &self.pairs.len())
            .finish_non_exhaustive()
    }
}

impl Stack {
    /// A stack with no sockets.
    #[must_use]
    pub fn new(config: StackConfig) -> Self {
        let mtu = config.mtu.clamp(MTU_BOUNDS.0, MTU_BOUNDS.1);
        let routes = Routes { v4: config.v4, v6: config.v6 };
        let ident = mix(config.seed, 1) as u16;
        let mut wire = Wire::new(routes, mtu, ident);
        let mut smoltcp_config = Config::new(HardwareAddress::Ip);
        smoltcp_config.random_seed = mix(config.seed, 2);
        let mut port = Port { incoming: None, wire: &mut wire };
        let mut interface = Interface::new(smoltcp_config, &mut port, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            let own: [(IpAddr, u8); 4] = [
                (IpAddr::V4(config.v4), SUBNET_V4.1),
                (IpAddr::V6(config.v6), SUBNET_V6.1),
                (IpAddr::V4(Ipv4Addr::LOCALHOST), 8),
                (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
            ];
            // smoltcp panics on a group's address; such a machine is deaf instead.
            for (address, prefix) in own.into_iter().filter(|(own, _)| route::is_unicast(*own)) {
                let _ = addresses.push(IpCidr::new(address.into(), prefix));
            }
        });
        Self {
            slots: Slots::default(),
            ports: Ports::new(mix(config.seed, 3)),
            ready: ReadyQueue::default(),
            wire,
            reassembly: Reassembly::default(),
            groups: Groups::default(),
            senders: Vec::new(),
            interface,
            nobody: SocketSet::new(Vec::new()),
            connections: Vec::new(),
            free_connections: Vec::new(),
            pairs: BTreeMap::new(),
            dirty: Vec::new(),
            wake_at: None,
            wake_stale: false,
            now: 0,
        }
    }

    /// Opens a socket.
    ///
    /// # Errors
    /// WSAEMFILE when 65536 sockets are open (or that many places are used up).
    pub fn open(&mut self, family: Family, kind: Kind) -> Result<StackSocket, WsaError> {
        let detail = match kind {
            Kind::Datagram => Detail::Datagram(Datagram::default()),
            Kind::Stream => Detail::Idle,
        };
        self.slots.insert(Socket::new(family, kind, detail, RECEIVE_BUFFER))
    }

    /// Binds; port 0 takes a free one from 49152 up. Gives the address bound.
    ///
    /// # Errors
    /// WSAEADDRINUSE, WSAEADDRNOTAVAIL for an address that is not the machine's, WSAENOBUFS when no
    /// port is free, WSAEINVAL when already bound, WSAEAFNOSUPPORT, WSAENOTSOCK.
    pub fn bind(
        &mut self,
        socket: StackSocket,
        address: SocketAddr,
    ) -> Result<SocketAddr, WsaError> {
        let holder = self.slots.get_mut(socket)?;
        if Family::of(&address) != holder.family {
            return Err(WsaError::WSAEAFNOSUPPORT);
        }
        if holder.bound.is_some() || matches!(holder.detail, Detail::Connection(_)) {
            return Err(WsaError::WSAEINVAL);
        }
        if !address.ip().is_unspecified() && !self.wire.routes.is_own(address.ip()) {
            return Err(WsaError::WSAEADDRNOTAVAIL);
        }
        let port = self.ports.bind(
            holder.kind,
            address.ip(),
            address.port(),
            holder.address_use,
            socket,
        )?;
        holder.bound = Some((address.ip(), port));
        Ok(SocketAddr::new(address.ip(), port))
    }

    fn bind_if_needed(&mut self, socket: StackSocket) -> Result<(), WsaError> {
        let holder = self.slots.get_mut(socket)?;
        if holder.bound.is_none() {
            let any = match holder.family {
                Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            };
            let port = self.ports.bind(holder.kind, any, 0, holder.address_use, socket)?;
            holder.bound = Some((any, port));
        }
        Ok(())
    }

    /// The socket's own address; `None` when it has none yet or is closed.
    pub fn local_address(&self, socket: StackSocket) -> Option<SocketAddr> {
        let holder = self.slots.get(socket).ok()?;
        match holder.detail {
            Detail::Connection(index) => self.connection(index).map(|c| c.pair.local),
            _ => holder.bound_address(),
        }
    }

    /// Sets an option. ReceiveBuffer holds for datagrams at once, for streams from the next
    /// connection (made or accepted) on, brought within [`RECEIVE_BUFFER_BOUNDS`].
    pub fn set_option(&mut self, socket: StackSocket, option: TransportOption) {
        let Ok(holder) = self.slots.get_mut(socket) else { return };
        match option {
            TransportOption::Broadcast(on) => holder.broadcast = on,
            TransportOption::ReceiveBuffer(bytes) => {
                let (least, most) = RECEIVE_BUFFER_BOUNDS;
                holder.receive_buffer =
                    usize::try_from(bytes).map_or(most, |bytes| bytes.clamp(least, most));
            }
            TransportOption::KeepAlive(on) => {
                holder.keep_alive = on;
                if let Detail::Connection(index) = holder.detail {
                    self.set_keep_alive(index, on);
                }
            }
            TransportOption::NoDelay(on) => {
                holder.no_delay = on;
                if let Detail::Connection(index) = holder.detail
                    && let Some(connection) = self.connection_mut(index)
                {
                    connection.tcp_mut().set_nagle_enabled(!on);
                    self.mark(index);
                }
            }
            TransportOption::AddressUse(usage) => holder.address_use = usage,
            TransportOption::MulticastTtl(ttl) => {
                if let Detail::Datagram(state) = &mut holder.detail {
                    state.multicast.ttl = ttl;
                }
            }
            TransportOption::MulticastLoop(on) => {
                if let Detail::Datagram(state) = &mut holder.detail {
                    state.multicast.hears_own = on;
                }
            }
            TransportOption::UrgentInline(on) => {
                holder.urgent_inline = on;
                if let Detail::Connection(index) = holder.detail {
                    self.set_urgent_inline(index, on);
                }
            }
        }
    }

    /// Bytes that a receive would give at once; for datagrams, the size of the first.
    pub fn available(&mut self, socket: StackSocket) -> usize {
        let Ok(holder) = self.slots.get_mut(socket) else { return 0 };
        let bytes = match &holder.detail {
            Detail::Datagram(state) => Self::datagram_available(state),
            Detail::Connection(index) => match self.connections.get(*index) {
                Some(Some(connection)) => connection.available(),
                _ => 0,
            },
            Detail::Idle | Detail::Listener(_) => 0,
        };
        if bytes == 0 {
            // Who polls this instead of receiving waits all the same.
            holder.interest.wait(Readiness::RECEIVE);
        }
        bytes
    }

    /// Ends one half. Sending: FIN follows what was taken before. Receiving: what arrived and will
    /// arrive is thrown away, and receives give WSAESHUTDOWN.
    ///
    /// # Errors
    /// WSAENOTCONN for a stream that is not connected, the connection's fate, WSAENOTSOCK.
    pub fn shutdown(&mut self, socket: StackSocket, half: Half) -> Result<(), WsaError> {
        let holder = self.slots.get_mut(socket)?;
        match (&mut holder.detail, half) {
            (Detail::Datagram(state), Half::Receive) => {
                state.shut_receive();
                self.ready.tell(socket, &mut holder.interest, Readiness::RECEIVE);
                Ok(())
            }
            (Detail::Datagram(_), Half::Send) => {
                self.ready.tell(socket, &mut holder.interest, Readiness::SEND);
                Ok(())
            }
            (Detail::Idle | Detail::Listener(_), _) => Err(WsaError::WSAENOTCONN),
            (Detail::Connection(index), _) => {
                let index = *index;
                self.shutdown_stream(socket, index, half)
            }
        }
    }

    /// Gives the socket back. A stream with `abort` is reset and what is unsent is dropped; without,
    /// the stack sends the rest and a FIN by itself, for at most [`LINGER_TIMEOUT`], and throws
    /// away what still arrives. Connections that a listener did not hand over are reset.
    pub fn close(&mut self, socket: StackSocket, abort: bool) {
        let Some(holder) = self.slots.remove(socket) else { return };
        if let Some((address, port)) = holder.bound {
            self.ports.release(holder.kind, address, port, socket);
        }
        match holder.detail {
            Detail::Idle => {}
            Detail::Datagram(state) => self.groups.left_all(&state.multicast),
            Detail::Listener(_) => self.close_listener(socket),
            Detail::Connection(index) => self.close_connection(index, abort),
        }
    }

    /// Fault injection: the socket dies here and now, and every later call reports `error`. A
    /// connection is aborted, with a RST to the peer unless `error` is WSAENETDOWN or WSAENETRESET.
    /// Everything waited for is told.
    pub fn fail(&mut self, socket: StackSocket, error: WsaError) {
        let Ok(holder) = self.slots.get_mut(socket) else { return };
        if let Detail::Connection(index) = holder.detail {
            self.kill(
                index,
                error,
                !matches!(error, WsaError::WSAENETDOWN | WsaError::WSAENETRESET),
            );
            return;
        }
        holder.fate = Some(error);
        let all = Readiness::CONNECT.union(Readiness::RECEIVE).union(Readiness::SEND);
        self.ready.tell(socket, &mut holder.interest, all);
    }

    /// The next socket with something to tell, and what; see the contract of
    /// [`provider_core::Transport`].
    pub fn take_ready(&mut self) -> Option<(StackSocket, Readiness)> {
        while let Some(socket) = self.ready.pop() {
            if let Ok(holder) = self.slots.get_mut(socket) {
                return Some((socket, holder.interest.take()));
            }
        }
        None
    }

    /// Gives a packet's buffer back for reuse.
    pub fn recycle(&mut self, packet: Vec<u8>) {
        self.wire.recycle(packet);
    }

    /// Sockets that the client of the stack holds. Closed streams that still send do not count.
    pub fn open_sockets(&self) -> usize {
        self.slots.open()
    }
}

/// A number that only `seed` and `purpose` decide, well mixed (splitmix64).
const fn mix(seed: u64, purpose: u64) -> u64 {
    let mut z = seed.wrapping_add(purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

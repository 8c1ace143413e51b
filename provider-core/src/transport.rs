//! The seam to what carries bytes below the provider: nonblocking sockets with readiness told back.

use core::net::{IpAddr, SocketAddr};

use crate::layout::{SOCKADDR_IN, SOCKADDR_IN6};
use crate::spi::{AF_INET, AF_INET6};
use crate::{Token, WsaError};

/// The address family of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// `AF_INET`.
    V4,
    /// `AF_INET6`.
    V6,
}

impl Family {
    /// The family of `address`.
    pub const fn of(address: &SocketAddr) -> Self {
        match address {
            SocketAddr::V4(_) => Self::V4,
            SocketAddr::V6(_) => Self::V6,
        }
    }

    /// The family that `af` names, if it is one of these.
    pub const fn from_af(af: i32) -> Option<Self> {
        match af {
            AF_INET => Some(Self::V4),
            AF_INET6 => Some(Self::V6),
            _ => None,
        }
    }

    /// Its AF_ number.
    pub const fn af(self) -> i32 {
        match self {
            Self::V4 => AF_INET,
            Self::V6 => AF_INET6,
        }
    }

    /// The size of its socket addresses, in bytes.
    pub const fn sockaddr_size(self) -> usize {
        match self {
            Self::V4 => SOCKADDR_IN,
            Self::V6 => SOCKADDR_IN6,
        }
    }
}

/// The type of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `SOCK_STREAM`, TCP.
    Stream,
    /// `SOCK_DGRAM`, UDP.
    Datagram,
}

/// Which half of a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Half {
    /// No more receiving.
    Receive,
    /// No more sending: a stream sends its FIN once all that was taken is out.
    Send,
}

/// What a transport socket may be ready for, as a set of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Readiness(pub u8);

impl Readiness {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// A connect ended; [`Transport::connect_result`] says how.
    pub const CONNECT: Self = Self(1);
    /// A receive or an accept may make progress, or would now report the end or an error.
    pub const RECEIVE: Self = Self(2);
    /// A send may make progress, or would now report an error.
    pub const SEND: Self = Self(4);
    /// Urgent data was announced or arrived, or [`Transport::try_recv_urgent`] has another outcome.
    pub const URGENT: Self = Self(8);

    /// Whether every bit of `other` is set here.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether nothing is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Options that the transport has to know about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportOption {
    /// SO_KEEPALIVE.
    KeepAlive(bool),
    /// SO_BROADCAST.
    Broadcast(bool),
    /// SO_RCVBUF, in bytes: a wish that holds for connections made after it.
    ReceiveBuffer(u32),
    /// SO_OOBINLINE: urgent data stays in the stream.
    UrgentInline(bool),
    /// TCP_NODELAY: small segments do not wait for an acknowledgement.
    NoDelay(bool),
    /// SO_REUSEADDR and SO_EXCLUSIVEADDRUSE; it holds for a bind made after it.
    AddressUse(AddressUse),
    /// IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS: with 0 what is sent to a group stays on the machine.
    MulticastTtl(u8),
    /// IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP: whether the socket hears what its own machine sends
    /// to a group that it joined. In Winsock that is the receiving socket's choice.
    MulticastLoop(bool),
}

/// Whom a socket lets bind to its address too. A wildcard address and a specific one with the same
/// port are not the same address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum AddressUse {
    /// Nobody.
    #[default]
    Own,
    /// SO_REUSEADDR: sockets that set it as well.
    Shared,
    /// SO_EXCLUSIVEADDRUSE: nobody, and at a wildcard address nobody the port on any address.
    Exclusive,
}

/// A multicast group on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// The group's address.
    pub address: IpAddr,
    /// The interface: an IPv4 address of it or an index; `None` lets the transport choose.
    pub interface: Option<GroupInterface>,
}

/// How a multicast option names an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupInterface {
    /// By one of its addresses.
    Address(IpAddr),
    /// By its index.
    Index(u32),
}

/// What carries bytes below the provider.
///
/// No call blocks and none calls back. Readiness is edge-like: once a call has returned
/// WSAEWOULDBLOCK, [`crate::Work::Ready`] with the socket's token reaches the provider's `service`
/// when that call may have another outcome. No other error is followed by readiness, WSAENOBUFS
/// included. The end of a connection by an error is told as [`Readiness::RECEIVE`] whether or not
/// that was waited for. Readiness that nobody waited for may be told too and must do no harm.
///
/// Errors are the socket's fate as Winsock names it: WSAECONNRESET, WSAECONNABORTED, WSAENETRESET,
/// WSAENETDOWN, WSAENETUNREACH, WSAEHOSTUNREACH, WSAETIMEDOUT, WSAENOBUFS, WSAEWOULDBLOCK.
pub trait Transport {
    /// A socket of the transport's.
    type Socket: Copy + Eq + core::fmt::Debug;

    /// Opens a socket whose readiness is told with `token`.
    ///
    /// # Errors
    /// WSAENOBUFS, WSAEMFILE, WSAENETDOWN, WSAEAFNOSUPPORT.
    fn open(&self, family: Family, kind: Kind, token: Token) -> Result<Self::Socket, WsaError>;

    /// Binds; port 0 takes a free one. Gives the address bound. Where sockets share an address, what
    /// is sent to one place goes to the one that was bound first.
    ///
    /// # Errors
    /// WSAEADDRINUSE, WSAEACCES (an exclusive use forbids it), WSAEADDRNOTAVAIL, WSAENOBUFS (no free
    /// port).
    fn bind(&self, socket: Self::Socket, address: SocketAddr) -> Result<SocketAddr, WsaError>;

    /// Starts to connect a bound stream. `Ok` when connected at once.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK when under way ([`Readiness::CONNECT`] follows); else why not.
    fn connect(&self, socket: Self::Socket, peer: SocketAddr) -> Result<(), WsaError>;

    /// How the connect ended.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK while under way; else why it failed.
    fn connect_result(&self, socket: Self::Socket) -> Result<(), WsaError>;

    /// Starts to listen on a bound stream, with room for `backlog` connections not yet accepted.
    ///
    /// # Errors
    /// WSAENOBUFS, WSAEADDRINUSE.
    fn listen(&self, socket: Self::Socket, backlog: usize) -> Result<(), WsaError>;

    /// Takes a waiting connection; its readiness is told with `token`.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK when none waits; WSAENOBUFS.
    fn accept(
        &self,
        listener: Self::Socket,
        token: Token,
    ) -> Result<(Self::Socket, SocketAddr), WsaError>;

    /// Takes as much of `bytes` as there is room for (at least one byte), in order.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK when there is no room, WSAENOBUFS when it takes nothing for now (no
    /// readiness follows: try again later), or the connection's fate.
    fn try_send(&self, socket: Self::Socket, bytes: &[u8]) -> Result<usize, WsaError>;

    /// Whether streams have urgent data at all; without it MSG_OOB is refused with WSAEOPNOTSUPP.
    fn has_urgent(&self) -> bool;

    /// Takes one byte as the stream's urgent data, behind all that was taken before it.
    ///
    /// # Errors
    /// As [`Self::try_send`]; WSAEOPNOTSUPP where there is no urgent data.
    fn try_send_urgent(&self, socket: Self::Socket, byte: u8) -> Result<(), WsaError>;

    /// Gives the urgent byte that arrived out of line; with `peek` it stays. It is not part of the
    /// stream. One that arrives takes the place of one that was not read.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK when one was announced and is not here yet ([`Readiness::URGENT`] follows),
    /// WSAEINVAL when there is none or it is in line, WSAEOPNOTSUPP, or the connection's fate.
    fn try_recv_urgent(&self, socket: Self::Socket, peek: bool) -> Result<u8, WsaError>;

    /// SIOCATMARK: whether no urgent data waits to be read, announced or arrived, beside the stream
    /// or in line.
    fn at_urgent_mark(&self, socket: Self::Socket) -> bool;

    /// Whether an urgent byte lies, or in line lay, between what [`Self::try_recv`] gave last and what
    /// it gives next. One receive of a client's does not go on beyond it.
    fn stopped_at_mark(&self, socket: Self::Socket) -> bool;

    /// Takes one whole datagram, or nothing of it.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK when there is no room, WSAENOBUFS as in [`Self::try_send`], WSAEMSGSIZE,
    /// WSAENETUNREACH, WSAEHOSTUNREACH, WSAENETDOWN, WSAEADDRNOTAVAIL.
    fn try_send_to(
        &self,
        socket: Self::Socket,
        datagram: &[u8],
        to: SocketAddr,
    ) -> Result<(), WsaError>;

    /// Gives bytes that arrived; 0 means that the peer ended its half. With `peek` they stay. It does
    /// not go beyond an urgent byte, and gives one that is in line alone.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK when none are there, or the connection's fate.
    fn try_recv(
        &self,
        socket: Self::Socket,
        into: &mut [u8],
        peek: bool,
    ) -> Result<usize, WsaError>;

    /// Gives one datagram: its whole length (what exceeds `into` is cut) and its sender.
    ///
    /// # Errors
    /// WSAEWOULDBLOCK when none is there; WSAECONNRESET once for each port unreachable that an
    /// earlier datagram of this socket met.
    fn try_recv_from(
        &self,
        socket: Self::Socket,
        into: &mut [u8],
        peek: bool,
    ) -> Result<(usize, SocketAddr), WsaError>;

    /// Takes the pending port-unreachable report of a datagram socket, if there is one.
    fn take_reset(&self, socket: Self::Socket) -> bool;

    /// Bytes that a receive would give at once: for datagrams, the size of the first.
    fn available(&self, socket: Self::Socket) -> usize;

    /// The largest datagram that [`Self::try_send_to`] takes, in bytes.
    fn datagram_max(&self, family: Family) -> usize;

    /// Ends one half. What was taken before is still sent.
    ///
    /// # Errors
    /// WSAENOTCONN.
    fn shutdown(&self, socket: Self::Socket, half: Half) -> Result<(), WsaError>;

    /// Whether everything that a stream took was acknowledged, and its FIN too once its send half
    /// was ended (what a lingering close waits for). [`Readiness::SEND`] is told when this turns
    /// true after it was asked.
    fn is_drained(&self, socket: Self::Socket) -> bool;

    /// Gives the socket back. With `abort` a stream is reset and what is unsent is dropped;
    /// without, the transport finishes sending by itself.
    fn close(&self, socket: Self::Socket, abort: bool);

    /// The socket's own address (a stream bound to ADDR_ANY has a real one once connected).
    fn local_address(&self, socket: Self::Socket) -> Option<SocketAddr>;

    /// Joins a multicast group with a datagram socket, bound or not. Closing it leaves the group.
    ///
    /// # Errors
    /// WSAEADDRNOTAVAIL for a group that it joined before or an interface that there is not,
    /// WSAEINVAL for an address that is no group's, WSAENOBUFS, WSAENETDOWN.
    fn join(&self, socket: Self::Socket, group: Group) -> Result<(), WsaError>;

    /// Leaves a multicast group.
    ///
    /// # Errors
    /// WSAEINVAL for a group that the socket is not in; else as [`Self::join`].
    fn leave(&self, socket: Self::Socket, group: Group) -> Result<(), WsaError>;

    /// Takes the interface that what a datagram socket sends to groups leaves by; `None` is the
    /// transport's choice. Gives the index of the interface.
    ///
    /// # Errors
    /// WSAEADDRNOTAVAIL for an interface that there is not.
    fn set_multicast_interface(
        &self,
        socket: Self::Socket,
        interface: Option<GroupInterface>,
    ) -> Result<u32, WsaError>;

    /// Tells an option.
    fn set_option(&self, socket: Self::Socket, option: TransportOption);
}

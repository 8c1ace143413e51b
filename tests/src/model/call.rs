//! What a sequence is made of: the socket, the client's calls, and what the transport and the host
//! do between them.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use provider_core::{Family, Kind, Profile, WsaError};

/// The largest datagram that the scripted transport takes.
pub const DATAGRAM_MAX: usize = 300;
/// How many buffers a send has at most.
pub const BUFFERS_MAX: usize = 3;

/// The socket of a sequence, and how it starts.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Which reading of the contract holds.
    pub profile: Profile,
    /// Its address family.
    pub family: Family,
    /// Its type.
    pub kind: Kind,
    /// Whether it was made with WSA_FLAG_OVERLAPPED.
    pub overlapped: bool,
}

/// One of the client's two threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thread {
    /// The first; it never ends.
    A,
    /// The second; it can end.
    B,
}

impl Thread {
    /// As an index.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// One step of a sequence.
#[derive(Clone, Debug)]
pub enum Call {
    /// WSPBind to ADDR_ANY and port 0.
    Bind,
    /// WSPConnect; a stream is connected at once.
    Connect(Peer),
    /// WSPSend or WSPSendTo.
    Send(Thread, Send),
    /// WSPSetSockOpt with SO_SNDBUF.
    SendBuffer(u32),
    /// WSPSetSockOpt with SO_BROADCAST.
    Broadcast(bool),
    /// WSPSetSockOpt with SO_SNDTIMEO, in milliseconds.
    SendTimeout(u32),
    /// WSPIoctl with FIONBIO.
    Nonblocking(bool),
    /// WSPIoctl with SIO_UDP_CONNRESET.
    ReportUnreachable(bool),
    /// WSPShutdown with this `how`.
    Shutdown(i32),
    /// WSPIoctl with SIO_FLUSH.
    Flush,
    /// WSPCloseSocket.
    Close,
    /// WSPGetOverlappedResult without waiting, of the operation with this number (modulo how many
    /// there are).
    GetResult(usize),
    /// WSPGetSockName.
    SockName,
    /// WSPGetPeerName.
    PeerName,
    /// An alertable wait of this thread's.
    Alert(Thread),
    /// The thread ends.
    Exit(Thread),
    /// The next APCs, this many, are refused (WPUQueueApc fails).
    RefuseApcs(u32),
    /// The next operations without a routine, this many, are not completed by the host
    /// (WPUCompleteOverlappedRequest fails).
    RefuseCompletions(u32),
    /// The transport takes no more than this many bytes of a stream at a time, at least one, though
    /// it has room for more.
    Short(usize),
    /// The transport has room for this much more: bytes of a stream, or a datagram for every
    /// 64 of them.
    Room(usize),
    /// The transport's room is gone.
    NoRoom,
    /// What the transport says from here on when it has no room; the end of a connection may be it.
    Full(WsaError),
    /// The transport refuses this many sends.
    Fault(WsaError, u32),
    /// The connection dies of this.
    Die(WsaError),
    /// An earlier datagram met port unreachable.
    Unreachable,
    /// Readiness that nobody may have waited for.
    Ready,
    /// Time passes: every timer that is set fires, and then every deadline has passed.
    Time,
    /// The last WSPCleanup. Nothing is called after it.
    Cleanup,
}

/// Whom WSPConnect names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// An ordinary peer.
    First,
    /// Another one.
    Second,
    /// The broadcast address.
    Broadcast,
    /// All zero: a datagram socket is connected no longer.
    Nobody,
}

/// `lpTo` and `iTolen`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Null and 0: none.
    Null,
    /// Null with a length: none.
    NullWithLength,
    /// A peer's, or what WSPConnect would refuse as well.
    Peer(Peer),
    /// A peer's, with an `iTolen` of 128.
    Long,
    /// ADDR_ANY with a port.
    Any,
    /// A peer's address with port 0.
    PortZero,
    /// An address of the other family, whole.
    OtherFamily,
    /// A family that nobody knows.
    UnknownFamily,
    /// A peer's, with this `iTolen`: less than the family's sockaddr.
    Small(i32),
    /// Not the caller's memory.
    Bad,
}

/// `hEvent` of an OVERLAPPED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Null.
    None,
    /// A manual-reset event, signalled already or not.
    Valid {
        /// Whether it is set before the call.
        set: bool,
        /// Whether the handle's low bit is set.
        low_bit: bool,
    },
    /// Not a handle.
    Invalid,
}

/// A pointer that has one right value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// As it should be.
    Good,
    /// Null.
    Null,
    /// Not the caller's memory.
    Bad,
}

/// The buffers of a send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Buffers {
    /// These lengths, each with its own memory; one of length 0 has a null `buf`.
    Lengths(Vec<usize>),
    /// One buffer of this length, named by this many WSABUFs.
    Aliased(usize, usize),
    /// `lpBuffers` is null or bad, with a count of 1.
    NoArray(Pointer),
    /// A good buffer, then one whose `buf` is null or bad.
    BadEntry(Pointer),
    /// Two that together are longer than 32 bits can say.
    Overflow,
}

impl Buffers {
    /// The bytes altogether.
    pub fn total(&self) -> u64 {
        match self {
            Self::Lengths(lengths) => lengths.iter().map(|length| *length as u64).sum(),
            Self::Aliased(length, times) => (length * times) as u64,
            Self::NoArray(_) | Self::BadEntry(_) => 0,
            Self::Overflow => 0x8000_0000 + 0x8000_0004,
        }
    }

    /// What the send numbered `number` sends.
    pub fn contents(&self, number: usize) -> Vec<u8> {
        match self {
            Self::Aliased(length, times) => pattern(number, *length).repeat(*times),
            _ => pattern(number, self.total() as usize),
        }
    }
}

/// The bytes of the send numbered `number`: every other one is its number, so that a log can be read.
pub fn pattern(number: usize, length: usize) -> Vec<u8> {
    (0..length).map(|at| if at % 2 == 0 { number as u8 } else { at as u8 }).collect()
}

/// What a completion routine does beside noting that it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    Nothing,
    /// Waits alertably.
    Waits,
    /// Sends once more: three bytes, overlapped, with a routine that does nothing.
    Sends,
    /// The same, but not overlapped.
    SendsPlain,
    /// Calls WSPCancelBlockingCall.
    Cancels,
}

/// `lpOverlapped` and what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlapped {
    /// `lpOverlapped`.
    pub pointer: Pointer,
    /// `hEvent`.
    pub event: Event,
    /// `lpCompletionRoutine`, when there is one.
    pub routine: Option<Act>,
    /// `lpThreadId`.
    pub thread_id: Pointer,
}

/// The arguments of WSPSend or WSPSendTo.
#[derive(Clone, Debug)]
pub struct Send {
    /// `lpTo` and `iTolen`; none for WSPSend.
    pub to: Option<To>,
    /// `lpBuffers`.
    pub buffers: Buffers,
    /// Whether `lpNumberOfBytesSent` is given.
    pub count: bool,
    /// `dwFlags`.
    pub flags: u32,
    /// The rest.
    pub overlapped: Overlapped,
}

/// What a routine sends; a stream ignores where to.
pub fn sent_by_routine(overlapped: bool) -> Send {
    Send {
        to: Some(To::Peer(Peer::First)),
        buffers: Buffers::Lengths(vec![3]),
        count: true,
        flags: 0,
        overlapped: Overlapped {
            pointer: if overlapped { Pointer::Good } else { Pointer::Null },
            event: Event::None,
            routine: overlapped.then_some(Act::Nothing),
            thread_id: Pointer::Good,
        },
    }
}

impl Peer {
    /// Its address in `family`.
    pub const fn address(self, family: Family) -> SocketAddr {
        let (last, port) = match self {
            Self::First => (1, 7001),
            Self::Second => (2, 7002),
            Self::Broadcast => (255, 7003),
            Self::Nobody => (0, 0),
        };
        let ip = match (family, self) {
            (Family::V4, Self::Nobody) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            (Family::V6, Self::Nobody) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            (Family::V4, Self::Broadcast) => IpAddr::V4(Ipv4Addr::BROADCAST),
            (Family::V4, _) => IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)),
            (Family::V6, _) => IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last as u16)),
        };
        SocketAddr::new(ip, port)
    }
}

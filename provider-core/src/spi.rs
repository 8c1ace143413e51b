//! The words of the SPI: handles, pointers, constants. Values are Winsock's own (winsock2.h, ws2spi.h).

/// A `SOCKET`: the handle that the client holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketHandle(pub usize);

/// What WSPSocket and WSPAccept return when they fail.
pub const INVALID_SOCKET: SocketHandle = SocketHandle(usize::MAX);

/// An address in the caller's memory. The core never dereferences it: [`crate::Memory`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserPtr(pub usize);

impl UserPtr {
    /// The null pointer.
    pub const NULL: Self = Self(0);

    /// Whether this is the null pointer.
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    /// The address `bytes` further on; wraps like address arithmetic does, so that a probe can refuse it.
    #[must_use]
    pub const fn offset(self, bytes: usize) -> Self {
        Self(self.0.wrapping_add(bytes))
    }
}

/// An `LPWSAOVERLAPPED_COMPLETION_ROUTINE`: code of the client's, run only through
/// [`crate::Host::call_routine`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Routine(pub usize);

impl Routine {
    /// No routine.
    pub const NULL: Self = Self(0);

    /// Whether no routine was given.
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }
}

/// A `WSAEVENT` handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventHandle(pub usize);

/// An `HWND`: where WSPAsyncSelect's messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowHandle(pub usize);

/// An `LPCONDITIONPROC`: code of the client's that WSPAccept asks, run only through
/// [`crate::Host::call_condition`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConditionRoutine(pub usize);

impl ConditionRoutine {
    /// No condition function.
    pub const NULL: Self = Self(0);

    /// Whether no condition function was given.
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }
}

/// A blocking hook of the client's, as WPUQueryBlockingCallback gives it: an
/// `LPBLOCKINGCALLBACK` and its context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockingHook {
    /// The callback.
    pub callback: usize,
    /// What it is called with.
    pub context: usize,
}

/// A `WSATHREADID`, held by value: the caller's structure may be gone when it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThreadId {
    /// `ThreadHandle`.
    pub handle: usize,
    /// `Reserved`.
    pub reserved: usize,
}

/// Which thread runs: the core's key for "initiated by this thread". Unlike what
/// GetCurrentThreadId gives, it is never used again for another thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadKey(pub u64);

/// What the functions that return `int` give when they fail.
pub const SOCKET_ERROR: i32 = -1;

/// `AF_INET`.
pub const AF_INET: i32 = 2;
/// `AF_INET6`.
pub const AF_INET6: i32 = 23;
/// `SOCK_STREAM`.
pub const SOCK_STREAM: i32 = 1;
/// `SOCK_DGRAM`.
pub const SOCK_DGRAM: i32 = 2;
/// `IPPROTO_TCP`.
pub const IPPROTO_TCP: i32 = 6;
/// `IPPROTO_UDP`.
pub const IPPROTO_UDP: i32 = 17;
/// `IPPROTO_IP`: a level of options.
pub const IPPROTO_IP: i32 = 0;
/// `IPPROTO_IPV6`: a level of options.
pub const IPPROTO_IPV6: i32 = 41;
/// `FROM_PROTOCOL_INFO`: the WSAPROTOCOL_INFOW says it.
pub const FROM_PROTOCOL_INFO: i32 = -1;
/// `WSA_FLAG_OVERLAPPED`.
pub const WSA_FLAG_OVERLAPPED: u32 = 1;

/// `WSA_FLAG_MULTIPOINT_C_LEAF`.
pub const WSA_FLAG_MULTIPOINT_C_LEAF: u32 = 4;
/// `WSA_FLAG_MULTIPOINT_D_LEAF`.
pub const WSA_FLAG_MULTIPOINT_D_LEAF: u32 = 0x10;
/// `WSA_FLAG_NO_HANDLE_INHERIT`.
pub const WSA_FLAG_NO_HANDLE_INHERIT: u32 = 0x80;

/// `SD_RECEIVE`.
pub const SD_RECEIVE: i32 = 0;
/// `SD_SEND`.
pub const SD_SEND: i32 = 1;
/// `SD_BOTH`.
pub const SD_BOTH: i32 = 2;

/// `MSG_OOB`.
pub const MSG_OOB: u32 = 0x1;
/// `MSG_PEEK`.
pub const MSG_PEEK: u32 = 0x2;
/// `MSG_DONTROUTE`.
pub const MSG_DONTROUTE: u32 = 0x4;
/// `MSG_WAITALL`.
pub const MSG_WAITALL: u32 = 0x8;
/// `MSG_PARTIAL`.
pub const MSG_PARTIAL: u32 = 0x8000;

/// `FD_READ`.
pub const FD_READ: i32 = 1 << FD_READ_BIT;
/// `FD_WRITE`.
pub const FD_WRITE: i32 = 1 << FD_WRITE_BIT;
/// `FD_OOB`.
pub const FD_OOB: i32 = 1 << FD_OOB_BIT;
/// `FD_ACCEPT`.
pub const FD_ACCEPT: i32 = 1 << FD_ACCEPT_BIT;
/// `FD_CONNECT`.
pub const FD_CONNECT: i32 = 1 << FD_CONNECT_BIT;
/// `FD_CLOSE`.
pub const FD_CLOSE: i32 = 1 << FD_CLOSE_BIT;
/// `FD_READ_BIT`: the place in a WSANETWORKEVENTS's `iErrorCode`.
pub const FD_READ_BIT: usize = 0;
/// `FD_WRITE_BIT`.
pub const FD_WRITE_BIT: usize = 1;
/// `FD_OOB_BIT`.
pub const FD_OOB_BIT: usize = 2;
/// `FD_ACCEPT_BIT`.
pub const FD_ACCEPT_BIT: usize = 3;
/// `FD_CONNECT_BIT`.
pub const FD_CONNECT_BIT: usize = 4;
/// `FD_CLOSE_BIT`.
pub const FD_CLOSE_BIT: usize = 5;
/// `FD_MAX_EVENTS`.
pub const FD_MAX_EVENTS: usize = 10;

/// `CF_ACCEPT`.
pub const CF_ACCEPT: i32 = 0;
/// `CF_REJECT`.
pub const CF_REJECT: i32 = 1;
/// `CF_DEFER`.
pub const CF_DEFER: i32 = 2;

/// `SERVICETYPE_NOTRAFFIC`.
pub const SERVICETYPE_NOTRAFFIC: u32 = 0;
/// `SERVICETYPE_BESTEFFORT`.
pub const SERVICETYPE_BESTEFFORT: u32 = 1;
/// `SERVICETYPE_CONTROLLEDLOAD`.
pub const SERVICETYPE_CONTROLLEDLOAD: u32 = 2;
/// `SERVICETYPE_GUARANTEED`.
pub const SERVICETYPE_GUARANTEED: u32 = 3;

/// `SOL_SOCKET`.
pub const SOL_SOCKET: i32 = 0xffff;
/// `SO_DEBUG`.
pub const SO_DEBUG: i32 = 0x0001;
/// `SO_ACCEPTCONN`.
pub const SO_ACCEPTCONN: i32 = 0x0002;
/// `SO_REUSEADDR`.
pub const SO_REUSEADDR: i32 = 0x0004;
/// `SO_EXCLUSIVEADDRUSE`.
pub const SO_EXCLUSIVEADDRUSE: i32 = !SO_REUSEADDR;
/// `SO_KEEPALIVE`.
pub const SO_KEEPALIVE: i32 = 0x0008;
/// `SO_DONTROUTE`.
pub const SO_DONTROUTE: i32 = 0x0010;
/// `SO_BROADCAST`.
pub const SO_BROADCAST: i32 = 0x0020;
/// `SO_LINGER`.
pub const SO_LINGER: i32 = 0x0080;
/// `SO_DONTLINGER`.
pub const SO_DONTLINGER: i32 = !SO_LINGER;
/// `SO_OOBINLINE`.
pub const SO_OOBINLINE: i32 = 0x0100;
/// `SO_SNDBUF`.
pub const SO_SNDBUF: i32 = 0x1001;
/// `SO_RCVBUF`.
pub const SO_RCVBUF: i32 = 0x1002;
/// `SO_SNDTIMEO`.
pub const SO_SNDTIMEO: i32 = 0x1005;
/// `SO_RCVTIMEO`.
pub const SO_RCVTIMEO: i32 = 0x1006;
/// `SO_ERROR`.
pub const SO_ERROR: i32 = 0x1007;
/// `SO_TYPE`.
pub const SO_TYPE: i32 = 0x1008;
/// `SO_MAX_MSG_SIZE`.
pub const SO_MAX_MSG_SIZE: i32 = 0x2003;
/// `SO_PROTOCOL_INFOW`.
pub const SO_PROTOCOL_INFOW: i32 = 0x2005;
/// `TCP_NODELAY`.
pub const TCP_NODELAY: i32 = 0x0001;

/// `IP_MULTICAST_IF`, and `IPV6_MULTICAST_IF`: the two levels have the same numbers.
pub const IP_MULTICAST_IF: i32 = 9;
/// `IP_MULTICAST_TTL`, and `IPV6_MULTICAST_HOPS`.
pub const IP_MULTICAST_TTL: i32 = 10;
/// `IP_MULTICAST_LOOP`, and `IPV6_MULTICAST_LOOP`.
pub const IP_MULTICAST_LOOP: i32 = 11;
/// `IP_ADD_MEMBERSHIP`, and `IPV6_ADD_MEMBERSHIP` or `IPV6_JOIN_GROUP`.
pub const IP_ADD_MEMBERSHIP: i32 = 12;
/// `IP_DROP_MEMBERSHIP`, and `IPV6_DROP_MEMBERSHIP` or `IPV6_LEAVE_GROUP`.
pub const IP_DROP_MEMBERSHIP: i32 = 13;

/// `JL_SENDER_ONLY`.
pub const JL_SENDER_ONLY: u32 = 1;
/// `JL_RECEIVER_ONLY`.
pub const JL_RECEIVER_ONLY: u32 = 2;
/// `JL_BOTH`.
pub const JL_BOTH: u32 = 4;

/// `FIONBIO`.
pub const FIONBIO: u32 = 0x8004_667e;
/// `FIONREAD`.
pub const FIONREAD: u32 = 0x4004_667f;
/// `SIOCATMARK`.
pub const SIOCATMARK: u32 = 0x4004_7307;
/// `SIO_FLUSH`.
pub const SIO_FLUSH: u32 = 0x2800_0004;
/// `SIO_MULTIPOINT_LOOPBACK`.
pub const SIO_MULTIPOINT_LOOPBACK: u32 = 0x8800_0009;
/// `SIO_MULTICAST_SCOPE`.
pub const SIO_MULTICAST_SCOPE: u32 = 0x8800_000a;
/// `SIO_UDP_CONNRESET`.
pub const SIO_UDP_CONNRESET: u32 = 0x9800_000c;
/// `SIO_UDP_NETRESET`.
pub const SIO_UDP_NETRESET: u32 = 0x9800_000f;

/// `XP1_CONNECTIONLESS`.
pub const XP1_CONNECTIONLESS: u32 = 0x1;
/// `XP1_GUARANTEED_DELIVERY`.
pub const XP1_GUARANTEED_DELIVERY: u32 = 0x2;
/// `XP1_GUARANTEED_ORDER`.
pub const XP1_GUARANTEED_ORDER: u32 = 0x4;
/// `XP1_MESSAGE_ORIENTED`.
pub const XP1_MESSAGE_ORIENTED: u32 = 0x8;
/// `XP1_GRACEFUL_CLOSE`.
pub const XP1_GRACEFUL_CLOSE: u32 = 0x20;
/// `XP1_EXPEDITED_DATA`.
pub const XP1_EXPEDITED_DATA: u32 = 0x40;
/// `XP1_SUPPORT_BROADCAST`.
pub const XP1_SUPPORT_BROADCAST: u32 = 0x200;
/// `XP1_SUPPORT_MULTIPOINT`.
pub const XP1_SUPPORT_MULTIPOINT: u32 = 0x400;
/// `PFL_MATCHES_PROTOCOL_ZERO`.
pub const PFL_MATCHES_PROTOCOL_ZERO: u32 = 0x8;
/// `BASE_PROTOCOL`: the length of the protocol chain of a provider with none below.
pub const BASE_PROTOCOL: u32 = 1;

/// `WSS_OPERATION_IN_PROGRESS`: the low 32 bits of `Internal` while an operation is pending.
pub const WSS_OPERATION_IN_PROGRESS: u32 = 0x103;

/// The Winsock version that the core speaks: 2.2, low byte major.
pub const WINSOCK_VERSION: u16 = 0x0202;

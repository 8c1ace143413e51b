//! The catalogue: one name and one sentence each.

/// Who causes a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The transport, the host or the network misbehaves. Every scenario must live with these.
    Environment,
    /// Somebody makes a legal call at a bad time. A scenario says which of these it lives with.
    Adversary,
}

macro_rules! faults {
    ($($variant:ident, $name:literal, $kind:ident, $about:literal;)*) => {
        /// A fault of the catalogue.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Fault { $(#[doc = $about] $variant,)* }

        impl Fault {
            /// Every fault, in the order of the catalogue.
            pub const ALL: &'static [Fault] = &[$(Fault::$variant),*];

            /// The name that the command line and the files use.
            pub const fn name(self) -> &'static str {
                match self { $(Fault::$variant => $name,)* }
            }

            /// One sentence on what it does.
            pub const fn about(self) -> &'static str {
                match self { $(Fault::$variant => $about,)* }
            }

            /// Who causes it.
            pub const fn kind(self) -> Kind {
                match self { $(Fault::$variant => Kind::$kind,)* }
            }
        }
    };
}

faults! {
    Enobufs, "enobufs", Environment, "The transport refuses a send with WSAENOBUFS.";
    WouldBlock, "would-block", Environment, "The transport refuses a send or a receive with WSAEWOULDBLOCK, and is ready a little later.";
    ShortRoom, "short-room", Environment, "The transport takes only a prefix of what a stream send offers.";
    Reset, "reset", Environment, "A connection is reset; a datagram socket learns of an unreachable port.";
    Abort, "abort", Environment, "A connection is aborted by a time-out or other failure (WSAECONNABORTED).";
    KeepAlive, "keep-alive", Environment, "Keep-alive activity finds a connection dead (WSAENETRESET).";
    NetDown, "net-down", Environment, "The network subsystem refuses one call (WSAENETDOWN).";
    Unreachable, "unreachable", Environment, "A datagram's destination is unreachable (WSAENETUNREACH).";
    ApcRefused, "apc-refused", Environment, "WPUQueueApc fails with WSAEFAULT.";
    ApcLate, "apc-late", Environment, "A queued APC is not deliverable for a while.";
    Drop, "drop", Environment, "The link loses a packet.";
    Delay, "delay", Environment, "The link holds a packet much longer than usual.";
    Duplicate, "duplicate", Environment, "The link delivers a packet twice.";
    Reorder, "reorder", Environment, "The link lets a packet be overtaken by later ones.";
    Corrupt, "corrupt", Environment, "The link flips one bit of a packet.";
    Mtu, "mtu", Environment, "The link drops a packet over a smaller MTU than the machines know of.";
    Bandwidth, "bandwidth", Environment, "The link sends a packet only after a busy time for those before it, and loses it where that is more than 2 s.";
    Partition, "partition", Environment, "Two machines cannot reach each other for a while.";
    Crash, "crash", Adversary, "A machine loses power, and starts again a little later.";
    Shutdown, "shutdown", Adversary, "Another thread calls WSPShutdown on a socket in use.";
    Close, "close", Adversary, "Another thread calls WSPCloseSocket on a socket in use.";
    Flush, "flush", Adversary, "Another thread issues SIO_FLUSH on a socket in use.";
    ThreadExit, "thread-exit", Adversary, "A thread calls ExitThread with I/O outstanding.";
    Terminate, "terminate", Adversary, "A thread in client code or in a blocked call is terminated.";
    CancelBlocking, "cancel-blocking", Adversary, "A blocked thread calls WSPCancelBlockingCall from an APC in its wait or from its blocking hook.";
}

impl Fault {
    /// The fault of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }
}

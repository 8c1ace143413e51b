//! The flaws: one name, one place, and what is meant to catch each.

use wspsim::scenario::Scenario;

use crate::scene::{DATAGRAM, NOTIFIED, STREAM};

/// Where a flaw sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// In a wrapper around the SPI's functions, which acts through a `SimHost` of its own.
    Spi,
    /// In the `Host` given to the provider core: what the core asks for is not what happens.
    Host,
    /// In the `Memory` given to the provider core.
    Memory,
    /// In the `Transport` given to the provider core.
    Transport,
}

macro_rules! flaws {
    ($($variant:ident, $name:literal, $seat:ident, $scene:ident, $oracle:literal,
       [$($clause:literal),+], $about:literal;)*) => {
        /// One way to be wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Flaw { $(#[doc = $about] $variant,)* }

        impl Flaw {
            /// Every flaw, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it does wrong, in a sentence.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }

            /// Where it sits.
            pub const fn seat(self) -> Seat {
                match self { $(Self::$variant => Seat::$seat,)* }
            }

            /// The scenario that shows it.
            pub fn scene(self) -> &'static dyn Scenario {
                match self { $(Self::$variant => $scene,)* }
            }

            /// The oracle that is meant to catch it.
            pub const fn oracle(self) -> &'static str {
                match self { $(Self::$variant => $oracle,)* }
            }

            /// The clauses that the oracle may name: several where the schedule decides what the
            /// flaw breaks first.
            pub const fn clauses(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($clause),+],)* }
            }
        }
    };
}

flaws! {
    // The ledger: refused, or accepted and ended exactly once, by the right thread.
    RoutineTwice, "routine-twice", Host, DATAGRAM, "ledger", ["APC-9"],
        "A completion routine runs twice.";
    EventTwice, "event-twice", Host, DATAGRAM, "ledger", ["EVT-7"],
        "An event is set once more after the completion.";
    CompletedTwice, "completed-twice", Host, DATAGRAM, "ledger", ["RET-3"],
        "WPUCompleteOverlappedRequest is called twice for one operation.";
    RoutineLost, "routine-lost", Host, DATAGRAM, "ledger", ["APC-9"],
        "The APC of an operation that was pending is never queued.";
    RoutineLostAtOnce, "routine-lost-at-once", Host, DATAGRAM, "ledger", ["RET-5"],
        "The APC of an operation that succeeded at once is never queued.";
    EventLost, "event-lost", Host, DATAGRAM, "ledger", ["RET-3"],
        "An operation that was pending, without a routine, never ends.";
    EventLostAtOnce, "event-lost-at-once", Host, DATAGRAM, "ledger", ["OVL-8"],
        "An operation without a routine succeeds at once, and is never indicated.";
    LostAtCleanup, "lost-at-cleanup", Memory, DATAGRAM, "ledger", ["RET-3"],
        "WSPCleanup forgets to store the end of what it cancels.";
    EventAtCleanup, "event-at-cleanup", Memory, DATAGRAM, "ledger", ["CXL-7"],
        "WSPCleanup sets the event of what it cancels.";
    EventAfterRefusal, "event-after-refusal", Spi, DATAGRAM, "ledger", ["RET-4"],
        "A send that is refused completes all the same, through its event.";
    RoutineAfterRefusal, "routine-after-refusal", Spi, DATAGRAM, "ledger", ["APC-9"],
        "The completion routine of a send that was refused runs later.";
    MarkLeft, "mark-left", Spi, DATAGRAM, "ledger", ["OVL-6c"],
        "A refused send leaves WSS_OPERATION_IN_PROGRESS in its OVERLAPPED.";
    CountOnError, "count-on-error", Spi, DATAGRAM, "ledger", ["RET-8", "RET-9"],
        "A send that fails changes the count of bytes sent.";
    WrongThread, "wrong-thread", Host, DATAGRAM, "ledger", ["APC-1"],
        "A completion routine is called by the provider's worker thread.";
    NotAlertable, "not-alertable", Host, DATAGRAM, "ledger", ["APC-2"],
        "A completion routine runs in the right thread, in the middle of another call of it.";
    Inline, "inline", Spi, DATAGRAM, "ledger", ["APC-3"],
        "A completion routine is called inside of the WSPSendTo that succeeded at once.";
    WrongArguments, "wrong-arguments", Host, DATAGRAM, "ledger", ["APC-8"],
        "A completion routine is told one byte too many.";
    EventEarly, "event-early", Host, DATAGRAM, "ledger", ["EVT-6"],
        "An event is set before the final status is stored.";
    ApcEarly, "apc-early", Memory, DATAGRAM, "ledger", ["OVL-7"],
        "An APC is queued before the final status is stored.";
    PacketLost, "packet-lost", Host, DATAGRAM, "ledger", ["RET-3"],
        "The provider stores the end of an operation itself, so its completion port never hears.";
    PacketAfterRefusal, "packet-after-refusal", Spi, DATAGRAM, "ledger", ["RET-4"],
        "A send that is refused completes all the same, through its socket's completion port.";
    PacketAtCleanup, "packet-at-cleanup", Memory, DATAGRAM, "ledger", ["CXL-7"],
        "WSPCleanup completes what it cancels through the host, which posts packets.";
    TagBitIgnored, "tag-bit-ignored", Host, DATAGRAM, "ledger", ["EVT-9", "RET-3"],
        "The low bit of hEvent is cleared on the way, and the completion port hears.";
    ClosedEarly, "closed-early", Host, DATAGRAM, "ledger", ["RET-3"],
        "WSPCloseSocket gives the handle back before what pends is told, so no packet comes.";
    WrongEnd, "wrong-end", Host, DATAGRAM, "ledger", ["RET-2"],
        "An operation ends with an error that its clauses do not allow.";
    // No routine inside another of the same socket.
    Nested, "nested", Host, DATAGRAM, "nesting", ["APC-10"],
        "A completion routine runs inside another one of its socket.";
    // The caller's memory.
    WritesSendBuffer, "writes-send-buffer", Spi, DATAGRAM, "memory", ["BUF-4"],
        "The provider writes into a buffer that it was given to send from.";
    WritesReceiveBufferLate, "writes-receive-buffer-late", Spi, DATAGRAM, "memory", ["BUF-4"],
        "The provider writes into a receive buffer after the operation has ended.";
    ReadsArrayLate, "reads-array-late", Spi, DATAGRAM, "memory", ["BUF-2"],
        "The provider reads the WSABUF array after the call has returned.";
    ReadsThreadIdLate, "reads-thread-id-late", Spi, DATAGRAM, "memory", ["APC-5"],
        "The provider reads the WSATHREADID after the call has returned.";
    ReadsAddressLate, "reads-address-late", Spi, DATAGRAM, "memory", ["DST-6"],
        "The provider reads lpTo after the call has returned.";
    WritesOverlappedLate, "writes-overlapped-late", Host, DATAGRAM, "memory", ["OVL-10"],
        "The provider writes into an OVERLAPPED after its operation has ended.";
    // What a process leaves behind.
    LeakedHandle, "leaked-handle", Host, DATAGRAM, "leak", ["CXL-7"],
        "Socket handles are never given back.";
    LeakedTransport, "leaked-transport", Transport, DATAGRAM, "leak", ["CXL-7"],
        "Transport sockets are never closed.";
    // Error codes.
    WrongCode, "wrong-code", Spi, DATAGRAM, "error-code", ["RET-2"],
        "A refused send gives a code that WSPSendTo does not have.";
    ZeroCode, "zero-code", Spi, DATAGRAM, "error-code", ["RET-12"],
        "A refused send leaves 0 in lpErrno.";
    // What is accepted, in which order, and how much of it.
    Reordered, "reordered", Transport, DATAGRAM, "send-order", ["ORD-2", "ORD-3"],
        "A datagram is held back until the next one of its socket has gone.";
    WrongCount, "wrong-count", Spi, DATAGRAM, "send-order", ["RET-7"],
        "A plain send reports one byte more than it had.";
    ShortEnd, "short-end", Host, DATAGRAM, "send-order", ["RET-14"],
        "An overlapped send ends well with one byte less than it had.";
    PartialAsFull, "partial-as-full", Transport, STREAM, "send-order", ["ORD-2", "ORD-3", "CXL-6"],
        "A stream send that went out in part is counted as full.";
    RefusedButSent, "refused-but-sent", Transport, DATAGRAM, "send-order", ["RET-4", "ORD-2"],
        "A send is refused with WSAENOBUFS, and goes out nevertheless.";
    AbortedButSent, "aborted-but-sent", Transport, DATAGRAM, "send-order", ["CXL-8"],
        "A datagram that SIO_FLUSH has aborted goes out afterwards.";
    CorruptedSend, "corrupted-send", Transport, STREAM, "send-order", ["ORD-2"],
        "One bit of a stream changes before the transport gets it.";
    // What is received.
    CorruptedReceive, "corrupted-receive", Transport, STREAM, "receive", ["ORD-2"],
        "One bit of a stream changes after the transport gave it.";
    TruncatedDatagram, "truncated-datagram", Transport, DATAGRAM, "receive", ["RET-14"],
        "A datagram loses its last byte after the transport gave it.";
    DatagramTwice, "datagram-twice", Transport, DATAGRAM, "receive", ["RET-14"],
        "A datagram is given to the client twice.";
    // WSPGetOverlappedResult.
    LyingResult, "lying-result", Spi, DATAGRAM, "get-result", ["OVL-12"],
        "WSPGetOverlappedResult returns TRUE while the operation is in progress.";
    // Being told when a socket is ready.
    WriteLost, "write-lost", Host, NOTIFIED, "notification", ["EVENTSELECT-9"],
        "The event for FD_WRITE is never set once a send was refused.";
    NotSelected, "not-selected", Spi, NOTIFIED, "notification", ["EVENTSELECT-1"],
        "A network event is recorded that nobody selected.";
    EventAfterCancel, "event-after-cancel", Spi, NOTIFIED, "notification", ["EVENTSELECT-4"],
        "An event is set after its selection was taken back.";
    MessageTwice, "message-twice", Host, NOTIFIED, "notification", ["ASYNCSELECT-5"],
        "Each message is posted twice.";
    WrongSelect, "wrong-select", Spi, NOTIFIED, "notification", ["SELECT-1"],
        "WSPSelect counts one socket too many.";
    // Locks, waits, panics.
    LockHeld, "lock-held", Spi, DATAGRAM, "locks", ["REENT-2"],
        "The worker holds a lock of the provider's while it completes operations.";
    LockTwice, "lock-twice", Host, DATAGRAM, "deadlock", ["REENT-2"],
        "A thread takes a lock of the provider's that it holds already.";
    LostWakeUp, "lost-wake-up", Host, STREAM, "liveness", ["SYN-4"],
        "Nobody wakes a blocked sender.";
    Panics, "panics", Spi, DATAGRAM, "panic", ["no panic reaches a caller"],
        "The provider panics.";
    // End to end.
    SentBehind, "sent-behind", Transport, DATAGRAM, "wire", ["RET-14"],
        "A datagram is put on the wire by a thread that is torn down, where nobody watches.";
    Swallowed, "swallowed", Transport, DATAGRAM, "scenario", ["what the program expects"],
        "A datagram that arrived is never given to the client.";
}

impl Flaw {
    /// The flaw of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|flaw| flaw.name() == name)
    }
}

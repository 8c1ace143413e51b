//! What happens in a run, as one plain enum: what the digest hashes and a trace shows.

use core::net::SocketAddr;

use provider_core::WsaError;

use crate::fault::{Fault, Seam};

/// A machine of the world, by order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineId(pub u16);

/// A process of a machine, by order of creation; a restarted machine goes on counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u16);

/// A thread of a machine, by order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tid(pub u32);

/// A function of the SPI, for events and oracles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are the functions")]
pub enum Function {
    WSPStartup,
    WSPCleanup,
    WSPSocket,
    WSPBind,
    WSPConnect,
    WSPListen,
    WSPAccept,
    WSPCloseSocket,
    WSPShutdown,
    WSPGetSockName,
    WSPGetPeerName,
    WSPSetSockOpt,
    WSPGetSockOpt,
    WSPIoctl,
    WSPSend,
    WSPSendTo,
    WSPRecv,
    WSPRecvFrom,
    WSPGetOverlappedResult,
    WSPCancelBlockingCall,
    WSPAddressToString,
    WSPAsyncSelect,
    WSPDuplicateSocket,
    WSPEnumNetworkEvents,
    WSPEventSelect,
    WSPGetQOSByName,
    WSPJoinLeaf,
    WSPRecvDisconnect,
    WSPSelect,
    WSPSendDisconnect,
    WSPStringToAddress,
}

/// Where in a run something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Virtual nanoseconds since the run began.
    pub time_ns: u64,
    /// The machine.
    pub machine: MachineId,
    /// The thread that ran, if one did.
    pub thread: Option<Tid>,
}

/// Which seam a scheduling point belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are the calls")]
pub enum Point {
    Lock,
    Unlock,
    Time,
    Timer,
    Signal,
    Wait,
    Event,
    Handle,
    QueueApc,
    Complete,
    Routine,
    MemoryRead,
    MemoryWrite,
    Status,
    Transport,
    Client,
    Message,
    Hook,
    Port,
}

/// One event of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A thread was chosen to run while more than one could.
    Switch(Tid),
    /// A thread began.
    ThreadStart(Tid),
    /// A thread ended: by itself, by ExitThread, by termination, or by a crash.
    ThreadEnd(Tid, ThreadEnd),
    /// A call entered the provider.
    Enter {
        /// Which function.
        function: Function,
        /// The SOCKET argument, 0 where there is none.
        socket: u64,
        /// The overlapped structure's address, or 0.
        overlapped: u64,
        /// The length that matters: bytes to send or room to receive.
        len: u32,
    },
    /// A call left the provider.
    Leave {
        /// Which function.
        function: Function,
        /// What it returned.
        value: i64,
        /// What it left in lpErrno.
        errno: i32,
        /// The count that it stored, where it returned success.
        count: u32,
    },
    /// The provider queued an APC; `accepted` tells whether the host took it.
    ApcQueued {
        /// The target.
        thread: Tid,
        /// The context.
        context: u64,
        /// Whether the host took it.
        accepted: bool,
    },
    /// A client's routine began.
    RoutineEnter {
        /// Its OVERLAPPED.
        overlapped: u64,
        /// The status.
        error: u32,
        /// Bytes transferred.
        bytes: u32,
    },
    /// A client's routine returned.
    RoutineLeave,
    /// A client's condition function is asked about a connection.
    ConditionEnter {
        /// Its address.
        condition: u64,
        /// `dwCallbackData`.
        data: u64,
    },
    /// What it returned.
    ConditionLeave(i32),
    /// A blocking hook of the program's is called.
    HookEnter,
    /// It returned: whether the blocking call goes on.
    HookLeave(bool),
    /// The provider completed an operation through its host, without a routine.
    Completed {
        /// Its OVERLAPPED.
        overlapped: u64,
        /// The status.
        error: u32,
        /// Bytes transferred.
        bytes: u32,
    },
    /// A client's event was set or reset.
    EventObject {
        /// The handle.
        event: u64,
        /// Set, or reset.
        set: bool,
    },
    /// The provider posted a message to a window; `posted` tells whether it got there.
    Posted {
        /// The window.
        window: u64,
        /// The message.
        message: u32,
        /// `wParam`.
        wparam: u64,
        /// `lParam`.
        lparam: u64,
        /// Whether it got there.
        posted: bool,
    },
    /// A wait of a thread ended with this Win32 result.
    WaitEnd(u32),
    /// The transport took bytes of a socket, or refused them.
    TransportSend {
        /// Transport socket.
        socket: u32,
        /// Bytes offered.
        offered: u32,
        /// Bytes taken, or why not.
        result: Result<u32, WsaError>,
    },
    /// The transport gave bytes to a socket, or had none.
    TransportReceive {
        /// Transport socket.
        socket: u32,
        /// Bytes given, or why not.
        result: Result<u32, WsaError>,
    },
    /// A packet was put on the wire.
    PacketSent {
        /// Where it goes.
        to: MachineId,
        /// Its length in bytes.
        len: u32,
        /// When it is due.
        due_ns: u64,
    },
    /// A packet arrived.
    PacketReceived {
        /// Its length in bytes.
        len: u32,
    },
    /// A packet was dropped by the link.
    PacketDropped {
        /// Where it would have gone.
        to: MachineId,
        /// Its length in bytes.
        len: u32,
    },
    /// A fault struck.
    Fault(Fault),
    /// A call of the provider's got the answer that the program had scripted.
    Scripted {
        /// Which call.
        seam: Seam,
        /// Transport socket, `u32::MAX` where none is concerned.
        socket: u32,
        /// The most bytes that it may take, or its error.
        result: Result<u32, WsaError>,
    },
    /// The program holds a seam (`true`) or releases it.
    Held(Seam, bool),
    /// Links were cut (`true`) or healed.
    Partition(MachineId, MachineId, bool),
    /// A machine crashed.
    Crash,
    /// A machine started again.
    Restart,
    /// Faults are off and the network is healed: the liveness phase begins.
    Calm,
    /// A client was bound to an address (where it matters to read a trace).
    Bound(SocketAddr),
    /// A mark of the program's.
    Mark(u64),
    /// A packet was posted to a completion port, or taken from it.
    PortPacket {
        /// Which port, by order of creation in its machine.
        port: u32,
        /// The completion key.
        key: u64,
        /// The OVERLAPPED.
        overlapped: u64,
        /// The status of the operation.
        error: u32,
        /// Bytes transferred.
        bytes: u32,
        /// Taken, or posted.
        taken: bool,
    },
}

/// How a thread ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ThreadEnd {
    /// Its function returned.
    Returned,
    /// ExitThread.
    Exited,
    /// TerminateThread.
    Terminated,
    /// The machine crashed.
    Crashed,
    /// It panicked: a finding.
    Panicked,
}

/// An event with its place and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The run's step: events are numbered from 0.
    pub step: u64,
    /// Where.
    pub at: At,
    /// What.
    pub what: What,
}

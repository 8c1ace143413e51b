//! What the oracles are told: the facts of the SPI boundary, of the upcalls, of the transport seam.

use core::net::SocketAddr;

use provider_core::{EventHandle, Routine, SocketHandle, UserPtr, WindowHandle, WsaError};

pub use super::notification::RecordFacts;
use crate::event::{Function, MachineId, ProcessId, Tid};

/// A process of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessKey {
    /// Its machine.
    pub machine: MachineId,
    /// Which of the machine's.
    pub process: ProcessId,
}

/// A thread of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadPlace {
    /// Its machine.
    pub machine: MachineId,
    /// Which of the machine's.
    pub thread: Tid,
}

/// A call in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// What is sent, taken down when the call entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// On a stream the buffers, gathered in order; empty on a datagram socket.
    pub bytes: Vec<u8>,
    /// xxh3 of the gathered buffers.
    pub hash: u64,
    /// Whether array and buffers were readable and the lengths' sum fits 32 bits.
    pub whole: bool,
    /// The sum of the lengths.
    pub total: u64,
    /// `lpTo`, where it was given and can be read as an address.
    pub to: Option<SocketAddr>,
    /// MSG_OOB: the last byte is urgent.
    pub urgent: bool,
}

/// What a call has beyond what every call has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Special {
    /// Nothing that the oracles need.
    None,
    /// WSPSocket.
    Socket {
        /// `SOCK_STREAM`.
        stream: bool,
        /// `WSA_FLAG_OVERLAPPED`.
        overlapped: bool,
        /// xxh3 of the WSAPROTOCOL_INFOW, where one was given and can be read.
        info: Option<u64>,
    },
    /// WSPDuplicateSocket.
    Duplicate,
    /// WSPAccept.
    Accept {
        /// A condition function was given.
        condition: bool,
    },
    /// WSPSend, WSPSendTo.
    Send(Sending),
    /// WSPRecv, WSPRecvFrom.
    Receive {
        /// Room in bytes.
        room: u64,
        /// The flags pointed to hold MSG_PEEK.
        peek: bool,
        /// They hold MSG_OOB.
        urgent: bool,
    },
    /// WSPIoctl.
    Ioctl {
        /// The code.
        code: u32,
        /// The first word of the input, where readable.
        input: Option<u32>,
    },
    /// WSPSetSockOpt.
    SetOption {
        /// Level.
        level: i32,
        /// Option.
        name: i32,
        /// The first word of the value, where readable.
        value: Option<u32>,
    },
    /// WSPShutdown.
    Shutdown(i32),
    /// WSPEventSelect.
    EventSelect {
        /// `hEventObject`.
        event: EventHandle,
        /// `lNetworkEvents`.
        events: i32,
    },
    /// WSPAsyncSelect.
    AsyncSelect {
        /// `hWnd`.
        window: WindowHandle,
        /// `wMsg`.
        message: u32,
        /// `lEvent`.
        events: i32,
    },
    /// WSPGetOverlappedResult.
    GetResult {
        /// `fWait`.
        wait: bool,
        /// The OVERLAPPED when the call entered, where readable.
        before: Option<OverlappedFacts>,
    },
}

/// A call as it enters the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which function.
    pub function: Function,
    /// The SOCKET argument, or `SocketHandle(0)` where there is none.
    pub socket: SocketHandle,
    /// `lpOverlapped`.
    pub overlapped: UserPtr,
    /// `lpCompletionRoutine`.
    pub routine: Routine,
    /// `hEvent` of the OVERLAPPED, its low bit cleared, where readable.
    pub event: EventHandle,
    /// The low bit of `hEvent` is set: no packet goes to the socket's port.
    pub no_packet: bool,
    /// The thread that `lpThreadId` names, where it names one.
    pub apc_thread: Option<Tid>,
    /// The rest.
    pub special: Special,
}

/// What a receive gave the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    /// The bytes now in the buffers.
    pub bytes: &'a [u8],
    /// What `lpFrom` holds, where it was given.
    pub from: Option<SocketAddr>,
}

/// What is known of a live SOCKET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketFacts {
    /// SOCK_STREAM, else SOCK_DGRAM.
    pub stream: bool,
    /// Created with WSA_FLAG_OVERLAPPED.
    pub overlapped: bool,
}

/// How a call left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// The return value; a SOCKET as it is, INVALID_SOCKET as -1.
    pub value: i64,
    /// What `lpErrno` holds.
    pub errno: i32,
    /// Whether `lpErrno` was writable memory of the caller's; WSPStartup needs none.
    pub reports: bool,
    /// What the count's word holds, where there is one.
    pub count: Option<u32>,
    /// What a finished receive left in the caller's buffers.
    pub received: Option<Received<'a>>,
    /// xxh3 of the WSAPROTOCOL_INFOW that WSPDuplicateSocket gave.
    pub info: Option<u64>,
    /// The OVERLAPPED at the end of WSPGetOverlappedResult and of a call that pends, where it can be
    /// read.
    pub overlapped: Option<OverlappedFacts>,
    /// What WSPEnumNetworkEvents gave.
    pub record: Option<RecordFacts>,
}

/// The words of a WSAOVERLAPPED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverlappedFacts {
    /// The low 32 bits of `Internal`.
    pub status: u32,
    /// `InternalHigh`.
    pub bytes: u64,
    /// `OffsetHigh`: the Winsock error.
    pub error: u32,
    /// `Offset`: the flags.
    pub flags: u32,
}

/// What a process still has when its last WSPCleanup has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LeakFacts {
    /// Bytes still lent to overlapped operations.
    pub lent_bytes: usize,
    /// Transport sockets that the provider has not closed.
    pub transport_sockets: usize,
    /// SOCKETs that the provider has not given back.
    pub socket_handles: usize,
}

/// What a transport call gave.
pub type TransportResult = Result<usize, WsaError>;

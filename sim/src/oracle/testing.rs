//! Hand-made sequences for the oracles' tests.

use provider_core::spi::SIO_FLUSH;
use provider_core::{EventHandle, Kind, Profile, Routine, SocketHandle, UserPtr, WsaError};
use xxhash_rust::xxh3::xxh3_64;

use super::*;
use crate::event::{At, Function, MachineId, ProcessId, Tid};

pub(super) const SERVER: ProcessKey = ProcessKey { machine: MachineId(1), process: ProcessId(0) };
pub(super) const CLIENT: ProcessKey = ProcessKey { machine: MachineId(0), process: ProcessId(0) };
pub(super) const OV: UserPtr = UserPtr(0x1_0002_0000);
pub(super) const OV2: UserPtr = UserPtr(0x1_0002_0100);
pub(super) const ROUTINE: Routine = Routine(0x7ff0);
pub(super) const EVENT: EventHandle = EventHandle(0x40);

/// A sequence under way.
pub(super) struct Play {
    pub(super) oracles: Oracles,
    pub(super) process: ProcessKey,
    time_ns: u64,
}

pub(super) fn outcome(value: i64, errno: i32, count: Option<u32>) -> Outcome<'static> {
    Outcome {
        value,
        errno,
        reports: true,
        count,
        received: None,
        info: None,
        overlapped: None,
        record: None,
    }
}

pub(super) fn ended(error: i32, bytes: u64) -> OverlappedFacts {
    OverlappedFacts { status: error as u32, bytes, error: error as u32, flags: 0 }
}

impl Play {
    pub(super) fn new(profile: Profile) -> Self {
        Self { oracles: Oracles::new(profile), process: CLIENT, time_ns: 0 }
    }

    pub(super) fn at(&mut self, thread: u32) -> At {
        self.time_ns += 100;
        At { time_ns: self.time_ns, machine: self.process.machine, thread: Some(Tid(thread)) }
    }

    pub(super) fn enter(&mut self, thread: u32, call: Call) -> CallId {
        let at = self.at(thread);
        self.oracles.call_enter(at, self.process, call)
    }

    pub(super) fn leave(&mut self, thread: u32, id: CallId, outcome: Outcome<'_>) -> Verdict {
        let at = self.at(thread);
        self.oracles.call_leave(at, self.process, id, &outcome)
    }

    /// A whole call.
    pub(super) fn call(&mut self, call: Call, result: Outcome<'_>) -> Verdict {
        let id = self.enter(1, call);
        self.leave(1, id, result)
    }

    pub(super) fn start(&mut self) {
        let call = plain(Function::WSPStartup, 0, Special::None);
        self.call(call, outcome(0, 0, None)).unwrap();
    }

    /// A socket with transport socket `tsock`.
    pub(super) fn socket(&mut self, handle: usize, stream: bool, tsock: u32) {
        let id = self.enter(
            1,
            plain(Function::WSPSocket, 0, Special::Socket { stream, overlapped: true, info: None }),
        );
        let kind = if stream { Kind::Stream } else { Kind::Datagram };
        let at = self.at(1);
        self.oracles.transport_opened(at, self.process, tsock, provider_core::Family::V4, kind);
        self.leave(1, id, outcome(handle as i64, 0, None)).unwrap();
    }

    pub(super) fn took(&mut self, tsock: u32, offered: &[u8], result: usize) -> Verdict {
        let at = self.at(9);
        self.oracles.transport_sent(at, self.process, tsock, offered, None, Ok(result))
    }

    /// The transport took an urgent byte.
    pub(super) fn took_urgent(&mut self, tsock: u32, byte: u8) -> Verdict {
        let at = self.at(9);
        self.oracles.transport_sent_urgent(at, self.process, tsock, byte, Ok(()))
    }

    pub(super) fn stored(&mut self, thread: u32, ov: UserPtr, now: OverlappedFacts) -> Verdict {
        let at = self.at(thread);
        self.oracles.status_stored(at, self.process, ov, now, None, &|_| false)
    }

    pub(super) fn apc(&mut self, target: u32, accepted: bool) -> Verdict {
        let at = self.at(9);
        self.oracles.apc_queued(at, self.process, Some(Tid(target)), 7, accepted)
    }

    pub(super) fn routine(&mut self, thread: u32, ov: UserPtr, error: u32, bytes: u32) -> Verdict {
        let at = self.at(thread);
        self.oracles.routine_enter(at, self.process, ROUTINE, error, bytes, ov, 0, true)
    }

    pub(super) fn event(&mut self) -> Verdict {
        let at = self.at(9);
        self.oracles.event_set(at, self.process, EVENT)
    }

    pub(super) fn packet(&mut self) -> Verdict {
        self.packet_on(9)
    }

    pub(super) fn packet_on(&mut self, thread: u32) -> Verdict {
        let at = self.at(thread);
        self.oracles.packet_posted(at, self.process, OV)
    }

    /// SIO_FLUSH: a cause to abort sends.
    pub(super) fn flush(&mut self, handle: usize) {
        let flush = Special::Ioctl { code: SIO_FLUSH, input: None };
        let id = self.enter(9, plain(Function::WSPIoctl, handle, flush));
        self.leave(9, id, outcome(0, 0, None)).unwrap();
    }

    /// WSPCancelBlockingCall, inside of what `thread` is in.
    pub(super) fn cancel(&mut self, thread: u32) {
        let id = self.enter(thread, plain(Function::WSPCancelBlockingCall, 0, Special::None));
        self.leave(thread, id, outcome(0, 0, None)).unwrap();
    }

    /// A send call that enters on `thread`.
    pub(super) fn send(&mut self, thread: u32, call: Call) -> CallId {
        self.enter(thread, call)
    }
}

pub(super) fn plain(function: Function, socket: usize, special: Special) -> Call {
    Call {
        function,
        socket: SocketHandle(socket),
        overlapped: UserPtr::NULL,
        routine: Routine::NULL,
        event: EventHandle(0),
        no_packet: false,
        apc_thread: None,
        special,
    }
}

pub(super) fn send(socket: usize, bytes: &[u8]) -> Call {
    plain(
        Function::WSPSend,
        socket,
        Special::Send(Sending {
            bytes: bytes.to_vec(),
            hash: xxh3_64(bytes),
            whole: true,
            total: bytes.len() as u64,
            to: None,
            urgent: false,
        }),
    )
}

/// A send with MSG_OOB.
pub(super) fn urgent(mut call: Call) -> Call {
    if let Special::Send(sending) = &mut call.special {
        sending.urgent = true;
    }
    call
}

pub(super) fn overlapped(mut call: Call, ov: UserPtr, routine: bool) -> Call {
    call.overlapped = ov;
    if routine {
        call.routine = ROUTINE;
    } else {
        call.event = EVENT;
    }
    call
}

pub(super) fn pending() -> Outcome<'static> {
    outcome(-1, WsaError::WSA_IO_PENDING.0, None)
}

pub(super) fn refused(error: WsaError) -> Outcome<'static> {
    outcome(-1, error.0, None)
}

#[track_caller]
pub(super) fn breaks(verdict: Verdict, clause: &str) {
    match verdict {
        Err(violation) => assert_eq!(violation.clause, clause, "{violation}"),
        Ok(()) => panic!("nobody objected; expected {clause}"),
    }
}

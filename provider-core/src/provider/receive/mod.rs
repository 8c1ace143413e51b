//! WSPRecv and WSPRecvFrom: arguments and the first attempt.

mod drain;

pub(super) use drain::is_report;

use alloc::sync::Arc;

use crate::operation::{
    BlockedCall, CallEnd, FromAddress, Mode, Overlapped, Owner, RecvRequest, Started,
};
use crate::socket::{Multipoint, Opened, Phase, ReceiveOp, Socket, SocketState};
use crate::spi::{FD_OOB, FD_READ, MSG_OOB, MSG_PARTIAL, MSG_PEEK, MSG_WAITALL};
use crate::{Host, Kind, Memory, OverlappedArgs, SocketHandle, Transport, UserPtr, WsaError};

use super::Provider;
use super::notify::Arrival;
use super::transfer::OUTSTANDING_MAX;
use drain::Attempt;

/// What a receive enables again.
const RECEIVE_EVENTS: i32 = FD_READ | FD_OOB;

/// The arguments that both functions have, as the caller gave them.
pub(super) struct ReceiveArgs {
    pub(super) socket: SocketHandle,
    pub(super) buffers: UserPtr,
    pub(super) buffer_count: u32,
    pub(super) bytes_received: UserPtr,
    pub(super) flags: UserPtr,
    pub(super) overlapped: OverlappedArgs,
}

/// What WSPRecvFrom adds.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub(super) from: UserPtr,
    pub(super) fromlen: UserPtr,
}

impl<H: Host> Provider<H> {
    /// WSPRecv (`source` is `None`) and WSPRecvFrom.
    pub(super) fn receive(
        &self,
        args: &ReceiveArgs,
        source: Option<Source>,
    ) -> Result<(), WsaError> {
        let socket = self.socket(args.socket)?;
        match self.capture_receive(&socket, args, source) {
            Ok((request, overlapped)) => self.receive_on(&socket, args, request, overlapped),
            Err(error) => {
                //= docs/spec/notification.md#asyncselect-8
                //# FD_WRITE MUST be enabled again by WSPSend and WSPSendTo, and FD_READ by WSPRecv
                //# and WSPRecvFrom, also when they fail.
                self.reenable(&socket, RECEIVE_EVENTS);
                Err(error)
            }
        }
    }

    /// What the arguments ask for.
    fn capture_receive(
        &self,
        socket: &Opened<H>,
        args: &ReceiveArgs,
        source: Option<Source>,
    ) -> Result<(RecvRequest, Option<Overlapped>), WsaError> {
        //= docs/spec/receiving.md#recv-5
        //# Results, overlapped operations, events and completion routines MUST be as they are for
        //# sends.
        let overlapped = self.capture_overlapped(socket, args.overlapped)?;
        self.check_count(args.bytes_received, overlapped.is_some())?;
        let buffers = self.capture_buffers(args.buffers, args.buffer_count)?;
        buffers.probe_write(self.host.memory()).map_err(|_| WsaError::WSAEFAULT)?;
        let flags = self.take_u32(args.flags)?;
        //= docs/spec/receiving.md#recv-25
        //# An `lpFlags` that is not readable and writable memory, or a buffer that is not writable
        //# memory, MUST fail with WSAEFAULT and take nothing.
        self.host.memory().probe_write(args.flags, 4).map_err(|_| WsaError::WSAEFAULT)?;
        let from = match source {
            //= docs/spec/receiving.md#recvfrom-4
            //# On a stream `lpFrom` and `lpFromlen` MUST be ignored.
            Some(Source { from, fromlen }) if socket.kind == Kind::Datagram && !from.is_null() => {
                //= docs/spec/receiving.md#recvfrom-3
                //# A room for the address that is too small or not writable MUST fail the call with
                //# WSAEFAULT, and take nothing.
                self.check_address_room(socket.family, from, fromlen)?;
                Some(FromAddress { address: from, length: fromlen })
            }
            _ => None,
        };
        self.check_receive_flags(socket.kind, flags)?;
        let request = RecvRequest {
            // A count has 32 bits; what exceeds them is not filled.
            total: u32::try_from(buffers.total()).unwrap_or(u32::MAX) as usize,
            buffers,
            from,
            peek: flags & MSG_PEEK != 0,
            wait_all: flags & MSG_WAITALL != 0,
            urgent: flags & MSG_OOB != 0,
            initiator: self.host.current_thread(),
        };
        Ok((request, overlapped))
    }

    fn receive_on(
        &self,
        socket: &Opened<H>,
        args: &ReceiveArgs,
        request: RecvRequest,
        overlapped: Option<Overlapped>,
    ) -> Result<(), WsaError> {
        let mut state = self.lock_open(socket)?;
        let mode = match overlapped {
            Some(op) => Mode::Overlapped(op),
            //= docs/spec/receiving.md#recv-9
            //# A nonoverlapped call on a nonblocking socket with nothing to receive MUST fail with
            //# WSAEWOULDBLOCK.
            None if state.options.nonblocking => Mode::Nonblocking,
            //= docs/spec/receiving.md#recv-8
            //# A blocking call MUST wait until there is one byte, or one datagram.
            None => Mode::Blocking,
        };
        //= docs/spec/receiving.md#recv-29
        //# A blocking call MUST fail with WSAETIMEDOUT when it takes longer than SO_RCVTIMEO.
        let timeout_ms = state.options.receive_timeout_ms;
        let initiator = request.initiator;
        let mut call = None;
        let started = self.begin_receive(socket, &mut state, request, mode, &mut call);
        // Once for each call: each time, FD_READ is told again.
        state.events.reenable(RECEIVE_EVENTS);
        self.deliver_started(socket, state, mode, initiator, started);
        //= docs/spec/receiving.md#recv-26
        //# An immediate completion MUST store the result's flags in `lpFlags`, and a call that
        //# pends MUST leave them as they were.
        self.finish_call(socket, started, call, timeout_ms, args.bytes_received, args.flags)
    }

    /// Starts a receive, if the socket is in a state for it. `call` is the blocking one that it is
    /// part of then.
    fn begin_receive(
        &self,
        socket: &Opened<H>,
        state: &mut SocketState<H>,
        request: RecvRequest,
        mode: Mode,
        call: &mut Option<Arc<BlockedCall<H>>>,
    ) -> Result<Started, WsaError> {
        check_receive_state(socket, state)?;
        match mode {
            // A nonblocking call has nothing to wait for all with (RECV-21).
            Mode::Nonblocking if request.wait_all => return Err(WsaError::WSAEOPNOTSUPP),
            Mode::Blocking => *call = self.enter_receive(socket, state, &request)?,
            _ => {}
        }
        self.start_receive(socket, state, request, mode, call.clone())
    }

    /// Enters a receive that may block. Inside another blocking call of the thread it goes on without,
    /// when there is something to receive at once.
    ///
    /// # Errors
    /// WSAEINPROGRESS.
    fn enter_receive(
        &self,
        socket: &Opened<H>,
        state: &mut SocketState<H>,
        request: &RecvRequest,
    ) -> Result<Option<Arc<BlockedCall<H>>>, WsaError> {
        let entered = self.enter_blocking_on(socket.descriptor);
        if entered.is_err() && self.is_there(socket, state, request) {
            return Ok(None);
        }
        entered.map(Some)
    }

    /// Whether a receive that starts now finds all that it waits for.
    fn is_there(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
        request: &RecvRequest,
    ) -> bool {
        if request.urgent {
            let urgent = self.host.transport().try_recv_urgent(state.transport, true);
            return state.urgent_receives.is_empty() && urgent != Err(WsaError::WSAEWOULDBLOCK);
        }
        match self.arrival(socket, state) {
            Arrival::Nothing => false,
            Arrival::Data if request.wait_all => {
                self.host.transport().available(state.transport) >= request.total
            }
            _ => true,
        }
    }

    fn check_receive_flags(&self, kind: Kind, flags: u32) -> Result<(), WsaError> {
        //= docs/spec/receiving.md#recv-24
        //# Flag bits that the function does not have MUST fail the call: under `Documented` with
        //# WSAEOPNOTSUPP, under `Windows` with WSAEINVAL.
        if flags & !(MSG_OOB | MSG_PEEK | MSG_WAITALL | MSG_PARTIAL) != 0 {
            return Err(self.unknown_flags());
        }
        //= docs/spec/receiving.md#recv-23
        //# MSG_OOB on a datagram socket, or where the transport has no urgent data, MUST fail with
        //# WSAEOPNOTSUPP.
        if flags & MSG_OOB != 0 && !self.has_urgent(kind) {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        //= docs/spec/receiving.md#recv-21
        //# MSG_WAITALL with MSG_PEEK, MSG_OOB or MSG_PARTIAL, on a nonblocking call or on a
        //# datagram socket MUST fail with WSAEOPNOTSUPP.
        let beside = flags & (MSG_PEEK | MSG_OOB | MSG_PARTIAL) != 0;
        if flags & MSG_WAITALL != 0 && (kind == Kind::Datagram || beside) {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        Ok(())
    }

    fn start_receive(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
        request: RecvRequest,
        mode: Mode,
        call: Option<Arc<BlockedCall<H>>>,
    ) -> Result<Started, WsaError> {
        let mut received = 0;
        if state.receives_like(&request).is_empty() {
            match self.attempt(socket, state, &request, &mut received) {
                Attempt::NoData => {}
                Attempt::Ended(CallEnd { error: None, bytes, flags }) => {
                    return Ok(Started::Now(bytes, flags));
                }
                Attempt::Ended(end) => {
                    let error = end.error.unwrap_or(WsaError::WSAEFAULT);
                    //= docs/spec/receiving.md#recv-14
                    //# An overlapped receive that such a datagram ends at once MUST pend and
                    //# complete with WSAEMSGSIZE.
                    // A datagram that was cut is gone from the queue: an overlapped receive ends
                    // with it as a pended one does, since a refusal would hand nothing over.
                    if let Mode::Overlapped(op) = mode
                        && error == WsaError::WSAEMSGSIZE
                    {
                        self.store_pending(&op);
                        state.finish(Owner::Overlapped(op), request.initiator, end);
                        return Ok(Started::Pending);
                    }
                    return Err(error);
                }
            }
        }
        //= docs/spec/receiving.md#recv-28
        //# An overlapped receive beyond the number that may be outstanding on a socket MUST fail
        //# with WSAEWOULDBLOCK.
        if matches!(mode, Mode::Overlapped(_))
            && state.receives_like(&request).len() >= OUTSTANDING_MAX
        {
            return Err(WsaError::WSAEWOULDBLOCK);
        }
        //= docs/spec/receiving.md#recv-16
        //# Data that is in hand MUST NOT be lost to an error: the next call meets that.
        if received > 0 && matches!(mode, Mode::Blocking) && call.is_none() {
            return Ok(Started::Now(received, 0));
        }
        let owner = self.owner_of(mode, call)?;
        state.receives_like(&request).push(ReceiveOp { request, received, owner });
        Ok(Started::Pending)
    }
}

fn check_receive_state<H: Host>(
    socket: &Socket<H>,
    state: &SocketState<H>,
) -> Result<(), WsaError> {
    //= docs/spec/connecting.md#joinleaf-12
    //# A socket that joined for sending only MUST refuse receives with WSAEOPNOTSUPP.
    if state.multipoint == Multipoint::Sender {
        return Err(WsaError::WSAEOPNOTSUPP);
    }
    //= docs/spec/receiving.md#recv-12
    //# After WSPShutdown with SD_RECEIVE or SD_BOTH the call MUST fail with WSAESHUTDOWN.
    //= docs/spec/ending.md#shutdown-3
    //# After SD_RECEIVE or SD_BOTH receives MUST fail with WSAESHUTDOWN.
    if state.receive_ended {
        return Err(WsaError::WSAESHUTDOWN);
    }
    match (socket.kind, state.phase) {
        (Kind::Stream, Phase::Connected) => Ok(()),
        (Kind::Stream, Phase::Failed(error)) => Err(SocketState::<H>::later_error(error)),
        //= docs/spec/receiving.md#recv-10
        //# A stream that is not connected MUST fail with WSAENOTCONN.
        (Kind::Stream, _) => Err(WsaError::WSAENOTCONN),
        //= docs/spec/receiving.md#recv-11
        //# A datagram socket that is not bound MUST fail with WSAEINVAL.
        (Kind::Datagram, _) if state.local.is_none() => Err(WsaError::WSAEINVAL),
        //= docs/spec/receiving.md#recvfrom-5
        //# A connected datagram socket MUST NOT fail with WSAEISCONN.
        //= docs/spec/receiving.md#recvfrom-6
        //# A datagram socket that a send bound implicitly MUST receive.
        (Kind::Datagram, _) => Ok(()),
    }
}

//! WSPRecv and WSPRecvFrom: arguments and the first attempt.

use alloc::sync::Arc;

use crate::operation::{BlockedCall, CallEnd, FromAddress, Mode, Owner, RecvRequest, Started};
use crate::socket::{Multipoint, Phase, ReceiveOp, Socket, SocketState};
use crate::spi::{FD_OOB, FD_READ, MSG_PARTIAL, MSG_PEEK, MSG_WAITALL};
use crate::{Host, Kind, Memory, OverlappedArgs, SocketHandle, UserPtr, WsaError};

use super::Provider;
use super::receive_drain::Attempt;
use super::send::OUTSTANDING_MAX;

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
        let result = self.receive_on(&socket, args, source);
        self.reenable_refused(&socket, &result, RECEIVE_EVENTS);
        result
    }

    fn receive_on(
        &self,
        socket: &Arc<Socket<H>>,
        args: &ReceiveArgs,
        source: Option<Source>,
    ) -> Result<(), WsaError> {
        let overlapped = self.capture_overlapped(socket, args.overlapped)?;
        self.check_count(args.bytes_received, overlapped.is_some())?;
        let buffers = self.capture_buffers(args.buffers, args.buffer_count)?;
        buffers.probe_write(self.host.memory()).map_err(|_| WsaError::WSAEFAULT)?;
        let flags = self.take_u32(args.flags)?;
        self.host.memory().probe_write(args.flags, 4).map_err(|_| WsaError::WSAEFAULT)?;
        let from = match source {
            // A connection's peer is known: no address is given.
            Some(Source { from, fromlen }) if socket.kind == Kind::Datagram && !from.is_null() => {
                self.check_address_room(socket.family, from, fromlen)?;
                Some(FromAddress { address: from, length: fromlen })
            }
            _ => None,
        };
        self.check_receive_flags(socket.kind, flags)?;

        let mut state = self.lock_open(socket)?;
        check_receive_state(socket, &state)?;
        let initiator = self.host.current_thread();
        let request = RecvRequest {
            // A count has 32 bits; what exceeds them is not filled.
            total: u32::try_from(buffers.total()).unwrap_or(u32::MAX) as usize,
            buffers,
            from,
            peek: flags & MSG_PEEK != 0,
            wait_all: flags & MSG_WAITALL != 0,
            initiator,
        };
        if request.wait_all && (request.peek || state.options.nonblocking && overlapped.is_none()) {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        let (mode, call) = match overlapped {
            Some(op) => (Mode::Overlapped(op), None),
            None if state.options.nonblocking => (Mode::Nonblocking, None),
            None => (Mode::Blocking, Some(self.enter_blocking()?)),
        };
        let timeout_ms = state.options.receive_timeout_ms;
        let started = self.start_receive(socket, &mut state, request, mode, call.clone());
        state.events.reenable(RECEIVE_EVENTS);
        self.deliver_started(socket, state, mode, initiator, started);
        self.finish_call(socket, started, call, timeout_ms, args.bytes_received, args.flags)
    }

    fn check_receive_flags(&self, kind: Kind, flags: u32) -> Result<(), WsaError> {
        let known = MSG_PEEK | MSG_WAITALL | MSG_PARTIAL;
        if flags & !known != 0 {
            return Err(if flags & !known == crate::spi::MSG_OOB {
                WsaError::WSAEOPNOTSUPP
            } else {
                self.unknown_flags()
            });
        }
        if kind == Kind::Datagram && flags & MSG_WAITALL != 0 {
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
        if state.receives.is_empty() {
            match self.attempt(socket, state, &request, &mut received) {
                Attempt::NoData => {}
                Attempt::Ended(CallEnd { error: None, bytes, flags }) => {
                    return Ok(Started::Now(bytes, flags));
                }
                Attempt::Ended(end) => {
                    let error = end.error.unwrap_or(WsaError::WSAEFAULT);
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
        if matches!(mode, Mode::Overlapped(_)) && state.receives.len() >= OUTSTANDING_MAX {
            return Err(WsaError::WSAEWOULDBLOCK);
        }
        let owner = self.owner_of(mode, call)?;
        state.receives.push(ReceiveOp { request, received, owner });
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
    if state.receive_ended {
        return Err(WsaError::WSAESHUTDOWN);
    }
    match (socket.kind, state.phase) {
        (Kind::Stream, Phase::Connected) => Ok(()),
        (Kind::Stream, Phase::Failed(error)) => Err(SocketState::<H>::later_error(error)),
        (Kind::Stream, _) => Err(WsaError::WSAENOTCONN),
        (Kind::Datagram, _) if state.local.is_none() => Err(WsaError::WSAEINVAL),
        (Kind::Datagram, _) => Ok(()),
    }
}

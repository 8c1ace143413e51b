//! WSPSend and WSPSendTo: arguments, in the order in which their errors count (ERR-PRECEDENCE).

use alloc::sync::Arc;
use core::net::SocketAddr;

use crate::layout;
use crate::operation::{BlockedCall, Buffers, Mode, Overlapped, Owner, SendRequest, Started};
use crate::socket::{Multipoint, Opened, Phase, Socket, SocketState};
use crate::spi::{FD_WRITE, MSG_DONTROUTE, MSG_OOB, MSG_PARTIAL};
use crate::{
    Host, Kind, Memory, OverlappedArgs, Profile, Routine, SocketHandle, ThreadId, Transport,
    UserPtr, WsaError,
};

use super::Provider;
use super::address::{RawAddress, is_broadcast};

/// Overlapped operations that may be outstanding on one socket and direction (ERR-WOULDBLOCK-1).
pub(super) const OUTSTANDING_MAX: usize = 65_536;

/// The arguments that both functions have, as the caller gave them.
pub(super) struct SendArgs {
    pub(super) socket: SocketHandle,
    pub(super) buffers: UserPtr,
    pub(super) buffer_count: u32,
    pub(super) bytes_sent: UserPtr,
    pub(super) flags: u32,
    pub(super) overlapped: OverlappedArgs,
}

/// What WSPSendTo adds.
#[derive(Clone, Copy)]
pub(super) struct Destination {
    pub(super) to: UserPtr,
    pub(super) tolen: i32,
}

impl<H: Host> Provider<H> {
    /// WSPSend (`destination` is `None`) and WSPSendTo.
    pub(super) fn send(
        &self,
        args: &SendArgs,
        destination: Option<Destination>,
    ) -> Result<(), WsaError> {
        //= docs/spec/wspsendto.md#err-precedence
        //# MUST report the first of these: not started, no socket, a pointer, a flag, shut down
        //= docs/spec/sending.md#send-5
        //# Results, overlapped operations, events and completion routines MUST be those of
        //# WSPSendTo.
        let socket = self.socket(args.socket)?;
        let result = self.send_on(&socket, args, destination);
        self.reenable_refused(&socket, &result, FD_WRITE);
        result
    }

    fn send_on(
        &self,
        socket: &Opened<H>,
        args: &SendArgs,
        destination: Option<Destination>,
    ) -> Result<(), WsaError> {
        let overlapped = self.capture_overlapped(socket, args.overlapped)?;
        self.check_count(args.bytes_sent, overlapped.is_some())?;
        let buffers = self.capture_buffers(args.buffers, args.buffer_count)?;
        //= docs/spec/wspsendto.md#err-fault-4
        //# A buffer that is not readable memory of the caller's MUST fail the call with WSAEFAULT
        //# before anything of it is sent.
        buffers.probe_read(self.host.memory()).map_err(|_| WsaError::WSAEFAULT)?;
        let given = match destination {
            //= docs/spec/wspsendto.md#dst-4
            //# `lpTo` and `iTolen` MUST be ignored, whatever they are.
            //= docs/spec/wspsendto.md#dst-5
            //# On a stream socket WSPSendTo MUST do what WSPSend with the same other arguments
            //# does.
            //= docs/spec/wspsendto.md#dst-6
            //# The destination MUST be captured before the call returns.
            Some(Destination { to, tolen }) if socket.kind == Kind::Datagram && !to.is_null() => {
                Some(self.capture_address(to, tolen)?)
            }
            _ => None,
        };
        //= docs/spec/wspsendto.md#flag-4
        //# The flags of a send MUST be those in `dwFlags`.
        self.check_send_flags(socket.kind, args.flags)?;

        //= docs/spec/wspsendto.md#ovl-6c
        //# A call that is refused MUST leave the OVERLAPPED as it was.
        //= docs/spec/wspsendto.md#evt-7
        //# A call that is refused MUST leave the event unset.
        let mut state = self.lock_open(socket)?;
        let to = self.check_send_state(socket, &mut state, given, destination.is_some())?;
        let total = self.check_length(socket, buffers.total())?;
        let initiator = self.host.current_thread();
        // Of nothing no byte is the last.
        let urgent = args.flags & MSG_OOB != 0 && total > 0;
        let request = SendRequest { buffers, total, to, urgent, initiator };
        let (mode, call) = match overlapped {
            //= docs/spec/wspsendto.md#ovl-13
            //# An overlapped send that cannot complete at once MUST pend on a nonblocking socket as
            //# on a blocking one.
            Some(op) => (Mode::Overlapped(op), None),
            None if state.options.nonblocking => (Mode::Nonblocking, None),
            None if may_block(&state, socket.kind, total) => {
                //= docs/spec/wspsendto.md#err-inprogress
                //# A send that would have to block inside another blocking call of the same thread
                //# MUST fail with WSAEINPROGRESS, with nothing of it sent.
                (Mode::Blocking, Some(self.enter_blocking_on(socket.descriptor)?))
            }
            None => (Mode::Blocking, None),
        };
        //= docs/spec/wspsendto.md#syn-7
        //# A blocking send MUST fail with WSAETIMEDOUT when it takes longer than SO_SNDTIMEO.
        let timeout_ms = state.options.send_timeout_ms;
        //= docs/spec/wspsendto.md#ord-4
        //# A refused send MUST leave nothing on the wire and later sends unaffected.
        //= docs/spec/wspsendto.md#ord-5
        //# Sends of several threads MUST go out in one order that agrees with that of the calls
        //# that did not overlap in time.
        //= docs/spec/sending.md#send-1
        //# On a connected stream the bytes MUST be sent behind all that was sent before.
        let started = self.start_send(socket, &mut state, request, mode, call.clone());
        state.note_send(total, started == Err(WsaError::WSAEWOULDBLOCK));
        self.deliver_started(socket, state, mode, initiator, started);
        self.finish_call(socket, started, call, timeout_ms, args.bytes_sent, UserPtr::NULL)
    }

    /// What all four data calls end with: a count now, a wait, or WSA_IO_PENDING.
    pub(super) fn finish_call(
        &self,
        socket: &Arc<Socket<H>>,
        started: Result<Started, WsaError>,
        call: Option<Arc<BlockedCall<H>>>,
        timeout_ms: u32,
        count: UserPtr,
        flags: UserPtr,
    ) -> Result<(), WsaError> {
        let (bytes, flag_bits) = match (started, call) {
            (Ok(Started::Pending), Some(call)) => {
                //= docs/spec/wspsendto.md#syn-4
                //# A blocking send MUST return only when all its data has been consumed.
                let end = self.wait_for_end(socket, &call, self.deadline(timeout_ms))?;
                (end.bytes, end.flags)
            }
            //= docs/spec/wspsendto.md#ret-8
            //# A call that ends with WSA_IO_PENDING MUST leave `lpNumberOfBytesSent` as it was.
            //= docs/spec/wspsendto.md#syn-7
            //# Overlapped and nonblocking sends MUST NOT be ended by SO_SNDTIMEO.
            //= docs/spec/wspsendto.md#ret-3
            //# After SOCKET_ERROR with WSA_IO_PENDING exactly one completion indication MUST
            //# follow.
            (Ok(Started::Pending), None) => return Err(WsaError::WSA_IO_PENDING),
            //= docs/spec/wspsendto.md#ret-6
            //# The 0 of an immediate completion MUST stand for the send that was asked for.
            (Ok(Started::Now(bytes, flag_bits)), call) => {
                self.leave(call);
                (bytes, flag_bits)
            }
            //= docs/spec/wspsendto.md#ret-4
            //# MUST NOT be followed by a completion routine, an event, another completion or any
            //# access to its buffers or its OVERLAPPED.
            //= docs/spec/wspsendto.md#ret-9
            //# A call that fails MUST leave `lpNumberOfBytesSent` as it was.
            (Err(error), call) => {
                self.leave(call);
                return Err(error);
            }
        };
        //= docs/spec/wspsendto.md#ret-7
        //# An immediate completion MUST store the number of bytes sent in `lpNumberOfBytesSent`.
        self.put_probed(count, bytes);
        self.put_probed(flags, flag_bits);
        Ok(())
    }

    fn leave(&self, call: Option<Arc<BlockedCall<H>>>) {
        if let Some(call) = call {
            self.leave_blocking(call.thread);
        }
    }

    /// The overlapped part of the arguments, where the call is overlapped at all: on a socket made
    /// for it and with a structure. Everything is captured by value.
    ///
    /// # Errors
    /// WSAEFAULT for a structure or a thread id that is not there.
    pub(super) fn capture_overlapped(
        &self,
        socket: &Opened<H>,
        args: OverlappedArgs,
    ) -> Result<Option<Overlapped>, WsaError> {
        //= docs/spec/wspsendto.md#ovl-2
        //# On an overlapped socket a send with neither `lpOverlapped` nor `lpCompletionRoutine`
        //# MUST behave as on a nonoverlapped socket.
        //= docs/spec/wspsendto.md#ovl-3
        //# On an overlapped socket a send with a routine and a null `lpOverlapped` MUST be
        //# synchronous, and the routine MUST NOT be called.
        //= docs/spec/wspsendto.md#ovl-4
        //# On a nonoverlapped socket `lpOverlapped`, `lpCompletionRoutine` and `lpThreadId` MUST be
        //# ignored.
        //= docs/spec/wspsendto.md#ovl-5
        //# A call that is synchronous MUST NOT touch what `lpOverlapped` points to.
        //= docs/spec/wspsendto.md#err-inval-2
        //# A send on a socket created without WSA_FLAG_OVERLAPPED MUST NOT fail with WSAEINVAL for
        //# that reason.
        if !socket.overlapped || args.overlapped.is_null() {
            return Ok(None);
        }
        //= docs/spec/wspsendto.md#ovl-1
        //# On an overlapped socket a send with an `lpOverlapped` MUST be an overlapped operation.
        //= docs/spec/wspsendto.md#err-fault-5
        //# An `lpOverlapped` that is not writable memory of the caller's MUST fail an overlapped
        //# call with WSAEFAULT.
        let memory = self.host.memory();
        memory
            .probe_write(args.overlapped, layout::overlapped::SIZE)
            .map_err(|_| WsaError::WSAEFAULT)?;
        let mut thread_id = [0; layout::thread_id::SIZE];
        if args.routine != Routine::NULL {
            //= docs/spec/wspsendto.md#apc-5
            //# The WSATHREADID MUST be copied before the call returns.
            //= docs/spec/wspsendto.md#apc-13
            //# An overlapped call with a completion routine and a null `lpThreadId` MUST fail with
            //# WSAEFAULT before anything starts.
            //= docs/spec/wspsendto.md#apc-15
            //= type=exception
            //= reason=which port a handle is associated with is the system's to know, and to refuse
            //# A completion routine on a socket that is associated with a completion port MUST fail
            //# with WSAEINVAL.
            memory.read(args.thread_id, &mut thread_id).map_err(|_| WsaError::WSAEFAULT)?;
        }
        Ok(Some(Overlapped {
            overlapped: args.overlapped,
            routine: args.routine,
            thread_id: ThreadId::decode(&thread_id),
            descriptor: socket.descriptor,
        }))
    }

    //= docs/spec/wspsendto.md#ret-10
    //# A null `lpNumberOfBytesSent` MUST be accepted by an overlapped call, and MUST fail any other
    //# with WSAEFAULT.
    pub(super) fn check_count(&self, count: UserPtr, overlapped: bool) -> Result<(), WsaError> {
        if count.is_null() && overlapped {
            return Ok(());
        }
        self.host.memory().probe_write(count, 4).map_err(|_| WsaError::WSAEFAULT)
    }

    pub(super) fn capture_buffers(&self, array: UserPtr, count: u32) -> Result<Buffers, WsaError> {
        //= docs/spec/wspsendto.md#err-fault-1
        //# An `lpBuffers` array that is not readable memory of the caller's MUST fail the call with
        //# WSAEFAULT.
        Buffers::capture(self.host.memory(), array, count).map_err(|_| WsaError::WSAEFAULT)
    }

    /// The length of a send, in a word. A datagram fits its transport or is not sent at all; a
    /// stream send cannot be longer than its count can tell.
    fn check_length(&self, socket: &Socket<H>, total: u64) -> Result<u32, WsaError> {
        //= docs/spec/wspsendto.md#buf-10
        //# Lengths whose sum does not fit 32 bits MUST fail a datagram send with WSAEMSGSIZE and a
        //# stream send with WSAENOBUFS, and never wrap.
        let (most, error) = match socket.kind {
            Kind::Datagram => {
                let most = self.host.transport().datagram_max(socket.family);
                (most as u64, WsaError::WSAEMSGSIZE)
            }
            Kind::Stream => (u64::from(u32::MAX), WsaError::WSAENOBUFS),
        };
        //= docs/spec/wspsendto.md#err-msgsize
        //# A datagram larger than the transport's maximum MUST fail with WSAEMSGSIZE and MUST NOT
        //# be sent, whole or in part.
        //= docs/spec/wspsendto.md#buf-11
        //# MUST be sent. One byte more MUST fail with WSAEMSGSIZE.
        if total > most { Err(error) } else { Ok(total as u32) }
    }

    fn check_send_flags(&self, kind: Kind, flags: u32) -> Result<(), WsaError> {
        if flags & MSG_OOB != 0 && !self.has_urgent(kind) {
            //= docs/spec/wspsendto.md#err-opnotsupp-1
            //# MSG_OOB on a datagram socket MUST fail with WSAEOPNOTSUPP.
            //= docs/spec/wspsendto.md#err-opnotsupp-2
            //# MSG_OOB on a stream whose transport has no out-of-band data MUST fail with
            //# WSAEOPNOTSUPP.
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        if flags & MSG_PARTIAL != 0 {
            //= docs/spec/wspsendto.md#err-opnotsupp-3
            //# MSG_PARTIAL MUST fail with WSAEOPNOTSUPP.
            //= docs/spec/wspsendto.md#flag-3
            //# MSG_PARTIAL MUST NOT be taken for a complete message.
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        //= docs/spec/wspsendto.md#flag-1
        //# MSG_DONTROUTE MUST be accepted.
        //= docs/spec/wspsendto.md#flag-5
        //# The options of the socket and the flags of the call MUST be all that decides how a send
        //# is made.
        if flags & !(MSG_DONTROUTE | MSG_OOB) != 0 {
            return Err(self.unknown_flags());
        }
        Ok(())
    }

    /// Whether sockets of `kind` have urgent data. SO_OOBINLINE, which is about receiving, does not
    /// change that for a send.
    pub(super) fn has_urgent(&self, kind: Kind) -> bool {
        kind == Kind::Stream && self.host.transport().has_urgent()
    }

    /// What a flag outside the function's list gives.
    pub(super) fn unknown_flags(&self) -> WsaError {
        match self.profile {
            //= docs/spec/wspsendto.md#err-inval-3
            //# Flag bits that the function does not have MUST fail the call: under `Documented`
            //# with WSAEOPNOTSUPP, under `Windows` with WSAEINVAL.
            //= docs/spec/wspsendto.md#flag-6
            //# MSG_PEEK MUST fail a send: under `Documented` with WSAEOPNOTSUPP, under `Windows`
            //# with WSAEINVAL.
            Profile::Documented => WsaError::WSAEOPNOTSUPP,
            Profile::Windows => WsaError::WSAEINVAL,
        }
    }

    /// Whether the socket can send now, and where to.
    fn check_send_state(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
        given: Option<RawAddress>,
        is_send_to: bool,
    ) -> Result<Option<SocketAddr>, WsaError> {
        //= docs/spec/wspsendto.md#err-opnotsupp-4
        //# A send on a socket that joined a multipoint session as a receiver only MUST fail with
        //# WSAEOPNOTSUPP.
        if state.multipoint == Multipoint::Receiver {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        //= docs/spec/wspsendto.md#err-shutdown
        //# After WSPShutdown with SD_SEND or SD_BOTH every send MUST fail with WSAESHUTDOWN.
        //= docs/spec/ending.md#shutdown-1
        //# After SD_SEND or SD_BOTH sends MUST fail with WSAESHUTDOWN.
        if state.send_ended {
            return Err(WsaError::WSAESHUTDOWN);
        }
        if socket.kind == Kind::Stream {
            return match state.phase {
                Phase::Connected => Ok(None),
                //= docs/spec/wspsendto.md#err-connaborted
                //# A send on a connection that a time-out or another failure on this side has ended
                //# MUST fail with WSAECONNABORTED.
                //= docs/spec/wspsendto.md#err-connreset
                //# A send on a connection that the peer has reset MUST fail with WSAECONNRESET.
                Phase::Failed(error) => Err(SocketState::<H>::later_error(error)),
                //= docs/spec/wspsendto.md#err-notconn
                //# A send on a stream socket that is not connected MUST fail with WSAENOTCONN.
                _ => Err(WsaError::WSAENOTCONN),
            };
        }
        if state.local.is_none() {
            match self.profile {
                //= docs/spec/wspsendto.md#err-inval-1
                //# Under `Documented` a send on an unbound datagram socket MUST fail with
                //# WSAEINVAL.
                //= docs/spec/wspsendto.md#dst-7
                //# Under `Documented` a send on a datagram socket that is not bound MUST leave it
                //# unbound.
                Profile::Documented => return Err(WsaError::WSAEINVAL),
                //= docs/spec/wspsendto.md#err-inval-1
                //# Under `Windows` it MUST NOT fail for that reason.
                //= docs/spec/wspsendto.md#dst-7
                //# Under `Windows` it MUST bind it to ADDR_ANY and a free port.
                //= docs/spec/wspsendto.md#err-missing
                //# MUST give WSANOTINITIALISED before WSPStartup, WSAETIMEDOUT when SO_SNDTIMEO
                Profile::Windows => self.bind_implicitly(socket, state)?,
            }
        }
        //= docs/spec/wspsendto.md#err-connreset
        //# Under `Documented` a datagram that met port unreachable MUST be reported once, as
        //# WSAECONNRESET, by the next send or the next receive, whichever comes first.
        //= docs/spec/wspsendto.md#err-connreset
        //# Under `Windows` a datagram send MUST NOT report it.
        if self.profile == Profile::Documented
            && state.options.udp_connreset
            && self.take_reset(state)
        {
            return Err(WsaError::WSAECONNRESET);
        }
        let to = match (given, state.peer) {
            //= docs/spec/wspsendto.md#dst-1
            //# On an unconnected datagram socket the datagram MUST go to `lpTo`.
            //= docs/spec/wspsendto.md#dst-2
            //# On a connected datagram socket `lpTo` MUST be the destination of that one datagram
            //# and change neither the default destination nor what WSPGetPeerName tells.
            //= docs/spec/wspsendto.md#err-isconn
            //# A destination given on a connected datagram socket MUST NOT fail with WSAEISCONN.
            (Some(raw), _) => raw.decode(socket.family)?,
            //= docs/spec/wspsendto.md#dst-3
            //# On a connected datagram socket a null `lpTo` MUST send to the default destination.
            //= docs/spec/sending.md#send-2
            //# On a connected datagram socket the datagram MUST go to the default destination.
            (None, Some(peer)) => peer,
            //= docs/spec/sending.md#send-3
            //# A datagram socket without a default destination MUST fail with WSAENOTCONN.
            (None, None) if !is_send_to => return Err(WsaError::WSAENOTCONN),
            (None, None) => {
                //= docs/spec/wspsendto.md#err-destaddrreq
                //# MUST fail: under `Documented` with WSAEDESTADDRREQ, under `Windows` with
                //# WSAENOTCONN.
                return Err(match self.profile {
                    Profile::Documented => WsaError::WSAEDESTADDRREQ,
                    Profile::Windows => WsaError::WSAENOTCONN,
                });
            }
        };
        //= docs/spec/wspsendto.md#err-addrnotavail
        //# A datagram to ADDR_ANY or to port 0 MUST fail with WSAEADDRNOTAVAIL.
        if to.ip().is_unspecified() || to.port() == 0 {
            return Err(WsaError::WSAEADDRNOTAVAIL);
        }
        //= docs/spec/wspsendto.md#err-acces
        //# A datagram whose destination, given or default, is a broadcast address MUST fail with
        //# WSAEACCES while SO_BROADCAST is off.
        //= docs/spec/options.md#setoption-7
        //# SO_BROADCAST MUST be judged when a send is called, not when its datagram goes out.
        if is_broadcast(&to) && !state.options.broadcast {
            return Err(WsaError::WSAEACCES);
        }
        Ok(Some(to))
    }

    /// Takes a pending report of port unreachable, if there is one.
    fn take_reset(&self, state: &mut SocketState<H>) -> bool {
        match state.reports.iter().position(|report| *report == WsaError::WSAECONNRESET) {
            Some(at) => state.reports.remove(at).is_some(),
            None => self.host.transport().take_reset(state.transport),
        }
    }

    /// Marks an operation as under way, for those who poll it.
    pub(super) fn store_pending(&self, op: &Overlapped) {
        let at = op.overlapped.offset(layout::overlapped::INTERNAL);
        //= docs/spec/wspsendto.md#ovl-6
        //# An operation MUST hold WSS_OPERATION_IN_PROGRESS in `Internal` before its call returns
        //# WSA_IO_PENDING.
        // Probed when the call began; who unmapped it since does not look at it either.
        let _ = self.host.memory().store_status(at, crate::spi::WSS_OPERATION_IN_PROGRESS);
    }

    /// The owner of an operation that has to wait, or what a nonblocking call gets instead.
    pub(super) fn owner_of(
        &self,
        mode: Mode,
        call: Option<Arc<BlockedCall<H>>>,
    ) -> Result<Owner<H>, WsaError> {
        match (mode, call) {
            (Mode::Overlapped(op), _) => {
                self.store_pending(&op);
                Ok(Owner::Overlapped(op))
            }
            (Mode::Blocking, Some(call)) => Ok(Owner::Blocked(call)),
            //= docs/spec/wspsendto.md#err-wouldblock-2
            //# A nonoverlapped send on a nonblocking socket that can take nothing of it now MUST
            //# fail with WSAEWOULDBLOCK.
            //= docs/spec/wspsendto.md#syn-3
            //# A nonblocking send that nothing can be taken of MUST fail with WSAEWOULDBLOCK.
            (Mode::Nonblocking, _) => Err(WsaError::WSAEWOULDBLOCK),
            //= docs/spec/results.md#result-6
            //# A function that would have to block inside another blocking call of its thread MUST
            //# fail with WSAEINPROGRESS, with nothing done.
            (Mode::Blocking, None) => Err(WsaError::WSAEINPROGRESS),
        }
    }
}

/// Whether a blocking send may have to wait: not when the send buffer takes what the transport
/// leaves over.
fn may_block<H: Host>(state: &SocketState<H>, kind: Kind, total: u32) -> bool {
    let nothing = kind == Kind::Stream && total == 0;
    !(nothing || state.admits(total as usize))
}

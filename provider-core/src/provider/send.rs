//! WSPSend and WSPSendTo: arguments, in the order in which their errors count (ERR-PRECEDENCE).

use alloc::sync::Arc;
use core::net::SocketAddr;

use crate::layout;
use crate::operation::{BlockedCall, Buffers, Done, Mode, Overlapped, Owner, SendRequest, Started};
use crate::socket::{Phase, Socket, SocketState};
use crate::spi::{MSG_DONTROUTE, MSG_OOB, MSG_PARTIAL};
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
        let socket = self.socket(args.socket)?;
        let overlapped = self.capture_overlapped(&socket, args.overlapped)?;
        self.check_count(args.bytes_sent, overlapped.is_some())?;
        let buffers = self.capture_buffers(args.buffers, args.buffer_count)?;
        buffers.probe_read(self.host.memory()).map_err(|_| WsaError::WSAEFAULT)?;
        let given = match destination {
            // A connection has its destination: lpTo and iTolen are not looked at (DST-4).
            Some(Destination { to, tolen }) if socket.kind == Kind::Datagram && !to.is_null() => {
                Some(self.capture_address(to, tolen)?)
            }
            _ => None,
        };
        self.check_send_flags(socket.kind, args.flags)?;
        if let Some(op) = &overlapped {
            self.reset_event_of(op);
        }

        let mut state = self.lock_open(&socket)?;
        let to = self.check_send_state(&socket, &mut state, given, destination.is_some())?;
        let total = self.check_length(&socket, buffers.total())?;
        let initiator = self.host.current_thread();
        let request = SendRequest { buffers, total, to, initiator };
        let (mode, call) = match overlapped {
            Some(op) => (Mode::Overlapped(op), None),
            None if state.options.nonblocking => (Mode::Nonblocking, None),
            None if may_block(&state, socket.kind, total) => {
                (Mode::Blocking, Some(self.enter_blocking()?))
            }
            None => (Mode::Blocking, None),
        };
        let timeout_ms = state.options.send_timeout_ms;
        let started = self.start_send(&socket, &mut state, request, mode, call.clone());
        self.deliver_own(&socket, state, Done::at_once(mode, initiator, started));
        self.finish_call(&socket, started, call, timeout_ms, args.bytes_sent, UserPtr::NULL)
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
                let end = self.wait_for_end(socket, &call, self.deadline(timeout_ms))?;
                (end.bytes, end.flags)
            }
            (Ok(Started::Pending), None) => return Err(WsaError::WSA_IO_PENDING),
            (Ok(Started::Now(bytes, flag_bits)), call) => {
                self.leave(call);
                (bytes, flag_bits)
            }
            (Err(error), call) => {
                self.leave(call);
                return Err(error);
            }
        };
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
    /// for it and with a structure (OVL-1 to OVL-4). Everything is captured by value (APC-5).
    ///
    /// # Errors
    /// WSAEFAULT for a structure or a thread id that is not there (ERR-FAULT-5, APC-13).
    pub(super) fn capture_overlapped(
        &self,
        socket: &Socket<H>,
        args: OverlappedArgs,
    ) -> Result<Option<Overlapped>, WsaError> {
        if !socket.overlapped || args.overlapped.is_null() {
            return Ok(None);
        }
        let memory = self.host.memory();
        memory
            .probe_write(args.overlapped, layout::overlapped::SIZE)
            .map_err(|_| WsaError::WSAEFAULT)?;
        let mut thread_id = [0; layout::thread_id::SIZE];
        if args.routine != Routine::NULL {
            memory.read(args.thread_id, &mut thread_id).map_err(|_| WsaError::WSAEFAULT)?;
        }
        Ok(Some(Overlapped {
            overlapped: args.overlapped,
            routine: args.routine,
            thread_id: ThreadId::decode(&thread_id),
        }))
    }

    /// An operation without a routine resets its event before it starts (EVT-4), with no lock
    /// held. A handle that is no event is no reason to fail (EVT-8).
    pub(super) fn reset_event_of(&self, op: &Overlapped) {
        if op.routine.is_null()
            && let Some(event) = self.event_of(op.overlapped)
        {
            let _ = self.host.reset_event(event);
        }
    }

    /// The count may be left out of an overlapped call only (RET-10).
    pub(super) fn check_count(&self, count: UserPtr, overlapped: bool) -> Result<(), WsaError> {
        if count.is_null() && overlapped {
            return Ok(());
        }
        self.host.memory().probe_write(count, 4).map_err(|_| WsaError::WSAEFAULT)
    }

    pub(super) fn capture_buffers(&self, array: UserPtr, count: u32) -> Result<Buffers, WsaError> {
        Buffers::capture(self.host.memory(), array, count).map_err(|_| WsaError::WSAEFAULT)
    }

    /// The length of a send, in a word. A datagram fits its transport or is not sent at all; a
    /// stream send cannot be longer than its count can tell (BUF-10).
    fn check_length(&self, socket: &Socket<H>, total: u64) -> Result<u32, WsaError> {
        let (most, error) = match socket.kind {
            Kind::Datagram => {
                let most = self.host.transport().datagram_max(socket.family);
                (most as u64, WsaError::WSAEMSGSIZE)
            }
            Kind::Stream => (u64::from(u32::MAX), WsaError::WSAENOBUFS),
        };
        if total > most { Err(error) } else { Ok(total as u32) }
    }

    fn check_send_flags(&self, kind: Kind, flags: u32) -> Result<(), WsaError> {
        if flags & MSG_OOB != 0 || flags & MSG_PARTIAL != 0 {
            // Neither kind of transport has them: a datagram has no out-of-band data, and this
            // stream transport carries none (ERR-OPNOTSUPP-1 to 3).
            debug_assert!(matches!(kind, Kind::Datagram | Kind::Stream));
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        if flags & !MSG_DONTROUTE != 0 {
            return Err(self.unknown_flags());
        }
        Ok(())
    }

    /// What a flag outside the function's list gives (FLAG-6).
    pub(super) fn unknown_flags(&self) -> WsaError {
        match self.profile {
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
        if state.send_ended {
            return Err(WsaError::WSAESHUTDOWN);
        }
        if socket.kind == Kind::Stream {
            return match state.phase {
                Phase::Connected => Ok(None),
                Phase::Failed(error) => Err(SocketState::<H>::later_error(error)),
                _ => Err(WsaError::WSAENOTCONN),
            };
        }
        if state.local.is_none() {
            match self.profile {
                Profile::Documented => return Err(WsaError::WSAEINVAL),
                Profile::Windows => self.bind_implicitly(socket, state)?,
            }
        }
        if self.profile == Profile::Documented
            && state.options.udp_connreset
            && self.host.transport().take_reset(state.transport)
        {
            return Err(WsaError::WSAECONNRESET);
        }
        let to = match (given, state.peer) {
            (Some(raw), _) => raw.decode(socket.family)?,
            (None, Some(peer)) => peer,
            (None, None) if !is_send_to => return Err(WsaError::WSAENOTCONN),
            (None, None) => {
                return Err(match self.profile {
                    Profile::Documented => WsaError::WSAEDESTADDRREQ,
                    Profile::Windows => WsaError::WSAENOTCONN,
                });
            }
        };
        if to.ip().is_unspecified() || to.port() == 0 {
            return Err(WsaError::WSAEADDRNOTAVAIL);
        }
        if is_broadcast(&to) && !state.options.broadcast {
            return Err(WsaError::WSAEACCES);
        }
        Ok(Some(to))
    }

    /// Marks an operation as under way, for those who poll it (OVL-6).
    pub(super) fn store_pending(&self, op: &Overlapped) {
        let at = op.overlapped.offset(layout::overlapped::INTERNAL);
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
            (Mode::Blocking, None) | (Mode::Nonblocking, _) => Err(WsaError::WSAEWOULDBLOCK),
        }
    }
}

/// Whether a blocking send may have to wait: not when the send buffer takes what the transport
/// leaves over.
fn may_block<H: Host>(state: &SocketState<H>, kind: Kind, total: u32) -> bool {
    let nothing = kind == Kind::Stream && total == 0;
    !(nothing || state.admits(total as usize))
}

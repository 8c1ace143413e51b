//! WSPSend and WSPSendTo: arguments, in the order in which their errors count (ERR-PRECEDENCE).

mod checks;
mod drain;
mod start;

pub(super) use start::{CHUNK, is_fatal};

use crate::operation::{Mode, SendRequest};
use crate::socket::{Opened, SocketState};
use crate::spi::MSG_OOB;
use crate::{Host, Kind, OverlappedArgs, SocketHandle, UserPtr, WsaError};

use super::Provider;

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
        self.reenable_refused(&socket, &result);
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
}

/// Whether a blocking send may have to wait: not when the send buffer takes what the transport
/// leaves over.
fn may_block<H: Host>(state: &SocketState<H>, kind: Kind, total: u32) -> bool {
    let nothing = kind == Kind::Stream && total == 0;
    !(nothing || state.admits(total as usize))
}

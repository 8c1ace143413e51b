//! Draining a socket's send side when the transport has room again: buffer first, then the queue.

use crate::operation::CallEnd;
use crate::socket::{Front, Phase, Socket, SocketState};
use crate::{Host, Kind, Transport, WsaError};

use super::super::Provider;
use super::start::is_fatal;

/// After how long a send that met WSAENOBUFS is tried again.
const RETRY_NS: u64 = 10_000_000;

/// Why draining stopped.
#[derive(PartialEq, Eq)]
enum Drained {
    /// Nothing is left.
    Empty,
    /// The transport takes no more for now; it will tell, or a timer will.
    NoRoom,
}

impl<H: Host> Provider<H> {
    /// Passes on what waits to be sent, in order, as far as the transport takes it; takes queued
    /// sends into the buffer where its rule lets them in; ends the send half once all is out.
    pub(in super::super) fn drain_sends(&self, socket: &Socket<H>, state: &mut SocketState<H>) {
        if state.transport_closed
            || (socket.kind == Kind::Stream
                && !matches!(state.phase, Phase::Connected | Phase::Closed))
        {
            return;
        }
        let was_waiting = !state.send_idle();
        let drained = match socket.kind {
            Kind::Stream => self.drain_stream(state),
            Kind::Datagram => self.drain_datagrams(state),
        };
        if drained == Drained::NoRoom {
            self.admit_sends(state);
        }
        self.end_send_half(socket.kind, state);
        if was_waiting || state.phase == Phase::Closed {
            state.notify_watchers();
        }
    }

    fn drain_stream(&self, state: &mut SocketState<H>) -> Drained {
        let transport = self.host.transport();
        loop {
            let result = if !state.buffer.is_empty() {
                let sent = match state.buffer.front_stream() {
                    Front::Bytes(bytes) => transport.try_send(state.transport, bytes),
                    Front::Urgent(byte) => {
                        transport.try_send_urgent(state.transport, byte).map(|()| 1)
                    }
                };
                sent.map(|taken| state.buffer.consume_stream(taken))
            } else if let Some(mut op) = state.sends.pop_front() {
                match self.offer_piece(state, &op.request, op.consumed) {
                    Ok(taken) => {
                        op.consumed += taken;
                        if op.consumed == op.request.total {
                            //= docs/spec/wspsendto.md#ovl-9
                            //# Completion MUST NOT be indicated before the operation's buffers have
                            //# been consumed.
                            let end = CallEnd::success(op.consumed);
                            state.finish(op.owner, op.request.initiator, end);
                        } else {
                            state.sends.push_front(op);
                        }
                        Ok(())
                    }
                    Err(error) if is_no_room(error) || is_fatal(error) => {
                        state.sends.push_front(op);
                        Err(error)
                    }
                    Err(error) => {
                        // This send ends; those behind it go on.
                        let end = CallEnd::failure(error, op.consumed);
                        state.finish(op.owner, op.request.initiator, end);
                        Ok(())
                    }
                }
            } else {
                return Drained::Empty;
            };
            match result {
                Ok(()) => {}
                Err(WsaError::WSAEWOULDBLOCK) => return Drained::NoRoom,
                Err(error) if is_fatal(error) => {
                    state.untold = state.sends.is_empty() && state.awaits_nothing();
                    state.fail(error);
                    return Drained::Empty;
                }
                //= docs/spec/wspsendto.md#err-nobufs
                //# A pended stream send that meets WSAENOBUFS MUST be tried again until it goes
                //# out.
                Err(_) => {
                    self.arm_retry(state);
                    return Drained::NoRoom;
                }
            }
        }
    }

    fn drain_datagrams(&self, state: &mut SocketState<H>) -> Drained {
        let transport = self.host.transport();
        loop {
            let mut stage = core::mem::take(&mut state.stage);
            if let Some((datagram, to)) = state.buffer.front_datagram(&mut stage) {
                let sent = transport.try_send_to(state.transport, datagram, to);
                state.stage = stage;
                match sent {
                    Err(error) if is_no_room(error) => {
                        if error != WsaError::WSAEWOULDBLOCK {
                            self.arm_retry(state);
                        }
                        return Drained::NoRoom;
                    }
                    //= docs/spec/wspsendto.md#dst-10
                    //# A datagram that is lost on its way MUST NOT change the success that its send
                    //# reported.
                    Ok(()) | Err(_) => state.buffer.pop_datagram(),
                }
                continue;
            }
            state.stage = stage;
            let Some(op) = state.sends.pop_front() else { return Drained::Empty };
            let len = op.request.total as usize;
            //= docs/spec/wspsendto.md#ord-6
            //# The order of datagrams MUST hold where they are handed to the transport.
            let sent = self.gather(state, &op.request, 0, len).and_then(|()| match op.request.to {
                Some(to) => transport.try_send_to(state.transport, &state.stage[..len], to),
                None => Err(WsaError::WSAEDESTADDRREQ),
            });
            let end = match sent {
                Err(WsaError::WSAEWOULDBLOCK) => {
                    state.sends.push_front(op);
                    return Drained::NoRoom;
                }
                //= docs/spec/wspsendto.md#err-nobufs
                //# A pended datagram that meets WSAENOBUFS MUST end with it.
                Err(error) => CallEnd::failure(error, 0),
                Ok(()) => CallEnd::success(op.request.total),
            };
            state.finish(op.owner, op.request.initiator, end);
        }
    }

    /// Takes queued sends into the buffer, in order, as long as its rule lets them in; they are
    /// complete then.
    fn admit_sends(&self, state: &mut SocketState<H>) {
        //= docs/spec/wspsendto.md#ovl-14
        //# Any other send MUST complete when the quota or that count lets it in.
        let quota = state.options.send_buffer as usize;
        while let Some(op) = state.sends.pop_front() {
            let rest = (op.request.total - op.consumed) as usize;
            if !state.buffer.admits(rest, quota) {
                state.sends.push_front(op);
                return;
            }
            let end = match self.fill_buffer(state, &op.request, op.consumed, rest) {
                Ok(()) => CallEnd::success(op.request.total),
                Err(error) => CallEnd::failure(error, op.consumed),
            };
            state.finish(op.owner, op.request.initiator, end);
        }
    }

    /// WSAENOBUFS is followed by no readiness: a timer tries again.
    pub(in super::super) fn arm_retry(&self, state: &mut SocketState<H>) {
        if !state.retry_armed {
            state.retry_armed = true;
            self.host.set_timer(state.token, self.host.now_ns() + RETRY_NS);
        }
    }
}

/// Whether an error means that the same send may go later.
pub(in super::super) fn is_no_room(error: WsaError) -> bool {
    matches!(error, WsaError::WSAEWOULDBLOCK | WsaError::WSAENOBUFS | WsaError::WSAENETDOWN)
}

//! WSPCloseSocket, in its three forms of linger.

use alloc::sync::Arc;

use crate::operation::{BlockedCall, Owner};
use crate::socket::{Linger, Opened, Phase, Socket, SocketState};
use crate::{Host, Kind, SocketHandle, Transport, WsaError};

use super::Provider;

impl<H: Host> Provider<H> {
    pub(super) fn close_socket(&self, handle: SocketHandle) -> Result<(), WsaError> {
        self.close_opened(&self.socket(handle)?)
    }

    /// The same, of a descriptor that was looked up: its handle may be another's by now.
    pub(super) fn close_opened(&self, socket: &Opened<H>) -> Result<(), WsaError> {
        let mut state = self.lock_open(socket)?;
        if !state.descriptors.is_last(socket.descriptor) {
            //= docs/spec/sockets.md#duplicate-5
            //# Closing one descriptor MUST NOT close the socket for the others, nor end operations
            //# that were started through them.
            self.close_descriptor(socket, &mut state);
            self.deliver(socket, state);
            return Ok(());
        }
        let linger = match socket.kind {
            Kind::Stream => state.options.linger,
            Kind::Datagram => Linger::Graceful,
        };
        let connected = state.phase == Phase::Connected;
        //= docs/spec/ending.md#close-10
        //# A socket of SOCK_DGRAM MUST be closed without lingering.
        if let Linger::Wait(seconds) = linger
            && connected
        {
            if !state.options.nonblocking {
                //= docs/spec/ending.md#close-4
                //# Under SO_LINGER with another time-out the call MUST block on a blocking socket
                //# until all is acknowledged, and reset the connection when the time-out has
                //# passed.
                let call = match self.enter_blocking() {
                    Ok(call) => Some(call),
                    // All that is left is the FIN's acknowledgment, for which nobody waits then.
                    Err(_) if self.is_drained(&state) => None,
                    // The handle remains valid: nothing has happened.
                    Err(error) => return Err(error),
                };
                self.close_now(socket, &mut state);
                return self.linger(socket, state, seconds, call.as_ref());
            }
            if !self.is_drained(&state) {
                //= docs/spec/ending.md#close-5
                //# Under SO_LINGER with another time-out the call MUST fail on a nonblocking socket
                //# with WSAEWOULDBLOCK while not all is acknowledged, with nothing done.
                // The handle remains valid: nothing has happened.
                return Err(WsaError::WSAEWOULDBLOCK);
            }
        }
        //= docs/spec/ending.md#close-2
        //# Under SO_DONTLINGER the call MUST return at once, and what was accepted MUST still be
        //# sent.
        self.close_now(socket, &mut state);
        if linger == Linger::Abort && connected {
            //= docs/spec/ending.md#close-3
            //# Under SO_LINGER with a time-out of 0 the call MUST reset the connection and drop
            //# what is unsent.
            self.abort(&mut state);
        } else if socket.kind == Kind::Stream && !connected {
            // Nothing can be under way in an orderly manner.
            state.buffer.clear();
        }
        self.deliver(socket, state);
        Ok(())
    }

    /// One of several descriptors is closed: what was started through it ends, and is told through
    /// it. The socket and what was started through the others go on.
    fn close_descriptor(&self, socket: &Opened<H>, state: &mut SocketState<H>) {
        let descriptor = socket.descriptor;
        state.descriptors.close(descriptor);
        let mine = |owner: &Owner<H>| owner.descriptor() == Some(descriptor);
        let aborted = WsaError::WSA_OPERATION_ABORTED;
        state.end_sends(aborted, false, |op| mine(&op.owner));
        state.end_receives(aborted, false, |op| mine(&op.owner));
        // A message would name a SOCKET that is gone; an event is the socket's.
        if state.events.selection().is_some_and(|selection| selection.names(descriptor.handle)) {
            state.events.cancel();
        }
        // Calls that block through it look whether it is open.
        state.notify_watchers();
        // What was queued behind its sends may be able to go now.
        self.drain_sends(socket, state);
    }

    /// The socket is closed for the client: what pends ends, and is told (CXL-1); blocked calls
    /// return (CXL-2). Data consumed before stays, to be sent.
    fn close_now(&self, socket: &Opened<H>, state: &mut SocketState<H>) {
        state.phase = Phase::Closed;
        //= docs/spec/ending.md#close-1
        //# After the call the descriptor MUST be no socket any more.
        //= docs/spec/sockets.md#duplicate-6
        //# Closing the last descriptor MUST close the socket.
        state.descriptors.close(socket.descriptor);
        //= docs/spec/wspsendto.md#cxl-2
        //# No notification of network events MUST come after it.
        // Not even FD_CLOSE.
        state.events.cancel();
        //= docs/spec/wspsendto.md#cxl-1
        //# WSPCloseSocket MUST end the socket's pending operations with WSA_OPERATION_ABORTED, and
        //# each MUST be indicated by its routine, its event or its status.
        //= docs/spec/ending.md#close-7
        //# Pending operations MUST end with WSA_OPERATION_ABORTED, each with its indication.
        state.end_sends(WsaError::WSA_OPERATION_ABORTED, false, |_| true);
        state.end_receives(WsaError::WSA_OPERATION_ABORTED, false, |_| true);
        //= docs/spec/ending.md#close-8
        //# Calls that block on the socket in other threads MUST end.
        state.notify_watchers();
        self.refuse_waiting(state);
    }

    fn abort(&self, state: &mut SocketState<H>) {
        state.buffer.clear();
        if !state.transport_closed {
            state.transport_closed = true;
            self.host.transport().close(state.transport, true);
        }
    }

    fn is_drained(&self, state: &SocketState<H>) -> bool {
        state.send_idle() && self.host.transport().is_drained(state.transport)
    }

    /// Waits until everything was acknowledged, or resets the connection when that takes too long.
    fn linger(
        &self,
        socket: &Arc<Socket<H>>,
        mut state: crate::socket::StateGuard<'_, H>,
        seconds: u16,
        call: Option<&Arc<BlockedCall<H>>>,
    ) -> Result<(), WsaError> {
        state.send_ended = true;
        self.end_send_half(socket.kind, &mut state);
        let Some(call) = call else {
            self.deliver(socket, state);
            return Ok(());
        };
        let deadline = self.deadline(u32::from(seconds) * 1000);
        state.lingering = Some(self.host.current_thread());
        // The state is let go inside, so pending owners are told before the wait.
        drop(state);
        let waited = self.watch_entered(socket, call, deadline, |state| {
            (state.transport_closed || self.is_drained(state)).then_some(Ok(()))
        });
        let mut state = socket.lock();
        state.lingering = None;
        if waited == Err(WsaError::WSAETIMEDOUT) {
            self.abort(&mut state);
        }
        self.deliver(socket, state);
        match waited {
            //= docs/spec/ending.md#close-6
            //# A lingering call that is cancelled MUST fail with WSAEINTR, with the descriptor
            //# closed.
            Err(WsaError::WSAEINTR) => Err(WsaError::WSAEINTR),
            _ => Ok(()),
        }
    }
}

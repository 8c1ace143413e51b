//! Recording what is selected and happened, and telling it.

use alloc::sync::Arc;

use crate::socket::{Notice, Socket, SocketState, StateGuard};
use crate::spi::{FD_ACCEPT, FD_CLOSE, FD_OOB, FD_READ, FD_WRITE};
use crate::{Host, WsaError};

use super::super::Provider;
use super::readiness::Arrival;

impl<H: Host> Provider<H> {
    /// Records the selected events whose conditions hold now. Done before the lock is let go after
    /// any change, so that nothing comes between a call that re-enables and the look (B17).
    pub(in super::super) fn settle(&self, socket: &Socket<H>, state: &mut SocketState<H>) {
        if !state.events.is_active() {
            return;
        }
        //= docs/spec/notification.md#eventselect-6
        //# A condition that holds when the call is made MUST be recorded at once.
        //= docs/spec/notification.md#asyncselect-6
        //# A condition that holds when the call is made MUST be posted at once.
        if state.events.take_look() {
            self.look(socket, state);
        }
        //= docs/spec/notification.md#eventselect-9
        //# After a send that failed with WSAEWOULDBLOCK, FD_WRITE MUST be recorded once when a send
        //# may succeed again.
        if state.events.wants_room() && self.can_send(socket, state) {
            state.events.happened(FD_WRITE, None);
        }
    }

    fn look(&self, socket: &Socket<H>, state: &mut SocketState<H>) {
        //= docs/spec/notification.md#eventselect-11
        //# FD_ACCEPT MUST be recorded when a connection waits, and enabled again by WSPAccept.
        if state.events.wants(FD_ACCEPT) && self.connection_waits(socket, state) {
            state.events.happened(FD_ACCEPT, None);
        }
        //= docs/spec/notification.md#eventselect-14
        //# FD_OOB MUST be recorded when urgent data arrives that is not received in line.
        if state.events.wants(FD_OOB) && self.urgent_waits(state) {
            state.events.happened(FD_OOB, None);
        }
        if state.events.wants(FD_READ | FD_CLOSE) {
            match self.arrival(socket, state) {
                //= docs/spec/notification.md#eventselect-7
                //# After FD_READ a receive MUST enable it again: it is recorded again when data is
                //# left or arrives.
                Arrival::Data => state.events.happened(FD_READ, None),
                //= docs/spec/notification.md#eventselect-13
                //# FD_CLOSE MUST be recorded when the peer has ended the connection or it has
                //# failed, with 0 or its error code.
                Arrival::End => state.events.happened(FD_CLOSE, None),
                Arrival::Failure(error) => state.events.happened(FD_CLOSE, Some(closing(error))),
                Arrival::Nothing | Arrival::Refusal => {}
            }
        }
    }

    /// Makes the upcalls that are due, each with the lock let go; one thread at a time, so that
    /// messages are posted in order.
    pub(in super::super) fn tell_notices<'a>(
        &self,
        socket: &'a Socket<H>,
        mut state: StateGuard<'a, H>,
    ) -> StateGuard<'a, H> {
        while let Some(notice) = state.events.next_notice() {
            drop(state);
            let posted = self.make(notice);
            state = socket.lock();
            if posted {
                state.events.told();
            } else if state.events.not_posted(notice) {
                self.arm_retry(&mut state);
            }
        }
        state
    }

    /// Whether it was made: only a message may go later.
    fn make(&self, notice: Notice) -> bool {
        match notice {
            //= docs/spec/notification.md#eventselect-1
            //# When one of the network events in `lNetworkEvents` occurs, it MUST be recorded and
            //# the event object set.
            Notice::Set(event) => {
                // An event that the client has closed is nobody's any more.
                let _ = self.host.set_event(event);
                true
            }
            //= docs/spec/notification.md#asyncselect-1
            //# MUST be posted to `hWnd` with WPUPostMessage: the socket in wParam, the network
            //# event and its error code in lParam.
            Notice::Post { window, message, wparam, lparam } => {
                self.host.post_message(window, message, wparam, lparam)
            }
        }
    }

    /// A function that re-enables `events` was called.
    pub(in super::super) fn reenable(&self, socket: &Arc<Socket<H>>, events: i32) {
        let mut state = socket.lock();
        state.events.reenable(events);
        self.deliver(socket, state);
    }

    /// The same for a send that failed, perhaps before it got to where the others do: FD_WRITE is
    /// told once all the same, when it is due.
    pub(in super::super) fn reenable_refused(
        &self,
        socket: &Arc<Socket<H>>,
        result: &Result<(), WsaError>,
    ) {
        //= docs/spec/notification.md#asyncselect-8
        //# FD_WRITE MUST be enabled again by WSPSend and WSPSendTo, and FD_READ by WSPRecv and
        //# WSPRecvFrom, also when they fail.
        if !matches!(result, Ok(()) | Err(WsaError::WSA_IO_PENDING | WsaError::WSAEWOULDBLOCK)) {
            self.reenable(socket, FD_WRITE);
        }
    }

    /// Lets who waits or is to be told look again: something may have arrived or ended.
    pub(in super::super) fn stir(state: &mut SocketState<H>) {
        state.events.stir();
        state.notify_watchers();
    }
}

/// What FD_CLOSE has for the end of a connection: reset by the peer, or terminated for any other
/// reason.
fn closing(error: WsaError) -> WsaError {
    match error {
        WsaError::WSAECONNRESET | WsaError::WSAENETDOWN => error,
        _ => WsaError::WSAECONNABORTED,
    }
}

//! WSPCancelBlockingCall, and the cancellation of all that a thread started when it exits.

use crate::operation::Owner;
use crate::{Host, ThreadKey, WsaError};

use super::Provider;

impl<H: Host> Provider<H> {
    /// Cancels the blocked call of the running thread, from a routine in its wait (CXL-4).
    ///
    /// # Errors
    /// WSAEINVAL when the thread is not blocked.
    pub(super) fn cancel_blocking_call(&self) -> Result<(), WsaError> {
        if !self.is_started() {
            return Err(WsaError::WSANOTINITIALISED);
        }
        let thread = self.host.current_thread();
        let call = self.blocked.of(thread).ok_or(WsaError::WSAEINVAL)?;
        call.cancel();
        self.host.signal(&call.signal);
        Ok(())
    }

    /// A thread ended: all I/O that it started is cancelled. Events are set, statuses stored;
    /// routines never run (CXL-5). A call that it was blocked in vanishes with it.
    pub(super) fn thread_exited(&self, thread: ThreadKey) {
        self.blocked.leave(thread);
        self.apcs.lock().retain(|context| context.thread != thread);
        for socket in self.sockets.all() {
            socket.gate.lock().forget(thread);
            let mut state = socket.lock();
            state.watchers.retain(|call| call.thread != thread);
            state.end_sends(WsaError::WSA_OPERATION_ABORTED, false, |op| {
                op.request.initiator == thread
            });
            state.end_receives(WsaError::WSA_OPERATION_ABORTED, false, |op| {
                op.request.initiator == thread
            });
            state.done.retain(|done| {
                !(done.initiator == thread && matches!(done.owner, Owner::Blocked(_)))
            });
            // What waited behind its sends may be able to go now.
            self.drain_sends(&socket, &mut state);
            self.deliver(&socket, state);
        }
    }
}

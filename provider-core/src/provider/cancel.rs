//! WSPCancelBlockingCall, and the cancellation of all that a thread started when it exits.

use crate::operation::Owner;
use crate::spi::FD_ACCEPT;
use crate::{Host, ThreadKey, WsaError};

use super::Provider;

impl<H: Host> Provider<H> {
    /// Cancels the blocked call of the running thread, from a routine in its wait or from the
    /// blocking hook.
    ///
    /// # Errors
    /// WSAEINVAL when the thread is not blocked.
    pub(super) fn cancel_blocking_call(&self) -> Result<(), WsaError> {
        if !self.is_started() {
            return Err(WsaError::WSANOTINITIALISED);
        }
        //= docs/spec/wspsendto.md#cxl-4
        //# WSPCancelBlockingCall MUST act on the blocked call of its own thread only.
        //= docs/spec/overlapped.md#cancel-2
        //# Without a blocked call in the thread the function MUST fail with WSAEINVAL.
        //= docs/spec/overlapped.md#cancel-3
        //# The function MUST work inside a completion routine that runs in the blocked call's wait,
        //# and inside the blocking hook.
        let thread = self.host.current_thread();
        let call = self.blocked.of(thread).filter(|call| call.cancellable);
        let call = call.ok_or(WsaError::WSAEINVAL)?;
        //= docs/spec/overlapped.md#cancel-1
        //# The blocked call of the calling thread MUST end with WSAEINTR as soon as it can.
        call.cancel();
        self.host.signal(&call.signal);
        Ok(())
    }

    /// A thread ended: all I/O that it started is cancelled. Events are set, statuses stored;
    /// routines never run. A call that it was blocked in vanishes with it.
    pub(super) fn thread_exited(&self, thread: ThreadKey) {
        self.blocked.leave(thread);
        //= docs/spec/wspsendto.md#cxl-5
        //# When a thread exits, the operations that it started MUST be cancelled: status stored,
        //# event set, and no routine run.
        self.apcs.lock().retain(|context| context.thread != thread);
        for socket in self.all_sockets() {
            socket.gate.lock().forget(thread);
            let mut state = socket.lock();
            state.watchers.retain(|call| call.thread != thread);
            if state.lingering == Some(thread) {
                state.lingering = None;
            }
            state.end_sends(WsaError::WSA_OPERATION_ABORTED, false, |op| {
                op.request.initiator == thread
            });
            state.end_receives(WsaError::WSA_OPERATION_ABORTED, false, |op| {
                op.request.initiator == thread
            });
            if state.waiting.abandon(thread) {
                // Its WSPAccept does not come to enable that again.
                state.events.reenable(FD_ACCEPT);
                state.notify_watchers();
            }
            state.done.retain(|done| {
                !(done.initiator == thread && matches!(done.owner, Owner::Blocked(_)))
            });
            // What waited behind its sends may be able to go now.
            self.drain_sends(&socket, &mut state);
            self.deliver(&socket, state);
        }
    }
}

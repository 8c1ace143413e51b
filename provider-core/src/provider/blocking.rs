//! Calls that block their thread: entering, waiting alertably, and every way out.

use alloc::sync::Arc;

use crate::operation::{BlockedCall, CallEnd, Owner};
use crate::socket::{Descriptor, Socket, SocketState};
use crate::{Host, Kind, ThreadKey, Transport, WaitEnd, WsaError};

use super::Provider;

/// How long a blocking call rests between two calls of the blocking hook.
const HOOK_EVERY_NS: u64 = 50_000_000;

impl<H: Host> Provider<H> {
    /// Enters a call that may block; [`Self::leave_blocking`] ends it.
    ///
    /// # Errors
    /// WSAEINPROGRESS when the thread is blocked already, and this is a routine run inside that.
    pub(super) fn enter_blocking(&self) -> Result<Arc<BlockedCall<H>>, WsaError> {
        self.enter(true, None)
    }

    /// The same, for a call whose operation ends when `descriptor` is closed.
    pub(super) fn enter_blocking_on(
        &self,
        descriptor: Descriptor,
    ) -> Result<Arc<BlockedCall<H>>, WsaError> {
        self.enter(true, Some(descriptor))
    }

    /// The same, for a call that nothing, or not every thing, may end.
    ///
    /// # Errors
    /// As [`Self::enter_blocking`].
    pub(super) fn enter(
        &self,
        cancellable: bool,
        descriptor: Option<Descriptor>,
    ) -> Result<Arc<BlockedCall<H>>, WsaError> {
        let (thread, signal) = (self.host.current_thread(), self.host.new_signal());
        let call = BlockedCall::new(thread, signal, cancellable, descriptor);
        self.blocked.enter(&call)?;
        Ok(call)
    }

    /// Rests, in a call that was entered, until it is signalled, APCs have run or `deadline` has
    /// passed. Every blocking call waits here, and none holds a lock then.
    ///
    /// Where the thread has a blocking hook, that is called at once and again between short waits.
    /// When it returns FALSE the call is cancelled, and so is the wait. Only the wait of
    /// WSPGetOverlappedResult does without: it is one for an event object, and has no WSAEINTR.
    pub(super) fn block(&self, call: &BlockedCall<H>, deadline: Option<u64>) -> WaitEnd {
        //= docs/spec/wspsendto.md#syn-5
        //# Where the host gives a blocking hook, a send that blocks MUST call it while it waits.
        //# Without one it MUST wait in the host.
        //= docs/spec/wspsendto.md#syn-6
        //# A send that blocks MUST wait alertably, so that completion routines of its thread run
        //# meanwhile.
        let hook = if call.cancellable { self.host.blocking_hook() } else { None };
        let Some(hook) = hook else { return self.host.wait(&call.signal, deadline) };
        loop {
            //= docs/spec/wspsendto.md#err-intr
            //# A blocking send that is cancelled by WSPCancelBlockingCall, or whose blocking hook
            //# returns FALSE, MUST fail with WSAEINTR.
            if !self.host.call_blocking_hook(hook) {
                call.cancel();
                return WaitEnd::Signalled;
            }
            let next = self.host.now_ns() + HOOK_EVERY_NS;
            let until = deadline.map_or(next, |deadline| deadline.min(next));
            let why = self.host.wait(&call.signal, Some(until));
            if why != WaitEnd::TimedOut || deadline == Some(until) {
                return why;
            }
        }
    }

    pub(super) fn leave_blocking(&self, thread: ThreadKey) {
        self.blocked.leave(thread);
    }

    /// When a blocking call that starts now gives up; `timeout_ms` 0 means never.
    pub(super) fn deadline(&self, timeout_ms: u32) -> Option<u64> {
        (timeout_ms > 0).then(|| self.host.now_ns() + u64::from(timeout_ms) * 1_000_000)
    }

    /// Waits until the operation of `call`, queued on `socket`, has ended, and leaves the call.
    ///
    /// A cancellation or a time-out takes the operation out of its queue; where it ended in the
    /// meantime, that end counts (CXL-4).
    pub(super) fn wait_for_end(
        &self,
        socket: &Arc<Socket<H>>,
        call: &Arc<BlockedCall<H>>,
        deadline: Option<u64>,
    ) -> Result<CallEnd, WsaError> {
        let end = loop {
            //= docs/spec/wspsendto.md#cxl-4
            //# Where that call has ended in the meantime, its own end MUST count.
            //= docs/spec/overlapped.md#cancel-4
            //# A blocked call that has ended in the meantime MUST give its own result.
            let why = self.block(call, deadline);
            if let Some(end) = call.end() {
                break end;
            }
            //= docs/spec/receiving.md#recv-30
            //# A blocking call that is cancelled, or whose socket is closed, MUST fail with
            //# WSAEINTR.
            let error = if call.is_cancelled() {
                WsaError::WSAEINTR
            } else if why == WaitEnd::TimedOut {
                WsaError::WSAETIMEDOUT
            } else {
                continue;
            };
            let mut state = socket.lock();
            self.retract(socket, &mut state, call, error);
            self.deliver(socket, state);
        };
        self.leave_blocking(call.thread);
        match end.error {
            None => Ok(end),
            Some(error) => Err(error),
        }
    }

    /// Takes the operation of `call` out of its queue, if it is still there.
    fn retract(
        &self,
        socket: &Socket<H>,
        state: &mut SocketState<H>,
        call: &Arc<BlockedCall<H>>,
        error: WsaError,
    ) {
        let is_this = |owner: &Owner<H>| matches!(owner, Owner::Blocked(c) if Arc::ptr_eq(c, call));
        let mut torn = false;
        state.end_sends(error, false, |op| {
            let found = is_this(&op.owner);
            torn |= found && op.consumed > 0;
            found
        });
        state.end_receives(error, false, |op| is_this(&op.owner));
        if torn && error == WsaError::WSAEINTR && socket.kind == Kind::Stream {
            //= docs/spec/overlapped.md#cancel-6
            //# A stream of which a cancelled send has sent a part MUST be reset, and fail every
            //# later call with WSAECONNABORTED.
            // A cancelled send left part of its data behind: the stream is damaged, and says
            // WSAECONNABORTED from now on instead of carrying on in the middle (CXL-4).
            self.host.transport().close(state.transport, true);
            state.transport_closed = true;
            state.fail(WsaError::WSAECONNABORTED);
        }
        // What was queued behind it may be able to go now.
        self.drain_sends(socket, state);
    }

    /// Blocks until `look` finds what it waits for. It is asked again after every change of the
    /// socket that [`SocketState::notify_watchers`] tells.
    pub(super) fn watch<T>(
        &self,
        socket: &Arc<Socket<H>>,
        deadline: Option<u64>,
        look: impl FnMut(&mut SocketState<H>) -> Option<Result<T, WsaError>>,
    ) -> Result<T, WsaError> {
        let call = self.enter_blocking()?;
        self.watch_entered(socket, &call, deadline, look)
    }

    /// The same, for a call that has entered already: what it started must not be refused after.
    pub(super) fn watch_entered<T>(
        &self,
        socket: &Arc<Socket<H>>,
        call: &Arc<BlockedCall<H>>,
        deadline: Option<u64>,
        mut look: impl FnMut(&mut SocketState<H>) -> Option<Result<T, WsaError>>,
    ) -> Result<T, WsaError> {
        let mut why = WaitEnd::Signalled;
        let result = loop {
            let mut state = socket.lock();
            let found = look(&mut state).or_else(|| {
                if call.is_cancelled() {
                    Some(Err(WsaError::WSAEINTR))
                } else if why == WaitEnd::TimedOut {
                    Some(Err(WsaError::WSAETIMEDOUT))
                } else {
                    None
                }
            });
            let watching = state.watchers.iter().position(|c| Arc::ptr_eq(c, call));
            match found {
                Some(result) => {
                    if let Some(at) = watching {
                        state.watchers.swap_remove(at);
                    }
                    self.deliver(socket, state);
                    break result;
                }
                None => {
                    if watching.is_none() {
                        state.watchers.push(call.clone());
                    }
                    self.deliver(socket, state);
                    why = self.block(call, deadline);
                }
            }
        };
        self.leave_blocking(call.thread);
        result
    }

    /// WSPCleanup waits for a closed socket to pass its data on, and for whoever is telling an
    /// owner of it just now. What is left at `deadline_ns` is dropped.
    pub(super) fn wait_retired(&self, socket: &Arc<Socket<H>>, deadline_ns: u64) {
        self.watch_patiently(socket, deadline_ns, |state| {
            state.transport_closed || state.buffer.is_empty()
        });
        let mut state = socket.lock();
        if !state.transport_closed {
            let abort = !state.buffer.is_empty();
            state.buffer.clear();
            state.transport_closed = true;
            self.host.transport().close(state.transport, abort);
        }
        self.deliver(socket, state);
        self.watch_patiently(socket, deadline_ns, |state| state.retired);
    }

    /// Blocks until a socket is as `is` asks for or `deadline_ns` has passed, and cannot be
    /// cancelled. Inside another blocking call (a routine may clean up) there is no waiting.
    fn watch_patiently(
        &self,
        socket: &Arc<Socket<H>>,
        deadline_ns: u64,
        mut is: impl FnMut(&SocketState<H>) -> bool,
    ) {
        if let Ok(call) = self.enter(false, None) {
            let deadline = Some(deadline_ns);
            // A time-out is no error: what is left is given up.
            let _ =
                self.watch_entered(socket, &call, deadline, |state| is(state).then_some(Ok(())));
        }
    }
}

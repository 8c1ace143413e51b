//! Telling owners that their operations ended: exactly once each, with no lock held.

use alloc::sync::Arc;

use crate::layout::overlapped as layout;
use crate::operation::{Done, Mode, Overlapped, Owner, Started};
use crate::socket::{Phase, RoutineCall, Socket, StateGuard};
use crate::table::Id;
use crate::{EventHandle, Host, Memory, MemoryFault, ThreadKey, Transport, UserPtr, WsaError};

use super::Provider;

/// What the one context value of an APC leads to. It keeps the socket alive: a routine
/// may run after its socket was closed, and even close it itself.
//= docs/spec/wspsendto.md#apc-4
//# The APC function MUST be the provider's own, and its one context value MUST lead to all that the
//# routine is called with.
//= docs/spec/wspsendto.md#reent-4
//# A routine MUST be able to close its own socket.
pub(super) struct ApcContext<H: Host> {
    socket: Arc<Socket<H>>,
    /// The thread that started the operation and is to run the routine.
    pub(super) thread: ThreadKey,
    call: RoutineCall,
}

impl<H: Host> ApcContext<H> {
    /// The life of the provider that the operation was started in.
    pub(super) fn life(&self) -> u32 {
        self.socket.life
    }
}

impl<H: Host> Provider<H> {
    /// Lets the lock go and tells the owners of everything that ended, and whoever selected network
    /// events; retires a closed socket.
    pub(super) fn deliver<'a>(&self, socket: &'a Arc<Socket<H>>, mut state: StateGuard<'a, H>) {
        self.settle(socket, &mut state);
        while let Some(done) = state.next_done() {
            state = self.tell_unlocked(socket, state, done);
        }
        state = self.tell_notices(socket, state);
        self.retire(socket, state);
    }

    /// The same, after a call of this thread has started its operation, or ended it at once.
    ///
    /// The end of a call that is over is told by the call itself: when it returns 0 the routine must
    /// have been queued, and another thread might be slower.
    ///
    /// An operation that pends, or that has ended behind a call which returns WSA_IO_PENDING, resets
    /// its event here: no sooner, since a call that is refused touches nothing, and without the lock,
    /// since it is an upcall. From when the lock is let go another thread may end the operation, and
    /// telling of that sets the event, which the reset must not undo. So the operation is noted in
    /// `starting` under the lock that it was started under; what is noted there is ended like any
    /// other and told by nobody. Once the event is reset the note goes, and this thread tells what
    /// has ended meanwhile.
    pub(super) fn deliver_started<'a>(
        &self,
        socket: &'a Arc<Socket<H>>,
        mut state: StateGuard<'a, H>,
        mode: Mode,
        initiator: ThreadKey,
        started: Result<Started, WsaError>,
    ) {
        if let Some(own) = Done::at_once(mode, initiator, started) {
            //= docs/spec/wspsendto.md#ret-5
            //# When an overlapped call with a completion routine returns 0, the APC for the routine
            //# MUST have been queued before the return.
            state = self.tell_unlocked(socket, state, own);
        } else if let (Mode::Overlapped(op), Ok(Started::Pending)) = (mode, started)
            //= docs/spec/wspsendto.md#evt-4
            //# An operation without a completion routine MUST have its event reset when it pends.
            && op.routine.is_null()
            && let Some(event) = self.event_of(op.overlapped)
        {
            state.starting.push(op.overlapped);
            drop(state);
            // A handle that is no event is no reason to fail.
            //= docs/spec/wspsendto.md#evt-8
            //# An `hEvent` that is no event MUST NOT keep the operation from completing.
            let _ = self.host.reset_event(event);
            state = socket.lock();
            state.starting.retain(|overlapped| *overlapped != op.overlapped);
        }
        self.deliver(socket, state);
    }

    fn tell_unlocked<'a>(
        &self,
        socket: &'a Arc<Socket<H>>,
        mut state: StateGuard<'a, H>,
        done: Done<H>,
    ) -> StateGuard<'a, H> {
        let through = match &done.owner {
            Owner::Overlapped(op) => Some(op.descriptor),
            Owner::Blocked(_) => None,
        };
        if let Some(descriptor) = through {
            state.descriptors.begin_telling(descriptor);
        }
        drop(state);
        self.tell(socket, done);
        let mut state = socket.lock();
        if let Some(descriptor) = through {
            state.descriptors.end_telling(descriptor);
        }
        state
    }

    /// Gives back the handles of closed descriptors, and the transport of a closed socket, once
    /// nobody needs them, then the socket itself.
    fn retire<'a>(&self, socket: &'a Arc<Socket<H>>, mut state: StateGuard<'a, H>) {
        // A close that lingers wants to know how the transport drains.
        if state.phase == Phase::Closed
            && !state.transport_closed
            && state.buffer.is_empty()
            && state.lingering.is_none()
        {
            state.transport_closed = true;
            //= docs/spec/connecting.md#joinleaf-10
            //# WSPCloseSocket MUST leave the group.
            self.host.transport().close(state.transport, false);
        }
        while let Some((descriptor, id)) = state.release_descriptor() {
            drop(state);
            //= docs/spec/startup.md#startup-13
            //# A handle MUST be given back with WPUCloseSocketHandle exactly once.
            // It can only fail when the host lost it already.
            let _ = self.host.close_socket_handle(descriptor.handle);
            if !descriptor.is_first() {
                self.sockets.remove(id);
            }
            state = socket.lock();
            state.descriptors.released(descriptor);
        }
        if state.phase == Phase::Closed
            && state.descriptors.is_empty()
            && state.transport_closed
            && !state.retired
        {
            state.retired = true;
            if state.offered {
                self.handoffs.lock().forget(socket.id);
            }
            state.notify_watchers();
            let watchers = core::mem::take(&mut state.done);
            drop(state);
            self.sockets.remove(socket.id);
            watchers.into_iter().for_each(|done| self.tell(socket, done));
        }
    }

    fn tell(&self, socket: &Arc<Socket<H>>, done: Done<H>) {
        match done.owner {
            Owner::Blocked(call) => self.host.signal(&call.signal),
            //= docs/spec/wspsendto.md#ovl-11
            //# A client that uses one OVERLAPPED for two operations at once MUST NOT disturb
            //# anything but these two.
            Owner::Overlapped(op) => {
                let call = RoutineCall {
                    op,
                    error: done.end.error.map_or(0, |error| error.0 as u32),
                    bytes: done.end.bytes,
                    flags: done.end.flags,
                };
                if done.silent {
                    // The caller may have freed it: there is nobody left to tell.
                    let _ = self.store(&call);
                } else if op.routine.is_null() {
                    self.complete_without_routine(&call);
                } else {
                    self.queue_routine(socket, done.initiator, call);
                }
            }
        }
    }

    /// Event, polling or port: the host stores the result, then signals.
    fn complete_without_routine(&self, call: &RoutineCall) {
        let Overlapped { overlapped, descriptor, .. } = call.op;
        //= docs/spec/wspsendto.md#evt-1
        //# An operation without a completion routine MUST set the event in `hEvent` when it
        //# completes.
        //= docs/spec/wspsendto.md#evt-2
        //# An operation without a completion routine and without an event MUST complete by its
        //# status alone.
        //= docs/spec/startup.md#startup-14
        //# An operation without a completion routine MUST be completed through
        //# WPUCompleteOverlappedRequest.
        // The host stores what WPUCompleteOverlappedRequest has arguments for; the rest is ours.
        let _ = self.store_details(call);
        let completed =
            self.host.complete_overlapped(descriptor.handle, overlapped, call.error, call.bytes);
        if completed.is_err() {
            // The operation must reach its end though the upcall failed. Its event is read
            // before the status is stored: after that the structure is the client's.
            //= docs/spec/startup.md#startup-15
            //# When WPUCompleteOverlappedRequest fails, the provider MUST store the result and set
            //# the event itself.
            //= docs/spec/wspsendto.md#ovl-10
            //# Once completion can be seen, the provider MUST NOT read or write the OVERLAPPED or
            //# the buffers.
            //= docs/spec/wspsendto.md#evt-6
            //# The event MUST be set after the status has been stored.
            let event = self.event_of(overlapped);
            if self.store(call).is_ok()
                && let Some(event) = event
            {
                let _ = self.host.set_event(event);
            }
        }
    }

    /// Routine: the core stores the result, then queues the APC.
    fn queue_routine(&self, socket: &Arc<Socket<H>>, thread: ThreadKey, call: RoutineCall) {
        //= docs/spec/wspsendto.md#evt-3
        //# With a completion routine `hEvent` MUST be ignored: never set, reset or waited for.
        //= docs/spec/wspsendto.md#apc-1
        //# A completion routine MUST run in the thread that started the operation.
        //= docs/spec/wspsendto.md#apc-9
        //# The routine of an accepted operation MUST run exactly once, whether the call returned 0
        //# or WSA_IO_PENDING.
        let _ = self.store(&call);
        let context = ApcContext { socket: socket.clone(), thread, call };
        let id = self.apcs.lock().insert(context);
        //= docs/spec/wspsendto.md#apc-3
        //# The provider MUST NOT call a completion routine but through WPUQueueApc.
        //= docs/spec/wspsendto.md#apc-6
        //# The copy of the WSATHREADID MUST be kept until WPUQueueApc has returned.
        //= docs/spec/wspsendto.md#apc-14
        //# When WPUQueueApc fails the operation MUST be at its end: the status stored, no routine,
        //# and nothing kept. A call that completed at once MUST return 0 all the same.
        if self.host.queue_apc(&call.op.thread_id, id.context()).is_err() {
            // The thread is gone: the stored status was the operation's one end.
            drop(self.apcs.lock().remove(id));
        }
    }

    /// The APC function: runs the routine that `context` leads to, unless one of the same socket
    /// runs in this thread already; then it runs when that one returns.
    pub(super) fn run_routines(&self, context: usize) {
        let id = Id::from_context(context);
        let socket = self.apcs.lock().get(id).map(|context| context.socket.clone());
        let Some(socket) = socket else {
            return; // WSPCleanup came first (CXL-7).
        };
        let thread = self.host.current_thread();
        //= docs/spec/wspsendto.md#reent-2
        //# The provider MUST NOT hold a lock while a routine runs, an event is set, a hook runs or
        //# another upcall is made.
        //= docs/spec/wspsendto.md#reent-1
        //# A send MUST be possible inside the completion routine of a send or a receive.
        // Each guard is gone before the routine runs: client code never runs under a lock.
        //= docs/spec/wspsendto.md#apc-12
        //# Routines of different sockets MAY nest: a routine MUST run in an alertable wait inside a
        //# routine of another socket.
        //= docs/spec/wspsendto.md#reent-3
        //# A chain of sends, each made in the routine of the one before, MUST make progress within
        //# one alertable wait.
        let mut next = socket.gate.lock().enter(thread, id);
        while let Some(id) = next {
            let taken = self.apcs.lock().remove(id);
            if let Some(ApcContext { call: RoutineCall { op, error, bytes, flags }, .. }) = taken {
                //= docs/spec/wspsendto.md#apc-8
                //# The routine MUST be given the operation's error, the number of bytes sent, its
                //# `lpOverlapped` and flags of 0.
                //= docs/spec/wspsendto.md#ord-1
                //# Routines MAY be called in another order than their operations complete: each
                //# MUST get the result of its own operation.
                //= docs/spec/wspsendto.md#cxl-11
                //# The OVERLAPPED of a cancelled operation MUST NOT be touched after its end was
                //# indicated.
                self.host.call_routine(op.routine, error, bytes, op.overlapped, flags);
            }
            next = socket.gate.lock().next(thread);
        }
    }

    /// Stores a result: everything else first, the status last with release order.
    fn store(&self, call: &RoutineCall) -> Result<(), MemoryFault> {
        let memory = self.host.memory();
        let at = call.op.overlapped;
        self.store_details(call)?;
        memory.write(at.offset(layout::INTERNAL_HIGH), &(call.bytes as usize).to_le_bytes())?;
        //= docs/spec/wspsendto.md#ovl-7
        //# `Internal` changes, with release order, and the event or the APC MUST come after that.
        memory.store_status(at.offset(layout::INTERNAL), call.error)
    }

    /// Stores flags and error (`Offset` and `OffsetHigh`).
    fn store_details(&self, call: &RoutineCall) -> Result<(), MemoryFault> {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&call.flags.to_le_bytes());
        bytes[4..].copy_from_slice(&call.error.to_le_bytes());
        self.host.memory().write(call.op.overlapped.offset(layout::OFFSET), &bytes)
    }

    /// The event in an OVERLAPPED as it is given, unless it is null.
    //= docs/spec/wspsendto.md#evt-9
    //# A low bit of 1 in `hEvent`, which keeps a completion port out, MUST NOT keep the event from
    //# being set.
    pub(super) fn event_of(&self, overlapped: UserPtr) -> Option<EventHandle> {
        let mut bytes = [0; crate::layout::POINTER];
        self.host.memory().read(overlapped.offset(layout::EVENT), &mut bytes).ok()?;
        match usize::from_le_bytes(bytes) {
            0 => None,
            event => Some(EventHandle(event)),
        }
    }
}

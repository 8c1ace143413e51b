//! WSPStartup and WSPCleanup: the provider's start and end.

use crate::operation::Owner;
use crate::socket::{Phase, SocketState};
use crate::spi::WINSOCK_VERSION;
use crate::{Host, Transport, WsaError};

use super::Provider;

/// How often the provider was started and not yet cleaned up.
#[derive(Default)]
pub(super) struct Lifetime {
    starts: u32,
    /// Which life this is: the last WSPCleanup ends the sockets of its own and of none begun since.
    life: u32,
}

/// How long the last WSPCleanup waits for sockets that were closed gracefully to pass their data
/// on. It must end: nobody services the core after it.
const CLEANUP_DRAIN_NS: u64 = 2_000_000_000;

impl<H: Host> Provider<H> {
    pub(super) fn startup(&self, version_requested: u16) -> Result<u16, WsaError> {
        self.check_hook()?;
        // The low byte is the major version.
        //= docs/spec/startup.md#startup-1
        //# A version below 2.2 MUST be refused with WSAVERNOTSUPPORTED.
        //= docs/spec/startup.md#startup-3
        //# The low byte of a version MUST be taken for the major one.
        if version_requested.swap_bytes() < WINSOCK_VERSION.swap_bytes() {
            return Err(WsaError::WSAVERNOTSUPPORTED);
        }
        //= docs/spec/startup.md#startup-4
        //# Each call that succeeds MUST be counted, for as many calls of WSPCleanup.
        //= docs/spec/startup.md#startup-2
        //# For any other version the provider MUST agree on 2.2 and name 2.2 as the highest it has.
        self.lifetime.lock().starts += 1;
        Ok(WINSOCK_VERSION)
    }

    /// Whether WSPStartup was called more often than WSPCleanup.
    pub fn is_started(&self) -> bool {
        self.lifetime.lock().starts > 0
    }

    /// Which life this is, the one that a new socket belongs to: the last WSPCleanup ends it.
    ///
    /// # Errors
    /// WSANOTINITIALISED before WSPStartup.
    pub fn life(&self) -> Result<u32, WsaError> {
        let lifetime = self.lifetime.lock();
        //= docs/spec/results.md#result-4
        //# Before WSPStartup and after the last WSPCleanup every other function MUST fail with
        //# WSANOTINITIALISED.
        if lifetime.starts > 0 { Ok(lifetime.life) } else { Err(WsaError::WSANOTINITIALISED) }
    }

    pub(super) fn cleanup(&self) -> Result<(), WsaError> {
        let mut lifetime = self.lifetime.lock();
        match lifetime.starts {
            //= docs/spec/startup.md#cleanup-2
            //# A call without a start MUST fail with WSANOTINITIALISED.
            0 => return Err(WsaError::WSANOTINITIALISED),
            1 => {
                lifetime.starts = 0;
                let ended = lifetime.life;
                //= docs/spec/startup.md#cleanup-7
                //# WSPStartup MUST be possible at once after the last call, and beside it, for a
                //# life of its own.
                lifetime.life = ended.wrapping_add(1);
                drop(lifetime);
                self.end(ended);
            }
            //= docs/spec/startup.md#cleanup-1
            //# A call that is not the last MUST take one start back and change nothing else.
            starts => lifetime.starts = starts - 1,
        }
        Ok(())
    }

    /// The last WSPCleanup: what is pending ends with neither event nor routine, blocked
    /// calls return, open sockets are reset, and closed ones get a while to pass their data on.
    /// When it returns nobody touches a caller's memory any more.
    fn end(&self, life: u32) {
        let mut sockets = self.all_sockets();
        sockets.retain(|socket| socket.life == life);
        for socket in &sockets {
            let mut state = socket.lock();
            // What ended before and was not told of yet, by a close beside this, is silent now too.
            state.done.iter_mut().for_each(|done| done.silent = true);
            if state.phase != Phase::Closed {
                self.reset(&mut state);
            }
            self.deliver(socket, state);
        }
        //= docs/spec/startup.md#cleanup-5
        //# Data of sockets that were closed gracefully before MUST still be passed on by the last
        //# call, for a limited time.
        let deadline = self.host.now_ns() + CLEANUP_DRAIN_NS;
        for socket in &sockets {
            //= docs/spec/startup.md#cleanup-6
            //# When the last call has returned, nothing of its life MUST be left: no operation,
            //# handle or transport socket, and nobody who touches a client's memory.
            self.wait_retired(socket, deadline);
        }
        self.apcs.lock().retain(|context| context.life() != life);
        //= docs/spec/startup.md#cleanup-8
        //# A thread that waits in WSPGetOverlappedResult MUST be told by the last call that its
        //# operation has ended.
        // Whoever waits for an operation's event waits for what will not come.
        self.blocked.all().iter().for_each(|call| self.host.signal(&call.signal));
    }

    fn reset(&self, state: &mut SocketState<H>) {
        let aborted = WsaError::WSA_OPERATION_ABORTED;
        state.phase = Phase::Closed;
        state.descriptors.close_all();
        state.events.cancel();
        //= docs/spec/wspsendto.md#cxl-7
        //# The last WSPCleanup MUST end pending operations with WSA_OPERATION_ABORTED in their
        //# status, and with neither event nor routine.
        state.end_sends(aborted, true, |op| is_overlapped(&op.owner));
        state.end_receives(aborted, true, |op| is_overlapped(&op.owner));
        //= docs/spec/startup.md#cleanup-3
        //# The last call MUST end calls that block in other threads with WSAEINTR.
        state.end_sends(aborted, false, |_| true);
        state.end_receives(aborted, false, |_| true);
        state.notify_watchers();
        //= docs/spec/startup.md#cleanup-4
        //# The last call MUST reset open connections and give back every socket.
        self.refuse_waiting(state);
        state.buffer.clear();
        if !state.transport_closed {
            state.transport_closed = true;
            self.host.transport().close(state.transport, true);
        }
    }
}

fn is_overlapped<H: Host>(owner: &Owner<H>) -> bool {
    matches!(owner, Owner::Overlapped(_))
}

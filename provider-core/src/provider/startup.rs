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
        // The low byte is the major version.
        if version_requested.swap_bytes() < WINSOCK_VERSION.swap_bytes() {
            return Err(WsaError::WSAVERNOTSUPPORTED);
        }
        self.lifetime.lock().starts += 1;
        Ok(WINSOCK_VERSION)
    }

    pub(super) fn is_started(&self) -> bool {
        self.lifetime.lock().starts > 0
    }

    /// The life that a new socket belongs to.
    ///
    /// # Errors
    /// WSANOTINITIALISED before WSPStartup.
    pub(super) fn life(&self) -> Result<u32, WsaError> {
        let lifetime = self.lifetime.lock();
        if lifetime.starts > 0 { Ok(lifetime.life) } else { Err(WsaError::WSANOTINITIALISED) }
    }

    pub(super) fn cleanup(&self) -> Result<(), WsaError> {
        let mut lifetime = self.lifetime.lock();
        match lifetime.starts {
            0 => return Err(WsaError::WSANOTINITIALISED),
            1 => {
                lifetime.starts = 0;
                let ended = lifetime.life;
                lifetime.life = ended.wrapping_add(1);
                drop(lifetime);
                self.end(ended);
            }
            starts => lifetime.starts = starts - 1,
        }
        Ok(())
    }

    /// The last WSPCleanup: what is pending ends with neither event nor routine (CXL-7), blocked
    /// calls return, open sockets are reset, and closed ones get a while to pass their data on.
    /// When it returns nobody touches a caller's memory any more.
    fn end(&self, life: u32) {
        let mut sockets = self.sockets.all();
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
        let deadline = self.host.now_ns() + CLEANUP_DRAIN_NS;
        for socket in &sockets {
            self.wait_retired(socket, deadline);
        }
        self.apcs.lock().retain(|context| context.life() != life);
        // Whoever waits for an operation's event waits for what will not come.
        self.blocked.all().iter().for_each(|call| self.host.signal(&call.signal));
    }

    fn reset(&self, state: &mut SocketState<H>) {
        let aborted = WsaError::WSA_OPERATION_ABORTED;
        state.phase = Phase::Closed;
        state.end_sends(aborted, true, |op| is_overlapped(&op.owner));
        state.end_receives(aborted, true, |op| is_overlapped(&op.owner));
        state.end_sends(aborted, false, |_| true);
        state.end_receives(aborted, false, |_| true);
        state.notify_watchers();
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

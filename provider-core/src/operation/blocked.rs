//! Threads that wait inside a call, and what ends their wait.

use alloc::sync::Arc;
use alloc::vec::Vec;

use lock_api::Mutex;

use crate::socket::Descriptor;
use crate::{Host, ThreadKey, WsaError};

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallEnd {
    /// Why it failed.
    pub(crate) error: Option<WsaError>,
    /// Bytes consumed or received.
    pub(crate) bytes: u32,
    /// Flags of a receive.
    pub(crate) flags: u32,
}

struct BlockedState {
    end: Option<CallEnd>,
    cancelled: bool,
}

/// A call that blocks its thread. Its lock is taken inside the socket's, never around it.
pub(crate) struct BlockedCall<H: Host> {
    pub(crate) thread: ThreadKey,
    pub(crate) signal: H::Signal,
    /// Whether WSPCancelBlockingCall and the blocking hook may end it.
    pub(crate) cancellable: bool,
    /// The descriptor whose close ends the operation that the call waits for, if there is one.
    pub(crate) descriptor: Option<Descriptor>,
    state: Mutex<H::RawMutex, BlockedState>,
}

impl<H: Host> BlockedCall<H> {
    pub(crate) fn new(
        thread: ThreadKey,
        signal: H::Signal,
        cancellable: bool,
        descriptor: Option<Descriptor>,
    ) -> Arc<Self> {
        let state = Mutex::new(BlockedState { end: None, cancelled: false });
        Arc::new(Self { thread, signal, cancellable, descriptor, state })
    }

    /// Stores how the call ended. Whoever stores it signals the thread, with no lock held.
    pub(crate) fn finish(&self, end: CallEnd) {
        self.state.lock().end = Some(end);
    }

    pub(crate) fn end(&self) -> Option<CallEnd> {
        self.state.lock().end
    }

    /// WSPCancelBlockingCall.
    pub(crate) fn cancel(&self) {
        self.state.lock().cancelled = true;
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.state.lock().cancelled
    }
}

/// Which thread waits in which call: at most one each.
pub(crate) struct BlockedThreads<H: Host> {
    calls: Mutex<H::RawMutex, Vec<Arc<BlockedCall<H>>>>,
}

impl<H: Host> BlockedThreads<H> {
    pub(crate) fn new() -> Self {
        Self { calls: Mutex::new(Vec::new()) }
    }

    /// Enters `call`.
    ///
    /// # Errors
    /// WSAEINPROGRESS when the thread already waits in a call: a routine run inside that wait may
    /// not block again.
    pub(crate) fn enter(&self, call: &Arc<BlockedCall<H>>) -> Result<(), WsaError> {
        let mut calls = self.calls.lock();
        //= docs/spec/results.md#result-6
        //# A function that would have to block inside another blocking call of its thread MUST fail
        //# with WSAEINPROGRESS, with nothing done.
        //= docs/spec/results.md#result-8
        //# In a completion routine that runs inside a blocking call, nonblocking and overlapped
        //# calls MUST work.
        //= docs/spec/wspsendto.md#err-inprogress
        //# A completion routine that runs MUST NOT by itself be a reason for WSAEINPROGRESS.
        if calls.iter().any(|other| other.thread == call.thread) {
            return Err(WsaError::WSAEINPROGRESS);
        }
        calls.push(call.clone());
        Ok(())
    }

    /// Leaves the call of `thread`, which may be one that ended with its thread.
    pub(crate) fn leave(&self, thread: ThreadKey) {
        self.calls.lock().retain(|call| call.thread != thread);
    }

    pub(crate) fn all(&self) -> Vec<Arc<BlockedCall<H>>> {
        self.calls.lock().clone()
    }

    pub(crate) fn of(&self, thread: ThreadKey) -> Option<Arc<BlockedCall<H>>> {
        self.calls.lock().iter().find(|call| call.thread == thread).cloned()
    }
}

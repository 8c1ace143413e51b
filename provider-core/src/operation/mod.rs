//! Operations: who waits for one, what it was given, and how it ends.

mod blocked;
mod buffers;
mod request;

use crate::{Host, Routine, ThreadId, ThreadKey, UserPtr, WsaError};
use alloc::sync::Arc;

use crate::socket::Descriptor;

pub(crate) use blocked::{BlockedCall, BlockedThreads, CallEnd};
pub(crate) use buffers::Buffers;
pub(crate) use request::{FromAddress, Mode, RecvRequest, SendRequest, Started};

/// What an overlapped operation was started with, captured by value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overlapped {
    pub(crate) overlapped: UserPtr,
    pub(crate) routine: Routine,
    /// Where the routine is to run; meaningless without a routine.
    pub(crate) thread_id: ThreadId,
    /// Through which it was started, and is told of.
    pub(crate) descriptor: Descriptor,
}

/// Who is told when an operation ends.
pub(crate) enum Owner<H: Host> {
    /// The client, by routine, event or polling.
    Overlapped(Overlapped),
    /// A thread that waits inside the call.
    Blocked(Arc<BlockedCall<H>>),
}

impl<H: Host> Owner<H> {
    /// The descriptor that the operation was started through.
    pub(crate) fn descriptor(&self) -> Option<Descriptor> {
        match self {
            Self::Overlapped(op) => Some(op.descriptor),
            Self::Blocked(call) => call.descriptor,
        }
    }
}

/// An operation that ended and whose owner has not been told yet.
pub(crate) struct Done<H: Host> {
    pub(crate) owner: Owner<H>,
    /// The thread that started it.
    pub(crate) initiator: ThreadKey,
    /// How it ended.
    pub(crate) end: CallEnd,
    /// WSPCleanup: the status is stored, and neither event nor routine tells of it (CXL-7).
    pub(crate) silent: bool,
}

impl<H: Host> Done<H> {
    /// The indication of a call that was over at once: an overlapped one is indicated all the
    /// same.
    pub(crate) fn at_once(
        mode: Mode,
        initiator: ThreadKey,
        started: Result<Started, WsaError>,
    ) -> Option<Self> {
        match (mode, started) {
            //= docs/spec/wspsendto.md#evt-5
            //# An overlapped call that succeeds at once MUST set the event as well.
            //= docs/spec/wspsendto.md#ovl-8
            //# An overlapped call that succeeds at once MUST fill its OVERLAPPED as a pended one
            //# does.
            (Mode::Overlapped(op), Ok(Started::Now(bytes, flags))) => Some(Self {
                owner: Owner::Overlapped(op),
                initiator,
                end: CallEnd { error: None, bytes, flags },
                silent: false,
            }),
            _ => None,
        }
    }
}

impl CallEnd {
    /// All went well.
    pub(crate) const fn success(bytes: u32) -> Self {
        Self { error: None, bytes, flags: 0 }
    }

    /// It failed after the transport had taken `bytes`.
    pub(crate) const fn failure(error: WsaError, bytes: u32) -> Self {
        Self { error: Some(error), bytes, flags: 0 }
    }
}

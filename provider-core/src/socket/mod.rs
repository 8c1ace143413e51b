//! A socket: what it is for life, and what changes under its lock. Nothing here knows the host,
//! but for the owners of its operations.

mod network_events;
mod op_queue;
mod options;
mod routine_gate;
mod send_buffer;
mod state;
mod waiting;

pub(crate) use network_events::{ALL_EVENTS, NetworkEvents, Notice, Record, Selection, Sink};
pub(crate) use op_queue::{OpQueue, ReceiveOp, SendOp};
pub(crate) use options::{Linger, Options};
pub(crate) use routine_gate::RoutineGate;
pub(crate) use send_buffer::SendBuffer;
pub(crate) use state::{Multipoint, Phase, SocketState};
pub(crate) use waiting::{Connection, Waiting};

use lock_api::{Mutex, MutexGuard};

use crate::operation::Overlapped;
use crate::table::Id;
use crate::{Family, Host, Kind, SocketHandle};

/// One socket. `state` is the one lock of its life; `gate` keeps its routines from nesting and is
/// never held together with `state`.
pub(crate) struct Socket<H: Host> {
    pub(crate) id: Id,
    /// The life of the provider that it was made in: from WSPStartup to the last WSPCleanup.
    pub(crate) life: u32,
    pub(crate) handle: SocketHandle,
    pub(crate) family: Family,
    pub(crate) kind: Kind,
    /// Created with WSA_FLAG_OVERLAPPED.
    pub(crate) overlapped: bool,
    state: Mutex<H::RawMutex, SocketState<H>>,
    pub(crate) gate: Mutex<H::RawMutex, RoutineGate<Id>>,
}

/// The locked state of a socket.
pub(crate) type StateGuard<'a, H> = MutexGuard<'a, <H as Host>::RawMutex, SocketState<H>>;

/// A completion routine that is to be called, with its arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoutineCall {
    pub(crate) op: Overlapped,
    pub(crate) error: u32,
    pub(crate) bytes: u32,
    pub(crate) flags: u32,
}

impl<H: Host> Socket<H> {
    #[allow(clippy::too_many_arguments, reason = "what a socket is for life")]
    pub(crate) fn new(
        id: Id,
        life: u32,
        handle: SocketHandle,
        family: Family,
        kind: Kind,
        overlapped: bool,
        state: SocketState<H>,
    ) -> Self {
        let gate = Mutex::new(RoutineGate::new());
        Self { id, life, handle, family, kind, overlapped, state: Mutex::new(state), gate }
    }

    pub(crate) fn lock(&self) -> StateGuard<'_, H> {
        self.state.lock()
    }
}

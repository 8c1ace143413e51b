//! A socket: what it is for life, and what changes under its lock. Nothing here knows the host,
//! but for the owners of its operations.

mod descriptors;
mod network_events;
mod op_queue;
mod options;
mod routine_gate;
mod send_buffer;
mod state;
mod waiting;

pub(crate) use descriptors::{Descriptor, Descriptors};
pub(crate) use network_events::{ALL_EVENTS, NetworkEvents, Notice, Record, Selection, Sink};
pub(crate) use op_queue::{OpQueue, ReceiveOp, SendOp};
pub(crate) use options::{Linger, Options};
pub(crate) use routine_gate::RoutineGate;
pub(crate) use send_buffer::{Front, SendBuffer};
pub(crate) use state::{Multipoint, Phase, SocketState};
pub(crate) use waiting::{Connection, Waiting};

use alloc::sync::Arc;
use core::ops::Deref;

use lock_api::{Mutex, MutexGuard};

use crate::operation::Overlapped;
use crate::table::Id;
use crate::{Family, Host, Kind, SocketHandle};

/// One socket. `state` is the one lock of its life; `gate` keeps its routines from nesting and is
/// never held together with `state`.
pub(crate) struct Socket<H: Host> {
    /// The place of its first descriptor in the table, which is the socket's own until it retires.
    pub(crate) id: Id,
    /// The life of the provider that it was made in: from WSPStartup to the last WSPCleanup.
    pub(crate) life: u32,
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

//= docs/spec/sockets.md#duplicate-4
//# Options and connection MUST be the same through every descriptor.
//= docs/spec/sockets.md#duplicate-8
//# Sends through all descriptors MUST share the order of one socket.
/// A socket, as one of its descriptors leads to it.
pub(crate) struct Opened<H: Host> {
    pub(crate) socket: Arc<Socket<H>>,
    pub(crate) descriptor: Descriptor,
}

impl<H: Host> Clone for Opened<H> {
    fn clone(&self) -> Self {
        Self { socket: self.socket.clone(), descriptor: self.descriptor }
    }
}

impl<H: Host> Deref for Opened<H> {
    type Target = Arc<Socket<H>>;

    fn deref(&self) -> &Arc<Socket<H>> {
        &self.socket
    }
}

impl<H: Host> Opened<H> {
    /// A socket and its first descriptor.
    #[allow(clippy::too_many_arguments, reason = "what the socket is for life")]
    pub(crate) fn new(
        id: Id,
        life: u32,
        handle: SocketHandle,
        family: Family,
        kind: Kind,
        overlapped: bool,
        mut state: SocketState<H>,
    ) -> Self {
        let descriptor = state.descriptors.add(id, handle);
        let gate = Mutex::new(RoutineGate::new());
        let state = Mutex::new(state);
        let socket = Arc::new(Socket { id, life, family, kind, overlapped, state, gate });
        Self { socket, descriptor }
    }
}

impl<H: Host> Socket<H> {
    pub(crate) fn lock(&self) -> StateGuard<'_, H> {
        self.state.lock()
    }
}

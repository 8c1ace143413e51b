//! What the boundary needs from the process around it.

use core::cell::RefCell;

use provider_core::{EventHandle, SocketHandle, ThreadId};

use crate::event::{At, Function, Tid, What};
use crate::oracle::{Oracles, Violation};

/// The process around a watched provider.
pub trait Surroundings {
    /// Now, and which thread runs.
    fn at(&self) -> At;

    /// Records an event.
    fn record(&self, at: At, what: What);

    /// The run's oracles. Never borrowed by the boundary across a call.
    fn oracles(&self) -> &RefCell<Oracles>;

    /// Reports what an oracle found.
    fn report(&self, at: At, violation: Violation);

    /// The thread that a WSATHREADID names, dead or alive.
    fn thread_named(&self, id: &ThreadId) -> Option<Tid>;

    /// Whether this is an event object's handle now.
    fn is_event(&self, event: EventHandle) -> bool;

    /// Whether this is a SOCKET that is associated with a completion port now.
    fn is_on_port(&self, socket: SocketHandle) -> bool;

    /// A call is about to enter the provider (nothing is recorded yet): a scheduling point, a
    /// chance for an adversary.
    fn entering(&self, function: Function, socket: SocketHandle);

    /// A call has left the provider and is about to return to the client.
    fn left(&self, function: Function, socket: SocketHandle);
}

//! One overlapped operation as the ledger sees it.

use provider_core::spi::WSS_OPERATION_IN_PROGRESS;
use provider_core::{EventHandle, Routine, UserPtr};

use crate::event::Function;
use crate::oracle::book::{ActiveCall, SocketId, words};
use crate::oracle::facts::{CallId, OverlappedFacts, ProcessKey, ThreadPlace};

/// An operation from the entry of the call that starts it until nothing more may come.
pub(super) struct Op {
    pub(super) process: ProcessKey,
    pub(super) address: UserPtr,
    pub(super) function: Function,
    pub(super) handle: provider_core::SocketHandle,
    pub(super) socket: Option<SocketId>,
    /// Who started it.
    pub(super) starter: ThreadPlace,
    /// When that thread ended, if it has.
    pub(super) starter_gone_ns: Option<u64>,
    /// Where its routine runs.
    pub(super) thread: ThreadPlace,
    pub(super) routine: Routine,
    pub(super) event: EventHandle,
    /// `hEvent` keeps the port quiet, or the host refused to complete the operation.
    pub(super) no_packet: bool,
    pub(super) call: CallId,
    pub(super) entered_ns: u64,
    /// Something that aborts it has entered.
    pub(super) may_abort: bool,
    /// The call has returned 0 or WSA_IO_PENDING.
    pub(super) accepted: bool,
    /// The final status.
    pub(super) stored: Option<OverlappedFacts>,
    /// By whom.
    pub(super) stored_by: Option<ThreadPlace>,
    /// The last WSPCleanup was in progress then.
    pub(super) stored_in_cleanup: bool,
    /// Its routine has begun.
    pub(super) indicated: bool,
    /// WPUQueueApc was refused for it.
    pub(super) refused: bool,
    /// One set of the event was for it.
    pub(super) event_used: bool,
    /// The event was set after the status was stored.
    pub(super) event_covered: bool,
    /// When it ended, its socket was associated with a port that is to have its packet.
    pub(super) packet_owed: bool,
    pub(super) packet_posted: bool,
    /// The thread of the routine has ended.
    pub(super) thread_gone: bool,
}

impl Op {
    pub(super) fn new(call: &ActiveCall) -> Self {
        let thread = call
            .call
            .apc_thread
            .map_or(call.thread, |thread| ThreadPlace { machine: call.thread.machine, thread });
        Self {
            process: call.process,
            address: call.call.overlapped,
            function: call.call.function,
            handle: call.call.socket,
            socket: call.socket,
            starter: call.thread,
            starter_gone_ns: None,
            thread,
            routine: call.call.routine,
            event: call.call.event,
            no_packet: call.call.no_packet,
            call: call.id,
            entered_ns: call.entered_ns,
            may_abort: call.aborted,
            accepted: false,
            stored: None,
            stored_by: None,
            stored_in_cleanup: false,
            indicated: false,
            refused: false,
            event_used: false,
            event_covered: false,
            packet_owed: false,
            packet_posted: false,
            thread_gone: false,
        }
    }

    pub(super) fn sends(&self) -> bool {
        matches!(self.function, Function::WSPSend | Function::WSPSendTo)
    }

    pub(super) fn has_routine(&self) -> bool {
        !self.routine.is_null()
    }

    /// Whether the event is this operation's to be set.
    pub(super) fn signals(&self, event: EventHandle) -> bool {
        !self.has_routine() && self.event == event
    }

    /// Whether nothing more may come of it.
    pub(super) fn is_over(&self) -> bool {
        self.accepted
            && self.stored.is_some()
            && if self.has_routine() {
                self.indicated || self.thread_gone
            } else {
                (self.event.0 == 0 || self.event_used) && !self.awaits_packet()
            }
    }

    /// Its routine may still come.
    pub(super) fn awaits_routine(&self) -> bool {
        self.has_routine() && !self.indicated && !self.thread_gone
    }

    /// Its packet is still to come.
    pub(super) fn awaits_packet(&self) -> bool {
        self.packet_owed && !self.packet_posted
    }

    pub(super) fn words(&self) -> String {
        words(self.function, self.handle, self.address, self.starter, self.entered_ns)
    }
}

/// Whether a status word is final.
pub(in crate::oracle) const fn is_final(status: u32) -> bool {
    status != WSS_OPERATION_IN_PROGRESS
}

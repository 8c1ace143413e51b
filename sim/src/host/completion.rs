//! The upcalls by which a client is told: APCs, routines, events, messages,
//! WPUCompleteOverlappedRequest.

use std::rc::Rc;

use provider_core::layout::{POINTER, overlapped as offsets};
use provider_core::{
    EventHandle, Memory, Routine, SocketHandle, ThreadId, UserPtr, WindowHandle, WsaError,
};

use crate::api::Os;
use crate::boundary::NO_PACKET;
use crate::event::{Point, Tid, What};
use crate::fault::{Fault, Seam};
use crate::kernel::handles::Association;
use crate::kernel::{ApcCall, CompletionPacket, Duty, Message};
use crate::oracle::Post;
use crate::world::Violation;

use super::SimHost;

/// How late [`Fault::ApcLate`] and a cancelled blocking call's APC can be, in nanoseconds.
const APC_LATE_NS: u32 = 20_000_000;
const CANCEL_WITHIN_NS: u32 = 2_000_000;

impl SimHost {
    /// A number below `bound`, for a fault that struck.
    pub(super) fn detail(&self, fault: Fault, bound: u32) -> u64 {
        let kernel = self.kernel();
        let stream = kernel.shared.detail(fault, kernel.id);
        u64::from(kernel.shared.below(stream, bound))
    }

    /// A thread is about to block inside of the provider: chances for the adversary.
    pub(super) fn disturb_wait(&self) {
        let kernel = self.kernel();
        let Some(me) = kernel.current() else { return };
        if !matches!(me.duty, Duty::Main | Duty::Program) || kernel.unwinding() {
            return;
        }
        if kernel.shared.strikes(Fault::CancelBlocking, kernel.at(), None) {
            let late_ns = self.detail(Fault::CancelBlocking, CANCEL_WITHIN_NS);
            let cancel = |os: &Os| {
                let _ = os.wsa_cancel_blocking_call();
            };
            kernel.queue_apc(&me, ApcCall::Program(Box::new(cancel)), late_ns);
        }
        me.die_perhaps();
    }

    pub(super) fn queue_provider_apc(&self, id: &ThreadId, context: usize) -> Result<(), WsaError> {
        let kernel = self.kernel();
        let target = kernel.thread_of_id(id);
        let scripted = self.transport.refuse_by_script(Seam::QueueApc, None);
        let refused =
            scripted.is_err() || kernel.shared.strikes(Fault::ApcRefused, kernel.at(), None);
        let accepted = !refused
            && target.as_ref().is_some_and(|thread| {
                let late = kernel.shared.strikes(Fault::ApcLate, kernel.at(), None);
                let late_ns = if late { self.detail(Fault::ApcLate, APC_LATE_NS) } else { 0 };
                // No other thread runs before this is recorded below.
                let call = ApcCall::Provider(Rc::clone(&self.process), context);
                kernel.queue_apc(thread, call, late_ns)
            });
        let tid = target.map(|thread| thread.tid);
        kernel.record(What::ApcQueued {
            thread: tid.unwrap_or(Tid(u32::MAX)),
            context: context as u64,
            accepted,
        });
        self.process.watch(|watch| watch.apc_queued(tid, context, accepted));
        if accepted { Ok(()) } else { Err(WsaError::WSAEFAULT) }
    }

    pub(super) fn run_routine(
        &self,
        routine: Routine,
        error: u32,
        bytes: u32,
        overlapped: UserPtr,
        flags: u32,
    ) {
        let kernel = self.kernel();
        let Some(me) = kernel.current() else { return };
        let Some(code) = self.process.routine(routine) else {
            kernel.report(Violation {
                oracle: "ledger",
                clause: "APC-8",
                message: format!(
                    "the provider calls a routine at {:#x}: no code is there",
                    routine.0
                ),
            });
            return;
        };
        kernel.record(What::RoutineEnter { overlapped: overlapped.0 as u64, error, bytes });
        let alertable = me.apc_depth.get() > 0;
        self.process.watch(|watch| {
            watch.routine_enter(routine, error, bytes, overlapped, flags, alertable);
        });
        let os = Os::new(Rc::clone(&me));
        me.in_program(|| code(&os, error, bytes, overlapped, flags));
        kernel.record(What::RoutineLeave);
        self.process.watch(|watch| watch.routine_leave());
    }

    pub(super) fn set_client_event(&self, handle: EventHandle) -> Result<(), WsaError> {
        let event = self.event(handle)?;
        self.kernel().record(What::EventObject { event: handle.0 as u64, set: true });
        self.process.watch(|watch| watch.event_set(handle));
        self.kernel().set_event(&event);
        Ok(())
    }

    pub(super) fn reset_client_event(&self, handle: EventHandle) -> Result<(), WsaError> {
        let event = self.event(handle)?;
        self.kernel().record(What::EventObject { event: handle.0 as u64, set: false });
        self.kernel().reset_event(&event);
        Ok(())
    }

    pub(super) fn post(&self, window: WindowHandle, message: Message) -> bool {
        let posted = self.process.windows.post(self.kernel(), window, message);
        self.kernel().record(What::Posted {
            window: window.0 as u64,
            message: message.message,
            wparam: message.wparam as u64,
            lparam: message.lparam as u64,
            posted,
        });
        let Message { message, wparam, lparam } = message;
        let post = Post { window: window.0, message, wparam, lparam };
        self.process.watch(|watch| watch.message_posted(post, posted));
        posted
    }

    /// Stores count, error and status, sets the event, posts the packet: in this order, and each a
    /// scheduling point.
    ///
    /// An immediate success comes here like any other end, and posts its packet like any other:
    /// FILE_SKIP_COMPLETION_PORT_ON_SUCCESS is for IFS handles only (KB2568167).
    pub(super) fn complete(
        &self,
        socket: SocketHandle,
        overlapped: UserPtr,
        error: u32,
        bytes: u32,
    ) -> Result<(), WsaError> {
        if let Err(error) = self.transport.refuse_by_script(Seam::CompleteOverlapped, None) {
            self.process.watch(|watch| watch.completion_refused(overlapped));
            return Err(error);
        }
        if self.process.handles.borrow().socket(socket).is_none() || overlapped.is_null() {
            return Err(WsaError::WSAEINVAL);
        }
        self.kernel().record(What::Completed { overlapped: overlapped.0 as u64, error, bytes });
        self.process.watch(|watch| watch.complete_overlapped(socket, overlapped, error, bytes));
        let memory = &self.memory;
        let mut handle = [0; POINTER];
        let stored = memory
            .read(overlapped.offset(offsets::EVENT), &mut handle)
            .and_then(|()| {
                let count = (bytes as usize).to_le_bytes();
                memory.write(overlapped.offset(offsets::INTERNAL_HIGH), &count)
            })
            .and_then(|()| {
                memory.write(overlapped.offset(offsets::OFFSET_HIGH), &error.to_le_bytes())
            })
            .and_then(|()| memory.store_status(overlapped.offset(offsets::INTERNAL), error));
        if stored.is_err() {
            return Err(WsaError::WSAEINVAL);
        }
        // Which port it is counts at this moment: the oracles were told of the status just now.
        let association = self.process.handles.borrow().association(socket);
        let event = usize::from_le_bytes(handle);
        self.kernel().point(Point::Event);
        // "If it contains a valid event object handle": another one is nobody's business.
        let _ = self.set_client_event(EventHandle(event));
        if let Some(Association { port, key }) = association
            && event & NO_PACKET == 0
        {
            self.kernel().point(Point::Port);
            self.process.watch(|watch| watch.packet_posted(overlapped));
            let packet = CompletionPacket { key, overlapped, error, bytes };
            self.kernel().post_packet(&port, packet);
        }
        Ok(())
    }
}

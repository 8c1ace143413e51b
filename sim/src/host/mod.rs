//! What a provider sees of the simulator: [`SimHost`], with the caller's memory and the transport.

mod completion;
mod condition;
mod hook;
mod memory;
mod transport;
mod transport_faults;

use std::rc::Rc;

use provider_core::{
    BlockingHook, CatalogEntry, ConditionCall, EventHandle, Family, Host, Kind, Routine,
    SocketHandle, ThreadId, ThreadKey, Token, UserPtr, WaitEnd, WindowHandle, WsaError,
};

use crate::event::Point;
use crate::fault::Seam;
use crate::kernel::{
    EventObject, Kernel, Message, Objects, SimRawMutex, TimerKind, WaitFor, Waitable, Woken,
};
use crate::process::Process;

pub use memory::SimMemory;
pub use transport::SimTransport;

/// The host of one process's provider. Every call is a scheduling point.
#[derive(Clone)]
pub struct SimHost {
    process: Rc<Process>,
    memory: SimMemory,
    transport: SimTransport,
}

impl SimHost {
    pub(crate) fn new(process: &Rc<Process>) -> Self {
        Self {
            process: Rc::clone(process),
            memory: SimMemory::new(process),
            transport: SimTransport::new(process),
        }
    }

    fn kernel(&self) -> &Kernel {
        &self.process.kernel
    }

    fn event(&self, event: EventHandle) -> Result<Rc<EventObject>, WsaError> {
        self.process.handles.borrow().event(event).ok_or(WsaError::WSA_INVALID_HANDLE)
    }

    fn upcall(&self, point: Point, name: &'static str) {
        self.kernel().point(point);
        self.process.watch(|watch| watch.upcall(name));
    }
}

impl Host for SimHost {
    type RawMutex = SimRawMutex;
    type Signal = Rc<EventObject>;
    type Memory = SimMemory;
    type Transport = SimTransport;

    fn memory(&self) -> &SimMemory {
        &self.memory
    }

    fn transport(&self) -> &SimTransport {
        &self.transport
    }

    fn process_id(&self) -> u32 {
        self.process.windows_id()
    }

    fn catalog_entry(&self, family: Family, kind: Kind) -> CatalogEntry {
        let id = match (family, kind) {
            (Family::V4, Kind::Stream) => 1001,
            (Family::V4, Kind::Datagram) => 1002,
            (Family::V6, Kind::Stream) => 1003,
            (Family::V6, Kind::Datagram) => 1004,
        };
        CatalogEntry { provider: *b"wspsim-provider\0", id }
    }

    fn current_thread(&self) -> ThreadKey {
        let kernel = self.kernel();
        // Reading the thread's id cannot interact with another thread: not a scheduling point.
        kernel.current_tid().map_or(ThreadKey(u64::MAX), |tid| kernel.thread_key(tid))
    }

    fn now_ns(&self) -> u64 {
        self.kernel().point(Point::Time);
        self.kernel().now_ns()
    }

    fn set_timer(&self, token: Token, at_ns: u64) {
        self.kernel().point(Point::Timer);
        if !self.process.ended() && self.process.note_timer(token, at_ns) {
            let kind = TimerKind::Provider(Rc::clone(&self.process), token);
            self.kernel().set_timer(at_ns, kind);
        }
    }

    fn new_signal(&self) -> Rc<EventObject> {
        self.kernel().new_event(false, false)
    }

    fn signal(&self, signal: &Rc<EventObject>) {
        self.kernel().point(Point::Signal);
        self.kernel().set_event(signal);
    }

    fn wait(&self, signal: &Rc<EventObject>, deadline_ns: Option<u64>) -> WaitEnd {
        self.process.watch(|watch| watch.upcall("wait"));
        self.disturb_wait();
        let object = Objects::One(Waitable::Event(Rc::clone(signal)));
        match self.kernel().wait(WaitFor::Host(object), deadline_ns) {
            Woken::Object(_) => WaitEnd::Signalled,
            Woken::TimedOut => WaitEnd::TimedOut,
            Woken::Apcs => WaitEnd::ApcsRan,
        }
    }

    fn wait_event(&self, event: EventHandle, signal: &Rc<EventObject>) -> Result<(), WsaError> {
        self.process.watch(|watch| watch.upcall("wait_event"));
        let either = vec![Waitable::Event(self.event(event)?), Waitable::Event(Rc::clone(signal))];
        self.kernel().wait(WaitFor::HostEvent(Objects::Several(either, false)), None);
        Ok(())
    }

    fn reset_event(&self, event: EventHandle) -> Result<(), WsaError> {
        self.upcall(Point::Event, "reset_event");
        self.reset_client_event(event)
    }

    fn set_event(&self, event: EventHandle) -> Result<(), WsaError> {
        self.upcall(Point::Event, "set_event");
        self.set_client_event(event)
    }

    fn create_socket_handle(
        &self,
        _family: Family,
        _kind: Kind,
        context: usize,
    ) -> Result<SocketHandle, WsaError> {
        self.kernel().point(Point::Handle);
        self.transport.refuse_by_script(Seam::CreateSocketHandle, None)?;
        let number = self.kernel().counters.next_socket();
        Ok(self.process.handles.borrow_mut().open_socket(context, number))
    }

    fn socket_context(&self, socket: SocketHandle) -> Result<usize, WsaError> {
        self.kernel().point(Point::Handle);
        let entry = self.process.handles.borrow().socket(socket);
        entry.map(|entry| entry.context).ok_or(WsaError::WSAENOTSOCK)
    }

    fn close_socket_handle(&self, socket: SocketHandle) -> Result<(), WsaError> {
        self.kernel().point(Point::Handle);
        let closed = self.process.handles.borrow_mut().close_socket(socket);
        closed.map(|_| ()).ok_or(WsaError::WSAENOTSOCK)
    }

    fn queue_apc(&self, thread: &ThreadId, context: usize) -> Result<(), WsaError> {
        self.upcall(Point::QueueApc, "queue_apc");
        self.queue_provider_apc(thread, context)
    }

    fn complete_overlapped(
        &self,
        socket: SocketHandle,
        overlapped: UserPtr,
        error: u32,
        bytes: u32,
    ) -> Result<(), WsaError> {
        self.upcall(Point::Complete, "complete_overlapped");
        self.complete(socket, overlapped, error, bytes)
    }

    fn post_message(
        &self,
        window: WindowHandle,
        message: u32,
        wparam: usize,
        lparam: usize,
    ) -> bool {
        self.upcall(Point::Message, "post_message");
        self.post(window, Message { message, wparam, lparam })
    }

    fn blocking_hook(&self) -> Option<BlockingHook> {
        self.upcall(Point::Hook, "blocking_hook");
        self.installed_hook()
    }

    fn call_blocking_hook(&self, hook: BlockingHook) -> bool {
        self.upcall(Point::Hook, "call_blocking_hook");
        self.run_hook(hook)
    }

    fn in_blocking_hook(&self) -> bool {
        // Only the thread itself changes it: not a scheduling point.
        self.kernel().current().is_some_and(|me| me.in_hook.get() > 0)
    }

    fn call_condition(&self, call: &ConditionCall) -> i32 {
        self.upcall(Point::Hook, "call_condition");
        self.run_condition(call)
    }

    fn call_routine(
        &self,
        routine: Routine,
        error: u32,
        bytes: u32,
        overlapped: UserPtr,
        flags: u32,
    ) {
        self.upcall(Point::Routine, "call_routine");
        self.run_routine(routine, error, bytes, overlapped, flags);
    }
}

//! A `Host` that does not do what it is asked for.

use std::rc::Rc;

use provider_core::layout::overlapped as layout;
use provider_core::{
    BlockingHook, CatalogEntry, ConditionCall, EventHandle, Family, Host, Kind, Memory,
    MemoryFault, Routine, SocketHandle, ThreadId, ThreadKey, Token, UserPtr, WaitEnd, WindowHandle,
    WsaError,
};
use wspsim::host::SimHost;

use super::Flaw;
use super::memory::FlawedMemory;
use super::state::State;
use super::transport::FlawedTransport;

/// The host given to the provider core.
pub struct FlawedHost {
    host: SimHost,
    memory: FlawedMemory,
    transport: FlawedTransport,
    state: Rc<State>,
}

impl FlawedHost {
    pub(super) fn new(host: SimHost, state: Rc<State>) -> Self {
        Self {
            memory: FlawedMemory::new(&host, Rc::clone(&state)),
            transport: FlawedTransport::new(&host, Rc::clone(&state)),
            host,
            state,
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.state.has(flaw)
    }

    /// Whether the worker runs, and so ends what was pending.
    fn is_on_worker(&self) -> bool {
        self.state.worker.get() == Some(self.host.current_thread())
    }

    /// Stores what WPUCompleteOverlappedRequest would, in its order.
    fn store(&self, overlapped: UserPtr, error: u32, bytes: u32) -> Result<(), MemoryFault> {
        let memory = self.host.memory();
        let count = (bytes as usize).to_le_bytes();
        memory.write(overlapped.offset(layout::INTERNAL_HIGH), &count)?;
        memory.write(overlapped.offset(layout::OFFSET_HIGH), &error.to_le_bytes())?;
        memory.store_status(overlapped.offset(layout::INTERNAL), error)
    }

    /// For [`Flaw::LockTwice`], whose WSPSendTo holds the lock.
    fn lock_again(&self) {
        if self.has(Flaw::LockTwice) {
            drop(self.state.lock.lock());
        }
    }
}

impl Host for FlawedHost {
    type RawMutex = <SimHost as Host>::RawMutex;
    type Signal = <SimHost as Host>::Signal;
    type Memory = FlawedMemory;
    type Transport = FlawedTransport;

    fn memory(&self) -> &FlawedMemory {
        &self.memory
    }

    fn transport(&self) -> &FlawedTransport {
        &self.transport
    }

    fn process_id(&self) -> u32 {
        self.host.process_id()
    }

    fn catalog_entry(&self, family: Family, kind: Kind) -> CatalogEntry {
        self.host.catalog_entry(family, kind)
    }

    fn current_thread(&self) -> ThreadKey {
        let thread = self.host.current_thread();
        if self.has(Flaw::Nested) {
            // The core keeps routines of a thread apart by its key: a key for each depth.
            return ThreadKey(thread.0 | self.state.apc_depth(thread) << 48);
        }
        thread
    }

    fn now_ns(&self) -> u64 {
        self.host.now_ns()
    }

    fn set_timer(&self, token: Token, at_ns: u64) {
        self.host.set_timer(token, at_ns);
    }

    fn new_signal(&self) -> Self::Signal {
        self.host.new_signal()
    }

    fn signal(&self, signal: &Self::Signal) {
        if !(self.has(Flaw::LostWakeUp) && self.state.sends.get()) {
            self.host.signal(signal);
        }
    }

    fn wait(&self, signal: &Self::Signal, deadline_ns: Option<u64>) -> WaitEnd {
        let last_word = self.transport.last_word();
        let end = self.host.wait(signal, deadline_ns);
        core::mem::forget(last_word);
        end
    }

    fn wait_event(&self, event: EventHandle, signal: &Self::Signal) -> Result<(), WsaError> {
        self.host.wait_event(event, signal)
    }

    fn reset_event(&self, event: EventHandle) -> Result<(), WsaError> {
        self.lock_again();
        self.host.reset_event(event)
    }

    fn set_event(&self, event: EventHandle) -> Result<(), WsaError> {
        if self.has(Flaw::WriteLost) && self.state.sends.get() && self.is_on_worker() {
            return Ok(());
        }
        self.host.set_event(event)
    }

    fn create_socket_handle(
        &self,
        family: Family,
        kind: Kind,
        context: usize,
    ) -> Result<SocketHandle, WsaError> {
        self.host.create_socket_handle(family, kind, context)
    }

    fn socket_context(&self, socket: SocketHandle) -> Result<usize, WsaError> {
        self.host.socket_context(socket)
    }

    fn close_socket_handle(&self, socket: SocketHandle) -> Result<(), WsaError> {
        if self.has(Flaw::LeakedHandle) {
            return Ok(());
        }
        self.host.close_socket_handle(socket)
    }

    fn queue_apc(&self, thread: &ThreadId, context: usize) -> Result<(), WsaError> {
        self.lock_again();
        let at_once = !self.is_on_worker();
        if self.has(if at_once { Flaw::RoutineLostAtOnce } else { Flaw::RoutineLost }) {
            return Ok(());
        }
        if !at_once && (self.has(Flaw::WrongThread) || self.has(Flaw::NotAlertable)) {
            self.state.contexts.borrow_mut().push(context);
            return Ok(());
        }
        let queued = self.host.queue_apc(thread, context);
        self.memory.store_late();
        queued
    }

    fn complete_overlapped(
        &self,
        socket: SocketHandle,
        overlapped: UserPtr,
        error: u32,
        bytes: u32,
    ) -> Result<(), WsaError> {
        let at_once = !self.is_on_worker();
        if self.has(if at_once { Flaw::EventLostAtOnce } else { Flaw::EventLost }) {
            return Ok(());
        }
        self.lock_again();
        if self.has(Flaw::PacketLost) && self.memory.event_of(overlapped).is_none() {
            return self.store(overlapped, error, bytes).map_err(|_| WsaError::WSAEINVAL);
        }
        if self.has(Flaw::TagBitIgnored)
            && let Some(event) = self.memory.event_of(overlapped)
        {
            let at = overlapped.offset(layout::EVENT);
            let _ = self.host.memory().write(at, &(event.0 & !1).to_le_bytes());
        }
        if self.has(Flaw::ClosedEarly) && self.state.closing.get() {
            let _ = self.host.close_socket_handle(socket);
        }
        let event = if self.has(Flaw::EventEarly) || self.has(Flaw::EventTwice) {
            self.memory.event_of(overlapped)
        } else {
            None
        };
        if self.has(Flaw::EventEarly)
            && let Some(event) = event
        {
            let _ = self.host.set_event(event);
        }
        let error = match error {
            0 if self.has(Flaw::WrongEnd) => WsaError::WSAEALREADY.0 as u32,
            error => error,
        };
        let short = self.has(Flaw::ShortEnd) && self.state.sending.get();
        let bytes = bytes.saturating_sub(u32::from(short));
        let completed = self.host.complete_overlapped(socket, overlapped, error, bytes);
        if self.has(Flaw::CompletedTwice) {
            return self.host.complete_overlapped(socket, overlapped, error, bytes);
        }
        if self.has(Flaw::EventTwice)
            && let Some(event) = event
        {
            let _ = self.host.set_event(event);
        }
        if self.has(Flaw::WritesOverlappedLate) {
            let _ = self.host.memory().write(overlapped.offset(layout::OFFSET), &[0; 4]);
        }
        if self.has(Flaw::WritesReceiveBufferLate) {
            let mut receives = self.state.receives.take();
            receives.retain(|(of, buffer)| {
                if *of == overlapped {
                    let _ = self.host.memory().write(*buffer, &[0]);
                }
                *of != overlapped
            });
            self.state.receives.borrow_mut().extend(receives);
        }
        completed
    }

    fn post_message(
        &self,
        window: WindowHandle,
        message: u32,
        wparam: usize,
        lparam: usize,
    ) -> bool {
        if self.has(Flaw::MessageTwice) {
            self.host.post_message(window, message, wparam, lparam);
        }
        self.host.post_message(window, message, wparam, lparam)
    }

    fn blocking_hook(&self) -> Option<BlockingHook> {
        self.host.blocking_hook()
    }

    fn call_blocking_hook(&self, hook: BlockingHook) -> bool {
        self.host.call_blocking_hook(hook)
    }

    fn in_blocking_hook(&self) -> bool {
        self.host.in_blocking_hook()
    }

    fn call_condition(&self, call: &ConditionCall) -> i32 {
        self.host.call_condition(call)
    }

    fn call_routine(
        &self,
        routine: Routine,
        error: u32,
        bytes: u32,
        overlapped: UserPtr,
        flags: u32,
    ) {
        let told = bytes + u32::from(self.has(Flaw::WrongArguments));
        self.host.call_routine(routine, error, told, overlapped, flags);
        if self.has(Flaw::RoutineTwice) {
            self.host.call_routine(routine, error, told, overlapped, flags);
        }
    }
}

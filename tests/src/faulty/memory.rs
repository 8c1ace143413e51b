//! The caller's memory as a flawed provider reaches it.

use std::rc::Rc;

use provider_core::layout::overlapped as layout;
use provider_core::spi::WSS_OPERATION_IN_PROGRESS;
use provider_core::{EventHandle, Host, Memory, MemoryFault, UserPtr};
use wspsim::host::{SimHost, SimMemory};

use super::Flaw;
use super::state::State;

/// A `Memory` that may store a status late, or not at all.
pub struct FlawedMemory {
    host: SimHost,
    memory: SimMemory,
    state: Rc<State>,
}

impl FlawedMemory {
    pub(super) fn new(host: &SimHost, state: Rc<State>) -> Self {
        Self { host: host.clone(), memory: host.memory().clone(), state }
    }

    /// `hEvent` of an OVERLAPPED that is still lent.
    pub(super) fn event_of(&self, overlapped: UserPtr) -> Option<EventHandle> {
        event_of(&self.memory, overlapped)
    }

    /// Stores what [`Flaw::ApcEarly`] held back.
    pub(super) fn store_late(&self) {
        let held = self.state.statuses.take();
        for (to, status) in held {
            let _ = self.memory.store_status(to, status);
        }
    }
}

/// `hEvent` of an OVERLAPPED that is still lent.
pub(super) fn event_of(memory: &SimMemory, overlapped: UserPtr) -> Option<EventHandle> {
    let mut handle = [0; size_of::<usize>()];
    memory.read(overlapped.offset(layout::EVENT), &mut handle).ok()?;
    Some(EventHandle(usize::from_le_bytes(handle))).filter(|event| event.0 != 0)
}

impl Memory for FlawedMemory {
    fn read(&self, from: UserPtr, into: &mut [u8]) -> Result<(), MemoryFault> {
        self.memory.read(from, into)
    }

    fn write(&self, to: UserPtr, bytes: &[u8]) -> Result<(), MemoryFault> {
        self.memory.write(to, bytes)
    }

    fn probe_read(&self, from: UserPtr, len: usize) -> Result<(), MemoryFault> {
        self.memory.probe_read(from, len)
    }

    fn probe_write(&self, to: UserPtr, len: usize) -> Result<(), MemoryFault> {
        self.memory.probe_write(to, len)
    }

    fn load_status(&self, from: UserPtr) -> Result<u32, MemoryFault> {
        self.memory.load_status(from)
    }

    fn store_status(&self, to: UserPtr, status: u32) -> Result<(), MemoryFault> {
        if status != WSS_OPERATION_IN_PROGRESS {
            if self.state.has(Flaw::ApcEarly) {
                self.state.statuses.borrow_mut().push((to, status));
                return Ok(());
            }
            if self.state.has(Flaw::LostAtCleanup) && self.state.cleaning.get() {
                return Ok(());
            }
            if self.state.has(Flaw::PacketAtCleanup)
                && self.state.cleaning.get()
                && self.event_of(to).is_none()
            {
                let sockets = self.state.sockets.take();
                let socket = sockets.iter().rev().find(|(overlapped, _)| *overlapped == to);
                if let Some((_, socket)) = socket {
                    let _ = self.host.complete_overlapped(*socket, to, status, 0);
                    return Ok(());
                }
            }
            if self.state.has(Flaw::EventAtCleanup) && self.state.cleaning.get() {
                const { assert!(layout::INTERNAL == 0, "the status is where the OVERLAPPED is") };
                let event = self.event_of(to);
                let stored = self.memory.store_status(to, status);
                if let Some(event) = event {
                    let _ = self.host.set_event(event);
                }
                return stored;
            }
        }
        self.memory.store_status(to, status)
    }
}

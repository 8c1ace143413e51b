//! The caller's memory, as a provider reaches it.

use std::rc::Rc;

use provider_core::{Memory, MemoryFault, UserPtr};

use crate::event::Point;
use crate::memory::AccessError;
use crate::process::Process;

/// The memory of the provider's process.
#[derive(Clone)]
pub struct SimMemory {
    process: Rc<Process>,
}

impl SimMemory {
    pub(super) fn new(process: &Rc<Process>) -> Self {
        Self { process: Rc::clone(process) }
    }

    fn judge<T>(&self, result: Result<T, AccessError>) -> Result<T, MemoryFault> {
        result.map_err(|error| {
            // What a provider touches while its thread is torn down is no sin of its own.
            if !self.process.kernel.unwinding() {
                self.process.with_watch(|watch| watch.fault(error));
            }
            MemoryFault
        })
    }
}

impl Memory for SimMemory {
    fn read(&self, from: UserPtr, into: &mut [u8]) -> Result<(), MemoryFault> {
        self.process.kernel.point(Point::MemoryRead);
        self.judge(self.process.arena.provider_read(from, into))
    }

    fn write(&self, to: UserPtr, bytes: &[u8]) -> Result<(), MemoryFault> {
        self.process.kernel.point(Point::MemoryWrite);
        self.judge(self.process.arena.provider_write(to, bytes))
    }

    fn probe_read(&self, from: UserPtr, len: usize) -> Result<(), MemoryFault> {
        self.process.kernel.point(Point::MemoryRead);
        self.judge(self.process.arena.probe_read(from, len))
    }

    fn probe_write(&self, to: UserPtr, len: usize) -> Result<(), MemoryFault> {
        self.process.kernel.point(Point::MemoryWrite);
        self.judge(self.process.arena.probe_write(to, len))
    }

    fn load_status(&self, from: UserPtr) -> Result<u32, MemoryFault> {
        self.process.kernel.point(Point::Status);
        self.judge(self.process.arena.load_status(from))
    }

    fn store_status(&self, to: UserPtr, status: u32) -> Result<(), MemoryFault> {
        self.process.kernel.point(Point::Status);
        self.judge(self.process.arena.store_status(to, status))?;
        self.process.watch(|watch| watch.status_stored(to, status));
        Ok(())
    }
}

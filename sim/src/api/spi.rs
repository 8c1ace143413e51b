//! The raw SPI, and raw user memory, for those who test providers.

use std::rc::Rc;

use provider_core::{ServiceProvider, ThreadId, UserPtr};

use super::Os;

impl Os {
    /// The provider behind its procedure table, watched. `None` once the machine is off.
    pub fn spi(&self) -> Option<Rc<dyn ServiceProvider>> {
        self.process.boundary().map(|boundary| boundary as Rc<dyn ServiceProvider>)
    }

    /// What WPUOpenCurrentThread gives: the WSATHREADID of the calling thread.
    pub fn thread_id(&self) -> ThreadId {
        self.me().map_or(ThreadId { handle: 0, reserved: 0 }, |me| me.thread_id())
    }

    /// Raw memory of `len` bytes; give it back with [`Self::free_raw`].
    pub fn alloc_raw(&self, len: usize) -> UserPtr {
        self.process.alloc(len)
    }

    /// Gives raw memory back.
    pub fn free_raw(&self, ptr: UserPtr) {
        self.process.free(ptr);
    }

    /// Reads user memory.
    pub fn read_raw(&self, from: UserPtr, into: &mut [u8]) {
        self.read_user(from, into);
    }

    /// The low 32 bits of `Internal` of an OVERLAPPED. Allowed at any time.
    pub fn status_raw(&self, overlapped: UserPtr) -> u32 {
        match self.process.arena.client_status(overlapped) {
            Ok(status) => status,
            Err(misuse) => {
                self.report("client-misuse", "BUF-4", format!("the program reads {misuse}"));
                0
            }
        }
    }

    /// Writes user memory.
    pub fn write_raw(&self, to: UserPtr, bytes: &[u8]) {
        self.write_user(to, bytes);
    }
}

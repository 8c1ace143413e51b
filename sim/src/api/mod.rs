//! What a program sees: Windows and Winsock as they are called there, on top of the raw SPI.
//!
//! Every function belongs to the thread that calls it, blocks as it does on Windows, and may let
//! other threads run. Functions of ws2_32 set the thread's last error when they fail. While a
//! thread is torn down (a panic, a crash) every function fails at once and does nothing.

mod accept;
mod adversary;
mod args;
mod duplicate;
mod events;
mod hook;
mod memory;
mod misc;
mod multicast;
mod names;
mod notification;
mod overlapped;
mod ports;
mod script;
mod sockets;
mod sockopt;
mod spi;
mod threads;
mod waits;
mod win32_error;
mod windows;

use std::rc::Rc;

use provider_core::{UserPtr, WsaError};

use crate::boundary::Boundary;
use crate::kernel::{Kernel, Thread};
use crate::process::Process;
use crate::world::Violation;

pub use crate::kernel::{
    INFINITE, MAXIMUM_WAIT_OBJECTS, Message, WAIT_FAILED, WAIT_IO_COMPLETION, WAIT_OBJECT_0,
    WAIT_TIMEOUT,
};
pub use accept::Caller;
pub use duplicate::ProtocolInfo;
pub use memory::{AddressBuffer, Buffer, Overlapped};
pub use notification::{FdSet, NetworkEvents};
pub use ports::{NotQueued, OverlappedEntry, PROCESSORS, Packet, PortHandle};
pub use threads::{Handle, ThreadHandle};
pub use win32_error::Win32Error;

/// A program's view of its machine. A clone is the same view; each call acts on the thread that
/// makes it.
#[derive(Clone)]
pub struct Os {
    process: Rc<Process>,
}

impl Os {
    pub(crate) fn new(thread: Rc<Thread>) -> Self {
        Self { process: Rc::clone(&thread.process) }
    }

    fn kernel(&self) -> &Rc<Kernel> {
        &self.process.kernel
    }

    /// The calling thread; `None` while it is torn down.
    fn me(&self) -> Option<Rc<Thread>> {
        if self.kernel().unwinding() { None } else { self.kernel().current() }
    }

    /// The calling thread and the watched SPI.
    fn reach(&self) -> Result<(Rc<Thread>, Rc<Boundary>), WsaError> {
        self.me().zip(self.process.boundary()).ok_or(WsaError::WSAENETDOWN)
    }

    fn report(&self, oracle: &'static str, clause: &'static str, message: String) {
        self.kernel().report(Violation { oracle, clause, message });
    }

    fn read_user(&self, from: UserPtr, into: &mut [u8]) {
        if let Err(misuse) = self.process.arena.client_read(from, into) {
            self.report("client-misuse", "BUF-4", format!("the program reads {misuse}"));
        }
    }

    fn write_user(&self, to: UserPtr, bytes: &[u8]) {
        if let Err(misuse) = self.process.arena.client_write(to, bytes) {
            self.report("client-misuse", "BUF-4", format!("the program writes {misuse}"));
        }
    }

    fn read_u32(&self, from: UserPtr) -> u32 {
        let mut word = [0; 4];
        self.read_user(from, &mut word);
        u32::from_le_bytes(word)
    }
}

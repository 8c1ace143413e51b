//! The kernel's semantics, on one machine without a network and with a provider that does nothing.

mod apcs;
mod bed;
mod end_to_end;
mod events;
mod locks;
mod port_sockets;
mod ports;
mod power;
mod schedule;
mod threads;
mod windows;

use core::cell::Cell;

thread_local! {
    /// Kernels that exist on this OS thread.
    pub(super) static LIVE: Cell<usize> = const { Cell::new(0) };
}

//! The watched SPI: between every program and its provider.
//!
//! [`Boundary`] is a provider in front of the provider: it lends what a call passes, tells the
//! oracles what enters and leaves, and takes back and scribbles over what the provider may no
//! longer use. [`Watch`] is what the simulator's host tells of the upcalls and the transport.
//! Neither holds a borrow across a call into the provider: threads switch inside.

mod arguments;
mod calls;
mod frame;
mod surroundings;
mod transport;
mod watch;

pub use calls::Boundary;
pub use surroundings::Surroundings;
pub(crate) use watch::NO_PACKET;
pub use watch::Watch;

#[cfg(test)]
mod tests;

//! The network: the link layer in front of the wire, and the stack of a machine.

pub mod link;
pub mod stack;

//! A world: machines on a simulated network, driven from one seed.

mod builder;
mod carrier;
mod chaos;
mod directory;
mod driver;
mod node;
mod shared;

use core::any::Any;

pub use builder::{Boot, MachineSpec, Role, WorldBuilder};
pub use directory::Directory;
pub use driver::{Driver, DriverError, Ended, Host};
pub use node::{Node, Outgoing, WirePacket};
pub use shared::{Finding, Shared, Violation};

/// What a panic said.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

//! Faults: what can go wrong, where, how often, and by which script.

mod catalog;
mod plan;
mod script;

pub use catalog::{Fault, Kind};
pub use plan::{FaultPlan, Faults, Script};
pub use script::{Answer, Seam, Taken};
pub(crate) use script::{Script as LiveScript, Word};

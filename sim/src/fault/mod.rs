//! Faults: what can go wrong, where, how often, and by which script.

mod catalog;
mod plan;

pub use catalog::{Fault, Kind};
pub use plan::{FaultPlan, Faults, Script};

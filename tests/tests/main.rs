//! What must hold across the crates.

mod accept;
mod blocking_hook;
mod cli;
mod conformance;
mod descriptors;
mod determinism;
mod docs;
mod faulty;
mod model;
mod program;
mod regressions;
mod unheld;

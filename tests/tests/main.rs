//! What must hold across the crates.

mod accept;
mod cli;
mod conformance;
mod determinism;
mod docs;
mod faulty;
mod program;
mod regressions;

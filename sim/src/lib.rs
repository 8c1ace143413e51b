//! A deterministic simulator and fault-injection sandbox for Winsock service providers.
//!
//! A run is a [`Scenario`](scenario::Scenario) and a seed: machines on a simulated network, a
//! virtual Windows process on each, the provider under test inside, and oracles around it that
//! know only the contract. [`run::run`] makes one run; what it breaks is a
//! [`Finding`](world::Finding), which [`finding`] writes to a file and replays.

pub mod api;
pub mod boundary;
pub mod choice;
pub mod event;
pub mod fault;
pub mod finding;
pub mod host;
pub mod kernel;
pub mod machine;
pub mod memory;
pub mod net;
pub mod oracle;
pub mod process;
pub mod recorder;
pub mod run;
pub mod scenario;
pub mod settings;
pub mod trace;
pub mod world;

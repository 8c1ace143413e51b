//! Shared parts of the benches: the peers' workloads, and how two sides are timed in pairs.

pub mod paired;
pub mod turmoil_echo;

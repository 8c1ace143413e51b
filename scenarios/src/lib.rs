//! The programs that wspsim hunts with, and its command line.
//!
//! Each scenario is a file of its own that implements [`Scenario`](wspsim::scenario::Scenario);
//! [`all`] lists them.
#![forbid(unsafe_code)]

mod blocked_senders;
mod bulk_stream;
mod cancel_races;
pub mod cli;
mod common;
mod crash_restart;
mod datagram_echo;
mod enobufs_storm;
mod event_server;
mod mixed_senders;
mod multicast;
mod port_server;
mod registry;
mod reset_storm;
mod routine_chain;
mod select_loop;
mod shared_socket;
mod shutdown_queued;
mod urgent_stream;

pub use registry::all;

/// The examples of the documents, compiled and run as tests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/guide-scenarios.md")]
    struct GuideScenarios;
    #[doc = include_str!("../../docs/guide-providers.md")]
    struct GuideProviders;
}

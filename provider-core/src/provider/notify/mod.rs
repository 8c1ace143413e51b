//! Telling that a socket is ready: WSPEventSelect, WSPEnumNetworkEvents, WSPAsyncSelect, WSPSelect.
//!
//! All of them ask `readiness`, under the socket's lock. What is selected for a socket is looked
//! at whenever its lock is about to be let go after a change (`settle`), and told after that.

mod enum_network_events;
mod fd_sets;
mod readiness;
mod register;
mod select;
mod settle;

pub(super) use readiness::Arrival;
pub(super) use select::SelectArgs;

//! Bugs that were found once, each with the seed or the file that showed it.
//!
//! To add one: a file of its own here, named after what broke (`close_loses_datagram.rs`), its
//! `mod` below, and its line in docs/bugs-found.md. Prefer the least that shows the bug, in this
//! order:
//!
//! 1. A test of the piece that was wrong, beside that piece. Nothing is needed here then.
//! 2. A run: scenario, seed and pinned settings, with what must hold now. A seed means what it
//!    means only for the sources of its day; say in the test what the run has to pass through (a
//!    fault struck, an operation aborted), and let the test fail when it no longer does.
//! 3. A program of its own that makes the calls in the order that matters, over several seeds.
//!
//! A finding's file is no regression test: it departs as soon as the sources change.

pub(crate) mod pair;

mod address_room;
mod cleanup_and_others;
mod connect_reset_at_once;
mod lingering_close;
mod network_events;
mod nonblocking_linger_close;
mod nonblocking_send_cut_short;
mod refused_connect;
mod send_meets_net_down;
mod shutdown_of_a_dead_connection;

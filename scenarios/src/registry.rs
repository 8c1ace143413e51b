//! Which scenarios there are. A new one needs its `mod` in lib.rs and its line here.

use wspsim::scenario::Scenario;

/// Every scenario, in the order in which a hunt takes them and `list` shows them.
pub fn all() -> &'static [&'static dyn Scenario] {
    &[
        &crate::datagram_echo::DatagramEcho,
        &crate::bulk_stream::BulkStream,
        &crate::routine_chain::RoutineChain,
        &crate::enobufs_storm::EnobufsStorm,
        &crate::mixed_senders::MixedSenders,
        &crate::cancel_races::CancelRaces,
        &crate::shutdown_queued::ShutdownQueued,
        &crate::blocked_senders::BlockedSenders,
        &crate::reset_storm::ResetStorm,
        &crate::crash_restart::CrashRestart,
        &crate::multicast::Multicast,
        &crate::port_server::PortServer,
        &crate::shared_socket::SharedSocket,
        &crate::urgent_stream::UrgentStream,
        &crate::event_server::EventServer,
        &crate::select_loop::SelectLoop,
    ]
}

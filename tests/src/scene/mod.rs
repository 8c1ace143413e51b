//! Small scenarios on a quiet network: nothing is lost, delayed or reset, so that what a run finds
//! is the provider's own doing. They go on when something never comes, to their orderly end: it is
//! for the oracles to object. Only then does the program itself say what it misses.

mod datagram;
mod endless;
mod misuse;
mod notified;
mod stream;

use provider_core::WsaError;
use wspsim::api::Os;
use wspsim::choice::Rate;
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, MS, Network, NetworkRange, SECOND};

/// One datagram client and an echo server: every mode of overlapped send and receive, refused
/// sends, SIO_FLUSH, a terminated thread.
pub const DATAGRAM: &dyn Scenario = &datagram::DatagramPair;
/// One stream from a client to a slow server: overlapped, blocking and nonblocking sends.
pub const STREAM: &dyn Scenario = &stream::StreamPair;
/// A program that writes into a buffer while an overlapped send owns it.
pub const MISUSE: &dyn Scenario = &misuse::Misuse;

/// A stream and a datagram socket whose programs are told when these are ready.
pub const NOTIFIED: &dyn Scenario = &notified::Notified;

/// A program that hangs: not among those that a hunt takes by itself.
pub const ENDLESS: &dyn Scenario = &endless::Endless;

/// All that end.
pub const ALL: &[&dyn Scenario] = &[DATAGRAM, STREAM, MISUSE, NOTIFIED];

pub(crate) const QUIET: NetworkRange = NetworkRange::Fixed(Network {
    min_delay_ns: MS,
    max_delay_ns: MS,
    delay_step_ns: 0,
    in_order: true,
    loss: Rate::NEVER,
    mtu: 1500,
    mtu_small: 576,
    bytes_per_second: 1_000_000,
    extra_delay_ns: 0,
});

const SHORT: Limits = Limits { chaos_ns: 20 * SECOND, liveness_ns: 20 * SECOND };

/// The end of a program: one that met an error that a quiet network has no cause for says so.
fn end(os: &Os, result: Result<(), WsaError>) {
    if let Err(error) = result {
        os.fail(&format!("the program gave up: {error}"));
    }
}

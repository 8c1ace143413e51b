//! Urgent data: alarms beside a stream, in every way to send them and to hear of them.
//!
//! Ordinary bytes count up and have no highest bit; an alarm has it, and its number in the others.
//! So whoever hears one knows which it is, in the stream or beside it.

mod client;
mod ears;
mod heard;
mod server;

use wspsim::fault::Fault;
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, SECOND};
use wspsim::world::WorldBuilder;

/// The scenario.
pub(crate) struct UrgentStream;

const PORT: u16 = 23;
/// How long a connection may stand still.
const IDLE_MS: u32 = 6000;
/// Longer than any run.
const FOREVER_MS: u32 = 1_000_000_000;
/// What marks an alarm.
const ALARM: u8 = 0x80;
/// The most alarms of a connection; their numbers are bits of a word.
const ALARMS_MAX: u32 = 40;
/// Behind the answers to alarms: a zero, whether they came in line, how many ordinary bytes came.
const RECEIPT: usize = 10;

impl Scenario for UrgentStream {
    fn name(&self) -> &'static str {
        "urgent-stream"
    }

    fn about(&self) -> &'static str {
        "Urgent data beside a stream or in line, heard by events, select, SIOCATMARK and waiting \
         receives: alarms lost, doubled or taken for ordinary bytes, and listeners nobody wakes"
    }

    fn adversaries(&self) -> &'static [Fault] {
        &[Fault::Crash, Fault::Shutdown, Fault::CancelBlocking]
    }

    fn limits(&self) -> Limits {
        Limits { chaos_ns: 8 * SECOND, ..Limits::default() }
    }

    fn build(&self, world: &mut WorldBuilder) {
        world.server("server", server::run);
        world.client("client", client::run);
    }
}

/// The `len` ordinary bytes from place `at` on.
fn ordinary(at: u64, len: usize) -> Vec<u8> {
    (at..at + len as u64).map(|at| (at % 127) as u8).collect()
}

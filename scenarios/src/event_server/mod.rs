//! Network events: a server with WSAEventSelect, clients with event objects and with windows.

mod bell;
mod clients;
mod driven;
mod server;

use wspsim::fault::Fault;
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, SECOND};
use wspsim::world::WorldBuilder;

/// The scenario.
pub(crate) struct EventServer;

const PORT: u16 = 70;

impl Scenario for EventServer {
    fn name(&self) -> &'static str {
        "event-server"
    }

    fn about(&self) -> &'static str {
        "Network events by event object and by message, in a server of one thread and its clients: \
         an FD_WRITE or FD_READ that is lost, an end before the data, events that nobody selected"
    }

    fn adversaries(&self) -> &'static [Fault] {
        &[Fault::Crash, Fault::Shutdown, Fault::Close, Fault::Flush]
    }

    fn limits(&self) -> Limits {
        Limits { chaos_ns: 5 * SECOND, ..Limits::default() }
    }

    fn build(&self, world: &mut WorldBuilder) {
        world.server("server", server::serve);
        world.client("client-1", clients::run);
        world.client("client-2", clients::run);
    }
}

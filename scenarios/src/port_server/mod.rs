//! A server on a completion port: several threads, many connections and datagram sockets, one port.

mod clients;
mod datagrams;
mod link;
mod server;
mod streams;
mod workers;

use wspsim::fault::Fault;
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, SECOND};
use wspsim::world::WorldBuilder;

/// The scenario.
pub(crate) struct PortServer;

const PORT: u16 = 90;

impl Scenario for PortServer {
    fn name(&self) -> &'static str {
        "port-server"
    }

    fn about(&self) -> &'static str {
        "A completion-port server that echoes streams and datagrams: packets lost, doubled, early or \
         of the wrong operation, also for what closesocket ends"
    }

    fn adversaries(&self) -> &'static [Fault] {
        &[Fault::Crash, Fault::Shutdown, Fault::Close, Fault::Flush, Fault::CancelBlocking]
    }

    fn limits(&self) -> Limits {
        Limits { chaos_ns: 8 * SECOND, ..Limits::default() }
    }

    fn build(&self, world: &mut WorldBuilder) {
        world.server("server", server::serve);
        world.client("client-1", clients::ask);
        world.client("client-2", clients::ask);
    }
}

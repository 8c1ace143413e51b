//! Multicast groups that come and go while others send to them.
//!
//! Two machines listen, with two sockets for each family: one on every address and one on the
//! machine's own. Each stays in the first group, if need be with another socket, and joins and leaves
//! the others as it likes. Two machines speak to all groups, each until all sockets that listen have
//! answered everything that it said in the first group. What a machine keeps to itself with a hop
//! limit of 0 must not be heard on another.

mod group;
mod listener;
mod speaker;

use wspsim::fault::Fault;
use wspsim::scenario::Scenario;
use wspsim::world::WorldBuilder;

/// The scenario.
pub(crate) struct Multicast;

/// Where groups are heard.
const PORT: u16 = 5353;
/// Where a speaker hears answers.
const ANSWERS: u16 = 5354;
/// Machines that listen, and their names.
const LISTENERS: [&str; 2] = ["listener-1", "listener-2"];
/// Sockets that listen to a family.
const EARS: usize = 2 * LISTENERS.len();
/// The longest record after its header: over IPv4 it goes in fragments.
const LONGEST: usize = 4000;

impl Scenario for Multicast {
    fn name(&self) -> &'static str {
        "multicast"
    }

    fn about(&self) -> &'static str {
        "Groups joined and left, by options and as leaves, while others send to them: datagrams \
         that strangers hear, that members miss, or that a machine should have kept to itself"
    }

    fn adversaries(&self) -> &'static [Fault] {
        &[Fault::Crash, Fault::Shutdown, Fault::Flush, Fault::CancelBlocking]
    }

    fn build(&self, world: &mut WorldBuilder) {
        for (index, name) in LISTENERS.into_iter().enumerate() {
            world.server(name, move |os| listener::listen(os, name, 2 * index));
        }
        for name in ["speaker-1", "speaker-2"] {
            world.client(name, speaker::speak);
        }
    }
}

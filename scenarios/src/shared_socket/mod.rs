//! Several descriptors of one socket (WSPDuplicateSocket), each with a user of its own.

mod accepting;
mod datagrams;
mod descriptors;
mod streams;

use std::rc::Rc;

use provider_core::WsaError;
use wspsim::api::Os;
use wspsim::fault::Fault;
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, SECOND};
use wspsim::world::WorldBuilder;

use crate::common::between;
use crate::common::ledger::Ledger;
use crate::common::op::Ops;
use crate::common::patient::Patience;
use crate::common::sink::sink;
use crate::common::{cleanup, startup};

/// The scenario.
pub(crate) struct SharedSocket;

impl Scenario for SharedSocket {
    fn name(&self) -> &'static str {
        "shared-socket"
    }

    fn about(&self) -> &'static str {
        "Descriptors of one socket are handed over, used and closed by several threads: one takes the \
         others' operations with it, or the socket, or a connection that was deferred"
    }

    fn adversaries(&self) -> &'static [Fault] {
        &[
            Fault::Shutdown,
            Fault::Close,
            Fault::Flush,
            Fault::ThreadExit,
            Fault::Terminate,
            Fault::CancelBlocking,
        ]
    }

    fn limits(&self) -> Limits {
        Limits { chaos_ns: 5 * SECOND, ..Limits::default() }
    }

    fn build(&self, world: &mut WorldBuilder) {
        let ledger = Rc::<Ledger>::default();
        let book = ledger.clone();
        world.server("sink", move |os| sink(os, &book));
        world.client("sharer", move |os| Sharer::run(os, &ledger));
    }
}

/// Why operations are over.
const CLOSED: &str = "its descriptor was closed";

#[derive(Clone)]
struct Sharer {
    ops: Ops,
    ledger: Rc<Ledger>,
}

impl Sharer {
    fn run(os: &Os, ledger: &Rc<Ledger>) {
        startup(os);
        let sharer = Self { ops: Ops::new(os), ledger: ledger.clone() };
        for _ in 0..between(os, 3..=6) {
            match os.random_below(5) {
                0 | 1 => sharer.datagrams(os),
                2 | 3 => sharer.stream(os),
                _ => sharer.accepting(os),
            }
        }
        while !os.is_calm() {
            os.sleep(100);
        }
        let mut patience = Patience::new("a stream that was handed over");
        while !sharer.hand_over(os) && patience.again(os, WsaError::WSAECONNABORTED) {}
        let mut patience = Patience::new("a connection that was deferred");
        while !sharer.deferred(os) && patience.again(os, WsaError::WSAECONNABORTED) {}
        cleanup(os);
    }
}

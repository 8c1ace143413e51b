//! WSPSelect: a server of one thread and clients on nonblocking sockets.

mod clients;
mod server;

use core::time::Duration;

use provider_core::WsaError as E;
use wspsim::api::{FdSet, Os};
use wspsim::fault::Fault;
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, SECOND};
use wspsim::world::WorldBuilder;

use crate::common::{is_broken_stream, is_transient, unexpected};

/// The scenario.
pub(crate) struct SelectLoop;

const PORT: u16 = 80;

impl Scenario for SelectLoop {
    fn name(&self) -> &'static str {
        "select-loop"
    }

    fn about(&self) -> &'static str {
        "A server and clients that wait in WSPSelect: a wake-up that is lost, readiness that is not \
         there, a time-out that does not come, looks that take something"
    }

    fn adversaries(&self) -> &'static [Fault] {
        &[Fault::Crash, Fault::Shutdown, Fault::Close, Fault::Flush, Fault::CancelBlocking]
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

/// What select left in the sets.
#[derive(Clone, Debug, Default)]
struct Ready {
    read: FdSet,
    write: FdSet,
    except: FdSet,
}

/// How a wait ended.
enum Waited {
    /// With these; none when the time was over.
    Ready(Ready),
    /// Nothing is known: some call failed, or a socket is gone.
    Unknown,
}

/// After how long something is tried again that no wait tells.
const LATER_MS: u32 = 5;

/// Waits for what `asked` has, `ms` at most.
fn wait(os: &Os, asked: Ready, ms: Option<u32>) -> Waited {
    let waited = select(os, asked, ms);
    if matches!(waited, Waited::Unknown) {
        // It may be so for a while, or for each call there is.
        os.sleep(LATER_MS);
    }
    waited
}

fn select(os: &Os, asked: Ready, ms: Option<u32>) -> Waited {
    let began_ns = os.now_ns();
    let mut sets = asked;
    let timeout = ms.map(|ms| Duration::from_millis(u64::from(ms)));
    match os.select([&mut sets.read, &mut sets.write, &mut sets.except], timeout) {
        Ok(0) => {
            let waited = os.now_ns() - began_ns;
            let due = timeout.is_some_and(|timeout| u128::from(waited) >= timeout.as_nanos());
            os.check(due, "select timed out before its time");
            Waited::Ready(sets)
        }
        Ok(_) => Waited::Ready(sets),
        // Somebody closed one of them, or cancelled the call.
        Err(E::WSAENOTSOCK | E::WSAEINTR) => Waited::Unknown,
        Err(error) => {
            if !is_transient(error) && !is_broken_stream(error) {
                unexpected(os, "select", error);
            }
            Waited::Unknown
        }
    }
}

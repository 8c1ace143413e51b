//! Close, SIO_FLUSH and thread exit against completion.

use core::net::SocketAddr;
use std::rc::Rc;

use provider_core::spi::SO_SNDBUF;
use provider_core::{SocketHandle, WsaError};
use wspsim::api::{Os, ThreadHandle};
use wspsim::fault::Fault;
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, SECOND};
use wspsim::world::WorldBuilder;

use crate::common::ledger::Ledger;
use crate::common::op::{AT_ONCE_MS, Log, Op, Ops, Stage, Tell};
use crate::common::patient::{Patience, connected, datagram, is_broken, is_passing};
use crate::common::sink::{DATAGRAM_PORT, STREAM_PORT, sink};
use crate::common::tagged::{draw_tag, message};
use crate::common::{Ip, address, between, pick};
use crate::common::{cleanup, close, startup};

/// The scenario.
pub(crate) struct CancelRaces;

impl Scenario for CancelRaces {
    fn name(&self) -> &'static str {
        "cancel-races"
    }

    fn about(&self) -> &'static str {
        "Close, SIO_FLUSH and thread exit race with completion: one end each, and nothing aborted arrives."
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
        world.client("racer", move |os| Racer::run(os, &ledger));
    }
}

/// Why operations are over.
const CLOSED: &str = "its socket was closed";

#[derive(Clone)]
struct Racer {
    ops: Ops,
    ledger: Rc<Ledger>,
}

impl Racer {
    fn run(os: &Os, ledger: &Rc<Ledger>) {
        startup(os);
        let racer = Self { ops: Ops::new(os), ledger: ledger.clone() };
        for _ in 0..between(os, 4..=8) {
            match os.random_below(5) {
                0 | 1 => racer.datagrams(os),
                2 | 3 => {
                    racer.stream(os);
                }
                _ => racer.reopen(os),
            }
        }
        while !os.is_calm() {
            os.sleep(100);
        }
        let mut patience = Patience::new("a stream from beginning to end");
        while !racer.stream(os) && patience.again(os, WsaError::WSAECONNABORTED) {}
        racer.leave(os);
    }

    /// Threads send and receive on one datagram socket, and something ends it all early.
    fn datagrams(&self, os: &Os) {
        let ip = Ip::draw(os);
        let Some(socket) = datagram(os, ip, 0) else { return };
        let _ = os.setsockopt(socket, SO_SNDBUF, pick(os, &[0, 0, 1, 1500]));
        let log = Log::default();
        let posters: Vec<_> = (0..between(os, 1..=3))
            .map(|_| {
                let (racer, log) = (self.clone(), log.clone());
                os.create_thread("poster", true, move |os| {
                    racer.post_datagrams(os, &log, socket, ip);
                })
            })
            .collect();
        Self::disturb(os, socket, &posters);
        posters.iter().for_each(|poster| os.join(*poster));
        close(os, socket);
        self.ops.end(os, &self.ledger, &log, CLOSED);
    }

    fn post_datagrams(&self, os: &Os, log: &Log, socket: SocketHandle, ip: Ip) {
        let own = os.getsockname(socket).map_or(0, |address| address.port());
        for _ in 0..between(os, 1..=7) {
            let op = match os.random_below(5) {
                0 => self.ops.receive(os, log, socket, Ops::any_tell(os), 1500),
                kind => {
                    // To the sink, or to itself.
                    let to = match own {
                        1.. if kind == 1 => address(os, "racer", ip, own),
                        _ => address(os, "sink", ip, DATAGRAM_PORT),
                    };
                    self.send_datagram(os, log, socket, to)
                }
            };
            match op.stage.get() {
                Stage::Refused(WsaError::WSAENOTSOCK | WsaError::WSAESHUTDOWN) => return,
                Stage::Refused(WsaError::WSAECONNRESET) => {}
                Stage::Refused(error) if !is_passing(error) => {
                    os.fail(&format!("an overlapped datagram call was refused: {error}"));
                }
                _ => {}
            }
        }
        match os.random_below(4) {
            0 => os.exit_thread(),
            1 => {}
            _ => {
                os.sleep_ex(os.random_below(4), true);
            }
        }
    }

    fn send_datagram(&self, os: &Os, log: &Log, socket: SocketHandle, to: SocketAddr) -> Rc<Op> {
        let tag = draw_tag(os);
        let payload = message(tag, between(os, 8..=1200) as usize);
        self.ledger.sending(tag);
        self.ops.send(os, log, socket, Ops::any_tell(os), tag, payload, Some(to))
    }

    /// Something happens to the socket, or to those who use it, sooner or later.
    fn disturb(os: &Os, socket: SocketHandle, posters: &[ThreadHandle]) {
        os.sleep(os.random_below(3));
        match os.random_below(5) {
            0 | 1 => close(os, socket),
            2 => {
                for _ in 0..3 {
                    let _ = os.sio_flush(socket);
                    os.sleep(os.random_below(2));
                }
            }
            3 => {
                // Refused where it would be unfair.
                let _ = os.terminate_thread(pick(os, posters));
            }
            _ => {}
        }
    }

    /// One thread sends a stream, and something may end it early. Whether it arrived whole.
    fn stream(&self, os: &Os) -> bool {
        let to = address(os, "sink", Ip::draw(os), STREAM_PORT);
        let prepare = |s| os.setsockopt(s, SO_SNDBUF, pick(os, &[0, 0, 100, 8192]));
        let Some(socket) = connected(os, to, prepare) else { return false };
        let strict = os.is_calm();
        let log = Log::default();
        let (racer, book) = (self.clone(), log.clone());
        let poster = os.create_thread("poster", !strict, move |os| {
            racer.post_stream(os, &book, socket, strict);
        });
        if !strict {
            Self::disturb(os, socket, &[poster]);
        }
        os.join(poster);
        if !strict && os.random_below(4) == 0 {
            let _ = os.set_linger(socket, Some(pick(os, &[0, 1])));
        }
        close(os, socket);
        self.ops.end(os, &self.ledger, &log, CLOSED);
        self.ledger.stream_over(os, Ops::stream_of(&log.borrow()), strict)
    }

    fn post_stream(&self, os: &Os, log: &Log, socket: SocketHandle, strict: bool) {
        for _ in 0..between(os, 1..=6) {
            let tell = if strict { Tell::Event } else { Ops::any_tell(os) };
            let op = if !strict && os.random_below(5) == 0 {
                self.ops.receive(os, log, socket, tell, 100)
            } else {
                let len = pick(os, &[8, 100, 3000, 20_000]) + os.random_below(100) as usize;
                let tag = draw_tag(os);
                self.ops.send(os, log, socket, tell, tag, message(tag, len), None)
            };
            match op.stage.get() {
                Stage::Refused(error) if is_broken(error) => return,
                Stage::Refused(error) if !is_passing(error) => {
                    os.fail(&format!("an overlapped stream call was refused: {error}"));
                }
                _ => {}
            }
        }
        if strict {
            // Closing earlier would abort what is queued.
            self.ops.settle(os, &log.borrow().clone(), 300_000, "it was sent to one who reads");
        } else if os.random_below(3) == 0 {
            os.exit_thread();
        } else {
            os.sleep_ex(os.random_below(6), true);
        }
    }

    /// Closes a socket under its operations and opens the next at once, perhaps by the same handle.
    fn reopen(&self, os: &Os) {
        let log = Log::default();
        let ip = Ip::draw(os);
        let to = address(os, "sink", ip, DATAGRAM_PORT);
        for _ in 0..between(os, 2..=4) {
            let Some(socket) = datagram(os, ip, 0) else { return };
            let _ = os.setsockopt(socket, SO_SNDBUF, 0);
            for _ in 0..between(os, 0..=4) {
                if os.random_below(2) == 0 {
                    self.send_datagram(os, &log, socket, to);
                } else {
                    self.ops.receive(os, &log, socket, Ops::any_tell(os), 64);
                }
            }
            close(os, socket);
        }
        self.ops.end(os, &self.ledger, &log, CLOSED);
    }

    /// WSACleanup with operations pending: they end without event and routine (CXL-7).
    fn leave(&self, os: &Os) {
        let log = Log::default();
        if let Some(socket) = datagram(os, Ip::draw(os), 0) {
            for _ in 0..os.random_below(4) {
                self.ops.receive(os, &log, socket, Ops::any_tell(os), 64);
            }
            if os.random_below(2) == 0 {
                close(os, socket);
            }
        }
        cleanup(os);
        let ops = log.borrow().clone();
        self.ops.settle(os, &ops, AT_ONCE_MS, "WSACleanup");
        os.sleep_ex(1, true);
    }
}

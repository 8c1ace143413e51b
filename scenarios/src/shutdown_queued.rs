//! WSPShutdown and close while sends are queued.

use core::cell::Cell;
use std::rc::Rc;

use provider_core::spi::{FIONBIO, SD_BOTH, SD_RECEIVE, SD_SEND, SO_SNDBUF};
use provider_core::{SocketHandle, WsaError};
use wspsim::api::Os;
use wspsim::fault::Fault;
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, SECOND};
use wspsim::world::WorldBuilder;

use crate::common::ledger::Ledger;
use crate::common::op::{Log, Ops, Stage};
use crate::common::patient::{Patience, connected, datagram, is_broken, is_passing};
use crate::common::sink::{DATAGRAM_PORT, STREAM_PORT, sink};
use crate::common::tagged::{draw_tag, message};
use crate::common::{Ip, address, between, chance, pick};
use crate::common::{cleanup, startup};

/// The scenario.
pub(crate) struct ShutdownQueued;

impl Scenario for ShutdownQueued {
    fn name(&self) -> &'static str {
        "shutdown-queued"
    }

    fn about(&self) -> &'static str {
        "Sockets are shut down and closed while sends are queued: what was accepted arrives before the end."
    }

    fn adversaries(&self) -> &'static [Fault] {
        &[Fault::Shutdown, Fault::Close, Fault::Flush, Fault::CancelBlocking]
    }

    fn limits(&self) -> Limits {
        Limits { chaos_ns: 8 * SECOND, ..Limits::default() }
    }

    fn build(&self, world: &mut WorldBuilder) {
        let ledger = Rc::<Ledger>::default();
        let book = ledger.clone();
        world.server("sink", move |os| sink(os, &book));
        world.client("shutter", move |os| Shutter::run(os, &ledger));
    }
}

/// Why operations are over.
const CLOSED: &str = "its socket was closed";

/// How long a stream may take that somebody reads: longer than the stack tries in vain.
const DRAINED_MS: u64 = 300_000;

struct Shutter {
    ops: Ops,
    ledger: Rc<Ledger>,
}

impl Shutter {
    fn run(os: &Os, ledger: &Rc<Ledger>) {
        startup(os);
        let shutter = Self { ops: Ops::new(os), ledger: ledger.clone() };
        for _ in 0..between(os, 3..=6) {
            if chance(os, 65) {
                shutter.stream(os);
            } else {
                shutter.datagrams(os);
            }
        }
        while !os.is_calm() {
            os.sleep(100);
        }
        let mut patience = Patience::new("a stream shut down after its last send");
        while !shutter.stream(os) && patience.again(os, WsaError::WSAECONNABORTED) {}
        let mut patience = Patience::new("a datagram socket shut down after its last send");
        while !shutter.datagrams(os) && patience.again(os, WsaError::WSAECONNABORTED) {}
        cleanup(os);
    }

    /// Queues sends on a stream, shuts it down, and closes it in one of the ways there are. Whether
    /// all of it arrived.
    fn stream(&self, os: &Os) -> bool {
        let strict = os.is_calm();
        let prepare = |s| os.setsockopt(s, SO_SNDBUF, pick(os, &[0, 0, 100, 2000, 8192]));
        let to = address(os, "sink", Ip::draw(os), STREAM_PORT);
        let Some(socket) = connected(os, to, prepare) else { return false };
        let log = Log::default();
        for _ in 0..between(os, 1..=5) {
            let len = (pick(os, &[8, 500, 6000, 25_000]) + os.random_below(50)) as usize;
            let tag = draw_tag(os);
            let payload = message(tag, len);
            let op = self.ops.send(os, &log, socket, Ops::any_tell(os), tag, payload, None);
            match op.stage.get() {
                Stage::Refused(error) if is_broken(error) => break,
                Stage::Refused(error) if !is_passing(error) => {
                    os.fail(&format!("WSASend was refused: {error}"));
                }
                _ => {}
            }
        }
        let blocked = chance(os, 40).then(|| Blocked::start(os, socket));
        os.sleep(os.random_below(4));
        let how = if strict { SD_SEND } else { pick(os, &[SD_SEND, SD_SEND, SD_BOTH, SD_RECEIVE]) };
        self.shut(os, socket, how, None);
        let patient = strict || chance(os, 60);
        if patient {
            let ops = log.borrow().clone();
            self.ops.settle(os, &ops, DRAINED_MS, "it was sent to one who reads");
            blocked.iter().for_each(|blocked| os.join(blocked.thread));
        }
        self.close(os, socket, strict);
        self.ops.end(os, &self.ledger, &log, CLOSED);
        let sent = Ops::stream_of(&log.borrow());
        let queued = blocked.map_or_else(|| Some(Vec::new()), |blocked| blocked.end(os));
        let sent = sent.zip(queued).map(|(sent, queued)| [sent, queued].concat());
        self.ledger.stream_over(os, sent, strict)
    }

    /// Shuts down, and looks whether that holds.
    fn shut(&self, os: &Os, socket: SocketHandle, how: i32, to: Option<core::net::SocketAddr>) {
        match os.shutdown(socket, how) {
            Ok(()) => {}
            Err(WsaError::WSAENOTCONN) if to.is_none() => return,
            Err(WsaError::WSAENOTSOCK) => return,
            Err(error) => return os.fail(&format!("shutdown: {error}")),
        }
        let expect = |what: &str, result: Result<(), WsaError>| match result {
            Err(WsaError::WSAESHUTDOWN | WsaError::WSAENOTSOCK) => {}
            other => os.fail(&format!("{what} after shutdown: {other:?}")),
        };
        if how != SD_RECEIVE {
            let late = Log::default();
            let payload = message(draw_tag(os), 20);
            match to {
                Some(to) => expect("sendto", os.sendto(socket, &payload, 0, to).map(|_| ())),
                None => expect("send", os.send(socket, &payload, 0).map(|_| ())),
            }
            let op = self.ops.send(os, &late, socket, Ops::any_tell(os), 0, payload, to);
            match op.stage.get() {
                Stage::Refused(error) => expect("WSASend", Err(error)),
                _ => expect("WSASend", Ok(())),
            }
            Ops::judge(os, &self.ledger, &late.take());
        }
        if how != SD_SEND {
            expect("recv", os.recv(socket, &mut [0; 10], 0).map(|_| ()));
        }
    }

    /// closesocket, gracefully at once, with a wait, or by reset; nonblocking, too.
    fn close(&self, os: &Os, socket: SocketHandle, strict: bool) {
        let linger = match os.random_below(if strict { 2 } else { 4 }) {
            0 => None,
            1 => Some(if strict { 200 } else { pick(os, &[1, 2, 30]) }),
            2 => Some(0),
            _ => Some(1),
        };
        let _ = os.set_linger(socket, linger);
        let _ = os.ioctlsocket(socket, FIONBIO, os.random_below(2));
        let mut patience = 2000;
        loop {
            match os.closesocket(socket) {
                Ok(()) | Err(WsaError::WSAENOTSOCK | WsaError::WSAEINTR) => return,
                // Nonblocking, and not all is out: the handle is still good (3.1, 7).
                Err(WsaError::WSAEWOULDBLOCK) if patience > 0 => {
                    patience -= 1;
                    os.sleep(100);
                }
                Err(error) => return os.fail(&format!("closesocket: {error}")),
            }
        }
    }

    /// Queues datagrams and receives on a socket and shuts it down. Whether all arrived.
    fn datagrams(&self, os: &Os) -> bool {
        let strict = os.is_calm();
        let ip = Ip::draw(os);
        let to = address(os, "sink", ip, DATAGRAM_PORT);
        let Some(socket) = datagram(os, ip, 0) else { return false };
        let _ = os.setsockopt(socket, SO_SNDBUF, pick(os, &[0, 0, 500]));
        let log = Log::default();
        // With more than the transport has room for, some have to wait.
        let (most, len) = if strict { (5, 1000) } else { (9, 20_000) };
        for _ in 0..between(os, 1..=most) {
            if chance(os, 15) {
                self.ops.receive(os, &log, socket, Ops::any_tell(os), 100);
                continue;
            }
            let tag = draw_tag(os);
            let payload = message(tag, between(os, 8..=len) as usize);
            self.ledger.sending(tag);
            let op = self.ops.send(os, &log, socket, Ops::any_tell(os), tag, payload, Some(to));
            match op.stage.get() {
                Stage::Refused(
                    WsaError::WSAEMSGSIZE
                    | WsaError::WSAENOTSOCK
                    | WsaError::WSAESHUTDOWN
                    | WsaError::WSAECONNRESET,
                ) => {}
                Stage::Refused(error) if !is_passing(error) => {
                    os.fail(&format!("WSASendTo was refused: {error}"));
                }
                _ => {}
            }
        }
        let how = pick(os, &[SD_SEND, SD_BOTH, SD_RECEIVE]);
        self.shut(os, socket, how, Some(to));
        let ops = log.borrow().clone();
        let sends: Vec<_> = ops.iter().filter(|op| op.datagram).cloned().collect();
        self.ops.settle(os, &sends, 5_000, "it was queued on a network that takes datagrams");
        if strict || how == SD_SEND {
            self.close(os, socket, true);
        } else {
            // Whoever waits for data that cannot come any more must not wait for ever.
            self.ops.settle(os, &ops, 500, "its socket was shut down");
            self.close(os, socket, false);
        }
        self.ops.end(os, &self.ledger, &log, CLOSED);
        let whole = sends.iter().all(|op| {
            op.stage.get() == Stage::Accepted && op.outcome().is_none_or(|(e, _)| e == WsaError(0))
        });
        for _ in 0..if strict { 50 } else { 0 } {
            if sends.iter().all(|op| self.ledger.has_arrived(op.tag)) {
                return whole;
            }
            os.sleep(100);
        }
        false
    }
}

/// A thread that sends with a blocking call, behind all that is queued.
struct Blocked {
    thread: wspsim::api::ThreadHandle,
    payload: Vec<u8>,
    result: Rc<Cell<Option<Result<usize, WsaError>>>>,
}

impl Blocked {
    fn start(os: &Os, socket: SocketHandle) -> Self {
        let payload = message(draw_tag(os), between(os, 8..=9000) as usize);
        let result = Rc::new(Cell::new(None));
        let (bytes, told) = (payload.clone(), result.clone());
        let send = move |os: &Os| told.set(Some(os.send(socket, &bytes, 0)));
        Self { thread: os.create_thread("blocked", false, send), payload, result }
    }

    /// What it sent; `None` when nobody knows.
    fn end(self, os: &Os) -> Option<Vec<u8>> {
        os.join(self.thread);
        match self.result.get() {
            Some(Ok(bytes)) => {
                os.check(bytes == self.payload.len(), "a blocking send gave a part");
                Some(self.payload)
            }
            // Refused before anything went out.
            Some(Err(WsaError::WSAESHUTDOWN | WsaError::WSAENOBUFS)) => Some(Vec::new()),
            Some(Err(error)) if is_broken(error) || is_passing(error) => None,
            other => {
                os.fail(&format!("a blocking send: {other:?}"));
                None
            }
        }
    }
}

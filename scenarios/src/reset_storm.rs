//! Resets on datagram and stream sockets, over and over.

use core::cell::{Cell, RefCell};
use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::rc::Rc;

use provider_core::spi::{FIONBIO, SO_RCVTIMEO};
use provider_core::{SocketHandle, WsaError};
use wspsim::api::Os;
use wspsim::fault::Fault;
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, SECOND};
use wspsim::world::WorldBuilder;

use crate::common::crew::Crew;
use crate::common::ledger::Ledger;
use crate::common::op::{Op, Ops, Stage};
use crate::common::patient::{Patience, connected, datagram, is_broken, is_passing, listener};
use crate::common::tagged::{draw_tag, message, tag_of};
use crate::common::{Ip, address, between, chance, pick};
use crate::common::{cleanup, close, startup};

/// The scenario.
pub(crate) struct ResetStorm;

const DATAGRAM_PORT: u16 = 8000;
const STREAM_PORT: u16 = 8001;

impl Scenario for ResetStorm {
    fn name(&self) -> &'static str {
        "reset-storm"
    }

    fn about(&self) -> &'static str {
        "Ports and connections come and go under the I/O of both sides: resets are told once, and end nothing else."
    }

    fn adversaries(&self) -> &'static [Fault] {
        &[Fault::Close, Fault::Flush, Fault::CancelBlocking]
    }

    fn limits(&self) -> Limits {
        Limits { chaos_ns: 3 * SECOND, ..Limits::default() }
    }

    fn build(&self, world: &mut WorldBuilder) {
        world.server("fickle", fickle);
        world.client("storm", |os| {
            startup(os);
            let storm = Rc::new(Storm { ops: Ops::new(os), ledger: Ledger::default() });
            let other = storm.clone();
            let streams = os.create_thread("streams", false, move |os| other.streams(os));
            storm.datagrams(os);
            os.join(streams);
            cleanup(os);
        });
    }
}

type Log = RefCell<Vec<Rc<Op>>>;
/// The questions that were not answered yet: tag and length.
type Asked = RefCell<BTreeMap<u64, usize>>;

/// The server, whose sockets come and go until all is calm.
fn fickle(os: &Os) {
    Crew::serve(os, |crew| {
        for ip in Ip::BOTH {
            crew.spawn(os, "datagrams", move |os| echo_datagrams(os, ip));
            let others = crew.clone();
            crew.spawn(os, "streams", move |os| accept_streams(os, ip, &others));
        }
    });
}

/// Whether a socket that is there until `until_ns` is still to be there.
fn stays(os: &Os, until_ns: u64) -> bool {
    !os.is_stopping() && (os.is_calm() || os.now_ns() < until_ns)
}

fn later(os: &Os) -> u64 {
    os.now_ns() + u64::from(between(os, 5..=150)) * 1_000_000
}

fn echo_datagrams(os: &Os, ip: Ip) {
    let mut bytes = [0; 1500];
    while let Some(socket) = datagram(os, ip, DATAGRAM_PORT) {
        let until_ns = later(os);
        let _ = os.setsockopt(socket, SO_RCVTIMEO, 30);
        while stays(os, until_ns) {
            let result = match os.recvfrom(socket, &mut bytes, 0) {
                Ok((len, from)) => os.sendto(socket, &bytes[..len], 0, from).map(|_| ()),
                Err(error) => Err(error),
            };
            match result {
                Ok(()) | Err(WsaError::WSAETIMEDOUT | WsaError::WSAECONNRESET) => {}
                Err(WsaError::WSANOTINITIALISED) => return,
                Err(WsaError::WSAENOTSOCK) => break,
                Err(error) if is_passing(error) => os.sleep(1),
                Err(error) => os.fail(&format!("the datagram server: {error}")),
            }
        }
        close(os, socket);
        if os.is_stopping() {
            return;
        }
        os.sleep(between(os, 1..=100));
    }
}

fn accept_streams(os: &Os, ip: Ip, crew: &Crew) {
    let nonblocking = |s| os.ioctlsocket(s, FIONBIO, 1);
    while let Some(socket) = listener(os, ip, STREAM_PORT, nonblocking) {
        let until_ns = later(os);
        while stays(os, until_ns) {
            match os.accept(socket) {
                Ok((stream, _)) => crew.spawn(os, "stream", move |os| echo_stream(os, stream)),
                Err(WsaError::WSANOTINITIALISED) => return,
                Err(WsaError::WSAENOTSOCK) => break,
                Err(WsaError::WSAECONNRESET) => {}
                Err(error) if is_passing(error) => os.sleep(15),
                Err(error) => os.fail(&format!("accept: {error}")),
            }
        }
        close(os, socket);
        if os.is_stopping() {
            return;
        }
        os.sleep(between(os, 1..=60));
    }
}

/// Echoes a stream, until it resets it.
fn echo_stream(os: &Os, socket: SocketHandle) {
    // It got this from its listener.
    let _ = os.ioctlsocket(socket, FIONBIO, 0);
    let mut left = if os.is_calm() { usize::MAX } else { os.random_below(6000) as usize };
    let mut bytes = [0; 1000];
    loop {
        let echoed = match os.recv(socket, &mut bytes, 0) {
            Ok(0) => break,
            Ok(len) => send_all(os, socket, &bytes[..len]).map(|()| len),
            Err(error) => Err(error),
        };
        match echoed {
            Ok(len) => left = left.saturating_sub(len),
            Err(error) if is_broken(error) => break,
            Err(error) if is_passing(error) => os.sleep(1),
            Err(error) => os.fail(&format!("an echoed stream: {error}")),
        }
        if left == 0 {
            let ops = Ops::new(os);
            let log = Log::default();
            for _ in 0..os.random_below(3) {
                ops.receive(os, &log, socket, Ops::any_tell(os), 100);
            }
            let _ = os.set_linger(socket, Some(0));
            close(os, socket);
            return ops.settle(os, &log.take(), 500, "its socket was reset");
        }
    }
    close(os, socket);
}

/// Sends all, and again what was refused whole.
fn send_all(os: &Os, socket: SocketHandle, bytes: &[u8]) -> Result<(), WsaError> {
    loop {
        match os.send(socket, bytes, 0) {
            Ok(_) => return Ok(()),
            Err(WsaError::WSAENOBUFS) => os.sleep(1),
            // How much went out is unknown: the stream is of no more use.
            Err(WsaError::WSAEINTR | WsaError::WSAENETDOWN) => {
                return Err(WsaError::WSAECONNABORTED);
            }
            Err(error) => return Err(error),
        }
    }
}

struct Storm {
    ops: Ops,
    ledger: Ledger,
}

impl Storm {
    fn datagrams(&self, os: &Os) {
        for _ in 0..between(os, 2..=4) {
            self.session(os);
        }
        while !os.is_calm() {
            os.sleep(200);
        }
        self.session(os);
    }

    /// Sends to the echo and waits for its answers, on one socket, whatever is reset.
    fn session(&self, os: &Os) {
        let ip = Ip::draw(os);
        let to = address(os, "fickle", ip, DATAGRAM_PORT);
        let mut patience = Patience::new("an echo of a datagram");
        let mut missing = between(os, 2..=6);
        while missing > 0 {
            let Some(socket) = datagram(os, ip, 0) else { return };
            let told = chance(os, 60);
            let well = os
                .udp_connreset(socket, told)
                .and_then(|()| os.setsockopt(socket, SO_RCVTIMEO, Self::patience_ms(os)));
            let fixed = chance(os, 40) && os.connect(socket, to).is_ok();
            let overlapped = chance(os, 40);
            let asked = Asked::default();
            // Once it is closed its handle may be anybody's.
            let is_open = Cell::new(true);
            while well.is_ok() && missing > 0 && is_open.get() {
                let tag = draw_tag(os);
                let payload = message(tag, between(os, 8..=1200) as usize);
                asked.borrow_mut().insert(tag, payload.len());
                let to = (!fixed).then_some(to);
                let echo = if overlapped {
                    self.ask_overlapped(os, socket, &is_open, to, &payload)
                } else {
                    Self::ask(os, socket, to, &payload)
                };
                // It may be the echo of an earlier question, and a second one of it.
                let echo = echo.map(|echo| {
                    echo.is_some_and(|echo| {
                        let tag = tag_of(&echo);
                        os.check(tag.is_some(), "an echo came damaged");
                        tag.and_then(|tag| asked.borrow_mut().remove(&tag)) == Some(echo.len())
                    })
                });
                match echo {
                    Ok(true) => missing -= 1,
                    Ok(false) => {
                        if !patience.again(os, WsaError::WSAETIMEDOUT) {
                            return;
                        }
                    }
                    Err(WsaError::WSAECONNRESET) if told => os.sleep(1),
                    Err(WsaError::WSAECONNRESET) => {
                        os.fail("a reset was told though SIO_UDP_CONNRESET is off");
                    }
                    Err(WsaError::WSAENOTSOCK) => break,
                    // By SIO_FLUSH, or by a close that the next call will tell.
                    Err(WsaError::WSA_OPERATION_ABORTED) => {}
                    Err(error) if is_passing(error) => os.sleep(1),
                    Err(error) => os.fail(&format!("a datagram client: {error}")),
                }
            }
            if is_open.get() {
                close(os, socket);
            }
        }
    }

    /// How long to wait for an echo; without faults it takes 200 ms at most.
    fn patience_ms(os: &Os) -> u32 {
        if os.is_calm() { 300 } else { between(os, 20..=300) }
    }

    /// An echo, if one came.
    fn ask(
        os: &Os,
        socket: SocketHandle,
        to: Option<SocketAddr>,
        payload: &[u8],
    ) -> Result<Option<Vec<u8>>, WsaError> {
        match to {
            Some(to) => os.sendto(socket, payload, 0, to)?,
            None => os.send(socket, payload, 0)?,
        };
        let mut bytes = vec![0; 1500];
        match os.recv(socket, &mut bytes, 0) {
            Ok(len) => {
                bytes.truncate(len);
                Ok(Some(bytes))
            }
            Err(WsaError::WSAETIMEDOUT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn ask_overlapped(
        &self,
        os: &Os,
        socket: SocketHandle,
        is_open: &Cell<bool>,
        to: Option<SocketAddr>,
        payload: &[u8],
    ) -> Result<Option<Vec<u8>>, WsaError> {
        let log = Log::default();
        let receive = self.ops.receive(os, &log, socket, Ops::any_tell(os), 1500);
        let tell = Ops::any_tell(os);
        let send = self.ops.send(os, &log, socket, tell, 0, payload.to_vec(), to);
        Ops::wait_over(os, &receive, u64::from(Self::patience_ms(os)));
        let ends = [&receive, &send].map(|op| match op.stage.get() {
            Stage::Refused(error) => Err(error),
            _ if !op.is_over() => Ok(0),
            _ => match op.outcome() {
                Some((WsaError(0), bytes)) => Ok(bytes),
                Some((error, _)) => Err(error),
                None => Ok(0),
            },
        });
        if !receive.is_over() {
            // Only with its socket is a receive taken back.
            close(os, socket);
            is_open.set(false);
        }
        self.ops.settle(os, &log.borrow().clone(), 500, "its socket was closed or it was over");
        Ops::judge(os, &self.ledger, &log.take());
        let len = ends[0]?;
        ends[1]?;
        Ok((len > 0).then(|| receive.buffer.read(0, len)))
    }

    fn streams(&self, os: &Os) {
        for _ in 0..between(os, 3..=8) {
            self.stream(os);
        }
        while !os.is_calm() {
            os.sleep(200);
        }
        let mut patience = Patience::new("an echoed stream");
        while !self.stream(os) && patience.again(os, WsaError::WSAECONNRESET) {}
    }

    /// Sends something and takes its echo, with I/O outstanding both ways when it resets the
    /// connection, or the other side does. Whether all came back.
    fn stream(&self, os: &Os) -> bool {
        let to = address(os, "fickle", Ip::draw(os), STREAM_PORT);
        let Some(socket) = connected(os, to, |_| Ok(())) else { return false };
        let resets = !os.is_calm() && chance(os, 40);
        let payload = message(draw_tag(os), between(os, 8..=5000) as usize);
        let log = Log::default();
        let sent = self.ops.send(os, &log, socket, Ops::any_tell(os), 0, payload.clone(), None);
        let mut echo = Vec::new();
        while echo.len() < payload.len() && !(resets && chance(os, 40)) {
            let room = pick(os, &[100, 1000, 3000]);
            let receive = self.ops.receive(os, &log, socket, Ops::any_tell(os), room);
            if resets && chance(os, 30) || !Ops::wait_over(os, &receive, 5_000) {
                break;
            }
            match (receive.stage.get(), receive.outcome()) {
                (Stage::Refused(error), _) if is_passing(error) => os.sleep(1),
                (_, Some((WsaError(0), bytes @ 1..))) => echo.extend(receive.buffer.read(0, bytes)),
                // A fault of one call: what comes later is in order all the same.
                (_, Some((WsaError::WSAENETDOWN, 0))) => {}
                (Stage::Refused(error), _) if !is_broken(error) => {
                    os.fail(&format!("WSARecv was refused: {error}"));
                }
                _ => break,
            }
        }
        os.check(payload.starts_with(&echo), "the echo is not what was sent");
        let _ = os.set_linger(socket, resets.then_some(0));
        close(os, socket);
        let ops = log.take();
        self.ops.settle(os, &ops, 500, "its socket was closed");
        Ops::judge(os, &self.ledger, &ops);
        sent.stage.get() == Stage::Accepted && echo.len() == payload.len()
    }
}

//! Blocked threads, and everything that has to wake them.

use core::cell::{Cell, RefCell};
use core::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use provider_core::spi::{
    SD_RECEIVE, SD_SEND, SO_RCVBUF, SO_RCVTIMEO, SO_SNDBUF, SO_SNDTIMEO, SOCK_STREAM,
};
use provider_core::{SocketHandle, WsaError};
use wspsim::api::{Os, ThreadHandle, WAIT_OBJECT_0};
use wspsim::fault::Fault;
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, MS, SECOND};
use wspsim::world::WorldBuilder;

use crate::common::hook::set_hook_perhaps;
use crate::common::op::{Op, Ops, Stage, Tell};
use crate::common::patient::{datagram, is_broken, is_passing, listener, open};
use crate::common::tagged::{draw_tag, message};
use crate::common::talker::{Order, Orders, key, talk};
use crate::common::{Ip, address, any, between, pick};
use crate::common::{cleanup, close, startup};

/// The scenario.
pub(crate) struct BlockedSenders;

/// Where the peer listens.
pub(crate) const PORT: u16 = 6000;
/// Waking takes no network, only threads that are scheduled.
const AT_ONCE_MS: u32 = 1_000;
/// By the network, however bad: longer than the stack tries in vain.
const AT_LAST_MS: u32 = 250_000;

impl Scenario for BlockedSenders {
    fn name(&self) -> &'static str {
        "blocked-senders"
    }

    fn about(&self) -> &'static str {
        "Threads blocked on one socket, some with a blocking hook, are woken by everything that can: room, close, shutdown, reset, cancel, time-out, cleanup."
    }

    fn adversaries(&self) -> &'static [Fault] {
        &[Fault::Shutdown, Fault::Close, Fault::Terminate, Fault::CancelBlocking]
    }

    fn limits(&self) -> Limits {
        Limits { chaos_ns: 6 * SECOND, ..Limits::default() }
    }

    fn build(&self, world: &mut WorldBuilder) {
        let orders = Rc::<Orders>::default();
        let book = orders.clone();
        world.server("peer", move |os| talk(os, PORT, &book));
        world.client("sleepers", move |os| {
            startup(os);
            let mut rounds = between(os, 6..=12);
            // The last of them with nothing in the way.
            while rounds > 0 || !os.is_calm() {
                if rounds == 0 {
                    os.sleep(100);
                    continue;
                }
                rounds -= 1;
                Round::run(os, &orders);
            }
            for _ in 0..2 {
                Round::run(os, &orders);
            }
            cleanup(os);
        });
    }
}

/// What the threads of a round are blocked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Send,
    Receive,
    ReceiveFrom,
    Accept,
    Connect,
    /// WSAGetOverlappedResult of an overlapped receive.
    Result,
}

/// What is to wake them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// What they wait for comes.
    Fulfilment,
    Close,
    Shutdown,
    ResetByPeer,
    Cancel,
    TimeOut,
    /// Another thread that is blocked in front of them is terminated.
    Termination,
    Cleanup,
}

/// Who has to wake, and within how many milliseconds.
enum Woken {
    All(u32),
    One(usize, u32),
    Nobody,
}

type Told = Rc<Cell<Option<(Result<usize, WsaError>, u64)>>>;

struct Sleeper {
    thread: ThreadHandle,
    /// How its call ended, and when.
    told: Told,
}

struct Round {
    orders: Rc<Orders>,
    ops: Ops,
    call: Call,
    cause: Cause,
    socket: SocketHandle,
    ip: Ip,
    /// The port of the socket; 0 while unknown.
    port: u16,
    time_out_ms: u32,
    log: Rc<RefCell<Vec<Rc<Op>>>>,
}

impl Round {
    fn run(os: &Os, orders: &Rc<Orders>) {
        use {Call as C, Cause as W};
        let calls =
            [C::Send, C::Send, C::Receive, C::ReceiveFrom, C::Accept, C::Connect, C::Result];
        let causes = [
            W::Fulfilment,
            W::Close,
            W::Shutdown,
            W::ResetByPeer,
            W::Cancel,
            W::TimeOut,
            W::Termination,
            W::Cleanup,
        ];
        let (call, mut cause) = (pick(os, &calls), pick(os, &causes));
        if call == Call::Result && matches!(cause, W::Cleanup | W::Cancel) {
            // Cleanup sets no event (CXL-7), and this wait is none that can be cancelled.
            cause = Cause::Close;
        }
        let ip = Ip::draw(os);
        let Some(socket) = Self::prepare(os, orders, call, ip) else { return };
        let port = os.getsockname(socket).map_or(0, |address| address.port());
        let round = Self {
            orders: orders.clone(),
            ops: Ops::new(os),
            call,
            cause,
            socket,
            ip,
            port,
            time_out_ms: between(os, 5..=60),
            log: Rc::default(),
        };
        round.go(os);
    }

    /// The socket that they block on.
    fn prepare(os: &Os, orders: &Orders, call: Call, ip: Ip) -> Option<SocketHandle> {
        let to = address(os, "peer", ip, PORT);
        match call {
            Call::Send | Call::Receive | Call::Result => {
                open(os, "a connection", ip, SOCK_STREAM, |s| {
                    os.setsockopt(s, SO_SNDBUF, pick(os, &[0, 0, 0, 1000, 8192]))?;
                    os.bind(s, any(ip, 0))?;
                    orders.give(key(&os.getsockname(s)?), Order::Hold);
                    os.connect(s, to)
                })
            }
            Call::ReceiveFrom => datagram(os, ip, 0),
            Call::Accept => listener(os, ip, 7000, |s| os.setsockopt(s, SO_RCVBUF, 4096)),
            Call::Connect => open(os, "a stream", ip, SOCK_STREAM, |s| os.bind(s, any(ip, 0))),
        }
    }

    fn go(&self, os: &Os) {
        let strict = os.is_calm();
        if self.cause == Cause::TimeOut {
            let _ = os.setsockopt(self.socket, SO_SNDTIMEO, self.time_out_ms);
            let _ = os.setsockopt(self.socket, SO_RCVTIMEO, self.time_out_ms);
        }
        let began_ns = os.now_ns();
        let mut sleepers: Vec<_> = (0..between(os, 1..=3)).map(|n| self.start(os, n)).collect();
        os.sleep(between(os, 0..=8));
        let woken = self.act(os, &mut sleepers, strict);
        match woken {
            Woken::All(limit_ms) => {
                sleepers.iter().for_each(|sleeper| self.expect(os, sleeper, limit_ms));
            }
            Woken::One(index, limit_ms) => self.expect(os, &sleepers[index], limit_ms),
            Woken::Nobody => {}
        }
        // Once it is closed its handle may be anybody's.
        if !matches!(self.cause, Cause::Cleanup | Cause::Close) {
            close(os, self.socket);
        }
        self.orders.take_back(self.key());
        for sleeper in &sleepers {
            self.expect(os, sleeper, AT_ONCE_MS);
            self.judge(os, sleeper, began_ns);
        }
        let ops = self.log.borrow().clone();
        self.ops.settle(os, &ops, u64::from(AT_ONCE_MS), "its socket was closed");
        if self.cause == Cause::Cleanup {
            startup(os);
        }
    }

    fn key(&self) -> u32 {
        key(&any(self.ip, self.port))
    }

    /// A thread that makes the call.
    fn start(&self, os: &Os, number: u32) -> Sleeper {
        let told = Told::default();
        let (told_there, socket, call) = (told.clone(), self.socket, self.call);
        let (ops, log, ip) = (self.ops.clone(), self.log.clone(), self.ip);
        // The first fills everything that is on the way, so that it and the others wait.
        let len = if number == 0 { 90_000 } else { between(os, 8..=3000) };
        let body = move |os: &Os| {
            set_hook_perhaps(os, socket);
            let mut bytes = [0; 400];
            let result = match call {
                Call::Send => os.send(socket, &message(draw_tag(os), len as usize), 0),
                Call::Receive => os.recv(socket, &mut bytes, 0),
                Call::ReceiveFrom => os.recvfrom(socket, &mut bytes, 0).map(|(len, _)| len),
                Call::Accept => os.accept(socket).map(|(stream, _)| {
                    close(os, stream);
                    0
                }),
                Call::Connect => os.connect(socket, nobody(ip)).map(|()| 0),
                Call::Result => {
                    let op = ops.receive(os, &log, socket, Tell::Event, 400);
                    match op.stage.get() {
                        Stage::Refused(error) => Err(error),
                        _ => os
                            .wsa_get_overlapped_result(socket, &op.overlapped, true)
                            .map(|(len, _)| len as usize),
                    }
                }
            };
            told_there.set(Some((result, os.now_ns())));
        };
        Sleeper { thread: os.create_thread("sleeper", true, body), told }
    }

    /// Does what is to wake them.
    fn act(&self, os: &Os, sleepers: &mut Vec<Sleeper>, strict: bool) -> Woken {
        match self.cause {
            Cause::Fulfilment => self.fulfil(os, sleepers.len(), strict),
            Cause::Close => {
                close(os, self.socket);
                Woken::All(AT_ONCE_MS)
            }
            Cause::Shutdown => {
                let how = if self.call == Call::Send { SD_SEND } else { SD_RECEIVE };
                match (os.shutdown(self.socket, how), self.call) {
                    // What was accepted still goes.
                    (_, Call::Send) => self.fulfil(os, sleepers.len(), strict),
                    (Ok(()), _) => Woken::All(AT_ONCE_MS),
                    (Err(_), _) => Woken::Nobody,
                }
            }
            Cause::ResetByPeer => {
                self.orders.give(self.key(), Order::Abort);
                match self.call {
                    // It sends again and again until it learns of it.
                    Call::Send => Woken::All(AT_LAST_MS),
                    Call::Receive | Call::Result if strict => Woken::All(AT_LAST_MS),
                    _ => Woken::Nobody,
                }
            }
            Cause::Cancel => {
                let index = os.random_below(sleepers.len() as u32) as usize;
                let cancel = |os: &Os| {
                    let _ = os.wsa_cancel_blocking_call();
                };
                // It may be over already.
                let _ = os.queue_user_apc(sleepers[index].thread, cancel);
                Woken::One(index, AT_ONCE_MS)
            }
            Cause::TimeOut => match self.call {
                Call::Send | Call::Receive | Call::ReceiveFrom => {
                    Woken::All(self.time_out_ms + AT_ONCE_MS)
                }
                _ => Woken::Nobody,
            },
            Cause::Termination => {
                if os.terminate_thread(sleepers[0].thread).is_ok() {
                    sleepers.remove(0);
                }
                self.fulfil(os, sleepers.len(), strict)
            }
            Cause::Cleanup => {
                cleanup(os);
                Woken::All(AT_ONCE_MS)
            }
        }
    }

    /// Lets what they wait for come.
    fn fulfil(&self, os: &Os, waiting: usize, strict: bool) -> Woken {
        match self.call {
            Call::Send => {
                self.orders.give(self.key(), Order::Read);
                return Woken::All(AT_LAST_MS);
            }
            // Nobody answers, so the stack's own time-out does.
            Call::Connect => return Woken::All(AT_LAST_MS),
            Call::Receive | Call::Result => self.orders.give(self.key(), Order::Talk),
            Call::ReceiveFrom => {
                let Some(from) = datagram(os, self.ip, 0) else { return Woken::Nobody };
                let to = address(os, "sleepers", self.ip, self.port);
                for _ in 0..waiting {
                    let _ = os.sendto(from, &message(draw_tag(os), 100), 0, to);
                }
                close(os, from);
            }
            Call::Accept => {
                let to = address(os, "sleepers", self.ip, self.port);
                for _ in 0..waiting {
                    if let Ok(s) = os.socket(self.ip.af(), SOCK_STREAM, 0) {
                        let _ = os.connect(s, to);
                        close(os, s);
                    }
                }
            }
        }
        // While faults strike, what came may have been lost on the way.
        if strict { Woken::All(AT_LAST_MS) } else { Woken::Nobody }
    }

    fn expect(&self, os: &Os, sleeper: &Sleeper, limit_ms: u32) {
        if os.wait_for_single_object(sleeper.thread, limit_ms) != WAIT_OBJECT_0 {
            os.fail(&format!(
                "a thread in {:?} was not woken by {:?} within {limit_ms} ms",
                self.call, self.cause
            ));
        }
    }

    fn judge(&self, os: &Os, sleeper: &Sleeper, began_ns: u64) {
        // Without a word it was terminated.
        let Some((result, at_ns)) = sleeper.told.get() else { return };
        let early = began_ns + u64::from(self.time_out_ms) * MS > at_ns;
        match result {
            Err(WsaError::WSAETIMEDOUT) if early => {
                let timed = self.cause == Cause::TimeOut;
                os.check(!timed, "a blocking call timed out too early");
            }
            Ok(_) => {}
            Err(error) if is_broken(error) || is_passing(error) => {}
            Err(WsaError::WSA_OPERATION_ABORTED) if self.call == Call::Result => {}
            Err(WsaError::WSAECONNRESET | WsaError::WSAEMSGSIZE)
                if self.call == Call::ReceiveFrom => {}
            // The others of a connect under way, and what comes after it.
            Err(
                WsaError::WSAEALREADY
                | WsaError::WSAEISCONN
                | WsaError::WSAECONNREFUSED
                | WsaError::WSAEHOSTUNREACH,
            ) if self.call == Call::Connect => {}
            Err(error) => os.fail(&format!("{:?} ended with {error}", self.call)),
        }
    }
}

/// An address that no machine has.
fn nobody(ip: Ip) -> SocketAddr {
    let ip: IpAddr = match ip {
        Ip::V4 => [10, 0, 200, 200].into(),
        Ip::V6 => [0xfd00, 0, 0, 0, 0, 0, 0, 0xc8c8_u16].into(),
    };
    SocketAddr::new(ip, 9)
}

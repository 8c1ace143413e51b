//! Clients: streams and datagrams that are echoed, each driven by its events alone.

use provider_core::SocketHandle;
use provider_core::WsaError as E;
use provider_core::spi::{FD_CLOSE, FD_CONNECT, FD_READ, FD_WRITE};
use wspsim::api::{INFINITE, Os};
use wspsim::settings::SECOND;

use crate::common::turns::rounds::{ask, asking, connect, datagram_socket, stream_socket};
use crate::common::turns::{AskingDatagrams, End, Turn};
use crate::common::{
    Ip, address, chance, close, is_broken_stream, is_connect_failure, is_transient, unexpected,
};

use super::PORT;
use super::bell::{Bell, Told};
use super::driven::Driven;

const STREAM_EVENTS: i32 = FD_CONNECT | FD_READ | FD_WRITE | FD_CLOSE;
const DATAGRAM_EVENTS: i32 = FD_READ | FD_WRITE;
/// How long a connection may stand still.
const IDLE_NS: u64 = 8 * SECOND;
const LOOK_MS: u32 = 500;
/// After how long something is tried again that nobody tells of.
const LATER_MS: u32 = 5;
/// In how many of a hundred turns the events are selected anew.
const ANEW: u32 = 2;

/// A client's main function.
pub(super) fn run(os: &Os) {
    ask(os, stream, datagrams);
}

/// One connection. Whether all came back.
fn stream(os: &Os) -> bool {
    let ip = Ip::draw(os);
    let s = stream_socket(os, ip);
    let to = address(os, "server", ip, PORT);
    let bell = Bell::draw(os);
    // Selected after the connect began, events that have happened already are told all the same.
    let first = chance(os, 60);
    let began = (!first || select(os, s, &bell, STREAM_EVENTS))
        && connect(os, s, to)
        && (first || select(os, s, &bell, STREAM_EVENTS));
    if !began {
        close(os, s);
        bell.take_down(os);
        return false;
    }
    let driven = Driven::new(os, asking(os, s));
    Client { driven, bell, events: STREAM_EVENTS, connecting: true }.run(os)
}

/// Some datagrams, each sent again until its echo has come. Whether all came.
fn datagrams(os: &Os) -> bool {
    let ip = Ip::draw(os);
    let s = datagram_socket(os, ip, 0);
    let bell = Bell::draw(os);
    let end = AskingDatagrams::new(os, s, address(os, "server", ip, PORT));
    let end = end.filter(|_| select(os, s, &bell, DATAGRAM_EVENTS));
    let Some(end) = end else {
        close(os, s);
        bell.take_down(os);
        return false;
    };
    let driven = Driven::new(os, end);
    Client { driven, bell, events: DATAGRAM_EVENTS, connecting: false }.run(os)
}

/// Selects events. Whether the socket is still there.
fn select(os: &Os, s: SocketHandle, bell: &Bell, events: i32) -> bool {
    match bell.select(os, s, events) {
        Ok(()) => true,
        Err(error) => {
            if !is_transient(error) && !is_broken_stream(error) {
                unexpected(os, "selecting events", error);
            }
            false
        }
    }
}

/// A socket under way.
struct Client<End> {
    driven: Driven<End>,
    bell: Bell,
    events: i32,
    /// FD_CONNECT has not come.
    connecting: bool,
}

impl<T: End> Client<T> {
    /// Goes on until all has come back or the socket is of no more use. One that begins when
    /// nothing goes wrong any more waits for its events without end: that they come is what this is
    /// about.
    fn run(mut self, os: &Os) -> bool {
        let (patient, s) = (os.is_calm(), self.driven.end.socket());
        let mut later = false;
        loop {
            let wait_ms = match (later, patient, self.driven.end.wake_ms()) {
                (true, ..) => LATER_MS,
                (_, true, None) => INFINITE,
                (_, _, wake_ms) => wake_ms.unwrap_or(LOOK_MS),
            };
            let told = match self.bell.wait(os, s, wait_ms) {
                Ok(told) => told,
                Err(error) => {
                    if is_transient(error) {
                        later = true;
                        continue;
                    }
                    if error != E::WSAENOTSOCK {
                        unexpected(os, "waiting for events", error);
                    }
                    break;
                }
            };
            match self.turn(os, told, later) {
                Turn::Gone => break,
                turn => later = turn == Turn::Later,
            }
            let idle = !patient && self.driven.is_idle(os, IDLE_NS);
            if idle || chance(os, ANEW) && !self.select_anew(os) {
                break;
            }
        }
        close(os, s);
        self.bell.take_down(os);
        self.driven.end.is_done()
    }

    fn turn(&mut self, os: &Os, told: Told, again: bool) -> Turn {
        if self.connecting {
            if let Some(error) = told.connect {
                if !is_connect_failure(error) {
                    unexpected(os, "FD_CONNECT", error);
                }
                return Turn::Gone;
            }
            if told.events == 0 {
                return Turn::Done;
            }
            os.check(told.has(FD_CONNECT), "an event of a connection came before FD_CONNECT");
            self.connecting = false;
        }
        self.driven.turn(os, told.events, again)
    }

    /// Selects the same events with another bell, which is told of all that holds. Whether the
    /// socket is still there.
    fn select_anew(&mut self, os: &Os) -> bool {
        let bell = Bell::draw(os);
        let selected = select(os, self.driven.end.socket(), &bell, self.events);
        if selected {
            core::mem::replace(&mut self.bell, bell).take_down(os);
        } else {
            bell.take_down(os);
        }
        selected
    }
}

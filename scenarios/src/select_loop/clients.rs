//! Clients: streams and datagrams that are echoed, one socket at a time.

use provider_core::SocketHandle;
use provider_core::spi::SO_ERROR;
use wspsim::api::Os;
use wspsim::settings::SECOND;

use crate::common::descriptors::replaced;
use crate::common::turns::rounds::{ask, asking, connect, datagram_socket, stream_socket};
use crate::common::turns::{AskingDatagrams, End, Turn};
use crate::common::{Ip, address, chance, close};

use super::{LATER_MS, PORT, Ready, Waited, wait};

/// How long a connection may stand still.
const IDLE_NS: u64 = 8 * SECOND;
const LOOK_MS: u32 = 500;

/// A client's main function.
pub(super) fn run(os: &Os) {
    ask(os, stream, datagrams);
}

/// One connection. Whether all came back.
fn stream(os: &Os) -> bool {
    let ip = Ip::draw(os);
    let s = stream_socket(os, ip);
    if !connect(os, s, address(os, "server", ip, PORT)) || !connected(os, s) {
        close(os, s);
        return false;
    }
    let s = if chance(os, 20) { replaced(os, s) } else { s };
    go_on(os, asking(os, s))
}

/// Some datagrams, each sent again until its echo has come. Whether all came.
fn datagrams(os: &Os) -> bool {
    let ip = Ip::draw(os);
    let s = datagram_socket(os, ip, 0);
    match AskingDatagrams::new(os, s, address(os, "server", ip, PORT)) {
        Some(end) => go_on(os, end),
        None => {
            close(os, s);
            false
        }
    }
}

/// Waits until the connection is there, or has failed; as long as that takes when nothing goes wrong
/// any more.
fn connected(os: &Os, s: SocketHandle) -> bool {
    let patient = os.is_calm();
    let until_ns = os.now_ns() + IDLE_NS;
    loop {
        let asked = Ready { write: one(s), except: one(s), ..Ready::default() };
        match wait(os, asked, (!patient).then_some(LOOK_MS)) {
            Waited::Ready(ready) if ready.except.contains(s) => return false,
            Waited::Ready(ready) if ready.write.contains(s) => {
                // What is ready to send has a peer, or had one.
                let known = os.getpeername(s).is_ok() || !os.is_calm();
                os.check(known, "a socket is ready to send and has no peer");
                return true;
            }
            // A closed socket is not waited for, whatever it becomes.
            Waited::Unknown if os.getsockopt(s, SO_ERROR).is_err() => return false,
            _ if !patient && os.now_ns() > until_ns => return false,
            _ => {}
        }
    }
}

fn one(s: SocketHandle) -> wspsim::api::FdSet {
    [s].into_iter().collect()
}

/// Goes on until all has come back or the socket is of no more use. One that begins when nothing
/// goes wrong any more waits without end: that waits do end is what this is about.
fn go_on(os: &Os, mut end: impl End) -> bool {
    let (patient, s) = (os.is_calm(), end.socket());
    let (mut later, mut refused) = (false, false);
    let (mut moved, mut since_ns) = (end.moved(), os.now_ns());
    loop {
        // After a refusal there is something to send whatever the time.
        let write = if refused || end.has_work(os) { one(s) } else { Default::default() };
        let asked = Ready { read: one(s), write, except: one(s) };
        let ms = match (later, patient) {
            (true, _) => Some(LATER_MS),
            (false, true) => end.wake_ms(),
            (false, false) => Some(end.wake_ms().unwrap_or(LOOK_MS)),
        };
        let mut turn = Turn::Done;
        later = false;
        match wait(os, asked, ms) {
            Waited::Unknown => later = true,
            Waited::Ready(ready) => {
                os.check(!ready.except.contains(s), "a connected socket has a failed connect");
                if ready.read.contains(s) {
                    turn = end.read(os);
                }
                if ready.write.contains(s) && turn != Turn::Gone {
                    later |= turn == Turn::Later;
                    turn = end.write(os);
                    refused = turn == Turn::Refused;
                }
            }
        }
        later |= turn == Turn::Later;
        if later && turn != Turn::Gone && os.getsockopt(s, SO_ERROR).is_err() {
            // Closed by somebody, or the next call tells.
            turn = end.read(os);
        }
        if end.moved() != moved {
            (moved, since_ns) = (end.moved(), os.now_ns());
        }
        if turn == Turn::Gone || !patient && os.now_ns() > since_ns + IDLE_NS {
            break;
        }
    }
    close(os, s);
    end.is_done()
}

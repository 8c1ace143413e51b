//! Machines that lose power and start again, and links that are cut.

use core::cell::Cell;
use core::net::SocketAddr;
use std::rc::Rc;

use provider_core::spi::{SO_KEEPALIVE, SO_RCVTIMEO, SO_SNDTIMEO};
use provider_core::{SocketHandle, WsaError};
use wspsim::api::Os;
use wspsim::fault::Fault;
use wspsim::scenario::Scenario;
use wspsim::settings::{Limits, SECOND};
use wspsim::world::WorldBuilder;

use crate::common::crew::Crew;
use crate::common::patient::{Patience, connected, datagram, is_broken, is_passing, listener};
use crate::common::tagged::{TAG, draw_tag, front_tag, message, tag_of};
use crate::common::{Ip, address, between, chance};
use crate::common::{cleanup, close, startup};

/// The scenario.
pub(crate) struct CrashRestart;

const DATAGRAM_PORT: u16 = 9000;
const STREAM_PORT: u16 = 9001;
/// Bytes of a request and of its answer.
const REQUEST: usize = 700;

impl Scenario for CrashRestart {
    fn name(&self) -> &'static str {
        "crash-restart"
    }

    fn about(&self) -> &'static str {
        "Machines lose power and start again, links are cut: clients connect anew and finish."
    }

    fn adversaries(&self) -> &'static [Fault] {
        &[Fault::Crash]
    }

    fn limits(&self) -> Limits {
        Limits { chaos_ns: 6 * SECOND, ..Limits::default() }
    }

    fn build(&self, world: &mut WorldBuilder) {
        world.server("phoenix", phoenix);
        for name in ["one", "two"] {
            // As on a disk: it outlives a crash of the client.
            let done = Rc::new(Cell::new(0));
            world.client(name, move |os| Client::run(os, &done));
        }
    }
}

/// The server: answers each request with itself.
fn phoenix(os: &Os) {
    Crew::serve(os, |crew| {
        for ip in Ip::BOTH {
            crew.spawn(os, "datagrams", move |os| answer_datagrams(os, ip));
            let others = crew.clone();
            crew.spawn(os, "streams", move |os| accept_streams(os, ip, &others));
        }
    });
}

fn answer_datagrams(os: &Os, ip: Ip) {
    let mut bytes = [0; 1500];
    let Some(socket) = datagram(os, ip, DATAGRAM_PORT) else { return };
    loop {
        let result = os.recvfrom(socket, &mut bytes, 0).and_then(|(len, from)| {
            os.check(tag_of(&bytes[..len]).is_some(), "a request arrived damaged");
            os.sendto(socket, &bytes[..len], 0, from)
        });
        match result {
            Ok(_) | Err(WsaError::WSAECONNRESET) => {}
            Err(_) if os.is_stopping() => return,
            Err(error) if is_passing(error) => os.sleep(1),
            Err(error) => os.fail(&format!("the datagram server: {error}")),
        }
    }
}

fn accept_streams(os: &Os, ip: Ip, crew: &Crew) {
    let Some(socket) = listener(os, ip, STREAM_PORT, |_| Ok(())) else { return };
    loop {
        match os.accept(socket) {
            Ok((stream, _)) => crew.spawn(os, "stream", move |os| answer_stream(os, stream)),
            Err(_) if os.is_stopping() => return,
            Err(WsaError::WSAECONNRESET) => {}
            Err(error) if is_passing(error) => os.sleep(1),
            Err(error) => os.fail(&format!("accept: {error}")),
        }
    }
}

fn answer_stream(os: &Os, socket: SocketHandle) {
    // Its client may be gone without a word.
    let _ = os.setsockopt(socket, SO_KEEPALIVE, 1);
    let mut request = [0; REQUEST];
    while receive_all(os, socket, &mut request).is_ok() {
        os.check(tag_of(&request).is_some(), "a request arrived damaged");
        if send_all(os, socket, &request).is_err() {
            break;
        }
    }
    close(os, socket);
}

/// Fills `into`; WSAEDISCON when the stream ended before.
fn receive_all(os: &Os, socket: SocketHandle, into: &mut [u8]) -> Result<(), WsaError> {
    let mut len = 0;
    while len < into.len() {
        match os.recv(socket, &mut into[len..], 0) {
            Ok(0) => return Err(WsaError::WSAEDISCON),
            Ok(more) => len += more,
            Err(error) if is_broken(error) || os.is_stopping() => return Err(error),
            Err(error) if is_passing(error) => os.sleep(1),
            Err(error) => os.fail(&format!("recv: {error}")),
        }
    }
    Ok(())
}

fn send_all(os: &Os, socket: SocketHandle, bytes: &[u8]) -> Result<(), WsaError> {
    loop {
        match os.send(socket, bytes, 0) {
            Ok(_) => return Ok(()),
            Err(WsaError::WSAENOBUFS) => os.sleep(1),
            Err(error) if is_broken(error) || is_passing(error) => return Err(error),
            Err(error) => os.fail(&format!("send: {error}")),
        }
    }
}

struct Client {
    ip: Ip,
    stream: Cell<Option<SocketHandle>>,
}

impl Client {
    fn run(os: &Os, done: &Cell<u32>) {
        startup(os);
        let client = Self { ip: Ip::draw(os), stream: Cell::new(None) };
        let all = between(os, 6..=16);
        // Two more when nothing goes wrong any more, one of each kind.
        while done.get() < all || !os.is_calm() {
            if done.get() >= all {
                os.sleep(100);
                continue;
            }
            if !client.request(os, chance(os, 50)) {
                return;
            }
            done.set(done.get() + 1);
            os.sleep(between(os, 0..=150));
        }
        client.request(os, true);
        client.request(os, false);
        client.hang_up(os);
        cleanup(os);
    }

    /// One request, until it is answered.
    fn request(&self, os: &Os, by_stream: bool) -> bool {
        let request = message(draw_tag(os), REQUEST);
        let mut patience = Patience::new("a request");
        loop {
            let answered = if by_stream {
                self.ask_stream(os, &request)
            } else {
                self.ask_datagram(os, &request)
            };
            let error = match answered {
                Ok(()) => return true,
                Err(error) if is_broken(error) || is_passing(error) => error,
                Err(WsaError::WSAEDISCON) => WsaError::WSAEDISCON,
                Err(error) => {
                    os.fail(&format!("a request: {error}"));
                    return false;
                }
            };
            if !patience.again(os, error) {
                return false;
            }
        }
    }

    /// On the connection that there is, or a new one; it is given up with the first failure.
    fn ask_stream(&self, os: &Os, request: &[u8]) -> Result<(), WsaError> {
        let to = address(os, "phoenix", self.ip, STREAM_PORT);
        let time_outs = |s| {
            os.setsockopt(s, SO_RCVTIMEO, 400)?;
            os.setsockopt(s, SO_SNDTIMEO, 400)
        };
        let kept = self.stream.take();
        let stream = kept.or_else(|| connected(os, to, time_outs)).ok_or(WsaError::WSAENOTSOCK)?;
        let mut answer = [0; REQUEST];
        let result = send_all(os, stream, request)
            .and_then(|()| receive_all(os, stream, &mut answer))
            .map(|()| os.check(answer == *request, "another answer than the request"));
        match result {
            Ok(()) if chance(os, 80) => self.stream.set(Some(stream)),
            _ => close(os, stream),
        }
        result
    }

    fn ask_datagram(&self, os: &Os, request: &[u8]) -> Result<(), WsaError> {
        let to: SocketAddr = address(os, "phoenix", self.ip, DATAGRAM_PORT);
        let socket = datagram(os, self.ip, 0).ok_or(WsaError::WSAENOTSOCK)?;
        let mut answer = [0; REQUEST + TAG];
        let result = os
            .setsockopt(socket, SO_RCVTIMEO, 400)
            .and_then(|()| os.sendto(socket, request, 0, to))
            .and_then(|_| os.recvfrom(socket, &mut answer, 0))
            .map(|(len, from)| {
                os.check(
                    answer[..len] == *request && from == to,
                    "another answer than the request",
                );
                os.check(front_tag(request).is_some(), "a request without a tag");
            });
        close(os, socket);
        result
    }

    fn hang_up(&self, os: &Os) {
        if let Some(stream) = self.stream.take() {
            close(os, stream);
        }
    }
}

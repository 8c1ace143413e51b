//! The server: one thread that waits in select for all of its sockets.

use provider_core::SocketHandle;
use provider_core::spi::SO_TYPE;
use wspsim::api::Os;
use wspsim::settings::SECOND;

use crate::common::descriptors::replaced;
use crate::common::turns::rounds::{accept, datagram_socket, listen, listening_socket};
use crate::common::turns::{EchoDatagrams, EchoEnd, End, Turn};
use crate::common::{Ip, chance, cleanup, close, startup};

use super::{LATER_MS, PORT, Ready, Waited, wait};

/// Sockets that are served at a time.
const SOCKETS_MAX: usize = 40;
/// Of a stream, what waits to be sent back.
const WAITING_MAX: usize = 8_000;
/// How long a connection may stand still.
const IDLE_NS: u64 = 10 * SECOND;
/// How often the stop event is looked at: nothing else ends a wait.
const LOOK_MS: u32 = 500;

enum Role {
    Listener(Ip),
    Stream(EchoEnd),
    Datagrams(Ip, EchoDatagrams),
}

struct Served {
    s: SocketHandle,
    role: Role,
    /// It waits without end.
    patient: bool,
    /// When something came or went last, and how much had by then.
    moved: (u64, u64),
}

/// The server's main function: ends with the stop event.
pub(super) fn serve(os: &Os) {
    startup(os);
    let mut server = Server { served: Vec::new(), one_by_one: chance(os, 50), later: false };
    for ip in Ip::BOTH {
        server.open_listener(os, ip);
        server.open_datagrams(os, ip);
    }
    while !os.is_stopping() {
        server.wait(os);
    }
    if chance(os, 50) {
        server.served.iter().for_each(|served| close(os, served.s));
    }
    cleanup(os);
}

struct Server {
    served: Vec<Served>,
    /// Takes one connection for each wait, instead of all that are there.
    one_by_one: bool,
    /// Some call may work a little later.
    later: bool,
}

impl Server {
    fn open_listener(&mut self, os: &Os, ip: Ip) {
        let s = listening_socket(os, ip, PORT);
        // One that does not listen is never ready: somebody has to look.
        self.later |= listen(os, s) == Turn::Gone;
        self.enter(os, s, Role::Listener(ip));
    }

    fn open_datagrams(&mut self, os: &Os, ip: Ip) {
        let s = datagram_socket(os, ip, PORT);
        self.enter(os, s, Role::Datagrams(ip, EchoDatagrams::new(os, s)));
    }

    fn enter(&mut self, os: &Os, s: SocketHandle, role: Role) {
        // An entry with this handle is of a socket that somebody else has closed.
        self.served.retain(|other| other.s != s);
        self.served.push(Served { s, role, patient: os.is_calm(), moved: (os.now_ns(), 0) });
    }

    /// Waits for all, and gives their turn to those that are ready.
    fn wait(&mut self, os: &Os) {
        let full = self.served.len() >= SOCKETS_MAX;
        let mut asked = Ready::default();
        for served in &self.served {
            let (reads, writes) = match &served.role {
                Role::Listener(_) => (!full, false),
                Role::Stream(end) => (end.has_room(), end.has_work(os)),
                Role::Datagrams(_, end) => (end.has_room(), end.has_work(os)),
            };
            [(reads, &mut asked.read), (writes, &mut asked.write)]
                .into_iter()
                .filter(|(asks, _)| *asks)
                .for_each(|(_, set)| set.insert(served.s));
        }
        let ms = if core::mem::take(&mut self.later) { LATER_MS } else { LOOK_MS };
        let all: Vec<SocketHandle> = self.served.iter().map(|served| served.s).collect();
        match wait(os, asked, Some(ms)) {
            Waited::Ready(ready) => all.iter().for_each(|s| self.turn_of(os, *s, &ready)),
            Waited::Unknown => all.iter().for_each(|s| self.look_for(os, *s)),
        }
    }

    fn place_of(&self, s: SocketHandle) -> Option<usize> {
        self.served.iter().position(|served| served.s == s)
    }

    /// Whether a socket is still there; a listener or the datagrams begin anew.
    fn look_for(&mut self, os: &Os, s: SocketHandle) {
        self.later = true;
        let gone = os.getsockopt(s, SO_TYPE) == Err(provider_core::WsaError::WSAENOTSOCK);
        if gone && let Some(place) = self.place_of(s) {
            self.leave(os, place);
        }
    }

    fn leave(&mut self, os: &Os, place: usize) {
        let Served { s, role, .. } = self.served.remove(place);
        close(os, s);
        if os.is_stopping() {
            return;
        }
        match role {
            Role::Listener(ip) => self.open_listener(os, ip),
            Role::Datagrams(ip, _) => self.open_datagrams(os, ip),
            Role::Stream(_) => {}
        }
    }

    fn turn_of(&mut self, os: &Os, s: SocketHandle, ready: &Ready) {
        // Gone meanwhile, perhaps.
        let Some(place) = self.place_of(s) else { return };
        let Served { role, patient, moved, .. } = &mut self.served[place];
        let turn = match role {
            Role::Listener(_) if ready.read.contains(s) => self.accept(os, s),
            Role::Listener(_) => Turn::Done,
            Role::Datagrams(_, end) => turn(os, end, ready),
            Role::Stream(end) => {
                let turn = turn(os, end, ready);
                if end.moved() != moved.1 {
                    *moved = (os.now_ns(), end.moved());
                }
                let idle = !*patient && os.now_ns() > moved.0 + IDLE_NS;
                if idle || end.is_done() { Turn::Gone } else { turn }
            }
        };
        match turn {
            Turn::Later => self.later = true,
            Turn::Gone => {
                if let Some(place) = self.place_of(s) {
                    self.leave(os, place);
                }
            }
            Turn::Done | Turn::Refused => {}
        }
    }

    fn accept(&mut self, os: &Os, listener: SocketHandle) -> Turn {
        let mut first = true;
        while self.served.len() < SOCKETS_MAX && (first || !self.one_by_one) {
            let s = match accept(os, listener) {
                Ok(Some(s)) => s,
                Ok(None) => return Turn::Done,
                Err(turn) => return turn,
            };
            first = false;
            let s = if chance(os, 20) { replaced(os, s) } else { s };
            self.enter(os, s, Role::Stream(EchoEnd::new(os, s, WAITING_MAX)));
        }
        Turn::Done
    }
}

/// Does what an end is ready for.
fn turn(os: &Os, end: &mut impl End, ready: &Ready) -> Turn {
    let s = end.socket();
    let read = if ready.read.contains(s) { end.read(os) } else { Turn::Done };
    if read == Turn::Gone || !ready.write.contains(s) {
        return read;
    }
    match end.write(os) {
        Turn::Done | Turn::Refused => read,
        turn => turn,
    }
}

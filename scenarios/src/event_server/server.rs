//! The server: one thread that waits for all of its sockets' events.

use provider_core::spi::{FD_ACCEPT, FD_CLOSE, FD_READ, FD_WRITE};
use provider_core::{EventHandle, SocketHandle, WsaError as E};
use wspsim::api::{Os, WAIT_OBJECT_0};
use wspsim::settings::{MS, SECOND};

use crate::common::turns::rounds::{accept, datagram_socket, listen, listening_socket};
use crate::common::turns::{EchoDatagrams, EchoEnd, Turn};
use crate::common::{
    Ip, chance, cleanup, close, is_broken_stream, is_transient, startup, unexpected,
};

use super::PORT;
use super::driven::Driven;

/// Sockets that are served at a time.
const SOCKETS_MAX: usize = 40;
/// Of a stream, what waits to be sent back.
const WAITING_MAX: usize = 8_000;
/// How long a connection may stand still.
const IDLE_NS: u64 = 10 * SECOND;
/// After how long something is tried again that nobody tells of.
const LATER_MS: u32 = 4;
/// How often a socket is looked at that somebody may have closed or shut down.
const LOOK_MS: u32 = 500;
const ECHO_EVENTS: i32 = FD_READ | FD_WRITE | FD_CLOSE;

enum Role {
    /// Whether FD_ACCEPT has come, and WSAAccept was not called since.
    Listener(Ip, bool),
    Stream(Driven<EchoEnd>),
    Datagrams(Ip, Driven<EchoDatagrams>),
}

struct Served {
    s: SocketHandle,
    event: EventHandle,
    role: Role,
    /// To be tried again though nothing was told.
    later: bool,
    /// It waits for its events without end.
    patient: bool,
}

struct Server {
    served: Vec<Served>,
    /// Accepted sockets keep what they inherit of their listener: its event, and its events.
    inherits: bool,
    /// Takes one connection for each FD_ACCEPT, instead of all that wait.
    one_by_one: bool,
    manual: bool,
}

/// The server's main function: ends with the stop event.
pub(super) fn serve(os: &Os) {
    startup(os);
    let mut server = Server {
        served: Vec::new(),
        inherits: chance(os, 40),
        one_by_one: chance(os, 50),
        manual: chance(os, 50),
    };
    for ip in Ip::BOTH {
        server.open_listener(os, ip);
        server.open_datagrams(os, ip);
    }
    let stop = os.stop_event();
    let (mut looked_ns, mut calm) = (os.now_ns(), false);
    while !os.is_stopping() {
        server.wait(os, stop);
        // What nobody tells of: others stop doing it when it is calm.
        if !calm && os.now_ns() > looked_ns + u64::from(LOOK_MS) * MS {
            calm = os.is_calm();
            looked_ns = os.now_ns();
            server.served.iter_mut().for_each(|served| served.later = true);
        }
    }
    if chance(os, 50) {
        server.served.iter().for_each(|served| close(os, served.s));
    }
    cleanup(os);
}

impl Server {
    fn open_listener(&mut self, os: &Os, ip: Ip) {
        let s = listening_socket(os, ip, PORT);
        let inherited = if self.inherits { ECHO_EVENTS } else { 0 };
        let role = Role::Listener(ip, false);
        self.enter(os, s, None, role, Some(FD_ACCEPT | inherited));
        if listen(os, s) == Turn::Gone {
            self.mark_later(s);
        }
    }

    fn open_datagrams(&mut self, os: &Os, ip: Ip) {
        let s = datagram_socket(os, ip, PORT);
        let role = Role::Datagrams(ip, Driven::new(os, EchoDatagrams::new(os, s)));
        self.enter(os, s, None, role, Some(FD_READ | FD_WRITE));
    }

    /// Serves a socket from now on, with an event of its own if it is given none, and selects
    /// `events` if they are not selected.
    fn enter(
        &mut self,
        os: &Os,
        s: SocketHandle,
        event: Option<EventHandle>,
        role: Role,
        events: Option<i32>,
    ) {
        // An entry with this handle is of a socket that somebody else has closed.
        if let Some(place) = self.place_of(s) {
            self.drop_entry(os, place);
        }
        let event = event.unwrap_or_else(|| os.create_event(self.manual, false));
        self.served.push(Served { s, event, role, later: false, patient: os.is_calm() });
        match events.map(|events| os.wsa_event_select(s, event, events)) {
            None | Some(Ok(())) => {}
            // It is of no use: its next turn tells, or nobody does.
            Some(Err(error)) if is_transient(error) || is_broken_stream(error) => {
                self.mark_gone(os, s);
            }
            Some(Err(error)) => unexpected(os, "WSAEventSelect", error),
        }
    }

    fn place_of(&self, s: SocketHandle) -> Option<usize> {
        self.served.iter().position(|served| served.s == s)
    }

    fn mark_later(&mut self, s: SocketHandle) {
        if let Some(place) = self.place_of(s) {
            self.served[place].later = true;
        }
    }

    fn mark_gone(&mut self, os: &Os, s: SocketHandle) {
        if let Some(place) = self.place_of(s) {
            self.leave(os, place);
        }
    }

    /// Forgets an entry, and its event with the last socket that has it. Gives its role.
    fn drop_entry(&mut self, os: &Os, place: usize) -> Role {
        let Served { event, role, .. } = self.served.remove(place);
        if self.served.iter().all(|other| other.event != event) {
            let _ = os.close_handle(event);
        }
        role
    }

    /// Closes a socket; a listener and the datagrams begin anew.
    fn leave(&mut self, os: &Os, place: usize) {
        close(os, self.served[place].s);
        let role = self.drop_entry(os, place);
        if os.is_stopping() {
            return;
        }
        match role {
            Role::Listener(ip, _) => self.open_listener(os, ip),
            Role::Datagrams(ip, _) => self.open_datagrams(os, ip),
            Role::Stream(_) => {}
        }
    }

    /// Waits for one event, and gives their turn to the sockets that have it, and to those that are
    /// to be tried again.
    fn wait(&mut self, os: &Os, stop: EventHandle) {
        // Another one is the first each time.
        self.served.rotate_left(1);
        let mut events = vec![stop];
        for served in &self.served {
            if !events.contains(&served.event) {
                events.push(served.event);
            }
        }
        let later = self.served.iter().any(|served| served.later);
        let ms = if later { LATER_MS } else { LOOK_MS };
        let woken = os.wsa_wait_for_multiple_events(&events, false, ms, false);
        let event = events.get(woken.wrapping_sub(WAIT_OBJECT_0) as usize).copied();
        if os.is_stopping() {
            return;
        }
        let of_it: Vec<SocketHandle> = self
            .served
            .iter()
            .filter(|served| served.later || Some(served.event) == event)
            .map(|served| served.s)
            .collect();
        let shared = self.served.iter().filter(|served| Some(served.event) == event).count() > 1;
        if shared && let Some(event) = event {
            // Before any of the records is taken that it stands for.
            let _ = os.reset_event(event);
        }
        for s in of_it {
            self.turn_of(os, s, event, shared);
        }
    }

    fn turn_of(&mut self, os: &Os, s: SocketHandle, event: Option<EventHandle>, shared: bool) {
        // Gone meanwhile, perhaps.
        let Some(place) = self.place_of(s) else { return };
        let served = &mut self.served[place];
        let again = core::mem::take(&mut served.later);
        let told = if Some(served.event) == event {
            let reset = event.filter(|_| !shared);
            os.wsa_enum_network_events(s, reset).map(|told| told.events)
        } else {
            Ok(0)
        };
        let turn = match told {
            Ok(told) => self.turn(os, place, told, again),
            // The record is still there, and its event may be reset.
            Err(error) if is_transient(error) => {
                let told = os.set_event(served.event);
                os.check(told.is_ok(), "an event is gone");
                return;
            }
            Err(E::WSAENOTSOCK) => Turn::Gone,
            Err(error) => return unexpected(os, "WSAEnumNetworkEvents", error),
        };
        match turn {
            Turn::Gone => self.mark_gone(os, s),
            Turn::Later => self.mark_later(s),
            _ => {}
        }
    }

    fn turn(&mut self, os: &Os, place: usize, told: i32, again: bool) -> Turn {
        let Served { s, event, role, patient, .. } = &mut self.served[place];
        let turn = match role {
            Role::Stream(stream) => match stream.turn(os, told, again) {
                _ if !*patient && stream.is_idle(os, IDLE_NS) => Turn::Gone,
                turn => turn,
            },
            Role::Datagrams(_, datagrams) => datagrams.turn(os, told, again),
            Role::Listener(_, waits) => {
                *waits |= told & FD_ACCEPT != 0 || again;
                let (s, event) = (*s, *event);
                return self.accept(os, s, event);
            }
        };
        if turn == Turn::Gone && matches!(role, Role::Stream(_)) && self.served.len() == SOCKETS_MAX
        {
            // There is a place again for those who wait.
            self.served.iter_mut().for_each(|served| served.later = true);
        }
        turn
    }

    /// Takes the connections that wait, if FD_ACCEPT said so.
    fn accept(&mut self, os: &Os, listener: SocketHandle, event: EventHandle) -> Turn {
        while self.served.len() < SOCKETS_MAX {
            let Some(place) = self.place_of(listener) else { return Turn::Done };
            let Role::Listener(_, waits) = &mut self.served[place].role else { return Turn::Done };
            if !*waits {
                return Turn::Done;
            }
            // The call makes FD_ACCEPT come again if more of them wait.
            *waits = !self.one_by_one;
            let s = match accept(os, listener) {
                Ok(Some(s)) => s,
                Ok(None) => {
                    *waits = false;
                    return Turn::Done;
                }
                Err(turn) => return turn,
            };
            let role = Role::Stream(Driven::new(os, EchoEnd::new(os, s, WAITING_MAX)));
            if self.inherits {
                self.enter(os, s, Some(event), role, None);
            } else {
                self.enter(os, s, None, role, Some(ECHO_EVENTS));
            }
        }
        Turn::Done
    }
}

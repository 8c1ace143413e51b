//! A machine that listens: in the first group always, in the others now and then.

use core::net::SocketAddr;

use provider_core::spi::{JL_BOTH, JL_RECEIVER_ONLY};
use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::Os;

use super::group::{GROUPS, Mark, destination, group, open_leaf, open_plain, reopen};
use super::{ANSWERS, LONGEST, PORT};
use crate::common::{
    Ended, Ip, Operations, Payload, RECORD_HEADER, Slot, Style, address, any, between, chance,
    cleanup, close_and_settle, is_dead_datagram, open_datagram, pick, record, startup, unexpected,
    wait_for_any, whole_record,
};

const ROOM: usize = RECORD_HEADER + LONGEST + 1;
/// Receives posted for each family.
const SLOTS: usize = 3;

/// How a listener came into the first group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By an option.
    Option,
    /// As a leaf, with this role.
    Leaf(u32),
}

/// Two sockets: one that listens and one that answers.
struct Ear {
    /// Its number among those that listen to its family.
    index: usize,
    ip: Ip,
    local: SocketAddr,
    way: Way,
    s: SocketHandle,
    slots: Vec<Slot>,
    /// Which groups the socket is in, and which it was ever in: what it heard before it left one may
    /// still wait.
    inside: [bool; GROUPS as usize],
    ever: [bool; GROUPS as usize],
    mouth: SocketHandle,
    dead: bool,
}

impl Ear {
    fn new(os: &Os, operations: &Operations, index: usize, ip: Ip, local: SocketAddr) -> Self {
        let style = Style::draw(os);
        let mut ear = Self {
            index,
            ip,
            local,
            way: Way::Option,
            s: SocketHandle(0),
            slots: (0..SLOTS).map(|_| Slot::new(os, operations, style, ROOM)).collect(),
            inside: Default::default(),
            ever: Default::default(),
            mouth: open_datagram(os, ip, 0),
            dead: false,
        };
        ear.open(os);
        ear
    }

    /// Another socket, in the first group, however long it takes.
    fn open(&mut self, os: &Os) {
        self.way = pick(os, &[Way::Option, Way::Leaf(JL_RECEIVER_ONLY), Way::Leaf(JL_BOTH)]);
        self.s = reopen(os, "opening a listener", || match self.way {
            Way::Option => open_plain(os, self.local, |s| os.join_group(s, group(self.ip, 0))),
            Way::Leaf(role) => open_leaf(os, self.local, role, |_| Ok(())),
        });
        self.inside = [true, false, false];
        self.ever = self.inside;
        self.dead = false;
    }

    fn close(&self, os: &Os) {
        close_and_settle(os, self.s, &self.slots);
    }

    /// Does what can be done now. Whether some slot has nothing out.
    fn turn(&mut self, os: &Os) -> bool {
        let mut idle = false;
        for at in 0..self.slots.len() {
            if let Some(ended) = self.slots[at].take_end(os) {
                self.hear(os, at, ended);
            }
            if !self.slots[at].is_busy()
                && !self.dead
                && let Err(error) = self.slots[at].recv_from(os, self.s, ROOM)
            {
                self.dead |= is_dead_datagram(os, "WSARecvFrom", error);
                idle = true;
            }
        }
        if chance(os, 20) && !self.dead {
            self.come_or_go(os);
        }
        if chance(os, 5) && !self.dead {
            self.try_to_send(os);
        }
        if self.dead || chance(os, 1) && !os.is_calm() {
            self.close(os);
            self.open(os);
            idle = true;
        }
        idle
    }

    fn hear(&mut self, os: &Os, at: usize, ended: Ended) {
        let len = match ended.result() {
            Ok(len) => len as usize,
            Err(error) => {
                self.dead |= is_dead_datagram(os, "a listener's receive", error);
                return;
            }
        };
        let (tag, number) = match whole_record(&self.slots[at].buffer.read(0, len)) {
            Ok(record) => record,
            Err(wrong) => return os.fail(&wrong),
        };
        let mark = Mark::of(number);
        if mark.kept {
            os.fail("a datagram with a hop limit of 0 was heard on another machine");
        }
        if !self.ever.get(mark.group as usize).is_some_and(|ever| *ever) {
            os.fail(&format!("a datagram for group {} came to a socket never in it", mark.group));
        }
        if mark.group == 0
            && let Some(from) = self.slots[at].source()
        {
            self.answer(os, from, tag, number);
        }
    }

    /// Tells a speaker what was heard, and who heard it: by the answer's length.
    fn answer(&mut self, os: &Os, from: SocketAddr, tag: u64, number: u32) {
        let answer = record(Payload::of(tag), number, self.index);
        let to = SocketAddr::new(from.ip(), ANSWERS);
        let dead = match os.sendto(self.mouth, &answer, 0, to) {
            // Cancelled: the speaker asks again.
            Ok(_) | Err(E::WSAEINTR) => false,
            Err(error) => is_dead_datagram(os, "an answer", error),
        };
        if dead {
            close_and_settle(os, self.mouth, []);
            self.mouth = open_datagram(os, self.ip, 0);
        }
    }

    /// Joins or leaves a group that is not the first, or tries what cannot be done.
    fn come_or_go(&mut self, os: &Os) {
        let index = between(os, 1..=GROUPS - 1);
        let inside = &mut self.inside[index as usize];
        let address = group(self.ip, index);
        let joins = if chance(os, 20) { *inside } else { !*inside };
        let (what, result, refusal) = if joins {
            ("joining a group", os.join_group(self.s, address), E::WSAEADDRNOTAVAIL)
        } else {
            ("leaving a group", os.leave_group(self.s, address), E::WSAEINVAL)
        };
        match result {
            Ok(()) if *inside == joins => os.fail(&format!("{what} succeeded twice")),
            Ok(()) => {
                *inside = joins;
                self.ever[index as usize] |= joins;
            }
            Err(error) if error == refusal && *inside == joins => {}
            Err(error) => self.dead |= is_dead_datagram(os, what, error),
        }
    }

    /// A leaf that only receives refuses to send.
    fn try_to_send(&self, os: &Os) {
        if self.way != Way::Leaf(JL_RECEIVER_ONLY) {
            return;
        }
        match os.sendto(self.s, b"no", 0, destination(self.ip, 0)) {
            Err(E::WSAEOPNOTSUPP) => {}
            Ok(_) => os.fail("a leaf that only receives sent"),
            Err(error) => unexpected(os, "a send on a leaf that only receives", error),
        }
    }
}

/// The program of the listener `name`, whose sockets are counted from `first` on. Ends with the stop
/// event.
pub(super) fn listen(os: &Os, name: &str, first: usize) {
    startup(os);
    let operations = Operations::new(os);
    let mut ears = Vec::new();
    for ip in Ip::BOTH {
        for (index, local) in [(first, any(ip, PORT)), (first + 1, address(os, name, ip, PORT))] {
            ears.push(Ear::new(os, &operations, index, ip, local));
        }
    }
    while !os.is_stopping() {
        let idle = ears.iter_mut().fold(false, |idle, ear| ear.turn(os) | idle);
        let slots = ears.iter().flat_map(|ear| &ear.slots);
        wait_for_any(os, slots, if idle { 2 } else { 100 });
    }
    if chance(os, 50) {
        ears.iter().for_each(|ear| ear.close(os));
    }
    cleanup(os);
}

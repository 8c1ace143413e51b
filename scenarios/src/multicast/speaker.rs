//! A machine that speaks to groups, until its listeners have answered.

use provider_core::spi::{JL_BOTH, JL_SENDER_ONLY, SIO_MULTIPOINT_LOOPBACK};
use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::Os;
use wspsim::settings::MS;

use super::group::{GROUPS, Mark, destination, group, open_leaf, open_plain, reopen};
use super::{ANSWERS, EARS, LONGEST, PORT};
use crate::common::{
    Ended, Ip, Operations, Payload, RECORD_HEADER, Slot, Style, any, between, chance, cleanup,
    close_and_settle, is_dead_datagram, pick, record, startup, unexpected, wait_for_any,
    whole_record,
};

const ROOM: usize = RECORD_HEADER + LONGEST + 1;
/// How many records each socket that listens has to answer.
const RECORDS: u32 = 25;
/// After how long a record is sent again.
const RETRY_NS: u64 = 60 * MS;
/// After how long a send is tried again that was refused.
const REFUSED_NS: u64 = 5 * MS;
/// Receives posted on a socket.
const SLOTS: usize = 2;

/// What a speaker's socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Any socket: sending takes no membership.
    Stranger,
    /// A leaf that only sends.
    Sender,
    /// A leaf that also hears its group, and its own machine in it where it wants to.
    Member { hears_itself: bool },
}

/// A socket with receives posted, opened again when it is dead.
struct Hearing {
    s: SocketHandle,
    slots: Vec<Slot>,
    dead: bool,
}

impl Hearing {
    fn new(os: &Os, operations: &Operations, s: SocketHandle) -> Self {
        let style = Style::draw(os);
        let slots = (0..SLOTS).map(|_| Slot::new(os, operations, style, ROOM)).collect();
        Self { s, slots, dead: false }
    }

    /// Gives what arrived to `heard` and posts the receives again.
    fn turn(&mut self, os: &Os, mut heard: impl FnMut(&[u8])) {
        for slot in &self.slots {
            match slot.take_end(os).map(Ended::result) {
                Some(Ok(len)) => heard(&slot.buffer.read(0, len as usize)),
                Some(Err(error)) => self.dead |= is_dead_datagram(os, "a receive", error),
                None => {}
            }
            if !slot.is_busy()
                && !self.dead
                && let Err(error) = slot.recv_from(os, self.s, ROOM)
            {
                self.dead |= is_dead_datagram(os, "WSARecvFrom", error);
            }
        }
    }

    fn close(&self, os: &Os) {
        close_and_settle(os, self.s, &self.slots);
    }
}

struct Speaker {
    ip: Ip,
    payload: Payload,
    role: Role,
    voice: Hearing,
    /// One overlapped send at a time.
    sending: Slot,
    /// A socket whose hop limit is 0.
    whisper: SocketHandle,
    answers: Hearing,
    serial: u32,
}

fn open_voice(os: &Os, ip: Ip, role: Role) -> SocketHandle {
    reopen(os, "opening a voice", || match role {
        Role::Stranger => open_plain(os, any(ip, 0), |_| Ok(())),
        Role::Sender => open_leaf(os, any(ip, 0), JL_SENDER_ONLY, |_| Ok(())),
        Role::Member { hears_itself } => open_leaf(os, any(ip, PORT), JL_BOTH, |s| {
            if chance(os, 50) {
                os.set_multicast_loop(s, group(ip, 0), hears_itself)
            } else {
                os.ioctlsocket(s, SIO_MULTIPOINT_LOOPBACK, u32::from(hears_itself))
            }
        }),
    })
}

fn open_whisper(os: &Os, ip: Ip) -> SocketHandle {
    reopen(os, "opening a whisper", || {
        open_plain(os, any(ip, 0), |s| os.set_multicast_ttl(s, group(ip, 0), 0))
    })
}

fn open_answers(os: &Os, ip: Ip) -> SocketHandle {
    reopen(os, "opening for answers", || open_plain(os, any(ip, ANSWERS), |_| Ok(())))
}

impl Speaker {
    fn new(os: &Os) -> Self {
        let operations = Operations::new(os);
        let ip = Ip::draw(os);
        let hears_itself = chance(os, 50);
        let role = pick(os, &[Role::Stranger, Role::Sender, Role::Member { hears_itself }]);
        Self {
            ip,
            payload: Payload::draw(os),
            role,
            voice: Hearing::new(os, &operations, open_voice(os, ip, role)),
            sending: Slot::new(os, &operations, Style::draw(os), ROOM),
            whisper: open_whisper(os, ip),
            answers: Hearing::new(os, &operations, open_answers(os, ip)),
            serial: 0,
        }
    }

    fn run(&mut self, os: &Os) {
        for _ in 0..RECORDS {
            let mark = Mark { serial: self.next(), group: 0, kept: false };
            let mut answered = [false; EARS];
            let mut due_ns = 0;
            while answered.contains(&false) {
                self.take_answers(os, mark, &mut answered);
                self.listen(os);
                let now_ns = os.now_ns();
                if now_ns >= due_ns && !self.sending.is_busy() {
                    due_ns = now_ns + if self.say(os, mark) { RETRY_NS } else { REFUSED_NS };
                }
                if chance(os, 15) {
                    self.say_more(os);
                }
                let slots = self.answers.slots.iter().chain(&self.voice.slots);
                let ms = due_ns.saturating_sub(os.now_ns()).div_ceil(MS) as u32;
                wait_for_any(os, slots.chain([&self.sending]), ms.clamp(1, 60));
            }
        }
    }

    fn next(&mut self) -> u32 {
        self.serial += 1;
        self.serial
    }

    fn take_answers(&mut self, os: &Os, mark: Mark, answered: &mut [bool]) {
        let tag = self.payload.tag();
        self.answers.turn(os, |bytes| match whole_record(bytes) {
            Ok((of, number)) if of == tag && number == mark.number() => {
                match answered.get_mut(bytes.len() - RECORD_HEADER) {
                    Some(answered) => *answered = true,
                    None => os.fail("an answer of nobody's"),
                }
            }
            // A late one, or one for who was this machine before.
            Ok(_) => {}
            Err(wrong) => os.fail(&wrong),
        });
        if self.answers.dead {
            self.answers.close(os);
            self.answers.s = open_answers(os, self.ip);
            self.answers.dead = false;
        }
    }

    /// Hears the group, where this is a member; takes the end of a send.
    fn listen(&mut self, os: &Os) {
        if let Some(Err(error)) = self.sending.take_end(os).map(Ended::result) {
            self.voice.dead |= is_dead_datagram(os, "an overlapped send", error);
        }
        match self.role {
            Role::Stranger => {}
            Role::Sender if chance(os, 5) => self.try_to_receive(os),
            Role::Sender => {}
            Role::Member { hears_itself } => {
                let tag = self.payload.tag();
                self.voice.turn(os, |bytes| match whole_record(bytes) {
                    Ok((from, number)) => check_heard(os, from == tag, number, hears_itself),
                    Err(wrong) => os.fail(&wrong),
                });
            }
        }
        if self.voice.dead {
            close_and_settle(os, self.voice.s, self.voice.slots.iter().chain([&self.sending]));
            self.voice.s = open_voice(os, self.ip, self.role);
            self.voice.dead = false;
        }
    }

    fn try_to_receive(&mut self, os: &Os) {
        match os.recv(self.voice.s, &mut [0; 8], 0) {
            Err(E::WSAEOPNOTSUPP) => {}
            Ok(_) => os.fail("a leaf that only sends received"),
            Err(error) => unexpected(os, "a receive on a leaf that only sends", error),
        }
    }

    /// Something for another group, or for nobody but this machine.
    fn say_more(&mut self, os: &Os) {
        if self.sending.is_busy() {
            return;
        }
        let kept = chance(os, 40);
        let mark = Mark { serial: self.next(), group: between(os, 0..=GROUPS - 1), kept };
        if !kept {
            self.say(os, mark);
            return;
        }
        let bytes = self.record(os, mark);
        let dead = match os.sendto(self.whisper, &bytes, 0, destination(self.ip, mark.group)) {
            Ok(_) | Err(E::WSAEINTR) => false,
            Err(error) => is_dead_datagram(os, "a whisper", error),
        };
        if dead {
            close_and_settle(os, self.whisper, []);
            self.whisper = open_whisper(os, self.ip);
        }
    }

    fn record(&self, os: &Os, mark: Mark) -> Vec<u8> {
        let most = if self.ip == Ip::V4 { LONGEST } else { 1100 };
        record(self.payload, mark.number(), pick(os, &[0, 30, 500, most]))
    }

    /// Sends a record to its group, in any way. Whether it was not refused.
    fn say(&mut self, os: &Os, mark: Mark) -> bool {
        let bytes = self.record(os, mark);
        let to = destination(self.ip, mark.group);
        // A leaf knows its group without being told.
        let told = self.role == Role::Stranger || mark.group != 0 || chance(os, 50);
        let s = self.voice.s;
        let sent = if chance(os, 50) {
            self.sending.buffer.write(0, &bytes);
            match told {
                true => self.sending.send_to(os, s, bytes.len(), to),
                false => self.sending.send(os, s, bytes.len()),
            }
        } else {
            let sent = match told {
                true => os.sendto(s, &bytes, 0, to),
                false => os.send(s, &bytes, 0),
            };
            sent.map(drop)
        };
        match sent {
            Ok(()) | Err(E::WSAEINTR) => true,
            Err(error) => {
                self.voice.dead |= is_dead_datagram(os, "a send to a group", error);
                false
            }
        }
    }

    fn close(&self, os: &Os) {
        close_and_settle(os, self.voice.s, self.voice.slots.iter().chain([&self.sending]));
        self.answers.close(os);
        close_and_settle(os, self.whisper, []);
    }
}

/// What a member of the first group may hear.
fn check_heard(os: &Os, own: bool, number: u32, hears_itself: bool) {
    let mark = Mark::of(number);
    if own && !hears_itself {
        os.fail("a socket heard its own machine though it does not want to");
    }
    if !own && mark.kept {
        os.fail("a datagram with a hop limit of 0 was heard on another machine");
    }
    if mark.group != 0 {
        os.fail(&format!("a datagram for group {} came to a socket never in it", mark.group));
    }
}

/// The program of a speaker.
pub(super) fn speak(os: &Os) {
    startup(os);
    let mut speaker = Speaker::new(os);
    speaker.run(os);
    if chance(os, 75) {
        speaker.close(os);
    }
    cleanup(os);
}

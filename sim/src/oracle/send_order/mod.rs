//! Accepted order is transport order; what is reported as sent is what the transport got; a refused
//! send leaves nothing there (ORD-2, ORD-3, ORD-4, CXL-8, RET-4, RET-14, SYN-2, SYN-4).
//!
//! Per socket: the sends, their content taken down at entry, and what its transport socket took.
//! Two accepted sends are ordered when one call returned before the other was entered; racing ones
//! may go either way. A provider may hold bytes in a buffer of its own after it reported them.

mod datagram;
mod entry;
mod stream;

use core::net::SocketAddr;

use provider_core::{Profile, WsaError};

use self::datagram::{DatagramLane, Unit};
use self::entry::{Entry, State};
use self::stream::{Answer, StreamLane};
use super::book::{ActiveCall, Book, Made, Mode, SocketId, is_pending};
use super::facts::{CallId, Outcome, OverlappedFacts, Sending};
use super::violation::{Verdict, Violation};
use crate::event::At;
use crate::memory::Pattern;

const NAME: &str = "send-order";

enum Kind {
    Stream(StreamLane),
    Datagram(DatagramLane),
}

struct Lane {
    kind: Kind,
    /// Entries and exits of send calls so far.
    clock: u64,
    /// Cannot be judged any more.
    unsure: bool,
    /// The transport told an end of the connection: what is buffered may be lost.
    dead: bool,
    /// The transport was told that no more will be sent.
    finished: bool,
}

/// What the transport was offered: bytes of a stream, of which an urgent one is alone, or a datagram
/// with its hash.
#[derive(Clone, Copy)]
pub(super) struct Offer<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) hash: u64,
    pub(super) to: Option<SocketAddr>,
    pub(super) urgent: bool,
}

/// The oracle.
pub(super) struct SendOrder {
    profile: Profile,
    lanes: Vec<Option<Box<Lane>>>,
}

impl Lane {
    fn sends(&self) -> &[Entry] {
        match &self.kind {
            Kind::Stream(lane) => &lane.sends,
            Kind::Datagram(lane) => &lane.sends,
        }
    }

    fn sends_mut(&mut self) -> &mut Vec<Entry> {
        match &mut self.kind {
            Kind::Stream(lane) => &mut lane.sends,
            Kind::Datagram(lane) => &mut lane.sends,
        }
    }

    /// The failed send that these bytes are the rest of, unless they can be another's.
    fn revenant(&self, taken: &[u8], hash: u64) -> Option<&Entry> {
        let waits = |send: &Entry| {
            !send.has_failed()
                && send.placed == 0
                && send.total == taken.len() as u64
                && (send.hash == hash || send.bytes == taken)
        };
        if self.sends().iter().any(waits) {
            return None;
        }
        match &self.kind {
            Kind::Stream(lane) => {
                lane.sends.iter().chain(lane.failed.iter()).filter(|send| send.has_failed()).find(
                    |send| {
                        let rest = &send.bytes[(send.placed as usize).min(send.bytes.len())..];
                        let len = rest.len().min(taken.len());
                        len > 0 && rest[..len] == taken[..len]
                    },
                )
            }
            Kind::Datagram(lane) => {
                let same = |send: &&Entry| {
                    send.has_failed() && send.hash == hash && send.total == taken.len() as u64
                };
                lane.sends.iter().chain(lane.failed.iter()).find(same)
            }
        }
    }

    fn ended(&mut self, index: usize) -> Answer {
        if self.unsure {
            return Answer::Explained;
        }
        match &mut self.kind {
            Kind::Stream(lane) => lane.ended(index),
            Kind::Datagram(lane) => lane.ended(index),
        }
    }

    /// Gives up on a lane: its finding was reported, or there is no judging it.
    fn give_up(&mut self) {
        self.unsure = true;
        self.sends_mut().clear();
    }
}

fn object(clause: &'static str, message: String) -> Verdict {
    Err(Violation::new(NAME, clause, message))
}

impl SendOrder {
    pub(super) fn new(profile: Profile) -> Self {
        Self { profile, lanes: Vec::new() }
    }

    fn lane(&mut self, book: &Book, id: SocketId) -> &mut Lane {
        let index = id.0 as usize;
        if self.lanes.len() <= index {
            self.lanes.resize_with(index + 1, || None);
        }
        self.lanes[index].get_or_insert_with(|| {
            let kind = if book.socket(id).facts.stream {
                Kind::Stream(StreamLane::default())
            } else {
                Kind::Datagram(DatagramLane::default())
            };
            Box::new(Lane { kind, clock: 0, unsure: false, dead: false, finished: false })
        })
    }

    fn known(&mut self, id: SocketId) -> Option<&mut Lane> {
        self.lanes.get_mut(id.0 as usize)?.as_deref_mut()
    }

    /// A descriptor has the SOCKET of another socket's that still has sends inside: they may land on
    /// either. So may a stray one, which entered when the SOCKET was nobody's.
    pub(super) fn opened(&mut self, book: &Book, made: Made, stray: bool) {
        let id = made.socket;
        let process = book.socket(id).process;
        let shadowed = |index: usize| {
            let old = &book.sockets[index];
            index != id.0 as usize && old.process == process && old.shadowed.contains(&made.handle)
        };
        let mut racing = stray;
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let Some(lane) = lane else { continue };
            if index < book.sockets.len()
                && shadowed(index)
                && lane.sends().iter().any(|send| send.left == u64::MAX)
            {
                lane.give_up();
                racing = true;
            }
        }
        if racing {
            self.lane(book, id).unsure = true;
        }
    }

    /// A stray send's bytes went out through this socket, whose descriptor with that SOCKET is being
    /// made.
    pub(super) fn met_stray(&mut self, book: &Book, id: SocketId) {
        self.lane(book, id).give_up();
    }

    /// A send enters.
    pub(super) fn enter(&mut self, book: &Book, call: &ActiveCall, sending: Sending) {
        let Some(id) = call.socket else { return };
        let lane = self.lane(book, id);
        if lane.unsure {
            return;
        }
        lane.clock += 1;
        let entered = lane.clock;
        let mut entry = Entry::new(call, sending, entered);
        if lane.finished && entry.total == 0 {
            entry.droppable = true;
        }
        lane.sends_mut().push(entry);
    }

    /// A send's call has left.
    pub(super) fn leave(
        &mut self,
        book: &Book,
        call: &ActiveCall,
        whole: bool,
        outcome: &Outcome<'_>,
    ) -> Verdict {
        let Some(id) = call.socket else { return Ok(()) };
        let profile = self.profile;
        let Some(lane) = self.known(id) else { return Ok(()) };
        let Some(index) = lane.sends().iter().rposition(|send| send.call == call.id) else {
            return Ok(());
        };
        let ok = outcome.value == 0;
        let accepted = ok || is_pending(outcome);
        if accepted && !whole {
            lane.give_up();
            return Ok(());
        }
        lane.clock += 1;
        let left = lane.clock;
        let stream = matches!(lane.kind, Kind::Stream(_));
        let send = &mut lane.sends_mut()[index];
        send.left = left;
        if send.overlapped && accepted {
            if !send.is_open() {
                return check(lane, index, "ORD-3");
            }
            return Ok(());
        }
        if ok {
            let bytes = outcome.count.map_or(send.total, u64::from);
            send.state = State::Ended { bytes, ok: true };
            let mode = book.mode_of(call);
            if let Some((clause, rule)) = odd_count(profile, stream, mode, send, bytes) {
                return object(
                    clause,
                    format!("{} returned 0 with {bytes} bytes, but {rule}", send.words()),
                );
            }
            return check(lane, index, "ORD-3");
        }
        // A blocking send that was cut short leaves a prefix behind.
        let cut = stream && !send.overlapped && book.mode_of(call) != Mode::Nonblocking;
        if cut && matches!(WsaError(outcome.errno), WsaError::WSAEINTR | WsaError::WSAETIMEDOUT) {
            // It waited: more of its prefix may be on its way in the provider's own buffer.
            return Ok(());
        }
        let bytes = if cut { send.placed } else { 0 };
        send.closed |= cut;
        send.state = State::Ended { bytes, ok: false };
        check(lane, index, "RET-4")
    }

    /// The final status of an operation was stored.
    pub(super) fn op_ended(
        &mut self,
        id: SocketId,
        call: CallId,
        now: &OverlappedFacts,
        excused: bool,
    ) -> Verdict {
        let Some(lane) = self.known(id) else { return Ok(()) };
        let Some(index) = lane.sends().iter().rposition(|send| send.call == call) else {
            return Ok(());
        };
        let stream = matches!(lane.kind, Kind::Stream(_));
        let finished = lane.finished && !lane.dead && !excused;
        let send = &mut lane.sends_mut()[index];
        if !send.is_open() {
            return Ok(());
        }
        let ok = now.error == 0;
        send.state = State::Ended { bytes: now.bytes, ok };
        let wrong = if ok && now.bytes != send.total {
            Some((if stream { "OVL-9" } else { "RET-14" }, "all of it"))
        } else if !ok && !stream && now.bytes != 0 {
            Some(("CXL-8", "0, as nothing of a datagram is sent when it fails"))
        } else if now.bytes > send.total {
            Some(("CXL-8", "no more than it had"))
        } else {
            None
        };
        if let Some((clause, rule)) = wrong {
            return object(
                clause,
                format!(
                    "{} ended with {} and {} bytes; expected {rule}",
                    send.words(),
                    ending(now.error),
                    now.bytes
                ),
            );
        }
        let verdict = check(lane, index, if ok { "ORD-3" } else { "CXL-8" });
        if verdict.is_ok() && finished && ok {
            return unsent(lane, "the transport was already told that no more would come");
        }
        verdict
    }

    /// The transport was offered something.
    pub(super) fn transport_sent(
        &mut self,
        book: &Book,
        at: At,
        id: SocketId,
        offer: Offer<'_>,
        result: Result<usize, WsaError>,
    ) -> Verdict {
        let Offer { bytes: offered, hash, to, urgent } = offer;
        let lane = self.lane(book, id);
        if lane.unsure {
            return Ok(());
        }
        let answer = match (&mut lane.kind, result) {
            (Kind::Stream(lane), Ok(taken)) => {
                lane.took(&offered[..taken.min(offered.len())], urgent)
            }
            (Kind::Datagram(lane), Ok(_)) => {
                lane.took(Unit { hash, len: offered.len() as u64, to })
            }
            (_, Err(WsaError::WSAEWOULDBLOCK)) => Answer::Explained,
            (Kind::Datagram(lane), Err(_)) => {
                lane.refused(&Unit { hash, len: offered.len() as u64, to });
                Answer::Explained
            }
            (Kind::Stream(_), Err(WsaError::WSAENOBUFS | WsaError::WSAENETDOWN)) => {
                Answer::Explained
            }
            (Kind::Stream(_), Err(_)) => {
                lane.dead = true;
                Answer::Explained
            }
        };
        match answer {
            Answer::Explained => Ok(()),
            Answer::TooMany => {
                lane.give_up();
                Ok(())
            }
            Answer::Impossible => {
                let taken = &offered[..result.unwrap_or(0).min(offered.len())];
                let mut message = unexplained(book, id, lane, at, taken, to);
                let mut clause = "ORD-2";
                if let Some(send) = lane.revenant(taken, hash) {
                    clause = if send.overlapped { "CXL-8" } else { "RET-4" };
                    message = format!("{} had failed; {message}", send.words());
                }
                lane.give_up();
                object(clause, message)
            }
        }
    }

    /// The transport told the end of a connection.
    pub(super) fn died(&mut self, id: SocketId) {
        if let Some(lane) = self.known(id) {
            lane.dead = true;
        }
    }

    /// The provider told the transport that no more will be sent, in good order.
    pub(super) fn finished(&mut self, id: SocketId, excused: bool) -> Verdict {
        let Some(lane) = self.known(id) else { return Ok(()) };
        lane.finished = true;
        if lane.dead || excused {
            return Ok(());
        }
        unsent(lane, "the provider now ends sending")
    }
}

fn ending(error: u32) -> String {
    if error == 0 { "success".into() } else { format!("{:?}", WsaError(error as i32)) }
}

/// What is wrong with the count of a synchronous success.
fn odd_count(
    profile: Profile,
    stream: bool,
    mode: Mode,
    send: &Entry,
    bytes: u64,
) -> Option<(&'static str, &'static str)> {
    if bytes > send.total {
        return Some(("RET-7", "that is more than it had"));
    }
    if bytes == send.total {
        return None;
    }
    if !stream {
        return Some(("RET-14", "a datagram goes whole or not at all"));
    }
    match mode {
        Mode::Blocking => Some(("SYN-4", "a blocking send takes all")),
        Mode::Nonblocking if profile == Profile::Windows => {
            Some(("SYN-2", "under Profile::Windows a nonblocking send takes all or nothing"))
        }
        _ if bytes == 0 => Some(("SYN-3", "without any room it is WSAEWOULDBLOCK")),
        _ => None,
    }
}

/// Judges a send whose state has changed.
fn check(lane: &mut Lane, index: usize, clause: &'static str) -> Verdict {
    if lane.unsure {
        return Ok(());
    }
    let words = match lane.sends().get(index) {
        Some(send) if !fits(send, &lane.kind) => Some((send.words(), send.state, send.placed)),
        _ => None,
    };
    match lane.ended(index) {
        Answer::Explained => Ok(()),
        Answer::TooMany => {
            lane.give_up();
            Ok(())
        }
        Answer::Impossible => {
            let stream = matches!(lane.kind, Kind::Stream(_));
            lane.give_up();
            let Some((words, state, placed)) = words else { return Ok(()) };
            let State::Ended { bytes, ok } = state else { return Ok(()) };
            let placed = if stream { placed } else { placed.saturating_sub(1) };
            let seen = if stream {
                format!("the transport took {placed} bytes of it before what was sent after it")
            } else if placed > 0 || !ok {
                "the transport took it".to_owned()
            } else {
                "the transport took what was sent after it, and not it".to_owned()
            };
            let how = if ok { "success" } else { "failure" };
            object(clause, format!("{words} ended with {how} and {bytes} bytes, but {seen}"))
        }
    }
}

/// Whether the present explanation fits a send's state (only to word a message beforehand).
fn fits(send: &Entry, kind: &Kind) -> bool {
    let State::Ended { bytes, ok } = send.state else { return true };
    match kind {
        Kind::Stream(_) if send.closed => send.placed == bytes,
        Kind::Stream(_) => send.placed <= bytes,
        Kind::Datagram(_) if ok => !send.closed || send.droppable,
        Kind::Datagram(_) => send.placed == 0,
    }
}

/// Bytes reported as sent that the transport never got.
fn unsent(lane: &mut Lane, why: &str) -> Verdict {
    if lane.unsure {
        return Ok(());
    }
    let Kind::Stream(stream) = &lane.kind else { return Ok(()) };
    let Some(send) = stream.unsent() else { return Ok(()) };
    let message = format!(
        "{} was reported as sent, but the transport took only {} of {} bytes, and {why}",
        send.words(),
        send.placed,
        send.limit()
    );
    lane.give_up();
    object("CXL-6", message)
}

/// What the transport took that nobody sent, or not in this order.
fn unexplained(
    book: &Book,
    id: SocketId,
    lane: &Lane,
    at: At,
    taken: &[u8],
    to: Option<SocketAddr>,
) -> String {
    let mut message = format!(
        "the transport of socket {:#x} on machine {} took {} bytes{} at {} ns that no allowed order \
         of its sends explains: {}",
        book.socket(id).handle.0,
        at.machine.0,
        taken.len(),
        to.map_or_else(String::new, |to| format!(" for {to}")),
        at.time_ns,
        hex(taken)
    );
    if let Some(mark) = Pattern::recognise(taken) {
        message.push_str(&format!(" (the mark of {mark})"));
    }
    if let Kind::Stream(stream) = &lane.kind {
        let before = stream.tail(taken.len() + 16);
        message.push_str(&format!("; it took before: {}", hex(before)));
    }
    let unsent = lane.sends().iter().filter(|send| send.placed < send.limit().max(1));
    for (listed, send) in unsent.enumerate() {
        if listed == 4 {
            message.push_str("; ...");
            break;
        }
        let rest = &send.bytes[(send.placed as usize).min(send.bytes.len())..];
        message.push_str(&format!("; unsent: {}", send.words()));
        if !rest.is_empty() {
            message.push_str(&format!(", goes on with {}", hex(rest)));
        }
    }
    message
}

fn hex(bytes: &[u8]) -> String {
    let mut text: String = bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() > 16 {
        text.push_str("..");
    }
    text
}

#[cfg(test)]
mod tests;

//! What a program tells the calls that its provider makes to answer, while it runs.
//!
//! A [`FaultPlan`](super::FaultPlan) is made before a run and counts chances; a test that wants "no
//! room now, and room once I say so" cannot count them. So a program may hold a seam, and put
//! answers in line for it ([`Os::hold`](crate::api::Os::hold),
//! [`Os::answer_next`](crate::api::Os::answer_next)). To the provider and to the oracles these are
//! the environment's misbehaviour like any other.

use core::net::SocketAddr;
use std::collections::VecDeque;

use provider_core::{Readiness, WsaError};

use crate::net::stack::StackSocket;

/// A call that a provider makes to its transport or to its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Seam {
    /// `Transport::open`.
    Open,
    /// `Transport::bind`.
    Bind,
    /// `Transport::connect`; held: `Transport::connect_result`.
    Connect,
    /// `Transport::listen`.
    Listen,
    /// `Transport::accept`.
    Accept,
    /// `Transport::try_send`, `try_send_urgent` and `try_send_to`.
    Send,
    /// `Transport::try_recv`, `try_recv_urgent` and `try_recv_from`.
    Receive,
    /// `Host::queue_apc`.
    QueueApc,
    /// `Host::complete_overlapped`.
    CompleteOverlapped,
    /// `Host::create_socket_handle`.
    CreateSocketHandle,
    /// `Transport::has_urgent`; held: there is no urgent data.
    Urgent,
}

impl Seam {
    const ALL: [Self; 11] = [
        Self::Open,
        Self::Bind,
        Self::Connect,
        Self::Listen,
        Self::Accept,
        Self::Send,
        Self::Receive,
        Self::QueueApc,
        Self::CompleteOverlapped,
        Self::CreateSocketHandle,
        Self::Urgent,
    ];

    /// What those who were refused because it is held are told when it no longer is.
    pub(crate) const fn readiness(self) -> Readiness {
        match self {
            Self::Connect => Readiness::CONNECT,
            Self::Send => Readiness::SEND,
            Self::Receive => Readiness::RECEIVE.union(Readiness::URGENT),
            _ => Readiness::RECEIVE,
        }
    }

    /// Its name in a trace.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Bind => "bind",
            Self::Connect => "connect",
            Self::Listen => "listen",
            Self::Accept => "accept",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::QueueApc => "queue APC",
            Self::CompleteOverlapped => "complete overlapped",
            Self::CreateSocketHandle => "create socket handle",
            Self::Urgent => "urgent",
        }
    }
}

/// What a scripted call answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It fails. What ends a stream's connection ends it for good; after WSAEWOULDBLOCK the socket
    /// is ready again a little later.
    Refuse(WsaError),
    /// A send on a stream takes so many bytes at the most; at least one.
    Take(usize),
}

/// Something that the transport took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Where a datagram goes; `None` on a stream.
    pub to: Option<SocketAddr>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

#[derive(Default)]
struct Line {
    answers: VecDeque<Answer>,
    held: bool,
    /// Who was refused while it is held.
    refused: Vec<StackSocket>,
}

/// What becomes of a call.
pub(crate) enum Word {
    /// The script has nothing to say.
    None,
    /// It is refused with WSAEWOULDBLOCK until the seam is released.
    Held,
    /// It gets this.
    Answer(Answer),
}

/// The script of one machine.
#[derive(Default)]
pub(crate) struct Script {
    lines: [Line; Seam::ALL.len()],
    /// Whether anything was ever scripted: one test for the runs that script nothing.
    used: bool,
    log: Option<Vec<Taken>>,
}

impl Script {
    pub(crate) const fn is_used(&self) -> bool {
        self.used
    }

    pub(crate) fn answer_next(&mut self, seam: Seam, answer: Answer) {
        self.used = true;
        self.lines[seam as usize].answers.push_back(answer);
    }

    pub(crate) fn forget_answers(&mut self, seam: Seam) {
        self.lines[seam as usize].answers.clear();
    }

    /// The first seam with answers that nobody has asked for, and how many.
    pub(crate) fn unasked(&self) -> Option<(Seam, usize)> {
        let answers =
            Seam::ALL.into_iter().map(|seam| (seam, self.lines[seam as usize].answers.len()));
        answers.into_iter().find(|(_, left)| *left > 0)
    }

    pub(crate) fn hold(&mut self, seam: Seam) {
        self.used = true;
        self.lines[seam as usize].held = true;
    }

    pub(crate) const fn is_held(&self, seam: Seam) -> bool {
        self.lines[seam as usize].held
    }

    /// Ends a hold; gives whom it refused.
    pub(crate) fn release(&mut self, seam: Seam) -> Vec<StackSocket> {
        let line = &mut self.lines[seam as usize];
        line.held = false;
        core::mem::take(&mut line.refused)
    }

    /// What a call gets to hear, which is then said.
    pub(crate) fn ask(&mut self, seam: Seam, socket: Option<StackSocket>) -> Word {
        let line = &mut self.lines[seam as usize];
        if line.held {
            if let Some(socket) = socket
                && !line.refused.contains(&socket)
            {
                line.refused.push(socket);
            }
            return Word::Held;
        }
        line.answers.pop_front().map_or(Word::None, Word::Answer)
    }

    /// Begins an empty log of what sends take.
    pub(crate) fn start_log(&mut self) {
        self.log = Some(Vec::new());
    }

    pub(crate) fn note_taken(&mut self, bytes: &[u8], to: Option<SocketAddr>) {
        if let Some(log) = &mut self.log {
            log.push(Taken { to, bytes: bytes.to_vec() });
        }
    }

    pub(crate) fn taken(&self) -> &[Taken] {
        self.log.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOCKET: Option<StackSocket> = Some(StackSocket(3));

    #[test]
    fn a_hold_comes_before_the_answers_and_names_each_it_refused_once() {
        let mut script = Script::default();
        script.answer_next(Seam::Send, Answer::Take(2));
        script.hold(Seam::Send);
        for _ in 0..2 {
            assert!(matches!(script.ask(Seam::Send, SOCKET), Word::Held));
        }
        assert!(matches!(script.ask(Seam::Receive, SOCKET), Word::None));
        assert_eq!(script.release(Seam::Send), [StackSocket(3)]);
        assert!(matches!(script.ask(Seam::Send, SOCKET), Word::Answer(Answer::Take(2))));
        assert!(matches!(script.ask(Seam::Send, SOCKET), Word::None));
        assert!(script.release(Seam::Send).is_empty());
    }

    #[test]
    fn nothing_is_logged_before_the_log_was_started() {
        let mut script = Script::default();
        script.note_taken(b"one", None);
        script.start_log();
        script.note_taken(b"two", None);
        assert_eq!(script.taken(), [Taken { to: None, bytes: b"two".to_vec() }]);
    }
}

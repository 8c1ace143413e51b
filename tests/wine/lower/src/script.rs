//! What the next calls answer, which seams are held, and what sends took.

use core::net::SocketAddr;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::Threading::Sleep;

use crate::sockets::Number;

/// A call that can be scripted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Seam {
    Open,
    Bind,
    Connect,
    Listen,
    Accept,
    Send,
    Receive,
}

impl Seam {
    const ALL: [Self; 7] = [
        Self::Open,
        Self::Bind,
        Self::Connect,
        Self::Listen,
        Self::Accept,
        Self::Send,
        Self::Receive,
    ];

    pub(crate) fn of(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).copied()
    }

    /// The network events by which a call of it is told to try again.
    pub(crate) const fn event(self) -> u32 {
        match self {
            Self::Connect => ws::FD_CONNECT,
            Self::Accept => ws::FD_ACCEPT,
            Self::Send => ws::FD_WRITE,
            _ => ws::FD_READ | ws::FD_OOB,
        }
    }
}

/// What a scripted call answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Refuse(i32),
    Take(usize),
    Delay(u32),
}

/// Something that a send took.
#[derive(Clone)]
pub(crate) struct Taken {
    pub(crate) to: Option<SocketAddr>,
    pub(crate) bytes: Vec<u8>,
}

struct Line {
    answers: VecDeque<Answer>,
    held: bool,
    refused: Vec<Number>,
}

struct Script {
    lines: [Line; Seam::ALL.len()],
    taken: Vec<Taken>,
}

static SCRIPT: Mutex<Script> = Mutex::new(Script {
    lines: [const { Line { answers: VecDeque::new(), held: false, refused: Vec::new() } };
        Seam::ALL.len()],
    taken: Vec::new(),
});

fn script() -> MutexGuard<'static, Script> {
    SCRIPT.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn answer(seam: u32, answer: Answer) {
    if let Some(seam) = Seam::of(seam) {
        script().lines[seam as usize].answers.push_back(answer);
    }
}

pub(crate) fn forget(seam: u32) {
    if let Some(seam) = Seam::of(seam) {
        script().lines[seam as usize].answers.clear();
    }
}

pub(crate) fn hold(seam: u32) {
    if let Some(seam) = Seam::of(seam) {
        script().lines[seam as usize].held = true;
    }
}

/// Ends a hold; gives whom it refused.
pub(crate) fn release(seam: Seam) -> Vec<Number> {
    let line = &mut script().lines[seam as usize];
    line.held = false;
    core::mem::take(&mut line.refused)
}

/// Whether a connect that has ended is not told of; who asks is told at the release.
pub(crate) fn keeps_back(seam: Seam, socket: Number) -> bool {
    let line = &mut script().lines[seam as usize];
    if line.held && !line.refused.contains(&socket) {
        line.refused.push(socket);
    }
    line.held
}

/// What becomes of a call: it is refused, or takes at most so many bytes.
pub(crate) fn ask(seam: Seam, socket: Option<Number>) -> Result<usize, i32> {
    loop {
        let answer = {
            let line = &mut script().lines[seam as usize];
            if line.held && seam != Seam::Connect {
                if let Some(socket) = socket
                    && !line.refused.contains(&socket)
                {
                    line.refused.push(socket);
                }
                return Err(ws::WSAEWOULDBLOCK);
            }
            if line.held { None } else { line.answers.pop_front() }
        };
        match answer {
            None => return Ok(usize::MAX),
            Some(Answer::Refuse(error)) => {
                if let Some(socket) = socket {
                    crate::sockets::refused(socket, seam, error);
                }
                return Err(error);
            }
            Some(Answer::Take(most)) => return Ok(most.max(1)),
            // SAFETY: waits, and nothing else.
            Some(Answer::Delay(milliseconds)) => unsafe { Sleep(milliseconds) },
        }
    }
}

pub(crate) fn note_taken(to: Option<SocketAddr>, bytes: &[u8]) {
    const MOST: usize = 1 << 16;
    let mut script = script();
    // A program that never asks must not fill the memory.
    if script.taken.len() < MOST {
        script.taken.push(Taken { to, bytes: bytes.to_vec() });
    }
}

pub(crate) fn taken() -> Vec<Taken> {
    script().taken.clone()
}

pub(crate) fn clear_taken() {
    script().taken = Vec::new();
}

//! The ends of an echoed stream.

use std::collections::VecDeque;

use provider_core::spi::{MSG_PARTIAL, SD_SEND, SOCK_STREAM};
use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::Os;

use super::{End, Turn, turn_of};
use crate::common::draw::chance;
use crate::common::looks::{look_at, recv_seen};
use crate::common::payload::Payload;

/// The most bytes of one send.
const PIECE: usize = 3_000;

/// Sends what it can of a piece.
fn send_some(os: &Os, s: SocketHandle, piece: &[u8]) -> Result<usize, Turn> {
    if chance(os, 1) {
        // This transport has no messages whose parts could be told apart.
        let refused = os.send(s, piece, MSG_PARTIAL);
        os.check(refused.is_err(), "MSG_PARTIAL is taken for a whole message");
    }
    match os.send(s, piece, 0) {
        Ok(0) => {
            os.fail("send took nothing of a nonempty buffer, and calls it a success");
            Err(Turn::Gone)
        }
        Ok(len) => Ok(len),
        Err(E::WSAEWOULDBLOCK) => Err(Turn::Refused),
        Err(error) => Err(turn_of(os, "send", error)),
    }
}

/// Ends our half, unless that is done, in one of the two ways there are.
fn shut(os: &Os, s: SocketHandle, done: &mut bool) -> Turn {
    if !*done {
        let shut = if chance(os, 30) { os.wsa_send_disconnect(s) } else { os.shutdown(s, SD_SEND) };
        if let Err(error) = shut {
            return turn_of(os, "shutdown", error);
        }
    }
    *done = true;
    Turn::Done
}

/// The end of a stream that sends back what comes.
pub(crate) struct EchoEnd {
    s: SocketHandle,
    /// Receives until nothing is there, instead of once.
    greedy: bool,
    /// What came and did not go back yet.
    waiting: VecDeque<u8>,
    /// The most of it.
    most: usize,
    /// The peer has ended its half.
    ended: bool,
    /// And so have we.
    shut: bool,
    moved: u64,
}

impl EchoEnd {
    pub(crate) fn new(os: &Os, s: SocketHandle, most: usize) -> Self {
        let (greedy, waiting) = (chance(os, 50), VecDeque::new());
        Self { s, greedy, waiting, most, ended: false, shut: false, moved: 0 }
    }
}

impl End for EchoEnd {
    fn socket(&self) -> SocketHandle {
        self.s
    }

    fn has_room(&self) -> bool {
        !self.ended && self.waiting.len() < self.most
    }

    fn has_work(&self, _os: &Os) -> bool {
        !self.waiting.is_empty() || self.ended && !self.shut
    }

    fn read(&mut self, os: &Os) -> Turn {
        let mut piece = [0; 1_500];
        while self.has_room() {
            let room = piece.len().min(self.most - self.waiting.len());
            match recv_seen(os, self.s, &mut piece[..room]) {
                Ok(0) => self.ended = true,
                Ok(len) => {
                    self.waiting.extend(&piece[..len]);
                    self.moved += len as u64;
                }
                Err(E::WSAEWOULDBLOCK) => break,
                Err(error) => return turn_of(os, "recv", error),
            }
            if !self.greedy {
                break;
            }
        }
        Turn::Done
    }

    /// Sends back until nothing is left, then ends the half if the peer did.
    fn write(&mut self, os: &Os) -> Turn {
        while !self.waiting.is_empty() {
            let piece: Vec<u8> = self.waiting.iter().copied().take(PIECE).collect();
            match send_some(os, self.s, &piece) {
                Ok(len) => {
                    self.waiting.drain(..len);
                    self.moved += len as u64;
                }
                Err(turn) => return turn,
            }
        }
        if self.ended { shut(os, self.s, &mut self.shut) } else { Turn::Done }
    }

    fn moved(&self) -> u64 {
        self.moved
    }

    /// All has gone back, and the half was ended.
    fn is_done(&self) -> bool {
        self.shut
    }
}

/// The end of a stream that has its bytes echoed, and checks each.
pub(crate) struct AskingEnd {
    s: SocketHandle,
    greedy: bool,
    payload: Payload,
    total: usize,
    /// Bytes of one send.
    piece: usize,
    sent: usize,
    came: usize,
    shut: bool,
    done: bool,
}

impl AskingEnd {
    pub(crate) fn new(os: &Os, s: SocketHandle, total: usize, piece: usize) -> Self {
        let (greedy, payload) = (chance(os, 50), Payload::draw(os));
        Self { s, greedy, payload, total, piece, sent: 0, came: 0, shut: false, done: false }
    }

    fn check(&mut self, os: &Os, bytes: &[u8]) {
        if let Some(wrong) = self.payload.mismatch(self.came as u64, bytes) {
            os.fail(&format!("byte {} of the echo is wrong", self.came + wrong));
        }
        self.came += bytes.len();
        if self.came > self.sent {
            os.fail(&format!("{} bytes came back of {}", self.came, self.sent));
        }
    }
}

impl End for AskingEnd {
    fn socket(&self) -> SocketHandle {
        self.s
    }

    fn has_room(&self) -> bool {
        true
    }

    fn has_work(&self, _os: &Os) -> bool {
        !self.shut
    }

    fn read(&mut self, os: &Os) -> Turn {
        let mut piece = [0; 2_000];
        loop {
            match recv_seen(os, self.s, &mut piece) {
                Ok(0) => {
                    // Else the server gave up in good order.
                    self.done = self.came == self.total;
                    return Turn::Gone;
                }
                Ok(len) => self.check(os, &piece[..len]),
                Err(E::WSAEWOULDBLOCK) => return Turn::Done,
                Err(error) => return turn_of(os, "recv", error),
            }
            if !self.greedy {
                return Turn::Done;
            }
        }
    }

    /// Sends until all is sent, then ends the half.
    fn write(&mut self, os: &Os) -> Turn {
        look_at(os, self.s, SOCK_STREAM);
        while self.sent < self.total {
            let len = self.piece.min(self.total - self.sent);
            match send_some(os, self.s, &self.payload.bytes(self.sent as u64, len)) {
                Ok(len) => self.sent += len,
                Err(turn) => return turn,
            }
        }
        shut(os, self.s, &mut self.shut)
    }

    fn moved(&self) -> u64 {
        (self.sent + self.came) as u64
    }

    /// All came back, and the end after it.
    fn is_done(&self) -> bool {
        self.done
    }
}

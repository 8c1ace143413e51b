//! The ends of echoed datagrams.

use core::net::SocketAddr;
use std::collections::VecDeque;

use provider_core::spi::{SO_MAX_MSG_SIZE, SOCK_DGRAM};
use provider_core::{SocketHandle, WsaError as E};
use wspsim::api::Os;
use wspsim::settings::MS;

use super::{End, Turn};
use crate::common::codes::is_dead_datagram;
use crate::common::draw::{between, chance};
use crate::common::looks::{look_at, recvfrom_seen};
use crate::common::payload::{Payload, RECORD_HEADER, record, whole_record};

/// The longest datagram that is echoed.
const LEN_MAX: usize = 2_000;
/// How many wait to be sent back.
const WAITING_MAX: usize = 16;
/// After how long one is sent again.
const AGAIN_MS: u32 = 60;

/// A datagram socket that sends back what comes.
pub(crate) struct EchoDatagrams {
    s: SocketHandle,
    greedy: bool,
    waiting: VecDeque<(Vec<u8>, SocketAddr)>,
    moved: u64,
}

impl EchoDatagrams {
    pub(crate) fn new(os: &Os, s: SocketHandle) -> Self {
        Self { s, greedy: chance(os, 50), waiting: VecDeque::new(), moved: 0 }
    }
}

impl End for EchoDatagrams {
    fn socket(&self) -> SocketHandle {
        self.s
    }

    fn has_room(&self) -> bool {
        self.waiting.len() < WAITING_MAX
    }

    fn has_work(&self, _os: &Os) -> bool {
        !self.waiting.is_empty()
    }

    fn read(&mut self, os: &Os) -> Turn {
        let mut bytes = [0; LEN_MAX];
        while self.has_room() {
            match recvfrom_seen(os, self.s, &mut bytes) {
                Ok((len, from)) => {
                    self.waiting.push_back((bytes[..len].to_vec(), from));
                    self.moved += len as u64;
                }
                Err(E::WSAEWOULDBLOCK) => break,
                // What an earlier one met; the next may be there.
                Err(E::WSAECONNRESET) => {}
                Err(error) if is_dead_datagram(os, "recvfrom", error) => return Turn::Gone,
                Err(_) => return Turn::Later,
            }
            if !self.greedy {
                break;
            }
        }
        Turn::Done
    }

    fn write(&mut self, os: &Os) -> Turn {
        while let Some((bytes, to)) = self.waiting.front() {
            match os.sendto(self.s, bytes, 0, *to) {
                Err(E::WSAEWOULDBLOCK) => return Turn::Refused,
                // It reports an earlier one.
                Err(E::WSAECONNRESET) => continue,
                // Gone or given up: datagrams are.
                Ok(_) | Err(E::WSAENETUNREACH | E::WSAEHOSTUNREACH) => {}
                Err(error) if is_dead_datagram(os, "sendto", error) => return Turn::Gone,
                Err(_) => return Turn::Later,
            }
            self.waiting.pop_front();
        }
        Turn::Done
    }

    fn moved(&self) -> u64 {
        self.moved
    }

    fn is_done(&self) -> bool {
        false
    }
}

/// Some datagrams, each sent again until its echo has come.
pub(crate) struct AskingDatagrams {
    s: SocketHandle,
    greedy: bool,
    to: SocketAddr,
    /// The longest that the transport takes, or that is wanted.
    most: usize,
    sender: Payload,
    /// The one under way.
    bytes: Vec<u8>,
    left: u32,
    due_ns: u64,
    moved: u64,
}

impl AskingDatagrams {
    /// `None` when the socket is gone.
    pub(crate) fn new(os: &Os, s: SocketHandle, to: SocketAddr) -> Option<Self> {
        let most = match os.getsockopt(s, SO_MAX_MSG_SIZE) {
            Ok(most) => {
                let longer = vec![0; most as usize + 1];
                let sent = chance(os, 5).then(|| os.sendto(s, &longer, 0, to));
                os.check(
                    !matches!(sent, Some(Ok(_))),
                    "a datagram longer than SO_MAX_MSG_SIZE was sent",
                );
                LEN_MAX.min(most as usize)
            }
            Err(error) if is_dead_datagram(os, "SO_MAX_MSG_SIZE", error) => return None,
            Err(_) => RECORD_HEADER,
        };
        let mut asking = Self {
            s,
            greedy: chance(os, 50),
            to,
            most,
            sender: Payload::draw(os),
            bytes: Vec::new(),
            left: between(os, 1..=8),
            due_ns: 0,
            moved: 0,
        };
        asking.next(os);
        Some(asking)
    }

    fn next(&mut self, os: &Os) {
        let len = between(os, 0..=(self.most - RECORD_HEADER) as u32) as usize;
        self.bytes = record(self.sender, self.left, len);
        self.due_ns = 0;
    }

    /// Whether that was the last.
    fn came(&mut self, os: &Os, bytes: &[u8]) -> bool {
        self.moved += bytes.len() as u64;
        match whole_record(bytes) {
            // Another is one that was sent twice, or of the socket that had this port before.
            Ok((tag, number)) if tag == self.sender.tag() && number == self.left => {
                os.check(bytes == self.bytes, "the echo is not what was sent");
                self.left -= 1;
                self.next(os);
            }
            Ok(_) => {}
            Err(wrong) => os.fail(&wrong),
        }
        self.left == 0
    }
}

impl End for AskingDatagrams {
    fn socket(&self) -> SocketHandle {
        self.s
    }

    fn has_room(&self) -> bool {
        true
    }

    fn has_work(&self, os: &Os) -> bool {
        os.now_ns() >= self.due_ns
    }

    fn read(&mut self, os: &Os) -> Turn {
        let mut bytes = [0; LEN_MAX];
        loop {
            match recvfrom_seen(os, self.s, &mut bytes) {
                Ok((len, _)) if self.came(os, &bytes[..len]) => return Turn::Gone,
                Ok(_) | Err(E::WSAECONNRESET) => {}
                Err(E::WSAEWOULDBLOCK) => return Turn::Done,
                Err(error) if is_dead_datagram(os, "recvfrom", error) => return Turn::Gone,
                Err(_) => return Turn::Later,
            }
            if !self.greedy {
                return Turn::Done;
            }
        }
    }

    fn write(&mut self, os: &Os) -> Turn {
        look_at(os, self.s, SOCK_DGRAM);
        match os.sendto(self.s, &self.bytes, 0, self.to) {
            Err(E::WSAEWOULDBLOCK) => return Turn::Refused,
            // Gone, given up, or a report of an earlier one: it is sent again in time.
            Ok(_) | Err(E::WSAECONNRESET | E::WSAENETUNREACH | E::WSAEHOSTUNREACH) => {}
            Err(error) if is_dead_datagram(os, "sendto", error) => return Turn::Gone,
            Err(_) => return Turn::Later,
        }
        self.due_ns = os.now_ns() + u64::from(AGAIN_MS) * MS;
        Turn::Done
    }

    fn moved(&self) -> u64 {
        self.moved
    }

    /// All came back.
    fn is_done(&self) -> bool {
        self.left == 0
    }

    fn wake_ms(&self) -> Option<u32> {
        Some(AGAIN_MS)
    }
}

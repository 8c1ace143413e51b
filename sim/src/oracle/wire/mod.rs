//! End to end: a stream gives what the other side's transport took, byte for byte; a datagram that
//! arrives was sent, to this port, unaltered.

mod datagrams;

use core::net::{IpAddr, SocketAddr};

use self::datagrams::Datagrams;
use super::hash::Map;
use super::transports::Tsock;
use super::violation::{Verdict, Violation};
use crate::event::MachineId;

const NAME: &str = "wire";
/// Bytes that both sides agreed on are dropped in pieces of this size.
const TRIM: usize = 1 << 16;

#[derive(Default)]
struct End {
    tsock: Option<Tsock>,
    local: Option<SocketAddr>,
    peer: Option<SocketAddr>,
    /// What its transport took, from `sent_from` on.
    sent: Vec<u8>,
    sent_from: u64,
    received: u64,
    /// Ends that may be the other side; unset until something arrives.
    others: Option<Vec<usize>>,
    /// It was reset, aborted or lost: what it sent may not all arrive.
    broken: bool,
    /// The provider ended receiving.
    deaf: bool,
}

/// The oracle.
#[derive(Default)]
pub(super) struct WireOracle {
    ends: Vec<End>,
    by_tsock: Map<Tsock, usize>,
    datagrams: Datagrams,
}

impl WireOracle {
    fn end(&mut self, tsock: Tsock) -> usize {
        if let Some(index) = self.by_tsock.get(&tsock) {
            return *index;
        }
        self.ends.push(End { tsock: Some(tsock), ..End::default() });
        let index = self.ends.len() - 1;
        self.by_tsock.insert(tsock, index);
        index
    }

    pub(super) fn bound(&mut self, tsock: Tsock, local: SocketAddr) {
        let index = self.end(tsock);
        self.ends[index].local = Some(local);
    }

    pub(super) fn connected(&mut self, tsock: Tsock, local: Option<SocketAddr>, peer: SocketAddr) {
        let index = self.end(tsock);
        let end = &mut self.ends[index];
        end.local = local.or(end.local);
        end.peer = Some(peer);
    }

    pub(super) fn broken(&mut self, tsock: Tsock) {
        let index = self.end(tsock);
        self.ends[index].broken = true;
    }

    pub(super) fn deaf(&mut self, tsock: Tsock) {
        let index = self.end(tsock);
        self.ends[index].deaf = true;
    }

    pub(super) fn machine_lost(&mut self, machine: MachineId) {
        for end in &mut self.ends {
            end.broken |= end.tsock.is_some_and(|tsock| tsock.machine == machine);
        }
    }

    /// The link delivers some packets twice.
    pub(super) fn allow_duplicates(&mut self) {
        self.datagrams.allow_duplicates();
    }

    pub(super) fn joined(&mut self, tsock: Tsock, group: IpAddr) {
        self.datagrams.joined(tsock, group);
    }

    pub(super) fn stream_sent(&mut self, tsock: Tsock, bytes: &[u8]) {
        let index = self.end(tsock);
        self.ends[index].sent.extend_from_slice(bytes);
    }

    pub(super) fn datagram_sent(&mut self, tsock: Tsock, hash: u64, to: SocketAddr) {
        let index = self.end(tsock);
        let from = self.ends[index].local.map_or(0, |local| local.port());
        self.datagrams.sent((hash, from, to.port()), to.ip());
    }

    /// A stream gave bytes; none is the end of the other side's half.
    pub(super) fn stream_received(&mut self, tsock: Tsock, bytes: &[u8]) -> Verdict {
        let index = self.end(tsock);
        let received = self.ends[index].received;
        let others = match self.ends[index].others.take() {
            Some(others) => others,
            None => self.pair(index),
        };
        if others.is_empty() {
            self.ends[index].others = Some(others);
            return Ok(());
        }
        let mut fitting = others.clone();
        fitting.retain(|other| fits(&self.ends[*other], received, bytes));
        if fitting.is_empty() {
            let other = &self.ends[others[0]];
            let agree = agreeing(other, received, bytes);
            let end = &self.ends[index];
            let message = format!(
                "machine {}, transport socket {} ({:?} from {:?}): {} bytes arrived at offset \
                 {received} of the stream, but only the first {agree} are what the other side sent \
                 ({} bytes in all)",
                tsock.machine.0,
                tsock.number,
                end.local,
                end.peer,
                bytes.len(),
                other.sent_from + other.sent.len() as u64,
            );
            self.ends[index].others = Some(Vec::new());
            return Err(Violation::new(NAME, "ORD-2", message));
        }
        let verdict = if bytes.is_empty() && fitting.len() == 1 {
            self.half_ended(index, fitting[0])
        } else {
            Ok(())
        };
        let end = &mut self.ends[index];
        end.received += bytes.len() as u64;
        let (received, only) = (end.received, (fitting.len() == 1).then(|| fitting[0]));
        end.others = Some(fitting);
        if let Some(other) = only {
            let other = &mut self.ends[other];
            let agreed = (received - other.sent_from) as usize;
            if agreed >= TRIM {
                other.sent.drain(..agreed.min(other.sent.len()));
                other.sent_from = received;
            }
        }
        verdict
    }

    /// The other side's half ended: nothing of it may be missing.
    fn half_ended(&self, index: usize, other: usize) -> Verdict {
        let (end, other) = (&self.ends[index], &self.ends[other]);
        let sent = other.sent_from + other.sent.len() as u64;
        if end.deaf || end.broken || other.broken || end.received >= sent {
            return Ok(());
        }
        Err(Violation::new(
            NAME,
            "CXL-6",
            format!(
                "the stream {:?} from {:?} ended in good order after {} bytes, but {sent} were sent",
                end.local, end.peer, end.received
            ),
        ))
    }

    fn pair(&self, index: usize) -> Vec<usize> {
        let end = &self.ends[index];
        let (Some(local), Some(peer)) = (end.local, end.peer) else { return Vec::new() };
        (0..self.ends.len())
            .filter(|other| {
                let other = &self.ends[*other];
                other.local == Some(peer) && other.peer == Some(local) && other.sent_from == 0
            })
            .collect()
    }

    /// A datagram arrived.
    pub(super) fn datagram_received(
        &mut self,
        tsock: Tsock,
        hash: u64,
        len: usize,
        from: SocketAddr,
    ) -> Verdict {
        let index = self.end(tsock);
        let Some(local) = self.ends[index].local else { return Ok(()) };
        let known = [from.port(), 0].into_iter();
        if known
            .map(|source| (hash, source, local.port()))
            .any(|k| self.datagrams.received(tsock, k))
        {
            return Ok(());
        }
        Err(Violation::new(
            NAME,
            "RET-14",
            format!(
                "a datagram of {len} bytes arrived on machine {} at {local} from {from} that was \
                 never sent so or not to it, or more often than it was sent",
                tsock.machine.0
            ),
        ))
    }
}

/// Whether `bytes` are what `other` sent at offset `at`.
fn fits(other: &End, at: u64, bytes: &[u8]) -> bool {
    agreeing(other, at, bytes) == bytes.len()
}

fn agreeing(other: &End, at: u64, bytes: &[u8]) -> usize {
    let Some(start) = at.checked_sub(other.sent_from) else { return 0 };
    let Some(sent) = other.sent.get(start as usize..) else { return 0 };
    if sent.len() >= bytes.len() && sent[..bytes.len()] == *bytes {
        return bytes.len();
    }
    sent.iter().zip(bytes).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests;

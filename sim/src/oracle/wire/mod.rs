//! End to end: a stream gives what the other side's transport took, byte for byte; a datagram that
//! arrives was sent, to this port, unaltered.

mod datagrams;
mod sent;

use core::net::{IpAddr, SocketAddr};

use self::datagrams::Datagrams;
use self::sent::Sent;
use super::hash::Map;
use super::transports::Tsock;
use super::violation::{Verdict, Violation};
use crate::event::MachineId;

const NAME: &str = "wire";

/// Where in what another end sent the receiver may be.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Follow {
    other: usize,
    at: u64,
}

#[derive(Default)]
struct End {
    tsock: Option<Tsock>,
    local: Option<SocketAddr>,
    peer: Option<SocketAddr>,
    /// What its transport took.
    sent: Sent,
    received: u64,
    /// Ends that may be the other side; unset until something arrives.
    others: Option<Vec<Follow>>,
    /// Behind the latest urgent byte that it got.
    urgent_from: u64,
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

    /// `urgent` is for the last byte.
    pub(super) fn stream_sent(&mut self, tsock: Tsock, bytes: &[u8], urgent: bool) {
        let index = self.end(tsock);
        self.ends[index].sent.extend(bytes, urgent);
    }

    /// A stream gave an urgent byte.
    pub(super) fn urgent_received(&mut self, tsock: Tsock, byte: u8) -> Verdict {
        let index = self.end(tsock);
        let others = self.ends[index].others.clone().unwrap_or_else(|| self.pair(index));
        let from = self.ends[index].urgent_from;
        let places = others.iter().filter_map(|f| self.ends[f.other].sent.urgent_from(from, byte));
        match (places.min(), others.is_empty()) {
            (Some(place), _) => self.ends[index].urgent_from = place + 1,
            (None, true) => {}
            (None, false) => {
                return Err(Violation::new(
                    NAME,
                    "RECV-22",
                    format!(
                        "machine {}, transport socket {}: the urgent byte {byte:#04x} arrived, which \
                         the other side did not send as such, or not behind the one before",
                        tsock.machine.0, tsock.number
                    ),
                ));
            }
        }
        Ok(())
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
        let fitting = self.follow(&others, bytes);
        if fitting.is_empty() {
            let Follow { other, at } = others[0];
            let other = &self.ends[other].sent;
            let end = &self.ends[index];
            let message = format!(
                "machine {}, transport socket {} ({:?} from {:?}): {} bytes arrived at offset \
                 {received} of the stream, but only the first {} are what the other side sent \
                 ({} bytes in all)",
                tsock.machine.0,
                tsock.number,
                end.local,
                end.peer,
                bytes.len(),
                other.agreeing(at, bytes),
                other.end(),
            );
            self.ends[index].others = Some(Vec::new());
            return Err(Violation::new(NAME, "ORD-2", message));
        }
        let only = fitting.iter().all(|f| f.other == fitting[0].other).then(|| fitting[0].other);
        let verdict = match only {
            Some(other) if bytes.is_empty() => self.half_ended(index, other, &fitting),
            _ => Ok(()),
        };
        if let (Some(other), Some(at)) = (only, fitting.iter().map(|f| f.at).min()) {
            self.ends[other].sent.agreed(at);
        }
        let end = &mut self.ends[index];
        end.received += bytes.len() as u64;
        end.others = Some(fitting);
        verdict
    }

    /// Where the receiver may be after `bytes`.
    fn follow(&self, others: &[Follow], bytes: &[u8]) -> Vec<Follow> {
        let mut fitting = Vec::with_capacity(others.len());
        let mut places = Vec::new();
        for Follow { other, at } in others.iter().copied() {
            places.clear();
            self.ends[other].sent.follow(at, bytes, &mut places);
            let new = places.iter().map(|at| Follow { other, at: *at });
            fitting.extend(new.filter(|f| !fitting.contains(f)).collect::<Vec<_>>());
        }
        fitting
    }

    /// The other side's half ended: nothing of it may be missing.
    fn half_ended(&self, index: usize, other: usize, fitting: &[Follow]) -> Verdict {
        let (end, other) = (&self.ends[index], &self.ends[other]);
        let whole = fitting.iter().any(|f| other.sent.is_all(f.at));
        if end.deaf || end.broken || other.broken || whole {
            return Ok(());
        }
        Err(Violation::new(
            NAME,
            "CXL-6",
            format!(
                "the stream {:?} from {:?} ended in good order after {} bytes, but {} were sent",
                end.local,
                end.peer,
                end.received,
                other.sent.end()
            ),
        ))
    }

    fn pair(&self, index: usize) -> Vec<Follow> {
        let end = &self.ends[index];
        let (Some(local), Some(peer)) = (end.local, end.peer) else { return Vec::new() };
        let is_other = |other: &End| {
            other.local == Some(peer) && other.peer == Some(local) && other.sent.is_complete()
        };
        let others = (0..self.ends.len()).filter(|other| is_other(&self.ends[*other]));
        others.map(|other| Follow { other, at: 0 }).collect()
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

#[cfg(test)]
mod tests;

//! Which sends explain the datagrams that a transport took.

use core::net::SocketAddr;

use super::entry::{Entry, Failed, State};
use super::stream::Answer;

const STEPS_MAX: u32 = 20_000;
const SETTLED_MAX: usize = 32;

/// A datagram that the transport took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) hash: u64,
    pub(super) len: u64,
    pub(super) to: Option<SocketAddr>,
}

/// The sends of one datagram socket and what its transport took.
#[derive(Default)]
pub(super) struct DatagramLane {
    pub(super) sends: Vec<Entry>,
    log: Vec<Unit>,
    ranks: u64,
    pub(super) failed: Failed,
}

struct Search<'a> {
    sends: &'a [Entry],
    log: &'a [Unit],
    used: Vec<bool>,
    order: Vec<usize>,
    steps: u32,
}

/// Whether a send is that datagram.
fn is(send: &Entry, unit: &Unit) -> bool {
    send.hash == unit.hash
        && send.total == unit.len
        && match (send.to, unit.to) {
            (Some(send), Some(unit)) => same_place(send, unit),
            // The connected peer, or a place that could not be read.
            _ => true,
        }
}

/// Flow and scope do not matter.
fn same_place(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && a.ip() == b.ip()
}

/// A send that may be on the transport.
fn may_be_sent(send: &Entry) -> bool {
    match send.state {
        State::Open => true,
        State::Ended { ok, .. } => ok,
    }
}

/// A send that must go before what was sent after it.
fn is_owed(send: &Entry, used: bool) -> bool {
    matches!(send.state, State::Ended { ok: true, .. }) && !used && !send.closed && !send.droppable
}

impl DatagramLane {
    /// The transport took a datagram.
    pub(super) fn took(&mut self, unit: Unit) -> Answer {
        self.log.push(unit);
        let Some(index) = self.next(&unit) else { return self.explain() };
        self.ranks += 1;
        self.sends[index].placed = unit.len + 1;
        self.sends[index].rank = self.ranks;
        self.pass_over(index);
        Answer::Explained
    }

    fn next(&self, unit: &Unit) -> Option<usize> {
        let mut owed_since = u64::MAX;
        for (index, send) in self.sends.iter().enumerate() {
            if send.entered > owed_since {
                return None;
            }
            if send.placed == 0 && !send.closed && may_be_sent(send) && is(send, unit) {
                return Some(index);
            }
            if is_owed(send, send.placed > 0) {
                owed_since = owed_since.min(send.left);
            }
        }
        None
    }

    /// What had been posted before this one and did not go can go no more.
    fn pass_over(&mut self, index: usize) {
        let entered = self.sends[index].entered;
        for send in &mut self.sends[..index] {
            let passable = send.is_open() || send.droppable;
            if passable && send.placed == 0 && send.left < entered {
                send.closed = true;
            }
        }
    }

    /// The transport refused a datagram for good.
    pub(super) fn refused(&mut self, unit: &Unit) {
        let first = self
            .sends
            .iter_mut()
            .find(|send| send.placed == 0 && !send.closed && may_be_sent(send) && is(send, unit));
        if let Some(send) = first {
            send.droppable = true;
        }
    }

    /// A send's state has changed: does the explanation still hold?
    pub(super) fn ended(&mut self, index: usize) -> Answer {
        let send = &self.sends[index];
        let State::Ended { ok, .. } = send.state else { return Answer::Explained };
        let holds = if ok { !send.closed || send.droppable } else { send.placed == 0 };
        if !holds {
            return self.explain();
        }
        self.trim();
        Answer::Explained
    }

    fn explain(&mut self) -> Answer {
        let mut search = Search {
            sends: &self.sends,
            log: &self.log,
            used: vec![false; self.sends.len()],
            order: Vec::new(),
            steps: 0,
        };
        let found = search.from(0);
        let Search { order, steps, .. } = search;
        if !found {
            return if steps > STEPS_MAX { Answer::TooMany } else { Answer::Impossible };
        }
        for send in &mut self.sends {
            send.placed = 0;
            send.closed = false;
        }
        for index in order {
            self.ranks += 1;
            self.sends[index].placed = self.sends[index].total + 1;
            self.sends[index].rank = self.ranks;
            self.pass_over(index);
        }
        Answer::Explained
    }

    fn trim(&mut self) {
        // A refused one may be tried again, until something that was posted later went.
        let may_come = |send: &Entry| may_be_sent(send) && send.placed == 0 && !send.closed;
        let over = |send: &Entry| !send.is_open() && !may_come(send) && send.left != u64::MAX;
        let settled = self.sends.iter().filter(|send| over(send)).count();
        if settled == self.sends.len() {
            self.sends.drain(..).for_each(|send| self.failed.keep(send));
            self.log.clear();
            return;
        }
        if settled < SETTLED_MAX {
            return;
        }
        self.sends.extract_if(.., |send| over(send)).for_each(|send| self.failed.keep(send));
        let mut placed: Vec<&Entry> = self.sends.iter().filter(|send| send.placed > 0).collect();
        placed.sort_by_key(|send| send.rank);
        let log = placed
            .iter()
            .map(|send| Unit { hash: send.hash, len: send.total, to: send.to })
            .collect();
        self.log = log;
    }
}

impl Search<'_> {
    fn from(&mut self, at: usize) -> bool {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return false;
        }
        let Some(unit) = self.log.get(at) else { return self.nobody_overtaken() };
        let mut owed_since = u64::MAX;
        for index in 0..self.sends.len() {
            let send = &self.sends[index];
            if send.entered > owed_since {
                return false;
            }
            if !self.used[index] && may_be_sent(send) && is(send, unit) {
                self.used[index] = true;
                self.order.push(index);
                if self.from(at + 1) {
                    return true;
                }
                self.order.pop();
                self.used[index] = false;
            }
            let owed = matches!(send.state, State::Ended { ok: true, .. })
                && !self.used[index]
                && !send.droppable;
            if owed {
                owed_since = owed_since.min(send.left);
            }
        }
        false
    }

    /// In the order found nothing went after what was posted after it.
    fn nobody_overtaken(&self) -> bool {
        let mut latest_entry = 0;
        for index in &self.order {
            let send = &self.sends[*index];
            if send.left < latest_entry {
                return false;
            }
            latest_entry = latest_entry.max(send.entered);
        }
        true
    }
}

//! Which sends explain the bytes that a stream's transport took.
//!
//! Bytes are matched greedily against one explanation. When that fails, or when a send ends with
//! another count than the explanation gave it, every allowed explanation of the bytes still at
//! hand is tried; only when none is left is there a violation. A byte is taken as urgent where it is
//! the last of a send with MSG_OOB, and nowhere else.

use super::entry::{Entry, Failed, State};

/// Steps that a search may take; beyond, the socket is judged no more.
const STEPS_MAX: u32 = 20_000;

/// Settled sends kept before the window is cut.
const SETTLED_MAX: usize = 32;

/// What the search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// There is an explanation.
    Explained,
    /// There is none.
    Impossible,
    /// Too many to try.
    TooMany,
}

/// The sends of one stream and the bytes that its transport took.
#[derive(Default)]
pub(super) struct StreamLane {
    pub(super) sends: Vec<Entry>,
    /// The send whose bytes the transport is taking, by index.
    current: Option<usize>,
    /// Bytes taken since the first send at hand.
    log: Vec<u8>,
    /// Where in the log urgent bytes are, in order.
    urgent: Vec<usize>,
    ranks: u64,
    pub(super) failed: Failed,
}

struct Search<'a> {
    sends: &'a [Entry],
    log: &'a [u8],
    urgent: &'a [usize],
    placed: Vec<u64>,
    closed: Vec<bool>,
    order: Vec<usize>,
    steps: u32,
}

impl StreamLane {
    /// The transport took `bytes`; an `urgent` one comes alone.
    pub(super) fn took(&mut self, bytes: &[u8], urgent: bool) -> Answer {
        if urgent {
            self.urgent.push(self.log.len());
        }
        self.log.extend_from_slice(bytes);
        if self.follow(bytes, urgent) { Answer::Explained } else { self.explain() }
    }

    /// Greedy: goes on with the present explanation.
    fn follow(&mut self, mut bytes: &[u8], urgent: bool) -> bool {
        while !bytes.is_empty() {
            let Some(index) = self.current.or_else(|| self.next(bytes, urgent)) else {
                return false;
            };
            let send = &mut self.sends[index];
            let rest = rest(send, urgent);
            if rest.is_empty() {
                return false;
            }
            let len = rest.len().min(bytes.len());
            if rest[..len] != bytes[..len] {
                return false;
            }
            if send.placed == 0 {
                self.ranks += 1;
                send.rank = self.ranks;
            }
            send.placed += len as u64;
            bytes = &bytes[len..];
            self.current = (send.placed < send.limit()).then_some(index);
            if self.current.is_none() {
                self.pass_over(index);
            }
        }
        true
    }

    /// The first send, in order of entry, that may come next and begins with `bytes`.
    fn next(&self, bytes: &[u8], urgent: bool) -> Option<usize> {
        let mut owed_since = u64::MAX;
        for (index, send) in self.sends.iter().enumerate() {
            if send.entered > owed_since {
                return None;
            }
            if send.placed == 0 && !send.closed && send.limit() > 0 {
                let rest = rest(send, urgent);
                let len = rest.len().min(bytes.len());
                if len > 0 && rest[..len] == bytes[..len] {
                    return Some(index);
                }
            }
            if send.owes(send.placed, send.closed) {
                owed_since = owed_since.min(send.left);
            }
        }
        None
    }

    /// Open sends whose call had returned before this one entered can come no more.
    fn pass_over(&mut self, index: usize) {
        let entered = self.sends[index].entered;
        for send in &mut self.sends[..index] {
            if send.is_open() && send.left < entered && send.placed < send.total {
                send.closed = true;
            }
        }
    }

    /// A send's state has changed: does the explanation still hold?
    pub(super) fn ended(&mut self, index: usize) -> Answer {
        let send = &self.sends[index];
        let State::Ended { bytes, .. } = send.state else { return Answer::Explained };
        let holds = if send.closed { send.placed == bytes } else { send.placed <= bytes };
        if !holds {
            return self.explain();
        }
        if send.placed == bytes && self.current == Some(index) {
            self.current = None;
        }
        self.trim();
        Answer::Explained
    }

    /// Tries every allowed explanation of the log, and adopts the first.
    fn explain(&mut self) -> Answer {
        let mut search = Search {
            sends: &self.sends,
            log: &self.log,
            urgent: &self.urgent,
            placed: vec![0; self.sends.len()],
            closed: vec![false; self.sends.len()],
            order: Vec::new(),
            steps: 0,
        };
        let found = search.from(0);
        let Search { placed, closed, order, steps, .. } = search;
        if !found {
            return if steps > STEPS_MAX { Answer::TooMany } else { Answer::Impossible };
        }
        for (index, send) in self.sends.iter_mut().enumerate() {
            send.placed = placed[index];
            send.closed = closed[index];
        }
        for index in &order {
            self.ranks += 1;
            self.sends[*index].rank = self.ranks;
        }
        self.current = order.last().copied().filter(|index| {
            let send = &self.sends[*index];
            !send.closed && send.placed < send.limit()
        });
        Answer::Explained
    }

    /// Drops sends that are over, and rebuilds the log from those that are not.
    fn trim(&mut self) {
        let over = |send: &Entry| {
            !send.is_open() && !send.owes(send.placed, send.closed) && send.left != u64::MAX
        };
        let settled = self.sends.iter().filter(|send| over(send)).count();
        if self.current.is_some_and(|index| over(&self.sends[index])) {
            return;
        }
        if settled == self.sends.len() {
            self.sends.drain(..).for_each(|send| self.failed.keep(send));
            self.log.clear();
            self.urgent.clear();
            self.current = None;
            return;
        }
        if settled < SETTLED_MAX && self.log.len() < 1 << 18 {
            return;
        }
        let current = self.current.map(|index| self.sends[index].call);
        self.sends.extract_if(.., |send| over(send)).for_each(|send| self.failed.keep(send));
        self.current =
            current.and_then(|call| self.sends.iter().position(|send| send.call == call));
        let mut placed: Vec<usize> =
            (0..self.sends.len()).filter(|index| self.sends[*index].placed > 0).collect();
        placed.sort_by_key(|index| self.sends[*index].rank);
        self.log.clear();
        self.urgent.clear();
        for index in placed {
            let send = &self.sends[index];
            let len = (send.placed as usize).min(send.bytes.len());
            self.log.extend_from_slice(&send.bytes[..len]);
            if len > 0 && send.is_urgent(len as u64 - 1) {
                self.urgent.push(self.log.len() - 1);
            }
        }
    }

    /// A send that reported success and is not wholly on the transport.
    pub(super) fn unsent(&self) -> Option<&Entry> {
        self.sends.iter().find(|send| {
            matches!(send.state, State::Ended { ok: true, .. })
                && send.owes(send.placed, send.closed)
        })
    }

    /// The last bytes that the transport took, for a message.
    pub(super) fn tail(&self, len: usize) -> &[u8] {
        &self.log[self.log.len().saturating_sub(len)..]
    }
}

/// What of a send may come next as ordinary bytes, or as its `urgent` one.
fn rest(send: &Entry, urgent: bool) -> &[u8] {
    let end = (send.limit() as usize).min(send.bytes.len());
    let start = (send.placed as usize).min(end);
    match (urgent, end > start && send.is_urgent(end as u64 - 1)) {
        (true, true) if start + 1 == end => &send.bytes[start..end],
        (true, _) => &[],
        (false, true) => &send.bytes[start..end - 1],
        (false, false) => &send.bytes[start..end],
    }
}

impl Search<'_> {
    fn from(&mut self, at: usize) -> bool {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return false;
        }
        if at == self.log.len() {
            return true;
        }
        let mut owed_since = u64::MAX;
        for index in 0..self.sends.len() {
            let send = &self.sends[index];
            if send.entered > owed_since {
                return false;
            }
            let unused = self.placed[index] == 0 && !self.closed[index] && send.limit() > 0;
            if unused && self.try_next(index, at) {
                return true;
            }
            if send.owes(self.placed[index], self.closed[index]) {
                owed_since = owed_since.min(send.left);
            }
        }
        false
    }

    fn try_next(&mut self, index: usize, at: usize) -> bool {
        let sends = self.sends;
        let send = &sends[index];
        let log = &self.log[at..];
        let end = (send.limit() as usize).min(send.bytes.len());
        let want = &send.bytes[..end];
        let mut same = want.iter().zip(log).take_while(|(a, b)| a == b).count();
        // Up to the first byte that is urgent in one of the two alone.
        let mut urgent = self.urgent[self.urgent.partition_point(|place| *place < at)..].iter();
        let odd = urgent.find(|place| !send.is_urgent((**place - at) as u64));
        same = odd.map_or(same, |place| same.min(place - at));
        let own = send.urgent.then(|| send.total as usize - 1);
        if let Some(own) = own.filter(|own| *own < same && !self.urgent.contains(&(at + own))) {
            same = own;
        }
        if same == 0 {
            return false;
        }
        let entered = send.entered;
        let passed: Vec<usize> = (0..index)
            .filter(|earlier| {
                let e = &sends[*earlier];
                e.is_open()
                    && e.left < entered
                    && !self.closed[*earlier]
                    && self.placed[*earlier] < e.total
            })
            .collect();
        for earlier in &passed {
            self.closed[*earlier] = true;
        }
        self.order.push(index);
        let mut cuts = Vec::new();
        if send.is_open() {
            // Any prefix may be all of it; the longest first.
            cuts.extend((1..=same).rev());
        } else if same == end || same == log.len() {
            cuts.push(same);
        }
        for cut in cuts {
            self.placed[index] = cut as u64;
            let all_read = cut == log.len();
            self.closed[index] = cut < end && !all_read;
            if self.from(at + cut) {
                return true;
            }
            if self.steps > STEPS_MAX {
                break;
            }
        }
        self.placed[index] = 0;
        self.closed[index] = false;
        self.order.pop();
        for earlier in passed {
            self.closed[earlier] = false;
        }
        false
    }
}

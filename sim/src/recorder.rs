//! The record of a run: its digest, its last events, its counts.

mod encode;

use xxhash_rust::xxh3::Xxh3;

use self::encode::Counts;
use crate::event::{At, Event, What};
use crate::trace::Trace;

/// How many events [`Recorder::tail`] gives at most.
pub const TAIL: usize = 200;
/// After how many events a checkpoint of the digest is kept.
pub const CHECKPOINT_EVERY: u64 = 1024;

/// Room for the tail; a power of two, so that a place in it costs one mask.
const RING: usize = 256;
/// Bytes that are collected before they are hashed: hashing long pieces is several times faster.
const BATCH: usize = 4096;

/// Records the events of a run.
///
/// The digest is XXH3-128 over a fixed encoding of every event, so one seed has one digest on every
/// system. Nothing that only looks at a run (a trace, a tail) changes it.
pub struct Recorder {
    steps: u64,
    last_ns: u64,
    hash: Xxh3,
    batch: Box<[u8; BATCH + encode::LEN_MAX]>,
    filled: usize,
    ring: Vec<Event>,
    sends: u64,
    completions: u64,
    checkpoints: Vec<u64>,
    /// In a replay, the checkpoints of the run that is replayed.
    expected: Vec<u64>,
    departed: Option<u64>,
    trace: Option<Trace>,
    closed: bool,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// An empty record.
    pub fn new() -> Self {
        Self {
            steps: 0,
            last_ns: 0,
            hash: Xxh3::new(),
            batch: Box::new([0; BATCH + encode::LEN_MAX]),
            filled: 0,
            ring: Vec::with_capacity(RING),
            sends: 0,
            completions: 0,
            checkpoints: Vec::new(),
            expected: Vec::new(),
            departed: None,
            trace: None,
            closed: false,
        }
    }

    /// Also renders every event into `trace`.
    #[must_use]
    pub fn with_trace(mut self, trace: Option<Trace>) -> Self {
        self.trace = trace;
        self
    }

    /// Also compares with the checkpoints of an earlier run: see [`Self::departed`].
    #[must_use]
    pub fn expecting(mut self, checkpoints: Vec<u64>) -> Self {
        self.expected = checkpoints;
        self
    }

    /// Records an event; gives its step. After [`Self::close`] it does nothing.
    pub fn record(&mut self, at: At, what: What) -> u64 {
        let step = self.steps;
        if self.closed {
            return step;
        }
        self.steps += 1;
        self.last_ns = self.last_ns.max(at.time_ns);
        // A full batch is hashed first, so there always is room for one more event.
        if self.filled >= BATCH {
            self.flush();
        }
        let mut counts = Counts::Nothing;
        if let Some(into) = self.batch[self.filled..].first_chunk_mut() {
            let len;
            (len, counts) = encode::encode(at, &what, into);
            self.filled += len;
        }
        let event = Event { step, at, what };
        if self.ring.len() < RING {
            self.ring.push(event);
        } else {
            self.ring[step as usize % RING] = event;
        }
        self.sends += u64::from(counts == Counts::Send);
        self.completions += u64::from(counts == Counts::Completion);
        if self.steps.is_multiple_of(CHECKPOINT_EVERY) {
            self.checkpoint();
        }
        if let Some(trace) = &mut self.trace {
            trace.event(&event);
        }
        step
    }

    #[cold]
    fn flush(&mut self) {
        self.hash.update(&self.batch[..self.filled]);
        self.filled = 0;
    }

    #[cold]
    fn checkpoint(&mut self) {
        self.flush();
        let digest = self.hash.digest();
        if self.departed.is_none()
            && self.expected.get(self.checkpoints.len()).is_some_and(|e| *e != digest)
        {
            self.departed = Some(self.steps);
        }
        self.checkpoints.push(digest);
    }

    /// Ends the record: what machines do while they are taken apart is not part of a run.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Whether the record has ended.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// How many events there were.
    #[inline]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The latest virtual time of an event.
    pub fn last_ns(&self) -> u64 {
        self.last_ns
    }

    /// The digest over all events so far.
    pub fn digest(&mut self) -> u128 {
        self.flush();
        self.hash.digest128()
    }

    /// The digest (64 bits of it) after each full [`CHECKPOINT_EVERY`] events.
    pub fn checkpoints(&self) -> &[u64] {
        &self.checkpoints
    }

    /// The step of the first checkpoint that differs from what was expected.
    pub fn departed(&self) -> Option<u64> {
        self.departed
    }

    /// How often WSPSend and WSPSendTo were entered.
    pub fn sends(&self) -> u64 {
        self.sends
    }

    /// How many operations ended: routines entered, and completions through the host.
    pub fn completions(&self) -> u64 {
        self.completions
    }

    /// The last [`TAIL`] events, oldest first.
    pub fn tail(&self) -> Vec<Event> {
        let oldest = if self.ring.len() < RING { 0 } else { self.steps as usize % RING };
        let (newer, older) = self.ring.split_at(oldest);
        let skip = self.ring.len().saturating_sub(TAIL);
        older.iter().chain(newer).skip(skip).copied().collect()
    }

    /// Takes the trace out, to learn how it went.
    pub(crate) fn take_trace(&mut self) -> Option<Trace> {
        self.trace.take()
    }
}

#[cfg(test)]
mod tests;

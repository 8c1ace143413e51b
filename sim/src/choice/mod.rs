//! Every choice that is not the program's own is made here, and recorded.
//!
//! A stream is one purpose at one place (the schedule of machine 2, the delays of link 0 to 1). It
//! has its own ChaCha stream, and each choice takes exactly one word of it, so that a choice's value
//! depends on the seed, its stream and its index there, and on nothing that other streams did.

mod record;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub use record::{Choice, Departure, Record};

/// What a stream of choices decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// What a run draws before it starts: profile, faults, network.
    Settings = 0,
    /// Which thread runs next; place: machine.
    Schedule = 1,
    /// Whether a fault strikes; place: fault and machine.
    Fault = 2,
    /// Parameters of a fault that struck (how late, how short, which bit); place: fault and machine.
    FaultDetail = 3,
    /// Delay of a packet; place: link.
    Delay = 4,
    /// What a program draws (payloads, sizes, pauses); place: machine.
    Program = 5,
    /// What a stack needs (initial sequence numbers, ports); place: machine.
    Stack = 6,
}

/// One stream of choices: cheap to copy, valid for the [`Choices`] that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream(u16);

/// A probability as an exact ratio: `Rate(n)` strikes n times in 2^32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rate(pub u64);

impl Rate {
    /// Never.
    pub const NEVER: Self = Self(0);
    /// Always.
    pub const ALWAYS: Self = Self(1 << 32);

    /// `millionths` in a million.
    pub const fn from_millionths(millionths: u64) -> Self {
        Self((millionths << 32) / 1_000_000)
    }

    /// The nearest number of millionths.
    pub const fn millionths(self) -> u64 {
        (self.0 * 1_000_000 + (1 << 31)) >> 32
    }
}

struct StreamState {
    purpose: Purpose,
    place: u32,
    rng: ChaCha8Rng,
}

/// The one source of choices of a run.
pub struct Choices {
    seed: u64,
    streams: Vec<StreamState>,
    record: Record,
}

impl Choices {
    /// Choices drawn from `seed`.
    pub fn from_seed(seed: u64) -> Self {
        Self { seed, streams: Vec::new(), record: Record::recording() }
    }

    /// Choices read back from a recorded run; drawn from `seed` beyond its end.
    pub fn replaying(seed: u64, choices: Vec<Choice>) -> Self {
        Self { seed, streams: Vec::new(), record: Record::replaying(choices) }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The stream for `purpose` at `place`; the same one when asked again.
    pub fn stream(&mut self, purpose: Purpose, place: u32) -> Stream {
        if let Some(index) =
            self.streams.iter().position(|s| s.purpose == purpose && s.place == place)
        {
            return Stream(index as u16);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream((u64::from(purpose as u8) << 32) | u64::from(place));
        self.streams.push(StreamState { purpose, place, rng });
        Stream((self.streams.len() - 1) as u16)
    }

    /// A value in `0..bound`, evenly (to one part in 2^32); 0 when `bound` is 0 or 1, without drawing.
    #[inline]
    pub fn below(&mut self, stream: Stream, bound: u32) -> u32 {
        if bound <= 1 {
            return 0;
        }
        let word = self.streams[usize::from(stream.0)].rng.next_u32();
        let drawn = ((u64::from(word) * u64::from(bound)) >> 32) as u32;
        self.record.pass(stream.0, drawn, bound)
    }

    /// A whole word.
    pub fn word(&mut self, stream: Stream) -> u32 {
        let word = self.streams[usize::from(stream.0)].rng.next_u32();
        self.record.pass(stream.0, word, u32::MAX)
    }

    /// Whether something of probability `rate` happens. Draws nothing for a rate of never.
    pub fn chance(&mut self, stream: Stream, rate: Rate) -> bool {
        if rate == Rate::NEVER {
            return false;
        }
        let word = self.streams[usize::from(stream.0)].rng.next_u32();
        self.record.pass(stream.0, u32::from(u64::from(word) < rate.0), 2) == 1
    }

    /// How many choices were made.
    pub fn count(&self) -> u64 {
        self.record.count()
    }

    /// Where a replay first asked for something else than its record holds.
    pub fn departure(&self) -> Option<Departure> {
        self.record.departure()
    }

    /// The choices made so far.
    pub fn recorded(&self) -> &[Choice] {
        self.record.choices()
    }
}

//! The wall clock, for rates and progress, and nothing that a run can see.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic,
    reason = "rates are real time's by nature, and no run can see them"
)]

use core::time::Duration;
use std::time::Instant;

/// A moment to measure from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    /// Now.
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since then.
    pub(super) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// `runs` a second, to one place after the point; `jobs` of them at once shared `busy`.
pub(super) fn per_second(runs: u64, busy: Duration, jobs: usize) -> f64 {
    let seconds = busy.as_secs_f64() / jobs.max(1) as f64;
    if seconds <= 0.0 {
        return 0.0;
    }
    (runs as f64 / seconds * 10.0).round() / 10.0
}

/// How much longer, when `done` of `total` took `elapsed`; `None` before there is anything to
/// judge from.
pub(super) fn left(done: u64, total: u64, elapsed: Duration) -> Option<Duration> {
    if done == 0 {
        return None;
    }
    let seconds = elapsed.as_secs_f64() / done as f64 * total.saturating_sub(done) as f64;
    Duration::try_from_secs_f64(seconds).ok()
}

/// How many runs may be made at once when nobody said.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, core::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        assert_eq!(per_second(100, Duration::from_secs(4), 2).to_string(), "50");
        assert_eq!(per_second(1, Duration::from_secs(3), 1).to_string(), "0.3");
        assert_eq!(per_second(1, Duration::ZERO, 1).to_string(), "0");
        assert_eq!(left(1, 4, Duration::from_secs(2)), Some(Duration::from_secs(6)));
        assert_eq!(left(0, 4, Duration::from_secs(2)), None);
        assert_eq!(left(1, u64::MAX, Duration::from_secs(1 << 40)), None);
    }
}

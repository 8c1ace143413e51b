//! Paired rounds: ours, peer, ours, peer ... so that a machine that drifts drifts for both.

#![allow(clippy::disallowed_methods, reason = "a bench measures real time")]
#![allow(clippy::disallowed_types, reason = "a bench measures real time")]
#![allow(clippy::float_arithmetic, reason = "ratios of measured times")]

use std::time::Instant;

/// What paired rounds measured, in nanoseconds.
pub struct Paired {
    /// Median time of one run of ours.
    pub ours_ns: f64,
    /// Median time of one run of the peer's.
    pub peer_ns: f64,
    /// Median of the ratios ours / peer, round by round.
    pub ratio: f64,
    /// Smallest and largest ratio.
    pub spread: (f64, f64),
}

/// Runs `rounds` rounds of both, `runs` runs of each a round; the closures get the run's number.
pub fn paired(
    rounds: u64,
    runs: u64,
    mut ours: impl FnMut(u64),
    mut peer: impl FnMut(u64),
) -> Paired {
    let mut times = Vec::new();
    for round in 0..=rounds {
        let first = timed(runs, round, &mut ours);
        let second = timed(runs, round, &mut peer);
        // The first round warms caches and pools up and does not count.
        if round > 0 {
            times.push((first, second));
        }
    }
    let ratios = || times.iter().map(|(ours, peer)| ours / peer);
    Paired {
        ours_ns: median(times.iter().map(|t| t.0)),
        peer_ns: median(times.iter().map(|t| t.1)),
        ratio: median(ratios()),
        spread: (ratios().fold(f64::MAX, f64::min), ratios().fold(0.0, f64::max)),
    }
}

fn timed(runs: u64, round: u64, run: &mut impl FnMut(u64)) -> f64 {
    let start = Instant::now();
    for index in 0..runs {
        run(round * runs + index);
    }
    start.elapsed().as_nanos() as f64 / runs as f64
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

//! How long a packet takes: turmoil's distribution, in integers.
//!
//! turmoil takes min + (max - min) * Exp(5), capped at max. `f64::ln` may differ between systems in
//! the last bit, and one bit is another run; so the logarithm here is a table of integers.

/// The table has a step for each 1/256 of an octave.
const STEPS: usize = 256;
/// ln 2, times 2^32.
const LN_2: u64 = 2_977_044_472;
/// The mean of the distribution is a fifth of the range.
const MEAN_PART: u64 = 5;

/// log2(1 + i / 256) * 2^32, rounded down.
static LOG2: [u64; STEPS + 1] = log2_table();

const fn log2_table() -> [u64; STEPS + 1] {
    let mut table = [0; STEPS + 1];
    let mut i = 0;
    while i < STEPS {
        table[i] = log2_fraction(i as u64);
        i += 1;
    }
    table[STEPS] = 1 << 32;
    table
}

/// 32 bits of log2(1 + i / 256), one for each squaring.
const fn log2_fraction(i: u64) -> u64 {
    // 1.0 is 2^62.
    let mut x: u128 = (STEPS as u128 + i as u128) << 54;
    let mut bits = 0;
    let mut bit = 32;
    while bit > 0 {
        bit -= 1;
        x = (x * x) >> 62;
        if x >= 2 << 62 {
            x >>= 1;
            bits |= 1 << bit;
        }
    }
    bits
}

/// -ln((word + 1) / 2^32), times 2^32: exponentially distributed with mean 1 where `word` is even.
const fn exponential(word: u32) -> u64 {
    let x = word as u64 + 1;
    let octave = x.ilog2();
    // What follows the leading one, as 32 bits of a fraction.
    let fraction = (x << (32 - octave)) & 0xffff_ffff;
    let step = (fraction >> 24) as usize;
    let within = fraction & 0x00ff_ffff;
    let below = LOG2[step];
    let log2 = below + (((LOG2[step + 1] - below) * within) >> 24);
    let minus_log2 = ((32 - octave as u64) << 32) - log2;
    ((minus_log2 as u128 * LN_2 as u128) >> 32) as u64
}

/// A delay between two bounds; what exceeds the smaller one is a multiple of `step_ns`, if that is
/// not 0.
pub(super) fn between(word: u32, min_ns: u64, max_ns: u64, step_ns: u64) -> u64 {
    let range = u128::from(max_ns - min_ns);
    let part = u128::from(exponential(word) / MEAN_PART);
    let mut extra = u64::try_from((range * part) >> 32).unwrap_or(u64::MAX);
    if step_ns > 0 {
        extra -= extra % step_ns;
    }
    min_ns.saturating_add(extra).min(max_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Words spread evenly over all that there are.
    fn words() -> impl Iterator<Item = u32> {
        (0..1u32 << 16).map(|n| (n << 16) + (1 << 15))
    }

    #[test]
    #[allow(clippy::float_arithmetic, reason = "the test compares with the real logarithm")]
    fn agrees_with_the_real_logarithm() {
        for word in words().chain([0, 1, 2, 3, 255, u32::MAX - 1, u32::MAX]) {
            let exact = -((f64::from(word) + 1.0) / 4_294_967_296.0).ln() * 4_294_967_296.0;
            let ours = exponential(word) as f64;
            // An interpolated table of 256 steps is good to about one part in 300,000 of an octave.
            assert!((exact - ours).abs() < 20_000.0, "{word}: {exact} against {ours}");
        }
    }

    #[test]
    fn never_outside_its_bounds_and_never_shorter_for_a_smaller_word() {
        let mut last = u64::MAX;
        for word in [0].into_iter().chain(words()).chain([u32::MAX]) {
            let delay = between(word, MS, 10 * MS, 0);
            assert!((MS..=10 * MS).contains(&delay));
            assert!(delay <= last);
            last = delay;
        }
        assert_eq!((between(0, MS, 10 * MS, 0), last), (10 * MS, MS));
    }

    #[test]
    fn has_the_quantiles_that_turmoil_was_measured_to_have() {
        // Of 0..100 ms: p50 13, p90 45, p99 97, mean 19 ms.
        let mut delays: Vec<u64> = words().map(|word| between(word, 0, 100 * MS, MS)).collect();
        delays.sort_unstable();
        let quantile = |percent| delays[delays.len() * percent / 100] / MS;
        let mean = delays.iter().sum::<u64>() / delays.len() as u64 / MS;
        assert_eq!((quantile(50), quantile(90), mean), (13, 46, 19));
        assert!(delays.iter().all(|delay| delay % MS == 0));
    }

    #[test]
    fn is_the_same_everywhere() {
        let sum =
            words().fold(0u64, |sum, word| sum.rotate_left(5) ^ between(word, MS, 10 * MS, 0));
        assert_eq!(sum, 14_877_056_722_526_980_726);
    }
}

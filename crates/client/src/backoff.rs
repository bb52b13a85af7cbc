//! Exponential backoff with full jitter.
//!
//! The wait before attempt *n* is uniform in `0..=min(max, base * 2^n)` (Marc Brooker, "Exponential Backoff And
//! Jitter", AWS Architecture Blog, 2015). The generator is splitmix64, public domain.

use std::time::Duration;

/// Waits between attempts to connect.
#[derive(Debug)]
pub(crate) struct Backoff {
    base: Duration,
    max: Duration,
    state: u64,
}

impl Backoff {
    pub(crate) fn new(base: Duration, max: Duration, seed: u64) -> Self {
        Backoff { base, max, state: seed }
    }

    /// The wait before attempt `attempt`, counted from 0.
    pub(crate) fn wait(&mut self, attempt: u32) -> Duration {
        let ceiling = self.base.saturating_mul(1 << attempt.min(31)).min(self.max);
        // Cannot truncate in practice: u64 nanoseconds are 584 years; a longer ceiling is cut to them.
        let ceiling_ns = u64::try_from(ceiling.as_nanos()).unwrap_or(u64::MAX);
        let share = u128::from(self.next_u64()) * (u128::from(ceiling_ns) + 1);
        // Cannot truncate because the product is below 2^64 * (ceiling_ns + 1).
        Duration::from_nanos((share >> 64) as u64)
    }

    fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_below_a_doubling_ceiling_and_use_all_of_it() {
        let (base, max) = (Duration::from_millis(50), Duration::from_secs(5));
        let mut backoff = Backoff::new(base, max, 7);
        for attempt in [0, 1, 2, 6, 7, 31, u32::MAX] {
            let ceiling = base.saturating_mul(1 << attempt.min(31)).min(max);
            let waits: Vec<_> = (0..1000).map(|_| backoff.wait(attempt)).collect();
            assert!(waits.iter().all(|wait| *wait <= ceiling), "attempt {attempt}");
            assert!(waits.iter().any(|wait| *wait < ceiling / 10), "attempt {attempt}: low end");
            assert!(waits.iter().any(|wait| *wait > ceiling * 9 / 10), "attempt {attempt}: high end");
        }
    }

    #[test]
    fn the_same_seed_waits_the_same() {
        let backoff = |seed| Backoff::new(Duration::from_millis(50), Duration::from_secs(5), seed);
        let waits = |seed| (0..8).map(|attempt| backoff(seed).wait(attempt)).collect::<Vec<_>>();
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }
}

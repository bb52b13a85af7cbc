//! Intended send times: command `n` at `start + n / rate`, whatever became of those before it.

use std::time::{Duration, Instant};

/// When commands are due.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    start: Instant,
    rate: Option<u64>,
}

impl Pace {
    /// `rate` commands per second from `start` on; without a rate everything is due at once.
    pub fn new(start: Instant, rate: Option<u64>) -> Self {
        debug_assert_ne!(rate, Some(0), "Invariant: the command line takes no rate of 0");
        Pace { start, rate }
    }

    /// Time left until command `n`, counted from 0, is due.
    pub fn until(&self, n: u64) -> Duration {
        let Some(rate) = self.rate else { return Duration::ZERO };
        self.due(n, rate).saturating_sub(self.start.elapsed())
    }

    /// Time from the start to command `n`.
    fn due(&self, n: u64, rate: u64) -> Duration {
        let due_ns = u128::from(n) * 1_000_000_000 / u128::from(rate);
        // Cannot truncate in practice: u64 nanoseconds are 584 years.
        Duration::from_nanos(u64::try_from(due_ns).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_from_the_start_without_drift() {
        let pace = Pace::new(Instant::now(), Some(3));
        assert_eq!(pace.due(0, 3), Duration::ZERO);
        assert_eq!(pace.due(1, 3), Duration::from_nanos(333_333_333));
        assert_eq!(pace.due(3_000_000, 3), Duration::from_secs(1_000_000));
    }

    #[test]
    fn without_a_rate_everything_is_due() {
        assert_eq!(Pace::new(Instant::now(), None).until(u64::MAX), Duration::ZERO);
    }
}

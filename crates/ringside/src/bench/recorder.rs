//! Times of one kind, in total and interval by interval.
//!
//! Knows no clock: who records says when it is, in nanoseconds since the bench began. One histogram is written to, so
//! that its counters stay in the cache; at the end of an interval it is put aside for the log of intervals.

use hdrhistogram::Histogram;

use super::report::{histogram, record};

/// Shortest interval: in 200 ms even 1,000 times a second make a p99 of more than two values.
const SHORTEST_NS: u64 = 200_000_000;
/// Intervals of a run of the expected length: each keeps a histogram of some 200 KiB.
const INTERVALS: u64 = 50;

/// Times that were noted in one interval.
pub struct Interval {
    /// Begin, nanoseconds since the bench began.
    pub start_ns: u64,
    /// Length in nanoseconds.
    pub length_ns: u64,
    /// Nanoseconds.
    pub times: Histogram<u64>,
}

/// Notes times.
pub struct Recorder {
    length_ns: u64,
    /// Number of the interval that is written to, and what is in it.
    at: u64,
    current: Histogram<u64>,
    done: Vec<Interval>,
}

impl Recorder {
    /// A recorder for a run that is expected to last so long.
    pub fn over(seconds: f64) -> Self {
        let length_ns = ((seconds * 1e9) as u64 / INTERVALS).max(SHORTEST_NS);
        Recorder { length_ns, at: 0, current: histogram(), done: Vec::with_capacity(2 * INTERVALS as usize) }
    }

    /// Notes a time of `ns` at the moment `now_ns`.
    #[inline]
    pub fn record(&mut self, now_ns: u64, ns: u64) {
        let interval = now_ns / self.length_ns;
        if interval != self.at {
            self.turn(interval);
        }
        record(&mut self.current, ns);
    }

    #[cold]
    fn turn(&mut self, next: u64) {
        let at = std::mem::replace(&mut self.at, next);
        if self.current.is_empty() {
            return;
        }
        let times = std::mem::replace(&mut self.current, histogram());
        self.done.push(Interval { start_ns: at * self.length_ns, length_ns: self.length_ns, times });
    }

    /// Everything that was noted.
    pub fn finish(mut self) -> Series {
        self.turn(0);
        let mut total = histogram();
        for interval in &self.done {
            total.add(&interval.times).expect("Invariant: histograms of the same bounds");
        }
        Series { total, intervals: self.done }
    }
}

/// What a recorder was told.
pub struct Series {
    /// All times.
    pub total: Histogram<u64>,
    /// In order; empty where only the total is kept. Intervals without any time are left out.
    pub intervals: Vec<Interval>,
}

impl From<Histogram<u64>> for Series {
    fn from(total: Histogram<u64>) -> Self {
        Series { total, intervals: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_in_one_interval_and_in_the_total() {
        let mut recorder = Recorder::over(1.0);
        for n in 0..10_000_u64 {
            recorder.record(n * 100_000, 1_000 + n);
        }
        let series = recorder.finish();
        assert_eq!(series.intervals.len(), 5);
        assert_eq!(series.total.len(), 10_000);
        assert_eq!(series.intervals.iter().map(|interval| interval.times.len()).sum::<u64>(), 10_000);
    }

    #[test]
    fn a_pause_between_two_times_makes_no_empty_intervals() {
        let mut recorder = Recorder::over(1.0);
        recorder.record(0, 5);
        recorder.record(5_000_000_000, 5);
        let starts: Vec<u64> = recorder.finish().intervals.iter().map(|interval| interval.start_ns).collect();
        assert_eq!(starts, [0, 5_000_000_000]);
    }
}

//! Histograms of the parts, for whoever asks: the admin thread, a benchmark.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use ringside_domain::Sequence;
use serde_json::{Value, json};

use super::Part;

/// The quantiles that are told, with their names.
pub const QUANTILES: [(f64, &str); 4] = [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p999")];
/// Longest time that is told apart, ns.
const LONGEST_NS: u64 = 60_000_000_000;
/// How long a histogram of the recent past is filled.
const MINUTE: Duration = Duration::from_secs(60);

/// Times of a part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartTimes {
    /// Which.
    pub part: Part,
    /// Samples.
    pub count: u64,
    /// At [`QUANTILES`], ns, to two digits; 0 without samples.
    pub quantiles_ns: [u64; QUANTILES.len()],
    /// The longest, ns.
    pub max_ns: u64,
}

impl PartTimes {
    fn of(part: Part, histogram: &Histogram<u64>) -> Self {
        PartTimes {
            part,
            count: histogram.len(),
            quantiles_ns: QUANTILES.map(|(quantile, _)| histogram.value_at_quantile(quantile)),
            max_ns: histogram.max(),
        }
    }
}

/// `{"decode":{"count":..,"p50_us":..,"p90_us":..,"p99_us":..,"p999_us":..,"max_us":..},..}` in the order of the way.
pub fn json(times: &[PartTimes]) -> Value {
    let us = |ns: u64| ns as f64 / 1e3;
    let row = |times: &PartTimes| {
        let mut row = json!({"count": times.count, "max_us": us(times.max_ns)});
        for ((_, name), ns) in QUANTILES.iter().zip(times.quantiles_ns) {
            row[format!("{name}_us")] = us(ns).into();
        }
        (times.part.name().to_string(), row)
    };
    Value::Object(times.iter().map(row).collect())
}

/// One part over three spans of time.
#[derive(Debug)]
struct Spans {
    all: Histogram<u64>,
    /// The minute under way, and the one before it.
    minutes: [Histogram<u64>; 2],
}

#[derive(Debug)]
pub(super) struct Totals {
    /// Last sequence that was looked at.
    pub(super) seen: Sequence,
    /// By [`Part::ALL`]; empty when nothing is timed.
    spans: Vec<Spans>,
    minute_began: Instant,
}

impl Totals {
    pub(super) fn new(on: bool) -> Self {
        // Two digits: about 30 KiB each.
        let histogram = || Histogram::new_with_bounds(1, LONGEST_NS, 2).expect("valid bounds");
        let spans = || Spans { all: histogram(), minutes: [histogram(), histogram()] };
        let count = if on { Part::ALL.len() } else { 0 };
        Totals { seen: 0, spans: (0..count).map(|_| spans()).collect(), minute_began: Instant::now() }
    }

    pub(super) fn record(&mut self, parts_ns: &[u64; Part::ALL.len()]) {
        for (spans, ns) in self.spans.iter_mut().zip(parts_ns) {
            spans.all.saturating_record((*ns).max(1));
            spans.minutes[0].saturating_record((*ns).max(1));
        }
    }

    pub(super) fn rotate(&mut self, now: Instant) {
        if now.saturating_duration_since(self.minute_began) < MINUTE {
            return;
        }
        self.minute_began = now;
        for spans in &mut self.spans {
            spans.minutes.swap(0, 1);
            spans.minutes[0].reset();
        }
    }

    pub(super) fn since_start(&self) -> Vec<PartTimes> {
        self.told(|spans| spans.all.clone())
    }

    pub(super) fn recent(&self) -> Vec<PartTimes> {
        self.told(|spans| {
            let mut both = spans.minutes[0].clone();
            both.add(&spans.minutes[1]).expect("the same bounds");
            both
        })
    }

    fn told(&self, of: impl Fn(&Spans) -> Histogram<u64>) -> Vec<PartTimes> {
        let empty = Histogram::new_with_bounds(1, LONGEST_NS, 2).expect("valid bounds");
        let times = Part::ALL.iter().enumerate().map(|(n, part)| match self.spans.get(n) {
            Some(spans) => PartTimes::of(*part, &of(spans)),
            None => PartTimes::of(*part, &empty),
        });
        times.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recent_past_forgets_after_two_minutes_and_the_whole_never() {
        let mut totals = Totals::new(true);
        let begin = Instant::now();
        totals.record(&[7; Part::ALL.len()]);
        totals.rotate(begin + MINUTE);
        assert_eq!(totals.recent()[0].count, 1, "the minute before still counts");
        totals.rotate(begin + MINUTE);
        assert_eq!(totals.recent()[0].count, 1, "a minute is a minute");
        totals.rotate(begin + 3 * MINUTE);
        assert_eq!((totals.recent()[0].count, totals.since_start()[0].count), (0, 1));
    }

    #[test]
    fn json_has_a_row_for_each_part_in_microseconds() {
        let mut totals = Totals::new(true);
        totals.record(&[2_000; Part::ALL.len()]);
        let told = json(&totals.since_start());
        assert_eq!(told["sync"]["p99_us"].as_f64().map(f64::round), Some(2.0));
        assert_eq!(told.as_object().map(serde_json::Map::len), Some(Part::ALL.len()));
    }
}

//! What a bench has measured: named figures in order, the floors they stand on, and the times behind them.

use std::path::{Path, PathBuf};

use hdrhistogram::Histogram;
use ringside_venue::timing::{self, Part, PartTimes};
use serde_json::{Map, Value, json};

use super::open_loop::Counts;
use super::recorder::Series;

/// Longest time a histogram holds, nanoseconds.
const LONGEST_NS: u64 = 60_000_000_000;

/// An empty histogram of nanoseconds, three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("valid bounds")
}

/// Notes a time; longer ones than the histogram holds count as the longest.
pub fn record(histogram: &mut Histogram<u64>, ns: u64) {
    histogram.saturating_record(ns.max(1));
}

/// A quantile in microseconds.
pub fn us(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    rounded(histogram.value_at_quantile(quantile) as f64 / 1e3)
}

/// Two decimals, below one four: more would be noise.
pub fn rounded(value: f64) -> f64 {
    let parts = if value.abs() < 1.0 { 1e4 } else { 1e2 };
    (value * parts).round() / parts
}

/// Median of some figures.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A figure, the floor of the same run, and their ratio, by name.
pub struct Footing {
    /// What was measured.
    pub figure: String,
    /// What the machine can do at best.
    pub floor: String,
    /// Figure ÷ floor, for rates floor ÷ figure: 1 is the floor.
    pub ratio: String,
}

/// Named figures in order.
pub struct Report {
    /// Name of the bench: what its files are called.
    pub name: &'static str,
    /// Where it wrote: the disk that was measured.
    pub directory: PathBuf,
    /// Figures against floors.
    pub footings: Vec<Footing>,
    /// Times behind the figures; the first are the bench's own, the others belong to its floors.
    pub series: Vec<(String, Series)>,
    /// Stages and their times at p50, p90, p99 and p99.9 in microseconds, where somebody has told them.
    pub stages: Vec<(String, Vec<f64>)>,
    figures: Vec<(String, Value)>,
}

impl Report {
    /// An empty report of a bench that writes to a directory.
    pub fn new(name: &'static str, directory: &Path) -> Self {
        Report {
            name,
            directory: directory.to_path_buf(),
            footings: Vec::new(),
            series: Vec::new(),
            stages: Vec::new(),
            figures: Vec::new(),
        }
    }

    /// Adds a number.
    pub fn number(&mut self, name: &str, value: f64) {
        self.value(name, json!(rounded(value)));
    }

    /// Adds a number that cannot be had everywhere.
    pub fn optional(&mut self, name: &str, value: Option<f64>) {
        match value {
            Some(value) => self.number(name, value),
            None => self.value(name, Value::Null),
        }
    }

    /// Adds anything else.
    pub fn value(&mut self, name: &str, value: impl Into<Value>) {
        debug_assert!(self.figures.iter().all(|(known, _)| known != name), "{name} is told once");
        self.figures.push((name.into(), value.into()));
    }

    /// Adds p50, p99 and p99.9 in microseconds, their names beginning with `prefix`.
    pub fn quantiles(&mut self, prefix: &str, times: &Histogram<u64>) {
        for (name, quantile) in [("p50_us", 0.5), ("p99_us", 0.99), ("p999_us", 0.999)] {
            self.number(&format!("{prefix}{name}"), us(times, quantile));
        }
    }

    /// Adds what became of the commands of an open loop.
    pub fn counts(&mut self, counts: Counts) {
        self.value("sent", counts.sent);
        self.value("late_sends", counts.late);
        self.value("unsent", counts.unsent);
        self.value("unacknowledged", counts.unacknowledged);
    }

    /// Adds how many times its floor a time is. Both have been added before.
    pub fn against(&mut self, figure: &str, floor: &str, ratio: &str) {
        self.footing((figure, floor, ratio), |figure, floor| figure / floor);
    }

    /// Adds how many times slower than its floor a rate is. Both have been added before.
    pub fn rate_against(&mut self, figure: &str, floor: &str, ratio: &str) {
        self.footing((figure, floor, ratio), |figure, floor| floor / figure);
    }

    fn footing(&mut self, (figure, floor, ratio): (&str, &str, &str), divide: impl Fn(f64, f64) -> f64) {
        self.number(ratio, divide(self.get(figure), self.get(floor)));
        self.footings.push(Footing { figure: figure.into(), floor: floor.into(), ratio: ratio.into() });
    }

    /// A number that was added; not a number where none was.
    pub fn get(&self, name: &str) -> f64 {
        self.find(name).and_then(Value::as_f64).unwrap_or(f64::NAN)
    }

    /// Adds where time went, part by part; the whole is told, and not stacked upon its parts.
    pub fn parts(&mut self, parts: &[PartTimes]) {
        self.value("stages", timing::json(parts));
        let stacked = parts.iter().filter(|times| times.part != Part::Total && times.count > 0);
        let us = |times: &PartTimes| times.quantiles_ns.iter().map(|ns| *ns as f64 / 1e3).collect();
        self.stages = stacked.map(|times| (times.part.name().into(), us(times))).collect();
    }

    /// Adds times under a name of their own.
    pub fn series(&mut self, name: &str, series: impl Into<Series>) {
        self.series.push((name.into(), series.into()));
    }

    /// A figure of any kind.
    pub fn find(&self, name: &str) -> Option<&Value> {
        self.figures.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// All figures in the order in which they were added, but for ratios, which stand beside their figures.
    pub fn rows(&self) -> impl Iterator<Item = &(String, Value)> {
        let is_ratio = |name: &str| self.footings.iter().any(|footing| footing.ratio == name);
        self.figures.iter().filter(move |(name, _)| !is_ratio(name))
    }

    /// All figures as an object.
    pub fn object(&self) -> Map<String, Value> {
        self.figures.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_of_one_is_the_floor_for_times_and_for_rates() {
        let mut report = Report::new("core", Path::new("."));
        for (name, value) in [("p50_us", 30.0), ("echo_us", 20.0), ("per_s", 2e6), ("floor_per_s", 3e6)] {
            report.number(name, value);
        }
        report.against("p50_us", "echo_us", "time_ratio");
        report.rate_against("per_s", "floor_per_s", "rate_ratio");
        assert_eq!((report.get("time_ratio"), report.get("rate_ratio")), (1.5, 1.5));
    }
}

//! Figures as a table for people and as one JSON line for scripts.

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

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
    (histogram.value_at_quantile(quantile) as f64 / 10.0).round() / 100.0
}

/// Median of some figures.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Named figures in order.
#[derive(Default)]
pub struct Report(Map<String, Value>);

impl Report {
    /// Adds a number.
    pub fn number(&mut self, name: &str, value: f64) {
        // Two decimals: more would be noise.
        self.0.insert(name.into(), json!((value * 100.0).round() / 100.0));
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
        self.0.insert(name.into(), value.into());
    }

    /// Prints a table, or one JSON line as the last of stdout.
    pub fn print(mut self, as_json: bool) {
        self.machine();
        if as_json {
            println!("{}", Value::Object(self.0));
            return;
        }
        for (name, value) in &self.0 {
            println!("{name:>28}  {value}");
        }
    }

    fn machine(&mut self) {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
        let model = model.trim_start_matches([' ', '\t', ':']);
        self.value("machine", json!({"cores": cores, "cpu": model, "kernel": kernel.trim()}));
        self.value("version", env!("CARGO_PKG_VERSION"));
    }
}

//! The percentile distribution as text, as HdrHistogram's `outputPercentileDistribution` writes it and its plotter reads it
//! (hdrhistogram.github.io/HdrHistogram/plotFiles.html). Values in microseconds.

use std::fmt::Write;

use hdrhistogram::Histogram;

/// Lines for each halving of the distance to 100 %, as in the original's default.
const TICKS_PER_HALF_DISTANCE: u32 = 5;

/// The text.
pub fn render(times: &Histogram<u64>) -> String {
    let mut text =
        format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    let mut count = 0;
    for step in times.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        count += step.count_since_last_iteration();
        let (value, quantile) = (us(step.value_iterated_to() as f64), step.quantile_iterated_to());
        let _ = write!(text, "{value:12.3} {quantile:2.12} {count:10}");
        // The last line has no last column: nothing is left of the distance.
        let _ = match quantile < 1.0 {
            true => writeln!(text, " {:14.2}", 1.0 / (1.0 - quantile)),
            false => writeln!(text),
        };
    }
    let (mean, deviation, max) = (us(times.mean()), us(times.stdev()), us(times.max() as f64));
    let _ = writeln!(text, "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]");
    let _ = writeln!(text, "#[Max     = {max:12.3}, Total count    = {:12}]", times.len());
    let (buckets, sub_buckets) = buckets(times);
    let _ = writeln!(text, "#[Buckets = {buckets:12}, SubBuckets     = {sub_buckets:12}]");
    text
}

fn us(ns: f64) -> f64 {
    ns / 1e3
}

/// Buckets and their parts, as HdrHistogram lays them out for these bounds.
fn buckets(times: &Histogram<u64>) -> (u64, u64) {
    let sub_buckets = (2 * 10_u64.pow(u32::from(times.sigfig()))).next_power_of_two();
    let (mut covered, mut buckets) = (sub_buckets, 1);
    while covered <= times.high() {
        covered <<= 1;
        buckets += 1;
    }
    (buckets, sub_buckets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::histogram;

    #[test]
    fn the_text_is_what_the_original_writes() {
        let mut times = histogram();
        // Below 2,048 ns every value has a place of its own.
        for ns in [500, 1_000, 1_500, 2_000] {
            times.saturating_record(ns);
        }
        let text = render(&times);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "       Value     Percentile TotalCount 1/(1-Percentile)");
        assert_eq!(lines[2], "       0.500 0.000000000000          1           1.00");
        assert!(lines.contains(&"       2.000 1.000000000000          4"), "{text}");
        assert_eq!(lines[lines.len() - 3], "#[Mean    =        1.250, StdDeviation   =        0.559]");
        assert_eq!(lines[lines.len() - 2], "#[Max     =        2.000, Total count    =            4]");
        assert_eq!(lines[lines.len() - 1], "#[Buckets =           26, SubBuckets     =         2048]");
    }
}

//! The interval log of a bench in HdrHistogram's own format (V2, deflated), which its log processor and analyzers read. The
//! bench's own times carry no tag, those beside them and of the floors carry their names. Values in nanoseconds.

use std::error::Error;
use std::time::{Duration, SystemTime};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use super::super::recorder::{Interval, Series};
use super::super::report::Report;

/// The log's column of maxima is in milliseconds, as in the original.
const MILLISECOND: f64 = 1e6;

/// The log of all series that were recorded by intervals; others have one interval from the begin on.
pub fn render(report: &Report, begun: SystemTime) -> Result<Vec<u8>, Box<dyn Error>> {
    let (mut bytes, mut serializer) = (Vec::new(), V2DeflateSerializer::new());
    let mut builder = IntervalLogWriterBuilder::new();
    builder.add_comment(&format!("ringside {} bench {}", env!("CARGO_PKG_VERSION"), report.name));
    // What the original writes and its readers look for.
    builder.add_comment("[Histogram log format version 1.3]");
    builder.with_start_time(begun).with_base_time(begun).with_max_value_divisor(MILLISECOND);
    let mut log = builder.begin_log_with(&mut bytes, &mut serializer)?;
    let mut rows: Vec<(Option<&str>, &Interval)> = Vec::new();
    for (at, (name, series)) in report.series.iter().enumerate() {
        let tag = (at > 0).then_some(name.as_str());
        rows.extend(series.intervals.iter().map(|interval| (tag, interval)));
    }
    // Readers expect the intervals in order.
    rows.sort_by_key(|(_, interval)| interval.start_ns);
    for (tag, interval) in rows {
        let (start, length) =
            (Duration::from_nanos(interval.start_ns), Duration::from_nanos(interval.length_ns));
        log.write_histogram(&interval.times, start, length, tag.and_then(Tag::new))?;
    }
    for (at, (name, series)) in report.series.iter().enumerate() {
        if let Series { total, intervals } = series
            && intervals.is_empty()
        {
            let tag = if at > 0 { Tag::new(name) } else { None };
            log.write_histogram(total, Duration::ZERO, Duration::ZERO, tag)?;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;
    use crate::bench::recorder::Recorder;

    #[test]
    fn what_was_recorded_is_read_back_interval_by_interval() {
        let mut recorder = Recorder::over(1.0);
        (0..1_000).for_each(|n: u64| recorder.record(n * 1_000_000, 1_000 + n));
        let mut report = Report::new("wire", Path::new("."));
        report.series("wire", recorder.finish());
        let log = render(&report, SystemTime::UNIX_EPOCH).expect("memory takes everything");
        let mut counts = Vec::new();
        for entry in IntervalLogIterator::new(&log) {
            let Ok(LogEntry::Interval(interval)) = entry else { continue };
            let bytes = decode(interval.encoded_histogram());
            let times: hdrhistogram::Histogram<u64> =
                Deserializer::new().deserialize(&mut bytes.as_slice()).expect("just written");
            counts.push((interval.start_timestamp(), times.len()));
        }
        let expected = [0, 200, 400, 600, 800].map(|ms| (Duration::from_millis(ms), 200));
        assert_eq!(counts, expected);
    }

    /// Base64 (RFC 4648), for this test alone.
    fn decode(text: &str) -> Vec<u8> {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let letters = text.bytes().filter_map(|letter| LETTERS.iter().position(|known| *known == letter));
        let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
        for value in letters {
            (bits, held) = (bits << 6 | value as u32, held + 6);
            if held >= 8 {
                held -= 8;
                bytes.push((bits >> held) as u8);
            }
        }
        bytes
    }
}

//! The journal alone: cost of an append, arrival to durable at a fixed rate, one record a flush, saturation, and the raw
//! device between.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use hdrhistogram::Histogram;
use ringside_domain::Command;
use ringside_journal::{Journal, JournalError, PreparerTask, SegmentOptions, new_epoch, preparer};
use ringside_sim::steady::SteadyFlow;
use ringside_storage::{Directory, Pace, StorageError, Writer};

use super::probe::RawDevice;
use super::report::{Report, histogram, record, us};
use crate::failure::{Failure, STORAGE};

/// Bytes of a segment here: as in a venue.
const SEGMENT: u64 = 64 << 20;
/// Segments that are ready before the saturation without a preparer begins.
const READY: usize = 8;
/// Records of a flush at saturation.
const BATCH: u64 = 1_024;

/// Which writer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Which {
    Mmap,
    Direct,
}

/// Arguments of `bench journal`.
#[derive(Args)]
pub struct JournalArgs {
    /// As `[journal] writer`.
    #[arg(long, value_enum, default_value = "mmap")]
    writer: Which,
    /// Records a second offered (open loop).
    #[arg(long, default_value_t = 100_000)]
    rate: u64,
    /// Seconds of measurement.
    #[arg(long, default_value_t = 5.0)]
    duration: f64,
    /// Where to write; the disk that is measured. Default: the current directory.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// One JSON line instead of a table.
    #[arg(long)]
    json: bool,
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Failure::new(STORAGE, error)
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Failure::new(STORAGE, error)
    }
}

/// Runs the benchmark.
pub fn run(args: &JournalArgs) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(STORAGE, error);
    let scratch = tempfile::tempdir_in(&args.dir).map_err(failed)?;
    let writer = if args.writer == Which::Mmap { Writer::Mapped } else { Writer::Direct };
    let mut raw = RawDevice::new(scratch.path()).map_err(failed)?;
    let mut device = histogram();
    let mut report = Report::default();
    report.value("writer", format!("{writer:?}").to_lowercase());
    {
        let disk = Directory::create(&scratch.path().join("latency"))?.with_writer(writer)?;
        let mut bench = Bench::new(&disk)?;
        report.number("append_p50_ns", bench.append_cost()?);
        let (mut durable, mut single) = (histogram(), histogram());
        let begin = Instant::now();
        let mut total = 0;
        while begin.elapsed().as_secs_f64() < args.duration {
            // Interleaved: all see the same weather.
            raw.probe(200, &mut device).map_err(failed)?;
            total += bench.open_loop(args.rate, Duration::from_millis(400), &mut durable)?;
            raw.probe(200, &mut device).map_err(failed)?;
            bench.one_by_one(400, &mut single)?;
        }
        bench.end();
        latencies(&mut report, &device, &durable, &single);
        report.value("records_at_rate", total);
        report.value("rate", args.rate);
    }
    saturate(scratch.path(), writer, &mut report)?;
    report.print(args.json);
    Ok(())
}

fn latencies(
    report: &mut Report,
    device: &Histogram<u64>,
    durable: &Histogram<u64>,
    single: &Histogram<u64>,
) {
    let ratio = |of: &Histogram<u64>, quantile| us(of, quantile) / us(device, quantile);
    report.number("raw_p50_us", us(device, 0.5));
    report.number("raw_p99_us", us(device, 0.99));
    report.number("durable_p50_us", us(durable, 0.5));
    report.number("durable_p99_us", us(durable, 0.99));
    report.number("durable_p50_r", ratio(durable, 0.5));
    report.number("durable_p99_r", ratio(durable, 0.99));
    report.number("single_p50_us", us(single, 0.5));
    report.number("single_p99_us", us(single, 0.99));
    report.number("single_p50_r", ratio(single, 0.5));
}

/// First with all segments made ready before, so that only the log is written; then for two seconds with the preparer
/// beside it, as in a venue, so that every byte is written twice.
fn saturate(scratch: &Path, writer: Writer, report: &mut Report) -> Result<(), Failure> {
    let directory = |name| Directory::create(&scratch.join(name))?.with_writer(writer);
    let mut bench = Bench::ready(&directory("ready")?)?;
    // The last one is still in the hand of the task, which is not driven.
    let alone = bench.until(scratch, |bench| bench.journal.segment() == READY as u64 - 1)?;
    report.number("records_per_s", alone.records_per_s);
    report.optional("disk_bytes_per_log_byte", alone.own_ratio);
    report.optional("device_bytes_per_log_byte", alone.device_ratio);
    bench.end();
    let mut bench = Bench::new(&directory("beside")?)?;
    let begin = Instant::now();
    let beside = bench.until(scratch, |_| begin.elapsed() > Duration::from_secs(2))?;
    report.number("sustained_records_per_s", beside.records_per_s);
    report.optional("sustained_disk_bytes_per_log_byte", beside.own_ratio);
    bench.end();
    Ok(())
}

/// Bytes that this process caused to be written, by stores, writes and zeros (proc(5), `write_bytes`).
fn own_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/io").ok()?;
    text.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok())
}

/// Bytes written to the disk behind a directory since boot, by anybody: an upper bound of ours. `None` where the
/// kernel does not list the disk.
fn device_bytes(directory: &Path) -> Option<u64> {
    const SECTOR: u64 = 512;
    let device = std::fs::metadata(directory).ok()?.dev();
    let (major, minor) = (libc::major(device).to_string(), libc::minor(device).to_string());
    let stats = std::fs::read_to_string("/proc/diskstats").ok()?;
    let mut rows = stats.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| row.len() > 9 && row[0] == major && row[1] == minor)?;
    // Column 10: sectors written (Documentation/admin-guide/iostats.rst).
    row[9].parse::<u64>().ok().map(|sectors| sectors * SECTOR)
}

/// What saturation gave.
struct Saturated {
    records_per_s: f64,
    own_ratio: Option<f64>,
    device_ratio: Option<f64>,
}

type Appending<T> = Result<T, JournalError>;

/// A journal and what is appended to it.
struct Bench {
    journal: Journal<Directory>,
    sequence: u64,
    commands: Vec<Command>,
    helper: Option<std::thread::JoinHandle<()>>,
    /// Holds the sending end open.
    idle: Option<PreparerTask<Directory>>,
}

impl Bench {
    /// A new journal whose segments are prepared beside it.
    fn new(disk: &Directory) -> Appending<Bench> {
        let options = SegmentOptions { length: SEGMENT, ahead: 2, pace: Pace::Unpaced };
        let (source, task) = preparer(disk.clone(), options, 1);
        let helper = std::thread::spawn(move || task.run());
        let journal = Journal::create(source, new_epoch(), 0)?;
        Ok(Bench { helper: Some(helper), ..Bench::over(journal) })
    }

    /// A new journal whose first segments are ready; nobody prepares more.
    fn ready(disk: &Directory) -> Result<Bench, Failure> {
        let options = SegmentOptions { length: SEGMENT, ahead: READY, pace: Pace::Unpaced };
        let (source, mut task) = preparer(disk.clone(), options, 1);
        while task.poll()? {}
        let journal = Journal::create(source, new_epoch(), 0)?;
        Ok(Bench { idle: Some(task), ..Bench::over(journal) })
    }

    fn over(journal: Journal<Directory>) -> Bench {
        Bench {
            journal,
            sequence: 0,
            commands: SteadyFlow::new().take(1 << 16).collect(),
            helper: None,
            idle: None,
        }
    }

    fn end(self) {
        drop((self.journal, self.idle));
        // A preparer that panicked has been seen already: the journal had no more segments.
        let _ = self.helper.map(std::thread::JoinHandle::join);
    }

    fn append(&mut self) -> Appending<()> {
        self.sequence += 1;
        let command = &self.commands[self.sequence as usize % self.commands.len()];
        self.journal.append(self.sequence, self.sequence, command).map(|_| ())
    }

    /// Median nanoseconds of an append, in groups of 64 so that the clock is not what is measured.
    fn append_cost(&mut self) -> Appending<f64> {
        let mut times = histogram();
        for _ in 0..2_000 {
            let begin = Instant::now();
            for _ in 0..64 {
                self.append()?;
            }
            record(&mut times, begin.elapsed().as_nanos() as u64);
        }
        self.journal.flush()?;
        Ok(times.value_at_quantile(0.5) as f64 / 64.0)
    }

    /// Records arrive at fixed moments; what arrived during a flush goes into the next one.
    fn open_loop(&mut self, rate: u64, slice: Duration, durable: &mut Histogram<u64>) -> Appending<u64> {
        let count = (rate as f64 * slice.as_secs_f64()) as u64;
        let due = |n: u64| (n as f64 * 1e9 / rate as f64) as u64;
        let begin = Instant::now();
        let mut done = 0;
        while done < count {
            let now = begin.elapsed().as_nanos() as u64;
            let first = done;
            while done < count && due(done) <= now {
                self.append()?;
                done += 1;
            }
            if done == first {
                std::hint::spin_loop();
                continue;
            }
            self.journal.flush()?;
            let end = begin.elapsed().as_nanos() as u64;
            (first..done).for_each(|n| record(durable, end - due(n)));
        }
        Ok(done)
    }

    /// One record a flush, the next when the last is durable.
    fn one_by_one(&mut self, count: u64, single: &mut Histogram<u64>) -> Appending<()> {
        for _ in 0..count {
            let begin = Instant::now();
            self.append()?;
            self.journal.flush()?;
            record(single, begin.elapsed().as_nanos() as u64);
        }
        Ok(())
    }

    /// There is always another batch, until `over`.
    fn until(&mut self, scratch: &Path, over: impl Fn(&Bench) -> bool) -> Appending<Saturated> {
        let before = (own_bytes(), device_bytes(scratch), self.journal.counters().bytes);
        let (begin, mut count) = (Instant::now(), 0_u64);
        while !over(self) {
            for _ in 0..BATCH {
                self.append()?;
            }
            self.journal.flush()?;
            count += BATCH;
        }
        let seconds = begin.elapsed().as_secs_f64();
        let log = (self.journal.counters().bytes - before.2) as f64;
        let ratio = |now: Option<u64>, then: Option<u64>| Some((now? - then?) as f64 / log);
        Ok(Saturated {
            records_per_s: count as f64 / seconds,
            own_ratio: ratio(own_bytes(), before.0),
            device_ratio: ratio(device_bytes(scratch), before.1),
        })
    }
}

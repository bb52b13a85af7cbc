//! The journal alone: cost of an append, arrival to durable at a fixed rate, and the raw device between.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use ringside_domain::Command;
use ringside_journal::{Journal, SegmentOptions, new_epoch, preparer};
use ringside_sim::steady::SteadyFlow;
use ringside_storage::{Directory, Pace};

use super::probe::RawDevice;
use super::report::{Report, histogram, record, us};
use crate::failure::{Failure, STORAGE};

/// Bytes of a segment here: as in a venue.
const SEGMENT: u64 = 64 << 20;

/// Arguments of `bench journal`.
#[derive(Args)]
pub struct JournalArgs {
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

/// Runs the benchmark.
pub fn run(args: &JournalArgs) -> Result<(), Failure> {
    let scratch = tempfile::tempdir_in(&args.dir).map_err(|error| Failure::new(STORAGE, error))?;
    let fail = |error: &dyn std::fmt::Display| Failure::new(STORAGE, error.to_string());
    let mut raw = RawDevice::new(scratch.path()).map_err(|error| fail(&error))?;
    let disk = Directory::create(&scratch.path().join("journal")).map_err(|error| fail(&error))?;
    let pace = Pace::Unpaced;
    let (source, task) = preparer(disk.clone(), SegmentOptions { length: SEGMENT, ahead: 2, pace }, 1);
    let helper = std::thread::spawn(move || task.run());
    let mut journal = Journal::create(source, new_epoch(), 0).map_err(|error| fail(&error))?;
    let commands: Vec<Command> = SteadyFlow::new().take(1 << 16).collect();
    let mut state = State { sequence: 0, commands };
    let append = state.append_cost(&mut journal).map_err(|error| fail(&error))?;
    let (mut durable, mut device) = (histogram(), histogram());
    let mut total = 0;
    let begin = Instant::now();
    while begin.elapsed().as_secs_f64() < args.duration {
        // Interleaved: both see the same weather.
        raw.probe(200, &mut device).map_err(|error| fail(&error))?;
        let slice = Duration::from_millis(400);
        total +=
            state.open_loop(&mut journal, args.rate, slice, &mut durable).map_err(|error| fail(&error))?;
    }
    let (disk_before, log_before) = (disk_bytes(&args.dir), journal.counters().bytes);
    let closed = state.saturate(&mut journal).map_err(|error| fail(&error))?;
    let written = journal.counters().bytes - log_before;
    let amplification =
        disk_bytes(&args.dir).zip(disk_before).map(|(now, then)| (now - then) as f64 / written as f64);
    drop(journal);
    let _ = helper.join();
    let mut report = Report::default();
    report.number("raw_p50_us", us(&device, 0.5));
    report.number("raw_p99_us", us(&device, 0.99));
    report.number("durable_p50_us", us(&durable, 0.5));
    report.number("durable_p99_us", us(&durable, 0.99));
    report.number("append_p50_ns", append);
    report.number("records_per_s", closed);
    match amplification {
        Some(ratio) => report.number("disk_bytes_per_log_byte", ratio),
        None => report.value("disk_bytes_per_log_byte", serde_json::Value::Null),
    }
    report.value("records_at_rate", total);
    report.value("rate", args.rate);
    report.print(args.json);
    Ok(())
}

/// Bytes written to the disk behind a directory since boot, by anybody: an upper bound of ours. `None` where the
/// kernel does not list the disk.
fn disk_bytes(directory: &Path) -> Option<u64> {
    const SECTOR: u64 = 512;
    let device = std::fs::metadata(directory).ok()?.dev();
    let (major, minor) = (libc::major(device).to_string(), libc::minor(device).to_string());
    let stats = std::fs::read_to_string("/proc/diskstats").ok()?;
    let mut rows = stats.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| row.len() > 9 && row[0] == major && row[1] == minor)?;
    // Column 10: sectors written (Documentation/admin-guide/iostats.rst).
    row[9].parse::<u64>().ok().map(|sectors| sectors * SECTOR)
}

type Appending<T> = Result<T, ringside_journal::JournalError>;

struct State {
    sequence: u64,
    commands: Vec<Command>,
}

impl State {
    fn append(&mut self, journal: &mut Journal<Directory>) -> Appending<()> {
        self.sequence += 1;
        let command = &self.commands[self.sequence as usize % self.commands.len()];
        journal.append(self.sequence, self.sequence, command).map(|_| ())
    }

    /// Median nanoseconds of an append, in groups of 64 so that the clock is not what is measured.
    fn append_cost(&mut self, journal: &mut Journal<Directory>) -> Appending<f64> {
        let mut times = histogram();
        for _ in 0..2_000 {
            let begin = Instant::now();
            for _ in 0..64 {
                self.append(journal)?;
            }
            record(&mut times, begin.elapsed().as_nanos() as u64);
        }
        journal.flush()?;
        Ok(times.value_at_quantile(0.5) as f64 / 64.0)
    }

    /// Records arrive at fixed moments; what arrived during a flush goes into the next one.
    fn open_loop(
        &mut self,
        journal: &mut Journal<Directory>,
        rate: u64,
        slice: Duration,
        durable: &mut hdrhistogram::Histogram<u64>,
    ) -> Appending<u64> {
        let count = (rate as f64 * slice.as_secs_f64()) as u64;
        let due = |n: u64| (n as f64 * 1e9 / rate as f64) as u64;
        let begin = Instant::now();
        let mut done = 0;
        while done < count {
            let now = begin.elapsed().as_nanos() as u64;
            let first = done;
            while done < count && due(done) <= now {
                self.append(journal)?;
                done += 1;
            }
            if done == first {
                std::hint::spin_loop();
                continue;
            }
            journal.flush()?;
            let end = begin.elapsed().as_nanos() as u64;
            (first..done).for_each(|n| record(durable, end - due(n)));
        }
        Ok(done)
    }

    /// Records a second when there is always another batch of 1,024. The preparer works beside it, as in a venue.
    fn saturate(&mut self, journal: &mut Journal<Directory>) -> Appending<f64> {
        let (begin, mut count) = (Instant::now(), 0_u64);
        while begin.elapsed() < Duration::from_secs(2) {
            for _ in 0..1_024 {
                self.append(journal)?;
            }
            journal.flush()?;
            count += 1_024;
        }
        Ok(count as f64 / begin.elapsed().as_secs_f64())
    }
}

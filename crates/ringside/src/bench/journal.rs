//! The journal alone: cost of an append, arrival to durable at a fixed rate, one record a flush, saturation, and the raw
//! device between.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use hdrhistogram::Histogram;
use ringside_domain::Command;
use ringside_journal::{Journal, JournalError, PreparerTask, Reader, new_epoch, preparer};
use ringside_sim::steady::SteadyFlow;
use ringside_storage::{Directory, Writer};

use super::open_loop::OpenLoop;
use super::probe::RawDevice;
use super::progress::Steps;
use super::recorder::Recorder;
use super::reference::wrong;
use super::report::{Report, histogram, record, us};
use super::rig;
use crate::failure::Failure;

/// Segments that are ready before the saturation without a preparer begins.
const READY: usize = 8;
/// Records of a flush at saturation.
const BATCH: u64 = 1_024;

/// Which writer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Which {
    /// Mapped files.
    Mmap,
    /// Around the page cache.
    Direct,
}

impl Which {
    /// As in the configuration.
    fn word(self) -> &'static str {
        match self {
            Which::Mmap => "mmap",
            Which::Direct => "direct",
        }
    }

    fn writer(self) -> Writer {
        match self {
            Which::Mmap => Writer::Mapped,
            Which::Direct => Writer::Direct,
        }
    }
}

/// Arguments of `bench journal`.
#[derive(Args)]
pub struct JournalArgs {
    /// As `[journal] writer`.
    #[arg(long, value_enum, default_value = "mmap")]
    pub writer: Which,
    /// Records a second offered (open loop).
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub rate: u64,
    /// Seconds of measurement.
    #[arg(long, default_value_t = 5.0, value_parser = super::seconds)]
    pub duration: f64,
    /// Where to write; the disk that is measured. Default: the current directory.
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
}

/// Runs the benchmark.
pub fn measure(args: &JournalArgs) -> Result<Report, Failure> {
    let steps = Steps::new("journal", 4);
    let scratch = tempfile::tempdir_in(&args.dir)?;
    let mut report = Report::new("journal", &args.dir);
    report.value("writer", args.writer.word());
    let mut raw = RawDevice::new(scratch.path())?;
    let disk = Directory::create(&scratch.path().join("latency"))?.with_writer(args.writer.writer())?;
    let mut bench = Bench::new(&disk)?;
    report.number("append_p50_ns", bench.append_cost()?);
    steps.step();
    // The device and single records take about as long as the records at a rate.
    let mut times =
        Times { device: histogram(), durable: Recorder::over(2.0 * args.duration), single: histogram() };
    let begin = Instant::now();
    let mut total = 0;
    while begin.elapsed().as_secs_f64() < args.duration {
        // Interleaved: all see the same weather.
        raw.probe(200, &mut times.device)?;
        total += bench.open_loop(args.rate, Duration::from_millis(400), begin, &mut times.durable)?;
        raw.probe(200, &mut times.device)?;
        bench.one_by_one(400, &mut times.single)?;
    }
    bench.end(&disk)?;
    steps.step();
    latencies(&mut report, times);
    report.value("records_at_rate", total);
    report.value("rate", args.rate);
    saturate(scratch.path(), args.writer.writer(), &mut report)?;
    Ok(report)
}

/// What is measured in turns.
struct Times {
    device: Histogram<u64>,
    durable: Recorder,
    single: Histogram<u64>,
}

fn latencies(report: &mut Report, times: Times) {
    let durable = times.durable.finish();
    for (name, times) in [("raw", &times.device), ("durable", &durable.total), ("single", &times.single)] {
        report.number(&format!("{name}_p50_us"), us(times, 0.5));
        report.number(&format!("{name}_p99_us"), us(times, 0.99));
    }
    report.against("durable_p50_us", "raw_p50_us", "durable_p50_r");
    report.against("durable_p99_us", "raw_p99_us", "durable_p99_r");
    report.against("single_p50_us", "raw_p50_us", "single_p50_r");
    report.series("durable", durable);
    report.series("single", times.single);
    report.series("device", times.device);
}

/// First with all segments made ready before, so that only the log is written; then for two seconds with the preparer
/// beside it, as in a venue, so that every byte is written twice.
fn saturate(scratch: &Path, writer: Writer, report: &mut Report) -> Result<(), Failure> {
    let directory = |name| Directory::create(&scratch.join(name))?.with_writer(writer);
    let ready = directory("ready")?;
    let mut bench = Bench::ready(&ready)?;
    // The last one is still in the hand of the task, which is not driven.
    let alone = bench.until(scratch, |bench| bench.journal.segment() == READY as u64 - 1)?;
    report.number("records_per_s", alone.records_per_s);
    report.optional("disk_bytes_per_log_byte", alone.own_ratio);
    report.optional("device_bytes_per_log_byte", alone.device_ratio);
    bench.end(&ready)?;
    let shared = directory("beside")?;
    let mut bench = Bench::new(&shared)?;
    let begin = Instant::now();
    let beside = bench.until(scratch, |_| begin.elapsed() > Duration::from_secs(2))?;
    report.number("sustained_records_per_s", beside.records_per_s);
    report.optional("sustained_disk_bytes_per_log_byte", beside.own_ratio);
    bench.end(&shared)
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
    preparing: Option<std::thread::JoinHandle<()>>,
    /// Holds the sending end open.
    idle: Option<PreparerTask<Directory>>,
}

impl Bench {
    /// A new journal whose segments are prepared beside it.
    fn new(disk: &Directory) -> Appending<Bench> {
        let (journal, preparing) = rig::journal(disk.clone(), 2)?;
        Ok(Bench { preparing: Some(preparing), ..Bench::over(journal) })
    }

    /// A new journal whose first segments are ready; nobody prepares more.
    fn ready(disk: &Directory) -> Result<Bench, Failure> {
        let (source, mut task) = preparer(disk.clone(), rig::segments(READY), 1);
        while task.poll()? {}
        let journal = Journal::create(source, new_epoch(), 0)?;
        Ok(Bench { idle: Some(task), ..Bench::over(journal) })
    }

    fn over(journal: Journal<Directory>) -> Bench {
        Bench {
            journal,
            sequence: 0,
            commands: SteadyFlow::new().take(1 << 16).collect(),
            preparing: None,
            idle: None,
        }
    }

    /// Ends, and reads back what was written: every record, in order, is the command that was appended.
    fn end(self, disk: &Directory) -> Result<(), Failure> {
        let Bench { journal, sequence, commands, preparing, idle } = self;
        drop((journal, idle));
        // A preparer that panicked has been seen already: the journal had no more segments.
        let _ = preparing.map(std::thread::JoinHandle::join);
        let mut read = 0;
        for entry in Reader::open(disk.clone()) {
            let entry = entry.map_err(|error| Failure::new(crate::failure::recover_code(&error), error))?;
            read += 1;
            if entry.sequence != read || entry.command != commands[read as usize % commands.len()] {
                return Err(wrong(format!("record {read} is {} {:?}", entry.sequence, entry.command)));
            }
        }
        match read == sequence {
            true => Ok(()),
            false => Err(wrong(format!("{sequence} records were appended, {read} can be read"))),
        }
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
    fn open_loop(
        &mut self,
        rate: u64,
        slice: Duration,
        clock: Instant,
        durable: &mut Recorder,
    ) -> Appending<u64> {
        let now = || clock.elapsed().as_nanos() as u64;
        let mut arriving = OpenLoop::lasting(now(), rate, slice);
        let mut done = 0;
        while !arriving.is_over() {
            let (first, at) = (done, now());
            while arriving.is_due(at) {
                arriving.send(at);
                self.append()?;
                done += 1;
            }
            if done == first {
                std::hint::spin_loop();
                continue;
            }
            self.journal.flush()?;
            let end = now();
            (first..done).for_each(|n| durable.record(end, end - arriving.moment(n)));
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

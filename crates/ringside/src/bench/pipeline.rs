//! Input ring → journal ∥ engine → output ring, with the production stages and a real journal, without sockets.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use hdrhistogram::Histogram;
use ringside_domain::{Command, Event};
use ringside_engine::{Engine, Limits};
use ringside_journal::{Journal, SegmentOptions, new_epoch, preparer};
use ringside_sim::steady::{SteadyFlow, setup};
use ringside_storage::{Directory, Pace};
use ringside_venue::clock::{Reading, VenueClock};
use ringside_venue::config::Apply;
use ringside_venue::recovery::Log;
use ringside_venue::ring::{OUTPUT_SLOTS, OutputPoller, input_ring, output_ring};
use ringside_venue::shared::Shared;
use ringside_venue::stages::{EngineStage, Inlet, JournalStage, Stage, StageError, SyncPolicy};
use ringside_venue::threads::{IdleStrategy, StageThread, bell};
use ringside_venue::timing::{OUTLIER, SAMPLE_EVERY, Timing, TimingOptions};

use super::report::{Report, histogram, median, record, us};
use crate::failure::{Failure, STORAGE, USAGE};

/// Sync mode of the journal.
#[derive(Clone, Copy, ValueEnum, PartialEq, Eq, Debug)]
pub enum SyncMode {
    /// Durable releases.
    Always,
    /// Written releases, synced every second.
    Interval,
    /// Written releases.
    Never,
}

/// Arguments of `bench pipeline`.
#[derive(Args)]
pub struct PipelineArgs {
    /// Sync mode.
    #[arg(long, value_enum, default_value = "never")]
    sync: SyncMode,
    /// Commands a run.
    #[arg(long, default_value_t = 2_000_000)]
    commands: usize,
    /// Repetitions; the median counts.
    #[arg(long, default_value_t = 5)]
    runs: u32,
    /// Commands a second of the latency part (open loop).
    #[arg(long, default_value_t = 100_000)]
    rate: u64,
    /// One command in so many is timed, as in the configuration; 0: none.
    #[arg(long, default_value_t = SAMPLE_EVERY)]
    sample_every: u64,
    /// Where the journal goes. Default: the current directory.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// One JSON line instead of a table.
    #[arg(long)]
    json: bool,
}

/// Runs the benchmark.
pub fn run(args: &PipelineArgs) -> Result<(), Failure> {
    if args.sample_every > 0 && !args.sample_every.is_power_of_two() {
        return Err(Failure::new(USAGE, format!("--sample-every: {} is no power of two", args.sample_every)));
    }
    let commands: Arc<[Command]> = SteadyFlow::new().take(args.commands).collect();
    let expected = reference_hash(&commands);
    let mut rates = Vec::new();
    for _ in 0..args.runs.max(1) {
        let run = Run::start(args, None)?;
        let (seconds, _) = run.drive(&commands, None);
        rates.push(commands.len() as f64 / seconds);
        run.finish(expected)?;
    }
    let count = (args.rate as usize * 3).min(commands.len());
    let run = Run::start(args, Some(args.rate))?;
    let (_, times) = run.drive(&commands[..count], Some(args.rate));
    run.finish(reference_hash(&commands[..count]))?;
    let mut report = Report::default();
    report.number("commands_per_s", median(rates));
    report.number("p50_us", us(&times, 0.5));
    report.number("p99_us", us(&times, 0.99));
    report.number("p999_us", us(&times, 0.999));
    report.value("latency_rate", args.rate);
    report.value("sample_every", args.sample_every);
    report.value("sync", format!("{:?}", args.sync).to_lowercase());
    report.print(args.json);
    Ok(())
}

/// State after the same commands without any pipeline; time is left out of the comparison.
fn reference_hash(commands: &[Command]) -> (u64, u64) {
    let mut engine = Engine::new(Limits::default());
    setup().iter().chain(commands).for_each(|command| engine.apply(0, command, &mut |_: Event| {}));
    (engine.counters().trades, engine.counters().volume)
}

/// Drains the output ring; in place of gateway and egress.
struct Drain {
    output: OutputPoller,
    shared: Arc<Shared>,
    /// Last command whose answer was drained, and that as it was timed.
    told: u64,
    timed: u64,
}

impl Stage for Drain {
    fn poll(&mut self) -> Result<bool, StageError> {
        let applied = self.shared.applied.get();
        let worked = match self.output.take(OUTPUT_SLOTS as u64) {
            Ok(mut guard) => {
                for slot in &mut guard {
                    self.told = std::hint::black_box(slot.sequence);
                }
                true
            }
            Err(_) => false,
        };
        if self.told > self.timed {
            self.shared.timing.answered((self.timed, self.told), self.shared.timing.now());
            self.timed = self.told;
        }
        if !self.output.has_available() {
            let delivered = applied.min(self.shared.released.get());
            self.shared.delivered.advance(delivered.max(self.shared.delivered.get()));
        }
        Ok(worked)
    }
}

struct Run {
    inlet: std::cell::RefCell<Inlet>,
    shared: Arc<Shared>,
    thread: std::thread::JoinHandle<Result<(), StageError>>,
    helper: std::thread::JoinHandle<()>,
    _scratch: tempfile::TempDir,
}

impl Run {
    /// The stages on one thread, as a venue on two cores has them; the caller's thread feeds.
    fn start(args: &PipelineArgs, rate: Option<u64>) -> Result<Run, Failure> {
        let fail = |error: &dyn std::fmt::Display| Failure::new(STORAGE, error.to_string());
        let scratch = tempfile::tempdir_in(&args.dir).map_err(|error| fail(&error))?;
        let disk = Directory::create(&scratch.path().join("journal")).map_err(|error| fail(&error))?;
        let options = SegmentOptions { length: 64 << 20, ahead: 8, pace: Pace::Unpaced };
        let (source, task) = preparer(disk, options, 1);
        let helper = std::thread::spawn(move || task.run());
        let journal: Log = Journal::create(source, new_epoch(), 0).map_err(|error| fail(&error))?;
        // All segments of the run are ready before the clock starts: preparing is the disk's time, not ours.
        while journal.preparer_status().ready() < 8 {
            std::thread::sleep(Duration::from_millis(5));
        }
        let timing = Timing::new(TimingOptions { sample_every: args.sample_every, outlier: OUTLIER });
        let shared = Arc::new(Shared { timing, ..Shared::new(0) });
        let wake = bell();
        let (producer, journal_input, engine_input) = input_ring();
        let (events, output) = output_ring();
        let policy = match args.sync {
            SyncMode::Always => SyncPolicy::Always,
            SyncMode::Interval => SyncPolicy::Interval(Duration::from_secs(1)),
            SyncMode::Never => SyncPolicy::Never,
        };
        let journal = JournalStage::new(journal, journal_input, policy, shared.clone(), (0, 0), Vec::new());
        let engine = Engine::new(Limits::default());
        let engine = EngineStage::new(
            engine,
            engine_input,
            events,
            Apply::Ahead,
            shared.clone(),
            (0, 0),
            wake.clone(),
        );
        let drain = Drain { output, shared: shared.clone(), told: 0, timed: 0 };
        let thread = StageThread {
            name: "bench-core",
            core: None,
            stages: vec![Box::new(journal), Box::new(engine), Box::new(drain)],
            idle: if rate.is_some() { IdleStrategy::Yield } else { IdleStrategy::Park },
            bell: wake.clone(),
            shared: shared.clone(),
        };
        let thread = std::thread::spawn(move || thread.run());
        let clock = VenueClock::new(0, Reading::now());
        let inlet = std::cell::RefCell::new(Inlet::new(producer, shared.clone(), clock, vec![wake]));
        Ok(Run { inlet, shared, thread, helper, _scratch: scratch })
    }

    /// Feeds the commands: as fast as there is room, or each at its moment. Times are from the intended moment
    /// to delivery.
    fn drive(&self, commands: &[Command], rate: Option<u64>) -> (f64, Histogram<u64>) {
        let mut inlet = self.inlet.borrow_mut();
        let first = setup();
        first.iter().for_each(|command| offer(&mut inlet, command));
        inlet.announce();
        self.wait_for(first.len() as u64);
        let mut times = histogram();
        let begin = Instant::now();
        let mut seen = 0;
        for (n, command) in commands.iter().enumerate() {
            if let Some(rate) = rate {
                let due = n as u64 * 1_000_000_000 / rate;
                while (begin.elapsed().as_nanos() as u64) < due {
                    self.note(begin, rate, first.len() as u64, &mut seen, &mut times);
                    std::thread::yield_now();
                }
            }
            offer(&mut inlet, command);
            if rate.is_some() || n % 64 == 0 {
                inlet.announce();
            }
        }
        inlet.announce();
        let last = (first.len() + commands.len()) as u64;
        while self.shared.delivered.get() < last {
            if let Some(rate) = rate {
                self.note(begin, rate, first.len() as u64, &mut seen, &mut times);
            }
            std::thread::yield_now();
        }
        (begin.elapsed().as_secs_f64(), times)
    }

    /// Notes the commands that were delivered since the last look.
    fn note(&self, begin: Instant, rate: u64, first: u64, seen: &mut u64, times: &mut Histogram<u64>) {
        let delivered = self.shared.delivered.get().saturating_sub(first);
        let now = begin.elapsed().as_nanos() as u64;
        while *seen < delivered {
            record(times, now.saturating_sub(*seen * 1_000_000_000 / rate));
            *seen += 1;
        }
    }

    fn wait_for(&self, sequence: u64) {
        while self.shared.delivered.get() < sequence {
            std::thread::yield_now();
        }
    }

    /// Stops, and compares what was matched with the reference.
    fn finish(self, expected: (u64, u64)) -> Result<(), Failure> {
        let trades = self.shared.trades.load(Ordering::Relaxed);
        self.shared.input_closed.store(true, Ordering::Release);
        self.shared.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.join().expect("the stage thread does not panic");
        ended.map_err(|error| Failure::new(STORAGE, error))?;
        let _ = self.helper.join();
        if trades != expected.0 {
            return Err(Failure::new(1, format!("{trades} trades, the reference has {}", expected.0)));
        }
        Ok(())
    }
}

fn offer(inlet: &mut Inlet, command: &Command) {
    use ringside_gateway::CommandSink;
    while !inlet.offer(command) {
        inlet.announce();
        std::thread::yield_now();
    }
}

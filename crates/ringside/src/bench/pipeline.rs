//! Input ring → journal ∥ engine → output ring, with the production stages and a real journal, without sockets.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use ringside_domain::{Command, Event};
use ringside_engine::{Engine, Limits};
use ringside_gateway::CommandSink;
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

use super::open_loop::{Counts, OpenLoop};
use super::output::Output;
use super::probe::RawDevice;
use super::progress::Steps;
use super::recorder::Recorder;
use super::reference::{State, replay, wrong};
use super::report::{Report, histogram, median};
use super::rings;
use crate::failure::{Failure, STORAGE};

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

impl SyncMode {
    /// As in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            SyncMode::Always => "always",
            SyncMode::Interval => "interval",
            SyncMode::Never => "never",
        }
    }

    fn policy(self) -> SyncPolicy {
        match self {
            SyncMode::Always => SyncPolicy::Always,
            SyncMode::Interval => SyncPolicy::Interval(Duration::from_secs(1)),
            SyncMode::Never => SyncPolicy::Never,
        }
    }
}

/// Bytes of a segment: as in a venue.
const SEGMENT: usize = 64 << 20;
/// Most that a command of the flow and its share of a flush take in the journal.
const RECORD_BYTES_MAX: usize = 192;
/// Commands of the open loop before the clock counts: a tenth of a second.
const WARM_UP: usize = 10_000;
/// Commands of the closed loop. One costs a sync with `always`.
const ONE_BY_ONE: usize = 20_000;
/// Slots through the bare ring.
const BARE_SLOTS: u64 = 10_000_000;
/// Slots that go and come back one at a time.
const BARE_TRIPS: u64 = 100_000;

/// Arguments of `bench pipeline`.
#[derive(Args)]
pub struct PipelineArgs {
    /// Sync mode.
    #[arg(long, value_enum, default_value = "never")]
    pub sync: SyncMode,
    /// Commands a run.
    #[arg(long, default_value_t = 2_000_000)]
    pub commands: usize,
    /// Repetitions; the median counts.
    #[arg(long, default_value_t = 5)]
    pub runs: u32,
    /// Commands a second of the latency part (open loop).
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub rate: u64,
    /// Seconds of the latency part.
    #[arg(long, default_value_t = 3.0)]
    pub duration: f64,
    /// Where the journal goes. Default: the current directory.
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
    #[command(flatten)]
    pub output: Output,
}

/// Runs the benchmark.
pub fn measure(args: &PipelineArgs) -> Result<Report, Failure> {
    let steps = Steps::new("pipeline", u64::from(args.runs.max(1)) + 3);
    let commands: Arc<[Command]> = SteadyFlow::new().take(args.commands).collect();
    let mut rates = Vec::new();
    for _ in 0..args.runs.max(1) {
        let mut run = Run::start(args, IdleStrategy::Park, commands.len())?;
        rates.push(commands.len() as f64 / run.saturate(&commands));
        run.finish(&commands)?;
        steps.step();
    }
    let mut report = Report::new("pipeline", &args.dir);
    report.number("commands_per_s", median(rates));
    report.number("raw_ring_per_s", rings::throughput(BARE_SLOTS));
    report.rate_against("commands_per_s", "raw_ring_per_s", "raw_ring_ratio");
    steps.step();
    open_loop(args, &mut report)?;
    steps.step();
    closed_loop(args, &commands, &mut report)?;
    report.value("latency_rate", args.rate);
    report.value("sync", args.sync.word());
    Ok(report)
}

/// Each command at its moment.
fn open_loop(args: &PipelineArgs, report: &mut Report) -> Result<(), Failure> {
    let count = WARM_UP + (args.rate as f64 * args.duration) as usize;
    let commands: Vec<Command> = SteadyFlow::new().take(count).collect();
    let mut run = Run::start(args, IdleStrategy::Yield, commands.len())?;
    run.offer_at(args.rate, &commands[..WARM_UP], Recorder::over(1.0));
    let (times, counts) = run.offer_at(args.rate, &commands[WARM_UP..], Recorder::over(args.duration));
    run.finish(&commands)?;
    let times = times.finish();
    report.quantiles("", &times.total);
    report.counts(counts);
    report.series("pipeline", times);
    Ok(())
}

/// Each command when the one before it has come out, with the bare rings and the bare device between.
fn closed_loop(args: &PipelineArgs, commands: &[Command], report: &mut Report) -> Result<(), Failure> {
    let commands = &commands[..ONE_BY_ONE.min(commands.len())];
    let mut run = Run::start(args, IdleStrategy::Yield, commands.len())?;
    let times = run.one_by_one(commands);
    let scratch = run.finish(commands)?;
    let (ring, mut device) = (rings::ping_pong(BARE_TRIPS), histogram());
    let failed = |error: std::io::Error| Failure::new(STORAGE, error);
    RawDevice::new(scratch.path()).map_err(failed)?.probe(2_000, &mut device).map_err(failed)?;
    let times = times.finish();
    report.quantiles("closed_", &times.total);
    report.quantiles("raw_ring_", &ring);
    report.quantiles("raw_", &device);
    report.against("p50_us", "raw_ring_p50_us", "p50_per_ring_p50");
    report.against("closed_p50_us", "raw_ring_p50_us", "closed_p50_per_ring_p50");
    if args.sync == SyncMode::Always {
        report.against("p50_us", "raw_p50_us", "p50_per_raw_p50");
        report.against("p99_us", "raw_p99_us", "p99_per_raw_p99");
        report.against("closed_p50_us", "raw_p50_us", "closed_p50_per_raw_p50");
    }
    report.series("closed", times);
    report.series("ring", ring);
    report.series("device", device);
    Ok(())
}

/// Matches and shares after the same commands without any pipeline, at no time at all.
fn reference(commands: &[Command]) -> (u64, u64) {
    let mut engine = Engine::new(Limits::default());
    setup().iter().chain(commands).for_each(|command| engine.apply(0, command, &mut |_: Event| {}));
    (engine.counters().trades, engine.counters().volume)
}

/// The engine's stage; tells its last state when its thread has ended.
struct Watched {
    stage: EngineStage,
    last: Arc<OnceLock<State>>,
}

impl Stage for Watched {
    fn poll(&mut self) -> Result<bool, StageError> {
        self.stage.poll()
    }

    fn finish(&mut self) -> Result<(), StageError> {
        let _ = self.last.set(State::of(self.stage.engine()));
        self.stage.finish()
    }

    fn is_drained(&self) -> bool {
        self.stage.is_drained()
    }
}

/// Drains the output ring; in place of gateway and egress.
struct Drain {
    output: OutputPoller,
    shared: Arc<Shared>,
}

impl Stage for Drain {
    fn poll(&mut self) -> Result<bool, StageError> {
        let applied = self.shared.applied.get();
        let worked = match self.output.take(OUTPUT_SLOTS as u64) {
            Ok(mut guard) => {
                for slot in &mut guard {
                    std::hint::black_box(slot.sequence);
                }
                true
            }
            Err(_) => false,
        };
        if !self.output.has_available() {
            let delivered = applied.min(self.shared.released.get());
            self.shared.delivered.advance(delivered.max(self.shared.delivered.get()));
        }
        Ok(worked)
    }
}

struct Run {
    inlet: Inlet,
    shared: Arc<Shared>,
    last: Arc<OnceLock<State>>,
    thread: std::thread::JoinHandle<Result<(), StageError>>,
    preparing: std::thread::JoinHandle<()>,
    scratch: tempfile::TempDir,
    clock: Instant,
}

impl Run {
    /// The stages on one thread, as a venue on two cores has them; the caller's thread feeds.
    fn start(args: &PipelineArgs, idle: IdleStrategy, commands: usize) -> Result<Run, Failure> {
        let fail = |error: &dyn std::fmt::Display| Failure::new(STORAGE, error.to_string());
        let scratch = tempfile::tempdir_in(&args.dir).map_err(|error| fail(&error))?;
        let disk = Directory::create(&scratch.path().join("journal")).map_err(|error| fail(&error))?;
        let ahead = commands * RECORD_BYTES_MAX / SEGMENT + 2;
        let options = SegmentOptions { length: SEGMENT as u64, ahead, pace: Pace::Unpaced };
        let (source, task) = preparer(disk, options, 1);
        let preparing = std::thread::spawn(move || task.run());
        let journal: Log = Journal::create(source, new_epoch(), 0).map_err(|error| fail(&error))?;
        // All segments of the run are ready before the clock starts: preparing is the disk's time, not ours.
        while journal.preparer_status().ready() < ahead as u64 {
            std::thread::sleep(Duration::from_millis(5));
        }
        let (shared, wake) = (Arc::new(Shared::new(0)), bell());
        let (producer, journal_input, engine_input) = input_ring();
        let (events, output) = output_ring();
        let policy = args.sync.policy();
        let journal = JournalStage::new(journal, journal_input, policy, shared.clone(), (0, 0), Vec::new());
        let (engine, apply, start) = (Engine::new(Limits::default()), Apply::Ahead, (0, 0));
        let stage =
            EngineStage::new(engine, engine_input, events, apply, shared.clone(), start, wake.clone());
        let last = Arc::new(OnceLock::new());
        let engine = Watched { stage, last: last.clone() };
        let drain = Drain { output, shared: shared.clone() };
        let thread = StageThread {
            name: "bench-core",
            core: None,
            stages: vec![Box::new(journal), Box::new(engine), Box::new(drain)],
            idle,
            bell: wake.clone(),
            shared: shared.clone(),
        };
        let thread = std::thread::spawn(move || thread.run());
        let inlet = Inlet::new(producer, shared.clone(), VenueClock::new(0, Reading::now()), vec![wake]);
        let mut run = Run { inlet, shared, last, thread, preparing, scratch, clock: Instant::now() };
        setup().iter().for_each(|command| run.offer(command));
        run.inlet.announce();
        run.wait_for(run.inlet.published());
        Ok(run)
    }

    fn now(&self) -> u64 {
        self.clock.elapsed().as_nanos() as u64
    }

    /// Feeds commands as fast as there is room; the seconds it took.
    fn saturate(&mut self, commands: &[Command]) -> f64 {
        let begin = Instant::now();
        // One stamp and one bell for each 64: a turn of a busy gateway.
        for turn in commands.chunks(64) {
            self.inlet.begin_turn();
            turn.iter().for_each(|command| self.offer(command));
            self.inlet.announce();
        }
        self.wait_for(self.inlet.published());
        begin.elapsed().as_secs_f64()
    }

    /// Feeds each command at its moment. Times are from the moment to delivery.
    fn offer_at(&mut self, rate: u64, commands: &[Command], mut times: Recorder) -> (Recorder, Counts) {
        let first = self.inlet.published();
        let mut offered = OpenLoop::new(self.now(), rate, commands.len() as u64);
        let (mut rest, mut seen) = (commands.iter(), 0);
        while seen < commands.len() as u64 {
            let now = self.now();
            let delivered = self.shared.delivered.get().saturating_sub(first);
            while seen < delivered {
                times.record(now, now.saturating_sub(offered.moment(seen)));
                seen += 1;
            }
            if !offered.is_due(now) {
                std::thread::yield_now();
                continue;
            }
            self.inlet.begin_turn();
            // One is taken for each moment, and there are as many.
            rest.next().into_iter().for_each(|command| self.offer(command));
            self.inlet.announce();
            offered.send(now);
        }
        (times, offered.counts())
    }

    /// Feeds each command when the last has been delivered.
    fn one_by_one(&mut self, commands: &[Command]) -> Recorder {
        let mut times = Recorder::over(1.0);
        for command in commands {
            let begin = self.now();
            self.inlet.begin_turn();
            self.offer(command);
            self.inlet.announce();
            self.wait_for(self.inlet.published());
            let now = self.now();
            times.record(now, now - begin);
        }
        times
    }

    fn offer(&mut self, command: &Command) {
        while !self.inlet.offer(command) {
            self.inlet.announce();
            std::thread::yield_now();
        }
    }

    fn wait_for(&self, sequence: u64) {
        while self.shared.delivered.get() < sequence {
            std::thread::yield_now();
        }
    }

    /// Stops; the engine must be where its commands lead without a pipeline, and where its journal leads.
    fn finish(self, commands: &[Command]) -> Result<tempfile::TempDir, Failure> {
        self.shared.input_closed.store(true, Ordering::Release);
        self.shared.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.join().expect("the stage thread does not panic");
        ended.map_err(|error| Failure::new(STORAGE, error))?;
        // A preparer that panicked has been seen already: the journal had no more segments.
        let _ = self.preparing.join();
        let last = self.last.get().ok_or_else(|| wrong("the engine did not end in order"))?;
        let replayed = replay(self.scratch.path(), u64::MAX)?;
        last.must_be(&State::of(&replayed.engine))?;
        let (trades, volume) = reference(commands);
        if (last.trades, last.volume) != (trades, volume) {
            return Err(wrong(format!("{last:?}, the reference has {trades} trades of {volume}")));
        }
        Ok(self.scratch)
    }
}

//! Input ring → journal ∥ engine → output ring, with the production stages and a real journal, without sockets.

mod run;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use ringside_domain::Command;
use ringside_sim::steady::SteadyFlow;
use ringside_venue::threads::IdleStrategy;
use ringside_venue::timing::SAMPLE_EVERY;

use self::run::{Run, Traded};
use super::probe::RawDevice;
use super::progress::Steps;
use super::recorder::Recorder;
use super::report::{Report, histogram, median};
use super::rings;
use crate::failure::Failure;

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
}

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
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub commands: u64,
    /// Repetitions; the median counts.
    #[arg(long, default_value_t = 5)]
    pub runs: u32,
    /// Commands a second of the latency part (open loop).
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub rate: u64,
    /// Seconds of the latency part.
    #[arg(long, default_value_t = 3.0, value_parser = super::seconds)]
    pub duration: f64,
    /// One command in so many is timed, as in the configuration: a power of two, or 0: none.
    #[arg(long, default_value_t = SAMPLE_EVERY, value_parser = super::sample_every)]
    pub sample_every: u64,
    /// Where the journal goes. Default: the current directory.
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
}

/// Runs the benchmark.
pub fn measure(args: &PipelineArgs) -> Result<Report, Failure> {
    let steps = Steps::new("pipeline", u64::from(args.runs.max(1)) + 3);
    let commands: Arc<[Command]> = SteadyFlow::new().take(args.commands as usize).collect();
    let (mut rates, expected) = (Vec::new(), Traded::by(&commands));
    for _ in 0..args.runs.max(1) {
        let mut run = Run::start(args, IdleStrategy::Park, commands.len())?;
        rates.push(commands.len() as f64 / run.saturate(&commands));
        run.finish(expected)?;
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
    report.value("sample_every", args.sample_every);
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
    run.finish(Traded::by(&commands))?;
    let times = times.finish();
    report.quantiles("", &times.total);
    report.counts(counts);
    report.series("pipeline", times);
    Ok(())
}

/// Each command when the one before it has come out, the bare device interleaved. The bare rings come before: beside the
/// stages' thread they would not have a core each.
fn closed_loop(args: &PipelineArgs, commands: &[Command], report: &mut Report) -> Result<(), Failure> {
    let ring = rings::ping_pong(BARE_TRIPS);
    let commands = &commands[..ONE_BY_ONE.min(commands.len())];
    let mut run = Run::start(args, IdleStrategy::Yield, commands.len())?;
    let mut raw = RawDevice::new(run.directory())?;
    let (mut times, mut device) = (Recorder::over(1.0), histogram());
    for part in commands.chunks(ONE_BY_ONE / 10) {
        raw.probe(200, &mut device)?;
        run.one_by_one(part, &mut times);
    }
    run.finish(Traded::by(commands))?;
    let times = times.finish();
    report.quantiles("closed_", &times.total);
    report.quantiles("raw_ring_", &ring);
    report.quantiles("raw_", &device);
    if args.sync == SyncMode::Always {
        report.against("p50_us", "raw_p50_us", "p50_per_raw_p50");
        report.against("p99_us", "raw_p99_us", "p99_per_raw_p99");
        report.against("closed_p50_us", "raw_p50_us", "closed_p50_per_raw_p50");
    } else {
        report.against("p50_us", "raw_ring_p50_us", "p50_per_ring_p50");
        report.against("closed_p50_us", "raw_ring_p50_us", "closed_p50_per_ring_p50");
    }
    report.series("closed", times);
    report.series("ring", ring);
    report.series("device", device);
    Ok(())
}

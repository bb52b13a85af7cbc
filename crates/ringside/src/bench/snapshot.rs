//! What a snapshot costs those who trade meanwhile: the production stages and the snapshot thread, without sockets, an open
//! loop of orders, times from the intended moment to the durable answer.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clap::Args;
use crossbeam_channel::bounded;
use hdrhistogram::Histogram;
use ringside_domain::{
    Action, Command, Enter, InstrumentId, InstrumentTerms, LoginId, LoginTerms, Symbol, Text,
};
use ringside_engine::{Engine, Limits};
use ringside_gateway::CommandSink;
use ringside_sim::steady::{self, SteadyFlow};
use ringside_storage::Directory;
use ringside_venue::clock::{Reading, VenueClock};
use ringside_venue::config::Apply;
use ringside_venue::ring::{input_ring, output_ring};
use ringside_venue::shared::Shared;
use ringside_venue::snapshots::{BARRIERS_MAX, SnapshotTask, generations};
use ringside_venue::stages::{EngineStage, Inlet, JournalStage, StageError, SyncPolicy};
use ringside_venue::threads::{IdleStrategy, StageThread, bell};

use super::open_loop::{Counts, OpenLoop};
use super::probe::write_seconds;
use super::progress::Steps;
use super::report::{Report, histogram, median, record, us};
use super::rig;
use crate::failure::{Failure, STORAGE};

/// Owners of the resting orders.
const OWNERS: u64 = 64;
/// Price levels of a side.
const LEVELS: u64 = 2_000;

/// Arguments of `bench snapshot`.
#[derive(Args)]
pub struct SnapshotArgs {
    /// Orders that rest.
    #[arg(long, default_value_t = 1_000_000)]
    pub orders: u64,
    /// Commands a second meanwhile.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub rate: u64,
    /// Seconds without a snapshot before each one.
    #[arg(long, default_value_t = 4)]
    pub seconds: u64,
    /// Snapshots, each after a time without one.
    #[arg(long, default_value_t = 5)]
    pub runs: u32,
    /// Where journal and snapshots go. Default: the current directory.
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
}

/// Runs the benchmark.
pub fn measure(args: &SnapshotArgs) -> Result<Report, Failure> {
    let steps = Steps::new("snapshot", u64::from(args.runs.max(1)) + 1);
    let scratch = tempfile::tempdir_in(&args.dir)?;
    let mut desk = Desk::start(scratch.path())?;
    desk.fill(args.orders);
    // The first one carries out everything since the beginning: not what a venue does every so often.
    desk.snapshot(args.rate)?;
    desk.counts = Counts::default();
    steps.step();
    let (mut p99, mut p999, mut with, mut without) = (Vec::new(), Vec::new(), histogram(), histogram());
    for _ in 0..args.runs.max(1) {
        let quiet = desk.quiet(args.rate, Duration::from_secs(args.seconds));
        let busy = desk.snapshot(args.rate)?;
        let ratio = |quantile| us(&busy, quantile) / us(&quiet, quantile);
        p99.push(ratio(0.99));
        p999.push(ratio(0.999));
        with += &busy;
        without += &quiet;
        steps.step();
    }
    let figures = &desk.shared.snapshots;
    let load = |figure: &std::sync::atomic::AtomicU64| figure.load(Ordering::Relaxed) as f64;
    let mut report = Report::new("snapshot", &args.dir);
    report.value("orders", desk.shared.live_orders.load(Ordering::Relaxed));
    report.number("added_latency_max_us", load(&figures.engine_ns_max) / 1e3);
    // Of all windows together: whether a stall of the host's falls into a window of seconds is chance.
    report.number("wall_p999_ratio", us(&with, 0.999) / us(&without, 0.999));
    report.number("durable_p99_ratio", us(&with, 0.99) / us(&without, 0.99));
    report.number("wall_p999_pair_ratio", median(p999));
    report.number("durable_p99_pair_ratio", median(p99));
    for (name, times) in [("with", &with), ("without", &without)] {
        report.number(&format!("durable_p99_{name}_us"), us(times, 0.99));
        report.number(&format!("wall_p999_{name}_us"), us(times, 0.999));
    }
    let bytes = figures.bytes.load(Ordering::Relaxed);
    report.value("bytes", bytes);
    report.number("write_s", load(&figures.write_micros) / 1e6);
    report.number("snapshot_s", load(&figures.micros) / 1e6);
    report.value("sent", desk.counts.sent);
    report.value("late_sends", desk.counts.late);
    desk.finish()?;
    report.number("load_ms", load_ms(scratch.path())?);
    report.number("raw_write_s", write_seconds(scratch.path(), bytes)?);
    report.against("write_s", "raw_write_s", "write_per_floor");
    report.value("rate", args.rate);
    report.series("with", with);
    report.series("without", without);
    Ok(report)
}

/// Median time to make an engine of the newest snapshot, checksums included.
fn load_ms(data_dir: &std::path::Path) -> Result<f64, Failure> {
    let generations = generations(data_dir)?;
    let newest = generations.list()?.first().copied().unwrap_or(0);
    let mut times = Vec::new();
    for _ in 0..5 {
        let begin = Instant::now();
        let loaded =
            generations.load(newest, Limits::default()).map_err(|error| Failure::new(STORAGE, error))?;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        drop(loaded);
    }
    Ok(median(times))
}

/// A running pipeline and the one who feeds it.
struct Desk {
    inlet: Inlet,
    shared: Arc<Shared>,
    flow: SteadyFlow,
    stages: JoinHandle<Result<(), StageError>>,
    helpers: Vec<JoinHandle<()>>,
    /// What became of the commands of all open loops.
    counts: Counts,
}

impl Desk {
    fn start(data_dir: &std::path::Path) -> Result<Desk, Failure> {
        let disk = Directory::create(&data_dir.join("journal"))?;
        let (journal, preparing) = rig::journal(disk, 8)?;
        let shared = Arc::new(Shared::new(0));
        let (wake, (producer, journal_input, engine_input)) = (bell(), input_ring());
        let (events, output) = output_ring();
        let (hashes, _) = bounded(BARRIERS_MAX);
        let (told, barriers) = bounded(BARRIERS_MAX);
        let task = SnapshotTask::new(data_dir, None, shared.clone(), barriers, hashes)?;
        let helpers = vec![preparing, std::thread::spawn(move || task.run())];
        let journal =
            JournalStage::new(journal, journal_input, SyncPolicy::Always, shared.clone(), (0, 0), vec![]);
        let engine = Engine::new(Limits::default());
        let (apply, start) = (Apply::Ahead, (0, 0));
        let engine =
            EngineStage::new(engine, engine_input, events, apply, shared.clone(), start, vec![wake.clone()])
                .with_barriers(told);
        let drain = rig::Drain::new(output, shared.clone());
        let thread = StageThread {
            name: "bench-core".into(),
            core: None,
            stages: vec![Box::new(journal), Box::new(engine), Box::new(drain)],
            idle: IdleStrategy::Park,
            bell: wake.clone(),
            shared: shared.clone(),
        };
        let stages = std::thread::spawn(move || thread.run());
        let clock = VenueClock::new(0, Reading::now());
        let inlet = Inlet::new(producer, shared.clone(), clock, vec![wake]);
        Ok(Desk { inlet, shared, flow: SteadyFlow::new(), stages, helpers, counts: Counts::default() })
    }

    /// Configuration, and orders that rest in an instrument of their own.
    fn fill(&mut self, orders: u64) {
        for command in steady::setup().iter().chain(&owners()) {
            self.offer(command);
        }
        for n in 0..orders {
            self.offer(&resting(n));
            if n % 512 == 0 {
                self.inlet.announce();
            }
        }
        self.inlet.announce();
        while self.shared.delivered() < self.inlet.published() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn offer(&mut self, command: &Command) {
        self.inlet.begin_turn();
        while !self.inlet.offer(command) {
            self.inlet.announce();
            std::thread::yield_now();
        }
    }

    /// Times of commands while no snapshot is made.
    fn quiet(&mut self, rate: u64, length: Duration) -> Histogram<u64> {
        let begin = Instant::now();
        self.open_loop(rate, |_| begin.elapsed() < length)
    }

    /// Times of commands while one is made.
    fn snapshot(&mut self, rate: u64) -> Result<Histogram<u64>, Failure> {
        let ended = |shared: &Shared| {
            let (made, failures) = (&shared.snapshots.made, &shared.snapshots.failures);
            made.load(Ordering::Relaxed) + failures.load(Ordering::Relaxed)
        };
        let before = ended(&self.shared);
        self.offer(&Command { login: LoginId::VENUE, action: Action::Snapshot });
        self.inlet.announce();
        let times = self.open_loop(rate, |shared| ended(shared) == before);
        match self.shared.snapshots.failures.load(Ordering::Relaxed) {
            0 => Ok(times),
            _ => Err(Failure::new(1, "a snapshot failed")),
        }
    }

    /// Commands at their moments, for as long as it goes on, and until all are delivered.
    fn open_loop(&mut self, rate: u64, mut goes_on: impl FnMut(&Shared) -> bool) -> Histogram<u64> {
        let (mut times, begin, first) = (histogram(), Instant::now(), self.inlet.published());
        // How many it will be, nobody knows.
        let (mut offered, mut seen) = (OpenLoop::new(0, rate, u64::MAX), 0);
        while goes_on(&self.shared) || seen < offered.counts().sent {
            let now = begin.elapsed().as_nanos() as u64;
            let delivered = self.shared.delivered().saturating_sub(first).min(offered.counts().sent);
            while seen < delivered {
                record(&mut times, now.saturating_sub(offered.moment(seen)));
                seen += 1;
            }
            if !offered.is_due(now) || !goes_on(&self.shared) {
                std::hint::spin_loop();
                continue;
            }
            let command = self.flow.next().expect("the flow is endless");
            self.offer(&command);
            self.inlet.announce();
            offered.send(now);
        }
        self.counts += offered.counts();
        times
    }

    fn finish(self) -> Result<(), Failure> {
        self.shared.input_closed.store(true, Ordering::Release);
        self.shared.stop.store(true, Ordering::Relaxed);
        self.stages.join().expect("the stage thread does not panic")?;
        self.shared.stages_ended.store(true, Ordering::Release);
        // Helpers end with the stages.
        self.helpers.into_iter().for_each(|helper| _ = helper.join());
        Ok(())
    }
}

/// Instrument 2 and the owners of its orders.
fn owners() -> Vec<Command> {
    let symbol = Symbol::new("RESTS").expect("short");
    let terms = InstrumentTerms::plain(InstrumentId(2), symbol, 2_500, 1);
    let login = |n: u64| {
        let name = Text::new(&format!("OWN{n}")).expect("short");
        LoginTerms::plain(LoginId(n as u32 + 2), name, Text::new("OWNS").expect("short"))
    };
    let logins = (0..OWNERS).map(|n| Action::AddLogin(login(n)));
    let actions = std::iter::once(Action::AddInstrument(terms)).chain(logins);
    actions.map(|action| Command { login: LoginId::VENUE, action }).collect()
}

/// The `n`-th resting order: owners, sides and levels in no order of their own, no two sides meet.
fn resting(n: u64) -> Command {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let away = 2_500 * (mixed % LEVELS);
    let (side, price) = if mixed & 1 == 0 { (b'B', 40_000_000 - away) } else { (b'S', 60_000_000 + away) };
    let number = (n / OWNERS) as u32 + 1;
    let order = steady::enter(number, side, 1 + (mixed % 100) as u32, price, b'0');
    let symbol = Symbol::new("RESTS").expect("short");
    Command { login: LoginId((n % OWNERS) as u32 + 2), action: Action::Enter(Enter { symbol, ..order }) }
}

//! A whole venue over loopback TCP: this process is the venue and its clients. Open loop (`--rate`): times from the intended
//! moments, and a closed loop of one command at a time beside it. Closed loop (`--window`): times from the sending.

pub(super) mod client;
pub(super) mod load;
pub(super) mod site;
mod sweep;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use hdrhistogram::Histogram;

use self::load::{Load, offer};
use self::site::Site;
use super::open_loop::{Counts, OpenLoop};
use super::pipeline::SyncMode;
use super::probe::{Echo, Waiting};
use super::progress::Steps;
use super::recorder::Recorder;
use super::report::{Report, histogram, median};
use crate::failure::Failure;

/// Interleaved rounds of echoes, raw device and venue.
const ROUNDS: u32 = 5;
/// Of a closed loop beside an open one.
const BESIDE: Duration = Duration::from_millis(200);

/// Arguments of `bench wire`.
#[derive(Args, Clone)]
pub struct WireArgs {
    /// Sync mode.
    #[arg(long, value_enum, default_value = "always")]
    sync: SyncMode,
    /// Connections, each its own login.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    clients: u64,
    /// Closed loop: commands in flight per connection.
    #[arg(long, default_value_t = 1, conflicts_with = "rate", value_parser = clap::value_parser!(u64).range(1..=4_096))]
    window: u64,
    /// Open loop: commands a second over all connections, timed from their intended moments. With --sweep: where it begins.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    rate: Option<u64>,
    /// Raises the rate by a fifth a step until the venue bends, then offers twice as much, then half.
    #[arg(long, conflicts_with = "window")]
    sweep: bool,
    /// Orders a second that each login may enter; the venue refuses the others by name.
    #[arg(long, value_name = "PER_S")]
    login_rate: Option<u32>,
    /// A client with one command in flight polls its socket instead of sleeping in it.
    #[arg(long)]
    poll: bool,
    /// Journal writer, as in the configuration.
    #[arg(long, default_value = "mmap")]
    writer: String,
    /// Seconds of measurement.
    #[arg(long, default_value_t = 5.0, value_parser = super::seconds)]
    duration: f64,
    /// Stage layout, as in the configuration.
    #[arg(long, default_value = "auto")]
    layout: String,
    /// Gateways that share the logins, as in the configuration.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=8))]
    gateways: u64,
    /// Idle strategy, as in the configuration.
    #[arg(long, default_value = "auto")]
    wait: String,
    /// Where the journal goes. Default: the current directory.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
}

impl WireArgs {
    /// One client for a number of seconds, one command at a time.
    pub fn round_trip(dir: &Path, sync: SyncMode, duration: f64) -> Self {
        WireArgs {
            sync,
            clients: 1,
            window: 1,
            rate: None,
            sweep: false,
            login_rate: None,
            poll: false,
            writer: "mmap".into(),
            duration,
            layout: "auto".into(),
            gateways: 1,
            wait: "auto".into(),
            dir: dir.into(),
        }
    }

    /// With so many connections.
    pub fn with_clients(self, clients: u64) -> Self {
        WireArgs { clients, ..self }
    }

    /// An open loop.
    pub fn at_rate(self, rate: u64) -> Self {
        WireArgs { rate: Some(rate), ..self }
    }

    fn load(&self) -> Load {
        self.rate.map_or(Load::Window(self.window as usize), Load::Rate)
    }
}

/// Nanoseconds since the bench began, and how its one thread waits.
pub struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Clock(Instant::now())
    }

    pub(super) fn now(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }

    fn rate(&self, begin_ns: u64, count: u64) -> f64 {
        count as f64 * 1e9 / (self.now() - begin_ns).max(1) as f64
    }

    /// Lets others run until the next moment. Never sleeps: a timer's slack would be in every time.
    fn rest(&self, offered: &OpenLoop) {
        if !offered.is_due(self.now()) {
            std::thread::yield_now();
        }
    }
}

/// Runs the benchmark.
pub fn measure(args: &WireArgs) -> Result<Report, Failure> {
    let scratch = tempfile::tempdir_in(&args.dir)?;
    let site = Site::open(args, scratch.path())?;
    match args.sweep {
        true => sweep::measure(args, site),
        false => Measurement::new(args).measure(args, site),
    }
}

/// Times of everything that is measured in turns.
struct Measurement {
    trips: Recorder,
    closed: Option<Recorder>,
    echo: Histogram<u64>,
    busy_echo: Histogram<u64>,
    polled_echo: Histogram<u64>,
    device: Histogram<u64>,
    rates: Vec<f64>,
    counts: Counts,
    rejects: u64,
}

impl Measurement {
    fn new(args: &WireArgs) -> Self {
        // The floors take about as long as the venue.
        let over = || Recorder::over(2.0 * args.duration);
        Measurement {
            trips: over(),
            closed: args.rate.map(|_| over()),
            echo: histogram(),
            busy_echo: histogram(),
            polled_echo: histogram(),
            device: histogram(),
            rates: Vec::new(),
            counts: Counts::default(),
            rejects: 0,
        }
    }

    fn measure(mut self, args: &WireArgs, mut site: Site) -> Result<Report, Failure> {
        let steps = Steps::new("wire", u64::from(ROUNDS));
        site.warm_up(args.load())?;
        let frames = site.clients[0].frames();
        let mut echo = Echo::start(&frames, (Waiting::Blocking, Waiting::Blocking))?;
        echo.probe(200, &mut histogram())?;
        for _ in 0..ROUNDS {
            site.raw.probe(300, &mut self.device)?;
            echo.probe(2_000, &mut self.echo)?;
            // Started anew each time: their servers never sleep. A venue that has work polls like them.
            for (ours, times) in
                [(Waiting::Polling, &mut self.busy_echo), (Waiting::Blocking, &mut self.polled_echo)]
            {
                let mut polled = Echo::start(&frames, (ours, Waiting::Polling))?;
                polled.probe(2_000, times)?;
            }
            self.round(args, &mut site)?;
            steps.step();
        }
        let mut report = self.report(args);
        site.close(&mut report)?;
        Ok(report)
    }

    fn round(&mut self, args: &WireArgs, site: &mut Site) -> io::Result<()> {
        if let Some(closed) = &mut self.closed {
            offer(&mut site.clients[..1], Load::Window(1), BESIDE, &site.clock, closed)?;
        }
        let slice = Duration::from_secs_f64(args.duration / f64::from(ROUNDS));
        let rejected_before = site.tally().rejected;
        let offered = site.offer(args.load(), slice, &mut self.trips)?;
        // Without those of the closed loop beside.
        self.rejects += site.tally().rejected - rejected_before;
        self.counts += offered.counts;
        self.rates.push(offered.answered_per_s);
        Ok(())
    }

    fn report(self, args: &WireArgs) -> Report {
        let mut report = Report::new("wire", &args.dir);
        let (trips, closed) = (self.trips.finish(), self.closed.map(Recorder::finish));
        report.number("commands_per_s", median(self.rates));
        report.quantiles("", &trips.total);
        report.quantiles("raw_echo_", &self.echo);
        report.quantiles("raw_echo_busy_", &self.busy_echo);
        report.quantiles("raw_echo_polled_", &self.polled_echo);
        report.quantiles("raw_", &self.device);
        report.against("p50_us", "raw_echo_p50_us", "p50_per_echo_p50");
        report.against("p99_us", "raw_echo_p99_us", "p99_per_echo_p99");
        report.against("p50_us", "raw_echo_busy_p50_us", "p50_per_busy_echo_p50");
        report.against("p50_us", "raw_echo_polled_p50_us", "p50_per_polled_echo_p50");
        if args.sync == SyncMode::Always {
            report.against("p50_us", "raw_p50_us", "p50_per_raw_p50");
            report.against("p99_us", "raw_p99_us", "p99_per_raw_p99");
        }
        report.number("p50_minus_raw_p50_us", report.get("p50_us") - report.get("raw_p50_us"));
        report.series("wire", trips);
        if let Some(closed) = closed {
            report.quantiles("closed_", &closed.total);
            report.against("closed_p50_us", "raw_echo_p50_us", "closed_p50_per_echo_p50");
            report.counts(self.counts);
            report.series("closed", closed);
        }
        report.value("rejects", self.rejects);
        for (name, floor) in [
            ("echo", self.echo),
            ("echo-busy", self.busy_echo),
            ("echo-polled", self.polled_echo),
            ("device", self.device),
        ] {
            report.series(name, floor);
        }
        describe(&mut report, args);
        report
    }
}

/// Adds the configuration of the run.
fn describe(report: &mut Report, args: &WireArgs) {
    report.value("clients", args.clients);
    match args.rate {
        Some(rate) => report.value("rate", rate),
        None if args.sweep => {}
        None => report.value("window", args.window),
    }
    report.value("loop", if args.rate.is_some() || args.sweep { "open" } else { "closed" });
    if let Some(rate) = args.login_rate {
        report.value("login_rate", rate);
    }
    report.value("client", if args.poll { "polling" } else { "blocking" });
    report.value("sync", args.sync.word());
    report.value("writer", args.writer.clone());
    report.value("layout", args.layout.clone());
    report.value("wait", args.wait.clone());
}

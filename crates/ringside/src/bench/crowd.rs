//! One venue over loopback TCP, a few clients who trade at a steady rate, and what the others cost them: idle connections,
//! connections without a login, a flooder, logins with a dear password. Each scene is measured in turns with the same clients
//! alone, so that what the machine does beside counts for both; all times are from the intended moments.

mod floor;
mod scenes;
mod strangers;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use self::floor::Floor;
use self::scenes::Scene;
use super::pipeline::SyncMode;
use super::progress::Steps;
use super::recorder::Recorder;
use super::report::Report;
use crate::failure::Failure;

/// Arguments of `bench crowd`.
#[derive(Args, Clone)]
pub struct CrowdArgs {
    /// Clients who trade.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    active: u32,
    /// Commands a second of all of them together.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rate: u64,
    /// Connections that are logged in and say nothing.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    idle: u32,
    /// Connections without a login, in --storm-seconds.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    storm: u32,
    /// Seconds in which they come.
    #[arg(long, default_value_t = 10.0, value_parser = super::seconds)]
    storm_seconds: f64,
    /// Orders a second that the flooder may enter.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    flood_limit: u32,
    /// How many times that limit it sends, orders and cancels together.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    flood_factor: u32,
    /// Logins at once whose password is behind argon2id (19 MiB, two passes).
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    logins: u32,
    /// What is measured, one after the other. Default: everything.
    #[arg(long = "scene", value_enum, default_values_t = Scene::ALL)]
    scenes: Vec<Scene>,
    /// Turns of each scene.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Seconds of each turn.
    #[arg(long, default_value_t = 3.0, value_parser = super::seconds)]
    duration: f64,
    /// Sync mode.
    #[arg(long, value_enum, default_value = "always")]
    sync: SyncMode,
    /// Where the journal goes. Default: the current directory.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
}

impl CrowdArgs {
    fn turn(&self) -> Duration {
        Duration::from_secs_f64(self.duration)
    }
}

/// Runs the benchmark.
pub fn measure(args: &CrowdArgs) -> Result<Report, Failure> {
    let scratch = tempfile::tempdir_in(&args.dir)?;
    let mut floor = Floor::open(args, scratch.path())?;
    let steps = Steps::new("crowd", u64::from(args.rounds) * args.scenes.len() as u64);
    let mut report = Report::new("crowd", &args.dir);
    for (name, value) in [
        ("active", args.active),
        ("idle", args.idle),
        ("storm", args.storm),
        ("flood_factor", args.flood_factor),
    ] {
        report.value(name, value);
    }
    report.value("rate", args.rate);
    report.value("sync", args.sync.word());
    floor.trade(args.turn(), &mut Recorder::over(args.duration))?;
    for scene in &args.scenes {
        scene.measure(args, &mut floor, &steps, &mut report)?;
    }
    floor.close(&mut report)?;
    Ok(report)
}

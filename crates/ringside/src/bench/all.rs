//! Every bench but crowd, one after the other, into one table and one directory.

use std::path::PathBuf;

use clap::Args;
use ringside_venue::timing::SAMPLE_EVERY;

use super::core::{self, CoreArgs};
use super::journal::{self, JournalArgs, Which};
use super::pipeline::{self, PipelineArgs, SyncMode};
use super::recover::{self, RecoverArgs};
use super::report::Report;
use super::snapshot::{self, SnapshotArgs};
use super::wire::{self, WireArgs};
use crate::failure::Failure;

/// Arguments of `bench all`.
#[derive(Args)]
pub struct AllArgs {
    /// Commands a second of each open loop.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    rate: u64,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5.0, value_parser = super::seconds)]
    duration: f64,
    /// Connections of the venue over TCP.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    clients: u64,
    /// Sync mode of pipeline and venue.
    #[arg(long, value_enum, default_value = "always")]
    sync: SyncMode,
    /// Stream for the engine alone; else the built-in flow.
    #[arg(long, value_name = "FILE.bin")]
    stream: Option<PathBuf>,
    /// Commands of the journal that is started from.
    #[arg(long, default_value_t = 2_000_000)]
    commands: u64,
    /// Orders that rest while a snapshot is made.
    #[arg(long, default_value_t = 200_000)]
    orders: u64,
    /// Where journals and snapshots go. Default: the current directory.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
}

/// Runs all benchmarks but crowd, which needs thousands of open files.
pub fn measure(args: &AllArgs) -> Result<Vec<Report>, Failure> {
    let dir = || args.dir.clone();
    let core = core::measure(&CoreArgs { stream: args.stream.clone(), scale: false, runs: 3 })?;
    let journal = journal::measure(&JournalArgs {
        writer: Which::Mmap,
        rate: args.rate,
        duration: args.duration,
        dir: dir(),
    })?;
    let pipeline = pipeline::measure(&PipelineArgs {
        sync: args.sync,
        commands: 1_000_000,
        runs: 3,
        rate: args.rate,
        duration: args.duration,
        sample_every: SAMPLE_EVERY,
        dir: dir(),
    })?;
    let wire = WireArgs::round_trip(&args.dir, args.sync, args.duration).with_clients(args.clients);
    let wire = wire::measure(&wire.at_rate(args.rate))?;
    let snapshot = snapshot::measure(&SnapshotArgs {
        orders: args.orders,
        rate: args.rate,
        seconds: 2,
        runs: 3,
        dir: dir(),
    })?;
    let recover = recover::measure(&RecoverArgs { commands: args.commands, dir: dir() })?;
    Ok(vec![core, journal, pipeline, wire, snapshot, recover])
}

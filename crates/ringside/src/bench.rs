//! `ringside bench core | journal | pipeline | wire | crowd | snapshot | recover | all`: a latency laboratory. Each figure stands
//! beside its physical floor of the same run, and only after the answers have been checked. Method and limits: docs/performance.md.

mod all;
mod core;
mod crowd;
mod journal;
mod machine;
mod open_loop;
mod output;
mod pipeline;
pub(crate) mod probe;
mod progress;
mod recorder;
mod recover;
mod reference;
pub(crate) mod report;
mod rig;
mod rings;
mod snapshot;
mod wire;

use std::time::SystemTime;

use clap::{Args, Subcommand};
use ringside_venue::timing::SAMPLE_EVERY_MAX;

use self::output::Output;
use self::report::Report;
use crate::failure::Failure;

/// Arguments of `bench`.
#[derive(Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    command: BenchCommand,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum BenchCommand {
    /// The engine alone on an order-flow stream.
    Core(core::CoreArgs),
    /// The journal alone: append, arrival to durable, raw device.
    Journal(journal::JournalArgs),
    /// Ring, journal, engine, ring: no sockets.
    Pipeline(pipeline::PipelineArgs),
    /// A whole venue over loopback TCP.
    Wire(wire::WireArgs),
    /// One venue and many strangers: what idle connections, storms, floods and logins cost the others.
    Crowd(crowd::CrowdArgs),
    /// A snapshot while orders flow.
    Snapshot(snapshot::SnapshotArgs),
    /// A start from the journal alone.
    Recover(recover::RecoverArgs),
    /// All of them but crowd, one after the other.
    All(all::AllArgs),
}

impl BenchCommand {
    fn measure(&self) -> Result<Vec<Report>, Failure> {
        let report = match self {
            BenchCommand::Core(args) => core::measure(args),
            BenchCommand::Journal(args) => journal::measure(args),
            BenchCommand::Pipeline(args) => pipeline::measure(args),
            BenchCommand::Wire(args) => wire::measure(args),
            BenchCommand::Crowd(args) => crowd::measure(args),
            BenchCommand::Snapshot(args) => snapshot::measure(args),
            BenchCommand::Recover(args) => recover::measure(args),
            BenchCommand::All(args) => return all::measure(args),
        };
        Ok(vec![report?])
    }
}

/// A length of a measurement on the command line: at least a hundredth of a second, a day at most.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    match (0.01..=86_400.0).contains(&seconds) {
        true => Ok(seconds),
        false => Err("from 0.01 to 86400 seconds".into()),
    }
}

/// One command in so many: a power of two, or 0 for none.
fn sample_every(text: &str) -> Result<u64, String> {
    match text.parse::<u64>().map_err(|error| format!("{error}"))? {
        every if every == 0 || (every.is_power_of_two() && every <= SAMPLE_EVERY_MAX) => Ok(every),
        _ => Err(format!("0, or a power of two up to {SAMPLE_EVERY_MAX}")),
    }
}

/// Runs a benchmark.
pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    let begun = SystemTime::now();
    args.output.prepare()?;
    args.output.deliver(&args.command.measure()?, begun)
}

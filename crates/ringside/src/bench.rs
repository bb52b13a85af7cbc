//! `ringside bench core | journal | pipeline | wire | snapshot | recover`: first figures, each beside its physical floor of the same
//! run. Method and limits: docs/performance.md.

mod core;
mod journal;
mod pipeline;
pub(crate) mod probe;
mod recover;
pub(crate) mod report;
mod snapshot;
mod wire;

use clap::{Args, Subcommand};

use crate::failure::Failure;

/// Arguments of `bench`.
#[derive(Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    command: BenchCommand,
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
    /// A snapshot while orders flow.
    Snapshot(snapshot::SnapshotArgs),
    /// A start from the journal alone.
    Recover(recover::RecoverArgs),
}

/// Runs a benchmark.
pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    match &args.command {
        BenchCommand::Core(args) => core::run(args),
        BenchCommand::Journal(args) => journal::run(args),
        BenchCommand::Pipeline(args) => pipeline::run(args),
        BenchCommand::Wire(args) => wire::run(args),
        BenchCommand::Snapshot(args) => snapshot::run(args),
        BenchCommand::Recover(args) => recover::run(args),
    }
}

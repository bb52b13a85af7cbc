//! `ringside replay …`: the journal of a data directory, explained. Reads only; a venue may run meanwhile.
//!
//! JSON goes to stdout, a progress bar to stderr when that is a terminal. Exit codes: 0; 1 there is a difference, or no
//! such order; 2 wrong usage; 3 damage; 4 the device.

mod diff;
mod export;
mod order;
mod print;
mod progress;
mod salvage;
mod state;
mod verify;
mod what_if;

use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ringside_replay::{ExportError, ReplayError};

use crate::failure::{CORRUPT, Failure, STORAGE, USAGE, recover_code};

/// Arguments of `replay`.
#[derive(Args)]
pub struct ReplayArgs {
    #[command(subcommand)]
    command: ReplayCommand,
}

#[derive(Subcommand)]
enum ReplayCommand {
    /// Checks every checksum, carries everything out again, prints one JSON line.
    Verify(verify::VerifyArgs),
    /// Prints one JSON object per command with the events it caused.
    Print(print::PrintArgs),
    /// Prints all books, orders in priority, and the state hash.
    State(state::StateArgs),
    /// The first sequence at which two journals, or two files of printed lines, differ.
    Diff(diff::DiffArgs),
    /// Commands, events and trades as tables.
    Export(export::ExportArgs),
    /// The life of one order, from the first of its chain to the last.
    Order(order::OrderArgs),
    /// The journal carried out once more with commands left out, changed or added: what differs.
    WhatIf(what_if::WhatIfArgs),
    /// Copies what is valid of a damaged journal into a new data directory.
    Salvage(salvage::SalvageArgs),
}

/// How a report is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Style {
    /// JSON, an object a line
    Json,
    /// Text for people
    Text,
}

#[derive(Args)]
struct Source {
    /// Data directory of a venue, running or not; the journal in it will do
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

/// Runs a replay command.
pub fn run(args: &ReplayArgs) -> Result<(), Failure> {
    match &args.command {
        ReplayCommand::Verify(args) => verify::run(args),
        ReplayCommand::Print(args) => print::run(args),
        ReplayCommand::State(args) => state::run(args),
        ReplayCommand::Diff(args) => diff::run(args),
        ReplayCommand::Export(args) => export::run(args),
        ReplayCommand::Order(args) => order::run(args),
        ReplayCommand::WhatIf(args) => what_if::run(args),
        ReplayCommand::Salvage(args) => salvage::run(args),
    }
}

/// Stdout that is written in large pieces, and whose reader may leave early: `… | head` is no failure.
struct Output {
    out: BufWriter<StdoutLock<'static>>,
}

/// Whether anybody still listens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Listening,
    Gone,
}

impl Output {
    fn new() -> Output {
        Output { out: BufWriter::with_capacity(1 << 18, io::stdout().lock()) }
    }

    fn line(&mut self, line: &impl std::fmt::Display) -> Result<Reader, Failure> {
        let written = writeln!(self.out, "{line}");
        self.judge(written)
    }

    fn end(mut self) -> Result<(), Failure> {
        let flushed = self.out.flush();
        self.judge(flushed).map(|_| ())
    }

    fn judge(&self, result: io::Result<()>) -> Result<Reader, Failure> {
        match result {
            Ok(()) => Ok(Reader::Listening),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
            Err(error) => Err(Failure::new(STORAGE, format!("stdout: {error}"))),
        }
    }
}

/// One line on stdout.
fn put_line(line: &impl std::fmt::Display) -> Result<(), Failure> {
    let mut output = Output::new();
    output.line(line)?;
    output.end()
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        let code = match &error {
            ReplayError::NoJournal(_) | ReplayError::Pruned { .. } => USAGE,
            ReplayError::Journal(error) => recover_code(error),
            ReplayError::Storage(_) => STORAGE,
            ReplayError::NoBeginning { .. } | ReplayError::Diverged { .. } => CORRUPT,
        };
        Failure::new(code, error)
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Replay(error) => error.into(),
            ExportError::Write { error: ref cause, .. } if cause.kind() == io::ErrorKind::AlreadyExists => {
                Failure::new(USAGE, error)
            }
            error => Failure::new(STORAGE, error),
        }
    }
}

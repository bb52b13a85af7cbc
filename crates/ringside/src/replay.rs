//! `ringside replay verify | print | state`: the journal of a data directory, explained.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use ringside_replay::{Past, ReplayError, command_json, event_json, state_json};
use serde_json::json;

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
    Verify(Source),
    /// Prints one JSON object per command with the events it caused.
    Print {
        #[command(flatten)]
        source: Source,
        /// First sequence to print.
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// Last sequence to print.
        #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
        to: u64,
    },
    /// Prints all books, orders in priority, and the state hash.
    State {
        #[command(flatten)]
        source: Source,
        /// State after this sequence instead of the last one.
        #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
        at: u64,
    },
}

#[derive(Args)]
struct Source {
    /// Data directory of a venue, running or not.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

/// Runs a replay command.
pub fn run(args: &ReplayArgs) -> Result<(), Failure> {
    match &args.command {
        ReplayCommand::Verify(source) => verify(source),
        ReplayCommand::Print { source, from, to } => print(source, *from, *to),
        ReplayCommand::State { source, at } => state(source, *at),
    }
}

fn verify(source: &Source) -> Result<(), Failure> {
    let mut past = Past::open(&source.data_dir)?;
    past.run_to(u64::MAX)?;
    let summary = past.summary();
    let mut line = json!({
        "first_sequence": summary.first_sequence,
        "last_sequence": summary.last_sequence,
        "commands": summary.commands,
        "trades": summary.trades,
        "volume": summary.volume,
        "state_hash": format!("{:016x}", summary.state_hash),
        "state_hashes": summary.state_hashes,
    });
    if let Some(bytes) = summary.torn_tail_bytes {
        line["torn_tail_bytes"] = json!(bytes);
    }
    put_line(&mut std::io::stdout().lock(), &line)
}

fn print(source: &Source, from: u64, to: u64) -> Result<(), Failure> {
    let mut past = Past::open(&source.data_dir)?;
    past.run_to(from.saturating_sub(1))?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    while past.last_sequence() < to {
        // The names of logins are those after the command, so that a login's first appearance has one.
        let Some(turn) = past.turn()? else { break };
        let (sequence, time_ns, command, events) =
            (turn.sequence, turn.time_ns, turn.command, turn.events.to_vec());
        let engine = past.engine();
        let events: Vec<_> = events.iter().map(|event| event_json(engine, event)).collect();
        let command = command_json(engine, &command);
        put_line(
            &mut out,
            &json!({"sequence": sequence, "time_ns": time_ns, "command": command, "events": events}),
        )?;
    }
    out.flush().map_err(|error| Failure::new(STORAGE, format!("stdout: {error}")))
}

fn state(source: &Source, at: u64) -> Result<(), Failure> {
    let mut past = Past::open(&source.data_dir)?;
    past.run_to(at)?;
    put_line(&mut std::io::stdout().lock(), &state_json(past.engine(), past.last_sequence()))
}

fn put_line(out: &mut impl Write, line: &serde_json::Value) -> Result<(), Failure> {
    writeln!(out, "{line}").map_err(|error| Failure::new(STORAGE, format!("stdout: {error}")))
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        let code = match &error {
            ReplayError::NoJournal(_) => USAGE,
            ReplayError::Journal(error) => recover_code(error),
            ReplayError::Storage(_) => STORAGE,
            ReplayError::Diverged { .. } => CORRUPT,
        };
        Failure::new(code, error)
    }
}

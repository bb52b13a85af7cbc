//! `replay print`: commands and events, one JSON object a line.

use clap::Args;
use ringside_domain::Sequence;
use ringside_replay::{Past, Turn, command_json, event_json};
use serde_json::{Value, json};

use super::progress::Progress;
use super::{Output, Reader, Source};
use crate::failure::Failure;

/// Arguments of `replay print`.
#[derive(Args)]
pub struct PrintArgs {
    #[command(flatten)]
    source: Source,
    /// First sequence to print
    #[arg(long, default_value_t = 1)]
    from: Sequence,
    /// Last sequence to print
    #[arg(long, default_value_t = Sequence::MAX, hide_default_value = true)]
    to: Sequence,
    /// Adds the field `state_hash` to every N-th sequence
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    state_hash_every: Option<u64>,
}

/// Runs it.
pub fn run(args: &PrintArgs) -> Result<(), Failure> {
    let mut past = Past::open(&args.source.data_dir)?;
    let mut output = Output::new();
    let progress = Progress::new(&past, args.to);
    let before = args.from.saturating_sub(1).min(args.to);
    progress.drive(0, before, |to| past.run_to(to))?;
    progress.drive(before, args.to, |to| print_to(&mut past, &mut output, args, to))?;
    drop(progress);
    output.end()
}

/// False when there is no more to print, or nobody to print for.
fn print_to(past: &mut Past, output: &mut Output, args: &PrintArgs, to: Sequence) -> Result<bool, Failure> {
    while past.last_sequence() < to {
        let Some(turn) = past.turn()? else { return Ok(false) };
        let mut line = turn_json(&turn);
        if args.state_hash_every.is_some_and(|every| turn.sequence.is_multiple_of(every)) {
            line["state_hash"] = json!(format!("{:016x}", turn.engine.state_hash()));
        }
        if output.line(&line)? == Reader::Gone {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The names of logins are those after the command, so that a login's first appearance has one.
fn turn_json(turn: &Turn<'_>) -> Value {
    let events: Vec<_> = turn.events.iter().map(|event| event_json(turn.engine, event)).collect();
    json!({"sequence": turn.sequence, "time_ns": turn.time_ns,
        "command": command_json(turn.engine, &turn.command), "events": events})
}

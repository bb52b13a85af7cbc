//! `replay verify`: every checksum, every command.

use clap::Args;
use ringside_domain::Sequence;
use ringside_replay::Past;
use serde_json::json;

use super::progress::Progress;
use super::{Output, Reader, Source};
use crate::failure::Failure;

/// Arguments of `replay verify`.
#[derive(Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    source: Source,
    /// Prints `sequence hash` of the state after every N sequences, before the JSON line
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    state_hash_every: Option<u64>,
}

/// Runs it.
pub fn run(args: &VerifyArgs) -> Result<(), Failure> {
    let mut past = Past::open(&args.source.data_dir)?;
    let mut output = Output::new();
    let progress = Progress::new(&past, Sequence::MAX);
    progress.drive(0, Sequence::MAX, |to| match args.state_hash_every {
        None => Ok::<bool, Failure>(past.run_to(to)?),
        Some(every) => print_hashes(&mut past, &mut output, every, to),
    })?;
    drop(progress);
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
    output.line(&line)?;
    output.end()
}

/// Goes on up to `to` and prints the hashes that are due on the way.
fn print_hashes(past: &mut Past, output: &mut Output, every: u64, to: Sequence) -> Result<bool, Failure> {
    loop {
        let due = (past.last_sequence() / every).saturating_add(1).saturating_mul(every);
        if due > to {
            return Ok(past.run_to(to)?);
        }
        if !past.run_to(due)? {
            return Ok(false);
        }
        let line = format!("{due} {:016x}", past.engine().state_hash());
        if output.line(&line)? == Reader::Gone {
            return Ok(false);
        }
    }
}

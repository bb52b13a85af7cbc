//! `replay state`: all books at a point of the past.

use clap::Args;
use ringside_domain::Sequence;
use ringside_replay::{Past, write_state};

use super::progress::Progress;
use super::{Output, Source};
use crate::failure::Failure;

/// Arguments of `replay state`.
#[derive(Args)]
pub struct StateArgs {
    #[command(flatten)]
    source: Source,
    /// State after this sequence instead of the last one
    #[arg(long, default_value_t = Sequence::MAX, hide_default_value = true)]
    at: Sequence,
}

/// Runs it.
pub fn run(args: &StateArgs) -> Result<(), Failure> {
    let mut past = Past::open(&args.source.data_dir)?;
    let progress = Progress::new(&past, args.at);
    progress.drive(0, args.at, |to| past.run_to(to))?;
    drop(progress);
    let mut output = Output::new();
    let written = write_state(past.engine(), past.last_sequence(), &mut output.out);
    output.judge(written)?;
    output.line(&"")?;
    output.end()
}

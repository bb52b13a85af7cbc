//! A start without a snapshot: how long it takes, and how fast one core carries the journal out again.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use ringside_domain::Event;
use ringside_engine::{Engine, Limits};
use ringside_journal::{Journal, Reader, SegmentOptions, new_epoch, preparer};
use ringside_sim::steady::{SteadyFlow, setup};
use ringside_storage::{Directory, Pace};
use ringside_venue::recovery::rebuild;

use super::report::Report;
use crate::failure::{Failure, STORAGE};

/// Commands between two flushes of the journal that is made.
const BATCH: u64 = 10_000;

/// Arguments of `bench recover`.
#[derive(Args)]
pub struct RecoverArgs {
    /// Commands in the journal.
    #[arg(long, default_value_t = 10_000_000)]
    commands: u64,
    /// Where the journal goes. Default: the current directory.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// One JSON line instead of a table.
    #[arg(long)]
    json: bool,
}

/// Runs the benchmark.
pub fn run(args: &RecoverArgs) -> Result<(), Failure> {
    let scratch = tempfile::tempdir_in(&args.dir).map_err(failed)?;
    let expected = make(scratch.path(), args.commands)?;
    let begin = Instant::now();
    let (engine, sequence) = rebuild(scratch.path(), &|_| ())?;
    let seconds = begin.elapsed().as_secs_f64();
    let found = (engine.counters().trades, engine.state_hash());
    drop(engine);
    let begin = Instant::now();
    let alone = replay_alone(scratch.path())?;
    let alone_seconds = begin.elapsed().as_secs_f64();
    if found != expected || alone != expected {
        return Err(Failure::new(1, format!("states differ: {expected:?}, {found:?}, {alone:?}")));
    }
    let mut report = Report::default();
    report.value("commands", sequence);
    report.number("seconds", seconds);
    report.number("records_per_s", sequence as f64 / alone_seconds);
    report.number("rebuilt_per_s", sequence as f64 / seconds);
    report.print(args.json);
    Ok(())
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(STORAGE, error)
}

/// A data directory with a journal of so many commands; trades and state hash after them.
fn make(data_dir: &Path, commands: u64) -> Result<(u64, u64), Failure> {
    std::fs::create_dir(data_dir.join("outbound")).map_err(failed)?;
    let disk = Directory::create(&data_dir.join("journal")).map_err(failed)?;
    let options = SegmentOptions { length: 64 << 20, ahead: 2, pace: Pace::Unpaced };
    let (source, task) = preparer(disk, options, 1);
    let helper = std::thread::spawn(move || task.run());
    let mut journal = Journal::create(source, new_epoch(), 0).map_err(failed)?;
    let mut engine = Engine::new(Limits::default());
    let flow = setup().into_iter().chain(SteadyFlow::new()).take(commands as usize);
    for (sequence, command) in (1..).zip(flow) {
        // Ten microseconds apart.
        let time_ns = sequence * 10_000;
        journal.append(sequence, time_ns, &command).map_err(failed)?;
        engine.apply(time_ns, &command, &mut |_: Event| {});
        if sequence.is_multiple_of(BATCH) {
            journal.flush().map_err(failed)?;
        }
    }
    journal.close().map_err(failed)?;
    drop(journal);
    // It ends with the journal; its panics are told by the test runner of the journal, not here.
    let _ = helper.join();
    Ok((engine.counters().trades, engine.state_hash()))
}

/// Decodes, checks and carries out on this thread alone.
fn replay_alone(data_dir: &Path) -> Result<(u64, u64), Failure> {
    let disk = Directory::open(&data_dir.join("journal")).map_err(failed)?;
    let mut engine = Engine::new(Limits::default());
    for entry in Reader::open(disk) {
        let entry = entry.map_err(failed)?;
        engine.apply(entry.time_ns, &entry.command, &mut |_: Event| {});
    }
    Ok((engine.counters().trades, engine.state_hash()))
}

//! A start without a snapshot: how long it takes, and how fast one core carries the journal out again. The floor: the files
//! read without a look at them, and the engine on the same commands out of memory.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use ringside_domain::Event;
use ringside_engine::{Engine, Limits};
use ringside_sim::steady::{SteadyFlow, setup};
use ringside_storage::Directory;
use ringside_venue::recovery::rebuild;

use super::probe::read_seconds;
use super::progress::Steps;
use super::reference::{State, replay};
use super::report::Report;
use super::rig;
use crate::failure::Failure;

/// Commands between two flushes of the journal that is made.
const BATCH: u64 = 10_000;
/// Between two commands.
const STEP_NS: u64 = 10_000;

/// Arguments of `bench recover`.
#[derive(Args)]
pub struct RecoverArgs {
    /// Commands in the journal.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub commands: u64,
    /// Where the journal goes. Default: the current directory.
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
}

/// Runs the benchmark.
pub fn measure(args: &RecoverArgs) -> Result<Report, Failure> {
    let steps = Steps::new("recover", 4);
    let scratch = tempfile::tempdir_in(&args.dir)?;
    let expected = make(scratch.path(), args.commands)?;
    steps.step();
    let read_s = read_seconds(&scratch.path().join("journal"))?;
    let engine_s = engine_seconds(args.commands);
    steps.step();
    let begin = Instant::now();
    let (engine, sequence) = rebuild(scratch.path(), &|_| ())?;
    let seconds = begin.elapsed().as_secs_f64();
    State::of(&engine).must_be(&expected)?;
    drop(engine);
    steps.step();
    let begin = Instant::now();
    let alone = replay(scratch.path(), u64::MAX)?;
    let alone_s = begin.elapsed().as_secs_f64();
    State::of(&alone.engine).must_be(&expected)?;
    let mut report = Report::new("recover", &args.dir);
    report.value("commands", sequence);
    report.number("seconds", seconds);
    report.number("records_per_s", sequence as f64 / alone_s);
    report.number("rebuilt_per_s", sequence as f64 / seconds);
    report.number("alone_s", alone_s);
    report.number("raw_read_s", read_s);
    report.number("raw_engine_s", engine_s);
    report.number("raw_sum_s", read_s + engine_s);
    report.against("seconds", "raw_sum_s", "seconds_per_floor");
    report.against("alone_s", "raw_sum_s", "alone_per_floor");
    Ok(report)
}

/// Seconds that the engine takes for the same commands out of memory: with the files read, the floor.
fn engine_seconds(commands: u64) -> f64 {
    let mut engine = Engine::new(Limits::default());
    let mut flow = setup().into_iter().chain(SteadyFlow::new()).take(commands as usize);
    let (mut seconds, mut time_ns) = (0.0, 0);
    loop {
        let batch: Vec<_> = flow.by_ref().take(BATCH as usize).collect();
        if batch.is_empty() {
            return seconds;
        }
        let begin = Instant::now();
        for command in &batch {
            time_ns += STEP_NS;
            engine.apply(time_ns, command, &mut |_: Event| {});
        }
        seconds += begin.elapsed().as_secs_f64();
    }
}

/// A data directory with a journal of so many commands; the state after them.
fn make(data_dir: &Path, commands: u64) -> Result<State, Failure> {
    std::fs::create_dir(data_dir.join("outbound"))?;
    let disk = Directory::create(&data_dir.join("journal"))?;
    let (mut journal, preparing) = rig::journal(disk, 2)?;
    let mut engine = Engine::new(Limits::default());
    let flow = setup().into_iter().chain(SteadyFlow::new()).take(commands as usize);
    for (sequence, command) in (1..).zip(flow) {
        let time_ns = sequence * STEP_NS;
        journal.append(sequence, time_ns, &command)?;
        engine.apply(time_ns, &command, &mut |_: Event| {});
        if sequence.is_multiple_of(BATCH) {
            journal.flush()?;
        }
    }
    journal.close()?;
    drop(journal);
    // It ends with the journal; its panics are told by the test runner of the journal, not here.
    let _ = preparing.join();
    Ok(State::of(&engine))
}

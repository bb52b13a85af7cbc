//! The production stages on one thread with a real journal, and whoever feeds them.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ringside_domain::{Command, Event};
use ringside_engine::{Engine, Limits};
use ringside_gateway::CommandSink;
use ringside_sim::steady::setup;
use ringside_storage::Directory;
use ringside_venue::clock::{Reading, VenueClock};
use ringside_venue::config::Apply;
use ringside_venue::ring::{input_ring, output_ring};
use ringside_venue::shared::Shared;
use ringside_venue::stages::{EngineStage, Inlet, JournalStage, Stage, StageError, SyncPolicy};
use ringside_venue::threads::{IdleStrategy, StageThread, bell};
use ringside_venue::timing::{OUTLIER, Timing, TimingOptions};

use super::super::open_loop::{Counts, OpenLoop};
use super::super::recorder::Recorder;
use super::super::reference::{State, replay, wrong};
use super::super::rig;
use super::{PipelineArgs, SyncMode};
use crate::failure::Failure;

/// Most that a command of the flow and its share of a flush take in the journal.
const RECORD_BYTES_MAX: usize = 192;

/// What commands come to without any pipeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Traded {
    trades: u64,
    volume: u64,
}

impl Traded {
    /// Carries the commands out on this thread, at no time at all.
    pub fn by(commands: &[Command]) -> Traded {
        let mut engine = Engine::new(Limits::default());
        setup().iter().chain(commands).for_each(|command| engine.apply(0, command, &mut |_: Event| {}));
        Traded { trades: engine.counters().trades, volume: engine.counters().volume }
    }
}

/// The engine's stage; tells its last state when its thread has ended.
struct Watched {
    stage: EngineStage,
    last: Arc<OnceLock<State>>,
}

impl Stage for Watched {
    fn poll(&mut self) -> Result<bool, StageError> {
        self.stage.poll()
    }

    fn finish(&mut self) -> Result<(), StageError> {
        let _ = self.last.set(State::of(self.stage.engine()));
        self.stage.finish()
    }

    fn is_drained(&self) -> bool {
        self.stage.is_drained()
    }
}

/// A running pipeline.
pub struct Run {
    inlet: Inlet,
    shared: Arc<Shared>,
    last: Arc<OnceLock<State>>,
    thread: std::thread::JoinHandle<Result<(), StageError>>,
    preparing: std::thread::JoinHandle<()>,
    scratch: tempfile::TempDir,
    clock: Instant,
}

impl Run {
    /// The stages on one thread, as a venue on two cores has them; the caller's thread feeds.
    pub fn start(args: &PipelineArgs, idle: IdleStrategy, commands: usize) -> Result<Run, Failure> {
        let scratch = tempfile::tempdir_in(&args.dir)?;
        let disk = Directory::create(&scratch.path().join("journal"))?;
        let ahead = commands * RECORD_BYTES_MAX / rig::SEGMENT as usize + 2;
        let (journal, preparing) = rig::journal(disk, ahead)?;
        // All segments of the run are ready before the clock starts: preparing is the disk's time, not ours.
        while journal.preparer_status().ready() < ahead as u64 {
            std::thread::sleep(Duration::from_millis(5));
        }
        let timing = Timing::new(TimingOptions { sample_every: args.sample_every, outlier: OUTLIER }, 1);
        let (shared, wake) = (Arc::new(Shared { timing, ..Shared::new(0) }), bell());
        let (producer, journal_input, engine_input) = input_ring();
        let (events, output) = output_ring();
        let policy = policy(args.sync);
        let journal = JournalStage::new(journal, journal_input, policy, shared.clone(), (0, 0), Vec::new());
        let (engine, apply, start) = (Engine::new(Limits::default()), Apply::Ahead, (0, 0));
        let stage =
            EngineStage::new(engine, engine_input, events, apply, shared.clone(), start, vec![wake.clone()]);
        let last = Arc::new(OnceLock::new());
        let engine = Watched { stage, last: last.clone() };
        let drain = rig::Drain::new(output, shared.clone());
        let thread = StageThread {
            name: "bench-core".into(),
            core: None,
            stages: vec![Box::new(journal), Box::new(engine), Box::new(drain)],
            idle,
            bell: wake.clone(),
            shared: shared.clone(),
        };
        let thread = std::thread::spawn(move || thread.run());
        let inlet = Inlet::new(producer, shared.clone(), VenueClock::new(0, Reading::now()), vec![wake]);
        let mut run = Run { inlet, shared, last, thread, preparing, scratch, clock: Instant::now() };
        setup().iter().for_each(|command| run.offer(command));
        run.inlet.announce();
        run.wait_for(run.inlet.published());
        Ok(run)
    }

    /// Where the journal is, and what is measured beside it belongs.
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    fn now(&self) -> u64 {
        self.clock.elapsed().as_nanos() as u64
    }

    /// Feeds commands as fast as there is room; the seconds it took.
    pub fn saturate(&mut self, commands: &[Command]) -> f64 {
        let begin = Instant::now();
        // One stamp and one bell for each 64: a turn of a busy gateway.
        for turn in commands.chunks(64) {
            self.inlet.begin_turn();
            turn.iter().for_each(|command| self.offer(command));
            self.inlet.announce();
        }
        self.wait_for(self.inlet.published());
        begin.elapsed().as_secs_f64()
    }

    /// Feeds each command at its moment. Times are from the moment to delivery.
    pub fn offer_at(&mut self, rate: u64, commands: &[Command], mut times: Recorder) -> (Recorder, Counts) {
        let first = self.inlet.published();
        let mut offered = OpenLoop::new(self.now(), rate, commands.len() as u64);
        let (mut rest, mut seen) = (commands.iter(), 0);
        while seen < commands.len() as u64 {
            let now = self.now();
            let delivered = self.shared.delivered().saturating_sub(first);
            while seen < delivered {
                times.record(now, now.saturating_sub(offered.moment(seen)));
                seen += 1;
            }
            if !offered.is_due(now) {
                std::thread::yield_now();
                continue;
            }
            self.inlet.begin_turn();
            // One is taken for each moment, and there are as many.
            rest.next().into_iter().for_each(|command| self.offer(command));
            self.inlet.announce();
            offered.send(now);
        }
        (times, offered.counts())
    }

    /// Feeds each command when the last has been delivered.
    pub fn one_by_one(&mut self, commands: &[Command], times: &mut Recorder) {
        for command in commands {
            let begin = self.now();
            self.inlet.begin_turn();
            self.offer(command);
            self.inlet.announce();
            self.wait_for(self.inlet.published());
            let now = self.now();
            times.record(now, now - begin);
        }
    }

    fn offer(&mut self, command: &Command) {
        while !self.inlet.offer(command) {
            self.inlet.announce();
            std::thread::yield_now();
        }
    }

    fn wait_for(&self, sequence: u64) {
        while self.shared.delivered() < sequence {
            std::thread::yield_now();
        }
    }

    /// Stops; the engine must be where its commands lead without a pipeline, and where its journal leads.
    pub fn finish(self, expected: Traded) -> Result<(), Failure> {
        self.shared.input_closed.store(true, Ordering::Release);
        self.shared.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the stage thread does not panic")?;
        // A preparer that panicked has been seen already: the journal had no more segments.
        let _ = self.preparing.join();
        let last = self.last.get().ok_or_else(|| wrong("the engine did not end in order"))?;
        let replayed = replay(self.scratch.path(), u64::MAX)?;
        last.must_be(&State::of(&replayed.engine))?;
        if (Traded { trades: last.trades, volume: last.volume }) != expected {
            return Err(wrong(format!("{last:?}, the reference has {expected:?}")));
        }
        Ok(())
    }
}

fn policy(sync: SyncMode) -> SyncPolicy {
    match sync {
        SyncMode::Always => SyncPolicy::Always,
        SyncMode::Interval => SyncPolicy::Interval(Duration::from_secs(1)),
        SyncMode::Never => SyncPolicy::Never,
    }
}

//! Journal and engine stages allocate nothing per command once they are warm.

#[path = "../../journal/tests/counting/mod.rs"]
mod counting;

use std::sync::Arc;

use ringside_domain::Command;
use ringside_engine::{Engine, Limits};
use ringside_gateway::CommandSink;
use ringside_journal::{Journal, SegmentOptions, new_epoch, preparer};
use ringside_sim::steady::{SteadyFlow, setup};
use ringside_storage::{Directory, Pace};
use ringside_venue::clock::{Reading, VenueClock};
use ringside_venue::config::Apply;
use ringside_venue::recovery::Log;
use ringside_venue::ring::{OutputPoller, input_ring, output_ring};
use ringside_venue::shared::Shared;
use ringside_venue::stages::{EngineStage, Inlet, JournalStage, Stage, SyncPolicy};
use ringside_venue::threads::bell;
use ringside_venue::timing::{Timing, TimingOptions};

struct Pipeline {
    inlet: Inlet,
    journal: JournalStage<Log>,
    engine: EngineStage,
    output: OutputPoller,
    shared: Arc<Shared>,
}

impl Pipeline {
    fn new(disk: Directory) -> Self {
        let options = SegmentOptions { length: 256 << 20, ahead: 1, pace: Pace::Unpaced };
        let (source, task) = preparer(disk, options, 1);
        std::thread::spawn(move || task.run());
        let journal = Journal::create(source, new_epoch(), 0).unwrap();
        let timing = TimingOptions { sample_every: 1, ..TimingOptions::default() };
        let shared = Arc::new(Shared { timing: Timing::new(timing, 1), ..Shared::new(0) });
        let (producer, journal_input, engine_input) = input_ring();
        let (events, output) = output_ring();
        let policy = SyncPolicy::Always;
        let journal = JournalStage::new(journal, journal_input, policy, shared.clone(), (0, 0), Vec::new());
        let engine = Engine::new(Limits::default());
        let engine = EngineStage::new(
            engine,
            engine_input,
            events,
            Apply::Ahead,
            shared.clone(),
            (0, 0),
            vec![bell()],
        );
        let clock = VenueClock::new(0, Reading::now());
        let inlet = Inlet::new(producer, shared.clone(), clock, Vec::new());
        Pipeline { inlet, journal, engine, output, shared }
    }

    /// Feeds 512 commands a round, steps both stages, drains the events. Returns the stages' allocations.
    fn run(&mut self, commands: &[Command]) -> u64 {
        let mut allocations = 0;
        for batch in commands.chunks(512) {
            batch.iter().for_each(|command| assert!(self.inlet.offer(command), "the ring has room"));
            self.inlet.announce();
            let before = counting::allocations();
            self.journal.poll().unwrap();
            while self.engine.poll().unwrap() {
                if let Ok(mut guard) = self.output.poll() {
                    (&mut guard).for_each(|slot| assert!(slot.sequence > 0));
                }
            }
            allocations += counting::allocations() - before;
        }
        allocations
    }
}

#[test]
fn journal_and_engine_allocate_nothing_per_command_after_warm_up() {
    let directory = tempfile::tempdir().unwrap();
    let mut pipeline = Pipeline::new(Directory::create(&directory.path().join("journal")).unwrap());
    let commands: Vec<Command> = setup().into_iter().chain(SteadyFlow::new()).take(400_000).collect();
    let (warm_up, measured) = commands.split_at(200_000);
    assert!(pipeline.run(warm_up) > 0, "the allocator is counted: warm-up fills the pools");
    assert_eq!(pipeline.run(measured), 0);
    assert_eq!(pipeline.shared.durable.get(), 400_000, "all of it went through the journal");
    assert_eq!(pipeline.shared.applied.get(), 400_000, "and through the engine");
}

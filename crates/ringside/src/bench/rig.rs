//! What benches put the production stages into: a journal of their own before them, and somebody who takes what they tell.

use std::sync::Arc;
use std::thread::JoinHandle;

use ringside_journal::{Journal, JournalError, SegmentOptions, new_epoch, preparer};
use ringside_storage::{Directory, Pace};
use ringside_venue::recovery::Log;
use ringside_venue::ring::{OUTPUT_SLOTS, OutputPoller};
use ringside_venue::shared::Shared;
use ringside_venue::stages::{Stage, StageError};

/// Bytes of a segment: as in a venue.
pub const SEGMENT: u64 = 64 << 20;

/// Segments as benches have them: `ahead` are made ready as fast as the disk takes them.
pub fn segments(ahead: usize) -> SegmentOptions {
    SegmentOptions { length: SEGMENT, ahead, pace: Pace::Unpaced }
}

/// A new journal, and the thread that prepares its segments; it ends with the journal.
pub fn journal(disk: Directory, ahead: usize) -> Result<(Log, JoinHandle<()>), JournalError> {
    let (source, task) = preparer(disk, segments(ahead), 1);
    let preparing = std::thread::spawn(move || task.run());
    Ok((Journal::create(source, new_epoch(), 0)?, preparing))
}

/// Drains the output ring; in place of gateway and egress.
pub struct Drain {
    output: OutputPoller,
    shared: Arc<Shared>,
    /// Last command whose answer was drained, and that as it was timed.
    told: u64,
    timed: u64,
}

impl Drain {
    /// Of a pipeline that has told nothing yet.
    pub fn new(output: OutputPoller, shared: Arc<Shared>) -> Self {
        Drain { output, shared, told: 0, timed: 0 }
    }

    /// True when there was something.
    fn take(&mut self) -> bool {
        let Ok(mut guard) = self.output.take(OUTPUT_SLOTS as u64) else { return false };
        (&mut guard).for_each(|slot| self.told = std::hint::black_box(slot.sequence));
        true
    }
}

impl Stage for Drain {
    fn poll(&mut self) -> Result<bool, StageError> {
        let applied = self.shared.applied.get();
        let worked = self.take();
        let shared = &self.shared;
        if self.told > self.timed {
            let now = shared.timing.now();
            shared
                .timing
                .sampled(self.timed, self.told)
                .for_each(|sampled| shared.timing.answered(sampled, now));
            shared.timing.told(self.told);
            self.timed = self.told;
        }
        if !self.output.has_available() {
            let cells = &shared.gateways[0];
            cells.delivered.advance(applied.min(shared.released.get()).max(cells.delivered.get()));
            // There are no streams whose files could be behind.
            cells.stored.advance(shared.barrier.get().min(cells.delivered.get()).max(cells.stored.get()));
        }
        Ok(worked)
    }
}

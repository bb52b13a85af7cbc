//! The journaler: takes what is in the ring, writes it, makes it durable, releases it. Group commit falls out:
//! whatever arrived during one sync is the next batch.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ringside_domain::{Action, Command, Sequence, TimeNs};

use super::{Stage, StageError};
use crate::ring::{CommandClock, InputPoller, JOURNAL_BATCH};
use crate::shared::Shared;
use crate::threads::ThreadBell;

/// Where commands are kept. Implemented by the journal and by stand-ins for measurements and tests.
pub trait CommandLog: Send {
    /// Why it cannot go on. Final: nothing is tried again.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Writes one command. After this it survives the death of the process.
    fn append(&mut self, sequence: Sequence, time_ns: TimeNs, command: &Command) -> Result<(), Self::Error>;

    /// Makes all that was written survive the death of the machine. Returns the durable sequence.
    fn flush(&mut self) -> Result<Sequence, Self::Error>;

    /// The last flush before an orderly end.
    fn close(&mut self) -> Result<Sequence, Self::Error>;
}

/// When to flush, and what releases a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyncPolicy {
    /// After every batch; durable releases.
    Always,
    /// When this much time has passed; written releases.
    Interval(Duration),
    /// At rotation, at barriers and at the end; written releases.
    Never,
}

/// The stage.
pub struct JournalStage<L> {
    log: L,
    input: InputPoller,
    policy: SyncPolicy,
    shared: Arc<Shared>,
    sequence: Sequence,
    clock: CommandClock,
    last_flush: Instant,
    started: Instant,
    /// Who waits for releases.
    waiters: Vec<Arc<ThreadBell>>,
}

impl<L: CommandLog> JournalStage<L> {
    /// A stage that continues after `sequence`, at `time_ns`.
    pub fn new(
        log: L,
        input: InputPoller,
        policy: SyncPolicy,
        shared: Arc<Shared>,
        (sequence, time_ns): (Sequence, TimeNs),
        waiters: Vec<Arc<ThreadBell>>,
    ) -> Self {
        let (clock, now) = (CommandClock::new(time_ns), Instant::now());
        JournalStage { log, input, policy, shared, sequence, clock, last_flush: now, started: now, waiters }
    }

    /// Appends a batch. The guard is forgotten on an error: its slots stay unread for ever, so that no producer
    /// and no later stage can take the batch for written.
    fn append_batch(&mut self) -> Result<u64, StageError> {
        let Ok(mut guard) = self.input.take(JOURNAL_BATCH) else { return Ok(0) };
        let (mut count, mut barrier) = (0, false);
        for slot in &mut guard {
            self.sequence += 1;
            count += 1;
            barrier |= matches!(slot.command.action, Action::Snapshot);
            let time_ns = self.clock.next(slot.time_ns);
            if let Err(error) = self.log.append(self.sequence, time_ns, &slot.command) {
                std::mem::forget(guard);
                return Err(StageError::Journal(Box::new(error)));
            }
        }
        self.shared.written.advance(self.sequence);
        // A snapshot must not be ahead of the durable journal, whatever the mode.
        if self.policy == SyncPolicy::Always || barrier {
            let flushed = flush(&mut self.log, &self.shared, self.started);
            if let Err(error) = flushed {
                std::mem::forget(guard);
                return Err(error);
            }
        }
        drop(guard);
        Ok(count)
    }

    fn release(&self) {
        let released = match self.policy {
            SyncPolicy::Always => self.shared.durable.get(),
            SyncPolicy::Interval(_) | SyncPolicy::Never => self.shared.written.get(),
        };
        self.shared.released.advance(released);
        self.waiters.iter().for_each(|bell| bell.ring());
    }

    fn flush_is_due(&self) -> bool {
        match self.policy {
            SyncPolicy::Interval(interval) => {
                self.shared.durable.get() < self.sequence && self.last_flush.elapsed() >= interval
            }
            SyncPolicy::Always | SyncPolicy::Never => false,
        }
    }
}

impl<L: CommandLog> Stage for JournalStage<L> {
    fn poll(&mut self) -> Result<bool, StageError> {
        let appended = self.append_batch()?;
        if appended > 0 {
            self.release();
        }
        if self.flush_is_due() {
            flush(&mut self.log, &self.shared, self.started)?;
            self.last_flush = Instant::now();
        }
        Ok(appended > 0)
    }

    fn finish(&mut self) -> Result<(), StageError> {
        let durable = self.log.close().map_err(|error| StageError::Journal(Box::new(error)))?;
        self.shared.durable.advance(durable);
        Ok(())
    }
}

fn flush<L: CommandLog>(log: &mut L, shared: &Shared, started: Instant) -> Result<(), StageError> {
    let begin = Instant::now();
    // Relaxed: read by the admin thread to see a sync that does not end. Never 0 while a sync runs.
    shared.sync_started_ns.store((begin - started).as_nanos() as u64 | 1, Ordering::Relaxed);
    let durable = log.flush().map_err(|error| StageError::Journal(Box::new(error)))?;
    shared.sync_started_ns.store(0, Ordering::Relaxed);
    shared.sync_times.record(begin.elapsed().as_nanos() as u64);
    shared.durable.advance(durable);
    Ok(())
}

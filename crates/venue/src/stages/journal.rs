//! The journaler: takes what is in the ring, writes it, makes it durable, releases it. Group commit falls out:
//! whatever arrived during one sync is the next batch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ringside_domain::{Action, Command, Sequence, TimeNs};

use super::{Stage, StageError};
use crate::ring::{CommandClock, InputPoller, JOURNAL_BATCH};
use crate::shared::{Cursor, ReplyGate, Shared};
use crate::threads::ThreadBell;
use crate::timing::BatchTimes;

/// Where commands are kept. Implemented by the journal and by stand-ins for measurements and tests.
pub trait CommandLog: Send {
    /// Why it cannot go on. Final: nothing is tried again.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Writes one command.
    fn append(&mut self, sequence: Sequence, time_ns: TimeNs, command: &Command) -> Result<(), Self::Error>;

    /// Makes all that was written survive the death of the process.
    fn hand_over(&mut self) -> Result<(), Self::Error>;

    /// Makes all that was written survive the death of the machine. Returns the durable sequence.
    fn flush(&mut self) -> Result<Sequence, Self::Error>;

    /// As [`CommandLog::flush`], and makes the proof of it durable too. Called before an orderly end, and when there
    /// is time.
    fn close(&mut self) -> Result<Sequence, Self::Error>;
}

/// After this long without a command the last flush gets its durable proof: until then a power cut together with
/// damage to that very batch looks like a batch that was never flushed. Long enough that no busy client ever waits
/// for it.
const PROOF_AFTER: Duration = Duration::from_millis(50);

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

impl SyncPolicy {
    fn gate(self) -> ReplyGate {
        ReplyGate::new(match self {
            SyncPolicy::Always => &[Cursor::Durable],
            SyncPolicy::Interval(_) | SyncPolicy::Never => &[Cursor::Written],
        })
    }
}

/// The stage.
pub struct JournalStage<L> {
    log: L,
    input: InputPoller,
    policy: SyncPolicy,
    gate: ReplyGate,
    shared: Arc<Shared>,
    sequence: Sequence,
    clock: CommandClock,
    last_flush: Instant,
    /// The last flush has no durable proof yet.
    unproven: bool,
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
        let (clock, gate) = (CommandClock::new(time_ns), policy.gate());
        let last_flush = Instant::now();
        // The start proves what it finds and what it journals itself.
        let unproven = false;
        JournalStage { log, input, policy, gate, shared, sequence, clock, last_flush, unproven, waiters }
    }

    /// Takes a batch in. The guard is forgotten on an error: its slots stay unread for ever, so that no producer and
    /// no later stage can take the batch for written.
    fn take_batch(&mut self) -> Result<bool, StageError> {
        let Ok(mut guard) = self.input.take(JOURNAL_BATCH) else { return Ok(false) };
        let (taken, before) = (Instant::now(), self.sequence);
        self.shared.sync_watch.begin(taken);
        let mut barrier = false;
        for slot in &mut guard {
            self.sequence += 1;
            barrier |= matches!(slot.command.action, Action::Snapshot);
            let time_ns = self.clock.next(slot.time_ns);
            if let Err(error) = self.log.append(self.sequence, time_ns, &slot.command) {
                std::mem::forget(guard);
                return Err(failed(error));
            }
        }
        let appended = self.shared.timing.now();
        // A snapshot must not be ahead of the durable journal, whatever the mode.
        let kept = if self.policy == SyncPolicy::Always || barrier {
            self.shared.written.advance(self.sequence);
            let flushed = flush(&mut self.log, &self.shared);
            self.last_flush = Instant::now();
            self.unproven = true;
            flushed
        } else {
            // Written releases here, so it must be true before it is said.
            let handed = self.log.hand_over().map_err(failed);
            handed.map(|()| self.shared.written.advance(self.sequence))
        };
        if kept.is_err() {
            std::mem::forget(guard);
            return kept.map(|()| false);
        }
        self.shared.sync_watch.end();
        let timing = &self.shared.timing;
        let times = BatchTimes { taken: timing.at(taken), appended, kept: timing.now() };
        timing.journaled((before, self.sequence), times);
        Ok(true)
    }

    fn release(&self) {
        self.shared.released.advance(self.gate.released(&self.shared));
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

    /// Under the other modes nobody was promised that the last flush can be told from a torn one.
    fn proof_is_due(&self) -> bool {
        self.unproven && self.policy == SyncPolicy::Always && self.last_flush.elapsed() >= PROOF_AFTER
    }

    /// What can be done while there are no commands.
    fn catch_up(&mut self, what: fn(&mut L, &Shared) -> Result<(), StageError>) -> Result<(), StageError> {
        self.shared.sync_watch.begin(Instant::now());
        what(&mut self.log, &self.shared)?;
        self.last_flush = Instant::now();
        self.shared.sync_watch.end();
        Ok(())
    }
}

impl<L: CommandLog> Stage for JournalStage<L> {
    fn poll(&mut self) -> Result<bool, StageError> {
        let worked = self.take_batch()?;
        if worked {
            self.release();
        }
        if self.flush_is_due() {
            self.catch_up(flush)?;
        } else if !worked && self.proof_is_due() {
            self.catch_up(close)?;
            self.unproven = false;
        }
        Ok(worked)
    }

    fn finish(&mut self) -> Result<(), StageError> {
        close(&mut self.log, &self.shared)
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> StageError {
    StageError::Journal(Box::new(error))
}

fn flush<L: CommandLog>(log: &mut L, shared: &Shared) -> Result<(), StageError> {
    let begin = Instant::now();
    let durable = log.flush().map_err(failed)?;
    shared.sync_times.record(begin.elapsed().as_nanos() as u64);
    shared.durable.advance(durable);
    Ok(())
}

fn close<L: CommandLog>(log: &mut L, shared: &Shared) -> Result<(), StageError> {
    let durable = log.close().map_err(failed)?;
    shared.durable.advance(durable);
    Ok(())
}

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
        let Some(mut guard) = self.input.take(JOURNAL_BATCH) else { return Ok(false) };
        let (taken, before) = (Instant::now(), self.sequence);
        self.shared.sync_watch.begin(taken);
        let mut barrier = false;
        for slot in guard.slots() {
            self.sequence += 1;
            barrier |= matches!(slot.command.action, Action::Snapshot);
            let time_ns = self.clock.next(slot.time_ns);
            if let Err(error) = self.log.append(self.sequence, time_ns, &slot.command) {
                std::mem::forget(guard);
                return Err(failed(error));
            }
        }
        // A snapshot must not be ahead of the durable journal, whatever the mode.
        let kept = match self.policy == SyncPolicy::Always || barrier {
            true => {
                self.shared.written.advance(self.sequence);
                keep_durable(&mut self.log, &self.shared)
            }
            false => keep_written(&mut self.log, &self.shared, (before, self.sequence)),
        };
        match kept {
            Ok((appended, kept, flushed)) => {
                self.last_flush = flushed.unwrap_or(self.last_flush);
                self.unproven |= flushed.is_some();
                self.shared.sync_watch.end();
                let timing = &self.shared.timing;
                let times = BatchTimes { taken: timing.at(taken), appended, kept };
                timing.journaled((before, self.sequence), times);
                Ok(true)
            }
            Err(error) => {
                std::mem::forget(guard);
                Err(error)
            }
        }
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

/// When all was appended, when it could be answered, and when it was flushed if it was.
type Kept = (u64, u64, Option<Instant>);

/// For stable storage. The moments are read for the histogram anyway.
fn keep_durable<L: CommandLog>(log: &mut L, shared: &Shared) -> Result<Kept, StageError> {
    let (begin, end) = timed_flush(log, shared)?;
    Ok((shared.timing.at(begin), shared.timing.at(end), Some(end)))
}

/// For the kernel. Written releases here, so it must be true before it is said.
fn keep_written<L: CommandLog>(
    log: &mut L,
    shared: &Shared,
    span: (Sequence, Sequence),
) -> Result<Kept, StageError> {
    // Handing over is mostly nothing: only for a sampled command is it told apart from appending.
    let appended = if shared.timing.is_sampled_in(span) { shared.timing.now() } else { 0 };
    log.hand_over().map_err(failed)?;
    shared.written.advance(span.1);
    let kept = shared.timing.now();
    Ok((if appended == 0 { kept } else { appended }, kept, None))
}

fn timed_flush<L: CommandLog>(log: &mut L, shared: &Shared) -> Result<(Instant, Instant), StageError> {
    let begin = Instant::now();
    let durable = log.flush().map_err(failed)?;
    let end = Instant::now();
    shared.sync_times.record((end - begin).as_nanos() as u64);
    shared.durable.advance(durable);
    Ok((begin, end))
}

fn flush<L: CommandLog>(log: &mut L, shared: &Shared) -> Result<(), StageError> {
    timed_flush(log, shared).map(|_| ())
}

fn close<L: CommandLog>(log: &mut L, shared: &Shared) -> Result<(), StageError> {
    let durable = log.close().map_err(failed)?;
    shared.durable.advance(durable);
    Ok(())
}

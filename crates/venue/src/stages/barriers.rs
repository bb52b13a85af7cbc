//! When a barrier is due, and what the gateway stage does once one has passed: the streams go to their files, and the state
//! hash of a finished snapshot goes into the journal.

use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use ringside_domain::{Action, Command, LoginId, Sequence, StateHash};
use ringside_gateway::{Gateway, GatewayError};

use crate::config::SnapshotConfig;
use crate::shared::{GatewayCells, Shared};

/// Streams that are moved to their files in one turn.
const STORE_TURN: usize = 16;
/// How long a full disk is left alone.
const STORE_RETRY: Duration = Duration::from_millis(100);

/// The first gateway stage's side of snapshots.
#[derive(Debug)]
pub struct Barriers {
    config: SnapshotConfig,
    hashes: Receiver<StateHash>,
    /// Found no room in the ring.
    waiting: Option<StateHash>,
    /// Commands up to here are no reason for a barrier.
    base: Sequence,
    /// Time of the last barrier, or of the start.
    since: Instant,
}

/// A gateway's side of snapshots: its streams are moved to their files behind a barrier.
#[derive(Debug)]
pub(super) struct Keeper {
    /// The barrier that streams are being stored for. A later one waits for its turn: streams that were stored for this one may
    /// have more by then.
    barrier: Option<Sequence>,
    /// Index of the next stream to be stored for it.
    next_stream: usize,
    next_store: Instant,
}

impl Barriers {
    /// Barriers as configured. `base`: the last command that is no reason for one.
    pub fn new(config: SnapshotConfig, hashes: Receiver<StateHash>, base: Sequence) -> Self {
        Barriers { config, hashes, waiting: None, base, since: Instant::now() }
    }

    /// A barrier, when one is due and no snapshot is under way.
    pub fn due(&mut self, published: Sequence, shared: &Shared) -> Option<Command> {
        self.follow(shared);
        let commands = published.saturating_sub(self.base);
        let is_time = || self.config.every.is_some_and(|every| self.since.elapsed() >= every);
        let due = commands > 0 && (commands >= self.config.every_commands || is_time());
        // Relaxed: seen a turn later is early enough.
        let busy = shared.snapshots.busy.load(std::sync::atomic::Ordering::Relaxed);
        (due && !busy).then_some(BARRIER)
    }

    /// A barrier at the end, when there was anything since the last one.
    pub fn last(&mut self, published: Sequence, shared: &Shared) -> Option<Command> {
        self.follow(shared);
        (published > self.base).then_some(BARRIER)
    }

    /// Barriers of the operator count as well.
    fn follow(&mut self, shared: &Shared) {
        let passed = shared.barrier.get();
        if passed > self.base {
            self.put(passed);
        }
    }

    /// A barrier is in the ring, under this sequence.
    pub fn put(&mut self, sequence: Sequence) {
        (self.base, self.since) = (sequence, Instant::now());
    }

    /// The state hash of a snapshot that was published.
    pub fn hash(&mut self) -> Option<Command> {
        self.waiting = self.waiting.take().or_else(|| self.hashes.try_recv().ok());
        self.waiting.map(|hash| Command { login: LoginId::VENUE, action: Action::StateHash(hash) })
    }

    /// The hash is in the ring.
    pub fn told(&mut self) {
        self.waiting = None;
        self.base += 1;
    }
}

impl Keeper {
    pub(super) fn new() -> Self {
        Keeper { barrier: None, next_stream: 0, next_store: Instant::now() }
    }

    /// Moves some streams to their files when a barrier was delivered. True: something was done.
    pub(super) fn store(
        &mut self,
        gateway: &mut Gateway,
        barrier: Sequence,
        cells: &GatewayCells,
    ) -> Result<bool, GatewayError> {
        let is_due = barrier > cells.stored.get() && cells.delivered.get() >= barrier;
        let Some(target) = self.barrier.or(is_due.then_some(barrier)) else { return Ok(false) };
        self.barrier = Some(target);
        if self.next_store > Instant::now() {
            return Ok(false);
        }
        match gateway.store_streams(self.next_stream, STORE_TURN)? {
            None => self.next_store = Instant::now() + STORE_RETRY,
            Some(next) if next < gateway.streams() => self.next_stream = next,
            Some(_) => {
                (self.barrier, self.next_stream) = (None, 0);
                cells.stored.advance(target);
            }
        }
        Ok(true)
    }
}

/// Asks for a snapshot.
pub(super) const BARRIER: Command = Command { login: LoginId::VENUE, action: Action::Snapshot };

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::bounded;
    use ringside_gateway::{
        Caps, GatewayOptions, ListenOptions, LockoutPolicy, LoginEntry, Outbound, server::stream_path,
    };

    const SESSION: u32 = 1;

    /// A gateway that listens nowhere, with more streams than one turn stores.
    fn gateway(directory: &std::path::Path) -> Gateway {
        let login = |id| LoginEntry {
            stream: Outbound::create(&stream_path(directory, LoginId(id), SESSION)).unwrap(),
            certificate_name: None,
            connected: false,
        };
        let options = GatewayOptions {
            listen: ListenOptions::default(),
            session: SESSION,
            outbound: directory.to_owned(),
            logins: (1..=STORE_TURN as u32 + 4).map(login).collect(),
            jobs: bounded(1).0,
            verdicts: bounded(1).1,
            caps: Caps::default(),
            lockout: LockoutPolicy::default(),
        };
        Gateway::new(options).unwrap()
    }

    #[test]
    fn streams_that_were_stored_for_one_barrier_do_not_stand_for_a_later_one() {
        let directory = tempfile::tempdir().unwrap();
        let (mut gateway, cells, mut keeper) =
            (gateway(directory.path()), GatewayCells::default(), Keeper::new());
        cells.delivered.advance(5);
        assert!(keeper.store(&mut gateway, 5, &cells).unwrap());
        // The first ones are in their files; more is delivered to them, and a barrier passes.
        cells.delivered.advance(9);
        assert!(keeper.store(&mut gateway, 9, &cells).unwrap());
        assert_eq!(cells.stored.get(), 5);
        while keeper.store(&mut gateway, 9, &cells).unwrap() {}
        assert_eq!(cells.stored.get(), 9);
    }
}

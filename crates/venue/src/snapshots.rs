//! Snapshots, made beside the venue: the engine stage only tells that a barrier has passed, and what it counted there.
//!
//! A thread of low priority loads the snapshot before, carries out the journal from there to the barrier in an engine of its
//! own (the *shadow*), and writes what it has come to. So the engine does no work for a snapshot, memory is doubled only
//! while one is made, and every snapshot proves that the one before it and the journal lead to the state that the venue
//! has (docs/decisions/0010).
//!
//! *Architecture Invariant:* nothing is published that is ahead of the durable journal, or of the streams in their files.
//!
//! *Architecture Invariant:* a shadow that counts otherwise than the engine is an alarm, and its snapshot is thrown away.

mod base;
mod shadow;
mod tally;

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use ringside_domain::state::VenueState;
use ringside_domain::{Sequence, StateHash};
use ringside_engine::{Engine, Limits};
use ringside_gateway::server::session_of_stream;
use ringside_journal::{RecoverError, archived, prune};
use ringside_snapshot::{Content, Generations, Header, KEPT, SnapshotError};
use ringside_storage::{Directory, Pace, StorageError};
use thiserror::Error;
use tracing::{error, info, warn};

pub use base::{first_whole, newest, waypoint};
pub use shadow::Shadow;
pub use tally::StreamTally;

use crate::clock::Reading;
use crate::scheduling::lower_priority;
use crate::shared::{Shared, bump};

/// Snapshots are written at this rate at most: faster, and the journal's own syncs suffer (docs/decisions/0010).
const WRITE_BYTES_PER_SECOND: NonZeroU64 = NonZeroU64::new(32 << 20).expect("not zero");
/// How often the watermarks are looked at while a barrier is not durable yet.
const LOOK: Duration = Duration::from_millis(1);
/// Barriers that may wait. Only the newest one is worth a snapshot.
pub const BARRIERS_MAX: usize = 8;

/// What the engine counted when a barrier had passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Figures {
    /// The barrier.
    pub sequence: Sequence,
    /// Counters after it.
    pub venue: VenueState,
    /// Live orders after it.
    pub live_orders: u32,
}

impl Figures {
    /// What an engine counts now.
    pub fn of(engine: &Engine, sequence: Sequence) -> Figures {
        Figures { sequence, venue: engine.venue_state(), live_orders: engine.live_orders() }
    }
}

/// Why a snapshot was not made. The venue goes on; the next barrier is the next chance.
#[derive(Debug, Error)]
pub enum MakeError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] RecoverError),
    /// The snapshot cannot be written or read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The device does not answer.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The journal carried out again is not what the engine has come to. Somebody has to look at this.
    #[error("the journal up to {} leads to {found:?}, the engine has {expected:?}", expected.sequence)]
    Diverged {
        /// Of the engine.
        expected: Box<Figures>,
        /// Of the shadow.
        found: Box<Figures>,
    },
    /// The journal before the barrier is not there any more, and no snapshot can be read.
    #[error("no snapshot can be read, and the journal begins with sequence {first}")]
    NoBeginning {
        /// First command of the journal.
        first: Sequence,
    },
    /// The journal tells another state hash of the snapshot that the shadow began with.
    #[error("the journal says that the state after {sequence} was {found:016x}, it was {expected:016x}")]
    StateHash {
        /// Of the snapshot.
        sequence: Sequence,
        /// In the snapshot.
        expected: u64,
        /// In the journal.
        found: u64,
    },
    /// The venue ended first.
    #[error("the venue ended before the barrier was durable")]
    Ended,
}

/// Makes snapshots until nobody tells of barriers any more.
pub struct SnapshotTask {
    generations: Generations<Directory>,
    journal: Directory,
    shared: Arc<Shared>,
    barriers: Receiver<Figures>,
    hashes: Sender<StateHash>,
    /// Snapshots that were read whole, newest first: the kept ones, and their base.
    verified: Vec<Sequence>,
    /// Segments and streams of earlier sessions go.
    prune: bool,
    /// Where segments are copied to: none goes before.
    archive: Option<PathBuf>,
    outbound: PathBuf,
}

impl SnapshotTask {
    /// A task over a data directory. `base`: the snapshot that the venue has begun with.
    pub fn new(
        data_dir: &Path,
        base: Option<Sequence>,
        shared: Arc<Shared>,
        barriers: Receiver<Figures>,
        hashes: Sender<StateHash>,
    ) -> Result<SnapshotTask, StorageError> {
        Ok(SnapshotTask {
            generations: generations(data_dir)?,
            journal: Directory::open(&data_dir.join("journal"))?,
            shared,
            barriers,
            hashes,
            verified: base.into_iter().collect(),
            prune: false,
            archive: None,
            outbound: data_dir.join("outbound"),
        })
    }

    /// Lets segments of earlier sessions go, or keeps them. With an archive none goes before it is there.
    pub fn with_pruning(self, prune: bool, archive: Option<PathBuf>) -> Self {
        SnapshotTask { prune, archive, ..self }
    }

    /// Makes a snapshot for every barrier, or for the newest of those that came meanwhile.
    pub fn run(mut self) {
        lower_priority("snapshots are made");
        while let Ok(mut figures) = self.barriers.recv() {
            while let Ok(newer) = self.barriers.try_recv() {
                // The last one of a session is what the next one can be told from.
                if newer.venue.session != figures.venue.session {
                    self.make_and_tell(&figures);
                }
                figures = newer;
            }
            self.make_and_tell(&figures);
        }
    }

    fn make_and_tell(&mut self, figures: &Figures) {
        let told = &self.shared.snapshots;
        told.busy.store(true, Ordering::Relaxed);
        let begin = Instant::now();
        match self.make(figures) {
            Ok(made) => {
                let (sequence, bytes) = (figures.sequence, made.file_length);
                let seconds = begin.elapsed().as_secs_f64();
                info!(sequence, bytes, seconds, state_hash = format!("{:016x}", made.state_hash), "snapshot");
                let told = &self.shared.snapshots;
                told.bytes.store(bytes, Ordering::Relaxed);
                told.micros.store(begin.elapsed().as_micros() as u64, Ordering::Relaxed);
                told.time_ns.store(Reading::now().wall_ns, Ordering::Relaxed);
                told.sequence.store(sequence, Ordering::Relaxed);
                bump(&told.made, 1);
            }
            Err(MakeError::Ended) => warn!(sequence = figures.sequence, "no snapshot: the venue ended first"),
            Err(problem) => {
                bump(&self.shared.snapshots.failures, 1);
                if matches!(problem, MakeError::Diverged { .. } | MakeError::StateHash { .. }) {
                    bump(&self.shared.snapshots.diverged, 1);
                }
                error!(%problem, sequence = figures.sequence, "no snapshot");
            }
        }
        self.shared.snapshots.busy.store(false, Ordering::Relaxed);
    }

    fn make(&mut self, figures: &Figures) -> Result<Header, MakeError> {
        self.wait_for(figures.sequence, |shared| shared.durable.get())?;
        let mut shadow = Shadow::begin(&self.generations, &self.journal)?;
        shadow.run_to(figures.sequence)?;
        let found = Figures::of(shadow.engine(), shadow.sequence());
        if found != *figures {
            return Err(MakeError::Diverged { expected: Box::new(*figures), found: Box::new(found) });
        }
        let state_hash = shadow.engine().state_hash();
        let streams = shadow.streams();
        let content = Content {
            engine: shadow.engine(),
            state_hash,
            position: shadow.position(),
            session_sequence: shadow.session_sequence(),
            streams: &streams,
        };
        let begin = Instant::now();
        let header = self.generations.draft(&content, self.pace())?;
        drop(shadow);
        self.wait_for(figures.sequence, |shared| shared.stored())?;
        self.generations.publish(&header, Limits::default())?;
        // Relaxed: a figure.
        self.shared.snapshots.write_micros.store(begin.elapsed().as_micros() as u64, Ordering::Relaxed);
        self.verified.insert(0, figures.sequence);
        self.prune(figures.venue.session)?;
        // Full or gone: the next start tells it.
        let _ = self.hashes.try_send(StateHash { sequence: figures.sequence, hash: state_hash });
        Ok(header)
    }

    /// What the two newest snapshots stand for goes: older snapshots and, where that is configured, segments and streams of
    /// earlier sessions.
    fn prune(&mut self, session: u32) -> Result<(), MakeError> {
        let Some(oldest) = self.verified.get(KEPT - 1).copied() else { return Ok(()) };
        let base = self.base_of(oldest)?;
        self.verified.truncate(KEPT);
        self.verified.extend(base);
        // Last, so that nothing is removed before its successor was looked at.
        self.generations.prune(&self.verified[..KEPT], base)?;
        match base {
            Some(base) if self.prune => self.prune_sessions(session, prunable(oldest, base)),
            _ => Ok(()),
        }
    }

    /// Segments and streams of earlier sessions go.
    fn prune_sessions(&mut self, session: u32, before: Sequence) -> Result<(), MakeError> {
        self.remove_streams(session);
        let archived = match self.archive.as_deref().map(archived).transpose() {
            Ok(archived) => archived,
            Err(error) => {
                warn!(%error, "segments of earlier sessions stay");
                return Ok(());
            }
        };
        let may_go = |number| archived.as_ref().is_none_or(|archived| archived.contains(&number));
        let removed = prune(&self.journal, before, may_go)?;
        if !removed.is_empty() {
            info!(first = removed[0], count = removed.len(), "segments of earlier sessions pruned");
        }
        Ok(())
    }

    /// The newest whole snapshot from before the session of the older kept one: from there the streams of that session can be
    /// told, and of every later one, whichever of the kept ones a start finds broken.
    fn base_of(&self, oldest: Sequence) -> Result<Option<Sequence>, MakeError> {
        let Some(began) = self.readable(oldest, self.generations.header(oldest))? else { return Ok(None) };
        for sequence in self.generations.list()?.into_iter().filter(|it| *it < began.session_sequence) {
            if self.is_whole(sequence)? {
                return Ok(Some(sequence));
            }
        }
        Ok(None)
    }

    /// Nothing is removed that only a broken snapshot stands for. Each is read once.
    fn is_whole(&self, sequence: Sequence) -> Result<bool, MakeError> {
        if self.verified.contains(&sequence) {
            return Ok(true);
        }
        Ok(self.readable(sequence, self.generations.load(sequence, Limits::default()))?.is_some())
    }

    /// A damaged snapshot is told of, and is as none.
    fn readable<T>(
        &self,
        sequence: Sequence,
        read: Result<T, SnapshotError>,
    ) -> Result<Option<T>, MakeError> {
        match read {
            Ok(found) => Ok(Some(found)),
            Err(SnapshotError::Storage(error)) => Err(error.into()),
            Err(problem) => {
                warn!(%problem, sequence, "segments do not go for this snapshot");
                Ok(None)
            }
        }
    }

    /// Streams of sessions before the last one: no snapshot that stays knows of them.
    fn remove_streams(&self, session: u32) {
        for entry in std::fs::read_dir(&self.outbound).into_iter().flatten().flatten() {
            let of = entry.file_name().to_str().and_then(session_of_stream);
            if of.is_some_and(|of| of + 1 < session) {
                // What cannot be removed now is found again after the next snapshot.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    /// A venue that ends has no clients left that could be slowed down.
    fn pace(&self) -> Pace {
        match self.shared.is_over() {
            true => Pace::Unpaced,
            false => Pace::BytesPerSecond(WRITE_BYTES_PER_SECOND),
        }
    }

    fn wait_for(&self, sequence: Sequence, mark: impl Fn(&Shared) -> u64) -> Result<(), MakeError> {
        while mark(&self.shared) < sequence {
            // Acquire: pairs with the Release of whoever joined the stages; what they did last is visible then.
            let ended = self.shared.stages_ended.load(Ordering::Acquire);
            if ended && mark(&self.shared) < sequence {
                return Err(MakeError::Ended);
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }
}

/// The first command that has to stay: behind the older of the two newest snapshots, and behind the one from before its
/// session.
fn prunable(oldest_snapshot: Sequence, base: Sequence) -> Sequence {
    // The place right behind a snapshot is looked for in the segment of its last command.
    oldest_snapshot.min(base)
}

/// The snapshots of a data directory, which has a place for them after this.
pub fn generations(data_dir: &Path) -> Result<Generations<Directory>, StorageError> {
    Ok(Generations::new(Directory::create(&data_dir.join("snapshots"))?))
}

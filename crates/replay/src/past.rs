//! Carrying out the journal again.

use std::collections::VecDeque;
use std::path::Path;

use ringside_domain::{Action, Command, Event, Sequence, StateHash, TimeNs};
use ringside_engine::Engine;
use ringside_journal::{End, Entry, Reader, RecoverError, Waypoint, durable_sequence};
use ringside_storage::{Directory, StorageError};
use thiserror::Error;

use crate::beginning::Beginning;
use crate::live::is_live;
use crate::place;

/// Why the past cannot be told.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// There is no journal to read.
    #[error("{0}: there is no journal here")]
    NoJournal(String),
    /// The journal is damaged, or the device does not answer.
    #[error(transparent)]
    Journal(#[from] RecoverError),
    /// The device does not answer.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The journal begins in the middle, and no snapshot leads there.
    #[error(
        "the journal begins with sequence {first}, and there is no snapshot to begin with; broken: {}",
        if broken.is_empty() { "none".into() } else { broken.join(", ") }
    )]
    NoBeginning {
        /// First command of the journal.
        first: Sequence,
        /// Files of snapshots that cannot be used.
        broken: Vec<String>,
    },
    /// What is asked for lies before the oldest snapshot of a pruned journal.
    #[error("sequence {asked} cannot be told: segments before the snapshot after {beginning} are pruned")]
    Pruned {
        /// What was asked for.
        asked: Sequence,
        /// Where the past begins.
        beginning: Sequence,
    },
    /// The journal says that the state was another one: this program, or the one that wrote it, did not keep the rules.
    #[error("sequence {}: the journal has state hash {:016x}, this program comes to {found:016x}", told.sequence, told.hash)]
    Diverged {
        /// What the journal says.
        told: StateHash,
        /// What was computed.
        found: u64,
    },
}

/// State hashes that are kept until the journal tells them: one is told before the next barrier, as a rule.
const BARRIERS_KEPT: usize = 16;

/// One command, carried out again.
#[derive(Debug)]
pub struct Turn<'a> {
    /// Its place.
    pub sequence: Sequence,
    /// Its journaled time.
    pub time_ns: TimeNs,
    /// Number of the segment that holds its record.
    pub segment: u64,
    /// Offset of its record in the segment file.
    pub offset: u64,
    /// What was asked.
    pub command: Command,
    /// What happened.
    pub events: &'a [Event],
    /// The state right after it.
    pub engine: &'a Engine,
}

/// What a whole replay found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Summary {
    /// First command read; 0 when there is none.
    pub first_sequence: Sequence,
    /// Last command read.
    pub last_sequence: Sequence,
    /// Commands read.
    pub commands: u64,
    /// Matches.
    pub trades: u64,
    /// Shares matched.
    pub volume: u64,
    /// Hash of the state at the end.
    pub state_hash: u64,
    /// State hashes in the journal that were compared, and found right.
    pub state_hashes: u64,
    /// Bytes at the end that were never acknowledged; `None` when the journal ends cleanly.
    pub torn_tail_bytes: Option<u64>,
}

/// The state at some point of the past.
pub struct Past {
    disk: Directory,
    reader: Reader<Directory>,
    engine: Engine,
    /// Place of the snapshot with which a pruned journal's past begins.
    place: Option<Waypoint>,
    events: Vec<Event>,
    /// Nothing after this is read.
    limit: Sequence,
    first: Sequence,
    last: Sequence,
    count: u64,
    /// State hashes at the last barriers.
    barriers: VecDeque<StateHash>,
    compared: u64,
}

impl Past {
    /// The beginning. `place` is the data directory that `serve` was given, or the journal in it. Where earlier segments are
    /// pruned it is the oldest snapshot behind which nothing is missing; what is left of the journal before that is
    /// read and checked, not carried out.
    ///
    /// # Errors
    /// When there is no journal, or its newest segment cannot be read although a venue is writing it, or a pruned
    /// journal has no snapshot.
    pub fn open(place: &Path) -> Result<Past, ReplayError> {
        let disk = place::open(place)?;
        let live = is_live(&place::data_dir_of(place));
        let limit = if live { durable_sequence(disk.clone())? } else { Sequence::MAX };
        let beginning = Beginning::find(&place::data_dir_of(place), &disk)?;
        let reader = match beginning.place {
            Some(place) => Reader::open_through(disk.clone(), place),
            None => Reader::open(disk.clone()),
        };
        Ok(Past {
            last: beginning.sequence(),
            place: beginning.place,
            engine: beginning.engine,
            reader,
            disk,
            events: Vec::new(),
            limit,
            first: 0,
            count: 0,
            barriers: VecDeque::with_capacity(BARRIERS_KEPT),
            compared: 0,
        })
    }

    /// Carries out the next command; `None` at the end.
    pub fn turn(&mut self) -> Result<Option<Turn<'_>>, ReplayError> {
        let Some(entry) = self.entry()? else { return Ok(None) };
        self.events.clear();
        let events = &mut self.events;
        self.engine.apply(entry.time_ns, &entry.command, &mut |event: Event| events.push(event));
        self.compare(entry.sequence, &entry.command.action)?;
        Ok(Some(Turn {
            sequence: entry.sequence,
            time_ns: entry.time_ns,
            segment: entry.segment,
            offset: entry.offset,
            command: entry.command,
            events: &self.events,
            engine: &self.engine,
        }))
    }

    /// Goes on until after `sequence`, or to the end. True when there may be more.
    pub fn run_to(&mut self, sequence: Sequence) -> Result<bool, ReplayError> {
        let beginning = self.place.map_or(0, |place| place.sequence);
        if sequence < beginning {
            return Err(ReplayError::Pruned { asked: sequence, beginning });
        }
        while self.last < sequence {
            let Some(entry) = self.entry()? else { return Ok(false) };
            self.engine.apply(entry.time_ns, &entry.command, &mut |_: Event| ());
            self.compare(entry.sequence, &entry.command.action)?;
        }
        Ok(true)
    }

    /// The next command, not carried out yet.
    fn entry(&mut self) -> Result<Option<Entry>, ReplayError> {
        if self.last >= self.limit {
            return Ok(None);
        }
        let Some(entry) = self.reader.next_entry()? else { return Ok(None) };
        if self.first == 0 {
            self.first = entry.sequence;
        }
        self.last = entry.sequence;
        self.count += 1;
        Ok(Some(entry))
    }

    /// Computes the state hash at a barrier, and compares it with what the journal tells of it later.
    fn compare(&mut self, sequence: Sequence, action: &Action) -> Result<(), ReplayError> {
        match action {
            Action::Snapshot => {
                if self.barriers.len() == BARRIERS_KEPT {
                    self.barriers.pop_front();
                }
                self.barriers.push_back(StateHash { sequence, hash: self.engine.state_hash() });
            }
            Action::StateHash(told) => {
                if let Some(found) = self.barriers.iter().find(|found| found.sequence == told.sequence) {
                    if found != told {
                        return Err(ReplayError::Diverged { told: *told, found: found.hash });
                    }
                    self.compared += 1;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The state now.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Last command carried out; at the beginning that after which it is.
    pub fn last_sequence(&self) -> Sequence {
        self.last
    }

    /// Where the journal will probably end, for a progress bar: its durable watermark. Reads the newest segment.
    /// `None` when that is damaged.
    pub fn expected_last(&self) -> Option<Sequence> {
        match self.limit {
            Sequence::MAX => durable_sequence(self.disk.clone()).ok(),
            limit => Some(limit),
        }
    }

    /// What was found so far.
    pub fn summary(&self) -> Summary {
        let counters = self.engine.counters();
        Summary {
            first_sequence: self.first,
            last_sequence: self.last,
            commands: self.count,
            trades: counters.trades,
            volume: counters.volume,
            state_hash: self.engine.state_hash(),
            state_hashes: self.compared,
            torn_tail_bytes: match self.reader.end() {
                Some(End::TornTail { bytes, .. }) => Some(bytes),
                _ => None,
            },
        }
    }
}

//! The snapshots of a directory: how one gets its name, and how old ones go.

use ringside_domain::Sequence;
use ringside_engine::Limits;
use ringside_storage::{Draft, Drafts, Pace, StorageError};

use crate::error::{Damage, SnapshotError};
use crate::format::{Header, file_name, sequence_of};
use crate::read::{Loaded, load, read_header};
use crate::write::{Content, write};

/// Snapshots that stay: the newest, and the one before it for the case that it cannot be read.
pub const KEPT: usize = 2;

/// Name of a snapshot that is being written.
const DRAFT: &str = "snapshot.tmp";

/// A snapshot that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// Name of the file.
    pub file: String,
    /// Where in the file.
    pub offset: u64,
    /// What is wrong there.
    pub damage: Damage,
}

/// A directory of snapshots.
#[derive(Clone, Debug)]
pub struct Generations<D> {
    disk: D,
}

impl<D: Drafts> Generations<D> {
    /// The snapshots on a disk.
    pub fn new(disk: D) -> Self {
        Generations { disk }
    }

    /// Sequences of all files that are called snapshots, newest first. Nothing is known about them yet.
    pub fn list(&self) -> Result<Vec<Sequence>, StorageError> {
        let mut found: Vec<Sequence> =
            self.disk.list()?.iter().filter_map(|name| sequence_of(name)).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        Ok(found)
    }

    /// Header of the snapshot after a command.
    pub fn header(&self, sequence: Sequence) -> Result<Header, SnapshotError> {
        let file = file_name(sequence);
        let header = read_header(&self.disk, &file)?;
        named(header.position.sequence, sequence, &file)?;
        Ok(header)
    }

    /// The snapshot after a command.
    pub fn load(&self, sequence: Sequence, limits: Limits) -> Result<Loaded, SnapshotError> {
        let file = file_name(sequence);
        let loaded = load(&self.disk, &file, limits)?;
        named(loaded.header.position.sequence, sequence, &file)?;
        Ok(loaded)
    }

    /// The snapshot after a command, state hash included: costs a walk over all orders.
    pub fn load_verified(&self, sequence: Sequence, limits: Limits) -> Result<Loaded, SnapshotError> {
        let loaded = self.load(sequence, limits)?;
        loaded.verify()?;
        Ok(loaded)
    }

    /// Loads the first of some snapshots that is whole. Beside it those that were passed over, in their order.
    ///
    /// # Errors
    /// When the device does not answer: whether a snapshot is whole is not known then.
    pub fn first_whole(
        &self,
        sequences: impl IntoIterator<Item = Sequence>,
        limits: Limits,
    ) -> Result<(Option<Loaded>, Vec<Broken>), StorageError> {
        first(sequences, |sequence| self.load(sequence, limits))
    }

    /// The same; one with another state than its hash says is passed over, too.
    pub fn first_verified(
        &self,
        sequences: impl IntoIterator<Item = Sequence>,
        limits: Limits,
    ) -> Result<(Option<Loaded>, Vec<Broken>), StorageError> {
        first(sequences, |sequence| self.load_verified(sequence, limits))
    }

    /// Writes a snapshot under a name of its own and makes it durable.
    pub fn draft(&self, content: &Content<'_>, pace: Pace) -> Result<Header, StorageError> {
        let written = self.disk.draft(DRAFT, pace).and_then(|mut draft| {
            let header = write(content, &mut draft)?;
            draft.sync()?;
            Ok(header)
        });
        if written.is_err() {
            // Gives the blocks of a file that did not fit back; the first error is the one to report.
            let _ = self.disk.remove(DRAFT);
        }
        written
    }

    /// Reads the draft back whole, state hash included, and gives it its name, durably. The engine that it was made of is
    /// not needed any more.
    pub fn publish(&self, header: &Header, limits: Limits) -> Result<(), SnapshotError> {
        let loaded = load(&self.disk, DRAFT, limits)?;
        if loaded.header != *header {
            return Err(Damage::Senseless.at(DRAFT, 0));
        }
        loaded.verify()?;
        drop(loaded);
        self.disk.rename(DRAFT, &file_name(header.position.sequence))?;
        Ok(self.disk.sync_directory()?)
    }

    /// Removes what is older than the [`KEPT`] newest of `verified`, which the caller has read, but for `base`. Returns how
    /// many went.
    pub fn prune(&self, verified: &[Sequence], base: Option<Sequence>) -> Result<usize, StorageError> {
        let mut verified = verified.to_vec();
        verified.sort_unstable_by(|a, b| b.cmp(a));
        verified.dedup();
        let Some(oldest) = verified.get(KEPT - 1) else { return Ok(0) };
        let is_doomed = |sequence: &Sequence| sequence < oldest && Some(*sequence) != base;
        let doomed: Vec<Sequence> = self.list()?.into_iter().filter(is_doomed).collect();
        for sequence in &doomed {
            self.disk.remove(&file_name(*sequence))?;
        }
        if !doomed.is_empty() {
            self.disk.sync_directory()?;
        }
        Ok(doomed.len())
    }
}

fn first(
    sequences: impl IntoIterator<Item = Sequence>,
    load: impl Fn(Sequence) -> Result<Loaded, SnapshotError>,
) -> Result<(Option<Loaded>, Vec<Broken>), StorageError> {
    let mut broken = Vec::new();
    for sequence in sequences {
        match load(sequence) {
            Ok(loaded) => return Ok((Some(loaded), broken)),
            Err(SnapshotError::Storage(error)) => return Err(error),
            Err(SnapshotError::Damaged { file, offset, damage }) => {
                broken.push(Broken { file, offset, damage });
            }
        }
    }
    Ok((None, broken))
}

fn named(found: Sequence, wanted: Sequence, file: &str) -> Result<(), SnapshotError> {
    if found == wanted { Ok(()) } else { Err(Damage::Senseless.at(file, 24)) }
}

//! The newest snapshot that can be trusted.

use ringside_domain::Sequence;
use ringside_engine::Limits;
use ringside_journal::Waypoint;
use ringside_snapshot::{Generations, Header, Loaded, SnapshotError};
use ringside_storage::{Directory, StorageError};
use tracing::warn;

/// Loads the newest snapshot that is whole; a broken one is told of and passed over. Beside it the names of the broken
/// ones.
pub fn newest(generations: &Generations<Directory>) -> Result<(Option<Loaded>, Vec<String>), StorageError> {
    first_whole(generations, generations.list()?)
}

/// Loads the first of some snapshots that is whole, the same way.
pub fn first_whole(
    generations: &Generations<Directory>,
    sequences: impl IntoIterator<Item = Sequence>,
) -> Result<(Option<Loaded>, Vec<String>), StorageError> {
    let mut broken = Vec::new();
    for sequence in sequences {
        match generations.load(sequence, Limits::default()) {
            Ok(loaded) => return Ok((Some(loaded), broken)),
            Err(SnapshotError::Storage(error)) => return Err(error),
            Err(SnapshotError::Damaged { file, offset, damage }) => {
                warn!(file, offset, %damage, "a snapshot cannot be used; the one before it is tried");
                broken.push(file);
            }
        }
    }
    Ok((None, broken))
}

/// Where the journal goes on behind a snapshot.
pub fn waypoint(header: &Header) -> Waypoint {
    let position = &header.position;
    Waypoint {
        epoch: position.epoch,
        sequence: position.sequence,
        segment: position.segment,
        offset: position.offset,
        chain: position.chain,
    }
}

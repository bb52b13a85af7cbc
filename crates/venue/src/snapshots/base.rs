//! The newest snapshot that can be trusted.

use ringside_domain::Sequence;
use ringside_engine::Limits;
use ringside_journal::Waypoint;
use ringside_snapshot::{Broken, Generations, Header, Loaded};
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
    let (loaded, broken) = generations.first_whole(sequences, Limits::default())?;
    for Broken { file, offset, damage } in &broken {
        warn!(file, offset, %damage, "a snapshot cannot be used; the one before it is tried");
    }
    Ok((loaded, broken.into_iter().map(|broken| broken.file).collect()))
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

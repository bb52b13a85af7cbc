//! Where the past begins: with sequence 1, or, once earlier segments are pruned, with the oldest snapshot behind which nothing is
//! missing.

use std::path::Path;

use ringside_domain::Sequence;
use ringside_engine::{Engine, Limits};
use ringside_journal::{Reader, Waypoint};
use ringside_snapshot::{Generations, Header};
use ringside_storage::Directory;

use crate::past::ReplayError;
use crate::place::SNAPSHOTS;

/// The state before the first command that can be carried out again.
pub(crate) struct Beginning {
    /// That state.
    pub engine: Engine,
    /// The place of the snapshot, which the journal has to pass through; `None`: it begins with nothing.
    pub place: Option<Waypoint>,
}

impl Beginning {
    /// Of a journal in `disk`, and the snapshots beside it.
    pub fn find(data_dir: &Path, disk: &Directory) -> Result<Beginning, ReplayError> {
        // What is wrong with the first record is told by whoever reads it next.
        match Reader::open(disk.clone()).next_entry() {
            Ok(Some(entry)) if entry.sequence > 1 => oldest(data_dir, entry.sequence),
            _ => Ok(Beginning { engine: Engine::new(Limits::default()), place: None }),
        }
    }

    /// Last command that is not carried out again.
    pub fn sequence(&self) -> Sequence {
        self.place.map_or(0, |place| place.sequence)
    }
}

/// The oldest snapshot that is whole and behind which nothing is missing.
fn oldest(data_dir: &Path, first: Sequence) -> Result<Beginning, ReplayError> {
    let snapshots = data_dir.join(SNAPSHOTS);
    if !snapshots.is_dir() {
        return Err(ReplayError::NoBeginning { first, broken: Vec::new() });
    }
    let generations = Generations::new(Directory::open(&snapshots)?);
    let oldest_first = generations.list()?.into_iter().rev().filter(|sequence| *sequence >= first);
    let (loaded, broken) = generations.first_verified(oldest_first, Limits::default())?;
    let Some(loaded) = loaded else {
        let broken = broken.into_iter().map(|broken| broken.file).collect();
        return Err(ReplayError::NoBeginning { first, broken });
    };
    Ok(Beginning { place: Some(place_of(&loaded.header)), engine: loaded.engine })
}

/// Where the journal goes on behind a snapshot.
pub(crate) fn place_of(header: &Header) -> Waypoint {
    let at = header.position;
    Waypoint {
        epoch: at.epoch,
        sequence: at.sequence,
        segment: at.segment,
        offset: at.offset,
        chain: at.chain,
    }
}

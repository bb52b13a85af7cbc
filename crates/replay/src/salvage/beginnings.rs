//! The snapshots with which the copy of a pruned journal can begin.
//!
//! A journal that is there from sequence 1 on needs none, and none is trusted: everything is carried out again. Of a pruned
//! one all come along that can be read and that the valid part passes through: the newest for the state, and those from
//! before its session for the streams, which a start writes anew. Those beyond the valid part would keep a venue from starting.

use std::fs::{self, File};

use ringside_domain::Sequence;
use ringside_engine::Limits;
use ringside_journal::{Corruption, Reader, Waypoint};
use ringside_snapshot::{Generations, SnapshotError, file_name};
use ringside_storage::{Directory, Disk};

use super::{Salvage, SalvageError};
use crate::beginning::place_of;
use crate::place::{SNAPSHOTS, data_dir_of};

/// Copies them, when `journal`, which is valid, begins in the middle. `damage`: what ended it.
pub(super) fn copy(
    what: &Salvage<'_>,
    journal: &Directory,
    damage: Option<&Corruption>,
) -> Result<(), SalvageError> {
    let Some(first) = Reader::open(journal.clone()).next_entry()?.map(|entry| entry.sequence) else {
        return Ok(());
    };
    if first == 1 {
        return Ok(());
    }
    let from = data_dir_of(what.source).join(SNAPSHOTS);
    let wanted = if from.is_dir() { whole(&Generations::new(Directory::open(&from)?))? } else { Vec::new() };
    let (passed, last) = passed(journal, &wanted)?;
    if passed.is_empty() {
        return Err(SalvageError::NoBeginning { first, last, damage: damage.cloned() });
    }
    let to = Directory::create(&what.target.join(SNAPSHOTS))?;
    for name in passed.iter().map(|place| file_name(place.sequence)) {
        let path = to.path().join(&name);
        let copied = fs::copy(from.join(&name), &path).and_then(|_| File::open(&path)?.sync_all());
        copied.map_err(|error| SalvageError::File { path, error })?;
    }
    Ok(to.sync_directory()?)
}

/// Places of all snapshots that can be read, ascending.
fn whole(generations: &Generations<Directory>) -> Result<Vec<Waypoint>, SalvageError> {
    let mut places = Vec::new();
    for sequence in generations.list()?.into_iter().rev() {
        let loaded = generations.load(sequence, Limits::default());
        match loaded.and_then(|loaded| loaded.verify().map(|_| place_of(&loaded.header))) {
            Ok(place) => places.push(place),
            Err(SnapshotError::Damaged { .. }) => {}
            Err(error @ SnapshotError::Storage(_)) => return Err(SalvageError::Replay(error.into())),
        }
    }
    Ok(places)
}

/// Those of `places` that a journal passes through, and its last command.
fn passed(journal: &Directory, places: &[Waypoint]) -> Result<(Vec<Waypoint>, Sequence), SalvageError> {
    let mut reader = Reader::open(journal.clone());
    let (mut passed, mut last) = (Vec::new(), 0);
    while let Some(entry) = reader.next_entry()? {
        last = entry.sequence;
        let here = places.iter().find(|place| place.sequence == last);
        passed.extend(here.filter(|place| reader.waypoint() == Some(**place)));
    }
    Ok((passed, last))
}

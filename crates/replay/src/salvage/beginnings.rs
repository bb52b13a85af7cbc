//! The snapshots with which the copy of a pruned journal can begin.
//!
//! A journal that is there from sequence 1 on needs none, and none is trusted: everything is carried out again. Of a pruned
//! one all come along that can be read and that the valid part passes through: the newest for the state, and those from
//! before its session for the streams, which a start writes anew. Those beyond the valid part would keep a venue from starting.

use std::path::Path;

use ringside_domain::Sequence;
use ringside_engine::Limits;
use ringside_journal::{Corruption, Reader, Waypoint};
use ringside_snapshot::{Generations, SnapshotError, file_name};
use ringside_storage::{Directory, Disk};

use super::{Salvage, SalvageError, copy_file};
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
    let (usable, last) = usable(&from, journal)?;
    if usable.is_empty() {
        return Err(SalvageError::NoBeginning { first, last, damage: damage.cloned() });
    }
    let to = Directory::create(&what.target.join(SNAPSHOTS))?;
    for name in usable.into_iter().map(file_name) {
        copy_file(&from.join(&name), &to.path().join(&name))?;
    }
    Ok(to.sync_directory()?)
}

/// Sequences of the snapshots that can be read and that a journal passes through, ascending, and its last command. Only
/// those that it passes through are loaded: the header says where a snapshot belongs.
fn usable(snapshots: &Path, journal: &Directory) -> Result<(Vec<Sequence>, Sequence), SalvageError> {
    if !snapshots.is_dir() {
        return passed(journal, &[]);
    }
    let generations = Generations::new(Directory::open(snapshots)?);
    let (passed, last) = passed(journal, &places(&generations)?)?;
    let mut usable = Vec::new();
    for sequence in passed {
        let loaded = unless_damaged(generations.load_verified(sequence, Limits::default()))?;
        usable.extend(loaded.map(|_| sequence));
    }
    Ok((usable, last))
}

/// Places of all snapshots whose header can be read, ascending.
fn places(generations: &Generations<Directory>) -> Result<Vec<Waypoint>, SalvageError> {
    let mut places = Vec::new();
    for sequence in generations.list()?.into_iter().rev() {
        let header = unless_damaged(generations.header(sequence))?;
        places.extend(header.as_ref().map(place_of));
    }
    Ok(places)
}

fn unless_damaged<T>(found: Result<T, SnapshotError>) -> Result<Option<T>, SalvageError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(SnapshotError::Damaged { .. }) => Ok(None),
        Err(SnapshotError::Storage(error)) => Err(error.into()),
    }
}

/// Sequences of those of `places` that a journal passes through, and its last command.
fn passed(journal: &Directory, places: &[Waypoint]) -> Result<(Vec<Sequence>, Sequence), SalvageError> {
    let mut reader = Reader::open(journal.clone());
    let (mut passed, mut last) = (Vec::new(), 0);
    while let Some(entry) = reader.next_entry()? {
        last = entry.sequence;
        let here = places.iter().any(|place| reader.waypoint() == Some(*place));
        passed.extend(here.then_some(last));
    }
    Ok((passed, last))
}

//! A journal whose beginning is gone: the past begins with the oldest snapshot that is left.

mod common;

use std::path::Path;

use common::*;
use ringside_domain::Sequence;
use ringside_journal::format::segment_file_name;
use ringside_journal::{Entry, Reader, Reason, RecoverError};
use ringside_replay::{
    Aspect, Comparison, Difference, EditError, Edits, Finding, Past, ReplayError, Salvage, SalvageError,
    Salvaged, Summary, WhatIf, salvage,
};
use ringside_storage::Directory;

const COMMANDS: usize = 3_000;
const BARRIERS: [Sequence; 2] = [1_200, 2_000];

/// A journal with barriers, in segments of a few hundred commands.
fn data_dir() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write_flow(dir.path(), 7);
    dir
}

fn write_flow(data_dir: &Path, seed: u64) {
    write_with_barriers(data_dir, seed, COMMANDS, &BARRIERS);
}

fn summary(data_dir: &Path) -> Result<Summary, ReplayError> {
    let mut past = Past::open(data_dir)?;
    while past.turn()?.is_some() {}
    Ok(past.summary())
}

#[test]
fn a_pruned_journal_is_told_from_its_oldest_snapshot_on() {
    let dir = data_dir();
    let whole = summary(dir.path()).unwrap();
    BARRIERS.iter().for_each(|barrier| _ = snapshot(dir.path(), *barrier));
    let first = prune_before(dir.path(), BARRIERS[0]);
    assert!(1 < first && first <= BARRIERS[0]);
    let left = summary(dir.path()).unwrap();
    assert_eq!((left.first_sequence, left.last_sequence), (BARRIERS[0] + 1, whole.last_sequence));
    assert_eq!(left.commands, whole.commands - BARRIERS[0]);
    assert_eq!((left.state_hash, left.trades, left.volume), (whole.state_hash, whole.trades, whole.volume));
}

#[test]
fn what_lies_before_it_is_refused_and_the_state_there_is_not() {
    let dir = data_dir();
    let mut past = Past::open(dir.path()).unwrap();
    past.run_to(BARRIERS[0]).unwrap();
    let then = past.engine().state_hash();
    snapshot(dir.path(), BARRIERS[0]);
    prune_before(dir.path(), BARRIERS[0]);
    let mut past = Past::open(dir.path()).unwrap();
    assert!(matches!(
        past.run_to(BARRIERS[0] - 1),
        Err(ReplayError::Pruned { asked, beginning }) if asked + 1 == beginning && beginning == BARRIERS[0]
    ));
    assert!(past.run_to(BARRIERS[0]).unwrap());
    assert_eq!(past.engine().state_hash(), then);
}

#[test]
fn damage_in_what_is_left_before_the_snapshot_is_found() {
    let dir = data_dir();
    snapshot(dir.path(), BARRIERS[0]);
    prune_before(dir.path(), BARRIERS[0]);
    let first =
        ringside_journal::format::segment_number(&contents(&dir.path().join("journal"))[0].0).unwrap();
    flip(dir.path(), first, 4096 + 40);
    assert!(matches!(summary(dir.path()), Err(ReplayError::Journal(_))));
}

#[test]
fn without_a_snapshot_that_can_be_read_a_pruned_journal_tells_nothing() {
    let dir = data_dir();
    let header = snapshot(dir.path(), BARRIERS[0]);
    let first = prune_before(dir.path(), BARRIERS[0]);
    let name = ringside_snapshot::file_name(header.position.sequence);
    let path = dir.path().join("snapshots").join(&name);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[700] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let refused = Past::open(dir.path()).err().unwrap();
    assert!(
        matches!(&refused, ReplayError::NoBeginning { first: found, broken } if *found == first && *broken == [name]),
        "{refused}"
    );
}

/// Every checksum is right, but the state is not that of the hash: the file is passed over like any other damaged one.
#[test]
fn a_snapshot_with_another_state_hash_is_passed_over_for_the_next() {
    let dir = data_dir();
    let whole = summary(dir.path()).unwrap();
    BARRIERS.iter().for_each(|barrier| _ = snapshot(dir.path(), *barrier));
    prune_before(dir.path(), BARRIERS[0]);
    let path = dir.path().join("snapshots").join(ringside_snapshot::file_name(BARRIERS[0]));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[64] ^= 1;
    let crc = crc32fast::hash(&bytes[..616]);
    bytes[616..620].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    let left = summary(dir.path()).unwrap();
    assert_eq!((left.first_sequence, left.state_hash), (BARRIERS[1] + 1, whole.state_hash));
    std::fs::remove_file(dir.path().join("snapshots").join(ringside_snapshot::file_name(BARRIERS[1])))
        .unwrap();
    let refused = Past::open(dir.path()).err().unwrap();
    assert!(matches!(&refused, ReplayError::NoBeginning { broken, .. } if broken.len() == 1), "{refused}");
}

#[test]
fn a_snapshot_of_another_journal_is_refused() {
    let (dir, other) = (data_dir(), data_dir());
    snapshot(other.path(), BARRIERS[0]);
    std::fs::rename(other.path().join("snapshots"), dir.path().join("snapshots")).unwrap();
    // Another flow: other checksums, another chain.
    std::fs::remove_dir_all(dir.path().join("journal")).unwrap();
    write_flow(dir.path(), 8);
    prune_before(dir.path(), BARRIERS[0]);
    let refused = summary(dir.path());
    let Err(ReplayError::Journal(RecoverError::Corrupt(found))) = refused else { panic!("{refused:?}") };
    assert_eq!((found.reason, found.sequence), (Reason::OffTheWay { sequence: BARRIERS[0] }, BARRIERS[0]));
    let entry = entry(dir.path(), BARRIERS[0]);
    assert_eq!(found.segment, segment_file_name(entry.segment));
    assert!(found.offset > entry.offset, "right behind the command: {found}");
}

/// What differs without these commands.
fn what_if(data_dir: &Path, without: &str) -> Result<serde_json::Value, EditError> {
    let mut edits = Edits::default();
    edits.remove(without).unwrap();
    let mut what_if = WhatIf::open(data_dir, edits)?;
    what_if.run_to(Sequence::MAX)?;
    what_if.report()
}

#[test]
fn nothing_left_out_of_a_pruned_journal_changes_nothing() {
    let dir = data_dir();
    snapshot(dir.path(), BARRIERS[0]);
    prune_before(dir.path(), BARRIERS[0]);
    let report = what_if(dir.path(), "1000000").unwrap();
    assert_eq!(report["before"], report["after"]);
    assert_eq!(report["first_divergent_sequence"], serde_json::Value::Null);
    assert_eq!(report["orders_changed"], 0);
}

#[test]
fn what_is_pruned_cannot_be_left_out() {
    let dir = data_dir();
    snapshot(dir.path(), BARRIERS[0]);
    prune_before(dir.path(), BARRIERS[0]);
    let refused = what_if(dir.path(), &format!("{}..2000", BARRIERS[0])).err().unwrap();
    assert!(
        matches!(refused, EditError::Replay(ReplayError::Pruned { asked, beginning }) if asked == beginning),
        "{refused}"
    );
    assert_eq!(what_if(dir.path(), &format!("{}", BARRIERS[0] + 1)).unwrap()["removed"], 1);
}

fn compare(a: &Path, b: &Path, step: Sequence) -> (u64, Finding) {
    let mut difference = Difference::open(a, b, Comparison::default()).unwrap();
    let mut to = step;
    loop {
        match difference.run_to(to).unwrap() {
            Finding::More => to += step,
            found => return (difference.compared(), found),
        }
    }
}

#[test]
fn journals_pruned_at_different_places_are_compared_from_the_later_one_on() {
    let (whole, early, late) = (data_dir(), data_dir(), data_dir());
    for (dir, barrier) in [(&early, BARRIERS[0]), (&late, BARRIERS[1])] {
        snapshot(dir.path(), barrier);
        prune_before(dir.path(), barrier);
    }
    for (a, b, from) in
        [(&whole, &early, BARRIERS[0]), (&early, &whole, BARRIERS[0]), (&early, &late, BARRIERS[1])]
    {
        // Steps as a progress bar takes them: within what only one side can tell, and beyond it.
        for step in [700, 1_000_000] {
            assert_eq!(compare(a.path(), b.path(), step), (COMMANDS as u64 - from, Finding::Same));
        }
    }
}

#[test]
fn another_state_where_both_begin_is_a_difference() {
    let (dir, other) = (data_dir(), tempfile::tempdir().unwrap());
    write_flow(other.path(), 8);
    snapshot(other.path(), BARRIERS[0]);
    prune_before(other.path(), BARRIERS[0]);
    let (compared, found) = compare(dir.path(), other.path(), 1_000_000);
    let Finding::Different(found) = found else { panic!("{found:?}") };
    assert_eq!((compared, found.sequence, found.aspect), (0, BARRIERS[0], Aspect::StateHash));
}

/// A pruned journal in `data` with both snapshots.
fn pruned_site() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    write_flow(&data, 7);
    BARRIERS.iter().for_each(|barrier| _ = snapshot(&data, *barrier));
    prune_before(&data, BARRIERS[0]);
    dir
}

fn save(dir: &Path) -> Result<Salvaged, SalvageError> {
    salvage(&Salvage { source: &dir.join("data"), target: &dir.join("saved") }, |_, _| Ok(()))
}

/// Flips a bit of a command's record.
fn damage(data_dir: &Path, sequence: Sequence) {
    let entry = entry(data_dir, sequence);
    flip(data_dir, entry.segment, entry.offset + 33);
}

/// A command and where its record is.
fn entry(data_dir: &Path, sequence: Sequence) -> Entry {
    let journal = Directory::open(&data_dir.join("journal")).unwrap();
    let mut reader = Reader::open(journal);
    let entries = std::iter::from_fn(|| reader.next_entry().unwrap());
    { entries }.find(|entry| entry.sequence == sequence).unwrap()
}

fn names(directory: &Path) -> Vec<String> {
    contents(directory).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn a_pruned_journal_is_saved_with_the_snapshots_that_it_passes_through() {
    let dir = pruned_site();
    let (data, saved_dir) = (dir.path().join("data"), dir.path().join("saved"));
    let whole = summary(&data).unwrap();
    let saved = save(dir.path()).unwrap();
    assert_eq!((saved.last_sequence, saved.state_hash), (whole.last_sequence, whole.state_hash));
    assert_eq!(summary(&saved_dir).unwrap(), whole);
    assert_eq!(contents(&saved_dir.join("snapshots")), contents(&data.join("snapshots")));

    let dir = pruned_site();
    let (data, saved_dir) = (dir.path().join("data"), dir.path().join("saved"));
    damage(&data, BARRIERS[1] - 100);
    let saved = save(dir.path()).unwrap();
    assert_eq!((saved.first_sequence, saved.last_sequence), (BARRIERS[0] + 1, BARRIERS[1] - 101));
    assert_eq!(summary(&saved_dir).unwrap().state_hash, saved.state_hash);
    // A venue refuses to start on a snapshot that is ahead of its journal.
    assert_eq!(names(&saved_dir.join("snapshots")), [ringside_snapshot::file_name(BARRIERS[0])]);
}

#[test]
fn a_pruned_journal_damaged_before_its_first_snapshot_leaves_the_target_empty() {
    let dir = pruned_site();
    damage(&dir.path().join("data"), BARRIERS[0]);
    for _ in 0..2 {
        let refused = save(dir.path()).unwrap_err();
        assert!(
            matches!(&refused, SalvageError::NoBeginning { last, damage: Some(_), .. } if last + 1 == BARRIERS[0]),
            "{refused}"
        );
        assert_eq!(std::fs::read_dir(dir.path().join("saved")).unwrap().count(), 0);
    }
}

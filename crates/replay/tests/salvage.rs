//! What is saved of a damaged journal.

mod common;

use std::path::Path;

use common::*;
use ringside_domain::{Action, Rules, Sequence};
use ringside_journal::format::{SEGMENT_HEADER_LENGTH, SegmentHeader};
use ringside_journal::{Corruption, Reader, Reason, RecoverError, recover};
use ringside_replay::{Past, Salvage, SalvageError, Salvaged, salvage};
use ringside_storage::Directory;

const SEGMENT: u64 = 65_536;

fn site() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write_in(&dir.path().join("data"), SEGMENT, random_flow(1, 51, 3_000));
    dir
}

/// Salvages `data` into `saved`; also the sequences that were listed.
fn save(dir: &Path) -> (Result<Salvaged, SalvageError>, Vec<Sequence>) {
    let (source, target) = (dir.join("data"), dir.join("saved"));
    let before = contents(&source.join("journal"));
    let mut listed = Vec::new();
    let result = salvage(&Salvage { source: &source, target: &target }, |_, entry| {
        listed.push(entry.sequence);
        Ok(())
    });
    assert_eq!(contents(&source.join("journal")), before, "the source is never written");
    (result, listed)
}

/// The first damage, as a replay meets it.
fn damage(data_dir: &Path) -> Corruption {
    let mut reader = Reader::open(Directory::open(&data_dir.join("journal")).unwrap());
    loop {
        match reader.next_entry() {
            Err(RecoverError::Corrupt(found)) => return found,
            other => assert!(other.unwrap().is_some(), "the journal is damaged"),
        }
    }
}

fn hash_at(data_dir: &Path, sequence: Sequence) -> u64 {
    let mut past = Past::open(data_dir).unwrap();
    past.run_to(sequence).unwrap();
    past.engine().state_hash()
}

/// The saved journal is whole, says what the source said, and a start takes it as it is.
fn assert_starts(dir: &Path, saved: &Salvaged) {
    let target = dir.join("saved");
    let mut past = Past::open(&target).unwrap();
    past.run_to(Sequence::MAX).unwrap();
    let summary = past.summary();
    assert_eq!((summary.last_sequence, summary.torn_tail_bytes), (saved.last_sequence, None));
    assert_eq!(
        (summary.state_hash, hash_at(&dir.join("data"), saved.last_sequence)),
        (saved.state_hash, saved.state_hash)
    );
    let recovered = recover(&Directory::open(&target.join("journal")).unwrap()).unwrap();
    assert_eq!((recovered.last_sequence(), recovered.torn_tail()), (saved.last_sequence, None));
}

#[test]
fn a_flipped_bit_costs_what_is_behind_it_and_nothing_before() {
    for (segment, offset) in [(1, 5_000), (1, 40_000), (2, 4_100), (3, 30_000)] {
        let dir = site();
        flip(&dir.path().join("data"), segment, offset);
        let found = damage(&dir.path().join("data"));
        let (saved, listed) = save(dir.path());
        let saved = saved.unwrap_or_else(|error| panic!("{segment} {offset}: {error}"));
        assert_eq!(saved.damage.as_ref(), Some(&found));
        assert_eq!(saved.last_sequence + 1, found.sequence, "the longest prefix");
        assert_eq!(saved.intact_commands, 3_000 - found.sequence, "one command is lost, the rest is listed");
        assert_eq!(listed, (found.sequence + 1..=3_000).collect::<Vec<_>>());
        assert_eq!(saved.intact_sequences, Some((found.sequence + 1, 3_000)));
        assert!(saved.intact_bytes < saved.lost_bytes, "{saved:?}");
        assert_starts(dir.path(), &saved);
    }
}

#[test]
fn a_header_that_is_gone_costs_its_segment_and_what_follows() {
    let dir = site();
    let path = segment(&dir.path().join("data"), 2);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[..SEGMENT_HEADER_LENGTH as usize].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let found = damage(&dir.path().join("data"));
    let (saved, _) = save(dir.path());
    let saved = saved.unwrap();
    assert_eq!((saved.last_sequence + 1, saved.damage.as_ref()), (found.sequence, Some(&found)));
    assert!(saved.intact_commands > 500, "segment 3 and on are listed: {saved:?}");
    assert!(saved.lost_bytes > SEGMENT / 2, "and what segment 2 holds is counted: {saved:?}");
    assert_starts(dir.path(), &saved);
}

#[test]
fn a_segment_that_is_missing_too_long_or_too_short_ends_the_prefix() {
    for (what, length) in [("missing", None), ("too long", Some(SEGMENT + 4_096)), ("too short", Some(1_000))]
    {
        let dir = site();
        let path = segment(&dir.path().join("data"), 2);
        match length {
            None => std::fs::remove_file(&path).unwrap(),
            Some(length) => {
                std::fs::File::options().write(true).open(&path).unwrap().set_len(length).unwrap()
            }
        }
        let found = damage(&dir.path().join("data"));
        let (saved, _) = save(dir.path());
        let saved = saved.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(saved.last_sequence + 1 >= found.sequence, "{what}: {saved:?}");
        assert_starts_whatever(dir.path(), &saved);
    }
}

/// As [`assert_starts`], when the source cannot be replayed so far.
fn assert_starts_whatever(dir: &Path, saved: &Salvaged) {
    let recovered = recover(&Directory::open(&dir.join("saved/journal")).unwrap()).unwrap();
    assert_eq!((recovered.last_sequence(), recovered.torn_tail()), (saved.last_sequence, None));
    assert_eq!(hash_at(&dir.join("saved"), Sequence::MAX), saved.state_hash);
}

#[test]
fn a_healthy_journal_is_copied_whole_and_a_torn_tail_is_not() {
    let dir = site();
    let (saved, listed) = save(dir.path());
    let saved = saved.unwrap();
    assert_eq!((saved.last_sequence, saved.damage.as_ref(), saved.lost_bytes), (3_000, None, 0));
    assert!(listed.is_empty());
    assert_starts(dir.path(), &saved);

    let dir = site();
    let last = std::fs::read_dir(dir.path().join("data/journal")).unwrap().count() as u64;
    let path = segment(&dir.path().join("data"), last);
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap().next_multiple_of(16);
    bytes[end..end + 40].fill(7);
    std::fs::write(&path, bytes).unwrap();
    let saved = save(dir.path()).0.unwrap();
    assert_eq!((saved.last_sequence, saved.damage.as_ref(), saved.torn_tail_bytes), (3_000, None, 40));
    assert_starts(dir.path(), &saved);
}

#[test]
fn what_must_not_be_salvaged_is_refused() {
    let dir = site();
    std::fs::create_dir(dir.path().join("saved")).unwrap();
    std::fs::write(dir.path().join("saved/file"), "mine").unwrap();
    assert!(matches!(save(dir.path()).0, Err(SalvageError::Target(_))));

    let dir = site();
    flip(&dir.path().join("data"), 1, 4_097);
    assert!(matches!(save(dir.path()).0, Err(SalvageError::Nothing(_))), "not even one command");
    assert!(contents(&dir.path().join("saved")).is_empty(), "nothing is left behind");

    let dir = site();
    let path = segment(&dir.path().join("data"), 2);
    let mut bytes = std::fs::read(&path).unwrap();
    for copy in [0, 2_048] {
        bytes[copy + 8] = 99;
        let crc = crc32fast::hash(&bytes[copy..copy + 76]);
        bytes[copy + 76..copy + 80].copy_from_slice(&crc.to_le_bytes());
    }
    std::fs::write(&path, bytes).unwrap();
    let Err(SalvageError::Newer(found)) = save(dir.path()).0 else { panic!("a newer format is no damage") };
    assert!(found.to_string().contains("version 99"), "{found}");
}

/// Rules of which this program has not heard are a newer program's: cutting them off would lose what is whole.
#[test]
fn newer_rules_are_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut commands = setup();
    commands.push(venue(Action::SetRules(Rules::NEWEST)));
    write(&data, timed(commands));
    let mut reader = Reader::open(Directory::open(&data.join("journal")).unwrap());
    let entry = std::iter::from_fn(|| reader.next_entry().unwrap()).last().unwrap();
    let path = segment(&data, entry.segment);
    let mut bytes = std::fs::read(&path).unwrap();
    let page = bytes[..SEGMENT_HEADER_LENGTH as usize].try_into().unwrap();
    let checksum = SegmentHeader::decode(&page).unwrap().checksum();
    let record = &mut bytes[entry.offset as usize..];
    let length = u32::from_le_bytes(record[..4].try_into().unwrap()) as usize;
    // Behind the header of the record and the login.
    record[36..40].copy_from_slice(&(Rules::NEWEST.version() + 1).to_le_bytes());
    let crc = checksum.of(&record[..length]);
    record[4..8].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    let refused = save(dir.path()).0;
    assert!(
        matches!(&refused, Err(SalvageError::Newer(found)) if found.reason == Reason::Rules),
        "{refused:?}"
    );
}

/// The list is for people: that it cannot be written costs nothing that was saved.
#[test]
fn what_was_saved_stays_when_the_list_cannot_be_written() {
    let dir = site();
    flip(&dir.path().join("data"), 2, 4_100);
    let found = damage(&dir.path().join("data"));
    let (source, target) = (dir.path().join("data"), dir.path().join("saved"));
    let refused = salvage(&Salvage { source: &source, target: &target }, |_, _| {
        Err(std::io::ErrorKind::StorageFull.into())
    });
    assert!(matches!(refused, Err(SalvageError::File { .. })), "{refused:?}");
    let recovered = recover(&Directory::open(&target.join("journal")).unwrap()).unwrap();
    assert_eq!((recovered.last_sequence() + 1, recovered.torn_tail()), (found.sequence, None));
    assert_eq!(hash_at(&target, Sequence::MAX), hash_at(&source, recovered.last_sequence()));
}

#[test]
fn what_the_file_named_comes_along() {
    let dir = site();
    std::fs::write(dir.path().join("data/instruments"), "ESH4\n").unwrap();
    save(dir.path()).0.unwrap();
    assert_eq!(std::fs::read_to_string(dir.path().join("saved/instruments")).unwrap(), "ESH4\n");
}

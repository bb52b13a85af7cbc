//! Reading from the middle: a journal passes through the place where a snapshot was made, or it is corrupt.

mod common;

use common::*;
use ringside_journal::{Reader, Reason, RecoverError, Waypoint, prune, recover, recover_from};
use ringside_storage::MemoryDisk;

const LAST: u64 = 300;

/// A journal of several segments.
fn journal() -> MemoryDisk {
    let disk = MemoryDisk::default();
    let mut journal = create(&disk, 8192);
    for last in (10..=LAST).step_by(10) {
        append_to(&mut journal, last);
        journal.flush().unwrap();
    }
    journal.close().unwrap();
    assert!(journal.segment() > 3);
    disk
}

/// The place behind a command.
fn waypoint(disk: &MemoryDisk, sequence: u64) -> Waypoint {
    let mut reader = Reader::open(disk.clone());
    while reader.last_sequence() < sequence {
        reader.next_entry().unwrap().unwrap();
    }
    reader.waypoint().unwrap()
}

fn sequences(disk: &MemoryDisk, waypoint: Waypoint) -> Result<Vec<u64>, RecoverError> {
    let mut found = Vec::new();
    recover_from(disk, Some(waypoint), |entry| found.push(entry.sequence))?;
    Ok(found)
}

fn reason(error: RecoverError) -> Reason {
    match error {
        RecoverError::Corrupt(corruption) => corruption.reason,
        RecoverError::Storage(error) => panic!("{error}"),
    }
}

#[test]
fn reading_behind_any_command_gives_the_rest_and_the_same_end() {
    let disk = journal();
    let whole = recover(&disk).unwrap();
    for sequence in 1..=LAST {
        let waypoint = waypoint(&disk, sequence);
        let rest: Vec<u64> = (sequence + 1..=LAST).collect();
        assert_eq!(sequences(&disk, waypoint).unwrap(), rest);
        let read: Vec<u64> =
            Reader::open_behind(disk.clone(), waypoint).map(|entry| entry.unwrap().sequence).collect();
        assert_eq!(read, rest);
        let recovered = recover_from(&disk, Some(waypoint), |_| ()).unwrap();
        assert_eq!(
            (recovered.last_sequence(), recovered.chain(), recovered.position()),
            (whole.last_sequence(), whole.chain(), whole.position())
        );
    }
}

/// What is left before the waypoint is read: damage there is found, and segments that are gone are not missed.
#[test]
fn reading_through_a_waypoint_checks_what_is_left_before_it() {
    let disk = journal();
    let place = waypoint(&disk, LAST - 5);
    let through = |disk: &MemoryDisk| -> Result<Vec<u64>, RecoverError> {
        Reader::open_through(disk.clone(), place).map(|entry| entry.map(|entry| entry.sequence)).collect()
    };
    let rest: Vec<u64> = (LAST - 4..=LAST).collect();
    assert_eq!(through(&disk).unwrap(), rest);
    ringside_storage::Disk::remove(&disk, "0000000001.seg").unwrap();
    assert_eq!(through(&disk).unwrap(), rest);
    let mut bytes = disk.contents("0000000002.seg").unwrap();
    bytes[4096 + 40] ^= 1;
    disk.put("0000000002.seg", bytes);
    assert!(matches!(reason(through(&disk).unwrap_err()), Reason::Checksum { .. }));
    let behind: Vec<_> = Reader::open_behind(disk, place).map(|entry| entry.unwrap().sequence).collect();
    assert_eq!(behind, rest, "which does not look there");
}

#[test]
fn segments_before_the_waypoint_are_not_needed() {
    let disk = journal();
    let place = waypoint(&disk, LAST - 5);
    for number in 1..place.segment {
        ringside_storage::Disk::remove(&disk, &ringside_journal::format::segment_file_name(number)).unwrap();
    }
    assert_eq!(sequences(&disk, place).unwrap(), [296, 297, 298, 299, 300]);
}

#[test]
fn a_journal_that_does_not_reach_its_waypoint_is_corrupt_and_left_as_it_is() {
    let disk = journal();
    let place = waypoint(&disk, LAST);
    let name = ringside_journal::format::segment_file_name(place.segment);
    // The last segment goes back to what it was before: zeros instead of its last records.
    let mut bytes = disk.contents(&name).unwrap();
    let cut = waypoint(&disk, LAST - 3).offset as usize;
    bytes[cut..].fill(0);
    bytes[cut + 100] = 1;
    disk.put(&name, bytes.clone());
    let RecoverError::Corrupt(found) = sequences(&disk, place).unwrap_err() else { panic!("damage") };
    assert_eq!((found.reason, found.sequence), (Reason::Missing { known: LAST }, LAST - 2));
    assert_eq!(disk.contents(&name).unwrap(), bytes, "what was a torn tail without the snapshot is kept");
    // Without the segment, and without a journal at all.
    for number in (place.segment..=place.segment + 1).chain(1..place.segment) {
        let _ = ringside_storage::Disk::remove(&disk, &ringside_journal::format::segment_file_name(number));
        assert_eq!(reason(sequences(&disk, place).unwrap_err()), Reason::Missing { known: LAST });
    }
}

#[test]
fn another_past_under_the_same_sequence_is_refused() {
    let disk = journal();
    let place = waypoint(&disk, 100);
    for other in [Waypoint { chain: 1, ..place }, Waypoint { offset: place.offset + 16, ..place }] {
        assert_eq!(reason(sequences(&disk, other).unwrap_err()), Reason::OffTheWay { sequence: 100 });
    }
    let foreign = Waypoint { epoch: 5, ..place };
    assert_eq!(
        reason(sequences(&disk, foreign).unwrap_err()),
        Reason::ForeignEpoch { expected: 5, found: EPOCH }
    );
}

#[test]
fn pruning_takes_whole_segments_before_a_command_and_leaves_the_chain() {
    for sequence in 1..=LAST {
        let disk = journal();
        let (place, whole) = (waypoint(&disk, sequence), recover(&disk).unwrap());
        let removed = prune(&disk, sequence, |_| true).unwrap();
        assert_eq!(removed, (1..place.segment).collect::<Vec<_>>(), "before {sequence}");
        assert_eq!(sequences(&disk, place).unwrap(), (sequence + 1..=LAST).collect::<Vec<_>>());
        let rest = recover(&disk).unwrap();
        assert_eq!((rest.last_sequence(), rest.chain()), (whole.last_sequence(), whole.chain()));
        assert!(rest.first_sequence() <= sequence);
        assert_eq!(prune(&disk, sequence, |_| true).unwrap(), [0; 0], "once is enough");
    }
}

#[test]
fn pruning_stops_where_a_header_cannot_be_read() {
    let disk = journal();
    let mut bytes = disk.contents("0000000003.seg").unwrap();
    bytes[..4096].fill(9);
    disk.put("0000000003.seg", bytes);
    assert_eq!(prune(&disk, LAST, |_| true).unwrap(), [1]);
}

#[test]
fn pruning_stops_at_the_first_segment_that_may_not_go() {
    let disk = journal();
    assert_eq!(prune(&disk, LAST, |number| number != 2).unwrap(), [1]);
    assert_eq!(prune(&disk, LAST, |number| number != 2).unwrap(), [0; 0]);
}

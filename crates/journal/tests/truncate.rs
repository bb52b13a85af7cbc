//! A suffix cut off on purpose: clean at every sequence, never below the durable watermark unless told.

mod common;

use common::*;
use ringside_journal::{Durable, TruncateError, Truncated, recover, truncate_after};
use ringside_storage::{Dice, Disk, MemoryDisk};

const SHORT: u64 = 8192;

/// Three segments, closed; the last sequence.
fn closed() -> (MemoryDisk, u64) {
    let disk = MemoryDisk::default();
    let mut journal = create(&disk, SHORT);
    while journal.segment() < 3 || journal.segment_room() > 3000 {
        append_one(&mut journal);
        if journal.written_sequence().is_multiple_of(7) {
            journal.flush().unwrap();
        }
    }
    journal.close().unwrap();
    (disk, journal.written_sequence())
}

#[test]
fn a_journal_ends_cleanly_after_any_sequence_and_goes_on_from_there() {
    let (whole, last) = closed();
    for sequence in 0..=last {
        for disk in WRITERS.map(|writer| whole.duplicate().with_writer(writer)) {
            let cut = truncate_after(&disk, sequence, Durable::GiveUp).unwrap();
            assert_eq!((cut.last_sequence, cut.commands), (sequence, last - sequence));
            let recovered = recover(&disk).unwrap();
            assert_eq!(
                (recovered.last_sequence(), recovered.torn_tail(), recovered.missing_bytes()),
                (sequence, None, 0)
            );
            assert_eq!(read_all(&disk), Ok(sequence));
            let mut journal = resume(&disk, &recovered, SHORT);
            append_to(&mut journal, sequence + 150);
            journal.close().unwrap();
            assert_eq!(recovered_last(&disk), Ok(sequence + 150));
        }
    }
}

#[test]
fn what_was_cut_off_is_kept_beside_the_journal() {
    let (disk, last) = closed();
    let before = disk.duplicate();
    let Truncated { copies, .. } = truncate_after(&disk, 20, Durable::GiveUp).unwrap();
    assert_eq!(copies[..2], ["0000000003.seg.cut", "0000000002.seg.cut"]);
    for (copy, name) in [(&copies[0], "0000000003.seg"), (&copies[1], "0000000002.seg")] {
        assert_eq!(disk.contents(copy), before.contents(name));
        assert_eq!(disk.contents(name), None);
    }
    let offset: usize = copies[2].strip_prefix("0000000001.seg.cut-").unwrap().parse().unwrap();
    assert_eq!(disk.contents(&copies[2]).unwrap(), before.contents("0000000001.seg").unwrap()[offset..]);
    assert!(last > 20);
}

#[test]
fn durable_commands_are_kept_unless_told_and_others_are_cut() {
    let disk = MemoryDisk::default();
    let mut journal = create(&disk, SHORT);
    append_to(&mut journal, 10);
    journal.flush().unwrap();
    append_to(&mut journal, 15);
    drop(journal);
    let refused = truncate_after(&disk, 9, Durable::Keep).unwrap_err();
    assert_eq!(refused, TruncateError::Durable { sequence: 9, durable_sequence: 10 });
    assert_eq!(recovered_last(&disk), Ok(15), "nothing was touched");
    assert_eq!(truncate_after(&disk, 15, Durable::Keep).unwrap().copies, Vec::<String>::new());
    assert_eq!(truncate_after(&disk, 10, Durable::Keep).unwrap().commands, 5);
    assert_eq!(recovered_last(&disk), Ok(10));
    assert_eq!(truncate_after(&disk, 9, Durable::GiveUp).unwrap().commands, 1);
    assert_eq!(recovered_last(&disk), Ok(9));
}

#[test]
fn a_pruned_place_cannot_be_cut_at() {
    let (disk, _) = closed();
    disk.remove("0000000001.seg").unwrap();
    let first = recover(&disk).unwrap().first_sequence();
    assert!(first > 1);
    let refused = truncate_after(&disk, first - 2, Durable::GiveUp).unwrap_err();
    assert_eq!(refused, TruncateError::Gone { sequence: first - 2, first_sequence: first });
}

#[test]
fn the_power_may_go_at_every_operation_of_a_cut() {
    let (whole, last) = closed();
    let measured = whole.duplicate();
    truncate_after(&measured, 20, Durable::GiveUp).unwrap();
    for (cut, seed) in (0..=measured.operations()).flat_map(|cut| (0..4).map(move |seed| (cut, seed))) {
        let disk = whole.duplicate();
        disk.cut_power_after(cut);
        let _ = truncate_after(&disk, 20, Durable::GiveUp);
        disk.crash(&mut Dice::new(seed));
        let found = recovered_last(&disk).unwrap_or_else(|error| panic!("cut {cut} seed {seed}: {error}"));
        assert!((20..=last).contains(&found), "cut {cut} seed {seed}: {found}");
        truncate_after(&disk, 20, Durable::GiveUp).unwrap();
        assert_eq!(recovered_last(&disk), Ok(20), "cut {cut} seed {seed}");
    }
}

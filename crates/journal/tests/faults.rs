//! Syncs that fail and then lie, and full disks: the first error is the last word.

mod common;

use common::*;
use ringside_journal::{Journal, JournalError, SegmentSource, preparer, recover};
use ringside_storage::{Dice, MemoryDisk};

const SHORT: u64 = 8192;

/// Appends 150 commands with a flush after every third, until something fails: what was promised by then,
/// and the journal if it was begun.
fn run(disk: &MemoryDisk) -> (u64, Option<Journal<MemoryDisk>>) {
    let source = SegmentSource::inline(disk.clone(), options_of(SHORT), 1);
    let Ok(mut journal) = Journal::create(source, EPOCH, START_NS) else {
        return (0, None);
    };
    for sequence in 1..=150 {
        let appended = journal.append(sequence, START_NS + sequence, &command(sequence)).map(|_| 0);
        let done = if sequence % 3 == 0 { appended.and_then(|_| journal.flush()) } else { appended };
        if done.is_err() {
            break;
        }
    }
    (journal.durable_sequence(), Some(journal))
}

#[test]
fn after_the_kth_sync_fails_nothing_is_reported_durable_and_the_file_is_left_alone() {
    for healthy in disks() {
        run(&healthy);
        assert!(healthy.syncs() > 50);
        fails_at_every_sync(&healthy, healthy.syncs());
    }
}

fn fails_at_every_sync(kind: &MemoryDisk, syncs: u64) {
    for (k, seed) in (1..=syncs).flat_map(|k| (0..4).map(move |seed| (k, seed))) {
        let disk = kind.empty_twin();
        disk.fail_sync(k);
        let (promised, journal) = run(&disk);
        let operations = disk.operations();
        if let Some(mut journal) = journal {
            let next = journal.written_sequence() + 1;
            let failed = JournalError::Failed { durable_sequence: promised };
            for _ in 0..3 {
                assert_eq!(journal.flush(), Err(failed.clone()), "sync {k}");
                assert_eq!(journal.close(), Err(failed.clone()), "sync {k}");
                assert_eq!(journal.append(next, u64::MAX, &command(next)), Err(failed.clone()), "sync {k}");
                assert_eq!(journal.durable_sequence(), promised);
            }
        }
        assert_eq!((disk.syncs(), disk.operations()), (k, operations), "nothing is touched after sync {k}");
        disk.crash(&mut Dice::new(seed));
        let last = recovered_last(&disk).unwrap_or_else(|error| panic!("sync {k} seed {seed}: {error}"));
        assert!(last >= promised, "sync {k} seed {seed}: {last} of {promised}");
    }
}

#[test]
fn a_full_disk_fails_the_journal_only_when_it_needs_the_next_segment() {
    let disk = MemoryDisk::default();
    disk.set_free_bytes(SHORT);
    let (source, task) = preparer(disk.clone(), options_of(SHORT), 1);
    let thread = std::thread::spawn(move || task.run());
    let mut journal = Journal::create(source, EPOCH, START_NS).unwrap();
    let error = loop {
        let next = journal.written_sequence() + 1;
        if let Err(error) = journal.append(next, START_NS + next, &command(next)) {
            break error;
        }
    };
    assert!(matches!(&error, JournalError::NoSegment(storage) if storage.is_full()), "{error}");
    assert!(journal.preparer_status().failure().is_some());
    // Sealing made all of it durable before the next segment was asked for.
    assert_eq!(journal.durable_sequence(), journal.written_sequence());
    assert!(matches!(journal.flush(), Err(JournalError::Failed { .. })));
    let last = journal.written_sequence();
    drop(journal);
    thread.join().unwrap();

    assert_eq!(recovered_last(&disk), Ok(last));
    disk.set_free_bytes(SHORT);
    let recovered = recover(&disk).unwrap();
    append_to(&mut resume(&disk, &recovered, SHORT), last + 1);
    assert_eq!(recovered_last(&disk), Ok(last + 1));
}

#[test]
#[should_panic(expected = "sequences are dense")]
fn a_gap_in_the_sequence_stops_the_writer() {
    create(&MemoryDisk::default(), SHORT).append(2, START_NS, &command(2)).unwrap();
}

#[test]
#[should_panic(expected = "time never decreases")]
fn time_running_backwards_stops_the_writer() {
    create(&MemoryDisk::default(), SHORT).append(1, START_NS - 1, &command(1)).unwrap();
}

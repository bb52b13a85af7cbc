//! A real directory: restarts, and readers while the journal is written.

mod common;

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

use common::*;
use ringside_journal::{End, Journal, Reader, SegmentOptions, durable_sequence, preparer, recover};
use ringside_storage::{Directory, Pace, Writer};

#[test]
fn readers_of_a_living_journal_see_a_growing_prefix_and_never_corruption() {
    WRITERS.into_iter().for_each(readers_of_a_living_journal);
}

fn readers_of_a_living_journal(writer: Writer) {
    let temporary = tempfile::tempdir().unwrap();
    let disk = Directory::create(&temporary.path().join("journal")).unwrap();
    let disk = disk.with_writer(writer).unwrap();
    let pace = Pace::BytesPerSecond(NonZeroU64::new(64 << 20).unwrap());
    let (source, task) = preparer(disk.clone(), SegmentOptions { length: 1 << 16, ahead: 2, pace }, 1);
    let (written, durable) = (AtomicU64::new(0), AtomicU64::new(0));
    const LAST: u64 = 20_000;
    std::thread::scope(|scope| {
        scope.spawn(move || task.run());
        scope.spawn(|| {
            let mut journal = Journal::create(source, EPOCH, START_NS).unwrap();
            for sequence in 1..=LAST {
                // Before the append, so that no reader can be ahead of it.
                written.store(sequence, Ordering::SeqCst);
                append_to(&mut journal, sequence);
                if sequence % 50 == 0 {
                    durable.store(journal.flush().unwrap(), Ordering::SeqCst);
                }
            }
            durable.store(journal.close().unwrap(), Ordering::SeqCst);
        });
        scope.spawn(|| {
            // One reader follows to the end.
            let mut reader = Reader::open(disk.clone());
            while reader.last_sequence() < LAST {
                while let Some(entry) = reader.next_entry().unwrap() {
                    assert_eq!(entry.command, command(entry.sequence));
                }
                assert!(reader.durable_sequence() <= reader.last_sequence());
                std::thread::yield_now();
            }
            assert_eq!(reader.end(), Some(End::Clean));
        });
        // Another one starts again and again.
        while durable.load(Ordering::SeqCst) < LAST {
            let promised = durable.load(Ordering::SeqCst);
            let last = read_all(&disk).unwrap();
            assert!((promised..=written.load(Ordering::SeqCst)).contains(&last));
            // The direct writer's footer goes out with the next batch.
            let promised = if writer == Writer::Mapped { durable.load(Ordering::SeqCst) } else { 0 };
            let watermark = durable_sequence(disk.clone()).unwrap();
            assert!((promised..=written.load(Ordering::SeqCst)).contains(&watermark));
        }
    });
    assert_eq!((read_all(&disk), durable_sequence(disk.clone())), (Ok(LAST), Ok(LAST)));
    let recovered = recover(&disk).unwrap();
    assert_eq!((recovered.last_sequence(), recovered.torn_tail()), (LAST, None));
}

#[test]
fn a_directory_is_recovered_like_memory_torn_tail_and_short_file_included() {
    for (first, second) in WRITERS.into_iter().flat_map(|first| WRITERS.map(|second| (first, second))) {
        recovered_like_memory(first, second);
    }
}

/// Written by the first writer, recovered and continued by the second.
fn recovered_like_memory(first: Writer, second: Writer) {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("journal");
    let disk = Directory::create(&path).unwrap().with_writer(first).unwrap();
    let mut journal = create(&disk, 1 << 16);
    append_to(&mut journal, 10);
    let last = journal.append(11, START_NS + 11, &command(11)).unwrap();
    journal.hand_over().unwrap();
    drop(journal);
    let disk = disk.with_writer(second).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(path.join("0000000001.seg")).unwrap();
    file.set_len(last.offset + 20).unwrap();
    let recovered = recover(&disk).unwrap();
    assert_eq!(recovered.last_sequence(), 10);
    assert!(recovered.missing_bytes() > 60_000);
    let torn = recovered.torn_tail().unwrap();
    assert_eq!(std::fs::read(path.join(&torn.copy)).unwrap().len() as u64, torn.bytes);
    let mut journal = resume(&disk, &recovered, 1 << 16);
    append_to(&mut journal, 1000);
    journal.flush().unwrap();
    assert_eq!(recover(&disk).unwrap().last_sequence(), 1000);
    assert_eq!(read_all(&disk), Ok(1000));
}

//! Recovery as a decision table: every end of a segment, in front of every state of the next one.
//!
//! | end of segment 1 | no next file | blank | half a header | begun |
//! |---|---|---|---|---|
//! | footer | clean | clean | clean | refused |
//! | records of an unflushed batch | clean | clean | clean | refused |
//! | bytes that are no record | torn | torn | torn | refused |
//! | ... and records of the same batch behind them | torn | torn | torn | refused |
//! | ... and a footer that calls them durable | refused | refused | refused | refused |
//! | ... and an earlier record behind them | refused | refused | refused | refused |
//! | intact record out of sequence | refused | refused | refused | refused |
//! | seal | clean | clean | clean | clean |
//! | damaged seal | torn | torn | torn | refused |

mod common;

use common::*;
use ringside_journal::format::{MARK_LENGTH, SegmentHeader, segment_file_name};
use ringside_journal::{Journal, RecoverError, recover};
use ringside_storage::MemoryDisk;

const SHORT: u64 = 8192;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    Footer,
    Unflushed,
    Garbage,
    GarbageThenBatch,
    GarbageThenFooter,
    GarbageThenEarlier,
    OutOfSequence,
    Seal,
    DamagedSeal,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    Missing,
    Blank,
    HalfAHeader,
    Begun,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Clean,
    Torn,
    Refused,
}

const ENDINGS: [Ending; 9] = [
    Ending::Footer,
    Ending::Unflushed,
    Ending::Garbage,
    Ending::GarbageThenBatch,
    Ending::GarbageThenFooter,
    Ending::GarbageThenEarlier,
    Ending::OutOfSequence,
    Ending::Seal,
    Ending::DamagedSeal,
];
const NEXTS: [Next; 4] = [Next::Missing, Next::Blank, Next::HalfAHeader, Next::Begun];

/// The table above.
fn expected(ending: Ending, next: Next) -> Outcome {
    match (ending, next) {
        (Ending::Seal, _) => Outcome::Clean,
        (_, Next::Begun) => Outcome::Refused,
        (Ending::Footer | Ending::Unflushed, _) => Outcome::Clean,
        (Ending::Garbage | Ending::GarbageThenBatch | Ending::DamagedSeal, _) => Outcome::Torn,
        (Ending::GarbageThenFooter | Ending::GarbageThenEarlier | Ending::OutOfSequence, _) => {
            Outcome::Refused
        }
    }
}

/// Segment 1 with its ending, and the bytes of segment 2 as the writer begins it.
struct Case {
    first: Vec<u8>,
    second: Vec<u8>,
}

/// Where the records that are spoiled below begin: that of sequence 4.
struct Place {
    offset: usize,
    length: usize,
}

fn place(journal: &mut Journal<MemoryDisk>) -> Place {
    let next = journal.written_sequence() + 1;
    let at = journal.append(next, START_NS + next, &command(next)).unwrap();
    Place { offset: at.offset as usize, length: at.length as usize }
}

fn checksummed(bytes: &mut [u8], at: usize, length: usize) {
    let header = SegmentHeader::decode(bytes.first_chunk().unwrap()).unwrap();
    let crc = header.checksum().of(&bytes[at..at + length]);
    bytes[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
}

fn case(ending: Ending) -> Case {
    let disk = MemoryDisk::default();
    let mut journal = create(&disk, SHORT);
    append_to(&mut journal, 3);
    journal.flush().unwrap();
    if matches!(ending, Ending::Seal | Ending::DamagedSeal) {
        return sealed(&disk, journal, ending);
    }
    let mut fourth = None;
    if ending != Ending::Footer {
        fourth = Some(place(&mut journal));
        append_to(&mut journal, 6);
    }
    if ending == Ending::GarbageThenFooter {
        journal.flush().unwrap();
    }
    let mut first = disk.contents(&segment_file_name(1)).unwrap();
    if let Some(Place { offset, length }) = fourth {
        match ending {
            Ending::Unflushed | Ending::Footer => {}
            Ending::OutOfSequence => {
                first[offset + 8] = 9;
                checksummed(&mut first, offset, length);
            }
            Ending::Garbage => first[offset..].fill_with(|| 0),
            _ => {}
        }
        if ending == Ending::Garbage {
            first[offset + 3..offset + length].fill(0xa5);
        }
        if matches!(ending, Ending::GarbageThenBatch | Ending::GarbageThenFooter | Ending::GarbageThenEarlier)
        {
            first[offset + 20] ^= 0xff;
        }
        if ending == Ending::GarbageThenEarlier {
            let end = 4096 + u32::from_le_bytes(first[4096..4100].try_into().unwrap()) as usize;
            let (target, earliest) = (SHORT as usize - 1024, first[4096..end].to_vec());
            first[target..target + earliest.len()].copy_from_slice(&earliest);
        }
    }
    Case { first, second: begun_after(&disk) }
}

/// A second segment that continues the commands of a disk.
fn begun_after(disk: &MemoryDisk) -> Vec<u8> {
    let twin = disk.duplicate();
    let mut journal = resume(&twin, &recover(&twin).unwrap(), SHORT);
    while journal.segment() < 2 {
        append_one(&mut journal);
    }
    twin.contents(&segment_file_name(2)).unwrap()
}

fn sealed(disk: &MemoryDisk, mut journal: Journal<MemoryDisk>, ending: Ending) -> Case {
    while journal.segment() < 2 {
        append_one(&mut journal);
    }
    let second = disk.contents(&segment_file_name(2)).unwrap();
    let mut first = disk.contents(&segment_file_name(1)).unwrap();
    if ending == Ending::DamagedSeal {
        let seal = first.iter().rposition(|byte| *byte != 0).unwrap() + 1 - MARK_LENGTH;
        let seal = seal.next_multiple_of(16);
        first[seal + 40] ^= 0xff;
    }
    Case { first, second }
}

fn outcome(case: &Case, next: Next) -> Outcome {
    let disk = MemoryDisk::default();
    disk.put(&segment_file_name(1), case.first.clone());
    let mut second = case.second.clone();
    match next {
        Next::Missing => {}
        Next::Blank => second.fill(0),
        Next::HalfAHeader => second[40..].fill(0),
        Next::Begun => {}
    }
    if next != Next::Missing {
        disk.put(&segment_file_name(2), second);
    }
    match recover(&disk) {
        Ok(recovered) => {
            let last = recovered.last_sequence();
            assert!(last >= 3, "what a footer vouches for is never lost");
            assert_eq!(read_all(&disk), Ok(last));
            let again = recover(&disk).unwrap();
            assert_eq!((again.last_sequence(), again.torn_tail()), (last, None), "found the same again");
            if recovered.torn_tail().is_some() { Outcome::Torn } else { Outcome::Clean }
        }
        Err(RecoverError::Corrupt(corruption)) => {
            assert_eq!(corruption.segment, segment_file_name(1));
            Outcome::Refused
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_ending_in_front_of_every_next_segment_has_its_outcome() {
    for ending in ENDINGS {
        let case = case(ending);
        for next in NEXTS {
            assert_eq!(outcome(&case, next), expected(ending, next), "{ending:?}, next segment {next:?}");
        }
    }
}

//! Damage that no crash explains: never a silently shorter or different journal.

mod common;

use common::*;
use ringside_journal::format::{SegmentHeader, segment_file_name};
use ringside_journal::{End, Reader, Reason, RecoverError, recover};
use ringside_storage::{Disk, MemoryDisk};

const SHORT: u64 = 8192;

/// A closed journal of three segments, and its last sequence.
fn three_segments() -> (MemoryDisk, u64) {
    let disk = MemoryDisk::default();
    let mut journal = create(&disk, SHORT);
    while journal.segment() < 3 || journal.segment_room() > 3000 {
        append_one(&mut journal);
        if journal.written_sequence().is_multiple_of(5) {
            journal.flush().unwrap();
        }
    }
    journal.close().unwrap();
    (disk, journal.written_sequence())
}

fn corrupted(disk: &MemoryDisk) -> (String, u64, u64, Reason) {
    match recover(disk) {
        Err(RecoverError::Corrupt(corruption)) => {
            (corruption.segment, corruption.offset, corruption.sequence, corruption.reason)
        }
        other => panic!("not refused as corrupt: {other:?}"),
    }
}

#[test]
fn any_flipped_bit_is_refused_or_harmless() {
    let (disk, last) = three_segments();
    let (mut refused, mut harmless) = (0, 0);
    for number in 1..=3 {
        let name = segment_file_name(number);
        let mut bytes = disk.contents(&name).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        // The last footer vouches for all before it; nothing vouches for the last footer.
        let vouched = if number == 3 { used.next_multiple_of(16) - 64 } else { bytes.len() };
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let damaged = disk.duplicate();
            damaged.put(&name, bytes.clone());
            bytes[bit / 8] ^= 1 << (bit % 8);
            match recover(&damaged) {
                Ok(recovered) => {
                    assert_eq!(recovered.last_sequence(), last, "{name} bit {bit}: silently shorter");
                    assert_eq!(damaged_reads(&damaged), last);
                    let in_records = (4096 * 8..vouched * 8).contains(&bit) && bit < used * 8;
                    assert!(!in_records, "{name} bit {bit}: a vouched record may not change unnoticed");
                    assert!(recovered.torn_tail().is_none() || number == 3 && bit >= vouched * 8);
                    harmless += 1;
                }
                Err(RecoverError::Corrupt(corruption)) => {
                    assert_eq!(corruption.segment, name);
                    assert!(corruption.offset <= bit as u64 / 8 && corruption.sequence <= last + 1);
                    refused += 1;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert!(refused > 30_000 && harmless > 30_000, "{refused} refused, {harmless} harmless");
}

/// A flushed journal with an unflushed batch behind its last footer: the bytes, the end of what that footer calls
/// durable, its last sequence, the end of the footer, and the last sequence of all.
fn with_an_unflushed_batch() -> (MemoryDisk, u64, u64, u64, u64) {
    let disk = MemoryDisk::default();
    let mut journal = create(&disk, SHORT);
    for last in [6, 12] {
        append_to(&mut journal, last);
        journal.flush().unwrap();
    }
    let first = journal.append(13, START_NS + 13, &command(13)).unwrap();
    append_to(&mut journal, 16);
    (disk, first.offset - 64, 12, first.offset, 16)
}

#[test]
fn a_flipped_bit_is_refused_before_the_last_watermark_and_a_reported_torn_tail_behind_it() {
    let (disk, vouched, durable, first, last) = with_an_unflushed_batch();
    let name = segment_file_name(1);
    let healthy = disk.contents(&name).unwrap();
    let (mut refused, mut torn) = (0, 0);
    for bit in 4096 * 8..healthy.len() * 8 {
        let mut bytes = healthy.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let damaged = MemoryDisk::default();
        damaged.put(&name, bytes.clone());
        let recovered = recover(&damaged);
        if bit / 8 < vouched as usize {
            let Err(RecoverError::Corrupt(corruption)) = recovered else {
                panic!("bit {bit}: {recovered:?}")
            };
            assert!(corruption.offset <= bit as u64 / 8 && corruption.sequence <= durable);
            refused += 1;
            continue;
        }
        let recovered = recovered.unwrap_or_else(|error| panic!("bit {bit}: {error}"));
        let tail = recovered.torn_tail().unwrap_or_else(|| panic!("bit {bit}: not reported"));
        // A damaged footer takes what follows along; a damaged command takes itself and its successors.
        let found = recovered.last_sequence();
        assert!((durable..=last).contains(&found) && (found < last || bit / 8 > first as usize), "bit {bit}");
        let cut = tail.offset as usize..(tail.offset + tail.bytes) as usize;
        assert!(bytes[bit / 8] == 0 || cut.contains(&(bit / 8)), "bit {bit} is in the tail: {cut:?}");
        assert!(bytes[cut.end..].iter().all(|byte| *byte == 0), "nothing behind it is lost unreported");
        assert_eq!(damaged.contents(&tail.copy).unwrap(), bytes[cut]);
        assert_eq!(read_all(&damaged), Ok(found));
        torn += 1;
    }
    assert!(refused > 5_000 && torn > 5_000, "{refused} refused, {torn} torn tails");
}

/// Reads without the reader's patience for living journals.
fn damaged_reads(disk: &MemoryDisk) -> u64 {
    read_all(disk).unwrap()
}

#[test]
fn a_segment_removed_swapped_doubled_or_foreign_is_named() {
    let (disk, _) = three_segments();
    let name = segment_file_name;
    let copy = |from: u64, to: u64| {
        let damaged = disk.duplicate();
        damaged.put(&name(to), disk.contents(&name(from)).unwrap());
        damaged
    };

    let missing = disk.duplicate();
    missing.remove(&name(2)).unwrap();
    let (segment, offset, sequence, reason) = corrupted(&missing);
    assert_eq!((segment, offset, reason), (name(2), 0, Reason::SegmentMissing { next: 3 }));
    assert!(sequence > 1);

    assert_eq!(corrupted(&copy(3, 2)).3, Reason::SegmentNumber { found: 3 });
    assert_eq!(
        corrupted(&copy(1, 4)).0,
        name(3),
        "a used segment behind the last one means that one lost its seal"
    );

    let foreign = MemoryDisk::default();
    let source = ringside_journal::SegmentSource::inline(foreign.clone(), options_of(SHORT), 1);
    let mut other = ringside_journal::Journal::create(source, 99, START_NS).unwrap();
    while other.segment() < 2 {
        append_one(&mut other);
    }
    let mixed = disk.duplicate();
    mixed.put(&name(2), foreign.contents(&name(2)).unwrap());
    assert_eq!(corrupted(&mixed).3, Reason::ForeignEpoch { expected: EPOCH, found: 99 });
}

#[test]
fn a_changed_chain_is_noticed_although_every_checksum_matches() {
    let (disk, _) = three_segments();
    let name = segment_file_name(2);
    let mut bytes = disk.contents(&name).unwrap();
    let header = SegmentHeader::decode(bytes.first_chunk().unwrap()).unwrap();
    let changed = SegmentHeader { previous_chain: header.previous_chain ^ 1, ..header };
    bytes[..4096].copy_from_slice(&changed.encode());
    disk.put(&name, bytes);
    assert_eq!(corrupted(&disk).3, Reason::ChainBroken);
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let (disk, _) = three_segments();
    let name = segment_file_name(1);
    let mut bytes = disk.contents(&name).unwrap();
    for copy in [0, 2048] {
        bytes[copy + 8] = 9;
        let crc = crc32fast::hash(&bytes[copy..copy + 76]);
        bytes[copy + 76..copy + 80].copy_from_slice(&crc.to_le_bytes());
    }
    disk.put(&name, bytes);
    assert_eq!(corrupted(&disk), (name, 0, 1, Reason::FormatVersion { found: 9 }));
}

/// Rewrites byte `at` of the record at `offset`, with a checksum that matches.
fn forge(disk: &MemoryDisk, offset: usize, at: usize, value: u8) {
    let name = segment_file_name(1);
    let mut bytes = disk.contents(&name).unwrap();
    let header = SegmentHeader::decode(bytes.first_chunk().unwrap()).unwrap();
    let length = u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap()) as usize;
    bytes[offset + at] = value;
    let crc = header.checksum().of(&bytes[offset..offset + length]);
    bytes[offset + 4..offset + 8].copy_from_slice(&crc.to_le_bytes());
    disk.put(&name, bytes);
}

#[test]
fn an_intact_record_that_cannot_be_there_is_refused_even_in_the_last_batch() {
    let forged = |at: usize, value: u8| {
        let disk = MemoryDisk::default();
        let mut journal = create(&disk, SHORT);
        append_to(&mut journal, 1);
        let second = journal.append(2, START_NS + 2, &command(2)).unwrap();
        drop(journal);
        forge(&disk, second.offset as usize, at, value);
        let (segment, offset, sequence, reason) = corrupted(&disk);
        assert_eq!((segment, offset, sequence), (segment_file_name(1), second.offset, 2));
        reason
    };
    assert_eq!(forged(30, 99), Reason::UnknownKind { kind: 99 });
    assert_eq!(forged(31, 3), Reason::RecordVersion { kind: 13, version: 3 });
    assert_eq!(forged(31, 2), Reason::Payload { kind: 13 }, "a payload of another version's length");
    assert_eq!(forged(8, 3), Reason::Sequence { found: 3 });
    assert!(matches!(forged(23, 0), Reason::Time { .. }));
    assert_eq!(forged(32 + 27, 1), Reason::Payload { kind: 13 }, "a reserved byte");
    assert_eq!(forged(30, 1), Reason::Payload { kind: 1 }, "a payload of the wrong length");
}

#[test]
fn sectors_zeroed_moved_or_doubled_never_shorten_a_vouched_journal() {
    let (disk, last) = three_segments();
    for number in 1..=3u64 {
        let name = segment_file_name(number);
        let bytes = disk.contents(&name).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() / 512;
        for sector in 8..=used {
            for source in [None, Some(sector - 1), Some(sector + 1), Some(8)] {
                let mut image = bytes.clone();
                let target = sector * 512..sector * 512 + 512;
                match source {
                    None => image[target].fill(0),
                    Some(source) if source < 16 => {
                        image.copy_within(source * 512..source * 512 + 512, target.start)
                    }
                    Some(_) => continue,
                }
                let damaged = disk.duplicate();
                damaged.put(&name, image.clone());
                match recover(&damaged) {
                    Err(RecoverError::Corrupt(_)) => {}
                    Ok(recovered) => {
                        // Only the sector of the very last footer is not vouched for.
                        assert!(recovered.last_sequence() == last || number == 3 && sector >= used - 1);
                        assert!(
                            image == bytes || number == 3 && sector >= used - 1,
                            "{name} sector {sector}"
                        );
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}

/// Recycled segments are zeroed before they are used again. Would a byte of the old life stay, it must not be believed.
#[test]
fn records_of_an_earlier_life_of_a_file_are_never_read_as_new_ones() {
    let (disk, _) = three_segments();
    let stale = disk.contents(&segment_file_name(1)).unwrap();
    let disk = MemoryDisk::default();
    let mut journal = create(&disk, SHORT);
    while journal.segment() < 2 {
        append_one(&mut journal);
    }
    let last = journal.written_sequence();
    journal.close().unwrap();
    drop(journal);
    let name = segment_file_name(2);
    let mut bytes = disk.contents(&name).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap().next_multiple_of(16);
    // The same journal wrote the stale records, at the same offsets, with sequences that could follow.
    bytes[end..].copy_from_slice(&stale[end..]);
    disk.put(&name, bytes);
    let recovered = recover(&disk).unwrap();
    assert_eq!(recovered.last_sequence(), last);
    assert_eq!(recovered.torn_tail().unwrap().offset, end as u64, "reported, not believed");
    assert_eq!(read_all(&disk), Ok(last));
}

#[test]
fn files_of_impossible_length_are_refused() {
    let (disk, _) = three_segments();
    let name = segment_file_name(3);
    let bytes = disk.contents(&name).unwrap();
    for length in [0, 1, 4095] {
        disk.put(&name, bytes[..length].to_vec());
        assert!(matches!(corrupted(&disk).3, Reason::SegmentLength { .. }), "{length}");
    }
    let mut long = bytes.clone();
    long.push(0);
    disk.put(&name, long);
    assert_eq!(corrupted(&disk).3, Reason::SegmentLength { expected: SHORT, found: SHORT + 1 });
    // A sealed segment cut before its seal is not the last one: no torn tail.
    disk.put(&name, bytes);
    let second = disk.contents(&segment_file_name(2)).unwrap();
    disk.put(&segment_file_name(2), second[..6000].to_vec());
    assert_eq!(corrupted(&disk).0, segment_file_name(2));
}

#[test]
fn a_segment_whose_adoption_was_torn_is_used_again_and_a_used_one_without_header_is_refused() {
    let disk = MemoryDisk::default();
    let mut journal = create(&disk, SHORT);
    while journal.segment() < 2 {
        append_one(&mut journal);
    }
    let last = journal.written_sequence();
    drop(journal);
    let name = segment_file_name(2);
    let used = disk.contents(&name).unwrap();
    let mut torn = vec![0; used.len()];
    torn[..40].copy_from_slice(&used[..40]);
    disk.put(&name, torn);
    let recovered = recover(&disk).unwrap();
    assert_eq!(
        (recovered.last_sequence(), recovered.next_segment(), recovered.position()),
        (last - 1, 2, None)
    );
    assert_eq!(disk.contents(&name).unwrap(), vec![0; used.len()]);
    append_to(&mut resume(&disk, &recovered, SHORT), last);
    assert_eq!(recovered_last(&disk), Ok(last));

    let mut headless = used.clone();
    headless[..4096].fill(0);
    disk.put(&name, headless);
    assert_eq!(corrupted(&disk).3, Reason::SegmentHeader);
}

#[test]
fn a_reader_refuses_what_recovery_refuses() {
    let (disk, _) = three_segments();
    let name = segment_file_name(2);
    let mut bytes = disk.contents(&name).unwrap();
    bytes[5000] ^= 1;
    disk.put(&name, bytes);
    let error = Reader::open(disk.clone()).find_map(Result::err).unwrap();
    assert_eq!(error, recover(&disk).unwrap_err());
    let text = error.to_string();
    assert!(
        text.contains("0000000002.seg") && text.contains("offset") && text.contains("sequence"),
        "{text}"
    );
}

#[test]
fn a_reader_from_the_middle_starts_at_its_sequence() {
    let (disk, last) = three_segments();
    for from in [0, 1, 40, last, last + 1] {
        let mut reader = Reader::open_from(disk.clone(), from).unwrap();
        let first = reader.next_entry().unwrap().map(|entry| entry.sequence);
        assert_eq!(first, (from <= last).then_some(from.max(1)));
        while reader.next_entry().unwrap().is_some() {}
        assert_eq!((reader.end(), reader.last_sequence()), (Some(End::Clean), last));
    }
    assert_eq!(ringside_journal::durable_sequence(disk), Ok(last));
    assert_eq!(ringside_journal::durable_sequence(MemoryDisk::default()), Ok(0));
}

//! Power cuts at every moment, with every choice of surviving sectors.

mod common;

use common::*;
use ringside_journal::{End, Journal, Reader, SegmentSource, recover};
use ringside_storage::{Dice, Disk, MemoryDisk};

/// Segments so short that a few dozen commands roll through several.
const SHORT: u64 = 8192;

/// Writes with random batches until the power goes; what was promised, and what was appended.
fn live(disk: &MemoryDisk, length: u64, dice: &mut Dice, steps: u64) -> (u64, u64) {
    let Ok(recovered) = recover(disk) else {
        return (0, 0);
    };
    let source = SegmentSource::inline(disk.clone(), options_of(length), recovered.next_segment());
    let (mut promised, mut appended) = (recovered.last_sequence(), recovered.last_sequence());
    let Ok(mut journal) = Journal::resume(disk, &recovered, source, START_NS) else {
        return (promised, appended);
    };
    for _ in 0..steps {
        let done = match dice.below(9) {
            8 => journal.hand_over(),
            0 => journal.flush().map(|durable| promised = durable),
            1 if dice.below(4) == 0 => journal.close().map(|durable| promised = durable),
            2 => {
                disk.write_back(dice);
                Ok(())
            }
            _ => {
                let next = journal.written_sequence() + 1;
                appended = next;
                journal.append(next, START_NS + next, &command(next)).map(|_| ())
            }
        };
        if done.is_err() {
            break;
        }
        promised = promised.max(journal.durable_sequence());
    }
    (promised, appended)
}

#[test]
fn every_flushed_command_survives_any_surviving_sectors_over_several_lives() {
    let (mut torn, mut lost) = (0, 0);
    for seed in 0..3000 {
        let disk = MemoryDisk::with_sector(if seed % 3 == 0 { 8 } else { 512 });
        let mut dice = Dice::new(seed);
        // With room for one block of records, or for three.
        let length = if seed % 2 == 0 { SHORT } else { 2 * SHORT };
        for life in 0..3 {
            let steps = 1 + dice.below(120);
            // Writers may take turns over the lives of a journal.
            let (promised, appended) = live(&either(&disk, &mut dice), length, &mut dice, steps);
            // Half the deaths take only the process: the page cache lives on, dirty as it was.
            if dice.flip() {
                disk.crash(&mut dice);
            }
            let recovered = recover(&either(&disk, &mut dice))
                .unwrap_or_else(|error| panic!("seed {seed} life {life}: {error}"));
            let last = recovered.last_sequence();
            assert!(last >= promised, "seed {seed} life {life}: {last} of {promised} promised");
            assert!(last <= appended, "seed {seed} life {life}: {last} of {appended} appended");
            assert_eq!(read_all(&disk), Ok(last), "seed {seed} life {life}");
            torn += u64::from(recovered.torn_tail().is_some());
            lost += appended - last;
        }
    }
    assert!(torn > 500 && lost > 1000, "the test reaches torn tails: {torn} torn, {lost} lost");
}

#[test]
fn the_power_may_go_at_every_single_operation_rotation_and_recovery_included() {
    for writer in WRITERS {
        // Operations of an undisturbed run, so that the cut reaches every one of them.
        let whole = MemoryDisk::default().with_writer(writer);
        live(&whole, SHORT, &mut Dice::new(7), 200);
        let operations = whole.operations();
        assert!(recover(&whole).unwrap().next_segment() > 2, "the run rolls");
        for (cut, seed) in (0..operations).flat_map(|cut| (0..4).map(move |seed| (cut, seed))) {
            let disk = MemoryDisk::default().with_writer(writer);
            disk.cut_power_after(cut);
            let (promised, appended) = live(&disk, SHORT, &mut Dice::new(7), 200);
            let mut dice = Dice::new(seed);
            disk.crash(&mut dice);
            // The power goes again in the middle of recovery.
            disk.cut_power_after(dice.below(8));
            let _ = recover(&disk);
            disk.crash(&mut dice);
            let last = recovered_last(&disk).unwrap_or_else(|error| panic!("cut {cut} seed {seed}: {error}"));
            assert!(
                (promised..=appended).contains(&last),
                "cut {cut} seed {seed}: {promised} {last} {appended}"
            );
        }
    }
}

#[test]
fn a_journal_restarted_twice_goes_on_where_it_was() {
    let disk = MemoryDisk::default();
    let mut journal = create(&disk, SHORT);
    append_to(&mut journal, 30);
    journal.close().unwrap();
    for last in [60, 90] {
        let recovered = recover(&disk).unwrap();
        assert_eq!((recovered.last_sequence(), recovered.epoch()), (last - 30, EPOCH));
        assert_eq!(recovered.last_time_ns(), START_NS + last - 30);
        let mut journal = resume(&disk, &recovered, SHORT);
        assert_eq!(journal.durable_sequence(), last - 30);
        append_to(&mut journal, last);
        journal.flush().unwrap();
    }
    assert_eq!(recovered_last(&disk), Ok(90));
}

#[test]
fn an_empty_restart_writes_nothing_after_the_first() {
    let disk = MemoryDisk::default();
    let mut journal = create(&disk, SHORT);
    append_to(&mut journal, 5);
    journal.flush().unwrap();
    drop(journal);
    drop(resume(&disk, &recover(&disk).unwrap(), SHORT));
    let before = disk.contents("0000000001.seg");
    for _ in 0..200 {
        drop(resume(&disk, &recover(&disk).unwrap(), SHORT));
    }
    assert_eq!(disk.contents("0000000001.seg"), before);
}

#[test]
fn a_recovered_but_unacknowledged_command_is_protected_from_then_on() {
    let disk = MemoryDisk::default();
    let mut journal = create(&disk, SHORT);
    append_to(&mut journal, 3);
    drop(journal);
    drop(resume(&disk, &recover(&disk).unwrap(), SHORT));
    let mut bytes = disk.contents("0000000001.seg").unwrap();
    bytes[4096 + 40] ^= 1;
    disk.put("0000000001.seg", bytes);
    recover(&disk).unwrap_err();
}

#[test]
fn every_byte_prefix_of_the_last_batch_recovers_exactly_its_whole_records() {
    for disk in disks() {
        every_byte_prefix(disk);
    }
}

fn every_byte_prefix(disk: MemoryDisk) {
    let mut journal = create(&disk, 1 << 14);
    append_to(&mut journal, 4);
    journal.close().unwrap();
    let mut ends = Vec::new();
    let mut start = 0;
    for sequence in 5..=22 {
        let at = journal.append(sequence, START_NS + sequence, &command(sequence)).unwrap();
        start = if sequence == 5 { at.offset } else { start };
        ends.push(at.offset + u64::from(at.length));
    }
    journal.hand_over().unwrap();
    let bytes = disk.contents("0000000001.seg").unwrap();
    for length in start..=*ends.last().unwrap() {
        let mut image = bytes.clone();
        image[length as usize..].fill(0);
        let zeros_behind = disk.empty_twin();
        zeros_behind.put("0000000001.seg", image.clone());
        let whole =
            4 + ends.iter().filter(|end| image[..**end as usize] == bytes[..**end as usize]).count() as u64;
        assert_eq!(recovered_last(&zeros_behind), Ok(whole), "zeros from {length}");

        let cut_file = disk.empty_twin();
        cut_file.put("0000000001.seg", bytes[..length as usize].to_vec());
        let recovered = recover(&cut_file).unwrap();
        assert_eq!((recovered.last_sequence(), recovered.missing_bytes()), (whole, (1 << 14) - length));
        assert_eq!(cut_file.contents("0000000001.seg").unwrap().len(), 1 << 14);
    }
}

#[test]
fn a_torn_tail_is_saved_beside_the_segment_and_zeroed() {
    let disk = MemoryDisk::default();
    let mut journal = create(&disk, SHORT);
    append_to(&mut journal, 3);
    journal.flush().unwrap();
    let at = journal.append(4, START_NS + 4, &command(4)).unwrap();
    drop(journal);
    let mut bytes = disk.contents("0000000001.seg").unwrap();
    bytes[at.offset as usize + 20] ^= 0xff;
    let tail = bytes[at.offset as usize..(at.offset + u64::from(at.length)) as usize].to_vec();
    disk.put("0000000001.seg", bytes.clone());

    let mut reader = Reader::open(disk.clone());
    assert_eq!(reader.by_ref().map(Result::unwrap).count(), 3);
    let Some(End::TornTail { segment: 1, offset, bytes: length }) = reader.end() else {
        panic!("no torn tail")
    };
    assert_eq!(offset, at.offset);
    assert_eq!(disk.contents("0000000001.seg").unwrap(), bytes, "a reader never writes");

    let recovered = recover(&disk).unwrap();
    let torn = recovered.torn_tail().unwrap().clone();
    assert_eq!((torn.segment, torn.offset, torn.bytes), (1, at.offset, length));
    assert_eq!(disk.contents(&torn.copy).unwrap(), tail[..length as usize]);
    assert!(disk.contents("0000000001.seg").unwrap()[at.offset as usize..].iter().all(|byte| *byte == 0));
    assert_eq!(recover(&disk).unwrap().torn_tail(), None, "the second recovery finds a clean end");

    // Torn at the same place again: the first copy is kept.
    disk.put("0000000001.seg", bytes);
    let again = recover(&disk).unwrap().torn_tail().unwrap().copy.clone();
    assert_eq!(again, format!("{}.2", torn.copy));
    assert!(disk.list().unwrap().contains(&torn.copy));
}

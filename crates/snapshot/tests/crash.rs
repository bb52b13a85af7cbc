//! Power cuts at every step of writing, naming and pruning: what has its name is whole, and there is always one.

mod common;

use common::*;
use ringside_sim::random::RandomShape;
use ringside_snapshot::{Generations, SnapshotError};
use ringside_storage::{Dice, MemoryDisk, StorageError};

/// Three snapshots one after the other, as the venue makes them, until the power goes.
fn make(disk: &MemoryDisk, days: &[Day]) -> Result<(), SnapshotError> {
    let generations = Generations::new(disk.clone());
    let mut verified = Vec::new();
    for (sequence, day) in (1..).zip(days) {
        let header = day.draft(&generations, sequence)?;
        generations.publish(&header, day.limits)?;
        verified.push(sequence);
        generations.prune(&verified, None)?;
    }
    Ok(())
}

fn days() -> Vec<Day> {
    (1..=4).map(|n| Day::after(300 * n, 1, RandomShape::everything())).collect()
}

#[test]
fn a_snapshot_under_its_name_is_whole_after_any_power_cut() {
    let days = days();
    let whole = MemoryDisk::default();
    make(&whole, &days).unwrap();
    let operations = whole.operations();
    let mut seen = [0; 5];
    for cut in 0..=operations {
        for seed in 0..20 {
            let disk = MemoryDisk::default();
            disk.cut_power_after(cut);
            let ended = make(&disk, &days);
            assert!(ended.is_ok() == (cut >= operations));
            disk.crash(&mut Dice::new(seed));
            let generations = Generations::new(disk);
            let found = generations.list().unwrap();
            for sequence in &found {
                let day = &days[*sequence as usize - 1];
                let loaded = generations.load(*sequence, day.limits);
                let loaded = loaded.unwrap_or_else(|error| panic!("cut {cut}, seed {seed}: {error}"));
                loaded.verify().unwrap();
                assert_eq!(loaded.engine.state_hash(), day.engine.state_hash());
            }
            seen[found.len()] += 1;
            // Once two were published, two are always there: nothing old goes before the new one is durable.
            let newest = found.first().copied().unwrap_or(0);
            assert!(newest < 2 || found.len() >= 2, "cut {cut}, seed {seed}: {found:?}");
        }
    }
    assert!(seen[..4].iter().all(|count| *count > 0), "all stages were met: {seen:?}");
}

#[test]
fn a_full_disk_leaves_no_draft_and_harms_no_older_snapshot() {
    let day = Day::after(500, 1, RandomShape::everything());
    let disk = MemoryDisk::default();
    let generations = Generations::new(disk.clone());
    day.publish(&generations, 1);
    disk.set_free_bytes(2_000);
    let error: StorageError = day.draft(&generations, 2).unwrap_err();
    assert!(error.is_full());
    assert_eq!(disk.contents("snapshot.tmp"), None);
    assert_eq!(generations.list().unwrap(), [1]);
    generations.load(1, day.limits).unwrap();
}

#[test]
fn a_failed_sync_gives_no_snapshot() {
    let day = Day::after(500, 1, RandomShape::everything());
    let disk = MemoryDisk::default();
    disk.fail_sync(1);
    assert!(day.draft(&Generations::new(disk.clone()), 2).is_err());
    assert_eq!(Generations::new(disk).list().unwrap(), [0; 0]);
}

#[test]
fn two_verified_generations_stay_and_everything_older_goes() {
    let day = Day::after(200, 1, RandomShape::plain());
    let disk = MemoryDisk::default();
    let generations = Generations::new(disk.clone());
    (1..=4).for_each(|sequence| _ = day.publish(&generations, sequence));
    disk.put("00000000000000000009.snap", vec![1]);
    assert_eq!(generations.prune(&[4], None).unwrap(), 0, "one alone is no reason to remove another");
    assert_eq!(generations.prune(&[4, 4], None).unwrap(), 0);
    assert_eq!(generations.prune(&[2, 4], None).unwrap(), 1);
    assert_eq!(generations.list().unwrap(), [9, 4, 3, 2]);
}

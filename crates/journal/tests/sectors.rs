//! Every choice of sectors that an unflushed batch may leave behind, for both writers.

mod common;

use common::*;
use ringside_journal::recover;
use ringside_storage::{Dice, MemoryDisk};

const NAME: &str = "0000000001.seg";
const LENGTH: u64 = 1 << 16;

/// A journal before and after an unflushed batch of commands: the last durable bytes, and what may replace them.
struct Unflushed {
    disk: MemoryDisk,
    durable: Vec<u8>,
    written: Vec<u8>,
    promised: u64,
    appended: u64,
}

impl Unflushed {
    /// Some flushed batches, so that the last one begins in the middle of a sector, a block, or at their edges.
    fn new(disk: MemoryDisk, flushed: u64, batch: u64) -> Unflushed {
        let mut journal = create(&disk, LENGTH);
        for last in (1..=flushed).step_by(3) {
            append_to(&mut journal, last);
            journal.flush().unwrap();
        }
        append_to(&mut journal, flushed);
        let promised = journal.flush().unwrap();
        let durable = disk.durable_contents(NAME).unwrap();
        append_to(&mut journal, flushed + batch);
        journal.hand_over().unwrap();
        let written = disk.contents(NAME).unwrap();
        Unflushed { disk, durable, written, promised, appended: flushed + batch }
    }

    /// Sectors of `size` bytes that differ: all others are the same whether they were written or not.
    fn dirty(&self, size: usize) -> Vec<usize> {
        let differs = |sector: &usize| {
            let range = sector * size..(sector + 1) * size;
            self.durable[range.clone()] != self.written[range]
        };
        (0..self.written.len() / size).filter(differs).collect()
    }

    /// Recovers from the durable bytes with these sectors written.
    fn check(&self, size: usize, survivors: impl Iterator<Item = usize>) -> bool {
        let mut image = self.durable.clone();
        for sector in survivors {
            let range = sector * size..(sector + 1) * size;
            image[range.clone()].copy_from_slice(&self.written[range]);
        }
        let disk = self.disk.empty_twin();
        disk.put(NAME, image);
        let recovered = recover(&disk).unwrap();
        let last = recovered.last_sequence();
        assert!((self.promised..=self.appended).contains(&last), "{last}");
        assert_eq!(read_all(&disk), Ok(last));
        recovered.torn_tail().is_some()
    }
}

#[test]
fn every_subset_of_the_sectors_of_a_small_batch_recovers_a_prefix_with_all_that_was_flushed() {
    let mut checked = 0;
    for (disk, flushed) in
        disks().into_iter().flat_map(|disk| [1, 30, 37].map(|flushed| (disk.empty_twin(), flushed)))
    {
        let unflushed = Unflushed::new(disk, flushed, 70);
        let dirty = unflushed.dirty(512);
        assert!((8..=13).contains(&dirty.len()), "{} sectors", dirty.len());
        for subset in 0..1_u32 << dirty.len() {
            let survivors = dirty.iter().enumerate().filter(|(n, _)| subset & 1 << n != 0);
            unflushed.check(512, survivors.map(|(_, sector)| *sector));
            checked += 1;
        }
    }
    assert!(checked > 3_000, "{checked}");
}

#[test]
fn sampled_subsets_of_a_large_batch_recover_a_prefix_with_all_that_was_flushed() {
    for (disk, size) in disks().into_iter().flat_map(|disk| [512, 16].map(|size| (disk.empty_twin(), size))) {
        let unflushed = Unflushed::new(disk, 20, 400);
        let dirty = unflushed.dirty(size);
        assert!(dirty.len() > 30);
        let mut dice = Dice::new(size as u64);
        let mut torn = 0;
        for _ in 0..5_000 {
            // From hardly any to nearly all.
            let odds = 1 + dice.below(63);
            let survivors: Vec<_> = dirty.iter().copied().filter(|_| dice.below(64) < odds).collect();
            torn += u64::from(unflushed.check(size, survivors.into_iter()));
        }
        assert!(torn > 2_000, "{torn} torn tails");
    }
}

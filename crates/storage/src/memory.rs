//! The faulty twin: a disk in memory that does to the journal what real ones do.
//!
//! The model: every file has a cached image, which readers see, and a durable image, which survives a power
//! cut. A write touches the cached image and makes its sectors dirty; a sync copies the dirty sectors it
//! covers; write-back may copy any of them at any time. A [`MemoryDisk::crash`] keeps or loses each dirty
//! sector independently, in no order. A failed sync marks pages clean without writing them, and every later
//! sync answers `Ok` without writing anything: measured behaviour of Linux, not malice.
//!
//! A disk [`MemoryDisk::with_writer`] of the direct kind gives out the real [`crate::DirectSegment`] over a file of this
//! model: what is not handed over dies with the process.
//!
//! Not modelled: reads that fail, and a device that loses what it confirmed.

mod draft;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::error::Named;
use crate::{DirectSegment, Disk, Operation, Pacer, ReadAt, StorageError, Writer};

mod segment;

pub use segment::{MemorySegment, OpenFile};

pub use draft::MemoryDraft;

/// Linux errno of an input/output error.
const EIO: i32 = 5;
/// Linux errno of a full disk.
const ENOSPC: i32 = 28;

/// A seeded stream of numbers (SplitMix64, Steele, Lea and Flood 2014): same seed, same faults.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0. Slightly uneven for huge limits; good enough for faults.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }

    /// Heads or tails.
    pub fn flip(&mut self) -> bool {
        self.roll() & 1 == 1
    }
}

#[derive(Clone, Default)]
struct File {
    cached: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
}

impl File {
    fn whole(bytes: Vec<u8>) -> File {
        File { durable: bytes.clone(), cached: bytes, dirty: BTreeSet::new() }
    }

    fn persist(&mut self, sector: usize, bytes: usize) {
        let range = sector * bytes..((sector + 1) * bytes).min(self.cached.len());
        self.durable[range.clone()].copy_from_slice(&self.cached[range]);
    }
}

struct State {
    sector: usize,
    files: BTreeMap<u64, File>,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    files_ever: u64,
    /// Counts the crashes: handles of an earlier life are dead.
    life: u64,
    syncs: u64,
    fail_sync: Option<u64>,
    lying: bool,
    operations: u64,
    power_ends: Option<u64>,
    free_bytes: Option<u64>,
}

impl State {
    /// Counts an operation that changes something; false when the power is gone.
    fn powered(&mut self) -> bool {
        self.operations += 1;
        self.power_ends.is_none_or(|end| self.operations <= end)
    }

    fn file(&self, name: &str, operation: Operation) -> Result<u64, StorageError> {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        self.names.get(name).copied().ok_or(missing).named(operation, Path::new(name))
    }

    fn require_power(&mut self, operation: Operation, name: &str) -> Result<(), StorageError> {
        if self.powered() { Ok(()) } else { Err(refused(operation, name, EIO)) }
    }

    fn sync(&mut self, id: u64, from: usize, to: usize, name: &str) -> Result<(), StorageError> {
        self.require_power(Operation::Sync, name)?;
        self.syncs += 1;
        let sector = self.sector;
        let covered = from / sector..to.div_ceil(sector);
        let file = self.files.get_mut(&id).expect("Invariant: files are never forgotten");
        let dirty: Vec<usize> = file.dirty.range(covered).copied().collect();
        let failing = self.fail_sync == Some(self.syncs);
        for (position, dirty) in dirty.into_iter().enumerate() {
            file.dirty.remove(&dirty);
            // The failing sync still writes every second sector, and calls the others clean.
            if !self.lying && (!failing || position % 2 == 1) {
                file.persist(dirty, sector);
            }
        }
        if failing {
            self.lying = true;
            return Err(refused(Operation::Sync, name, EIO));
        }
        Ok(())
    }

    fn add(&mut self, name: &str, bytes: Vec<u8>) -> Result<u64, StorageError> {
        self.require_power(Operation::Create, name)?;
        if let Some(free) = self.free_bytes {
            let left = free.checked_sub(bytes.len() as u64);
            self.free_bytes = Some(left.ok_or_else(|| refused(Operation::Create, name, ENOSPC))?);
        }
        self.files_ever += 1;
        let id = self.files_ever;
        self.files.insert(id, File::whole(bytes));
        self.names.insert(name.to_owned(), id);
        self.durable_names.insert(name.to_owned(), id);
        Ok(id)
    }

    fn crash(&mut self, dice: &mut Dice) {
        let sector = self.sector;
        for file in self.files.values_mut() {
            for dirty in std::mem::take(&mut file.dirty) {
                if dice.flip() {
                    file.persist(dirty, sector);
                }
            }
            file.cached.clone_from(&file.durable);
        }
        let changed: BTreeSet<String> = self.names.keys().chain(self.durable_names.keys()).cloned().collect();
        for name in changed {
            if self.names.get(&name) != self.durable_names.get(&name) && dice.flip() {
                match self.names.get(&name) {
                    Some(id) => self.durable_names.insert(name, *id),
                    None => self.durable_names.remove(&name),
                };
            }
        }
        self.names = self.durable_names.clone();
        self.life += 1;
        (self.lying, self.fail_sync, self.power_ends) = (false, None, None);
    }
}

fn refused(operation: Operation, name: &str, errno: i32) -> StorageError {
    StorageError::new(operation, Path::new(name), &io::Error::from_raw_os_error(errno))
}

/// A directory in memory. Clones are the same disk.
#[derive(Clone)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
    writer: Writer,
}

impl Default for MemoryDisk {
    fn default() -> Self {
        MemoryDisk::with_sector(512)
    }
}

impl MemoryDisk {
    /// An empty disk that keeps or loses units of `sector` bytes.
    pub fn with_sector(sector: usize) -> MemoryDisk {
        let state = State {
            sector,
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            files_ever: 0,
            life: 0,
            syncs: 0,
            fail_sync: None,
            lying: false,
            operations: 0,
            power_ends: None,
            free_bytes: None,
        };
        MemoryDisk { state: Arc::new(Mutex::new(state)), writer: Writer::Mapped }
    }

    /// The same disk, its segments opened from now on in this way.
    pub fn with_writer(self, writer: Writer) -> MemoryDisk {
        MemoryDisk { writer, ..self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }

    /// Power cut and restart: every dirty sector is kept or lost on its own, as is every change of a name
    /// that was not made durable. Open segments die; all injected faults are lifted.
    pub fn crash(&self, dice: &mut Dice) {
        self.state().crash(dice);
    }

    /// Write-back as the kernel likes it: each dirty sector of each file becomes durable, or not yet.
    pub fn write_back(&self, dice: &mut Dice) {
        let mut state = self.state();
        let sector = state.sector;
        for file in state.files.values_mut() {
            let chosen: Vec<usize> = file.dirty.iter().copied().filter(|_| dice.flip()).collect();
            for dirty in chosen {
                file.dirty.remove(&dirty);
                file.persist(dirty, sector);
            }
        }
    }

    /// From the `nth` sync on (counting from 1, over all files) nothing becomes durable: that sync answers
    /// EIO, later ones lie.
    pub fn fail_sync(&self, nth: u64) {
        self.state().fail_sync = Some(nth);
    }

    /// Syncs asked for so far.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// After `operations` further changes (writes, syncs, creations ...) the power is gone: nothing has an
    /// effect any more until [`MemoryDisk::crash`].
    pub fn cut_power_after(&self, operations: u64) {
        let mut state = self.state();
        state.power_ends = Some(state.operations + operations);
    }

    /// Changes asked for so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// New files may take this many bytes from now on.
    pub fn set_free_bytes(&self, bytes: u64) {
        self.state().free_bytes = Some(bytes);
    }

    /// The bytes of a file as readers see them; `None` when there is no such file.
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state.names.get(name).map(|id| state.files[id].cached.clone())
    }

    /// The bytes of a file that a power cut would leave if it took everything that is dirty.
    pub fn durable_contents(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state.names.get(name).map(|id| state.files[id].durable.clone())
    }

    /// Puts a whole durable file in place of whatever has that name.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        let (free, power) = (state.free_bytes.take(), state.power_ends.take());
        state.add(name, bytes).expect("Invariant: room and power are unlimited here");
        (state.free_bytes, state.power_ends) = (free, power);
    }

    /// An independent disk of the same kind without files.
    pub fn empty_twin(&self) -> MemoryDisk {
        MemoryDisk::with_sector(self.state().sector).with_writer(self.writer)
    }

    /// An independent disk with the same bytes, without dirty sectors and faults.
    pub fn duplicate(&self) -> MemoryDisk {
        let twin = self.empty_twin();
        let state = self.state();
        for (name, id) in &state.names {
            twin.put(name, state.files[id].cached.clone());
        }
        drop(state);
        twin
    }

    fn segment(&self, state: &State, id: u64, name: &str) -> MemorySegment {
        let length = state.files[&id].cached.len() as u64;
        let file = OpenFile { disk: self.clone(), id, life: state.life, length, name: name.to_owned() };
        match self.writer {
            Writer::Mapped => MemorySegment::Mapped(file),
            Writer::Direct => MemorySegment::Direct(DirectSegment::new(file)),
        }
    }
}

impl Disk for MemoryDisk {
    type Segment = MemorySegment;
    type Reader = MemoryReader;

    fn list(&self) -> Result<Vec<String>, StorageError> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn create(&self, name: &str, length: u64, _pacer: impl Pacer) -> Result<MemorySegment, StorageError> {
        let mut state = self.state();
        let id = state.add(name, vec![0; length as usize])?;
        Ok(self.segment(&state, id, name))
    }

    fn recycle(&self, from: &str, name: &str, _pacer: impl Pacer) -> Result<MemorySegment, StorageError> {
        let mut state = self.state();
        let length = state.files[&state.file(from, Operation::Rename)?].cached.len();
        state.require_power(Operation::Rename, from)?;
        state.names.remove(from);
        // Its blocks are not free in between, so there is room for it.
        let free = state.free_bytes.take();
        let added = state.add(name, vec![0; length]);
        state.free_bytes = free;
        let id = added?;
        state.durable_names.remove(from);
        Ok(self.segment(&state, id, name))
    }

    fn open(&self, name: &str) -> Result<MemorySegment, StorageError> {
        let state = self.state();
        let id = state.file(name, Operation::Open)?;
        Ok(self.segment(&state, id, name))
    }

    fn read(&self, name: &str) -> Result<MemoryReader, StorageError> {
        let id = self.state().file(name, Operation::Open)?;
        Ok(MemoryReader { disk: self.clone(), id })
    }

    fn extend(&self, name: &str, length: u64) -> Result<(), StorageError> {
        let mut state = self.state();
        let id = state.file(name, Operation::Open)?;
        state.require_power(Operation::Write, name)?;
        let file = state.files.get_mut(&id).expect("Invariant: named files exist");
        let length = file.cached.len().max(length as usize);
        file.cached.resize(length, 0);
        file.durable.resize(length, 0);
        Ok(())
    }

    fn copy_range(&self, name: &str, from: u64, to: u64, copy: &str) -> Result<(), StorageError> {
        let mut state = self.state();
        let id = state.file(name, Operation::Open)?;
        let bytes = &state.files[&id].cached;
        let bytes = bytes[from as usize..bytes.len().min(to as usize)].to_vec();
        state.add(copy, bytes).map(|_| ())
    }

    fn sync_file(&self, name: &str) -> Result<(), StorageError> {
        let mut state = self.state();
        let id = state.file(name, Operation::Open)?;
        let length = state.files[&id].cached.len();
        state.sync(id, 0, length, name)
    }

    fn sync_directory(&self) -> Result<(), StorageError> {
        let mut state = self.state();
        state.require_power(Operation::SyncDirectory, "")?;
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        let mut state = self.state();
        let id = state.file(from, Operation::Rename)?;
        state.require_power(Operation::Rename, from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), id);
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        let mut state = self.state();
        state.file(name, Operation::Remove)?;
        state.require_power(Operation::Remove, name)?;
        state.names.remove(name);
        Ok(())
    }
}

/// A file of a [`MemoryDisk`], open for reading.
pub struct MemoryReader {
    disk: MemoryDisk,
    id: u64,
}

impl ReadAt for MemoryReader {
    fn length(&self) -> Result<u64, StorageError> {
        Ok(self.disk.state().files[&self.id].cached.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        let state = self.disk.state();
        let bytes = &state.files[&self.id].cached;
        let from = bytes.len().min(offset as usize);
        let count = buffer.len().min(bytes.len() - from);
        buffer[..count].copy_from_slice(&bytes[from..from + count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pace, Segment};

    fn disk() -> (MemoryDisk, MemorySegment) {
        let disk = MemoryDisk::default();
        let segment = disk.create("a", 8192, Pace::Unpaced).unwrap();
        (disk, segment)
    }

    #[test]
    fn synced_bytes_survive_every_crash_and_unsynced_sectors_only_some() {
        let (mut kept, mut lost) = (0, 0);
        for seed in 0..64 {
            let (disk, mut segment) = disk();
            segment.write(0, &[1; 512]).unwrap();
            segment.sync(0, 512).unwrap();
            segment.write(512, &[2; 1024]).unwrap();
            disk.crash(&mut Dice::new(seed));
            let bytes = disk.contents("a").unwrap();
            assert_eq!(bytes[..512], [1; 512]);
            for sector in [&bytes[512..1024], &bytes[1024..1536]] {
                assert!(sector == [0; 512] || sector == [2; 512], "a sector is kept or lost as a whole");
                if sector[0] == 2 { kept += 1 } else { lost += 1 }
            }
        }
        assert!(kept > 30 && lost > 30);
    }

    #[test]
    fn after_a_failed_sync_later_ones_lie() {
        let (disk, mut segment) = disk();
        disk.fail_sync(2);
        segment.sync(0, 8192).unwrap();
        segment.write(0, &[3; 512]).unwrap();
        assert_eq!(segment.sync(0, 512).unwrap_err().errno, EIO);
        segment.write(512, &[4; 512]).unwrap();
        segment.sync(0, 8192).unwrap();
        disk.crash(&mut Dice::new(0));
        assert_eq!(disk.contents("a").unwrap(), vec![0; 8192]);
    }

    #[test]
    fn without_power_nothing_has_an_effect() {
        let (disk, mut segment) = disk();
        disk.cut_power_after(1);
        segment.write(0, &[1; 512]).unwrap();
        segment.write(512, &[1; 512]).unwrap();
        segment.sync(0, 8192).unwrap_err();
        disk.crash(&mut Dice::new(1));
        assert_eq!(disk.contents("a").unwrap()[512..1024], [0; 512]);
    }

    #[test]
    fn a_segment_of_an_earlier_life_is_dead() {
        let (disk, mut segment) = disk();
        disk.crash(&mut Dice::new(1));
        segment.write(0, &[1; 512]).unwrap();
        segment.sync(0, 512).unwrap_err();
        assert_eq!(disk.contents("a").unwrap(), vec![0; 8192]);
    }

    #[test]
    fn a_full_disk_refuses_and_keeps_no_name() {
        let (disk, _segment) = disk();
        disk.set_free_bytes(100);
        assert!(disk.create("b", 101, Pace::Unpaced).err().unwrap().is_full());
        assert_eq!(disk.list().unwrap(), ["a"]);
    }

    #[test]
    fn names_are_durable_only_after_the_directory_sync() {
        let mut outcomes = BTreeSet::new();
        for seed in 0..32 {
            let (disk, _segment) = disk();
            disk.remove("a").unwrap();
            disk.crash(&mut Dice::new(seed));
            outcomes.insert(disk.list().unwrap().len());
        }
        assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [0, 1]);
        let (disk, _segment) = disk();
        disk.rename("a", "b").unwrap();
        disk.sync_directory().unwrap();
        disk.crash(&mut Dice::new(0));
        assert_eq!(disk.list().unwrap(), ["b"]);
    }
}

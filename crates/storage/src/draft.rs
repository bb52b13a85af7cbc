//! Files that are written once, front to back, and get their name when they are whole.
//!
//! A draft is an ordinary new file: bytes that were written may be lost until [`Draft::sync`] has returned, and so may its
//! name until the directory is synced. Who needs a file that is there whole or not at all writes a draft under another
//! name, syncs it, renames it, and syncs the directory, in this order.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Instant;

use crate::directory::keep_pace;
use crate::error::Named;
use crate::{Directory, Disk, Operation, Pace, StorageError};

/// Under a pace, what was written is made durable after so many bytes: a large flush at once would stall others' small
/// ones.
const CHUNK: u64 = 256 << 10;

/// A directory in which drafts can be written.
pub trait Drafts: Disk {
    /// A draft.
    type Draft: Draft;

    /// A new, empty file; one that has this name already is overwritten.
    fn draft(&self, name: &str, pace: Pace) -> Result<Self::Draft, StorageError>;
}

/// A file in the making.
pub trait Draft {
    /// Adds bytes at the end.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError>;

    /// Writes bytes over others that were written before.
    fn overwrite(&mut self, offset: u64, bytes: &[u8]) -> Result<(), StorageError>;

    /// Makes all bytes durable.
    fn sync(&mut self) -> Result<(), StorageError>;
}

/// A draft in a [`Directory`].
#[derive(Debug)]
pub struct FileDraft {
    file: File,
    path: PathBuf,
    length: u64,
    synced: u64,
    pace: Pace,
    /// When the bytes since `synced` may begin to flow.
    paced_from: Instant,
}

impl Drafts for Directory {
    type Draft = FileDraft;

    fn draft(&self, name: &str, pace: Pace) -> Result<FileDraft, StorageError> {
        let path = self.path().join(name);
        let options = OpenOptions::new().write(true).create(true).truncate(true).clone();
        let file = options.open(&path).named(Operation::Create, &path)?;
        Ok(FileDraft { file, path, length: 0, synced: 0, pace, paced_from: Instant::now() })
    }
}

impl Draft for FileDraft {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.file.write_all_at(bytes, self.length).named(Operation::Write, &self.path)?;
        self.length += bytes.len() as u64;
        if self.pace != Pace::Unpaced && self.length - self.synced >= CHUNK {
            self.file.sync_data().named(Operation::Sync, &self.path)?;
            // From here on, not from the beginning: who fell behind does not make up for it in a burst.
            keep_pace(&self.pace, self.length - self.synced, self.paced_from);
            (self.synced, self.paced_from) = (self.length, Instant::now());
        }
        Ok(())
    }

    fn overwrite(&mut self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        assert!(offset + bytes.len() as u64 <= self.length, "Invariant: only written bytes are written over");
        self.file.write_all_at(bytes, offset).named(Operation::Write, &self.path)
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.file.sync_all().named(Operation::Sync, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dice, MemoryDisk, ReadAt};

    fn contents<D: Disk>(disk: &D, name: &str) -> Vec<u8> {
        let reader = disk.read(name).unwrap();
        let mut bytes = vec![0; reader.length().unwrap() as usize];
        let count = reader.read_at(0, &mut bytes).unwrap();
        assert_eq!(count, bytes.len());
        bytes
    }

    fn written<D: Drafts>(disk: &D, pace: Pace) -> Vec<u8> {
        let mut draft = disk.draft("a.tmp", pace).unwrap();
        draft.write(&[0; 4]).unwrap();
        (0..3_000u32).for_each(|n| draft.write(&[n as u8; 1_000]).unwrap());
        draft.overwrite(0, b"head").unwrap();
        draft.sync().unwrap();
        disk.rename("a.tmp", "a").unwrap();
        disk.sync_directory().unwrap();
        contents(disk, "a")
    }

    #[test]
    fn a_draft_is_what_was_written_on_both_disks() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::open(scratch.path()).unwrap();
        let fast = Pace::BytesPerSecond(std::num::NonZeroU64::new(1 << 30).unwrap());
        let bytes = written(&directory, fast);
        assert_eq!((bytes.len(), &bytes[..6]), (3_000_004, &b"head\0\0"[..]));
        let memory = MemoryDisk::default();
        assert_eq!(written(&memory, Pace::Unpaced), bytes);
        memory.crash(&mut Dice::new(1));
        assert_eq!(contents(&memory, "a"), bytes);
    }

    #[test]
    fn a_draft_that_was_not_synced_loses_bytes_even_under_a_durable_name() {
        let lost = (0..20).filter(|seed| {
            let memory = MemoryDisk::default();
            let mut draft = memory.draft("a.tmp", Pace::Unpaced).unwrap();
            draft.write(&[7; 4_000]).unwrap();
            memory.rename("a.tmp", "a").unwrap();
            memory.sync_directory().unwrap();
            memory.crash(&mut Dice::new(*seed));
            contents(&memory, "a") != [7; 4_000]
        });
        assert!(lost.count() > 10);
    }

    #[test]
    fn a_draft_that_was_not_named_durably_may_be_gone() {
        let gone = (0..20).filter(|seed| {
            let memory = MemoryDisk::default();
            let mut draft = memory.draft("a", Pace::Unpaced).unwrap();
            draft.write(b"x").unwrap();
            draft.sync().unwrap();
            memory.crash(&mut Dice::new(*seed));
            memory.read("a").is_err()
        });
        assert!((1..20).contains(&gone.count()));
    }
}

//! A file written through a shared mapping and made durable by `msync`.
//!
//! The mapping belongs to one thread, the journaler: after every sync the kernel write-protects the touched
//! pages, and the next store to each of them pays a fault. Nobody else should.

use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::MmapMut;

use crate::error::Named;
use crate::{Operation, Segment, StorageError};

/// A [`Segment`] in a writable shared mapping.
#[derive(Debug)]
pub struct MappedSegment {
    map: MmapMut,
    path: PathBuf,
}

impl MappedSegment {
    /// Maps the whole of `file`, which must have been filled with real zeros or records: a store into a hole
    /// of a full disk is a SIGBUS.
    pub(crate) fn new(file: &File, path: &Path) -> Result<MappedSegment, StorageError> {
        // SAFETY: the mapping outlives `file`, which is fine, and is only written through `&mut self`. The
        // directory lock keeps other venues from writing or shortening the file; other processes only read
        // it with pread. A program that ignores the lock and truncates the file causes a SIGBUS, which
        // stops the process: it cannot make us see wrong memory.
        let map = unsafe { MmapMut::map_mut(file) }.named(Operation::Map, path)?;
        Ok(MappedSegment { map, path: path.to_owned() })
    }
}

impl Segment for MappedSegment {
    fn length(&self) -> u64 {
        self.map.len() as u64
    }

    #[inline]
    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let offset = offset as usize;
        self.map[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    fn sync(&mut self, from: u64, to: u64) -> Result<(), StorageError> {
        assert!(from <= to && to <= self.length(), "Invariant: only bytes of the segment are synced");
        self.map.flush_range(from as usize, (to - from) as usize).named(Operation::Sync, &self.path)
    }
}

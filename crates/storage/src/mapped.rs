//! A file written through a shared mapping and made durable by `msync`.
//!
//! The mapping belongs to one thread, the journaler: after every sync the kernel write-protects the touched
//! pages, and the next store to each of them pays a fault. Nobody else should.

use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::{Advice, MmapMut, UncheckedAdvice};

use crate::error::Named;
use crate::{Operation, Segment, StorageError};

const PAGE: usize = 4096;

/// A [`Segment`] in a writable shared mapping.
#[derive(Debug)]
pub struct MappedSegment {
    map: MmapMut,
    path: PathBuf,
    /// Pages before this were made writable ahead of the stores.
    ready: usize,
}

/// Bytes made writable at once: one system call instead of a fault for each page. Not more, because what is made
/// writable counts as dirty, and may be written back before it says anything.
const READY_STEP: usize = 64 << 10;

/// From so many bytes on, pages leave the mapping before they are written back. Otherwise the kernel write-protects them one by
/// one, each time with an interrupt to every processor on which a thread of this process runs: 1 to 2 µs a page.
const UNMAP_MIN: usize = 128 << 10;

impl MappedSegment {
    /// Maps the whole of `file`, which must have been filled with real zeros or records: a store into a hole
    /// of a full disk is a SIGBUS.
    pub(crate) fn new(file: &File, path: &Path) -> Result<MappedSegment, StorageError> {
        // SAFETY: the mapping outlives `file`, which is fine, and is only written through `&mut self`. The
        // directory lock keeps other venues from writing or shortening the file; other processes only read
        // it with pread. A program that ignores the lock and truncates the file causes a SIGBUS, which
        // stops the process: it cannot make us see wrong memory.
        let map = unsafe { MmapMut::map_mut(file) }.named(Operation::Map, path)?;
        Ok(MappedSegment { map, path: path.to_owned(), ready: 0 })
    }

    /// Makes the pages of the next step writable. Where the kernel cannot, every page's first store faults instead.
    #[cold]
    fn make_ready(&mut self, offset: usize, end: usize) {
        let from = self.ready.max(offset) & !(PAGE - 1);
        let to = end.next_multiple_of(READY_STEP).min(self.map.len());
        let _ = self.map.advise_range(Advice::PopulateWrite, from, to - from);
        self.ready = to;
    }

    /// Takes whole pages out of the mapping: what was stored in them is in the page cache, and a later store faults.
    #[cold]
    fn unmap(&mut self, from: usize, to: usize) {
        let (from, to) = (from.next_multiple_of(PAGE), to & !(PAGE - 1));
        // SAFETY: the mapping is shared and of a file, where this advice discards nothing: the pages stay in the page cache
        // with all that was stored (madvise(2)), and the next access maps them again.
        let _ = unsafe { self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, from, to - from) };
    }
}

impl Segment for MappedSegment {
    fn length(&self) -> u64 {
        self.map.len() as u64
    }

    #[inline]
    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        let offset = offset as usize;
        let end = offset + bytes.len();
        if end > self.ready {
            self.make_ready(offset, end);
        }
        self.map[offset..end].copy_from_slice(bytes);
        Ok(())
    }

    /// The mapping is the kernel's own page cache.
    #[inline]
    fn hand_over(&mut self) -> Result<(), StorageError> {
        Ok(())
    }

    fn sync(&mut self, from: u64, to: u64) -> Result<(), StorageError> {
        assert!(from <= to && to <= self.length(), "Invariant: only bytes of the segment are synced");
        if (to - from) as usize >= UNMAP_MIN {
            self.unmap(from as usize, to as usize);
        }
        self.map.flush_range(from as usize, (to - from) as usize).named(Operation::Sync, &self.path)
    }
}

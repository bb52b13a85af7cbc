//! Segments of the faulty twin.

use super::{EIO, MemoryDisk, MemoryReader, refused};
use crate::{BlockFile, DirectSegment, Operation, ReadAt, Segment, StorageError};

/// A file of a [`MemoryDisk`], open for writing until the next crash.
pub struct OpenFile {
    pub(super) disk: MemoryDisk,
    pub(super) id: u64,
    pub(super) life: u64,
    pub(super) length: u64,
    pub(super) name: String,
}

impl OpenFile {
    /// Changes the cached image. Without power nothing happens.
    fn store(&self, offset: u64, bytes: &[u8]) {
        let (from, to) = (offset as usize, offset as usize + bytes.len());
        assert!(to as u64 <= self.length, "Invariant: a segment never grows");
        let mut state = self.disk.state();
        if !state.powered() || state.life != self.life || bytes.is_empty() {
            return;
        }
        let sectors = from / state.sector..to.div_ceil(state.sector);
        let file = state.files.get_mut(&self.id).expect("Invariant: files are never forgotten");
        file.cached[from..to].copy_from_slice(bytes);
        file.dirty.extend(sectors);
    }

    fn make_durable(&self, from: u64, to: u64) -> Result<(), StorageError> {
        assert!(from <= to && to <= self.length, "Invariant: only bytes of the segment are synced");
        let mut state = self.disk.state();
        if state.life != self.life {
            return Err(refused(Operation::Sync, &self.name, EIO));
        }
        state.sync(self.id, from as usize, to as usize, &self.name)
    }
}

impl BlockFile for OpenFile {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, offset: u64, blocks: &mut [u8]) -> Result<(), StorageError> {
        let reader = MemoryReader { disk: self.disk.clone(), id: self.id };
        let count = reader.read_at(offset, blocks)?;
        blocks[count..].fill(0);
        Ok(())
    }

    fn write(&mut self, offset: u64, blocks: &[u8]) -> Result<(), StorageError> {
        self.store(offset, blocks);
        Ok(())
    }

    /// Two steps, so that the power can go between them: any of the sectors is on the disk then.
    fn write_durable(&mut self, offset: u64, blocks: &[u8]) -> Result<(), StorageError> {
        self.store(offset, blocks);
        self.make_durable(offset, offset + blocks.len() as u64)
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.make_durable(0, self.length)
    }
}

/// A segment of a [`MemoryDisk`].
pub enum MemorySegment {
    /// As through a mapping.
    Mapped(OpenFile),
    /// Around the page cache.
    Direct(DirectSegment<OpenFile>),
}

impl Segment for MemorySegment {
    fn length(&self) -> u64 {
        match self {
            MemorySegment::Mapped(file) => file.length,
            MemorySegment::Direct(segment) => segment.length(),
        }
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        match self {
            MemorySegment::Mapped(file) => {
                file.store(offset, bytes);
                Ok(())
            }
            MemorySegment::Direct(segment) => segment.write(offset, bytes),
        }
    }

    fn hand_over(&mut self) -> Result<(), StorageError> {
        match self {
            MemorySegment::Mapped(_) => Ok(()),
            MemorySegment::Direct(segment) => segment.hand_over(),
        }
    }

    fn sync(&mut self, from: u64, to: u64) -> Result<(), StorageError> {
        match self {
            MemorySegment::Mapped(file) => file.make_durable(from, to),
            MemorySegment::Direct(segment) => segment.sync(from, to),
        }
    }
}

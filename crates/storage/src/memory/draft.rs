//! Drafts in memory: until they are synced, a power cut keeps or loses each of their sectors on its own, and until the
//! directory is, their name.

use super::{EIO, ENOSPC, File, MemoryDisk, State, refused};
use crate::draft::{Draft, Drafts};
use crate::{Operation, Pace, StorageError};

/// A draft on a [`MemoryDisk`].
pub struct MemoryDraft {
    disk: MemoryDisk,
    id: u64,
    life: u64,
    name: String,
}

impl Drafts for MemoryDisk {
    type Draft = MemoryDraft;

    fn draft(&self, name: &str, _pace: Pace) -> Result<MemoryDraft, StorageError> {
        let mut state = self.state();
        state.require_power(Operation::Create, name)?;
        state.files_ever += 1;
        let id = state.files_ever;
        state.files.insert(id, File::default());
        state.names.insert(name.to_owned(), id);
        let life = state.life;
        drop(state);
        Ok(MemoryDraft { disk: self.clone(), id, life, name: name.to_owned() })
    }
}

impl Draft for MemoryDraft {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        let mut state = self.disk.state();
        state.require_power(Operation::Write, &self.name)?;
        if let Some(free) = state.free_bytes {
            let left = free.checked_sub(bytes.len() as u64);
            state.free_bytes = Some(left.ok_or_else(|| refused(Operation::Write, &self.name, ENOSPC))?);
        }
        let end = state.files[&self.id].cached.len();
        self.put(&mut state, end, bytes)
    }

    fn overwrite(&mut self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        let mut state = self.disk.state();
        state.require_power(Operation::Write, &self.name)?;
        self.put(&mut state, offset as usize, bytes)
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        let mut state = self.disk.state();
        if state.life != self.life {
            return Err(refused(Operation::Sync, &self.name, EIO));
        }
        let length = state.files[&self.id].cached.len();
        state.sync(self.id, 0, length, &self.name)
    }
}

impl MemoryDraft {
    /// The length of a file is kept by the file system even where its bytes are not.
    fn put(&self, state: &mut State, offset: usize, bytes: &[u8]) -> Result<(), StorageError> {
        if state.life != self.life {
            return Err(refused(Operation::Write, &self.name, EIO));
        }
        let (end, sector) = (offset + bytes.len(), state.sector);
        let file = state.files.get_mut(&self.id).expect("Invariant: files are never forgotten");
        let length = file.cached.len().max(end);
        file.cached.resize(length, 0);
        file.durable.resize(length, 0);
        file.cached[offset..end].copy_from_slice(bytes);
        file.dirty.extend(offset / sector..end.div_ceil(sector));
        Ok(())
    }
}

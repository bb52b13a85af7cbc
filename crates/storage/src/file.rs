//! Segments of a real directory: mapped or direct, chosen when they are opened.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::{ReadWriteFlags, pwritev2};

use crate::direct::{BlockFile, DirectSegment};
use crate::error::Named;
use crate::{MappedSegment, Operation, Segment, StorageError};

/// A file opened with `O_DIRECT`.
#[derive(Debug)]
pub struct DirectFile {
    file: File,
    length: u64,
    path: PathBuf,
}

impl DirectFile {
    /// An existing file of whole blocks. The file system may refuse.
    pub(crate) fn open(path: &Path) -> Result<DirectFile, StorageError> {
        let flags = OFlags::DIRECT.bits() as i32;
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).custom_flags(flags).open(path);
        let file = file.named(Operation::OpenDirect, path)?;
        let length = file.metadata().named(Operation::Read, path)?.len();
        Ok(DirectFile { file, length, path: path.to_owned() })
    }

    /// A short write is continued; the first refusal is final.
    fn write_with(
        &self,
        mut offset: u64,
        mut blocks: &[u8],
        flags: ReadWriteFlags,
        operation: Operation,
    ) -> Result<(), StorageError> {
        while !blocks.is_empty() {
            let count = pwritev2(&self.file, &[IoSlice::new(blocks)], offset, flags);
            let count = count.named(operation, &self.path)?;
            if count == 0 {
                let error = io::Error::from(io::ErrorKind::WriteZero);
                return Err(StorageError::new(operation, &self.path, &error));
            }
            offset += count as u64;
            blocks = &blocks[count..];
        }
        Ok(())
    }
}

impl BlockFile for DirectFile {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, offset: u64, blocks: &mut [u8]) -> Result<(), StorageError> {
        self.file.read_exact_at(blocks, offset).named(Operation::Read, &self.path)
    }

    fn write(&mut self, offset: u64, blocks: &[u8]) -> Result<(), StorageError> {
        self.write_with(offset, blocks, ReadWriteFlags::empty(), Operation::Write)
    }

    fn write_durable(&mut self, offset: u64, blocks: &[u8]) -> Result<(), StorageError> {
        self.write_with(offset, blocks, ReadWriteFlags::DSYNC, Operation::Sync)
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.file.sync_data().named(Operation::Sync, &self.path)
    }
}

/// A segment file of a [`crate::Directory`].
#[derive(Debug)]
pub enum FileSegment {
    /// Written through a mapping.
    Mapped(MappedSegment),
    /// Written around the page cache.
    Direct(DirectSegment<DirectFile>),
}

impl Segment for FileSegment {
    #[inline]
    fn length(&self) -> u64 {
        match self {
            FileSegment::Mapped(segment) => segment.length(),
            FileSegment::Direct(segment) => segment.length(),
        }
    }

    #[inline]
    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        match self {
            FileSegment::Mapped(segment) => segment.write(offset, bytes),
            FileSegment::Direct(segment) => segment.write(offset, bytes),
        }
    }

    fn hand_over(&mut self) -> Result<(), StorageError> {
        match self {
            FileSegment::Mapped(segment) => segment.hand_over(),
            FileSegment::Direct(segment) => segment.hand_over(),
        }
    }

    fn sync(&mut self, from: u64, to: u64) -> Result<(), StorageError> {
        match self {
            FileSegment::Mapped(segment) => segment.sync(from, to),
            FileSegment::Direct(segment) => segment.sync(from, to),
        }
    }
}

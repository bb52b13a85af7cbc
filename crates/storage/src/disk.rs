//! The two seams: a directory of files, and one file open for writing.

use std::num::NonZeroU64;

use crate::StorageError;

/// How the journal's files are written. The bytes on disk are the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Writer {
    /// Stores into a shared mapping, made durable by `msync`.
    #[default]
    Mapped,
    /// Whole blocks around the page cache (`O_DIRECT`), made durable by the write itself (`RWF_DSYNC`).
    Direct,
}

/// One file of fixed length, open for writing.
///
/// It is written forward: what lies behind the last byte written, up to the next multiple of 4096, is zero or was
/// there when the writing began.
pub trait Segment: Send {
    /// Length of the file in bytes.
    fn length(&self) -> u64;

    /// Stores `bytes` at `offset`. Readers see them, and they outlive the process, after [`Segment::hand_over`]
    /// at the latest; they are durable only after [`Segment::sync`].
    ///
    /// # Panics
    /// When the bytes do not fit: a segment never grows.
    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), StorageError>;

    /// Gives all that was written to the kernel: the death of the process loses nothing of it.
    fn hand_over(&mut self) -> Result<(), StorageError>;

    /// Makes the bytes `from..to` durable, at least. An error means: durability unknown, now and for ever. Calling
    /// again may answer `Ok` although the bytes are lost; the caller must latch the first error.
    fn sync(&mut self, from: u64, to: u64) -> Result<(), StorageError>;
}

/// A file open for reading. Reads never map, so a truncated file is a short read, not a signal.
pub trait ReadAt {
    /// Length of the file in bytes.
    fn length(&self) -> Result<u64, StorageError>;

    /// Reads into `buffer` from `offset`; fewer bytes than asked for only at the end of the file.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError>;
}

/// How fast a new file is filled with zeros, so that the disk stays free for the journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Pace {
    /// As fast as the disk takes it.
    #[default]
    Unpaced,
    /// At most this many bytes per second.
    BytesPerSecond(NonZeroU64),
}

/// Tells the pace from moment to moment: who is needed sooner than thought may hurry in the middle of a file.
pub trait Pacer {
    /// The pace now.
    fn pace(&self) -> Pace;
}

impl Pacer for Pace {
    fn pace(&self) -> Pace {
        *self
    }
}

impl<F: Fn() -> Pace> Pacer for F {
    fn pace(&self) -> Pace {
        self()
    }
}

/// A flat directory of files.
pub trait Disk: Clone + Send {
    /// A file open for writing.
    type Segment: Segment;
    /// A file open for reading.
    type Reader: ReadAt;

    /// Names of the files, in no promised order.
    fn list(&self) -> Result<Vec<String>, StorageError>;

    /// A new file of `length` real zeros. It appears under `name` only when it is whole and durable;
    /// a leftover of an earlier attempt that was cut short is overwritten.
    fn create(&self, name: &str, length: u64, pacer: impl Pacer) -> Result<Self::Segment, StorageError>;

    /// Makes a file that nobody needs any more a new one of real zeros under another name, in the blocks it has. As with
    /// [`Disk::create`] the new name appears only when the file is whole and durable; the old one is gone before.
    fn recycle(&self, from: &str, name: &str, pacer: impl Pacer) -> Result<Self::Segment, StorageError>;

    /// An existing file, for writing.
    fn open(&self, name: &str) -> Result<Self::Segment, StorageError>;

    /// An existing file, for reading.
    fn read(&self, name: &str) -> Result<Self::Reader, StorageError>;

    /// Lengthens a file with durable zeros; a file that is long enough stays as it is.
    fn extend(&self, name: &str, length: u64) -> Result<(), StorageError>;

    /// Copies `from..to` of a file into a new, durable file `copy`.
    fn copy_range(&self, name: &str, from: u64, to: u64, copy: &str) -> Result<(), StorageError>;

    /// Makes all bytes of a file durable, whoever wrote them.
    fn sync_file(&self, name: &str) -> Result<(), StorageError>;

    /// Makes creations, renames and removals durable.
    fn sync_directory(&self) -> Result<(), StorageError>;

    /// Renames a file; durable after [`Disk::sync_directory`].
    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError>;

    /// Removes a file; durable after [`Disk::sync_directory`].
    fn remove(&self, name: &str) -> Result<(), StorageError>;
}

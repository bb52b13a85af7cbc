//! Files for the journal: mapped ones, direct ones, and a faulty twin in memory for tests.
//!
//! A [`Disk`] is one flat directory of files, a [`Segment`] one fixed-size file open for writing. Whoever
//! writes through them needs three facts and gets no others: a written byte is visible to every reader of the file,
//! and outlives the process, after [`Segment::hand_over`] at the latest; it is durable only after a
//! [`Segment::sync`] that covers it returned `Ok`; and until then any subset of the dirty sectors may or may not
//! be on the disk.
//!
//! # Invariants
//! - A file created by [`Disk::create`] appears under its name only when it is whole: full length, real zeros,
//!   fsync'ed, and its name is durable.
//! - Nothing here retries. After a failed sync the kernel calls the lost pages clean and the next sync
//!   succeeds, so the first [`StorageError`] is the last true word about a file; the caller latches it.
//! - System calls go through libc (also those of rustix and memmap2), so that preloaded shims see them.
//!
//! # Known limits
//! - If somebody else truncates a mapped file, the next store is a SIGBUS, which `ringside serve` turns into exit
//!   code 4 with a reason. The directory lock keeps other venues away, not other programs. Readers therefore never
//!   map. A direct file that is truncated grows again, with a hole that the next recovery refuses.
#![deny(unsafe_code)]

mod blocks;
mod direct;
mod directory;
mod disk;
mod draft;
mod error;
mod file;
mod lock;
#[allow(unsafe_code, reason = "the one place that maps files")]
mod mapped;
mod memory;

pub use direct::{BlockFile, DirectSegment};
pub use directory::{Directory, free_space};
pub use disk::{Disk, Pace, Pacer, ReadAt, Segment, Writer};
pub use draft::{Draft, Drafts, FileDraft};
pub use error::{Operation, StorageError};
pub use file::{DirectFile, FileSegment};
pub use lock::{DirectoryLock, LockError};
pub use mapped::MappedSegment;
pub use memory::{Dice, MemoryDisk, MemoryDraft, MemoryReader, MemorySegment, OpenFile};

//! The write-ahead log: the boundary of success. A command that is durable here has happened.
//!
//! [`Journal`] writes commands into fixed-size segment files and makes them durable in batches; [`recover`]
//! finds the end after any death of the process; [`Reader`] reads a journal, dead or alive; [`truncate_after`] cuts a
//! suffix off; [`archive_segment`] copies a sealed segment away. The bytes are in
//! [`mod@format`] and, in prose, in `docs/formats/journal.md`.
//!
//! # Invariants
//! - Sequences are dense, time never decreases, and every record carries a checksum that only its own segment
//!   of its own journal can produce.
//! - What [`Journal::durable_sequence`] has returned survives every power cut of a disk that keeps what it
//!   confirmed. Bad bytes at or before a durable watermark in the files are corruption, never a torn tail.
//! - After the first storage error the journal never touches the file again.
//! - `append` and `flush` do not allocate.
//!
//! # What this crate does not do
//! It starts no thread, reads no clock, takes no lock and runs no engine. It prunes nothing by itself.
//!
//! # Known limits
//! - The footer of a flush is written behind it and becomes durable with the next flush or [`Journal::close`], which
//!   the venue calls as soon as it is idle. Between the two, after a power cut, damage to the very last batch looks
//!   like a torn tail: what proves that a flush has ended can only be written after it.
//! - A missing last segment (the whole file removed) cannot be told from one that was never begun.
#![deny(unsafe_code)]

mod archive;
mod carve;
mod decode;
mod error;
pub mod format;
mod payload;
mod pruning;
mod reader;
mod recovery;
mod scan;
mod segments;
mod truncate;
mod waypoint;
mod writer;

pub use archive::{ArchiveError, archive_file_name, archive_segment, archived, next_to_archive};
pub use carve::{Carved, Seen, carve};
pub use decode::Entry;
pub use error::{Corruption, JournalError, Reason, RecoverError};
pub use payload::{Field, KINDS, LAYOUTS, PAYLOAD_LENGTH_MAX};
pub use pruning::prune;
pub use reader::{Reader, durable_sequence};
pub use recovery::{Recovered, TornTail, recover, recover_from};
pub use scan::End;
pub use segments::{
    Prepared, PreparerStatus, PreparerTask, SegmentOptions, SegmentSource, preparer, retire_segment,
};
pub use truncate::{Durable, TruncateError, Truncated, truncate_after};
pub use waypoint::Waypoint;
pub use writer::{Appended, Journal, JournalCounters, new_epoch};

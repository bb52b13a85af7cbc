//! Cuts the end of a journal off on purpose: what a leader wrote and no majority ever kept, or what an operator gives up.
//!
//! The bytes stay beside the journal: the rest of the segment as `<name>.cut-<offset>`, later segments as `<name>.cut`.
//! Every step is a rename, so a power cut in between leaves a journal that ends somewhere between the old end and the
//! new one, and the same call again finishes the work.

use ringside_domain::Sequence;
use ringside_storage::{Disk, ReadAt, StorageError};

use crate::decode::Entry;
use crate::error::RecoverError;
use crate::format::segment_file_name;
use crate::recovery::recover;
use crate::scan::{Met, Scan};

/// May durable commands be cut off?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durable {
    /// No: they may have been acknowledged.
    Keep,
    /// Yes. The caller knows that nobody was told about them, or accepts that somebody was.
    GiveUp,
}

/// Why nothing was cut off.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TruncateError {
    /// The journal cannot be read.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// A file could not be changed. The same call again goes on.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Durable commands would be lost.
    #[error("sequence {sequence} is before {durable_sequence}, up to which commands are durable")]
    Durable {
        /// Where the cut was wanted.
        sequence: Sequence,
        /// What the journal promises.
        durable_sequence: Sequence,
    },
    /// The place of the cut is not in the journal any more.
    #[error("sequence {sequence} is before {first_sequence}, the first that is still there")]
    Gone {
        /// Where the cut was wanted.
        sequence: Sequence,
        /// First command there is.
        first_sequence: Sequence,
    },
}

/// What was cut off.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Truncated {
    /// Last command now.
    pub last_sequence: Sequence,
    /// Commands cut off.
    pub commands: u64,
    /// Files that hold their bytes, newest first.
    pub copies: Vec<String>,
}

/// Cuts every command after `sequence` off. The caller holds the directory lock, and nobody has the journal open.
pub fn truncate_after<D: Disk>(
    disk: &D,
    sequence: Sequence,
    durable: Durable,
) -> Result<Truncated, TruncateError> {
    let recovered = recover(disk)?;
    let (first_sequence, last) = (recovered.first_sequence(), recovered.last_sequence());
    if sequence + 1 < first_sequence {
        return Err(TruncateError::Gone { sequence, first_sequence });
    }
    let nothing = Truncated { last_sequence: last, commands: 0, copies: Vec::new() };
    let (first_cut, durable_sequence) = find(disk, sequence)?;
    if sequence < durable_sequence && durable == Durable::Keep {
        return Err(TruncateError::Durable { sequence, durable_sequence });
    }
    let Some(first_cut) = first_cut else { return Ok(nothing) };
    let mut copies = Vec::new();
    for number in (first_cut.segment + 1..recovered.next_segment()).rev() {
        copies.push(set_aside(disk, number)?);
    }
    copies.push(shorten(disk, &first_cut)?);
    Ok(Truncated { last_sequence: sequence, commands: last - sequence, copies })
}

/// The first command after `sequence`, and the last one that the journal calls durable.
fn find<D: Disk>(disk: &D, sequence: Sequence) -> Result<(Option<Entry>, Sequence), RecoverError> {
    let mut scan = Scan::new(disk.clone(), 1);
    let mut first = None;
    while let Met::Command(entry) = scan.next()? {
        if entry.sequence > sequence {
            first.get_or_insert(entry);
        }
    }
    Ok((first, scan.cursor().map_or(0, |cursor| cursor.durable_sequence)))
}

/// A whole segment out of the way.
fn set_aside<D: Disk>(disk: &D, number: u64) -> Result<String, StorageError> {
    let name = segment_file_name(number);
    let copy = unused(disk, &format!("{name}.cut"))?;
    disk.rename(&name, &copy)?;
    disk.sync_directory()?;
    Ok(copy)
}

/// A segment with zeros from `first_cut` on takes the place of the one that goes on.
fn shorten<D: Disk>(disk: &D, first_cut: &Entry) -> Result<String, StorageError> {
    let name = segment_file_name(first_cut.segment);
    let length = disk.read(&name)?.length()?;
    let copy = unused(disk, &format!("{name}.cut-{}", first_cut.offset))?;
    disk.copy_range(&name, first_cut.offset, length, &copy)?;
    // A leftover of an attempt that was cut short is overwritten: it is whole before it gets its name.
    let shorter = format!("{name}.shorter");
    if disk.list()?.contains(&shorter) {
        disk.remove(&shorter)?;
    }
    disk.copy_range(&name, 0, first_cut.offset, &shorter)?;
    disk.extend(&shorter, length)?;
    disk.rename(&shorter, &name)?;
    disk.sync_directory()?;
    Ok(copy)
}

/// This name, or the first `<name>.2`, `<name>.3` ... that no file has.
pub(crate) fn unused<D: Disk>(disk: &D, name: &str) -> Result<String, StorageError> {
    let existing = disk.list()?;
    let mut candidates =
        std::iter::once(name.to_owned()).chain((2..).map(|nth: u32| format!("{name}.{nth}")));
    Ok(candidates.find(|candidate| !existing.contains(candidate)).expect("numbers do not run out"))
}

//! Finds the end of a journal after any death of the process, and repairs it where no promise was given.
//!
//! | what is found | what it is | what is done |
//! |---|---|---|
//! | last record, then zeros | clean end | continue |
//! | bytes that are no record, nothing durable claimed at or behind them | torn tail | saved aside, zeroed |
//! | the same with a later footer, segment or earlier record behind it | corruption | refused |
//! | intact record out of sequence, of unknown kind or version | corruption | refused |
//! | blank segment behind the last one | prepared, unused | used later |
//! | half a header, no record behind it | the power went while a segment was begun | zeroed |
//! | header blank or damaged, records or segments behind it | corruption | refused |
//!
//! Recovery finds the end; it does not run the engine. The caller holds the directory lock.

use ringside_domain::{Sequence, TimeNs};
use ringside_storage::{Disk, Segment, StorageError};

use crate::decode::{Cursor, Entry};
use crate::error::RecoverError;
use crate::format::{SEGMENT_HEADER_LENGTH, segment_file_name, segment_number};
use crate::scan::{End, Met, Scan};
use crate::truncate::unused;
use crate::waypoint::Waypoint;

/// The torn tail that was cut off.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TornTail {
    /// Segment number.
    pub segment: u64,
    /// Where it began.
    pub offset: u64,
    /// Its length.
    pub bytes: u64,
    /// Where it was saved.
    pub copy: String,
}

/// A journal whose every command is intact, durable and accounted for.
#[derive(Clone, Debug)]
pub struct Recovered {
    pub(crate) cursor: Option<Cursor>,
    first_sequence: Sequence,
    torn_tail: Option<TornTail>,
    missing_bytes: u64,
}

impl Recovered {
    /// True when there is no journal yet.
    pub fn is_empty(&self) -> bool {
        self.cursor.is_none()
    }

    /// Name of the journal; 0 when there is none.
    pub fn epoch(&self) -> u64 {
        self.cursor.as_ref().map_or(0, |cursor| cursor.header.epoch)
    }

    /// First command that was read: the oldest there is (older segments may have been pruned; 1 for a new journal), or the
    /// first one behind the waypoint.
    pub fn first_sequence(&self) -> Sequence {
        self.first_sequence
    }

    /// Last command; 0 when there is none.
    pub fn last_sequence(&self) -> Sequence {
        self.cursor.as_ref().map_or(0, |cursor| cursor.last_sequence)
    }

    /// Time of the last command; that of the beginning when there is none.
    pub fn last_time_ns(&self) -> TimeNs {
        self.cursor.as_ref().map_or(0, |cursor| cursor.last_time_ns)
    }

    /// Running chain over all records.
    pub fn chain(&self) -> u64 {
        self.cursor.as_ref().map_or(0, |cursor| cursor.chain)
    }

    /// Number of the next segment to prepare.
    pub fn next_segment(&self) -> u64 {
        self.cursor.as_ref().map_or(1, |cursor| cursor.header.number + 1)
    }

    /// Segment in which the journal continues, and the offset; `None` when a new segment is begun first.
    pub fn position(&self) -> Option<(u64, u64)> {
        let open = self.cursor.as_ref().filter(|cursor| !cursor.sealed);
        open.map(|cursor| (cursor.header.number, cursor.offset))
    }

    /// The torn tail that was cut off, if any.
    pub fn torn_tail(&self) -> Option<&TornTail> {
        self.torn_tail.as_ref()
    }

    /// Bytes by which the last file was too short. No crash shortens a file: worth a warning.
    pub fn missing_bytes(&self) -> u64 {
        self.missing_bytes
    }
}

/// Checks every record, cuts a torn tail off, and tells where to continue. Run again, it finds the same.
pub fn recover<D: Disk>(disk: &D) -> Result<Recovered, RecoverError> {
    recover_from(disk, None, |_| ())
}

/// The same, and gives every command to `each` on the way: behind a waypoint, when there is one. Then nothing is read
/// before its segment, and a journal that does not pass through it is corrupt. Commands were given before the end is known:
/// after an error they are worth nothing.
pub fn recover_from<D: Disk>(
    disk: &D,
    waypoint: Option<Waypoint>,
    mut each: impl FnMut(&Entry),
) -> Result<Recovered, RecoverError> {
    settle(disk)?;
    let mut scan = match waypoint {
        None => Scan::new(disk.clone(), 1),
        Some(waypoint) => Scan::behind(disk.clone(), 1, waypoint),
    };
    let mut first_sequence = None;
    let end = loop {
        match scan.next()? {
            Met::Command(entry) => {
                first_sequence.get_or_insert(entry.sequence);
                each(&entry);
            }
            Met::End(end) => break end,
        }
    };
    if let Some(number) = scan.torn_adoption() {
        zero(disk, number, 0, SEGMENT_HEADER_LENGTH)?;
    }
    let cursor = scan.cursor().cloned();
    if let (Some(cursor), 1..) = (&cursor, scan.short_bytes()) {
        disk.extend(&segment_file_name(cursor.header.number), cursor.header.segment_length)?;
    }
    let torn_tail = match end {
        End::Clean => None,
        End::TornTail { segment, offset, bytes } => Some(cut(disk, segment, offset, bytes)?),
    };
    let begin = cursor.as_ref().map_or(1, |cursor| cursor.header.first_sequence);
    Ok(Recovered {
        first_sequence: first_sequence.unwrap_or(begin),
        torn_tail,
        missing_bytes: scan.short_bytes(),
        cursor,
    })
}

/// What is read below may so far live in the page cache only. Nothing may be built on it before it is durable.
fn settle<D: Disk>(disk: &D) -> Result<(), StorageError> {
    disk.sync_directory()?;
    for name in disk.list()?.iter().filter(|name| segment_number(name).is_some()) {
        disk.sync_file(name)?;
    }
    Ok(())
}

/// Saves a torn tail beside the segment, then zeroes it, durably in this order.
fn cut<D: Disk>(disk: &D, segment: u64, offset: u64, bytes: u64) -> Result<TornTail, StorageError> {
    let name = segment_file_name(segment);
    let copy = unused(disk, &format!("{name}.torn-{offset}"))?;
    disk.copy_range(&name, offset, offset + bytes, &copy)?;
    zero(disk, segment, offset, offset + bytes)?;
    Ok(TornTail { segment, offset, bytes, copy })
}

fn zero<D: Disk>(disk: &D, segment: u64, from: u64, to: u64) -> Result<(), StorageError> {
    const ZEROS: [u8; 4096] = [0; 4096];
    let mut file = disk.open(&segment_file_name(segment))?;
    let mut offset = from;
    while offset < to {
        let count = ZEROS.len().min((to - offset) as usize);
        file.write(offset, &ZEROS[..count])?;
        offset += count as u64;
    }
    file.sync(from, to)
}

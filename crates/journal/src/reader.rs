//! The reading end: the commands of a journal in order, dead or alive, without a lock and without a write.

use ringside_domain::Sequence;
use ringside_storage::{Disk, ReadAt};

use crate::decode::Entry;
use crate::error::RecoverError;
use crate::format::{HeaderFault, SEGMENT_HEADER_LENGTH, SegmentHeader, segment_file_name, segment_number};
use crate::scan::{End, Met, Scan};
use crate::waypoint::Waypoint;

/// How often a suspicious place is looked at, 1 ms, 2 ms, 3 ms ... apart: a writer that lost its processor in
/// the middle of a record gets 300 ms to finish it.
const ATTEMPTS: u32 = 25;

/// Reads commands in bounded memory: one window of 1 MiB.
///
/// As an iterator it ends at the end of the journal ([`Reader::end`] tells how) or behind the first error.
/// Asked again after the end, it goes on with what a living journal got meanwhile.
pub struct Reader<D: Disk> {
    scan: Scan<D>,
    from: Sequence,
    end: Option<End>,
    failed: bool,
}

impl<D: Disk> Reader<D> {
    /// Reads from the oldest command there is.
    pub fn open(disk: D) -> Reader<D> {
        Reader { scan: Scan::new(disk, ATTEMPTS), from: 0, end: None, failed: false }
    }

    /// Reads from the first command with at least this sequence, without reading the segments before it. What
    /// is skipped is not checked.
    pub fn open_from(disk: D, sequence: Sequence) -> Result<Reader<D>, RecoverError> {
        let number = segment_holding(&disk, sequence)?;
        let scan = Scan::from_segment(disk, ATTEMPTS, number);
        Ok(Reader { scan, from: sequence, end: None, failed: false })
    }

    /// Reads the commands behind a waypoint. A journal that does not pass through it is corrupt.
    pub fn open_behind(disk: D, waypoint: Waypoint) -> Reader<D> {
        Reader { scan: Scan::behind(disk, ATTEMPTS, waypoint), from: 0, end: None, failed: false }
    }

    /// Reads the commands behind a waypoint, as [`Reader::open_behind`]; what is left of the journal before it is read
    /// and checked too.
    pub fn open_through(disk: D, waypoint: Waypoint) -> Reader<D> {
        Reader { scan: Scan::through(disk, ATTEMPTS, waypoint), from: 0, end: None, failed: false }
    }

    /// The place behind the last command met; `None` before the first.
    pub fn waypoint(&self) -> Option<Waypoint> {
        self.scan.cursor().map(Waypoint::of)
    }

    /// The next command; `None` at the end.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, RecoverError> {
        loop {
            match self.scan.next().inspect_err(|_| self.failed = true)? {
                Met::Command(entry) if entry.sequence < self.from => {}
                Met::Command(entry) => {
                    self.end = None;
                    return Ok(Some(entry));
                }
                Met::End(end) => {
                    self.end = Some(end);
                    return Ok(None);
                }
            }
        }
    }

    /// How the journal ends, once the end was reached.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Last command met; 0 before the first.
    pub fn last_sequence(&self) -> Sequence {
        self.scan.cursor().map_or(0, |cursor| cursor.last_sequence)
    }

    /// Highest sequence that what was read so far proves durable. A footer stands behind its commands, so this
    /// trails the entries; see [`durable_sequence`].
    pub fn durable_sequence(&self) -> Sequence {
        self.scan.cursor().map_or(0, |cursor| cursor.durable_sequence)
    }

    /// Name of the journal; 0 before the first segment was opened.
    pub fn epoch(&self) -> u64 {
        self.scan.cursor().map_or(0, |cursor| cursor.header.epoch)
    }

    /// Running chain over all records read.
    pub fn chain(&self) -> u64 {
        self.scan.cursor().map_or(0, |cursor| cursor.chain)
    }
}

impl<D: Disk> Iterator for Reader<D> {
    type Item = Result<Entry, RecoverError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        self.next_entry().transpose()
    }
}

/// The durable watermark of a journal, also of a living one: the highest sequence that a header or footer
/// proves durable. Reads the newest segment only.
pub fn durable_sequence<D: Disk>(disk: D) -> Result<Sequence, RecoverError> {
    let mut reader = Reader::open_from(disk, Sequence::MAX)?;
    while reader.next_entry()?.is_some() {}
    Ok(reader.durable_sequence())
}

/// Number of the last segment whose header says that it starts at or before `sequence`; 0 when there is none.
fn segment_holding<D: Disk>(disk: &D, sequence: Sequence) -> Result<u64, RecoverError> {
    let mut numbers: Vec<u64> = disk.list()?.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    for number in numbers.into_iter().rev() {
        let mut page = [0; SEGMENT_HEADER_LENGTH as usize];
        disk.read(&segment_file_name(number))?.read_at(0, &mut page)?;
        match SegmentHeader::decode(&page) {
            Ok(header) if header.first_sequence <= sequence => return Ok(number),
            Ok(_) | Err(HeaderFault::Blank | HeaderFault::Damaged) => {}
            // The walk names what is wrong with it.
            Err(_) => return Ok(number),
        }
    }
    Ok(0)
}

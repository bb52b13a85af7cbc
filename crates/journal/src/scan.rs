//! Walks the segments in order and judges every place where the records stop.
//!
//! The reader and recovery are the same walk. They differ in patience only: a reader of a living journal looks
//! at a suspicious place several times, because the writer may be in the middle of it; recovery holds the lock,
//! so nobody writes, and the first look decides.
//!
//! Judging is two tables, [`judge_header`] and [`judge_end`]; tests enumerate their inputs.

use std::time::Duration;

use ringside_domain::Sequence;
use ringside_storage::{Disk, ReadAt, StorageError};

use crate::decode::{Cursor, Entry, Step, intact};
use crate::error::{Corruption, Reason, RecoverError};
use crate::format::{
    HeaderFault, KIND_FOOTER, KIND_SEAL, MARK_LENGTH, Mark, RECORD_ALIGN, RECORD_LENGTH_MAX,
    SEGMENT_HEADER_LENGTH, SEGMENT_LENGTH_MIN, SegmentHeader, segment_file_name, segment_number,
};
use crate::waypoint::Waypoint;

/// Bytes read at once.
const WINDOW: usize = 1 << 20;

/// How the journal ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// With a whole record and nothing behind it.
    Clean,
    /// With bytes of records that were never acknowledged.
    TornTail {
        /// Segment that holds them.
        segment: u64,
        /// Offset of the first one.
        offset: u64,
        /// From there up to the last byte that is not zero.
        bytes: u64,
    },
}

/// What the walk meets next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Met {
    Command(Entry),
    End(End),
}

/// State of the page that should be a segment header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Page {
    Blank,
    Damaged,
    Intact,
    Foreign(Reason),
}

/// What a segment file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Opening {
    /// Its records can be walked.
    Begun,
    /// Made ready, not used yet.
    Prepared,
    /// The power went while its header was written for the first time; there was no record yet.
    TornAdoption,
    /// Not explained by any crash.
    Corrupt(Reason),
}

/// Decides what a segment file is: one row for every combination.
pub(crate) fn judge_header(page: Page, records_blank: bool, later_segment: bool) -> Opening {
    match (page, records_blank, later_segment) {
        // Healthy.
        (Page::Intact, _, _) => Opening::Begun,
        // Healthy, or a crash just before the header was written.
        (Page::Blank, true, false) => Opening::Prepared,
        // Records are written only after the header is durable.
        (Page::Blank, false, _) => Opening::Corrupt(Reason::SegmentHeader),
        // A segment is begun only after its predecessor was sealed.
        (Page::Blank, true, true) => Opening::Corrupt(Reason::SegmentHeader),
        // A crash while the header was written.
        (Page::Damaged, true, false) => Opening::TornAdoption,
        // As for blank pages.
        (Page::Damaged, false, _) => Opening::Corrupt(Reason::SegmentHeader),
        (Page::Damaged, true, true) => Opening::Corrupt(Reason::SegmentHeader),
        // Intact, but nothing this program can read.
        (Page::Foreign(reason), _, _) => Opening::Corrupt(reason),
    }
}

/// What is behind the place where records stop, up to the end of the segment file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rest {
    /// End of the last bytes that are not zero; the place itself if there are none.
    pub(crate) touched_end: u64,
    /// A footer or seal there calls bytes at or behind the place durable.
    pub(crate) attested: bool,
    /// An intact record there belongs before the place.
    pub(crate) misplaced: bool,
}

/// What a place without an intact record is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    CleanEnd,
    TornTail,
    Corrupt,
    Unsealed,
}

/// Decides what a place without an intact record is: one row for every combination.
pub(crate) fn judge_end(touched: bool, attested: bool, misplaced: bool, later_segment: bool) -> Verdict {
    match (later_segment, touched, attested, misplaced) {
        // A segment is begun only after its predecessor was sealed and synced.
        (true, _, _, _) => Verdict::Unsealed,
        // Nothing but zeros: the last record is whole.
        (false, false, _, _) => Verdict::CleanEnd,
        // The bytes had been durable, and are not as they were.
        (false, true, true, _) => Verdict::Corrupt,
        // No order of write-back puts a record behind its successors.
        (false, true, false, true) => Verdict::Corrupt,
        // Part of a batch that was never acknowledged, sectors in any order.
        (false, true, false, false) => Verdict::TornTail,
    }
}

/// A sliding view of a file. Bytes beyond the end of the file read as zeros up to the length of the segment.
struct Window<R> {
    file: R,
    length: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<R: ReadAt> Window<R> {
    /// The bytes from `offset` on: `wanted` of them, or all up to the end of the segment.
    fn at(&mut self, offset: u64, wanted: usize) -> Result<&[u8], StorageError> {
        let wanted = wanted.min((self.length - offset) as usize);
        let covered = offset >= self.start && offset + wanted as u64 <= self.start + self.bytes.len() as u64;
        if !covered {
            self.fill(offset)?;
        }
        let from = (offset - self.start) as usize;
        Ok(&self.bytes[from..from + wanted])
    }

    fn fill(&mut self, offset: u64) -> Result<(), StorageError> {
        let size = WINDOW.min((self.length - offset) as usize);
        self.bytes.resize(size, 0);
        self.start = offset;
        let read = self.file.read_at(offset, &mut self.bytes).inspect_err(|_| self.bytes.clear())?;
        self.bytes[read..].fill(0);
        Ok(())
    }

    /// What was read before may be out of date.
    fn forget(&mut self) {
        self.bytes.clear();
    }
}

/// A position and the file it is in.
type Standing<D> = (Cursor, Window<<D as Disk>::Reader>);

/// The walk over the segments of a journal.
pub(crate) struct Scan<D: Disk> {
    disk: D,
    attempts: u32,
    /// Segment to open when there is no cursor; 0 = the first one there is.
    first: u64,
    /// Where the walk has to pass; nothing before it is told.
    waypoint: Option<Waypoint>,
    at: Option<Standing<D>>,
    torn_adoption: Option<u64>,
    short_bytes: u64,
}

impl<D: Disk> Scan<D> {
    /// A walk from the first segment on; a suspicious place is looked at `attempts` times.
    pub(crate) fn new(disk: D, attempts: u32) -> Scan<D> {
        assert!(attempts > 0, "Invariant: every place is looked at");
        Scan { disk, attempts, first: 0, waypoint: None, at: None, torn_adoption: None, short_bytes: 0 }
    }

    /// A walk from segment `number` on.
    pub(crate) fn from_segment(disk: D, attempts: u32, number: u64) -> Scan<D> {
        Scan { first: number, ..Scan::new(disk, attempts) }
    }

    /// A walk behind a waypoint, from the beginning of its segment on.
    pub(crate) fn behind(disk: D, attempts: u32, waypoint: Waypoint) -> Scan<D> {
        Scan { waypoint: Some(waypoint), ..Scan::from_segment(disk, attempts, waypoint.segment) }
    }

    /// A walk behind a waypoint, from the first segment on.
    pub(crate) fn through(disk: D, attempts: u32, waypoint: Waypoint) -> Scan<D> {
        Scan { waypoint: Some(waypoint), ..Scan::new(disk, attempts) }
    }

    /// Where the walk is; `None` before the first segment that was begun.
    pub(crate) fn cursor(&self) -> Option<&Cursor> {
        self.at.as_ref().map(|(cursor, _)| cursor)
    }

    /// The segment whose header was being written when the power went.
    pub(crate) fn torn_adoption(&self) -> Option<u64> {
        self.torn_adoption
    }

    /// Bytes the file of the current segment lacks.
    pub(crate) fn short_bytes(&self) -> u64 {
        self.short_bytes
    }

    /// The next command or the end. After the end, asks again: a living journal may have grown.
    pub(crate) fn next(&mut self) -> Result<Met, RecoverError> {
        while let Some(waypoint) = self.waypoint {
            match self.next_of_all()? {
                Met::Command(entry) if entry.sequence < waypoint.sequence => {}
                Met::Command(entry) if entry.sequence == waypoint.sequence => {
                    waypoint.check(self.cursor().expect("Invariant: a command was met in a segment"))?;
                    self.waypoint = None;
                }
                Met::Command(_) | Met::End(_) => return Err(waypoint.missed(self.cursor())),
            }
        }
        self.next_of_all()
    }

    fn next_of_all(&mut self) -> Result<Met, RecoverError> {
        let mut attempt = 1;
        loop {
            let met = self.look();
            let suspicious =
                matches!(met, Err(RecoverError::Corrupt(_)) | Ok(Met::End(End::TornTail { .. })));
            if !suspicious || attempt == self.attempts {
                return met;
            }
            // A writer in the middle of this very record gets time to finish it.
            std::thread::sleep(Duration::from_millis(u64::from(attempt)));
            attempt += 1;
        }
    }

    /// One look; what it finds wrong may be right a moment later.
    fn look(&mut self) -> Result<Met, RecoverError> {
        if self.at.is_none() && !self.enter_first()? {
            return Ok(Met::End(End::Clean));
        }
        let mut fresh = false;
        loop {
            let (cursor, window) = self.at.as_mut().expect("Invariant: a segment was entered");
            if cursor.sealed {
                if !self.enter_next()? {
                    return Ok(Met::End(End::Clean));
                }
                fresh = false;
                continue;
            }
            let bytes = window.at(cursor.offset, RECORD_LENGTH_MAX)?;
            match cursor.step(bytes) {
                Step::Command(entry) => return Ok(Met::Command(entry)),
                Step::Footer | Step::Seal => {}
                // The window may be older than the record.
                Step::Nothing(_) if !fresh => {
                    window.forget();
                    fresh = true;
                }
                Step::Nothing(reason) => return self.end(reason),
                Step::Impossible(reason) => return Err(self.complaint(reason)),
            }
        }
    }

    /// Judges the place where the cursor is.
    fn end(&mut self, reason: Reason) -> Result<Met, RecoverError> {
        let later = self.later_segment()?;
        let (cursor, window) = self.at.as_mut().expect("Invariant: a segment was entered");
        let rest = rest(cursor, window)?;
        window.forget();
        let touched = rest.touched_end > cursor.offset;
        match judge_end(touched, rest.attested, rest.misplaced, later.is_some()) {
            Verdict::CleanEnd => Ok(Met::End(End::Clean)),
            Verdict::TornTail => Ok(Met::End(End::TornTail {
                segment: cursor.header.number,
                offset: cursor.offset,
                bytes: rest.touched_end - cursor.offset,
            })),
            Verdict::Unsealed if !touched => {
                let next = later.expect("Invariant: unsealed means that a segment follows");
                Err(self.complaint(Reason::Unsealed { next }))
            }
            Verdict::Unsealed | Verdict::Corrupt => Err(self.complaint(reason)),
        }
    }

    fn complaint(&self, reason: Reason) -> RecoverError {
        let (cursor, _) = self.at.as_ref().expect("Invariant: a segment was entered");
        let segment = segment_file_name(cursor.header.number);
        let (offset, sequence) = (cursor.offset, cursor.last_sequence + 1);
        Corruption { segment, offset, sequence, reason }.into()
    }

    /// Numbers of all segment files, ascending.
    fn numbers(&self) -> Result<Vec<u64>, StorageError> {
        let mut numbers: Vec<u64> =
            self.disk.list()?.iter().filter_map(|name| segment_number(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// A segment behind the current one that was begun, or holds anything else.
    fn later_segment(&self) -> Result<Option<u64>, StorageError> {
        let current = self.cursor().map_or(0, |cursor| cursor.header.number);
        self.first_used(self.numbers()?.into_iter().filter(|number| *number > current))
    }

    /// The first of `numbers` whose header page is neither blank nor torn in its first writing.
    fn first_used(&self, numbers: impl Iterator<Item = u64>) -> Result<Option<u64>, StorageError> {
        for number in numbers {
            let reader = self.disk.read(&segment_file_name(number))?;
            let page = read_page(&reader)?;
            let begun =
                !matches!(SegmentHeader::decode(&page), Err(HeaderFault::Blank | HeaderFault::Damaged));
            // Records start right behind the header, so the first window tells.
            if begun || !records_blank(&reader, 1)? {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// Opens the first segment; false when there is none that was begun.
    fn enter_first(&mut self) -> Result<bool, RecoverError> {
        let numbers = self.numbers()?;
        let Some(number) = numbers.into_iter().find(|number| *number >= self.first) else {
            return Ok(false);
        };
        self.at = self.open(number, None)?;
        Ok(self.at.is_some())
    }

    /// Opens the segment behind the sealed one; false when it is not begun yet.
    fn enter_next(&mut self) -> Result<bool, RecoverError> {
        let cursor = self.cursor().expect("Invariant: a segment was entered").clone();
        let Some(entered) = self.open(cursor.header.number + 1, Some(&cursor))? else {
            return Ok(false);
        };
        self.at = Some(entered);
        Ok(true)
    }

    /// Opens a segment, which continues `previous`; `None` when it is not begun yet.
    fn open(&mut self, number: u64, previous: Option<&Cursor>) -> Result<Option<Standing<D>>, RecoverError> {
        let place = Place { number, sequence: previous.map_or(1, |cursor| cursor.last_sequence + 1) };
        let numbers = self.numbers()?;
        let later = self.first_used(numbers.iter().copied().filter(|other| *other > number))?;
        if !numbers.contains(&number) {
            let missing = later.map(|next| place.complaint(0, Reason::SegmentMissing { next }));
            return missing.map_or(Ok(None), Err);
        }
        let file = self.disk.read(&segment_file_name(number))?;
        let found = file.length()?;
        if found < SEGMENT_HEADER_LENGTH {
            return Err(place.complaint(found, Reason::SegmentLength { expected: SEGMENT_LENGTH_MIN, found }));
        }
        let decoded = SegmentHeader::decode(&read_page(&file)?);
        let page = page_state(decoded);
        match judge_header(page, page == Page::Intact || records_blank(&file, u64::MAX)?, later.is_some()) {
            Opening::Begun => {}
            Opening::Prepared => return Ok(None),
            Opening::TornAdoption => {
                self.torn_adoption = Some(number);
                return Ok(None);
            }
            Opening::Corrupt(reason) => return Err(place.complaint(0, reason)),
        }
        let header = decoded.expect("Invariant: a segment that was begun has an intact header");
        check_continues(&header, number, previous).map_err(|reason| place.complaint(0, reason))?;
        let expected = header.segment_length;
        if found > expected {
            return Err(place.complaint(expected, Reason::SegmentLength { expected, found }));
        }
        self.short_bytes = expected - found;
        self.torn_adoption = None;
        let window = Window { file, length: expected, start: 0, bytes: Vec::new() };
        Ok(Some((Cursor::new(header), window)))
    }
}

/// A segment without a cursor, for complaints.
struct Place {
    number: u64,
    sequence: Sequence,
}

impl Place {
    fn complaint(&self, offset: u64, reason: Reason) -> RecoverError {
        let segment = segment_file_name(self.number);
        Corruption { segment, offset, sequence: self.sequence, reason }.into()
    }
}

fn page_state(decoded: Result<SegmentHeader, HeaderFault>) -> Page {
    match decoded {
        Ok(_) => Page::Intact,
        Err(HeaderFault::Blank) => Page::Blank,
        Err(HeaderFault::Damaged) => Page::Damaged,
        Err(HeaderFault::Version(found)) => Page::Foreign(Reason::FormatVersion { found }),
        Err(HeaderFault::ByteOrder) => Page::Foreign(Reason::ByteOrder),
        Err(HeaderFault::Senseless) => Page::Foreign(Reason::SegmentHeader),
    }
}

/// The header belongs to this file and continues the segment before.
fn check_continues(header: &SegmentHeader, number: u64, previous: Option<&Cursor>) -> Result<(), Reason> {
    let expected = previous.map_or(header.epoch, |cursor| cursor.header.epoch);
    if header.epoch != expected {
        return Err(Reason::ForeignEpoch { expected, found: header.epoch });
    }
    if header.number != number {
        return Err(Reason::SegmentNumber { found: header.number });
    }
    let continues = previous.is_none_or(|cursor| {
        header.previous_last_sequence == cursor.last_sequence
            && header.previous_chain == cursor.chain
            && header.created_ns >= cursor.last_time_ns
    });
    if continues { Ok(()) } else { Err(Reason::ChainBroken) }
}

fn read_page<R: ReadAt>(file: &R) -> Result<[u8; SEGMENT_HEADER_LENGTH as usize], StorageError> {
    let mut page = [0; SEGMENT_HEADER_LENGTH as usize];
    file.read_at(0, &mut page)?;
    Ok(page)
}

/// True when everything behind the header page is zero, as far as `windows` windows go.
fn records_blank<R: ReadAt>(file: &R, windows: u64) -> Result<bool, StorageError> {
    let mut buffer = vec![0; WINDOW];
    let mut offset = SEGMENT_HEADER_LENGTH;
    for _ in 0..windows {
        let read = file.read_at(offset, &mut buffer)?;
        if read == 0 || !is_zero(&buffer[..read]) {
            return Ok(read == 0);
        }
        offset += read as u64;
    }
    Ok(true)
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |sum, byte| sum | byte) == 0
}

/// Reads everything from the cursor to the end of the segment, looking for records at every step.
fn rest<R: ReadAt>(cursor: &Cursor, window: &mut Window<R>) -> Result<Rest, StorageError> {
    let mut rest = Rest { touched_end: cursor.offset, attested: false, misplaced: false };
    let mut offset = cursor.offset;
    while offset < window.length {
        let bytes = window.at(offset, RECORD_LENGTH_MAX)?;
        if is_zero(bytes) {
            offset += bytes.len() as u64;
            continue;
        }
        let step = bytes.len().min(RECORD_ALIGN);
        let last = bytes[..step].iter().rposition(|byte| *byte != 0);
        rest.touched_end = last.map_or(rest.touched_end, |last| offset + last as u64 + 1);
        let Ok(header) = intact(&cursor.checksum, bytes) else {
            offset += step as u64;
            continue;
        };
        rest.misplaced |= header.sequence < cursor.last_sequence;
        match bytes[..header.length as usize].first_chunk::<MARK_LENGTH>() {
            Some(record) if matches!(header.kind, KIND_FOOTER | KIND_SEAL) => {
                let mark = Mark::decode(record);
                rest.attested |=
                    mark.durable_offset > cursor.offset || mark.durable_sequence > cursor.last_sequence;
            }
            // A command's own sequence cannot have been met yet.
            _ => rest.misplaced |= header.sequence == cursor.last_sequence,
        }
        offset += u64::from(header.length);
        rest.touched_end = offset;
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_a_segment_file_has_its_row() {
        let foreign = Page::Foreign(Reason::FormatVersion { found: 2 });
        let mut healthy = 0;
        for page in [Page::Blank, Page::Damaged, Page::Intact, foreign] {
            for (records_blank, later) in [(true, false), (true, true), (false, false), (false, true)] {
                match judge_header(page, records_blank, later) {
                    Opening::Begun => assert_eq!(page, Page::Intact),
                    Opening::Prepared => assert!(page == Page::Blank && records_blank && !later),
                    Opening::TornAdoption => assert!(page == Page::Damaged && records_blank && !later),
                    Opening::Corrupt(_) => continue,
                }
                healthy += 1;
            }
        }
        assert_eq!(healthy, 4 + 1 + 1, "all other combinations are refused");
    }

    #[test]
    fn every_place_without_a_record_has_its_row() {
        let both = [false, true];
        for (touched, attested) in both.into_iter().flat_map(|a| both.map(|b| (a, b))) {
            for (misplaced, later) in both.into_iter().flat_map(|a| both.map(|b| (a, b))) {
                let expected = match judge_end(touched, attested, misplaced, later) {
                    Verdict::Unsealed => later,
                    Verdict::CleanEnd => !later && !touched,
                    Verdict::Corrupt => !later && touched && (attested || misplaced),
                    Verdict::TornTail => !later && touched && !attested && !misplaced,
                };
                assert!(
                    expected,
                    "touched {touched} attested {attested} misplaced {misplaced} later {later}"
                );
            }
        }
    }
}

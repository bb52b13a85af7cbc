//! The writing end: append records, make them durable, roll to the next segment.
//!
//! One thread owns a [`Journal`]. It knows no clock: times come with the commands. After the first failure it
//! never touches the file again, because the kernel's next answer would be a lie.

use ringside_domain::{Command, Sequence, TimeNs};
use ringside_storage::{Disk, Segment, StorageError};

use crate::decode::Cursor;
use crate::error::JournalError;
use crate::format::{
    Checksum, KIND_FOOTER, KIND_SEAL, MARK_LENGTH, MARK_VERSION, Mark, RECORD_ALIGN, RECORD_HEADER_LENGTH,
    RecordHeader, SEGMENT_HEADER_LENGTH, SegmentHeader, chained, record_length, segment_file_name,
};
use crate::payload::{self, Encoded, PAYLOAD_LENGTH_MAX};
use crate::recovery::Recovered;
use crate::segments::{PreparerStatus, SegmentSource};

/// Longest record of a command.
const COMMAND_LENGTH_MAX: usize = record_length(PAYLOAD_LENGTH_MAX);
const _: () = assert!(COMMAND_LENGTH_MAX >= MARK_LENGTH, "one buffer for commands and marks");

/// Kept free behind every record: its footer and the seal always fit.
const RESERVE: u64 = 2 * MARK_LENGTH as u64;

/// Where a command was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appended {
    /// Segment number.
    pub segment: u64,
    /// Offset of the record in the segment file.
    pub offset: u64,
    /// Bytes of the record.
    pub length: u32,
}

/// What the journal did so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct JournalCounters {
    /// Bytes of records, footers and seals.
    pub bytes: u64,
    /// Syncs of records.
    pub syncs: u64,
    /// Segments begun.
    pub segments: u64,
    /// Times a segment was needed before it was ready.
    pub segment_waits: u64,
}

/// The open end of a journal.
pub struct Journal<D: Disk> {
    segment: D::Segment,
    source: SegmentSource<D>,
    header: SegmentHeader,
    checksum: Checksum,
    /// Where the next record goes.
    offset: u64,
    /// All bytes of the segment before this are durable.
    durable_offset: u64,
    written: Sequence,
    durable: Sequence,
    last_time_ns: TimeNs,
    chain: u64,
    sealed: bool,
    /// The last record is a footer that calls everything before it durable.
    attested: bool,
    failed: bool,
    counters: JournalCounters,
    /// The record being put together, and room for a step of zeros behind the longest payload.
    record: [u8; COMMAND_LENGTH_MAX + RECORD_ALIGN],
}

impl<D: Disk> Journal<D> {
    /// Begins a new journal with the source's first segment, which must be number 1.
    pub fn create(
        mut source: SegmentSource<D>,
        epoch: u64,
        created_ns: TimeNs,
    ) -> Result<Journal<D>, JournalError> {
        assert!(epoch != 0, "Invariant: 0 is no epoch");
        let (prepared, waited) = source.take()?;
        let mut segment = prepared.segment;
        let header = SegmentHeader {
            epoch,
            number: prepared.number,
            first_sequence: 1,
            previous_last_sequence: 0,
            previous_chain: epoch,
            created_ns,
            segment_length: segment.length(),
        };
        assert_eq!(header.number, 1, "Invariant: a journal begins with segment 1");
        write_header(&mut segment, &header)?;
        let mut journal = Journal::at(segment, source, &Cursor::new(header));
        journal.counters =
            JournalCounters { segments: 1, segment_waits: waited.into(), ..Default::default() };
        Ok(journal)
    }

    /// Continues a recovered journal right behind its last record, in the same segment if it is not sealed;
    /// begins a new journal if there was none. The source must start at [`Recovered::next_segment`].
    ///
    /// A footer is made durable first: from now on every recovered command counts as acknowledged.
    pub fn resume(
        disk: &D,
        recovered: &Recovered,
        source: SegmentSource<D>,
        created_ns: TimeNs,
    ) -> Result<Journal<D>, JournalError> {
        let Some(cursor) = &recovered.cursor else {
            return Journal::create(source, new_epoch(), created_ns);
        };
        let segment = disk.open(&segment_file_name(cursor.header.number))?;
        assert_eq!(segment.length(), cursor.header.segment_length, "Invariant: recovery restored the length");
        let mut journal = Journal::at(segment, source, cursor);
        journal.close()?;
        Ok(journal)
    }

    fn at(segment: D::Segment, source: SegmentSource<D>, cursor: &Cursor) -> Journal<D> {
        Journal {
            segment,
            source,
            header: cursor.header,
            checksum: cursor.checksum.clone(),
            offset: cursor.offset,
            durable_offset: cursor.offset,
            written: cursor.last_sequence,
            durable: cursor.last_sequence,
            last_time_ns: cursor.last_time_ns,
            chain: cursor.chain,
            sealed: cursor.sealed,
            attested: cursor.attested,
            failed: false,
            counters: JournalCounters::default(),
            record: [0; COMMAND_LENGTH_MAX + RECORD_ALIGN],
        }
    }

    /// Writes a command. It outlives the process after [`Journal::hand_over`], and the power after the next
    /// [`Journal::flush`].
    ///
    /// # Panics
    /// When `sequence` does not follow the last one, or time runs backwards.
    pub fn append(
        &mut self,
        sequence: Sequence,
        time_ns: TimeNs,
        command: &Command,
    ) -> Result<Appended, JournalError> {
        self.require_healthy()?;
        assert!(sequence == self.written + 1, "Invariant: sequences are dense");
        assert!(time_ns >= self.last_time_ns, "Invariant: journal time never decreases");
        let encoded = self.encode(command);
        let length = record_length(encoded.length);
        if self.sealed || self.offset + length as u64 + RESERVE > self.header.segment_length {
            self.rotate()?;
            // The seal was put together in the same place.
            self.encode(command);
        }
        let header = RecordHeader {
            length: length as u32,
            crc: 0,
            sequence,
            time_ns,
            term: 0,
            shard: 0,
            kind: encoded.kind,
            version: encoded.version,
        };
        header.encode(&mut self.record);
        let offset = self.offset;
        self.put(length)?;
        (self.written, self.last_time_ns) = (sequence, time_ns);
        self.attested = false;
        Ok(Appended { segment: self.header.number, offset, length: length as u32 })
    }

    /// Puts the payload of a command into the record, with zeros up to the next step.
    #[inline]
    fn encode(&mut self, command: &Command) -> Encoded {
        let payload = self.record[RECORD_HEADER_LENGTH..].first_chunk_mut::<PAYLOAD_LENGTH_MAX>();
        let encoded = payload::encode(command, payload.expect("Invariant: the record holds any payload"));
        let end = RECORD_HEADER_LENGTH + encoded.length;
        self.record[end..end + RECORD_ALIGN].fill(0);
        encoded
    }

    /// Gives what was written to the kernel: the death of the process loses nothing of it. Needed where no
    /// [`Journal::flush`] follows; a mapped segment has it already.
    pub fn hand_over(&mut self) -> Result<(), JournalError> {
        self.require_healthy()?;
        let handed = self.segment.hand_over();
        Ok(handed.inspect_err(|_| self.failed = true)?)
    }

    /// Makes every written command durable with one sync, then notes the fact in a footer behind them. The
    /// footer itself becomes durable with the next flush, or by [`Journal::close`].
    pub fn flush(&mut self) -> Result<Sequence, JournalError> {
        self.require_healthy()?;
        if self.durable < self.written {
            self.sync()?;
            self.put_mark(KIND_FOOTER)?;
        }
        Ok(self.durable)
    }

    /// Makes every written command durable, and the footer that says so. Called before a clean end; may be
    /// called whenever there is time. The journal stays open.
    pub fn close(&mut self) -> Result<Sequence, JournalError> {
        self.flush()?;
        if !self.attested && !self.sealed && self.offset > SEGMENT_HEADER_LENGTH {
            // Resumed: what was recovered is durable, but no footer says so yet.
            let room = self.offset + RESERVE <= self.header.segment_length;
            self.put_mark(if room { KIND_FOOTER } else { KIND_SEAL })?;
        }
        if self.durable_offset < self.offset {
            self.sync()?;
        }
        Ok(self.durable)
    }

    /// Last command written.
    pub fn written_sequence(&self) -> Sequence {
        self.written
    }

    /// Last command known durable.
    pub fn durable_sequence(&self) -> Sequence {
        self.durable
    }

    /// Name of this journal.
    pub fn epoch(&self) -> u64 {
        self.header.epoch
    }

    /// Number of the segment in use.
    pub fn segment(&self) -> u64 {
        self.header.number
    }

    /// Bytes left in the segment in use, for commands and their footers.
    pub fn segment_room(&self) -> u64 {
        let end = if self.sealed { self.offset } else { self.header.segment_length - MARK_LENGTH as u64 };
        end.saturating_sub(self.offset)
    }

    /// The preparation of the segments to come.
    pub fn preparer_status(&self) -> PreparerStatus {
        self.source.status()
    }

    /// What was done so far.
    pub fn counters(&self) -> JournalCounters {
        self.counters
    }

    fn require_healthy(&self) -> Result<(), JournalError> {
        if self.failed {
            return Err(JournalError::Failed { durable_sequence: self.durable });
        }
        Ok(())
    }

    /// Seals the segment, makes it durable, and begins the next one.
    #[cold]
    fn rotate(&mut self) -> Result<(), JournalError> {
        if !self.sealed {
            self.put_mark(KIND_SEAL)?;
            self.sync()?;
        }
        let begun =
            self.source.take().and_then(|taken| Ok((self.begin(taken.0.number, taken.0.segment)?, taken.1)));
        let ((), waited) = begun.inspect_err(|_| self.failed = true)?;
        self.counters.segment_waits += u64::from(waited);
        Ok(())
    }

    fn begin(&mut self, number: u64, mut segment: D::Segment) -> Result<(), StorageError> {
        assert_eq!(number, self.header.number + 1, "Invariant: segments are numbered without gaps");
        assert_eq!(self.durable, self.written, "Invariant: a segment begins when all before it is durable");
        let header = SegmentHeader {
            epoch: self.header.epoch,
            number,
            first_sequence: self.written + 1,
            previous_last_sequence: self.written,
            previous_chain: self.chain,
            created_ns: self.last_time_ns,
            segment_length: segment.length(),
        };
        write_header(&mut segment, &header)?;
        self.segment = segment;
        self.header = header;
        self.checksum = header.checksum();
        (self.offset, self.durable_offset) = (SEGMENT_HEADER_LENGTH, SEGMENT_HEADER_LENGTH);
        self.sealed = false;
        self.counters.segments += 1;
        Ok(())
    }

    fn put_mark(&mut self, kind: u8) -> Result<(), JournalError> {
        let header = RecordHeader {
            length: MARK_LENGTH as u32,
            crc: 0,
            sequence: self.written,
            time_ns: self.last_time_ns,
            term: 0,
            shard: 0,
            kind,
            version: MARK_VERSION,
        };
        let mark = Mark {
            durable_sequence: self.durable,
            durable_offset: self.durable_offset,
            last_sequence: self.written,
            chain: self.chain,
        };
        let record = self.record.first_chunk_mut().expect("Invariant: the record holds a mark");
        header.encode(record);
        mark.encode(record);
        self.attested = self.durable_offset == self.offset;
        self.put(MARK_LENGTH)?;
        self.sealed = kind == KIND_SEAL;
        Ok(())
    }

    /// Adds the checksum to the record and stores it.
    #[inline]
    fn put(&mut self, length: usize) -> Result<(), JournalError> {
        let record = &mut self.record[..length];
        let end = self.offset + length as u64;
        debug_assert!(!self.sealed && end <= self.header.segment_length, "Invariant: the reserve is kept");
        let crc = self.checksum.of(record);
        record[4..8].copy_from_slice(&crc.to_le_bytes());
        self.segment.write(self.offset, record).inspect_err(|_| self.failed = true)?;
        self.chain = chained(self.chain, crc);
        self.counters.bytes += length as u64;
        self.offset = end;
        Ok(())
    }

    /// One sync of everything that is not durable yet. The first error is the last.
    fn sync(&mut self) -> Result<(), JournalError> {
        let synced = self.segment.sync(self.durable_offset, self.offset);
        synced.inspect_err(|_| self.failed = true)?;
        self.counters.syncs += 1;
        (self.durable, self.durable_offset) = (self.written, self.offset);
        Ok(())
    }
}

fn write_header<S: Segment>(segment: &mut S, header: &SegmentHeader) -> Result<(), StorageError> {
    segment.write(0, &header.encode())?;
    segment.sync(0, SEGMENT_HEADER_LENGTH)
}

/// A random name for a new journal, never 0.
pub fn new_epoch() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the operating system has random numbers");
    u64::from_le_bytes(bytes).max(1)
}

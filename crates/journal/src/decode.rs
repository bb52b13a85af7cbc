//! The one decoder of records: bytes at a position in, the next fact out. No files in here.

use ringside_domain::{Command, Sequence, TimeNs};

use crate::error::Reason;
use crate::format::{
    Checksum, KIND_FOOTER, KIND_SEAL, MARK_LENGTH, MARK_VERSION, Mark, RECORD_ALIGN, RECORD_HEADER_LENGTH,
    RECORD_LENGTH_MAX, RecordHeader, SEGMENT_HEADER_LENGTH, SegmentHeader, chained,
};
use crate::payload::{self, PayloadFault};

/// A position in a segment together with all that must be true of the next record.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    pub(crate) header: SegmentHeader,
    pub(crate) checksum: Checksum,
    pub(crate) offset: u64,
    pub(crate) last_sequence: Sequence,
    pub(crate) last_time_ns: TimeNs,
    pub(crate) chain: u64,
    /// Highest sequence that a header or footer so far calls durable.
    pub(crate) durable_sequence: Sequence,
    /// The segment ends here with a seal.
    pub(crate) sealed: bool,
    /// The last record is a footer that calls everything before it durable.
    pub(crate) attested: bool,
}

/// A journaled command as stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Position in the journal.
    pub sequence: Sequence,
    /// Journal time.
    pub time_ns: TimeNs,
    /// Term; 0 for now.
    pub term: u32,
    /// Shard; 0 for now.
    pub shard: u16,
    /// The command.
    pub command: Command,
    /// Segment that holds it, see [`crate::format::segment_file_name`].
    pub segment: u64,
    /// Offset of its record in the segment file.
    pub offset: u64,
}

/// What is at a position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// A command; the cursor moved behind it.
    Command(Entry),
    /// A footer; the cursor moved behind it.
    Footer,
    /// The seal; the cursor moved behind it.
    Seal,
    /// No intact record. What that means depends on what follows; the cursor did not move.
    Nothing(Reason),
    /// An intact record that cannot be here. No crash explains it; the cursor did not move.
    Impossible(Reason),
}

/// The length and crc of an intact record at the start of `bytes`, or why there is none.
pub(crate) fn intact(checksum: &Checksum, bytes: &[u8]) -> Result<RecordHeader, Reason> {
    let Some(header) = bytes.first_chunk::<RECORD_HEADER_LENGTH>() else {
        return Err(Reason::RecordMissing);
    };
    let header = RecordHeader::decode(header);
    let length = header.length as usize;
    if length == 0 {
        return Err(Reason::RecordMissing);
    }
    let possible = (RECORD_HEADER_LENGTH..=RECORD_LENGTH_MAX.min(bytes.len())).contains(&length);
    if !possible || !length.is_multiple_of(RECORD_ALIGN) {
        return Err(Reason::RecordLength { found: header.length });
    }
    let expected = checksum.of(&bytes[..length]);
    if expected != header.crc {
        return Err(Reason::Checksum { expected, found: header.crc });
    }
    Ok(header)
}

impl Cursor {
    /// Before the first record of a segment.
    pub(crate) fn new(header: SegmentHeader) -> Cursor {
        Cursor {
            checksum: header.checksum(),
            offset: SEGMENT_HEADER_LENGTH,
            last_sequence: header.previous_last_sequence,
            last_time_ns: header.created_ns,
            chain: header.previous_chain,
            durable_sequence: header.previous_last_sequence,
            sealed: false,
            attested: false,
            header,
        }
    }

    /// Decodes the record at the start of `bytes`, which are those from `self.offset` on: as many as the
    /// longest record, or all up to the end of the segment.
    pub(crate) fn step(&mut self, bytes: &[u8]) -> Step {
        debug_assert!(!self.sealed, "Invariant: nothing follows a seal");
        let header = match intact(&self.checksum, bytes) {
            Ok(header) => header,
            Err(reason) => return Step::Nothing(reason),
        };
        let record = &bytes[..header.length as usize];
        let decoded = match header.kind {
            KIND_FOOTER | KIND_SEAL => self.mark(&header, record),
            _ => self.command(&header, record),
        };
        match decoded {
            Ok(step) => {
                self.offset += u64::from(header.length);
                self.chain = chained(self.chain, header.crc);
                step
            }
            Err(reason) => Step::Impossible(reason),
        }
    }

    fn command(&mut self, header: &RecordHeader, record: &[u8]) -> Result<Step, Reason> {
        let (kind, version) = (header.kind, header.version);
        let command =
            payload::decode(kind, version, &record[RECORD_HEADER_LENGTH..]).map_err(|fault| match fault {
                PayloadFault::UnknownKind => Reason::UnknownKind { kind },
                PayloadFault::NewerVersion => Reason::RecordVersion { kind, version },
                PayloadFault::NewerRules => Reason::Rules,
                PayloadFault::Length | PayloadFault::Content => Reason::Payload { kind },
            })?;
        if Some(header.sequence) != self.last_sequence.checked_add(1) {
            return Err(Reason::Sequence { found: header.sequence });
        }
        if header.time_ns < self.last_time_ns {
            return Err(Reason::Time { previous: self.last_time_ns, found: header.time_ns });
        }
        (self.last_sequence, self.last_time_ns) = (header.sequence, header.time_ns);
        self.attested = false;
        Ok(Step::Command(Entry {
            sequence: header.sequence,
            time_ns: header.time_ns,
            term: header.term,
            shard: header.shard,
            command,
            segment: self.header.number,
            offset: self.offset,
        }))
    }

    fn mark(&mut self, header: &RecordHeader, record: &[u8]) -> Result<Step, Reason> {
        let (kind, version) = (header.kind, header.version);
        if version != MARK_VERSION {
            return Err(Reason::RecordVersion { kind, version });
        }
        let record: &[u8; MARK_LENGTH] = record.try_into().map_err(|_| Reason::Payload { kind })?;
        let mark = Mark::decode(record);
        if !self.agrees(header, &mark) {
            return Err(Reason::MarkMismatch);
        }
        self.durable_sequence = self.durable_sequence.max(mark.durable_sequence);
        self.attested = mark.durable_offset == self.offset;
        self.sealed = kind == KIND_SEAL;
        Ok(if self.sealed { Step::Seal } else { Step::Footer })
    }

    fn agrees(&self, header: &RecordHeader, mark: &Mark) -> bool {
        header.sequence == self.last_sequence
            && header.time_ns == self.last_time_ns
            && mark.last_sequence == self.last_sequence
            && mark.chain == self.chain
            && mark.durable_sequence <= self.last_sequence
            && (SEGMENT_HEADER_LENGTH..=self.offset).contains(&mark.durable_offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_storage::Dice;

    fn cursor() -> Cursor {
        Cursor::new(SegmentHeader {
            epoch: 1,
            number: 1,
            first_sequence: 1,
            previous_last_sequence: 0,
            previous_chain: 1,
            created_ns: 0,
            segment_length: 8192,
        })
    }

    #[test]
    fn zeros_are_nothing_and_never_a_record() {
        assert_eq!(cursor().step(&[0; 4096]), Step::Nothing(Reason::RecordMissing));
        assert_eq!(cursor().step(&[]), Step::Nothing(Reason::RecordMissing));
    }

    #[test]
    fn arbitrary_bytes_are_never_a_record_and_never_a_panic() {
        let mut dice = Dice::new(1);
        for _ in 0..20_000 {
            let mut bytes = [0u8; 256];
            bytes.iter_mut().for_each(|byte| *byte = dice.roll() as u8);
            bytes[..4].copy_from_slice(&((dice.below(20) * 16) as u32).to_le_bytes());
            let length = dice.below(256) as usize;
            assert!(matches!(cursor().step(&bytes[..length]), Step::Nothing(_)));
        }
    }

    #[test]
    fn an_intact_record_with_arbitrary_contents_is_impossible_or_valid_but_never_a_panic() {
        let mut dice = Dice::new(2);
        let mut valid = 0;
        for _ in 0..50_000 {
            let mut record = vec![0u8; 32 + 16 * dice.below(8) as usize];
            record
                .iter_mut()
                .skip(32)
                .for_each(|byte| *byte = if dice.below(8) > 0 { 0 } else { dice.below(3) as u8 });
            let kind = [dice.below(32) as u8, KIND_FOOTER, KIND_SEAL][dice.below(3) as usize];
            let (length, version) = (record.len() as u32, dice.below(3) as u8);
            let (sequence, time_ns) = (dice.below(3), dice.below(2));
            let header = RecordHeader { length, crc: 0, sequence, time_ns, term: 0, shard: 0, kind, version };
            header.encode(&mut record);
            let crc = cursor().checksum.of(&record);
            record[4..8].copy_from_slice(&crc.to_le_bytes());
            match cursor().step(&record) {
                Step::Nothing(reason) => panic!("the record is intact: {reason}"),
                Step::Impossible(_) => {}
                Step::Command(_) | Step::Footer | Step::Seal => valid += 1,
            }
        }
        assert!(valid > 20, "the generator reaches valid records: {valid}");
    }
}

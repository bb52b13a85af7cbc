//! What is left of a segment behind damage: every record whose checksum is right, wherever it stands.
//!
//! A list for people, never a source of state: what stood between two intact records is not known, and neither is
//! what the engine would have made of it.

use ringside_domain::Sequence;
use ringside_storage::{Disk, ReadAt, StorageError};

use crate::decode::{Entry, intact};
use crate::format::{
    Checksum, KIND_FOOTER, KIND_SEAL, RECORD_ALIGN, RECORD_HEADER_LENGTH, RECORD_LENGTH_MAX, RecordHeader,
    SEGMENT_HEADER_LENGTH, SegmentHeader, segment_file_name,
};
use crate::payload;

/// Bytes read at once.
const WINDOW: usize = 1 << 20;

/// A record with a right checksum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carved {
    /// A command.
    Command(Entry),
    /// A footer or a seal, or a record that this program cannot read.
    Other {
        /// Sequence in its header.
        sequence: Sequence,
        /// Offset in the segment file.
        offset: u64,
        /// Kind in its header.
        kind: u8,
    },
}

/// What was seen of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// Bytes of intact records.
    pub intact_bytes: u64,
    /// Bytes from the start to the last one that is not zero.
    pub touched_bytes: u64,
}

/// Tells all intact records of segment `number` from `offset` on (from its first record on when that is within the
/// header). Without a readable header nothing can be told from noise: then no record is intact.
pub fn carve<D: Disk>(
    disk: &D,
    number: u64,
    offset: u64,
    mut tell: impl FnMut(Carved),
) -> Result<Seen, StorageError> {
    let file = disk.read(&segment_file_name(number))?;
    let mut page = [0; SEGMENT_HEADER_LENGTH as usize];
    file.read_at(0, &mut page)?;
    let checksum = SegmentHeader::decode(&page).ok().map(|header| header.checksum());
    let start = offset.max(SEGMENT_HEADER_LENGTH);
    let mut walk = Walk { number, checksum, at: start, seen: Seen::default(), start };
    let mut bytes = vec![0; WINDOW];
    loop {
        let read = file.read_at(walk.at, &mut bytes)?;
        if read == 0 {
            return Ok(walk.seen);
        }
        // A record that reaches beyond the window is met again at the start of the next one.
        let end = if read < WINDOW { read } else { WINDOW - RECORD_LENGTH_MAX };
        walk.window(&bytes[..read], end, &mut tell);
    }
}

struct Walk {
    number: u64,
    checksum: Option<Checksum>,
    at: u64,
    start: u64,
    seen: Seen,
}

impl Walk {
    /// All records that begin before `end`.
    fn window(&mut self, bytes: &[u8], end: usize, tell: &mut impl FnMut(Carved)) {
        let mut offset = 0;
        while offset < end {
            let rest = &bytes[offset..];
            let header = self.checksum.as_ref().and_then(|checksum| intact(checksum, rest).ok());
            let length = header.map_or(RECORD_ALIGN, |header| header.length as usize).min(rest.len());
            if let Some(last) = rest[..length].iter().rposition(|byte| *byte != 0) {
                self.seen.touched_bytes = self.at + (offset + last) as u64 + 1 - self.start;
            }
            if let Some(header) = header {
                self.seen.intact_bytes += length as u64;
                tell(self.carved(&header, &rest[..length], self.at + offset as u64));
            }
            offset += length;
        }
        self.at += offset as u64;
    }

    fn carved(&self, header: &RecordHeader, record: &[u8], offset: u64) -> Carved {
        let RecordHeader { sequence, time_ns, term, shard, kind, version, .. } = *header;
        let other = Carved::Other { sequence, offset, kind };
        if matches!(kind, KIND_FOOTER | KIND_SEAL) {
            return other;
        }
        let command = payload::decode(kind, version, &record[RECORD_HEADER_LENGTH..]);
        command.map_or(other, |command| {
            Carved::Command(Entry { sequence, time_ns, term, shard, command, segment: self.number, offset })
        })
    }
}

//! The bytes of a segment file, all of them in this file; `docs/formats/journal.md` says the same in prose.
//!
//! ```text
//! segment   0 header copy 1 | 2048 header copy 2 | 4096 records ... | zeros up to the length of the file
//!
//! header    0        8     10     12       16      24       32               40                       48
//! (80 B)    | magic  | ver | tag  | length | epoch | number | first_sequence | previous_last_sequence |
//!           48               56           64               72         76      80
//!           | previous_chain | created_ns | segment_length | reserved | crc32 |      crc32 over 0..76
//!
//! record    0        4       8          16        24     28      30     31        32
//! (16-byte  | length | crc32 | sequence | time_ns | term | shard | kind | version | payload | zeros |
//!  steps)   crc32 over 8..length, started from crc32(epoch, number) of the segment
//!
//! footer    32                 40               48              56      64
//! and seal  | durable_sequence | durable_offset | last_sequence | chain |
//! ```
//! All integers are little-endian. `length` counts header, payload and zero padding; 0 means never written.

use crc32fast::Hasher;
use ringside_domain::{Sequence, TimeNs};

/// First bytes of a segment file.
pub const MAGIC: [u8; 8] = *b"RINGJRNL";
/// Version of the layout in this file.
pub const FORMAT_VERSION: u16 = 1;
/// Reads as itself in little-endian files only.
pub const ENDIAN_TAG: u16 = 0x0102;
/// Bytes before the first record.
pub const SEGMENT_HEADER_LENGTH: u64 = 4096;
/// Where the second copy of the segment header is: another sector, so one torn or rotten sector costs nothing.
pub const SEGMENT_HEADER_COPY: usize = 2048;
/// Bytes of one copy.
pub const SEGMENT_HEADER_USED: usize = 80;
/// Smallest length of a segment file; all lengths are multiples of [`SEGMENT_LENGTH_STEP`].
pub const SEGMENT_LENGTH_MIN: u64 = 2 * SEGMENT_LENGTH_STEP;
/// Segments are whole pages.
pub const SEGMENT_LENGTH_STEP: u64 = 4096;
/// Records start at multiples of this.
pub const RECORD_ALIGN: usize = 16;
/// Bytes of a record before its payload.
pub const RECORD_HEADER_LENGTH: usize = 32;
/// No record is longer, in any version: what says otherwise is not a record.
pub const RECORD_LENGTH_MAX: usize = 4096;
/// Bytes of a footer or seal.
pub const MARK_LENGTH: usize = 64;
/// Kind of a footer: everything before `durable_offset` had been made durable when it was written.
pub const KIND_FOOTER: u8 = 240;
/// Kind of a seal: the last record of a segment that was rotated.
pub const KIND_SEAL: u8 = 241;
/// Version of footers and seals.
pub const MARK_VERSION: u8 = 1;

const _: () = assert!(
    MARK_LENGTH.is_multiple_of(RECORD_ALIGN) && MARK_LENGTH <= RECORD_LENGTH_MAX,
    "marks are records"
);
const _: () = assert!(SEGMENT_HEADER_USED <= 512, "one copy of the segment header fits one sector");
const _: () = assert!(
    SEGMENT_LENGTH_MIN >= SEGMENT_HEADER_LENGTH + (RECORD_HEADER_LENGTH + 2 * MARK_LENGTH) as u64,
    "the smallest segment holds a record, its footer and the seal"
);

/// Name of the file of segment `number`.
pub fn segment_file_name(number: u64) -> String {
    format!("{number:010}.seg")
}

/// The number in a segment's file name; `None` for other files.
pub fn segment_number(file_name: &str) -> Option<u64> {
    let number = file_name.strip_suffix(".seg")?.parse().ok()?;
    (number > 0 && segment_file_name(number) == file_name).then_some(number)
}

/// Segment length for `free` bytes of free space: at most 64 MiB, at most an eighth, at least 1 MiB.
pub fn segment_length_auto(free: u64) -> u64 {
    const LARGEST: u64 = 64 << 20;
    const SMALLEST: u64 = 1 << 20;
    let eighth = (free / 8).clamp(SMALLEST, LARGEST);
    eighth - eighth % SMALLEST
}

/// The first page of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentHeader {
    /// Random name of this journal, not 0: segments of another journal never fit in.
    pub epoch: u64,
    /// From 1, without gaps.
    pub number: u64,
    /// Sequence of the first command in this segment.
    pub first_sequence: Sequence,
    /// Sequence of the last command before this segment; all up to it were durable when this was written.
    pub previous_last_sequence: Sequence,
    /// Chain over all records before this segment; the epoch when there are none.
    pub previous_chain: u64,
    /// Journal time of the rotation.
    pub created_ns: TimeNs,
    /// Length of the file.
    pub segment_length: u64,
}

/// Why a copy of a segment header cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderFault {
    /// Nothing but zeros.
    Blank,
    /// Wrong magic or checksum.
    Damaged,
    /// Intact, but of another version.
    Version(u16),
    /// Intact, but of a machine with the other byte order.
    ByteOrder,
    /// Intact, but its fields contradict each other or the limits.
    Senseless,
}

impl SegmentHeader {
    /// The whole page, both copies.
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_LENGTH as usize] {
        let mut page = [0; SEGMENT_HEADER_LENGTH as usize];
        page[0..8].copy_from_slice(&MAGIC);
        page[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        page[10..12].copy_from_slice(&ENDIAN_TAG.to_le_bytes());
        page[12..16].copy_from_slice(&(SEGMENT_HEADER_LENGTH as u32).to_le_bytes());
        let fields = [
            self.epoch,
            self.number,
            self.first_sequence,
            self.previous_last_sequence,
            self.previous_chain,
            self.created_ns,
            self.segment_length,
        ];
        for (field, value) in fields.into_iter().enumerate() {
            page[16 + 8 * field..24 + 8 * field].copy_from_slice(&value.to_le_bytes());
        }
        let crc = crc32fast::hash(&page[..76]);
        page[76..80].copy_from_slice(&crc.to_le_bytes());
        page.copy_within(..SEGMENT_HEADER_USED, SEGMENT_HEADER_COPY);
        page
    }

    /// The first copy that is intact, else the fault of the first.
    pub fn decode(page: &[u8; SEGMENT_HEADER_LENGTH as usize]) -> Result<SegmentHeader, HeaderFault> {
        if page.iter().all(|byte| *byte == 0) {
            return Err(HeaderFault::Blank);
        }
        let first = Self::decode_copy(&page[..SEGMENT_HEADER_USED]);
        let copy = SEGMENT_HEADER_COPY..SEGMENT_HEADER_COPY + SEGMENT_HEADER_USED;
        match first {
            Err(HeaderFault::Damaged) => Self::decode_copy(&page[copy]),
            decided => decided,
        }
    }

    fn decode_copy(bytes: &[u8]) -> Result<SegmentHeader, HeaderFault> {
        if bytes[..8] != MAGIC || u32_at(bytes, 76) != crc32fast::hash(&bytes[..76]) {
            return Err(HeaderFault::Damaged);
        }
        if u16_at(bytes, 10) != ENDIAN_TAG {
            return Err(HeaderFault::ByteOrder);
        }
        if u16_at(bytes, 8) != FORMAT_VERSION {
            return Err(HeaderFault::Version(u16_at(bytes, 8)));
        }
        let header = SegmentHeader {
            epoch: u64_at(bytes, 16),
            number: u64_at(bytes, 24),
            first_sequence: u64_at(bytes, 32),
            previous_last_sequence: u64_at(bytes, 40),
            previous_chain: u64_at(bytes, 48),
            created_ns: u64_at(bytes, 56),
            segment_length: u64_at(bytes, 64),
        };
        let fits = u64::from(u32_at(bytes, 12)) == SEGMENT_HEADER_LENGTH && u32_at(bytes, 72) == 0;
        if fits && header.makes_sense() { Ok(header) } else { Err(HeaderFault::Senseless) }
    }

    fn makes_sense(&self) -> bool {
        self.epoch != 0
            && self.number != 0
            && self.previous_last_sequence.checked_add(1) == Some(self.first_sequence)
            && is_segment_length(self.segment_length)
            && (self.number > 1 || (self.first_sequence == 1 && self.previous_chain == self.epoch))
    }

    /// The checksum of this segment's records.
    pub fn checksum(&self) -> Checksum {
        let mut seed = Hasher::new();
        seed.update(&self.epoch.to_le_bytes());
        seed.update(&self.number.to_le_bytes());
        Checksum { seeded: Hasher::new_with_initial(seed.finalize()) }
    }
}

/// True for the lengths a segment file may have.
pub fn is_segment_length(length: u64) -> bool {
    length >= SEGMENT_LENGTH_MIN && length.is_multiple_of(SEGMENT_LENGTH_STEP)
}

/// Checksum of the records of one segment: bytes of another segment or journal never match.
#[derive(Clone, Debug)]
pub struct Checksum {
    seeded: Hasher,
}

impl Checksum {
    /// CRC-32 (IEEE) of a whole record; its first 8 bytes do not count.
    #[inline]
    pub fn of(&self, record: &[u8]) -> u32 {
        let mut hasher = self.seeded.clone();
        hasher.update(&record[8..]);
        hasher.finalize()
    }
}

/// The running audit chain: FNV-1a (Fowler, Noll, Vo) with 64 bits, fed with one record's crc32 at a time.
#[inline]
pub fn chained(chain: u64, crc: u32) -> u64 {
    const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
    (chain ^ u64::from(crc)).wrapping_mul(FNV_PRIME)
}

/// The first 32 bytes of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordHeader {
    /// Bytes of the record, a multiple of 16.
    pub length: u32,
    /// Checksum.
    pub crc: u32,
    /// Of the command; in footers and seals that of the last command before them.
    pub sequence: Sequence,
    /// Journal time.
    pub time_ns: TimeNs,
    /// Term of the leader that wrote it; 0 until there is more than one venue.
    pub term: u32,
    /// Shard; 0 for now.
    pub shard: u16,
    /// Kind of the payload.
    pub kind: u8,
    /// Version of the payload.
    pub version: u8,
}

impl RecordHeader {
    /// The header at the start of `bytes`.
    pub fn decode(bytes: &[u8; RECORD_HEADER_LENGTH]) -> RecordHeader {
        RecordHeader {
            length: u32_at(bytes, 0),
            crc: u32_at(bytes, 4),
            sequence: u64_at(bytes, 8),
            time_ns: u64_at(bytes, 16),
            term: u32_at(bytes, 24),
            shard: u16_at(bytes, 28),
            kind: bytes[30],
            version: bytes[31],
        }
    }

    /// Writes the header, without its crc, over the start of `record`.
    #[inline]
    pub fn encode(&self, record: &mut [u8]) {
        let header = &mut record[..RECORD_HEADER_LENGTH];
        header[0..4].copy_from_slice(&self.length.to_le_bytes());
        header[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        header[16..24].copy_from_slice(&self.time_ns.to_le_bytes());
        header[24..28].copy_from_slice(&self.term.to_le_bytes());
        header[28..30].copy_from_slice(&self.shard.to_le_bytes());
        header[30] = self.kind;
        header[31] = self.version;
    }
}

/// Length of a record with a payload of `payload` bytes.
pub const fn record_length(payload: usize) -> usize {
    (RECORD_HEADER_LENGTH + payload).next_multiple_of(RECORD_ALIGN)
}

/// Payload of a footer or a seal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// All commands up to this were durable before the mark was written.
    pub durable_sequence: Sequence,
    /// All bytes of the segment before this offset were durable before the mark was written.
    pub durable_offset: u64,
    /// Last command before the mark.
    pub last_sequence: Sequence,
    /// Chain over all records before the mark.
    pub chain: u64,
}

impl Mark {
    /// The payload at the end of a whole footer or seal.
    pub fn decode(record: &[u8; MARK_LENGTH]) -> Mark {
        Mark {
            durable_sequence: u64_at(record, 32),
            durable_offset: u64_at(record, 40),
            last_sequence: u64_at(record, 48),
            chain: u64_at(record, 56),
        }
    }

    /// Writes the payload over the end of `record`.
    pub fn encode(&self, record: &mut [u8; MARK_LENGTH]) {
        record[32..40].copy_from_slice(&self.durable_sequence.to_le_bytes());
        record[40..48].copy_from_slice(&self.durable_offset.to_le_bytes());
        record[48..56].copy_from_slice(&self.last_sequence.to_le_bytes());
        record[56..64].copy_from_slice(&self.chain.to_le_bytes());
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("a slice of 4"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("a slice of 8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader {
            epoch: 7,
            number: 3,
            first_sequence: 11,
            previous_last_sequence: 10,
            previous_chain: 99,
            created_ns: 5,
            segment_length: 1 << 20,
        }
    }

    #[test]
    fn a_segment_header_survives_any_single_damaged_copy() {
        let page = header().encode();
        assert_eq!(SegmentHeader::decode(&page), Ok(header()));
        for copy in [0, SEGMENT_HEADER_COPY] {
            for bit in 0..SEGMENT_HEADER_USED * 8 {
                let mut damaged = page;
                damaged[copy + bit / 8] ^= 1 << (bit % 8);
                assert_eq!(SegmentHeader::decode(&damaged), Ok(header()), "copy {copy} bit {bit}");
            }
        }
    }

    #[test]
    fn a_segment_header_damaged_twice_is_refused_and_zeros_are_blank() {
        let mut page = header().encode();
        page[20] ^= 1;
        page[SEGMENT_HEADER_COPY + 30] ^= 1;
        assert_eq!(SegmentHeader::decode(&page), Err(HeaderFault::Damaged));
        assert_eq!(SegmentHeader::decode(&[0; 4096]), Err(HeaderFault::Blank));
    }

    #[test]
    fn another_version_or_byte_order_is_named_only_when_intact() {
        let mut page = header().encode();
        let change = |page: &mut [u8; 4096], at: usize, value: u8| {
            page[at] = value;
            let crc = crc32fast::hash(&page[..76]);
            page[76..80].copy_from_slice(&crc.to_le_bytes());
        };
        change(&mut page, 8, 2);
        assert_eq!(SegmentHeader::decode(&page), Err(HeaderFault::Version(2)));
        change(&mut page, 10, 0x01);
        change(&mut page, 11, 0x02);
        assert_eq!(SegmentHeader::decode(&page), Err(HeaderFault::ByteOrder));
    }

    #[test]
    fn file_names_are_numbers_with_ten_digits_or_more() {
        assert_eq!(segment_file_name(1), "0000000001.seg");
        assert_eq!(segment_number("0000000001.seg"), Some(1));
        assert_eq!(segment_number(&segment_file_name(12_345_678_901)), Some(12_345_678_901));
        for other in ["1.seg", "0000000000.seg", "0000000001.seg.torn-4096", "+000000001.seg", "LOCK"] {
            assert_eq!(segment_number(other), None, "{other}");
        }
    }

    #[test]
    fn the_automatic_length_follows_the_free_space() {
        assert_eq!(segment_length_auto(16 << 20), 2 << 20);
        assert_eq!(segment_length_auto(1 << 40), 64 << 20);
        assert_eq!(segment_length_auto(1 << 20), 1 << 20);
        assert!(is_segment_length(segment_length_auto((100 << 20) + 12_345)));
    }

    #[test]
    fn the_checksum_depends_on_epoch_number_and_every_byte_after_the_first_eight() {
        let record = [0u8; 48];
        let other_number = SegmentHeader { number: 4, ..header() };
        let other_epoch = SegmentHeader { epoch: 8, ..header() };
        let crc = header().checksum().of(&record);
        assert_ne!(crc, other_number.checksum().of(&record));
        assert_ne!(crc, other_epoch.checksum().of(&record));
        for byte in 8..48 {
            let mut changed = record;
            changed[byte] = 1;
            assert_ne!(crc, header().checksum().of(&changed));
        }
    }
}

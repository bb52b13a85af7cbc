//! The frame of a snapshot file; `docs/formats/snapshot.md` says the same in prose.
//!
//! ```text
//! 0        8     10    12       16      24         32        40       48      56        64
//! | magic  | ver | tag | length | epoch | sequence | segment | offset | chain | time_ns |
//! 64           72            80      84         88            96                 104     616     620
//! | state_hash | config_hash | rules | sections | file_length | session_sequence | table | crc32 | zero |
//!
//! table entry   0      4       8        16        24        32
//! (one of 16)   | kind | crc32 | offset | records | zero    |
//! ```
//! All integers are little-endian. The crc of the header is over 0..616; that of a section over its records and the zeros
//! up to the next multiple of 64.

use ringside_domain::{Sequence, TimeNs};

use crate::error::Damage;

/// First bytes of the file.
pub const MAGIC: [u8; 8] = *b"RINGSNAP";
/// Newest version of the layout in this file and of the records. Version 2 has other records of logins.
pub const FORMAT_VERSION: u16 = 2;
/// Reads as itself in little-endian files only.
pub const ENDIAN_TAG: u16 = 0x0102;
/// Bytes before the first section.
pub const HEADER_LENGTH: usize = 640;
/// Bytes of the header that its checksum covers; the rest up to [`HEADER_LENGTH`] is the checksum and zeros.
pub const HEADER_CHECKED: usize = 616;
/// Sections start at multiples of this.
pub const SECTION_ALIGN: u64 = 64;
/// Where the table of sections is.
pub const TABLE: usize = 104;
/// Bytes of an entry of the table.
pub const TABLE_ENTRY: usize = 32;

const _: () = assert!(HEADER_LENGTH.is_multiple_of(SECTION_ALIGN as usize), "the first section is aligned");
const _: () = assert!(TABLE + SECTIONS.len() * TABLE_ENTRY <= HEADER_CHECKED, "the table fits the header");

/// Kinds of sections, in the order in which they stand in a file. Numbers are never reused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Section {
    /// Counters of the venue: one record.
    Venue = 1,
    /// By id.
    Instruments = 2,
    /// By id.
    Logins = 3,
    /// By login and number.
    Channels = 4,
    /// Instrument by instrument: visible buys, visible sells, hidden buys, hidden sells in priority, then parked ones.
    Orders = 5,
    /// What only special orders have, in the order of their orders.
    Specials = 6,
    /// By scope.
    Limits = 7,
    /// By scope.
    Killed = 8,
    /// By scope and instrument.
    Exposures = 9,
    /// By scope and instrument.
    Restrictions = 10,
    /// By account and asset.
    Balances = 11,
    /// Ascending.
    Busted = 12,
    /// Sequenced streams by login.
    Streams = 13,
    /// By name.
    Assets = 14,
    /// By login and match.
    PastOwners = 15,
    /// By instrument and match.
    PastAssets = 16,
}

/// All sections.
pub const SECTIONS: [Section; 16] = [
    Section::Venue,
    Section::Instruments,
    Section::Logins,
    Section::Channels,
    Section::Orders,
    Section::Specials,
    Section::Limits,
    Section::Killed,
    Section::Exposures,
    Section::Restrictions,
    Section::Balances,
    Section::Busted,
    Section::Streams,
    Section::Assets,
    Section::PastOwners,
    Section::PastAssets,
];

/// Where a section is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Extent {
    /// Checksum over records and padding.
    pub crc: u32,
    /// First byte.
    pub offset: u64,
    /// Number of records.
    pub records: u64,
}

/// A place in the journal: the command after which the state was this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// Name of the journal.
    pub epoch: u64,
    /// The barrier.
    pub sequence: Sequence,
    /// Segment in which the journal goes on.
    pub segment: u64,
    /// Where in the segment.
    pub offset: u64,
    /// Running chain over all records up to there.
    pub chain: u64,
    /// Journaled time of the barrier.
    pub time_ns: TimeNs,
}

/// The header of a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Version of the records: 1 to [`FORMAT_VERSION`], the oldest that can say what there is.
    pub format_version: u16,
    /// Place in the journal.
    pub position: Position,
    /// Hash of the state.
    pub state_hash: u64,
    /// Hash of the configuration.
    pub config_hash: u64,
    /// Version of the rules.
    pub rules_version: u32,
    /// Length of the file.
    pub file_length: u64,
    /// The command that began the SoupBinTCP session; 0 = none has.
    pub session_sequence: Sequence,
    /// Where the sections are, in the order of [`SECTIONS`].
    pub extents: [Extent; SECTIONS.len()],
}

impl Header {
    /// The header with its checksum.
    pub fn encode(&self) -> [u8; HEADER_LENGTH] {
        let mut bytes = [0; HEADER_LENGTH];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&self.format_version.to_le_bytes());
        bytes[10..12].copy_from_slice(&ENDIAN_TAG.to_le_bytes());
        bytes[12..16].copy_from_slice(&(HEADER_LENGTH as u32).to_le_bytes());
        let position = &self.position;
        let fields = [
            position.epoch,
            position.sequence,
            position.segment,
            position.offset,
            position.chain,
            position.time_ns,
            self.state_hash,
            self.config_hash,
        ];
        for (field, value) in fields.into_iter().enumerate() {
            bytes[16 + 8 * field..24 + 8 * field].copy_from_slice(&value.to_le_bytes());
        }
        bytes[80..84].copy_from_slice(&self.rules_version.to_le_bytes());
        bytes[84..88].copy_from_slice(&(SECTIONS.len() as u32).to_le_bytes());
        bytes[88..96].copy_from_slice(&self.file_length.to_le_bytes());
        bytes[96..104].copy_from_slice(&self.session_sequence.to_le_bytes());
        for (n, (section, extent)) in SECTIONS.iter().zip(&self.extents).enumerate() {
            let entry = &mut bytes[TABLE + n * TABLE_ENTRY..][..TABLE_ENTRY];
            entry[0..4].copy_from_slice(&(*section as u32).to_le_bytes());
            entry[4..8].copy_from_slice(&extent.crc.to_le_bytes());
            entry[8..16].copy_from_slice(&extent.offset.to_le_bytes());
            entry[16..24].copy_from_slice(&extent.records.to_le_bytes());
        }
        let crc = crc32fast::hash(&bytes[..HEADER_CHECKED]);
        bytes[HEADER_CHECKED..HEADER_CHECKED + 4].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The header, or what is wrong with it and where.
    pub fn decode(bytes: &[u8; HEADER_LENGTH]) -> Result<Header, (u64, Damage)> {
        if bytes[..8] != MAGIC {
            return Err((0, Damage::Magic));
        }
        let (expected, found) = (crc32fast::hash(&bytes[..HEADER_CHECKED]), u32_at(bytes, HEADER_CHECKED));
        if expected != found {
            return Err((HEADER_CHECKED as u64, Damage::Checksum { expected, found }));
        }
        if u16_at(bytes, 10) != ENDIAN_TAG {
            return Err((10, Damage::ByteOrder));
        }
        if !(1..=FORMAT_VERSION).contains(&u16_at(bytes, 8)) {
            return Err((8, Damage::Version { found: u16_at(bytes, 8) }));
        }
        let header = Header::fields(bytes);
        if header.encode() != *bytes { Err((0, Damage::Senseless)) } else { Ok(header) }
    }

    fn fields(bytes: &[u8; HEADER_LENGTH]) -> Header {
        let extent = |n: usize| {
            let at = TABLE + n * TABLE_ENTRY;
            Extent {
                crc: u32_at(bytes, at + 4),
                offset: u64_at(bytes, at + 8),
                records: u64_at(bytes, at + 16),
            }
        };
        Header {
            format_version: u16_at(bytes, 8),
            position: Position {
                epoch: u64_at(bytes, 16),
                sequence: u64_at(bytes, 24),
                segment: u64_at(bytes, 32),
                offset: u64_at(bytes, 40),
                chain: u64_at(bytes, 48),
                time_ns: u64_at(bytes, 56),
            },
            state_hash: u64_at(bytes, 64),
            config_hash: u64_at(bytes, 72),
            rules_version: u32_at(bytes, 80),
            file_length: u64_at(bytes, 88),
            session_sequence: u64_at(bytes, 96),
            extents: std::array::from_fn(extent),
        }
    }

    /// Where a section is.
    pub fn extent(&self, section: Section) -> Extent {
        self.extents[section as usize - 1]
    }
}

/// Name of the snapshot after the command with this sequence.
pub fn file_name(sequence: Sequence) -> String {
    format!("{sequence:020}.snap")
}

/// The sequence in a snapshot's file name; `None` for other files.
pub fn sequence_of(file_name: &str) -> Option<Sequence> {
    let sequence = file_name.strip_suffix(".snap")?.parse().ok()?;
    (sequence > 0 && self::file_name(sequence) == file_name).then_some(sequence)
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

    #[test]
    fn file_names_are_numbers_with_twenty_digits() {
        assert_eq!(file_name(7), "00000000000000000007.snap");
        assert_eq!(sequence_of(&file_name(u64::MAX)), Some(u64::MAX));
        for other in ["7.snap", "00000000000000000000.snap", "00000000000000000007.snap.tmp", "LOCK"] {
            assert_eq!(sequence_of(other), None, "{other}");
        }
    }

    #[test]
    fn sections_are_numbered_by_their_place() {
        assert!(SECTIONS.iter().enumerate().all(|(n, section)| *section as usize == n + 1));
    }
}

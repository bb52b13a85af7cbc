//! The bytes on disk are frozen. `golden/segment-v1.bin` is a whole sealed segment with every kind of record that
//! there was at first, `golden/segment-v2.bin` one with every kind and version of today.
//!
//! `RINGSIDE_BLESS=1 cargo test` writes the second anew; a diff in records that were there before is a new format
//! version. The first is never written again.

mod common;

use std::collections::BTreeSet;

use common::*;
use ringside_domain::Command;
use ringside_journal::format::{
    FORMAT_VERSION, KIND_FOOTER, KIND_SEAL, MAGIC, MARK_LENGTH, MARK_VERSION, RECORD_HEADER_LENGTH,
    SEGMENT_HEADER_COPY, SEGMENT_HEADER_LENGTH, record_length,
};
use ringside_journal::{Field, KINDS, LAYOUTS, Reader, recover};
use ringside_storage::MemoryDisk;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats/journal.md");
const NAME: &str = "0000000001.seg";

/// A whole segment as it was once written.
struct Golden {
    path: &'static str,
    length: u64,
    commands: fn() -> Vec<Command>,
}

/// Kinds 1 to 18 in version 1, as the first format knew them.
const FIRST: Golden = Golden {
    path: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/segment-v1.bin"),
    length: 8192,
    commands: first_commands,
};

/// Every kind in every version.
const EVERY: Golden = Golden {
    path: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/segment-v2.bin"),
    length: 16_384,
    commands: every_command,
};

impl Golden {
    /// Every command, over and over.
    fn commands(&self) -> Vec<Command> {
        std::iter::repeat_n((self.commands)(), 6).flatten().collect()
    }

    /// With a footer behind every 18 commands, until the segment is sealed.
    fn written(&self) -> Vec<u8> {
        let disk = MemoryDisk::default();
        let mut journal = create(&disk, self.length);
        for (sequence, command) in (1..).zip(self.commands()) {
            journal.append(sequence, START_NS + 10 * sequence, &command).unwrap();
            if sequence % 18 == 0 {
                journal.flush().unwrap();
            }
            if journal.segment() == 2 {
                return disk.contents(NAME).unwrap();
            }
        }
        panic!("the commands fill a segment");
    }

    fn stored(&self) -> Vec<u8> {
        std::fs::read(self.path).unwrap()
    }

    fn is_still_written(&self) {
        let bytes = self.written();
        let golden = self.stored();
        let difference = golden.iter().zip(&bytes).position(|(golden, written)| golden != written);
        assert_eq!((difference, golden.len()), (None, bytes.len()), "first difference at this offset");
    }

    /// Reads the stored segment; how many commands it holds.
    fn is_still_read(&self) -> usize {
        let disk = MemoryDisk::default();
        disk.put(NAME, self.stored());
        let commands = self.commands();
        let mut last = 0;
        for entry in Reader::open(disk.clone()) {
            let entry = entry.unwrap();
            last += 1;
            assert_eq!(entry.sequence, last);
            assert_eq!((entry.time_ns, entry.term, entry.shard), (START_NS + 10 * last, 0, 0));
            assert_eq!(entry.command, commands[last as usize - 1]);
        }
        let recovered = recover(&disk).unwrap();
        assert_eq!((recovered.last_sequence(), recovered.epoch(), recovered.position()), (last, EPOCH, None));
        last as usize
    }

    /// Kind and version of every record, each once.
    fn kinds(&self) -> BTreeSet<(u8, u8)> {
        let bytes = self.stored();
        let mut kinds = BTreeSet::new();
        let mut offset = SEGMENT_HEADER_LENGTH as usize;
        while let Some(header) = bytes.get(offset..offset + RECORD_HEADER_LENGTH) {
            let length = u32::from_le_bytes(header[..4].try_into().unwrap()) as usize;
            if length == 0 {
                break;
            }
            kinds.insert((header[30], header[31]));
            offset += length;
        }
        kinds
    }
}

#[test]
fn the_writer_still_produces_the_golden_bytes() {
    FIRST.is_still_written();
    if std::env::var_os("RINGSIDE_BLESS").is_some() {
        std::fs::write(EVERY.path, EVERY.written()).unwrap();
    }
    EVERY.is_still_written();
}

#[test]
fn the_golden_bytes_are_still_read() {
    assert!(FIRST.is_still_read() > 36, "every kind more than once");
    assert!(EVERY.is_still_read() > 2 * every_command().len(), "every kind more than once");
}

#[test]
fn the_golden_bytes_hold_every_kind_in_every_version() {
    let marks = [(KIND_FOOTER, MARK_VERSION), (KIND_SEAL, MARK_VERSION)];
    let known = KINDS.map(|(kind, version, _, _)| (kind, version));
    assert_eq!(EVERY.kinds(), known.into_iter().chain(marks).collect());
    let first = known.into_iter().filter(|(kind, version)| *kind <= 18 && *version == 1);
    assert_eq!(FIRST.kinds(), first.chain(marks).collect());
}

/// Cells of the rows of the table below the heading `heading`, without the two rows of its head.
fn table(document: &str, heading: &str) -> Vec<Vec<String>> {
    let mut lines =
        document.lines().skip_while(|line| line.trim_start_matches('#').trim() != heading).skip(1);
    let rows =
        lines.by_ref().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cell = |cell: &str| cell.trim().trim_matches('`').replace(',', "");
    let cells = |line: &str| line.trim_matches('|').split('|').map(cell).collect();
    rows.skip(2).map(cells).collect()
}

#[test]
fn the_document_lists_the_kinds_and_lengths_of_the_code() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let row = |number: u8, version: u8, name: &str, payload: usize| {
        let lengths = [payload.to_string(), record_length(payload).to_string()];
        [vec![number.to_string(), version.to_string(), name.to_owned()], lengths.to_vec()].concat()
    };
    let mark = MARK_LENGTH - RECORD_HEADER_LENGTH;
    let marks = [(KIND_FOOTER, MARK_VERSION, "FOOTER", mark), (KIND_SEAL, MARK_VERSION, "SEAL", mark)];
    let expected: Vec<_> = KINDS
        .into_iter()
        .chain(marks)
        .map(|(n, version, name, payload)| row(n, version, name, payload))
        .collect();
    let found: Vec<_> = table(&document, "Kinds").into_iter().map(|row| row[..5].to_vec()).collect();
    assert_eq!(found, expected);
}

#[test]
fn the_document_lists_every_field_of_every_payload() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    for (name, fields) in LAYOUTS {
        let row =
            |(field, offset, size): &Field| vec![offset.to_string(), size.to_string(), (*field).to_owned()];
        let expected: Vec<_> = fields.iter().map(row).collect();
        let found: Vec<_> = table(&document, name).into_iter().map(|row| row[..3].to_vec()).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn the_document_lists_the_constants_of_the_code() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let found: Vec<_> =
        table(&document, "Constants").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let expected = [
        ("magic", String::from_utf8(MAGIC.to_vec()).unwrap()),
        ("format version", FORMAT_VERSION.to_string()),
        ("segment header length", SEGMENT_HEADER_LENGTH.to_string()),
        ("second copy at", SEGMENT_HEADER_COPY.to_string()),
        ("record header length", RECORD_HEADER_LENGTH.to_string()),
        ("longest record", ringside_journal::format::RECORD_LENGTH_MAX.to_string()),
        ("shortest segment", ringside_journal::format::SEGMENT_LENGTH_MIN.to_string()),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(found, expected);
}

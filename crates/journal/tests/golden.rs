//! The bytes on disk are frozen: `golden/segment-v1.bin` is a whole sealed segment with every kind of record.
//!
//! `RINGSIDE_BLESS=1 cargo test` writes it anew; a diff in it is a new format version.

mod common;

use common::*;
use ringside_domain::Command;
use ringside_journal::format::{
    FORMAT_VERSION, KIND_FOOTER, KIND_SEAL, MAGIC, MARK_LENGTH, RECORD_HEADER_LENGTH, SEGMENT_HEADER_COPY,
    SEGMENT_HEADER_LENGTH, record_length,
};
use ringside_journal::{Field, KINDS, LAYOUTS, Reader, recover};
use ringside_storage::MemoryDisk;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/segment-v1.bin");
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats/journal.md");
const NAME: &str = "0000000001.seg";

/// Every command, over and over, with a footer behind each round, until the segment is sealed.
fn golden_commands() -> Vec<Command> {
    std::iter::repeat_n(every_command(), 6).flatten().collect()
}

fn written() -> Vec<u8> {
    let disk = MemoryDisk::default();
    let mut journal = create(&disk, 8192);
    for (sequence, command) in (1..).zip(golden_commands()) {
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

#[test]
fn the_writer_still_produces_the_golden_bytes() {
    let bytes = written();
    if std::env::var_os("RINGSIDE_BLESS").is_some() {
        std::fs::write(GOLDEN, &bytes).unwrap();
    }
    let golden = std::fs::read(GOLDEN).unwrap();
    let difference = golden.iter().zip(&bytes).position(|(golden, written)| golden != written);
    assert_eq!((difference, golden.len()), (None, bytes.len()), "first difference at this offset");
}

#[test]
fn the_golden_bytes_are_still_read() {
    let disk = MemoryDisk::default();
    disk.put(NAME, std::fs::read(GOLDEN).unwrap());
    let commands = golden_commands();
    let mut last = 0;
    for entry in Reader::open(disk.clone()) {
        let entry = entry.unwrap();
        last += 1;
        assert_eq!(entry.sequence, last);
        assert_eq!((entry.time_ns, entry.term, entry.shard), (START_NS + 10 * last, 0, 0));
        assert_eq!(entry.command, commands[last as usize - 1]);
    }
    assert!(last > 36, "every kind more than once");
    let recovered = recover(&disk).unwrap();
    assert_eq!((recovered.last_sequence(), recovered.epoch(), recovered.position()), (last, EPOCH, None));
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
    let row = |number: u8, name: &str, payload: usize| {
        vec![number.to_string(), name.to_owned(), payload.to_string(), record_length(payload).to_string()]
    };
    let mark = MARK_LENGTH - RECORD_HEADER_LENGTH;
    let marks = [(KIND_FOOTER, "FOOTER", mark), (KIND_SEAL, "SEAL", mark)];
    let expected: Vec<_> =
        KINDS.into_iter().chain(marks).map(|(n, name, payload)| row(n, name, payload)).collect();
    let found: Vec<_> = table(&document, "Kinds").into_iter().map(|row| row[..4].to_vec()).collect();
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

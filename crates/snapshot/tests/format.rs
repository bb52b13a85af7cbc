//! The bytes on disk are frozen, and the document says what they are.
//!
//! `golden/snapshot-v1.bin` and `-v2.bin` were written once, by `RINGSIDE_BLESS=1 cargo test -p ringside-snapshot --test
//! format`; a diff in them is a new format version. The first is never written again.

mod common;

use common::*;
use ringside_domain::Rules;
use ringside_sim::random::RandomShape;
use ringside_snapshot::Generations;
use ringside_snapshot::format::{
    FORMAT_VERSION, HEADER_CHECKED, HEADER_LENGTH, MAGIC, SECTION_ALIGN, SECTIONS, TABLE, file_name,
};
use ringside_snapshot::records::{Field, LAYOUTS};
use ringside_storage::MemoryDisk;

/// A snapshot as it was once written.
struct Golden {
    path: &'static str,
    state_hash: u64,
    format_version: u16,
}

const FIRST: Golden = Golden {
    path: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/snapshot-v1.bin"),
    state_hash: 0x4356_6117_1bb3_8cf0,
    format_version: 1,
};
/// Logins with a grace.
const SECOND: Golden = Golden {
    path: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/snapshot-v2.bin"),
    state_hash: 0x246e_962c_aaba_c006,
    format_version: 2,
};
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats/snapshot.md");

#[test]
fn the_golden_snapshots_are_still_read_to_their_hashes_and_written_again() {
    if std::env::var_os("RINGSIDE_BLESS").is_some() {
        assert!(!std::path::Path::new(SECOND.path).exists(), "what was released is never written again");
        let disk = MemoryDisk::default();
        let day = Day::after(1_500, 2, RandomShape::everything());
        day.publish(&Generations::new(disk.clone()), 5);
        std::fs::write(SECOND.path, disk.contents(&file_name(5)).unwrap()).unwrap();
    }
    [FIRST, SECOND].iter().for_each(Golden::is_still_good);
}

impl Golden {
    fn is_still_good(&self) {
        let disk = MemoryDisk::default();
        let golden = std::fs::read(self.path).unwrap();
        disk.put(&file_name(5), golden.clone());
        let generations = Generations::new(disk.clone());
        let loaded = generations.load(5, Default::default()).unwrap();
        loaded.verify().unwrap();
        assert_eq!(loaded.engine.state_hash(), self.state_hash, "{:#018x}", loaded.engine.state_hash());
        assert_eq!(loaded.header.format_version, self.format_version);
        assert!(loaded.engine.live_orders() >= 12);
        // What was read is written as it was.
        let again = MemoryDisk::default();
        let content = ringside_snapshot::Content {
            engine: &loaded.engine,
            state_hash: loaded.header.state_hash,
            position: loaded.header.position,
            session_sequence: loaded.header.session_sequence,
            streams: &loaded.streams,
        };
        Generations::new(again.clone()).draft(&content, ringside_storage::Pace::Unpaced).unwrap();
        let written = again.contents("snapshot.tmp").unwrap();
        let difference = golden.iter().zip(&written).position(|(golden, written)| golden != written);
        assert_eq!((difference, golden.len()), (None, written.len()), "first difference at this offset");
    }
}

/// Cells of the rows of the table below the heading `heading`, without the two rows of its head.
fn table(document: &str, heading: &str) -> Vec<Vec<String>> {
    let mut lines =
        document.lines().skip_while(|line| line.trim_start_matches('#').trim() != heading).skip(1);
    let rows =
        lines.by_ref().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cell = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let cells = |line: &str| line.trim_matches('|').split('|').map(cell).collect();
    rows.skip(2).map(cells).collect()
}

#[test]
fn the_document_lists_every_field_of_every_record() {
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
fn the_document_lists_the_sections_and_constants_of_the_code() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let rows = table(&document, "Sections");
    let length = |name: &str| -> usize {
        let layout = LAYOUTS.iter().find(|layout| layout.0 == name).expect("a record");
        layout.1.iter().map(|field| field.2).sum()
    };
    for (row, section) in rows.iter().zip(SECTIONS) {
        assert_eq!(row[0], (section as u32).to_string());
        assert_eq!(row[3], length(&row[2]).to_string(), "{section:?}");
    }
    assert_eq!(rows.len(), SECTIONS.len());
    let found: Vec<_> =
        table(&document, "Constants").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let expected = [
        ("magic", String::from_utf8(MAGIC.to_vec()).unwrap()),
        ("format version", FORMAT_VERSION.to_string()),
        ("newest rules", Rules::NEWEST.version().to_string()),
        ("header length", HEADER_LENGTH.to_string()),
        ("header checked", HEADER_CHECKED.to_string()),
        ("table at", TABLE.to_string()),
        ("sections at multiples of", SECTION_ALIGN.to_string()),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(found, expected);
}

//! Commands, events and trades as tables.

mod common;

use std::path::Path;

use common::*;
use ringside_domain::Sequence;
use ringside_replay::{Export, Format, Past, TABLES};

/// Writes all tables of a data directory; how many rows each must have.
fn export(data_dir: &Path, out: &Path, format: Format, (from, to): (Sequence, Sequence)) -> [usize; 3] {
    let mut export = Export::new(Past::open(data_dir).unwrap(), from);
    for table in TABLES {
        export.add_file(table, format, out).unwrap();
    }
    export.run_to(to).unwrap();
    export.finish().unwrap();
    let mut past = Past::open(data_dir).unwrap();
    past.run_to(from - 1).unwrap();
    let before = past.summary();
    let mut events = 0;
    while past.last_sequence() < to {
        let Some(turn) = past.turn().unwrap() else { break };
        events += turn.events.len();
    }
    let after = past.summary();
    [(after.commands - before.commands) as usize, events, (after.trades - before.trades) as usize]
}

fn site() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("data"), random_flow(1, 81, 3_000));
    dir
}

fn rows(path: &Path) -> Vec<csv::StringRecord> {
    csv::Reader::from_path(path).unwrap().records().map(Result::unwrap).collect()
}

/// The field of a column.
fn field<'a>(table: usize, row: &'a csv::StringRecord, name: &str) -> &'a str {
    let at = TABLES[table].columns.iter().position(|column| column.name == name);
    &row[at.unwrap_or_else(|| panic!("no column {name}"))]
}

#[test]
fn every_command_event_and_trade_is_a_row_and_ranges_cut() {
    for range in [(1, Sequence::MAX), (1_000, 1_999)] {
        let dir = site();
        let expected = export(&dir.path().join("data"), dir.path(), Format::Csv, range);
        for (table, count) in TABLES.iter().zip(expected) {
            let found = rows(&dir.path().join(format!("{}.csv", table.name)));
            assert_eq!(found.len(), count, "{}", table.name);
            assert!(count > 20, "{}", table.name);
        }
    }
}

#[test]
fn both_executions_of_a_trade_say_what_the_trade_says() {
    let dir = site();
    export(&dir.path().join("data"), dir.path(), Format::Csv, (1, Sequence::MAX));
    let events = rows(&dir.path().join("events.csv"));
    for trade in rows(&dir.path().join("trades.csv")) {
        let of_trade = |name: &str| field(2, &trade, name).to_owned();
        let sides: Vec<_> = events
            .iter()
            .filter(|event| {
                field(1, event, "type") == "executed"
                    && field(1, event, "match_number") == of_trade("match_number")
            })
            .collect();
        assert_eq!(sides.len(), 2, "{trade:?}");
        for event in sides {
            let buys = field(1, event, "side") == "B";
            let side = |name: &str| of_trade(&format!("{}_{name}", if buys { "buyer" } else { "seller" }));
            for name in ["sequence", "symbol", "price", "quantity"] {
                assert_eq!(field(1, event, name), of_trade(name), "{name}");
            }
            for name in ["user_ref_idx", "user_ref_num", "order_ref", "leaves", "liquidity"] {
                assert_eq!(field(1, event, name), side(name), "{name}");
            }
            assert_eq!(field(1, event, "login"), of_trade(if buys { "buyer" } else { "seller" }));
        }
    }
}

#[test]
fn json_lines_say_what_csv_says() {
    let dir = site();
    export(&dir.path().join("data"), dir.path(), Format::Csv, (1, Sequence::MAX));
    export(&dir.path().join("data"), dir.path(), Format::Jsonl, (1, Sequence::MAX));
    for (at, table) in TABLES.iter().enumerate() {
        let lines = std::fs::read_to_string(dir.path().join(format!("{}.jsonl", table.name))).unwrap();
        let csv = rows(&dir.path().join(format!("{}.csv", table.name)));
        assert_eq!(lines.lines().count(), csv.len());
        for (line, row) in lines.lines().zip(&csv) {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            for column in table.columns {
                let value = &line[column.name];
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let text = if value.is_null() { "" } else { &text };
                assert_eq!(field(at, row, column.name), text, "{} {}", table.name, column.name);
            }
        }
    }
}

#[test]
fn a_file_that_is_there_is_not_replaced() {
    let dir = site();
    std::fs::write(dir.path().join("trades.csv"), "mine").unwrap();
    let mut export = Export::new(Past::open(&dir.path().join("data")).unwrap(), 1);
    assert!(
        export.add_file(TABLES[2], Format::Csv, dir.path()).unwrap_err().to_string().contains("trades.csv")
    );
    assert_eq!(std::fs::read_to_string(dir.path().join("trades.csv")).unwrap(), "mine");
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_says_what_csv_says() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    let dir = site();
    export(&dir.path().join("data"), dir.path(), Format::Csv, (1, Sequence::MAX));
    export(&dir.path().join("data"), dir.path(), Format::Parquet, (1, Sequence::MAX));
    for (at, table) in TABLES.iter().enumerate() {
        let file = std::fs::File::open(dir.path().join(format!("{}.parquet", table.name))).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let csv = rows(&dir.path().join(format!("{}.csv", table.name)));
        let mut count = 0;
        for (row, expected) in reader.get_row_iter(None).unwrap().zip(&csv) {
            for (name, value) in row.unwrap().get_column_iter() {
                let text = match value {
                    Field::Null => String::new(),
                    Field::ULong(number) => number.to_string(),
                    Field::Str(text) => text.clone(),
                    other => panic!("{name}: {other:?}"),
                };
                assert_eq!(field(at, expected, name), text, "{} {name}", table.name);
            }
            count += 1;
        }
        assert_eq!(count, csv.len(), "{}", table.name);
    }
}

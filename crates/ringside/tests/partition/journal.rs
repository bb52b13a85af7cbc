//! What the journal of a stopped venue says of each login, by `ringside replay print`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::Site;

/// One login's part of the journal.
#[derive(Default, Debug)]
pub struct Record {
    /// Commands to enter an order, by UserRefNum: how many, and how many of them had events.
    pub enters: BTreeMap<u64, (u32, u32)>,
    /// Times of disconnects, in nanoseconds since 1970.
    pub disconnects: Vec<u64>,
    /// Times at which an order was cancelled for a disconnect.
    pub cancels: Vec<u64>,
}

/// All of them, by name.
pub fn read(site: &Site) -> BTreeMap<String, Record> {
    let data_dir = site.data_dir.to_str().expect("temporary paths are ASCII");
    let exit = site.run(&["replay", "print", "--data-dir", data_dir]);
    assert_eq!(exit.code, Some(0), "replay print: {}", exit.stderr);
    let mut records = BTreeMap::new();
    for line in exit.stdout.lines() {
        note(&mut records, &serde_json::from_str(line).expect("replay print prints JSON lines"));
    }
    records
}

fn note(records: &mut BTreeMap<String, Record>, line: &Value) {
    let (command, events) = (&line["command"], line["events"].as_array().expect("a list of events"));
    let time_ns = line["time_ns"].as_u64().expect("a time");
    for event in events.iter().filter(|event| event["type"] == "canceled" && event["reason"] == "S") {
        record_of(records, event).into_iter().for_each(|record| record.cancels.push(time_ns));
    }
    let Some(record) = record_of(records, command) else { return };
    match command["type"].as_str() {
        Some("enter") => {
            let number = command["user_ref_num"].as_u64().expect("a number");
            let (copies, effective) = record.enters.entry(number).or_default();
            *copies += 1;
            *effective += u32::from(!events.is_empty());
        }
        Some("disconnect") => record.disconnects.push(time_ns),
        _ => {}
    }
}

fn record_of<'a>(records: &'a mut BTreeMap<String, Record>, value: &Value) -> Option<&'a mut Record> {
    value["login"].as_str().map(|name| records.entry(name.to_owned()).or_default())
}

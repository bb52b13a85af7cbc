//! `ringside replay …` as an auditor meets it: beside a running venue, on damage, on a long journal, and its exit codes.

mod support;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ringside_domain as domain;
use ringside_journal::{Journal, SegmentOptions, SegmentSource};
use ringside_sim::steady::{SteadyFlow, setup};
use ringside_storage::{Directory, Pace};
use serde_json::{Value, json};
use support::*;

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are ASCII")
}

fn lines(exit: &Exit) -> Vec<Value> {
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    exit.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A flow of orders and cancels, two lines for each `pairs`.
fn flow(pairs: u32) -> String {
    let mut flow = String::from("time_ns,action,order_id,symbol,side,price,quantity,tif,new_order_id\n");
    for pair in 0..pairs {
        let (side, price) = if pair % 2 == 0 { ("B", 4_800) } else { ("S", 4_801 - pair % 3) };
        writeln!(flow, "{pair},new,{},ESH4,{side},{price},{},day,", pair + 1, 1 + pair % 7).expect("memory");
        if pair >= 20 {
            writeln!(flow, "{pair},cancel,{},,,,,,", pair - 19).expect("memory");
        }
    }
    flow
}

/// Verified again and again while orders come in: always a whole prefix, never an error, never a torn tail.
#[test]
fn a_running_venue_under_load_is_verified_beside_it() {
    let config = CONFIG.replace("4194304", "1048576");
    let site = Site::new(&config);
    let venue = site.start();
    let file = site.path().join("flow.csv");
    std::fs::write(&file, flow(40_000)).expect("a flow");
    let to = venue.order_entry().to_string();
    let arguments = ["send", "--to", &to, "--username", "ALICE", "--password", "pw-alice", "--rate", "30000"];
    let mut sender = site.spawn(&[&arguments[..], &[text(&file)]].concat());
    let mut seen = Vec::new();
    while sender.is_alive() {
        let found = site.verify();
        assert_eq!(found.get("torn_tail_bytes"), None, "what is on its way is no torn tail: {found}");
        assert_eq!((&found["first_sequence"], &found["commands"]), (&json!(1), &found["last_sequence"]));
        seen.push(found);
    }
    assert_eq!(sender.wait_exit(PATIENCE), Some(0), "{}", sender.stderr());
    let numbers: Vec<_> =
        seen.iter().map(|found| found["last_sequence"].as_u64().expect("a number")).collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    assert!(numbers.iter().filter(|number| **number > 1_000).count() > 2, "{numbers:?}");
    assert_eq!(venue.terminate(), Some(0));
    assert!(site.segments().len() > 3, "the journal was rotated meanwhile");
    let data_dir = text(&site.data_dir);
    for at in [0, seen.len() / 2, seen.len() - 1] {
        let number = numbers[at].to_string();
        let state = lines(&site.run(&["replay", "state", "--data-dir", data_dir, "--at", &number]));
        assert_eq!(state[0]["sequence"], numbers[at]);
        assert_eq!(
            state[0]["state_hash"], seen[at]["state_hash"],
            "the prefix it saw is the one that stayed"
        );
    }
}

/// A journal of this many commands of the steady flow: about a thousand orders rest, whatever its length.
fn steady(data_dir: &Path, commands: usize) {
    std::fs::create_dir_all(data_dir).expect("a directory");
    let disk = Directory::create(&data_dir.join("journal")).expect("a journal");
    let options = SegmentOptions { length: 8 << 20, ahead: 1, pace: Pace::Unpaced };
    let mut journal = Journal::create(SegmentSource::inline(disk, options, 1), 5, 1).expect("a journal");
    let all = setup().into_iter().chain(SteadyFlow::new()).take(commands);
    for (sequence, command) in (1..).zip(all) {
        let command: domain::Command = command;
        journal.append(sequence, sequence, &command).expect("a record");
    }
    journal.close().expect("a whole journal");
}

/// Runs the program with its stdout thrown away; its largest resident set in KiB, looked at until it ends. (What
/// `wait4` tells starts with the size of this process.)
fn resident(arguments: &[&str]) -> u64 {
    let mut child = Command::new(binary())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let mut largest = 0;
    loop {
        let ended = child.try_wait().expect("a child can be waited for");
        if let Some(code) = ended {
            assert!(code.success() && largest > 0, "{arguments:?}: {code}");
            return largest;
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = text
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB")?.trim().parse().ok());
        largest = largest.max(peak.unwrap_or(0));
        std::thread::sleep(Duration::from_micros(300));
    }
}

#[test]
fn memory_does_not_grow_with_the_journal() {
    let dir = tempfile::tempdir().expect("a directory");
    let [short, long] = [("short", 30_000), ("long", 400_000)].map(|(name, commands)| {
        let path = dir.path().join(name);
        steady(&path, commands);
        path
    });
    let out = |path: &Path| path.join("tables").display().to_string();
    let cases: [(&str, Vec<&str>); 6] = [
        ("verify", vec![]),
        ("print", vec![]),
        ("state", vec![]),
        ("export", vec!["--table", "events"]),
        ("order", vec!["--login", "BENCH", "--ref", "5"]),
        ("what-if", vec!["--without", "1000000000"]),
    ];
    for (command, more) in cases {
        let [small, large] = [&short, &long]
            .map(|path| resident(&[&["replay", command, "--data-dir", text(path)], &more[..]].concat()));
        println!("{command}: {small} KiB for 30,000 commands, {large} KiB for 400,000");
        assert!(large < small + 4_096, "{command}: {small} KiB, then {large} KiB");
    }
    let diff = [&short, &long].map(|path| resident(&["replay", "diff", text(path), text(path)]));
    assert!(diff[1] < diff[0] + 4_096, "diff: {diff:?}");
    let export = resident(&["replay", "export", "--data-dir", text(&long), "--out", &out(&long)]);
    assert!(export < diff[1] + 16_384, "three tables at once: {export}");
}

/// Alice sells 5, Bob buys 3 of them, Alice's rest is cancelled.
fn story() -> Site {
    let site = Site::new(CONFIG);
    let venue = site.start();
    let (mut alice, mut bob) = (venue.login("ALICE"), venue.login("BOB"));
    alice.trade(&enter(1, b'S', 5, "ESH4"), "A");
    bob.trade(&enter(1, b'B', 3, "ESH4"), "AE");
    alice.expect("E");
    alice.trade(&cancel(1), "C");
    assert_eq!(venue.terminate(), Some(0));
    site
}

fn replay(site: &Site, command: &str, more: &[&str]) -> Exit {
    site.run(&[&["replay", command, "--data-dir", text(&site.data_dir)], more].concat())
}

#[test]
fn hashes_on_the_way_are_those_of_the_state_at_that_sequence() {
    let site = story();
    let exit = replay(&site, "verify", &["--state-hash-every", "4"]);
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let last = serde_json::from_str::<Value>(exit.stdout.lines().last().expect("a line")).expect("JSON");
    let hashes: Vec<_> = exit.stdout.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(hashes.len() as u64, last["last_sequence"].as_u64().expect("a number") / 4);
    let printed = lines(&replay(&site, "print", &["--state-hash-every", "4"]));
    for (at, (sequence, hash)) in hashes.into_iter().enumerate() {
        assert_eq!(sequence, (4 * (at + 1)).to_string());
        assert_eq!(lines(&replay(&site, "state", &["--at", sequence]))[0]["state_hash"], hash);
        assert_eq!(printed[4 * at + 3]["state_hash"], hash);
        assert_eq!(printed[4 * at].get("state_hash"), None);
    }
}

#[test]
fn two_journals_and_two_printed_files_are_compared() {
    let site = story();
    let (a, b) = (text(&site.data_dir), site.path().join("copy"));
    assert!(Command::new("cp").args(["-r", a, text(&b)]).status().expect("cp").success());
    let same = site.run(&["replay", "diff", a, text(&b)]);
    assert_eq!(lines(&same)[0]["same"], true);

    let one = replay(&site, "print", &[]).stdout;
    let other = one.replacen("\"quantity\":3", "\"quantity\":4", 1);
    let sequence = one.lines().zip(other.lines()).position(|(a, b)| a != b).expect("a difference") + 1;
    let files = [("one", &one), ("other", &other)].map(|(name, text)| {
        let path = site.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    });
    let [one, other] = [&files[0], &files[1]].map(|path| text(path));
    let exit = site.run(&["replay", "diff", "--events", one, other]);
    let report: Value = serde_json::from_str(&exit.stdout).expect("JSON");
    assert_eq!((exit.code, &report["first_divergent_sequence"]), (Some(1), &json!(sequence)));
    assert!(exit.stderr.contains(&format!("sequence {sequence}")), "{}", exit.stderr);
    assert_eq!(site.run(&["replay", "diff", "--events", one, one]).code, Some(0));

    let venue = site.start();
    venue.login("CAROL");
    venue.terminate();
    let longer = site.run(&["replay", "diff", a, text(&b), "--format", "text"]);
    assert_eq!(longer.code, Some(1), "{}", longer.stderr);
    assert!(
        longer.stdout.contains("ends before it") && longer.stdout.contains("\"command\""),
        "{}",
        longer.stdout
    );
    assert_eq!(site.run(&["replay", "diff", a, "nowhere"]).code, Some(2));
}

#[test]
fn an_order_is_told_in_json_and_in_words() {
    let site = story();
    let told = lines(&replay(&site, "order", &["--login", "ALICE", "--ref", "1"]));
    let leaves: Vec<_> = told[..3].iter().map(|step| step["leaves"].as_u64().expect("a number")).collect();
    assert_eq!(leaves, [5, 2, 0]);
    assert_eq!(told[1]["counterparty"], json!({"login": "BOB", "user_ref_idx": 0, "user_ref_num": 1}));
    assert_eq!((&told[3]["order"]["state"], &told[3]["order"]["executed"]), (&json!("canceled"), &json!(3)));
    let words = replay(&site, "order", &["--login", "ALICE", "--ref", "1", "--format", "text"]);
    assert!(
        words.stdout.contains("3 executed at 1000000: it was resting, with BOB 1; leaves 2"),
        "{}",
        words.stdout
    );
    assert_eq!(replay(&site, "order", &["--login", "ALICE", "--ref", "9"]).code, Some(1));
}

#[test]
fn a_past_without_an_order_is_reported_in_json_and_in_words() {
    let site = story();
    let report = &lines(&replay(&site, "what-if", &["--without-login", "ALICE"]))[0];
    assert_eq!((&report["before"]["trades"], &report["after"]["trades"]), (&json!(1), &json!(0)));
    assert_eq!(report["trades_gone"], 1);
    let words = replay(&site, "what-if", &["--without-login", "ALICE", "--format", "text"]);
    assert!(words.stdout.contains("trades  1 -> 0"), "{}", words.stdout);
    assert!(words.stdout.contains("ESH4 3 at 1000000, BOB 1 from ALICE 1"), "{}", words.stdout);
    assert_eq!(replay(&site, "what-if", &[]).code, Some(2));
    assert_eq!(replay(&site, "what-if", &["--without", "9..3"]).code, Some(2));
}

#[test]
fn tables_are_files_of_their_own_and_replace_none() {
    let site = story();
    let out = site.path().join("tables");
    for format in ["csv", "jsonl"] {
        let made = &lines(&replay(&site, "export", &["--out", text(&out), "--format", format]))[0];
        assert_eq!(made["files"].as_array().map(Vec::len), Some(3));
    }
    let read = |name: &str| std::fs::read_to_string(out.join(name)).expect("a table");
    let trade: Value = serde_json::from_str(read("trades.jsonl").trim()).expect("one trade");
    assert_eq!(
        (&trade["buyer"], &trade["seller"], &trade["taker_side"]),
        (&json!("BOB"), &json!("ALICE"), &json!("B"))
    );
    assert_eq!(
        (&trade["price"], &trade["quantity"], &trade["symbol"]),
        (&json!(PRICE), &json!(3), &json!("ESH4"))
    );
    let commands = lines(&replay(&site, "print", &[]));
    let events: usize = commands.iter().map(|line| line["events"].as_array().map_or(0, Vec::len)).sum();
    assert_eq!(read("commands.csv").lines().count(), commands.len() + 1, "a row for each, and the header");
    assert_eq!(read("events.jsonl").lines().count(), events);
    assert_eq!(replay(&site, "export", &["--out", text(&out)]).code, Some(2), "the files are there");
    let stdout = replay(&site, "export", &["--table", "trades", "--format", "jsonl"]);
    assert_eq!(stdout.stdout, read("trades.jsonl"));
    assert_eq!(replay(&site, "export", &[]).code, Some(2), "which table?");
    if !cfg!(feature = "parquet") {
        let refused = replay(&site, "export", &["--out", text(&out), "--format", "parquet"]);
        assert!(
            refused.code == Some(2) && refused.stderr.contains("--features parquet"),
            "{}",
            refused.stderr
        );
    }
}

#[test]
fn what_was_salvaged_starts_and_goes_on() {
    let site = story();
    let segment = site.segments().remove(0);
    let last = site.verify()["last_sequence"].as_u64().expect("a number");
    let cancel = lines(&replay(&site, "print", &[]));
    let cancel = cancel.iter().find(|line| line["command"]["type"] == "cancel").expect("the cancel");
    let sequence = cancel["sequence"].as_u64().expect("a number");
    let number = sequence.to_string();
    let row = lines(&replay(
        &site,
        "export",
        &["--table", "commands", "--format", "jsonl", "--from", &number, "--to", &number],
    ));
    let offset = row[0]["offset"].as_u64().expect("a number") as usize;
    let mut bytes = std::fs::read(&segment).expect("a segment");
    bytes[offset + 33] ^= 1;
    std::fs::write(&segment, bytes).expect("a segment can be written");
    assert_eq!(site.refused().code, Some(3));

    let (saved, list) = (site.path().join("saved"), site.path().join("list.jsonl"));
    let report = &lines(&replay(&site, "salvage", &["--to", text(&saved), "--list", text(&list)]))[0];
    assert_eq!(report["last_sequence"], sequence - 1);
    assert_eq!(
        (&report["damage"]["offset"], &report["damage"]["sequence"]),
        (&json!(offset), &json!(sequence))
    );
    assert_eq!(report["lost"]["intact_commands"], last - sequence);
    let listed = std::fs::read_to_string(&list).expect("the list");
    assert_eq!(listed.lines().count() as u64, last - sequence);
    assert_eq!(replay(&site, "salvage", &["--to", text(&saved)]).code, Some(2), "it is not empty now");

    let again = Site::with_data_dir(CONFIG, &PathBuf::from(&saved));
    let venue = again.start();
    venue.login("ALICE").trade(&cancel_one(), "C");
    assert_eq!(venue.terminate(), Some(0));
    assert!(again.verify()["last_sequence"].as_u64() > Some(sequence));
}

/// The cancel that was lost, asked again.
fn cancel_one() -> Vec<u8> {
    cancel(1)
}

#[test]
fn a_running_venue_is_not_salvaged_and_a_reader_that_leaves_is_no_failure() {
    let site = story();
    let venue = site.start();
    let refused = replay(&site, "salvage", &["--to", text(&site.path().join("saved"))]);
    assert!(refused.code == Some(2) && refused.stderr.contains("running"), "{}", refused.stderr);
    drop(venue);
    let dir = tempfile::tempdir().expect("a directory");
    steady(dir.path(), 50_000);
    let mut child = Command::new(binary())
        .args(["replay", "print", "--data-dir", text(dir.path())])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let since = Instant::now();
    let status = child.wait().expect("it ends");
    assert!(status.success() && since.elapsed() < Duration::from_secs(20), "{status}");
}

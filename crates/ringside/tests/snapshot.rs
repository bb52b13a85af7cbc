//! Snapshots from the outside: a start goes on from the newest one, whatever has become of the files, and every byte of
//! every stream is as it was.

mod support;

use std::path::PathBuf;
use std::time::Duration;

use support::*;

const NAMES: [&str; 3] = ["ALICE", "BOB", "CAROL"];

/// Trades, and as many orders that rest; where to go on.
fn trade_some(venue: &Running, from: u32, count: u32) -> u32 {
    let (mut alice, mut bob) = (venue.login("ALICE"), venue.login("BOB"));
    for n in from..from + count {
        alice.trade(&enter(2 * n - 1, b'B', 5, "ESH4"), "A");
        bob.trade(&enter(n, b'S', 5, "ESH4"), "AE");
        alice.expect("E");
        alice.trade(&enter(2 * n, b'B', 3, "AAPL"), "A");
    }
    from + count
}

/// All streams from their beginning. Logging in is a command, but none that a stream tells of.
fn streams(venue: &Running) -> Vec<Vec<u8>> {
    NAMES.map(|name| Stream::rewind(venue, name).bytes).to_vec()
}

fn snapshots(site: &Site) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(site.data_dir.join("snapshots")).expect("a snapshot directory");
    let mut found: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "snap"));
    found.sort();
    found
}

/// The snapshot that a start went on from; 0 = none.
fn began_with(venue: &Running) -> u64 {
    eventually("the line that tells of the recovery", || {
        let stderr = venue.stderr();
        let line = stderr.lines().find(|line| line.contains("\"recovered\""))?;
        let line: serde_json::Value = serde_json::from_str(line).expect("log lines are JSON");
        line["snapshot"].as_u64()
    })
}

/// A site with two snapshots and some commands behind them; its streams.
fn site_with_two() -> (Site, Vec<Vec<u8>>) {
    let site = Site::new(CONFIG);
    let mut next = 1;
    for _ in 0..2 {
        let venue = site.start();
        next = trade_some(&venue, next, 20);
        assert_eq!(venue.terminate(), Some(0));
    }
    assert_eq!(snapshots(&site).len(), 2);
    let venue = site.start();
    trade_some(&venue, next, 20);
    let streams = streams(&venue);
    venue.kill();
    (site, streams)
}

fn flip_a_bit(path: &PathBuf) {
    let mut bytes = std::fs::read(path).expect("the file can be read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(path, bytes).expect("the file can be written");
}

#[test]
fn a_clean_stop_leaves_a_snapshot_and_the_next_start_goes_on_from_it() {
    let site = Site::new(CONFIG);
    let venue = site.start();
    assert_eq!(began_with(&venue), 0);
    trade_some(&venue, 1, 30);
    let before = streams(&venue);
    assert_eq!(venue.terminate(), Some(0));
    let found = snapshots(&site);
    assert_eq!(found.len(), 1);
    let venue = site.start();
    let snapshot = began_with(&venue);
    assert!(found[0].ends_with(format!("{snapshot:020}.snap")));
    assert_eq!(streams(&venue), before);
    assert_eq!(venue.status()["orders_live"], 30);
    assert_eq!(venue.status()["snapshot"]["sequence"], snapshot);
    let next = venue.settled_sequence();
    venue.kill();
    // The visits above were journaled, the state hash once; from then on nothing is.
    let venue = site.start();
    let after = venue.settled_sequence();
    assert!(after - next <= 3, "disconnects of the visitors: {next} {after}");
    assert_eq!(venue.terminate(), Some(0));
    let [second, third] = [0; 2].map(|_| {
        let venue = site.start();
        let next = venue.settled_sequence();
        assert_eq!(venue.terminate(), Some(0));
        next
    });
    assert_eq!(second, third, "a restart without load journals nothing");
    assert_eq!(snapshots(&site).len(), 2);
    assert!(site.verify()["state_hashes"].as_u64() >= Some(2), "{}", site.verify());
}

#[test]
fn a_snapshot_on_demand_outlives_kill_9() {
    let site = Site::new(&CONFIG.replacen("[admin]", "[admin]\ntoken = \"t\"", 1));
    let venue = site.start();
    let next = trade_some(&venue, 1, 10);
    let answer = site.run(&["admin", "--to", &venue.admin().to_string(), "--token", "t", "snapshot"]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    let answer: serde_json::Value = serde_json::from_str(answer.stdout.trim()).expect("an answer");
    let barrier = answer["sequence"].as_u64().expect("a sequence");
    eventually("the snapshot", || (venue.status()["snapshot"]["sequence"] == barrier).then_some(()));
    assert_eq!(venue.metric("ringside_snapshots_total"), 1);
    assert_eq!(venue.metric("ringside_snapshot_failures_total"), 0);
    trade_some(&venue, next, 10);
    let before = streams(&venue);
    venue.kill();
    let venue = site.start();
    assert_eq!(began_with(&venue), barrier);
    assert_eq!(streams(&venue), before);
    venue.kill();
    assert_eq!(site.verify()["state_hashes"], 1);
}

#[test]
fn broken_snapshots_are_told_of_and_never_used() {
    let (site, before) = site_with_two();
    let found = snapshots(&site);
    let (older, newer) = (&found[0], &found[1]);
    flip_a_bit(newer);
    let venue = site.start();
    assert!(older.ends_with(format!("{:020}.snap", began_with(&venue))));
    let name = newer.file_name().and_then(|name| name.to_str()).expect("ASCII");
    assert!(venue.stderr().contains(name), "{}", venue.stderr());
    assert_eq!(streams(&venue), before);
    venue.kill();
    flip_a_bit(older);
    let venue = site.start();
    assert_eq!(began_with(&venue), 0);
    assert_eq!(streams(&venue), before);
    // New ones take the place of the broken ones.
    assert_eq!(venue.terminate(), Some(0));
    let venue = site.start();
    assert!(began_with(&venue) > 0);
    assert_eq!(streams(&venue), before);
}

#[test]
fn streams_that_are_not_as_they_were_are_written_anew() {
    let damages: [fn(&Site); 4] = [
        |site| std::fs::remove_file(stream(site, 1)).expect("removed"),
        |site| flip_a_bit(&stream(site, 2)),
        |site| std::fs::write(stream(site, 1), b"short").expect("written"),
        |site| std::fs::remove_dir_all(site.data_dir.join("outbound")).expect("removed"),
    ];
    let (site, before) = site_with_two();
    for damage in damages {
        damage(&site);
        let venue = site.start();
        assert_eq!(streams(&venue), before);
        assert!(venue.stderr().contains("written anew"), "{}", venue.stderr());
        venue.kill();
    }
}

fn stream(site: &Site, login: u32) -> PathBuf {
    let entries = std::fs::read_dir(site.data_dir.join("outbound")).expect("streams");
    let mut found: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    found.sort();
    found[login as usize - 1].clone()
}

#[test]
fn a_journal_that_lost_what_a_snapshot_proves_is_refused() {
    let (site, _) = site_with_two();
    std::fs::remove_file(&site.segments()[0]).expect("removed");
    let exit = site.refused();
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    assert!(exit.stderr.contains("0000000001.seg") && exit.stderr.contains("snapshot"), "{}", exit.stderr);
}

#[test]
fn without_the_beginning_a_snapshot_is_enough_and_without_both_the_start_is_refused() {
    let site = Site::new(&CONFIG.replace("4194304", "1048576"));
    let venue = site.start();
    let mut alice = venue.login("ALICE");
    for n in 1..=12_000 {
        alice.send(&enter(n, b'B', 1, "AAPL"));
        if n % 50 == 0 {
            (0..50).for_each(|_| _ = alice.expect("A"));
        }
    }
    let before = streams(&venue);
    assert_eq!(venue.terminate(), Some(0));
    std::fs::remove_file(&site.segments()[0]).expect("removed");
    let venue = site.start();
    assert!(began_with(&venue) > 12_000);
    assert_eq!(streams(&venue), before);
    assert_eq!(venue.terminate(), Some(0));
    let found = snapshots(&site);
    found.iter().for_each(flip_a_bit);
    let exit = site.refused();
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    for path in &found {
        let name = path.file_name().and_then(|name| name.to_str()).expect("ASCII");
        assert!(exit.stderr.lines().last().is_some_and(|line| line.contains(name)), "{}", exit.stderr);
    }
}

#[test]
fn snapshots_come_by_themselves_after_commands_and_after_time() {
    for (key, commands) in [("every_commands = 40", 100), ("every = \"1s\"", 5)] {
        let site = Site::new(&format!("[snapshot]\n{key}\n{CONFIG}"));
        let venue = site.start();
        trade_some(&venue, 1, commands);
        eventually("a snapshot", || (venue.status()["snapshot"]["made"].as_u64() > Some(0)).then_some(()));
        // A venue that rests makes no more.
        std::thread::sleep(Duration::from_millis(2_500));
        let rested = venue.settled_sequence();
        std::thread::sleep(Duration::from_millis(1_500));
        assert_eq!(venue.settled_sequence(), rested, "{key}");
        assert_eq!(venue.status()["snapshot"]["failures"], 0);
        assert_eq!(venue.status()["snapshot"]["divergences"], 0);
    }
}

//! The roll of a session through the real binary: what clients see of it, what a kill -9 leaves of it, what may be removed
//! afterwards.

mod support;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use ringside_domain::{Action, Command, LoginId};
use ringside_journal::{Journal, SegmentOptions, new_epoch, preparer};
use ringside_storage::{Directory, Pace};
use ringside_wire::ouch::{Accepted, Cancel, Enter, Reply, Request, Tag, TagBuffer};
use ringside_wire::soup::{self, kind};
use serde_json::Value;
use support::*;

const DAY_NS: u64 = 86_400_000_000_000;
const MINUTE_NS: u64 = 60_000_000_000;

fn with(section: &str) -> String {
    CONFIG.replacen("[admin]", "[admin]\ntoken = \"t\"", 1).replacen(
        "[journal]",
        &format!("{section}\n[journal]"),
        1,
    )
}

fn admin(site: &Site, venue: &Running, command: &str) -> Value {
    let answer = site.run(&["admin", "--to", &venue.admin().to_string(), "--token", "t", command]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    serde_json::from_str(answer.stdout.trim()).expect("an answer")
}

/// An order that outlives the day, at another price than [`PRICE`] for some.
fn gtc(user_ref_num: u32, side: u8, quantity: u32, price: u64) -> Vec<u8> {
    let mut tags = TagBuffer::new();
    tags.push(Tag::ExpireAt(0));
    let order = Enter { price, tags: tags.as_tags(), ..order(user_ref_num, side, quantity, "ESH4") };
    encode(&Request::Enter(order))
}

fn accepted(message: &[u8]) -> Accepted<'_> {
    let Reply::Accepted(accepted) = reply(message) else { panic!("expected A: {message:02x?}") };
    accepted
}

/// The rest of a connection: sequenced messages, then End of Session, then the end.
fn farewell(client: &mut Client) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    loop {
        match client.next(PATIENCE) {
            Got::Packet(kind::SEQUENCED, message) => messages.push(message),
            Got::Packet(kind::END_OF_SESSION, payload) if payload.is_empty() => break,
            other => panic!("no end of session: {other:?}"),
        }
    }
    assert_eq!(client.next(PATIENCE), Got::Closed);
    messages
}

#[test]
fn day_orders_end_with_the_session_and_the_rest_is_told_first_in_the_next_one() {
    let site = Site::new(&with(""));
    let venue = site.start();
    let (mut alice, mut bob) = (venue.login("ALICE"), venue.login("BOB"));
    alice.trade(&enter(1, b'B', 7, "ESH4"), "A");
    let order_ref = accepted(&alice.trade(&gtc(2, b'B', 10, PRICE - 2_500), "A")[0]).order_ref;
    bob.trade(&enter(1, b'S', 3, "AAPL"), "A");
    let answer = admin(&site, &venue, "roll-session");
    assert!(answer["events"].as_array().is_some_and(|events| events.len() >= 4), "{answer}");
    let last = farewell(&mut alice);
    let Reply::Canceled(canceled) = reply(&last[0]) else { panic!("expected C: {last:02x?}") };
    assert_eq!((last.len(), canceled.user_ref_num, canceled.quantity, canceled.reason), (1, 1, 7, b'E'));
    assert_eq!(farewell(&mut bob).len(), 1);
    assert_eq!(venue.status()["session"], "0000000002");
    drop((alice, bob));
    eventually("the connections are closed", || (venue.disconnects("session_ended") == 2).then_some(()));
    // The old session is over; a blank one means the new.
    let mut late = Client::connect(venue.order_entry());
    assert_eq!(
        late.login_with("ALICE", "pw-alice", "0000000001", 1),
        Err(Got::Packet(kind::LOGIN_REJECTED, b"S".to_vec()))
    );
    let mut alice = Client::connect(venue.order_entry());
    let login = alice.login("ALICE", 1).expect("a login");
    assert_eq!((login.session.as_str(), login.sequence), ("0000000002", 1));
    let carried = alice.message();
    let told = accepted(&carried);
    assert_eq!((told.order_ref, told.user_ref_num, told.quantity), (order_ref, 1, 10));
    assert_eq!(told.tags.user_ref_idx(), 255);
    // UserRefNums are free again. What was carried goes by channel 255.
    alice.trade(&enter(1, b'B', 1, "ESH4"), "A");
    let mut tags = TagBuffer::new();
    tags.push(Tag::UserRefIdx(255));
    let reduce = Cancel { user_ref_num: 1, quantity: 4, tags: tags.as_tags() };
    let canceled = alice.trade(&encode(&Request::Cancel(reduce)), "C");
    let Reply::Canceled(canceled) = reply(&canceled[0]) else { panic!("expected C") };
    assert_eq!((canceled.quantity, canceled.tags.user_ref_idx()), (6, 255));
    let before = Stream::rewind(&venue, "ALICE");
    venue.kill();
    let venue = site.start();
    assert_eq!(venue.ready["session"], "0000000002");
    assert_eq!(Stream::rewind(&venue, "ALICE").bytes, before.bytes);
    venue.kill();
    // Streams are derived: they are told again.
    std::fs::remove_dir_all(site.data_dir.join("outbound")).expect("streams may be deleted");
    let venue = site.start();
    assert_eq!(Stream::rewind(&venue, "ALICE").bytes, before.bytes);
    assert_eq!(venue.terminate(), Some(0));
    site.verify();
}

#[test]
fn what_is_on_its_way_when_the_session_rolls_is_carried_out_in_no_session() {
    let site = Site::new(&with(""));
    let venue = site.start();
    let mut alice = venue.login("ALICE");
    let mut bytes = Vec::new();
    for n in 1..=20_000 {
        soup::put_packet(kind::UNSEQUENCED, &enter(n, b'B', 1, "ESH4"), &mut bytes);
    }
    let mut writer = alice.socket().try_clone().expect("a second handle");
    let writing = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &bytes));
    alice.expect("A");
    admin(&site, &venue, "roll-session");
    let letters: Vec<u8> = farewell(&mut alice).iter().map(|message| message[0]).collect();
    // A venue that has closed first is as good as one that has read everything.
    let _ = writing.join().expect("the writer does not panic");
    let taken = 1 + letters.iter().filter(|letter| **letter == b'A').count();
    let ended = letters.iter().filter(|letter| **letter == b'C').count();
    assert_eq!((taken, letters.len()), (ended, taken - 1 + ended), "each order lived and ended");
    venue.login("ALICE").assert_silent(1);
    assert_eq!(venue.status()["orders_live"], 0);
}

/// Orders that rest and are cancelled, without waiting for each answer: about 1.7 MiB of journal.
fn fill(venue: &Running, first: u32) -> u32 {
    const ORDERS: u32 = 10_000;
    let mut carol = venue.login("CAROL");
    for batch in (first..first + ORDERS).collect::<Vec<_>>().chunks(500) {
        let mut bytes = Vec::new();
        for n in batch {
            soup::put_packet(kind::UNSEQUENCED, &enter(*n, b'B', 1, "AAPL"), &mut bytes);
            soup::put_packet(kind::UNSEQUENCED, &cancel(*n), &mut bytes);
        }
        carol.send_bytes(&bytes);
        batch.iter().for_each(|_| drop(carol.expect("AC")));
    }
    first + ORDERS
}

fn snapshot(site: &Site, venue: &Running) {
    let barrier = admin(site, venue, "snapshot")["sequence"].clone();
    eventually("the snapshot", || (venue.status()["snapshot"]["sequence"] == barrier).then_some(()));
}

#[test]
fn segments_of_earlier_sessions_go_and_the_present_one_can_still_be_told() {
    let (site, venue) = in_the_second_session();
    let next = fill(&venue, 1);
    snapshot(&site, &venue);
    fill(&venue, next);
    snapshot(&site, &venue);
    let first = site.data_dir.join("journal/0000000001.seg");
    eventually("segments of the first session go", || (!first.exists()).then_some(()));
    let streams = |venue: &Running| ["ALICE", "CAROL"].map(|name| Stream::rewind(venue, name).bytes);
    let before = streams(&venue);
    venue.kill();
    let venue = site.start();
    assert_eq!(streams(&venue), before);
    venue.kill();
    std::fs::remove_dir_all(site.data_dir.join("outbound")).expect("streams may be deleted");
    let venue = site.start();
    assert_eq!(venue.ready["session"], "0000000002");
    assert_eq!(streams(&venue), before, "told again from the snapshot before the session");
    // It trades, with what was carried over.
    let sold = venue.login("BOB").trade(&enter(1, b'S', 4, "ESH4"), "AE");
    assert!(matches!(reply(&sold[1]), Reply::Executed(executed) if executed.quantity == 4));
    assert_eq!(venue.terminate(), Some(0));
}

#[test]
fn a_stream_that_cannot_be_created_for_a_new_session_is_told_and_no_panic() {
    let site = Site::new(&with(""));
    let venue = site.start();
    let mut alice = venue.login("ALICE");
    alice.trade(&gtc(1, b'B', 10, PRICE), "A");
    admin(&site, &venue, "roll-session");
    farewell(&mut alice);
    venue.kill();
    // Told again from the beginning, and a directory is in the way of the second session's first stream.
    for entry in std::fs::read_dir(site.data_dir.join("snapshots")).expect("snapshots").flatten() {
        std::fs::remove_file(entry.path()).expect("a snapshot may be deleted");
    }
    let obstacle = "0000000001.0000000002.out";
    let path = site.data_dir.join("outbound").join(obstacle);
    std::fs::remove_file(&path).expect("streams may be deleted");
    std::fs::create_dir(&path).expect("a directory");
    let exit = site.refused();
    assert_eq!(exit.code, Some(4), "{}", exit.stderr);
    assert!(exit.stderr.contains(obstacle) && !exit.stderr.contains("panic"), "{}", exit.stderr);
    std::fs::remove_dir(&path).expect("still empty");
    assert_eq!(site.start().ready["session"], "0000000002");
}

#[test]
fn no_segment_goes_before_it_is_archived() {
    let site = Site::new("");
    let archive = site.path().join("archive");
    let archiving = pruning().replace("[journal]", &format!("[journal]\narchive = {archive:?}"));
    site.configure(&archiving);
    // A directory where the copy is to be written: the archive fails at its first segment, and waits a minute.
    let obstacle = archive.join("0000000001.seg.zst.tmp");
    std::fs::create_dir_all(&obstacle).expect("a directory");
    let venue = site.start();
    fill(&venue, 1);
    snapshot(&site, &venue);
    admin(&site, &venue, "roll-session");
    let mut next = 1;
    for _ in 0..2 {
        next = fill(&venue, next);
        snapshot(&site, &venue);
    }
    let first = site.data_dir.join("journal/0000000001.seg");
    assert!(first.exists(), "not archived yet");
    assert_eq!(venue.terminate(), Some(0));
    std::fs::remove_dir(&obstacle).expect("still a directory");
    let venue = site.start();
    let copy = archive.join("0000000001.seg.zst");
    eventually("the first segment is archived", || copy.exists().then_some(()));
    snapshot(&site, &venue);
    eventually("the first segment goes", || (!first.exists()).then_some(()));
    assert_eq!(venue.terminate(), Some(0));
}

fn flip_a_bit(path: &Path) {
    let mut bytes = std::fs::read(path).expect("the file can be read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(path, bytes).expect("the file can be written");
}

/// Snapshot files, oldest first.
fn snapshots(site: &Site) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(site.data_dir.join("snapshots")).expect("a snapshot directory");
    let mut found: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "snap"));
    found.sort();
    found
}

/// Small segments, pruned.
fn pruning() -> String {
    with("[snapshot]\nprune_sessions = true")
        .replace("sync = \"always\"", "sync = \"never\"")
        .replace("segment_size = 4194304", "segment_size = 1048576")
}

/// A venue that prunes, with a snapshot of its first session, and an order of ALICE that was carried into the second.
fn in_the_second_session() -> (Site, Running) {
    let site = Site::new(&pruning());
    let venue = site.start();
    let mut alice = venue.login("ALICE");
    alice.trade(&gtc(1, b'B', 10, PRICE), "A");
    fill(&venue, 1);
    snapshot(&site, &venue);
    admin(&site, &venue, "roll-session");
    farewell(&mut alice);
    (site, venue)
}

/// Pruned in its second session, and just rolled to the third, with one snapshot of that. Its stream of ALICE.
fn right_after_the_second_roll() -> (Site, Vec<u8>) {
    let (site, venue) = in_the_second_session();
    fill(&venue, 1);
    (0..2).for_each(|_| snapshot(&site, &venue));
    let first = site.data_dir.join("journal/0000000001.seg");
    eventually("segments of the first session go", || (!first.exists()).then_some(()));
    admin(&site, &venue, "roll-session");
    snapshot(&site, &venue);
    let told = Stream::rewind(&venue, "ALICE").bytes;
    venue.kill();
    (site, told)
}

#[test]
fn right_after_a_second_roll_one_damaged_snapshot_and_lost_streams_are_no_end() {
    let (site, told) = right_after_the_second_roll();
    let found = snapshots(&site);
    flip_a_bit(found.last().expect("a snapshot"));
    std::fs::remove_dir_all(site.data_dir.join("outbound")).expect("streams may be deleted");
    let venue = site.start();
    assert_eq!(venue.ready["session"], "0000000003");
    assert_eq!(Stream::rewind(&venue, "ALICE").bytes, told);
    venue.kill();
    // Two damaged ones are one too many; the message names both.
    flip_a_bit(&found[0]);
    std::fs::remove_dir_all(site.data_dir.join("outbound")).expect("streams may be deleted");
    let exit = site.refused();
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    for broken in [&found[0], &found[found.len() - 1]] {
        let name = broken.file_name().and_then(|name| name.to_str()).expect("ASCII");
        assert!(exit.stderr.lines().last().is_some_and(|line| line.contains(name)), "{}", exit.stderr);
    }
}

/// A journal whose only command was stamped at this time.
fn journal_of(site: &Site, time_ns: u64) {
    std::fs::create_dir_all(&site.data_dir).expect("a data directory");
    let disk = Directory::create(&site.data_dir.join("journal")).expect("a journal directory");
    let options = SegmentOptions { length: 4 << 20, ahead: 1, pace: Pace::Unpaced };
    let (source, task) = preparer(disk, options, 1);
    let preparing = std::thread::spawn(move || task.run());
    let mut journal = Journal::create(source, new_epoch(), time_ns).expect("a journal");
    let command = Command { login: LoginId::VENUE, action: Action::StartSession(1) };
    journal.append(1, time_ns, &command).expect("a record");
    journal.close().expect("an orderly end");
    drop(journal);
    preparing.join().expect("the preparer ends with its journal");
}

/// `HH:MM` of a moment.
fn time_of_day(time_ns: u64) -> String {
    let minutes = time_ns % DAY_NS / MINUTE_NS;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_nanos() as u64
}

fn rolls(data_dir: &Path) -> usize {
    let past = std::process::Command::new(binary())
        .args(["replay", "print", "--data-dir", data_dir.to_str().expect("temporary paths are ASCII")])
        .output()
        .expect("the past can be printed");
    let text = String::from_utf8(past.stdout).expect("JSON lines");
    text.lines().filter(|line| line.contains("\"roll_session\"")).count()
}

#[test]
fn a_roll_that_was_missed_happens_at_the_next_start_and_once() {
    // The day before yesterday; the roll was an hour later, and so was one yesterday.
    let last = now_ns() - 2 * DAY_NS;
    let site = Site::new(&with(&format!("[session]\nroll_at = \"{}\"", time_of_day(last + 60 * MINUTE_NS))));
    journal_of(&site, last);
    for _ in 0..2 {
        let venue = site.start();
        assert_eq!(venue.ready["session"], "0000000002");
        assert_eq!(venue.status()["session"], "0000000002");
        venue.kill();
    }
    assert_eq!(rolls(&site.data_dir), 1);
}

#[test]
fn a_roll_at_that_is_new_in_the_file_misses_nothing() {
    // Up until now, with nothing to journal since yesterday; the roll would have been an hour after that.
    let last = now_ns() - DAY_NS;
    let site = Site::new(&with(""));
    journal_of(&site, last);
    std::fs::write(site.data_dir.join("roll_at"), "never\n").expect("the data directory is there");
    let roll_at = |time_ns| with(&format!("[session]\nroll_at = \"{}\"", time_of_day(time_ns)));
    site.configure(&roll_at(last + 60 * MINUTE_NS));
    let venue = site.start();
    assert_eq!(venue.ready["session"], "0000000001");
    venue.kill();
    let remembered = std::fs::read_to_string(site.data_dir.join("roll_at")).expect("it is remembered");
    assert_eq!(remembered.trim_end(), time_of_day(last + 60 * MINUTE_NS));
    site.configure(&with(""));
    site.start().kill();
    assert_eq!(std::fs::read_to_string(site.data_dir.join("roll_at")).expect("remembered"), "never\n");
}

#[test]
fn the_session_rolls_when_journaled_time_says_so() {
    // The venue's clock goes on from its journal: three seconds before a full minute of tomorrow.
    let roll = (now_ns() + DAY_NS) / MINUTE_NS * MINUTE_NS;
    let site = Site::new(&with(&format!("[session]\nroll_at = \"{}\"", time_of_day(roll))));
    journal_of(&site, roll - 3_000_000_000);
    let venue = site.start();
    assert_eq!(venue.ready["session"], "0000000001");
    let mut alice = venue.login("ALICE");
    alice.trade(&enter(1, b'B', 7, "ESH4"), "A");
    assert_eq!(farewell(&mut alice)[0][0], b'C');
    assert_eq!(venue.status()["session"], "0000000002");
    venue.kill();
    let venue = site.start();
    assert_eq!(venue.ready["session"], "0000000002");
    venue.kill();
    assert_eq!(rolls(&site.data_dir), 1);
}

//! A disk that stops answering for a while, one that cannot be written, and files that somebody else cuts short.

mod support;

use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ringside_wire::soup::kind;
use support::{CONFIG, Client, Exit, Got, PATIENCE, Running, Site, Stream, enter, eventually, strace_works};

/// How long the disk does not answer.
const STALL: Duration = Duration::from_secs(5);
/// Which call of the journaler hangs: beyond what other threads call at the start.
const STALLED_CALL: u32 = 60;

fn config(writer: &str, layout: &str) -> String {
    let config = CONFIG.replace("layout = \"auto\"", &format!("layout = \"{layout}\""));
    config.replace("[journal]", &format!("[journal]\nwriter = \"{writer}\""))
}

/// A venue one of whose syncs takes five seconds.
fn start_with_a_stall(site: &Site, call: &str) -> Running {
    let trace = format!("trace={call}");
    let inject = format!("inject={call}:delay_enter={}:when={STALLED_CALL}", STALL.as_micros());
    site.start_under(&["strace", "-D", "-f", "-o", "/dev/null", "-e", &trace, "-e", &inject])
}

/// Orders one by one until one is not answered within a second; how many were, and when that one was sent.
fn trade_until_stalled(client: &mut Client) -> (u32, Instant) {
    for n in 1..2 * STALLED_CALL {
        let sent = Instant::now();
        client.send(&enter(n, b'B', 1, "ESH4"));
        match client.next(Duration::from_secs(1)) {
            Got::Packet(kind::SEQUENCED, _) => {}
            Got::Nothing => return (n - 1, sent),
            other => panic!("{other:?} instead of an answer or a stall"),
        }
    }
    panic!("the disk did not stall");
}

/// The venue says that it is stalled, answers nobody, loses nobody, and goes on by itself.
fn survives_a_stall(writer: &str, call: &str, layout: &str) {
    if !strace_works() {
        return;
    }
    let site = Site::new(&config(writer, layout));
    let venue = start_with_a_stall(&site, call);
    let (mut alice, mut bob) = (venue.login("ALICE"), venue.login("BOB"));
    // Connected before the stall, logs in during it: the time to log in must not run out meanwhile.
    let mut carol = Client::connect(venue.order_entry());
    let (answered, sent) = trade_until_stalled(&mut alice);

    let (code, reason) = venue.http("/readyz");
    assert_eq!((code, reason.as_str()), (503, "journal sync is stalled\n"));
    assert_eq!(venue.http("/livez").0, 200);
    assert_eq!(venue.metric("ringside_journal_stalled"), 1);
    if layout != "two-cores" {
        assert!(hears_heartbeats(&mut bob), "the gateway has a thread of its own");
    }
    carol.login("CAROL", 0).expect("a login during the stall");
    match alice.next(PATIENCE) {
        Got::Packet(kind::SEQUENCED, message) => assert_eq!(message[0], b'A'),
        other => panic!("{other:?} instead of the answer after the stall"),
    }
    assert!(sent.elapsed() >= STALL, "answered after {:?}: before its sync ended", sent.elapsed());

    eventually("ready again", || (venue.http("/readyz").0 == 200).then_some(()));
    assert_eq!(
        (venue.metric("ringside_journal_stalled"), venue.metric("ringside_journal_stalls_total")),
        (0, 1)
    );
    eventually("both lines of the log", || {
        let log = venue.stderr();
        (log.contains("journal stalled") && log.contains("journal goes on")).then_some(())
    });
    bob.trade(&enter(1, b'B', 1, "ESH4"), "A");
    carol.trade(&enter(1, b'B', 1, "ESH4"), "A");
    assert_eq!(venue.disconnects("login_deadline") + venue.disconnects("silence"), 0);
    venue.kill();
    let stream = Stream::rewind(&site.start(), "ALICE");
    assert_eq!(stream.count, u64::from(answered) + 1);
}

/// True when the venue breaks the silence while its disk does not answer.
fn hears_heartbeats(client: &mut Client) -> bool {
    let mut socket = client.socket();
    socket.set_read_timeout(Some(Duration::from_secs(2))).expect("not zero");
    let mut bytes = [0; 64];
    let count = socket.read(&mut bytes).unwrap_or(0);
    count >= 3 && bytes[2] == kind::SERVER_HEARTBEAT
}

#[test]
fn a_mapped_journal_that_stalls_on_the_only_thread_loses_nobody() {
    survives_a_stall("mmap", "msync", "two-cores");
}

#[test]
fn a_mapped_journal_that_stalls_on_its_own_thread_loses_nobody() {
    survives_a_stall("mmap", "msync", "three-cores");
}

#[test]
fn a_direct_journal_that_stalls_loses_nobody() {
    survives_a_stall("direct", "pwritev2", "three-cores");
}

#[test]
fn a_segment_cut_short_under_the_venue_ends_it_with_code_4_and_a_reason() {
    let site = Site::new(&config("mmap", "two-cores"));
    let mut venue = site.start();
    let mut client = venue.login("ALICE");
    client.trade(&enter(1, b'B', 1, "ESH4"), "A");
    let segment = &site.segments()[0];
    let file = std::fs::OpenOptions::new().write(true).open(segment).expect("the segment in use");
    file.set_len(0).expect("anybody may truncate a file");
    client.send(&enter(2, b'B', 1, "ESH4"));
    assert_eq!(venue.wait_exit(PATIENCE), Some(4));
    let stderr = venue.stderr();
    let line = stderr.lines().rfind(|line| line.starts_with("ringside: ")).expect("a last word");
    assert!(line.contains("SIGBUS") && line.contains("journal"), "{line}");
    assert!(
        !matches!(client.next(PATIENCE), Got::Packet(kind::SEQUENCED, _)),
        "nothing is acknowledged any more"
    );
}

#[test]
fn writers_may_take_turns_over_the_lives_of_a_journal() {
    let site = Site::new(CONFIG);
    let mut count = 0;
    for (life, writer) in ["direct", "mmap", "direct", "direct", "mmap"].into_iter().enumerate() {
        site.configure(&config(writer, "auto"));
        let venue = site.start();
        assert_eq!(Stream::rewind(&venue, "ALICE").count, count, "life {life}");
        let mut client = venue.login("ALICE");
        for _ in 0..20 {
            count += 1;
            client.trade(&enter(count as u32, b'B', 1, "ESH4"), "A");
        }
        match life % 2 {
            0 => venue.kill(),
            _ => assert_eq!(venue.terminate(), Some(0)),
        }
        site.verify();
    }
}

#[test]
fn a_killed_direct_journal_keeps_what_was_answered_in_every_mode() {
    for sync in ["always", "interval", "never"] {
        let site =
            Site::new(&config("direct", "auto").replace("sync = \"always\"", &format!("sync = \"{sync}\"")));
        let venue = site.start();
        let mut client = venue.login("ALICE");
        for n in 1..=50 {
            client.trade(&enter(n, b'B', 1, "ESH4"), "A");
        }
        venue.kill();
        assert_eq!(Stream::rewind(&site.start(), "ALICE").count, 50, "{sync}");
    }
}

#[test]
fn sealed_segments_go_to_the_archive_and_a_segment_from_there_is_as_good() {
    let site = Site::new(CONFIG);
    let archive = site.path().join("archive");
    let small = CONFIG.replace("segment_size = 4194304", "segment_size = 1048576");
    site.configure(&small.replace("[journal]", &format!("[journal]\narchive = {archive:?}")));
    let venue = site.start();
    let mut client = venue.login("ALICE");
    for n in (1..=12_000).step_by(100) {
        (n..n + 100).for_each(|n| client.send(&enter(n, b'B', 1, "ESH4")));
        (0..100).for_each(|_| drop(client.expect("A")));
    }
    let archived = archive.join("0000000001.seg.zst");
    eventually("the first segment is archived", || archived.exists().then_some(()));
    assert_eq!(venue.terminate(), Some(0));
    let before = site.verify();
    let segment = &site.segments()[0];
    std::fs::remove_file(segment).expect("the first segment");
    assert!(run("zstd", &["-dq", archived.to_str().expect("ASCII"), "-o", segment.to_str().expect("ASCII")]));
    assert_eq!(site.verify(), before);
}

#[test]
fn an_archive_that_cannot_be_had_is_refused_by_key() {
    let site = Site::new(CONFIG);
    let config = CONFIG.replace("[journal]", &format!("[journal]\narchive = {:?}", site.config()));
    site.configure(&config);
    assert_usage(&site.refused(), &["ringside.toml", "journal.archive"]);
}

/// A file system in memory, mounted for a test. `None`, with a printed reason, where that is not allowed.
struct Mounted(tempfile::TempDir);

impl Mounted {
    fn new(kind: &str) -> Option<Mounted> {
        let mounted = Mounted(tempfile::tempdir().expect("a temporary directory"));
        if run("mount", &["-t", kind, kind, mounted.text()]) {
            return Some(mounted);
        }
        println!("skipped: {kind} cannot be mounted here");
        // Nothing was mounted: the drop below must not unmount.
        std::mem::forget(mounted);
        None
    }

    fn text(&self) -> &str {
        self.0.path().to_str().expect("ASCII")
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        run("umount", &["-l", self.text()]);
    }
}

fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

fn assert_usage(exit: &Exit, parts: &[&str]) {
    assert_eq!(exit.code, Some(2), "{}", exit.stderr);
    let message: Vec<_> = exit.stderr.lines().filter(|line| !line.starts_with('{')).collect();
    assert!((1..=3).contains(&message.len()), "{message:?}");
    parts.iter().for_each(|part| assert!(message.concat().contains(part), "{part} in {message:?}"));
}

#[test]
fn a_file_system_without_direct_writes_is_named_with_the_key_and_can_be_mapped() {
    let Some(ramfs) = Mounted::new("ramfs") else { return };
    let site = Site::with_data_dir(&config("direct", "auto"), &ramfs.path().join("data"));
    assert_usage(&site.refused(), &["ringside.toml", "journal.writer", "O_DIRECT", ramfs.text()]);
    site.configure(&config("mmap", "auto"));
    site.start().login("ALICE").trade(&enter(1, b'B', 1, "ESH4"), "A");
}

#[test]
fn a_data_directory_that_cannot_be_written_is_refused() {
    let Some(tmpfs) = Mounted::new("tmpfs") else { return };
    let site = Site::with_data_dir(CONFIG, &tmpfs.path().join("data"));
    let venue = site.start();
    venue.login("ALICE").trade(&enter(1, b'B', 1, "ESH4"), "A");
    assert_eq!(venue.terminate(), Some(0));
    assert!(run("mount", &["-o", "remount,ro", tmpfs.text()]), "what is mounted can be mounted read-only");
    assert_usage(&site.refused(), &[tmpfs.text(), "ead-only"]);
    assert!(run("mount", &["-o", "remount,rw", tmpfs.text()]), "and writable again");
    site.start().login("ALICE").trade(&enter(2, b'B', 1, "ESH4"), "A");
}

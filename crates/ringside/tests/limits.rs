//! What a client may not have too much of, and files that no journal is: refused with their reason, and life goes on.

mod support;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ringside_wire::ouch::Reply;
use support::*;

/// Configuration or usage; corrupted journal; storage.
const REFUSALS: [i32; 3] = [2, 3, 4];
const RATE: u16 = 0x29;

fn with_limits(keys: &str) -> String {
    format!("{CONFIG}[[limits]]\nscope = \"login:ALICE\"\n{keys}\n")
}

fn reason(message: &[u8]) -> Option<u16> {
    match reply(message) {
        Reply::Rejected(rejected) => Some(rejected.reason),
        _ => None,
    }
}

#[test]
fn a_flood_over_the_rate_limit_is_refused_order_by_order_and_never_silent() {
    let site = Site::new(&with_limits("rate = 10\nburst = 10"));
    let venue = site.start();
    let (mut alice, mut bob) = (venue.login("ALICE"), venue.login("BOB"));
    (1..=100).for_each(|n| alice.send(&enter(n, b'B', 1, "ESH4")));
    let answers: Vec<_> = (1..=100).map(|_| alice.message()).collect();
    let refused = answers.iter().filter_map(|answer| reason(answer)).collect::<Vec<_>>();
    assert!(refused.iter().all(|reason| *reason == RATE), "{refused:02x?}");
    assert!((1..=90).contains(&refused.len()), "{} of 100 orders were refused", refused.len());
    // Cancels have no rate, and others have their own.
    alice.trade(&cancel(1), "C");
    bob.trade(&enter(1, b'B', 1, "ESH4"), "A");
}

#[test]
fn beyond_ten_times_the_rate_a_socket_is_not_read_and_every_order_is_answered_all_the_same() {
    let site = Site::new(&with_limits("rate = 10\nburst = 10"));
    let venue = site.start();
    let (mut alice, mut bob) = (venue.login("ALICE"), venue.login("BOB"));
    let since = Instant::now();
    // A hundred are read at once, and then a hundred a second.
    (1..=250).for_each(|n| alice.send(&enter(n, b'B', 1, "ESH4")));
    alice.send(&cancel(1));
    eventually("the socket is left unread", || (venue.metric("ringside_throttled_total") > 0).then_some(()));
    bob.trade(&enter(1, b'B', 1, "ESH4"), "A");
    let answers: Vec<_> = (1..=250).map(|_| alice.message()).collect();
    let accepted = answers.iter().filter(|answer| answer[0] == b'A').count();
    let refused = answers.iter().filter(|answer| reason(answer) == Some(RATE)).count();
    assert_eq!(accepted + refused, 250, "accepted and refused are all that was sent");
    alice.expect("C");
    // 151 beyond the hundred take a second and a half; the venue's clock may be a twentieth faster than ours.
    assert!(since.elapsed() > Duration::from_millis(1_300), "read within {:?}", since.elapsed());
}

#[test]
fn one_order_more_than_there_may_be_is_refused_and_a_cancel_makes_room() {
    let site = Site::new(&with_limits("max_orders = 3"));
    let venue = site.start();
    let mut alice = venue.login("ALICE");
    (1..=3).for_each(|n| drop(alice.trade(&enter(n, b'B', 1, "ESH4"), "A")));
    let refused = alice.trade(&enter(4, b'B', 1, "ESH4"), "J");
    assert_eq!(reason(&refused[0]), Some(0x20));
    alice.trade(&cancel(2), "C");
    alice.trade(&enter(5, b'B', 1, "ESH4"), "A");
    assert_eq!(venue.status()["orders_live"], 3);
}

#[test]
fn a_user_ref_num_that_was_used_is_silence_also_with_another_order() {
    let site = Site::new(CONFIG);
    let venue = site.start();
    let mut alice = venue.login("ALICE");
    alice.trade(&enter(1, b'B', 5, "ESH4"), "A");
    for other in [enter(1, b'S', 5, "ESH4"), enter(1, b'B', 9, "ESH4"), enter(1, b'B', 5, "AAPL")] {
        alice.send(&other);
    }
    alice.assert_silent(2);
    assert_eq!(venue.status()["orders_live"], 1);
}

/// A journal of one segment with a few orders in it, and the snapshot of an orderly end.
fn site_with_a_journal() -> Site {
    let site = Site::new(CONFIG);
    let venue = site.start();
    let mut alice = venue.login("ALICE");
    (1..=3).for_each(|n| drop(alice.trade(&enter(n, b'B', 1, "ESH4"), "A")));
    drop(alice);
    assert_eq!(venue.terminate(), Some(0));
    site
}

fn make_pipe(path: &Path) {
    let path = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).expect("no NUL in a path");
    // SAFETY: mkfifo(3) gets a NUL-terminated path that lives as long as the call.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
}

fn snapshot(site: &Site) -> PathBuf {
    let entries = std::fs::read_dir(site.data_dir.join("snapshots")).expect("snapshots");
    entries.map(|entry| entry.expect("an entry").path()).max().expect("one of an orderly end")
}

#[test]
fn what_is_no_segment_under_the_name_of_one_is_refused_and_left_alone() {
    type Replace = fn(&Path);
    let cases: [(&str, Replace); 8] = [
        ("nothing", |path| std::fs::write(path, "").expect("a file")),
        ("zeros", |path| std::fs::write(path, vec![0; 4 << 20]).expect("a file")),
        ("ones", |path| std::fs::write(path, vec![0xFF; 4 << 20]).expect("a file")),
        ("noise", |path| std::fs::write(path, b"ringside".repeat(512 << 10)).expect("a file")),
        ("a directory", |path| std::fs::create_dir(path).expect("a directory")),
        ("a link to nowhere", |path| symlink("/nonexistent/segment", path).expect("a link")),
        ("a pipe", make_pipe),
        ("a device", |path| symlink("/dev/zero", path).expect("a link")),
    ];
    for (what, replace) in cases {
        let site = site_with_a_journal();
        let segment = site.segments()[0].clone();
        std::fs::remove_file(&segment).expect("the segment");
        replace(&segment);
        let exit = site.refused();
        let code = exit.code.expect("an exit code");
        assert!(REFUSALS.contains(&code), "{what}: exit {code}, {}", exit.stderr);
        // A file without a header may be one that was made and never used: then the snapshot proves what is missing.
        let snapshot = snapshot(&site);
        let names = [&segment, &snapshot].map(|path| path.file_name().and_then(|name| name.to_str()));
        assert!(names.iter().flatten().any(|name| exit.stderr.contains(name)), "{what}: {}", exit.stderr);
        assert!(segment.symlink_metadata().is_ok(), "{what} is still there");
    }
}

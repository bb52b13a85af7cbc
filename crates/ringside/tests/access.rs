//! Who gets in, and how many: lockout, caps, the Unix socket, the audit lines, and that no secret is ever told.

mod support;

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use ringside_wire::soup::{self, kind};
use serde_json::Value;
use support::*;

const AT_ONCE: Duration = Duration::from_secs(2);
const USAGE: i32 = 2;

fn with(order_entry: &str) -> String {
    CONFIG.replacen("[order_entry]\n", &format!("[order_entry]\n{order_entry}\n"), 1)
}

fn refusal(venue: &Running, name: &str, password: &str) -> Option<Got> {
    Client::connect(venue.order_entry()).login_with(name, password, "", 0).err()
}

fn rejected() -> Option<Got> {
    Some(Got::Packet(kind::LOGIN_REJECTED, vec![b'A']))
}

/// Audit lines of a venue that ends here, so that none is on its way: event, username, outcome, reason.
fn audit(venue: &mut Running) -> Vec<[String; 4]> {
    venue.signal(libc::SIGTERM);
    assert_eq!(venue.wait_exit(PATIENCE), Some(0));
    let text = venue.stderr();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON lines"));
    let word = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let audit = lines.filter(|line| line["target"] == "ringside_audit");
    audit.map(|line| ["event", "username", "outcome", "reason"].map(|key| word(&line, key))).collect()
}

#[test]
fn failed_logins_lock_the_username_out_for_this_address_and_a_while() {
    let site = Site::new(&with("lockout_failures = 3\nlockout = \"2s\"\nunix = \"oe.sock\""));
    let mut venue = site.start();
    (0..3).for_each(|_| assert_eq!(refusal(&venue, "ALICE", "wrong"), rejected()));
    let since = Instant::now();
    assert_eq!(refusal(&venue, "ALICE", "pw-alice"), rejected(), "locked out, the right password too");
    assert_eq!(refusal(&venue, "BOB", "pw-bob"), None, "others of the same address are not");
    assert_eq!(local_login(&site, "ALICE", "pw-alice"), Some(kind::LOGIN_ACCEPTED), "nor from elsewhere");
    venue.await_disconnects("locked_out", 1);
    eventually("the lockout ends", || refusal(&venue, "ALICE", "pw-alice").is_none().then_some(()));
    assert!(since.elapsed() > Duration::from_millis(1_500), "locked out for {:?}", since.elapsed());
    let lines = audit(&mut venue);
    let line = |words: [&str; 4]| lines.iter().filter(|line| **line == words).count();
    assert_eq!(line(["login", "ALICE", "rejected", "credentials"]), 3);
    assert_eq!(line(["lockout", "ALICE", "", ""]), 1);
    assert!(line(["login", "ALICE", "rejected", "locked_out"]) >= 1);
    assert_eq!(line(["login", "BOB", "accepted", ""]), 1);
}

/// Logs in over the Unix socket; the kind of the answer.
fn local_login(site: &Site, name: &str, password: &str) -> Option<u8> {
    let mut stream = UnixStream::connect(site.path().join("oe.sock")).expect("the venue accepts connections");
    stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
    let payload = format!("{name:<6}{password:<10}{:10}{:>20}", "", 0);
    let mut packet = Vec::new();
    soup::put_packet(kind::LOGIN_REQUEST, payload.as_bytes(), &mut packet);
    stream.write_all(&packet).expect("sent");
    let mut header = [0; 3];
    stream.read_exact(&mut header).ok().map(|()| header[2])
}

#[test]
fn every_attempt_is_one_audit_line_whatever_the_log_level_and_name() {
    let site = Site::new(CONFIG);
    let mut venue = site.start_under(&["env", "RUST_LOG=error"]);
    drop(venue.login("BOB"));
    assert_eq!(refusal(&venue, "NOBODY", "pw-alice"), rejected());
    let mut client = Client::connect(venue.order_entry());
    let payload = [b"\xFF\0\"\n{\x1b", &b"pw-alice  "[..], &[b' '; 30]].concat();
    client.send_packet(kind::LOGIN_REQUEST, &payload);
    assert_eq!(client.next(PATIENCE), Got::Packet(kind::LOGIN_REJECTED, vec![b'A']));
    let mut client = Client::connect(venue.order_entry());
    assert_eq!(
        client.login_with("ALICE", "pw-alice", "NOSUCH", 0).unwrap_err(),
        Got::Packet(kind::LOGIN_REJECTED, vec![b'S'])
    );
    let expected = [
        ["login", "BOB", "accepted", ""],
        ["login", "NOBODY", "rejected", "credentials"],
        ["login", "\\xff\\x00\\\"\\n{\\x1b", "rejected", "credentials"],
        ["login", "ALICE", "rejected", "session"],
    ];
    assert_eq!(audit(&mut venue), expected.map(|line| line.map(String::from)));
}

#[test]
fn no_secret_is_in_the_log_of_a_whole_run_at_any_level() {
    let hash = "$argon2id$v=19$m=8,t=1,p=1$cmluZ3NpZGUtc2FsdA$AAAAAAAAAAAAAAAAAAAAAA";
    let config = CONFIG.replace("password = \"pw-carol\"", &format!("password_hash = {hash:?}")).replacen(
        "[admin]\n",
        "[admin]\ntoken = \"tok-secret\"\n",
        1,
    );
    let site = Site::new(&config);
    let mut venue = site.start_under(&["env", "RUST_LOG=trace"]);
    let mut alice = venue.login("ALICE");
    alice.trade(&enter(1, b'B', 1, "ESH4"), "A");
    for (name, password) in [("ALICE", "guess-1"), ("CAROL", "guess-2"), ("NOBODY", "guess-3")] {
        assert_eq!(refusal(&venue, name, password), rejected());
    }
    for token in ["tok-secret", "tok-guess"] {
        let mut stream = std::net::TcpStream::connect(venue.admin()).expect("the admin port listens");
        let body = "{\"command\":\"snapshot\"}";
        write!(
            stream,
            "POST /command HTTP/1.1\r\nHost: venue\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
    }
    // Not a packet, with a password in it.
    let mut stranger = Client::connect(venue.order_entry());
    stranger.send_bytes(b"guess-4 guess-4 guess-4");
    assert!(stranger.closed_within(AT_ONCE).is_some());
    venue.signal(libc::SIGTERM);
    assert_eq!(venue.wait_exit(PATIENCE), Some(0));
    let log = venue.stderr() + &venue.stdout();
    assert!(
        log.contains("\"level\":\"DEBUG\"") || log.contains("\"level\":\"TRACE\""),
        "nothing is hidden by the level"
    );
    for secret in
        ["pw-alice", "pw-bob", "guess-", "argon2id", "cmluZ3NpZGUtc2FsdA", "tok-secret", "tok-guess"]
    {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn connections_over_a_cap_are_closed_at_once_and_counted_by_reason() {
    let site = Site::new(&with("connections_max = 4\nper_address_max = 4"));
    let venue = site.start();
    let held: Vec<_> = ["ALICE", "BOB", "CAROL"].map(|name| venue.login(name)).into();
    let _fourth = Client::connect(venue.order_entry());
    let mut fifth = Client::connect(venue.order_entry());
    assert!(fifth.closed_within(AT_ONCE).is_some());
    venue.await_disconnects("too_many", 1);
    drop(held);
    eventually("there is room again", || (venue.status()["logged_in"] == 0).then_some(()));
    venue.login("ALICE").trade(&enter(1, b'B', 1, "ESH4"), "A");
}

#[test]
fn one_address_has_a_cap_of_its_own() {
    let site = Site::new(&with("per_address_max = 2\nunix = \"oe.sock\""));
    let venue = site.start();
    let _held = [venue.login("ALICE"), venue.login("BOB")];
    assert!(Client::connect(venue.order_entry()).closed_within(AT_ONCE).is_some());
    venue.await_disconnects("per_address", 1);
    assert_eq!(local_login(&site, "CAROL", "pw-carol"), Some(kind::LOGIN_ACCEPTED), "another address");
}

#[test]
fn a_flood_of_silent_connections_pushes_out_its_own_and_keeps_nobody_from_logging_in() {
    let site = Site::new(&with("unauthenticated_max = 8"));
    let venue = site.start();
    let mut alice = venue.login("ALICE");
    let mut silent: Vec<_> = (0..40).map(|_| Client::connect(venue.order_entry())).collect();
    venue.await_disconnects("unauthenticated", 32);
    assert!(silent[0].closed_within(AT_ONCE).is_some());
    alice.trade(&enter(1, b'B', 1, "ESH4"), "A");
    venue.login("BOB").trade(&enter(1, b'S', 1, "ESH4"), "AE");
    venue.await_disconnects("unauthenticated", 33);
}

/// Logins at once behind a password whose check takes some 50 ms: three times as many as can be made before their deadline.
const DEAR_LOGINS: usize = 300;
const DEAR: &str =
    "$argon2id$v=19$m=19456,t=20,p=1$cmluZ3NpZGUtc2FsdC0xNg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[test]
fn of_more_logins_than_can_be_checked_in_time_some_are_answered_and_the_others_are_told_to_come_again() {
    let logins = (0..DEAR_LOGINS)
        .map(|n| format!("[[login]]\nusername = \"D{n}\"\npassword_hash = \"{DEAR}\"\nfirm = \"DEAR\"\n"));
    let site = Site::new(&(CONFIG.to_owned() + &logins.collect::<String>()));
    let venue = site.start();
    let mut alice = venue.login("ALICE");
    let asked: Vec<_> = (0..DEAR_LOGINS).map(|n| ask(&venue, &format!("D{n}"))).collect();
    // Who is active is answered all the while.
    for n in 1..=20 {
        alice.trade(&enter(n, b'B', 1, "ESH4"), "A");
    }
    let ends = asked.into_iter().map(|mut client| client.next(PATIENCE));
    let (answered, closed): (Vec<_>, Vec<_>) = ends.partition(|end| matches!(end, Got::Packet(..)));
    assert!(closed.iter().all(|end| matches!(end, Got::Closed)), "{closed:?}");
    assert!(answered.iter().all(|end| Some(end) == rejected().as_ref()), "{answered:?}");
    assert!(!answered.is_empty(), "those who fit are checked");
    let refused = || venue.disconnects("verifier_busy") + venue.disconnects("login_deadline");
    eventually("all are counted", || (refused() == closed.len() as u64).then_some(()));
    assert!(venue.disconnects("verifier_busy") > 50, "at once, not at their deadline");
    venue.await_disconnects("login_rejected", answered.len() as u64);
}

/// A connection that has asked for a login with a wrong password.
fn ask(venue: &Running, name: &str) -> Client {
    let mut client = Client::connect(venue.order_entry());
    let payload = format!("{name:<6}{:<10}{:10}{:>20}", "wrong", "", 0);
    client.send_packet(kind::LOGIN_REQUEST, payload.as_bytes());
    client
}

/// 64 files are a few connections; all that come beyond them are told apart from those who got in.
#[test]
fn few_file_descriptors_are_not_used_up_and_the_venue_does_not_spin() {
    let site = Site::new(CONFIG);
    let venue = site.start_under(&["prlimit", "--nofile=64:64"]);
    let mut alice = venue.login("ALICE");
    let strangers: Vec<_> = (0..200).map(|_| Client::connect(venue.order_entry())).collect();
    eventually("every one of them was accepted", || {
        (venue.metric("ringside_connections_accepted_total") == 201).then_some(())
    });
    alice.trade(&enter(1, b'B', 1, "ESH4"), "A");
    let before = cpu_ticks(venue.pid());
    std::thread::sleep(Duration::from_secs(1));
    let used = cpu_ticks(venue.pid()) - before;
    assert!(used < 60, "{used} hundredths of a second of CPU time in a second of silence");
    assert_eq!(venue.http("/livez").0, 200, "the admin port has a descriptor left");
    drop(strangers);
    eventually("there is room again", || refusal(&venue, "BOB", "pw-bob").is_none().then_some(()));
}

/// User and system time of a process, in ticks of 10 ms.
fn cpu_ticks(pid: i32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a living process");
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    fields[11].parse::<u64>().expect("utime") + fields[12].parse::<u64>().expect("stime")
}

#[test]
fn orders_trade_over_the_unix_socket_which_is_gone_after_an_orderly_end() {
    let site = Site::new(&with("unix = \"oe.sock\""));
    let mut venue = site.start();
    let socket = site.path().join("oe.sock");
    assert_eq!(std::fs::metadata(&socket).expect("a socket").permissions().mode() & 0o777, 0o660);
    assert_eq!(venue.ready["order_entry_unix"], "oe.sock");
    let flow = site.path().join("flow.csv");
    let rows = "time_ns,action,order_id,symbol,side,price,quantity,tif,new_order_id\n\
                1,new,1,ESH4,S,4800.25,5,day,\n2,new,2,ESH4,B,4800.25,3,ioc,\n";
    std::fs::write(&flow, rows).expect("a flow");
    let exit = site.run(&[
        "send",
        "--to",
        "unix:oe.sock",
        "--username",
        "ALICE",
        "--password",
        "pw-alice",
        "flow.csv",
    ]);
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(exit.stdout.contains("\"fills\":1"), "{}", exit.stdout);
    venue.signal(libc::SIGTERM);
    assert_eq!(venue.wait_exit(PATIENCE), Some(0));
    assert!(venue.stderr().contains("unix:uid="), "the audit line names the user of this host");
    assert!(!socket.exists());
}

#[test]
fn a_stale_unix_socket_is_replaced_and_a_live_one_is_refused() {
    let site = Site::new(&with("unix = \"oe.sock\""));
    site.start().kill();
    assert!(site.path().join("oe.sock").exists(), "a killed venue leaves its socket");
    let venue = site.start();
    assert_eq!(local_login(&site, "ALICE", "pw-alice"), Some(kind::LOGIN_ACCEPTED));
    let elsewhere = with("unix = \"oe.sock\"").replacen("[order_entry]", "# [order_entry]", 0);
    let second =
        Site::new(&elsewhere.replace("oe.sock", site.path().join("oe.sock").to_str().expect("ASCII")));
    let exit = second.refused();
    assert_eq!(exit.code, Some(USAGE), "{}", exit.stderr);
    assert!(exit.stderr.contains("order_entry.unix") && exit.stderr.contains("oe.sock"), "{}", exit.stderr);
    assert_eq!(local_login(&site, "BOB", "pw-bob"), Some(kind::LOGIN_ACCEPTED), "the live one goes on");
    drop(venue);
}

#[test]
fn a_file_of_secrets_that_others_can_read_is_a_warning() {
    let site = Site::new(CONFIG);
    let mode = |mode| std::fs::set_permissions(site.config(), std::fs::Permissions::from_mode(mode));
    mode(0o644).expect("its owner");
    let warning = "others can read the passwords";
    let venue = site.start();
    eventually("the warning", || venue.stderr().contains(warning).then_some(()));
    assert_eq!(venue.terminate(), Some(0));
    mode(0o640).expect("its owner");
    let mut venue = site.start();
    venue.signal(libc::SIGTERM);
    assert_eq!(venue.wait_exit(PATIENCE), Some(0));
    assert!(!venue.stderr().contains(warning), "{}", venue.stderr());
}

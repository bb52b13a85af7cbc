//! Several gateways through the real binary: who logs in where is nobody's business, and neither clients, the journal nor the
//! operator can tell them from one.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ringside_wire::ouch::Reply;
use ringside_wire::soup::{self, kind};
use serde_json::Value;
use support::*;

const NAMES: [&str; 3] = ["ALICE", "BOB", "CAROL"];

/// Three logins with three gateways: one each. Orders end with their connection.
fn config() -> String {
    CONFIG
        .replace("password =", "cancel_on_disconnect = true\npassword =")
        .replacen("[pipeline]", "[pipeline]\ngateways = 3", 1)
        .replacen("[admin]", "[admin]\ntoken = \"t\"", 1)
}

fn roll(site: &Site, venue: &Running) -> Value {
    let to = venue.admin().to_string();
    let answer = site.run(&["admin", "--to", &to, "--token", "t", "roll-session"]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    serde_json::from_str(answer.stdout.trim()).expect("an answer")
}

#[test]
fn logins_of_different_gateways_trade_in_one_book_and_find_it_again_after_a_kill() {
    let site = Site::new(&config());
    let venue = site.start();
    let threads: Vec<String> = venue.status()["threads"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|thread| Some(thread["name"].as_str()?.to_string()))
        .collect();
    for name in ["ringside-gate-1", "ringside-gate-2"] {
        assert!(threads.iter().any(|thread| thread == name), "{threads:?}");
    }
    let mut clients = NAMES.map(|name| venue.login(name));
    clients[0].trade(&enter(1, b'S', 10, "ESH4"), "A");
    clients[1].trade(&enter(1, b'B', 4, "ESH4"), "AE");
    clients[2].trade(&enter(1, b'B', 5, "ESH4"), "AE");
    clients[0].expect("EE");
    clients[2].trade(&enter(2, b'B', 7, "ESH4"), "AE");
    clients[0].expect("E");
    assert_eq!(venue.status()["orders_live"], 1);
    assert_eq!(
        (venue.status()["connections"].clone(), venue.status()["logged_in"].clone()),
        (3.into(), 3.into())
    );
    // The sixth of CAROL's second order rests: cancel on disconnect ends it, whichever gateway saw the end.
    drop(clients);
    eventually("all have gone", || (venue.status()["orders_live"] == 0).then_some(()));
    let before = NAMES.map(|name| Stream::rewind(&venue, name));
    venue.kill();
    let venue = site.start();
    assert_eq!(NAMES.map(|name| Stream::rewind(&venue, name).bytes), before.map(|stream| stream.bytes));
    assert_eq!(venue.terminate(), Some(0));
    site.verify();
}

#[test]
fn what_comes_with_the_login_request_moves_along_with_it() {
    let site = Site::new(&config());
    let venue = site.start();
    for name in NAMES {
        let mut client = Client::connect(venue.order_entry());
        client.send_bytes(&login_and_orders(name, 1, 500));
        let Got::Packet(kind::LOGIN_ACCEPTED, _) = client.next(PATIENCE) else { panic!("{name} is let in") };
        client.expect(&"A".repeat(500));
    }
    eventually("all are cancelled", || (venue.status()["orders_live"] == 0).then_some(()));
}

#[test]
fn what_came_before_half_a_connection_was_closed_is_carried_out_wherever_its_login_is() {
    let site = Site::new(&config());
    let venue = site.start();
    for name in NAMES {
        let before = venue.settled_sequence();
        let mut client = Client::connect(venue.order_entry());
        client.send_bytes(&login_and_orders(name, 1, 300));
        client.socket().shutdown(std::net::Shutdown::Write).expect("a TCP socket");
        let Got::Packet(kind::LOGIN_ACCEPTED, _) = client.next(PATIENCE) else { panic!("{name} is let in") };
        // A connect, the orders, a disconnect.
        venue.assert_journaled(before, 302);
    }
    assert_eq!(venue.status()["orders_live"], 0);
}

#[test]
fn a_takeover_a_wrong_session_and_a_full_house_are_what_they_are_with_one_gateway() {
    let site = Site::new(&config().replacen("[admin]", "connections_max = 4\n[admin]", 1));
    let venue = site.start();
    for name in NAMES {
        let mut first = venue.login(name);
        first.trade(&enter(1, b'B', 1, "ESH4"), "A");
        let journaled = venue.settled_sequence();
        let mut second = venue.login(name);
        assert_eq!(first.next(PATIENCE), Got::Closed);
        second.assert_silent(2);
        venue.assert_journaled(journaled, 1);
        let mut late = Client::connect(venue.order_entry());
        let password = format!("pw-{}", name.to_lowercase());
        let refused = late.login_with(name, &password, "0000000009", 1);
        assert_eq!(refused, Err(Got::Packet(kind::LOGIN_REJECTED, b"S".to_vec())));
        second.assert_silent(2);
    }
    venue.await_disconnects("taken_over", 3);
    eventually("nobody is left", || (venue.status()["connections"] == 0).then_some(()));
    // The reception hears of every connection that has gone elsewhere, or the house would be full for ever; and before it counts
    // those who come.
    for _ in 0..20 {
        let others = NAMES[1..].iter().map(|name| [venue.login(name), venue.login(name)]);
        drop(others.collect::<Vec<_>>());
        eventually("nobody is left", || (venue.status()["connections"] == 0).then_some(()));
    }
    for _ in 0..5 {
        let clients = NAMES.map(|name| venue.login(name));
        let mut fourth = Client::connect(venue.order_entry());
        let mut fifth = Client::connect(venue.order_entry());
        assert_eq!(fifth.next(PATIENCE), Got::Closed);
        fourth.login("ALICE", 0).expect("a takeover");
        drop((clients, fourth));
        eventually("nobody is left", || (venue.status()["connections"] == 0).then_some(()));
    }
    assert_eq!(venue.disconnects("too_many"), 5);
}

#[test]
fn everything_sent_at_once_is_answered_once_and_journaled_time_never_goes_back() {
    const ORDERS: u32 = 20_000;
    let site = Site::new(&config());
    let venue = site.start();
    let clients = NAMES.map(|name| venue.login(name));
    let before = venue.settled_sequence();
    let sides = [b'B', b'S', b'B'];
    let sent: Vec<_> = clients
        .into_iter()
        .zip(sides)
        .map(|(mut client, side)| {
            let mut writer = client.socket().try_clone().expect("a second handle");
            let writing = std::thread::spawn(move || {
                let mut bytes = Vec::new();
                for n in 1..=ORDERS {
                    soup::put_packet(kind::UNSEQUENCED, &enter(n, side, 1, "ESH4"), &mut bytes);
                }
                std::io::Write::write_all(&mut writer, &bytes).expect("the venue reads");
            });
            std::thread::spawn(move || {
                let mut next = 1;
                while next <= ORDERS {
                    if let Reply::Accepted(accepted) = reply(&client.message()) {
                        assert_eq!(accepted.user_ref_num, next, "in the order in which they were sent");
                        next += 1;
                    }
                }
                writing.join().expect("the writer does not panic");
                client
            })
        })
        .collect();
    let clients: Vec<Client> = sent.into_iter().map(|sent| sent.join().expect("all is answered")).collect();
    assert_eq!(venue.next_sequence() - before, 3 * u64::from(ORDERS));
    assert_eq!(venue.status()["trades"], ORDERS);
    assert_eq!(venue.terminate(), Some(0));
    drop(clients);
    site.verify();
    let data_dir = site.data_dir.to_str().expect("temporary paths are ASCII");
    let export = site.run(&["replay", "export", "--data-dir", data_dir, "--table", "commands"]);
    assert_eq!(export.code, Some(0), "{}", export.stderr);
    let time = |line: &str| line.split(',').nth(1).and_then(|time| time.parse::<u64>().ok());
    let times: Vec<u64> = export.stdout.lines().filter_map(time).collect();
    assert!(times.len() >= 3 * ORDERS as usize && times.is_sorted());
}

#[test]
fn no_gateway_lets_an_order_through_between_two_sessions() {
    let site = Site::new(&config());
    let venue = site.start();
    for session in 2..=4 {
        let mut clients = NAMES.map(|name| venue.login(name));
        let writers: Vec<_> = clients
            .iter()
            .map(|client| {
                let mut writer = client.socket().try_clone().expect("a second handle");
                std::thread::spawn(move || {
                    let mut bytes = Vec::new();
                    for n in 1..=20_000 {
                        soup::put_packet(kind::UNSEQUENCED, &enter(n, b'B', 1, "ESH4"), &mut bytes);
                    }
                    // A venue that has closed first is as good as one that has read everything.
                    let _ = std::io::Write::write_all(&mut writer, &bytes);
                })
            })
            .collect();
        clients.iter_mut().for_each(|client| drop(client.expect("A")));
        roll(&site, &venue);
        for client in &mut clients {
            let (mut taken, mut ended) = (1, 0);
            loop {
                match client.next(PATIENCE) {
                    Got::Packet(kind::SEQUENCED, message) if message[0] == b'A' => taken += 1,
                    Got::Packet(kind::SEQUENCED, message) if message[0] == b'C' => ended += 1,
                    Got::Packet(kind::END_OF_SESSION, _) => break,
                    other => panic!("no end of session: {other:?}"),
                }
            }
            assert_eq!(taken, ended, "each order lived and ended in session {}", session - 1);
        }
        writers.into_iter().for_each(|writer| writer.join().expect("the writer does not panic"));
        assert_eq!(venue.status()["session"], format!("{session:010}"));
        drop(clients);
        NAMES.iter().for_each(|name| venue.login(name).assert_silent(1));
        assert_eq!(venue.status()["orders_live"], 0);
    }
    assert_eq!(venue.terminate(), Some(0));
    site.verify();
}

#[test]
fn rolls_logins_and_an_end_at_the_same_time_leave_a_journal_that_verifies() {
    let site = Site::new(&config());
    let venue = site.start();
    let (address, over) = (venue.order_entry(), Arc::new(AtomicBool::new(false)));
    let comers: Vec<_> = ["ALICE", "BOB", "CAROL", "BOB"]
        .into_iter()
        .map(|name| {
            let over = over.clone();
            std::thread::spawn(move || {
                let bytes = login_and_orders(name, 1, 200);
                while !over.load(Ordering::Relaxed) {
                    // Whoever is refused, taken over or seen off comes again; after the end nobody listens.
                    let Ok(mut socket) = std::net::TcpStream::connect(address) else { return };
                    let _ = std::io::Write::write_all(&mut socket, &bytes);
                    let _ = socket.set_read_timeout(Some(Duration::from_millis(50)));
                    let mut chunk = [0; 65_536];
                    while std::io::Read::read(&mut socket, &mut chunk).is_ok_and(|count| count > 0) {}
                }
            })
        })
        .collect();
    (0..10).for_each(|_| drop(roll(&site, &venue)));
    let admin = venue.admin().to_string();
    let mut rolling = site.spawn(&["admin", "--to", &admin, "--token", "t", "roll-session"]);
    let begin = Instant::now();
    assert_eq!(venue.terminate(), Some(0));
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    // Carried out or told that the venue stops.
    assert!(rolling.wait_exit(PATIENCE).is_some());
    over.store(true, Ordering::Relaxed);
    comers.into_iter().for_each(|comer| comer.join().expect("nobody panics"));
    site.verify();
    let venue = site.start();
    NAMES.iter().for_each(|name| drop(Stream::rewind(&venue, name)));
    assert_eq!(venue.terminate(), Some(0));
}

#[test]
fn a_full_house_has_files_for_a_roll_with_eight_gateways() {
    let config = config().replacen("gateways = 3", "gateways = 8", 1);
    let site = Site::new(&config);
    if std::process::Command::new("prlimit").arg("--version").output().is_err() {
        return println!("skipped: no prlimit");
    }
    // 32, two for each further gateway, and three for each login and one.
    let files = 32 + 2 * 7 + 3 * 3 + 1;
    let refused = site.spawn_under(&["prlimit", &format!("--nofile={0}:{0}", files - 1)]).wait_exit(PATIENCE);
    assert_eq!(refused, Some(2), "one fewer is refused at the start");
    let venue = site.start_under(&["prlimit", &format!("--nofile={files}:{files}")]);
    let _clients = NAMES.map(|name| venue.login(name));
    let _admins: Vec<_> =
        (0..4).map(|_| std::net::TcpStream::connect(venue.admin()).expect("it listens")).collect();
    roll(&site, &venue);
    eventually("the session rolls", || (venue.status()["session"] == "0000000002").then_some(()));
    assert_eq!(venue.terminate(), Some(0));
}

#[test]
fn an_idle_venue_with_several_gateways_ends_at_once() {
    let site = Site::new(&config());
    let venue = site.start();
    let begin = Instant::now();
    assert_eq!(venue.terminate(), Some(0));
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
}

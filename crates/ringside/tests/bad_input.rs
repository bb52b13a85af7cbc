//! What a stranger, a broken client or a hostile one can send. Each time: the refusal that was promised, the
//! venue alive, somebody else's trading untouched, and exactly the promised number of commands in the journal.

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ringside_domain::Text;
use ringside_wire::ouch::{Enter, Reply, Request};
use ringside_wire::soup::{self, kind};
use support::*;

const SECOND: Duration = Duration::from_secs(1);
/// A connection that must be closed at once is closed within this on a loaded machine.
const AT_ONCE: Duration = Duration::from_secs(2);
/// Connect and disconnect of one login.
const VISIT: u64 = 2;

/// A venue and somebody who trades on it whatever the others do.
struct Floor {
    venue: Running,
    /// Deleted after the venue has ended.
    _site: Site,
    bystander: Bystander,
}

impl Floor {
    fn new() -> Floor {
        Floor::on(CONFIG)
    }

    fn on(config: &str) -> Floor {
        let site = Site::new(config);
        let venue = site.start();
        let mut bystander = Bystander::on(&venue);
        bystander.trade();
        Floor { venue, _site: site, bystander }
    }

    fn stranger(&self) -> Client {
        Client::connect(self.venue.order_entry())
    }

    /// Runs `scene`, then sees that it journaled this much and that life goes on.
    fn journals(&mut self, commands: u64, scene: impl FnOnce(&mut Floor)) {
        let before = self.venue.settled_sequence();
        scene(self);
        self.venue.assert_journaled(before, commands);
        self.goes_on();
    }

    fn goes_on(&mut self) {
        self.bystander.trade();
        assert!(self.venue.is_alive());
    }
}

/// CAROL, who trades with herself.
struct Bystander {
    client: Client,
    user_ref_num: u32,
}

impl Bystander {
    fn on(venue: &Running) -> Bystander {
        Bystander { client: venue.login("CAROL"), user_ref_num: 0 }
    }

    /// One match: two commands. Returns the longer of the two round trips.
    fn trade(&mut self) -> Duration {
        let bought = self.round(b'B', "A");
        bought.max(self.round(b'S', "AEE"))
    }

    fn round(&mut self, side: u8, letters: &str) -> Duration {
        self.user_ref_num += 1;
        let since = Instant::now();
        self.client.trade(&enter(self.user_ref_num, side, 1, "AAPL"), letters);
        since.elapsed()
    }

    /// Trades every 20 ms while `scene` runs; all round trips, sorted.
    fn trades_during(&mut self, scene: impl FnOnce()) -> Vec<Duration> {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let trader = scope.spawn(|| {
                let mut times = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    times.push(self.trade());
                    std::thread::sleep(Duration::from_millis(20));
                }
                times.sort();
                times
            });
            // Set whatever happens, so that a failed scene is told and not waited for.
            let end = SetOnDrop(&over);
            scene();
            drop(end);
            trader.join().expect("the bystander keeps trading")
        })
    }
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn rejected(message: &[u8]) -> (u32, u16) {
    match reply(message) {
        Reply::Rejected(rejected) => (rejected.user_ref_num, rejected.reason),
        other => panic!("expected J, got {other:?}"),
    }
}

fn login_packet(name: &str) -> Vec<u8> {
    login_request(name, &format!("pw-{}", name.to_lowercase()), "", 0)
}

/// Every test of this file opens sockets; one opens a thousand of them, and so does its venue.
fn allow_many_files() {
    // SAFETY: both calls get a pointer to a live, initialised rlimit.
    unsafe {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit), 0);
        limit.rlim_cur = limit.rlim_max.min(65_536);
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limit), 0);
    }
}

#[test]
fn a_thousand_silent_connections_delay_nobody_and_are_closed_at_the_login_deadline() {
    allow_many_files();
    let mut floor = Floor::new();
    let before = floor.venue.settled_sequence();
    let since = Instant::now();
    let silent: Vec<Client> = (0..1_000).map(|_| floor.stranger()).collect();
    let logins = (0..5).map(|_| {
        let since = Instant::now();
        floor.venue.login("ALICE");
        since.elapsed()
    });
    let fastest = logins.min().expect("five logins");
    assert!(fastest < Duration::from_millis(100), "a login took {fastest:?}");
    let rounds = floor.bystander.trades_during(|| {
        let mut open = silent.into_iter();
        let mut first = open.next().expect("a thousand");
        assert!(first.closed_within(PATIENCE).is_some(), "the first connection stays open");
        let after = since.elapsed();
        assert!((SECOND * 4..SECOND * 8).contains(&after), "closed after {after:?}");
        for mut client in open {
            assert!(client.closed_within(PATIENCE).is_some(), "a silent connection stays open");
        }
    });
    floor.venue.await_disconnects("login_deadline", 1_000);
    floor.venue.assert_journaled(before, 5 * VISIT + 2 * rounds.len() as u64);
    floor.goes_on();
}

#[test]
fn a_login_at_one_byte_per_second_is_closed_at_the_login_deadline() {
    let mut floor = Floor::new();
    floor.journals(0, |floor| {
        let mut slow = floor.stranger();
        let mut writer = slow.socket().try_clone().expect("a socket can be cloned");
        let since = Instant::now();
        std::thread::spawn(move || {
            for byte in login_packet("ALICE") {
                // Ends with the connection.
                if writer.write_all(&[byte]).is_err() {
                    return;
                }
                std::thread::sleep(SECOND);
            }
        });
        assert!(slow.closed_within(SECOND * 9).is_some(), "a trickling login stays open");
        assert!(since.elapsed() > Duration::from_millis(4_500), "closed after {:?}", since.elapsed());
    });
    assert_eq!(floor.venue.disconnects("login_deadline"), 1);
}

#[test]
fn a_logged_in_client_is_closed_after_15_s_without_a_byte_and_its_orders_go_once() {
    let careful = "firm = \"ALCE\"\ncancel_on_disconnect = true";
    let mut floor = Floor::on(&CONFIG.replace("firm = \"ALCE\"", careful));
    let mut silent = floor.venue.login("ALICE");
    silent.trade(&enter(1, b'B', 1, "ESH4"), "A");
    let since = Instant::now();
    let rounds = floor.bystander.trades_during(|| {
        assert!(silent.closed_within(SECOND * 19).is_some(), "a silent client stays open");
    });
    assert!(since.elapsed() > SECOND * 14, "closed after {:?}", since.elapsed());
    assert_eq!(floor.venue.disconnects("silence"), 1);
    assert!(rounds.len() > 100, "the bystander made {} rounds", rounds.len());
    let canceled = floor.venue.login_from("ALICE", 1).expect("AC");
    let Reply::Canceled(canceled) = reply(&canceled[1]) else { panic!("expected C") };
    assert_eq!((canceled.user_ref_num, canceled.reason), (1, b'S'));
}

#[test]
fn a_client_that_is_not_read_for_its_rate_is_not_taken_for_silent() {
    let site = Site::new(&format!("{CONFIG}[[limits]]\nscope = \"login:ALICE\"\nrate = 1\n"));
    let venue = site.start();
    let mut alice = venue.login("ALICE");
    // All in one read; ten are taken then, ten a second later on: more than the 15 s of silence. No heartbeat comes.
    let mut orders = Vec::new();
    (1..=180).for_each(|n| soup::put_packet(kind::UNSEQUENCED, &enter(n, b'B', 1, "ESH4"), &mut orders));
    let since = Instant::now();
    alice.send_bytes(&orders);
    let mut answers = 0;
    let mut socket = alice.socket().try_clone().expect("a socket can be cloned");
    socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
    let mut input = Vec::new();
    while answers < 180 {
        let mut chunk = [0; 4_096];
        let count = socket.read(&mut chunk).expect("the connection stays open");
        assert!(count > 0, "closed after {answers} answers and {:?}", since.elapsed());
        input.extend_from_slice(&chunk[..count]);
        while let Some((found, length)) = soup::next_packet(&input, soup::PAYLOAD_MAX).expect("packets") {
            answers += u32::from(found.kind == kind::SEQUENCED);
            input.drain(..length);
        }
    }
    assert!(since.elapsed() > SECOND * 15, "read within {:?}", since.elapsed());
    assert_eq!(venue.disconnects("silence"), 0);
}

#[test]
fn a_length_that_no_packet_has_closes_at_once_before_and_after_login() {
    let mut floor = Floor::new();
    let lengths: [&[u8]; 5] = [&[0, 0], &[0x02, 0x02], &[0xFF, 0xFF], &[0xFF; 4], &[0, 0, b'L']];
    for bytes in lengths {
        floor.journals(0, |floor| {
            let mut stranger = floor.stranger();
            stranger.send_bytes(bytes);
            assert!(stranger.closed_within(AT_ONCE).is_some(), "open after {bytes:02x?}");
        });
        floor.journals(VISIT, |floor| {
            let mut client = floor.venue.login("ALICE");
            client.send_bytes(bytes);
            assert!(client.closed_within(AT_ONCE).is_some(), "open after {bytes:02x?} of a login");
        });
    }
    assert_eq!(floor.venue.disconnects("bad_frame"), 10);
}

#[test]
fn a_packet_cut_short_by_the_end_of_the_connection_journals_nothing() {
    let mut floor = Floor::new();
    let mut packet = Vec::new();
    soup::put_packet(kind::UNSEQUENCED, &enter(1, b'B', 1, "ESH4"), &mut packet);
    for cut in [1, 2, 3, 20, packet.len() - 1] {
        for reset in [false, true] {
            floor.journals(VISIT, |floor| {
                let mut client = floor.venue.login("ALICE");
                client.send_bytes(&packet[..cut]);
                hang_up(client, reset);
                eventually("the venue notices the end", || {
                    (floor.venue.status()["logged_in"] == 1).then_some(())
                });
            });
        }
    }
    assert_eq!(floor.venue.disconnects("peer_closed"), 10);
}

fn hang_up(client: Client, reset: bool) {
    if reset {
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        // SAFETY: the option's value is a live linger struct of the size given.
        let result = unsafe {
            libc::setsockopt(
                std::os::fd::AsRawFd::as_raw_fd(client.socket()),
                libc::SOL_SOCKET,
                libc::SO_LINGER,
                (&raw const linger).cast(),
                size_of_val(&linger) as libc::socklen_t,
            )
        };
        assert_eq!(result, 0);
    }
    drop(client);
}

/// Both arrive while the venue does not look, so that one wake-up has to tell it about both. The client keeps
/// reading: no write of the venue fails that could tell it instead.
#[test]
fn an_end_that_arrives_together_with_the_last_bytes_is_noticed_at_once() {
    let mut floor = Floor::new();
    floor.journals(VISIT + 1, |floor| {
        let mut client = floor.venue.login("ALICE");
        client.trade(&enter(1, b'B', 1, "ESH4"), "A");
        floor.venue.signal(libc::SIGSTOP);
        client.send_packet(kind::CLIENT_HEARTBEAT, &[]);
        client.socket().shutdown(Shutdown::Write).expect("an open socket");
        floor.venue.signal(libc::SIGCONT);
        assert!(client.closed_within(AT_ONCE).is_some(), "open after the end of the client's bytes");
    });
}

#[test]
fn a_packet_split_at_any_byte_is_answered_like_a_whole_one() {
    let mut floor = Floor::new();
    let mut client = floor.venue.login("ALICE");
    let packet_of = |user_ref_num| {
        let mut packet = Vec::new();
        soup::put_packet(kind::UNSEQUENCED, &enter(user_ref_num, b'B', 7, "ESH4"), &mut packet);
        packet
    };
    client.send_bytes(&packet_of(1));
    let whole = without_numbers(&client.message());
    for cut in 1..packet_of(1).len() {
        let packet = packet_of(1 + cut as u32);
        client.send_bytes(&packet[..cut]);
        // Time for the venue to read the first part alone.
        std::thread::sleep(Duration::from_millis(2));
        client.send_bytes(&packet[cut..]);
        assert_eq!(without_numbers(&client.message()), whole, "cut at {cut}");
    }
    floor.goes_on();
}

#[test]
fn a_thousand_packets_in_one_segment_are_answered_in_order() {
    let mut floor = Floor::new();
    let mut client = floor.venue.login("ALICE");
    let mut bytes = Vec::new();
    for user_ref_num in 1..=1_000 {
        soup::put_packet(kind::UNSEQUENCED, &enter(user_ref_num, b'B', 7, "ESH4"), &mut bytes);
    }
    client.send_bytes(&bytes);
    let whole = without_numbers(&client.message());
    for user_ref_num in 2..=1_000 {
        let message = client.message();
        assert_eq!(reply(&message).user_ref_num(), Some(user_ref_num));
        assert_eq!(without_numbers(&message), whole);
    }
    floor.goes_on();
}

/// An `A` with timestamp, UserRefNum and OrderRefNum blanked.
fn without_numbers(accepted: &[u8]) -> Vec<u8> {
    let mut plain = accepted.to_vec();
    assert_eq!(plain[0], b'A');
    plain[1..13].fill(0);
    plain[36..44].fill(0);
    plain
}

#[test]
fn a_packet_type_that_no_client_sends_closes() {
    let mut floor = Floor::new();
    for kind in [b'A', b'J', b'S', b'H', b'Z', b'u', 0, 0xFF] {
        floor.journals(0, |floor| {
            let mut stranger = floor.stranger();
            stranger.send_packet(kind, b"");
            assert!(stranger.closed_within(AT_ONCE).is_some(), "packet {kind:#04x} before login");
        });
        floor.journals(VISIT, |floor| {
            let mut client = floor.venue.login("ALICE");
            client.send_packet(kind, b"");
            assert!(client.closed_within(AT_ONCE).is_some(), "packet {kind:#04x} after login");
        });
    }
    assert_eq!(floor.venue.disconnects("unexpected_packet"), 16);
}

#[test]
fn a_message_that_is_no_ouch_message_closes_and_is_not_journaled() {
    let mut floor = Floor::new();
    let order = enter(1, b'B', 1, "ESH4");
    let mut long_appendage = order.clone();
    long_appendage[46] = 1;
    let messages = [
        vec![],
        b"?".to_vec(),
        b"A".to_vec(),
        order[..46].to_vec(),
        [&order[..], b"x"].concat(),
        long_appendage,
        cancel(1)[..8].to_vec(),
        [&cancel(1)[..], &[0]].concat(),
        [&cancel(1)[..], &[0, 9, 1]].concat(),
    ];
    let count = messages.len() as u64;
    for message in messages {
        floor.journals(VISIT, |floor| {
            let mut client = floor.venue.login("ALICE");
            client.send(&message);
            assert!(client.closed_within(AT_ONCE).is_some(), "open after {message:02x?}");
        });
    }
    assert_eq!(floor.venue.disconnects("malformed_message"), count);
}

#[test]
fn an_unknown_letter_is_rejected_and_journaled() {
    let mut floor = Floor::new();
    let mut client = floor.venue.login("ALICE");
    let base = order(0, b'B', 1, "ESH4");
    let cases = [
        (Enter { side: b'b', ..base }, 0x09),
        (Enter { display: b'?', ..base }, 0x03),
        (Enter { time_in_force: b'Z', ..base }, 0x0F),
        (Enter { capacity: 0, ..base }, 0x0F),
        (Enter { cross_type: 0xFF, ..base }, 0x0F),
        (Enter { intermarket_sweep: b'?', ..base }, 0x0F),
    ];
    for (n, (order, reason)) in cases.into_iter().enumerate() {
        let user_ref_num = n as u32 + 1;
        floor.journals(1, |_| {
            let message = encode(&Request::Enter(Enter { user_ref_num, ..order }));
            assert_eq!(rejected(&client.trade(&message, "J")[0]), (user_ref_num, reason), "{order:?}");
        });
    }
}

#[test]
fn an_appendage_that_cannot_be_read_is_rejected_and_journaled() {
    let mut floor = Floor::new();
    let mut client = floor.venue.login("ALICE");
    // Unknown, host only, wrong length, past the end, length 0, the same twice.
    let appendages: [&[u8]; 6] = [
        &[2, 99, 1],
        &[2, 18, 1],
        &[3, 12, b'N', b'N'],
        &[9, 12, b'N'],
        &[0, 12],
        &[2, 12, b'N', 2, 12, b'N'],
    ];
    for (n, appendage) in appendages.into_iter().enumerate() {
        let user_ref_num = n as u32 + 1;
        let mut message = enter(user_ref_num, b'B', 1, "ESH4");
        message[46] = appendage.len() as u8;
        message.extend_from_slice(appendage);
        floor.journals(1, |_| {
            let messages = client.trade(&message, "J");
            assert_eq!(rejected(&messages[0]), (user_ref_num, 0x0F), "{appendage:02x?}");
        });
    }
}

#[test]
fn an_order_before_login_closes_and_is_not_journaled() {
    let mut floor = Floor::new();
    floor.journals(0, |floor| {
        let mut stranger = floor.stranger();
        stranger.send(&enter(1, b'B', 1, "ESH4"));
        assert!(stranger.closed_within(AT_ONCE).is_some());
    });
    assert_eq!(floor.venue.disconnects("unexpected_packet"), 1);
}

#[test]
fn a_second_login_on_one_connection_closes_it() {
    let mut floor = Floor::new();
    floor.journals(VISIT, |floor| {
        let mut client = floor.venue.login("ALICE");
        client.send_bytes(&login_packet("ALICE"));
        assert!(client.closed_within(AT_ONCE).is_some());
    });
}

#[test]
fn a_second_login_of_one_name_takes_over_without_a_disconnect() {
    let mut floor = Floor::new();
    let mut older = floor.venue.login("ALICE");
    older.trade(&enter(1, b'B', 1, "ESH4"), "A");
    floor.journals(1, |floor| {
        let mut younger = floor.venue.login("ALICE");
        assert!(older.closed_within(AT_ONCE).is_some(), "the older connection stays open");
        younger.trade(&enter(2, b'B', 1, "ESH4"), "A");
        // Stays open: a visit's end would be journaled.
        std::mem::forget(younger);
    });
    assert_eq!(floor.venue.disconnects("taken_over"), 1);
}

#[test]
fn a_wrong_login_gets_its_reason_and_journals_nothing() {
    let mut floor = Floor::new();
    let cases = [
        ("ALICE", "wrong", "", 0, b'A'),
        ("ALICE", "", "", 0, b'A'),
        ("ALICE", "pw-bob", "", 0, b'A'),
        ("alice", "pw-alice", "", 0, b'A'),
        ("NOBODY", "pw-alice", "", 0, b'A'),
        ("A\"{}", "pw-alice", "", 0, b'A'),
        ("ALICE", "pw-alice", "NOSUCH", 0, b'S'),
        ("ALICE", "pw-alice", "", 2, b'S'),
        ("ALICE", "pw-alice", "", u64::MAX, b'S'),
    ];
    for (name, password, session, sequence, reason) in cases {
        floor.journals(0, |floor| {
            let mut stranger = floor.stranger();
            let answer = stranger.login_with(name, password, session, sequence);
            assert_eq!(
                answer.unwrap_err(),
                Got::Packet(kind::LOGIN_REJECTED, vec![reason]),
                "{name} {sequence}"
            );
            assert!(stranger.closed_within(AT_ONCE).is_some(), "open after a refusal");
        });
    }
}

#[test]
fn names_with_bytes_of_any_kind_keep_each_log_line_one_json_object() {
    let mut floor = Floor::new();
    for name in [*b"..\0\"\n\r", *b"\xFF\xFE\x80{}\\", *b"\x1b[31m;"] {
        floor.journals(0, |floor| {
            let mut packet = login_packet("ALICE");
            packet[3..9].copy_from_slice(&name);
            let mut stranger = floor.stranger();
            stranger.send_bytes(&packet);
            assert_eq!(stranger.next(AT_ONCE), Got::Packet(kind::LOGIN_REJECTED, vec![b'A']));
        });
    }
    for line in floor.venue.stderr().lines() {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(line);
        assert!(parsed.is_ok(), "not JSON: {line:?}");
    }
}

#[test]
fn impossible_quantities_and_prices_get_their_reason_and_are_journaled() {
    let mut floor = Floor::new();
    let mut client = floor.venue.login("ALICE");
    let base = order(0, b'B', 1, "ESH4");
    let cases = [
        (Enter { quantity: 0, ..base }, 0x13),
        (Enter { quantity: 1_000_000, ..base }, 0x13),
        (Enter { quantity: u32::MAX, ..base }, 0x13),
        (Enter { price: 0, ..base }, 0x1D),
        (Enter { price: 1, ..base }, 0x1D),
        (Enter { price: PRICE + 1, ..base }, 0x1D),
        (Enter { price: MARKET - 1, ..base }, 0x1D),
        (Enter { side: b'X', ..base }, 0x09),
        (Enter { side: 0, quantity: 0, price: 0, ..base }, 0x09),
    ];
    for (n, (order, reason)) in cases.into_iter().enumerate() {
        let user_ref_num = n as u32 + 1;
        floor.journals(1, |_| {
            let message = encode(&Request::Enter(Enter { user_ref_num, ..order }));
            assert_eq!(rejected(&client.trade(&message, "J")[0]), (user_ref_num, reason), "{order:?}");
        });
    }
}

#[test]
fn any_price_from_200000_on_is_a_market_order() {
    let mut floor = Floor::new();
    let mut client = floor.venue.login("ALICE");
    for (n, price) in [MARKET, MARKET + 1, u32::MAX.into(), i64::MAX as u64, u64::MAX].into_iter().enumerate()
    {
        let market = Enter { price, ..order(n as u32 + 1, b'B', 1, "ESH4") };
        floor.journals(1, |_| {
            let messages = client.trade(&encode(&Request::Enter(market)), "AC");
            let Reply::Canceled(canceled) = reply(&messages[1]) else { panic!("expected C") };
            assert_eq!((canceled.quantity, canceled.reason), (1, b'I'), "price {price}");
        });
    }
}

#[test]
fn the_largest_orders_at_the_highest_price_add_up() {
    const ORDERS: u32 = 100;
    let site = Site::new(CONFIG);
    let venue = site.start();
    let (mut buyer, mut seller) = (venue.login("ALICE"), venue.login("BOB"));
    let largest = |user_ref_num, side| {
        let order = Enter { price: 1_999_997_500, ..order(user_ref_num, side, 999_999, "ESH4") };
        encode(&Request::Enter(order))
    };
    (1..=ORDERS).for_each(|n| drop(buyer.trade(&largest(n, b'B'), "A")));
    (1..=ORDERS).for_each(|n| drop(seller.trade(&largest(n, b'S'), "AE")));
    assert_eq!(venue.status()["trades"], ORDERS);
    assert_eq!(venue.status()["orders_live"], 0);
    assert_eq!(venue.terminate(), Some(0));
    assert_eq!(site.verify()["volume"], u64::from(ORDERS) * 999_999);
}

#[test]
fn a_gap_in_user_ref_nums_is_legal_and_what_lies_in_it_is_stale() {
    let mut floor = Floor::new();
    let mut client = floor.venue.login("ALICE");
    client.trade(&enter(1, b'B', 1, "ESH4"), "A");
    client.trade(&enter(10, b'B', 1, "ESH4"), "A");
    // Every well-formed command is journaled, the silent ones too.
    floor.journals(6, |_| {
        for stale in [5, 1, 10, 10, 0] {
            client.send(&enter(stale, b'B', 1, "ESH4"));
        }
        client.assert_silent(11);
    });
    client.trade(&enter(u32::MAX, b'B', 1, "ESH4"), "A");
    client.send(&enter(11, b'B', 1, "ESH4"));
    client.assert_silent(u32::MAX);
    assert_eq!(floor.venue.status()["orders_live"], 3);
    floor.goes_on();
}

#[test]
fn one_order_sent_three_times_rests_once_also_over_a_restart() {
    let site = Site::new(CONFIG);
    let venue = site.start();
    let mut client = venue.login("ALICE");
    let packets = enter(1, b'B', 5, "ESH4");
    client.send(&packets);
    client.send(&packets);
    client.expect("A");
    client.assert_silent(2);
    venue.kill();
    let venue = site.start();
    let mut client = venue.login("ALICE");
    client.send(&packets);
    client.assert_silent(2);
    assert_eq!(venue.status()["orders_live"], 1);
}

#[test]
fn unknown_foreign_and_filled_orders_cannot_be_cancelled_and_cannot_be_told_apart() {
    let mut floor = Floor::new();
    let (mut alice, mut bob) = (floor.venue.login("ALICE"), floor.venue.login("BOB"));
    alice.trade(&enter(1, b'B', 1, "ESH4"), "A");
    bob.trade(&enter(1, b'S', 1, "ESH4"), "AE");
    alice.expect("E");
    alice.trade(&enter(7, b'B', 9, "ESH4"), "A");
    floor.journals(4, |_| {
        // Unknown; ALICE's, which BOB has no order of; filled.
        for user_ref_num in [99, 7, 1] {
            bob.send(&cancel(user_ref_num));
        }
        bob.assert_silent(2);
    });
    let canceled = alice.trade(&cancel(7), "C");
    let Reply::Canceled(canceled) = reply(&canceled[0]) else { panic!("expected C") };
    assert_eq!((canceled.user_ref_num, canceled.quantity, canceled.reason), (7, 9, b'U'));
}

#[test]
fn an_unknown_symbol_of_any_bytes_is_rejected_as_unknown() {
    let mut floor = Floor::new();
    let mut client = floor.venue.login("ALICE");
    let symbols = [
        *b"NOSUCH  ",
        *b"        ",
        [0; 8],
        [0xFF; 8],
        *b"esh4    ",
        *b" ESH4   ",
        *b"ESH4\0   ",
        *b"../\"\n\r{}",
    ];
    for (n, symbol) in symbols.into_iter().enumerate() {
        let user_ref_num = n as u32 + 1;
        let order = Enter { symbol: Text(symbol), ..order(user_ref_num, b'B', 1, "ESH4") };
        floor.journals(1, |_| {
            let messages = client.trade(&encode(&Request::Enter(order)), "J");
            assert_eq!(rejected(&messages[0]), (user_ref_num, 0x17), "{symbol:02x?}");
        });
    }
}

/// Orders that are under way at once while a million are made: enough to keep the venue busy, few enough that
/// the maker is no slow reader itself.
const WINDOW: u64 = 2_000;
/// Matches: 20 MB of answers that nobody reads. `scripts/slow-reader` makes a million, or as many as it is told.
const EVENTS: u64 = 500_000;

#[test]
fn a_client_that_does_not_read_is_cut_off_delays_nobody_and_misses_nothing() {
    let events = number_from("RINGSIDE_EVENTS", EVENTS);
    let config = CONFIG.replace("sync = \"always\"", "sync = \"never\"").replace("4194304", "33554432");
    let mut floor = Floor::on(&config);
    let mut slow = floor.venue.login("ALICE");
    // Two orders are good for all matches of one lot.
    let half = u32::try_from(events.div_ceil(2)).expect("an order's quantity");
    slow.trade(&enter(1, b'B', half, "ESH4"), "A");
    slow.trade(&enter(2, b'B', half, "ESH4"), "A");
    let _heart = Heart::of(&slow);
    let maker = floor.venue.login("BOB");
    let rounds = floor.bystander.trades_during(|| sell_lots(maker, events));
    assert_eq!(floor.venue.disconnects("slow_reader"), 1);
    let (median, worst) = (rounds[rounds.len() / 2], rounds[rounds.len() - 1]);
    println!("{events} events; bystander: {} rounds, median {median:?}, worst {worst:?}", rounds.len());
    assert!(median < Duration::from_millis(100) && worst < SECOND, "median {median:?}, worst {worst:?}");
    let all = Stream::rewind(&floor.venue, "ALICE");
    assert_eq!(all.count, events + 2);
    assert_eq!(all.messages().filter(|message| message[0] == b'E').count() as u64, events);
    floor.goes_on();
}

/// Heartbeats of a client that has stopped reading but is not dead.
struct Heart(Arc<AtomicBool>);

impl Heart {
    fn of(client: &Client) -> Heart {
        let mut socket = client.socket().try_clone().expect("a socket can be cloned");
        let over = Arc::new(AtomicBool::new(false));
        let end = over.clone();
        std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) && socket.write_all(&[0, 1, kind::CLIENT_HEARTBEAT]).is_ok() {
                std::thread::sleep(SECOND);
            }
        });
        Heart(over)
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Sells `count` single lots, pipelined. Each is answered with `A` and `E`.
fn sell_lots(mut client: Client, count: u64) {
    let socket = client.socket().try_clone().expect("a socket can be cloned");
    let answered = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| push_lots(socket, count, &answered));
        for n in 1..=count {
            client.expect("AE");
            answered.store(n, Ordering::Release);
        }
    });
}

fn push_lots(mut socket: TcpStream, count: u64, answered: &AtomicU64) {
    let mut bytes = Vec::new();
    let mut sent = 0;
    while sent < count {
        let end = count.min(answered.load(Ordering::Acquire) + WINDOW);
        if end < sent + WINDOW / 4 && end < count {
            std::thread::sleep(Duration::from_micros(200));
            continue;
        }
        bytes.clear();
        for n in sent + 1..=end {
            soup::put_packet(kind::UNSEQUENCED, &enter(n as u32, b'S', 1, "ESH4"), &mut bytes);
        }
        socket.write_all(&bytes).expect("the venue reads");
        sent = end;
    }
}

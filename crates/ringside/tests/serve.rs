//! `ringside serve` as its operator meets it: exit codes, messages, restarts, layouts, the admin port.

mod support;

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use ringside_wire::ouch::{Enter, Reply, Request};
use support::*;

/// Usage and configuration.
const USAGE: i32 = 2;
/// Corrupted journal.
const CORRUPT: i32 = 3;

fn with(from: &str, to: &str) -> String {
    assert!(CONFIG.contains(from), "{from}");
    CONFIG.replacen(from, to, 1)
}

/// Exit 2 with at most three lines, which name all of these.
fn assert_usage(exit: &Exit, names: &[&str]) {
    assert_eq!(exit.code, Some(USAGE), "{}", exit.stderr);
    assert!(exit.stderr.lines().count() <= 3, "more than 3 lines: {}", exit.stderr);
    for name in names {
        assert!(exit.stderr.contains(name), "{name} is not named in: {}", exit.stderr);
    }
    assert_eq!(exit.stdout, "", "stdout is for the ready line");
}

#[test]
fn what_is_wrong_in_the_file_is_named_with_file_and_key() {
    let cases = [
        (with("[journal]", "[journal]\nflush = 1"), "flush"),
        (with("[journal]", "[jurnal]\nsync = \"never\"\n[journal]"), "jurnal"),
        (with("[[login]]", "[[login]]\nnickname = \"A\""), "nickname"),
        (with("\"0.25\"", "\"0.00001\""), "instrument[0].tick_size"),
        (with("\"0.25\"", "\"0\""), "instrument[0].tick_size"),
        (with("\"0.25\"", "\"200000\""), "instrument[0].tick_size"),
        (with("\"0.25\"", "\"a quarter\""), "instrument[0].tick_size"),
        (with("\"ESH4\"", "\"AAPL\""), "instrument[1].symbol"),
        (with("\"BOB\"", "\"ALICE\""), "login[1].username"),
        (with("\"BOBB\"", "\"TOOLONG\""), "login[1].firm"),
        (with("sync = \"always\"", "sync = \"mostly\""), "journal.sync"),
        (with("4194304", "4194303"), "journal.segment_size"),
        (with("layout = \"auto\"", "layout = \"heap\""), "pipeline.layout"),
        (with("wait = \"auto\"", "wait = \"sleep\""), "pipeline.wait"),
        (with("apply = \"ahead\"", "apply = \"behind\""), "pipeline.apply"),
        (with("listen = \"127.0.0.1:0\"", "listen = \"nowhere\""), "order_entry.listen"),
        (with("[[instrument]]", "[[instrument]"), "line"),
    ];
    for (config, key) in cases {
        assert_usage(&Site::new(&config).refused(), &["ringside.toml", key]);
    }
}

/// A file with more keys in its first instrument.
fn instrument(keys: &str) -> String {
    with("tick_size = \"0.25\"", &format!("tick_size = \"0.25\"\n{keys}"))
}

#[test]
fn what_is_wrong_with_terms_and_limits_is_named_with_file_and_key() {
    let login = |keys: &str| with("firm = \"ALCE\"", &format!("firm = \"ALCE\"\n{keys}"));
    let limits = |keys: &str| format!("{CONFIG}[[limits]]\n{keys}");
    let cases = [
        (instrument("allocation = \"fifo\""), "instrument[0].allocation"),
        (
            instrument("tick_table = [{ from = \"100\", tick = \"0.10\" }]"),
            "instrument[0].tick_table[0].tick",
        ),
        (
            instrument("tick_table = [{ from = \"100.25\", tick = \"0.5\" }]"),
            "instrument[0].tick_table[0].from",
        ),
        (instrument("collar = { low = \"200000\" }"), "instrument[0].collar.low"),
        (instrument("collar = { low = \"2\", high = \"1\" }"), "instrument[0].collar.low"),
        (instrument("band = \"5\""), "instrument[0].band"),
        (instrument("volatility_call = \"soon\""), "instrument[0].volatility_call"),
        (instrument("random_end = \"1us\""), "instrument[0].random_end"),
        (instrument("reference_price = \"100.10\""), "instrument[0].reference_price"),
        (instrument("price_decimals = 9"), "instrument[0].price_decimals"),
        (instrument("base = \"BTC\""), "instrument[0].quote"),
        (instrument("maker_fee = \"0.01%\""), "instrument[0].maker_fee"),
        (login("account = \"MUCH TOO LONG\""), "login[0].account"),
        (login("self_trade_prevention = \"nonsense\""), "login[0].self_trade_prevention"),
        (limits("scope = \"ALICE\""), "limits[0].scope"),
        (limits("scope = \"login:NOBODY\""), "limits[0].scope"),
        (limits("scope = \"login:BOB\"\nburst = 3"), "limits[0].burst"),
        (limits("scope = \"login:BOB\"\nfat_finger = \"lots\""), "limits[0].fat_finger"),
        (with("[admin]", "[admin]\ntoken = \"\""), "admin.token"),
    ];
    for (config, key) in cases {
        assert_usage(&Site::new(&config).refused(), &["ringside.toml", key]);
    }
}

#[test]
fn every_key_of_the_rules_starts_a_venue_and_starts_it_again() {
    let keys = "allocation = \"pro-rata\"\nlot_size = 2\n\
        tick_table = [{ from = \"100\", tick = \"0.5\" }, { from = \"1000\", tick = \"5\" }]\n\
        collar = { low = \"1\", high = \"5000\" }\nband = \"5%\"\nvolatility_call = \"5s\"\nrandom_end = \"1s\"\n\
        reference_price = \"100\"\nbase = \"ES\"\nquote = \"USD\"\nmaker_fee = \"0.01%\"\ntaker_fee = \"0.02%\"";
    let config = instrument(keys).replacen(
        "firm = \"ALCE\"",
        "firm = \"ALCE\"\naccount = \"HOUSE\"\nself_trade_prevention = \"decrement\"",
        1,
    ) + "[[limits]]\nscope = \"account:HOUSE\"\nmax_quantity = 1\nmax_orders = 2\nmax_notional = 3\n\
           max_position = 4\nrate = 5\nburst = 6\nfat_finger = \"7%\"\n[[limits]]\nscope = \"firm:BOBB\"\nrate = 1\n";
    let site = Site::new(&config);
    let venue = site.start();
    let next = venue.ready["next_sequence"].clone();
    venue.kill();
    assert_eq!(site.start().ready["next_sequence"], next, "the same file changes nothing");
}

#[test]
fn what_is_not_built_yet_is_refused_by_key() {
    let cases = [
        (with("sync = \"always\"", "sync = \"always\"\nwriter = \"odirect\""), "journal.writer"),
        (with("sync = \"always\"", "sync = \"always\"\nmax_sync_ms = 0"), "journal.max_sync_ms"),
        (with("[journal]", "[session]\nroll_at = \"25:00\"\n[journal]"), "session.roll_at"),
    ];
    for (config, key) in cases {
        assert_usage(&Site::new(&config).refused(), &["ringside.toml", key]);
    }
}

#[test]
fn a_wrong_command_line_ends_with_exit_code_2_and_few_lines() {
    let site = Site::new(CONFIG);
    assert_usage(&site.run(&["serve", "--confg", "x.toml"]), &["--confg"]);
    assert_usage(&site.run(&["serve", "--config", "missing.toml"]), &["missing.toml"]);
    assert_usage(&site.run(&["srve"]), &["srve"]);
}

#[test]
fn a_core_that_is_not_there_is_refused_by_key() {
    let config = with("[[instrument]]", "[pipeline.cores]\nengine = 1000\n[[instrument]]");
    assert_usage(&Site::new(&config).refused(), &["ringside.toml", "pipeline.cores.engine", "1000"]);
}

#[test]
fn a_port_in_use_is_refused_by_key() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = holder.local_addr().expect("it is bound").to_string();
    let order_entry = CONFIG.replacen("127.0.0.1:0", &taken, 1);
    assert_usage(&Site::new(&order_entry).refused(), &["ringside.toml", "order_entry.listen", &taken]);
    let at = CONFIG.rfind("127.0.0.1:0").expect("the admin address");
    let admin = format!("{}{taken}{}", &CONFIG[..at], &CONFIG[at + "127.0.0.1:0".len()..]);
    assert_usage(&Site::new(&admin).refused(), &["ringside.toml", "admin.listen", &taken]);
}

#[test]
fn a_second_venue_on_one_data_directory_is_refused_and_the_first_goes_on() {
    let site = Site::new(CONFIG);
    let mut venue = site.start();
    let mut client = venue.login("ALICE");
    client.trade(&enter(1, b'B', 1, "ESH4"), "A");
    let exit = site.refused();
    assert_usage(&exit, &[site.data_dir.to_str().expect("ASCII"), "in use"]);
    assert!(exit.elapsed < Duration::from_secs(1), "refused after {:?}", exit.elapsed);
    client.trade(&enter(2, b'B', 1, "ESH4"), "A");
    assert!(venue.is_alive());
    venue.kill();
    // Any death frees the directory.
    site.start().login("ALICE").trade(&enter(3, b'B', 1, "ESH4"), "A");
}

#[test]
fn an_instrument_with_live_orders_cannot_leave_the_file() {
    let site = Site::new(CONFIG);
    let venue = site.start();
    let mut client = venue.login("ALICE");
    client.trade(&enter(1, b'B', 1, "AAPL"), "A");
    assert_eq!(venue.terminate(), Some(0));
    site.configure(&with("[[instrument]]\nsymbol = \"AAPL\"\ntick_size = \"0.01\"\n", ""));
    assert_usage(&site.refused(), &["ringside.toml", "AAPL", "live orders"]);
    site.configure(CONFIG);
    let venue = site.start();
    venue.login("ALICE").trade(&cancel(1), "C");
    assert_eq!(venue.terminate(), Some(0));
    site.configure(&with("[[instrument]]\nsymbol = \"AAPL\"\ntick_size = \"0.01\"\n", ""));
    let venue = site.start();
    let mut client = venue.login("ALICE");
    let refused = client.trade(&enter(2, b'B', 1, "AAPL"), "J");
    assert!(matches!(reply(&refused[0]), Reply::Rejected(rejected) if rejected.reason == 0x17));
}

/// A stopped venue with a few orders in its journal, each with this text in it.
fn site_with_orders() -> Site {
    let site = Site::new(CONFIG);
    let venue = site.start();
    let mut client = venue.login("ALICE");
    for n in 1..=50 {
        let client_order_id = ringside_domain::Text::new(&format!("MARKED{n:08}")).expect("14 bytes");
        let order = Enter { client_order_id, ..order(n, b'B', 1, "ESH4") };
        client.trade(&encode(&Request::Enter(order)), "A");
    }
    assert_eq!(venue.terminate(), Some(0));
    site
}

fn place_of(text: &str, file: &Path) -> usize {
    let bytes = std::fs::read(file).expect("a segment");
    let found = bytes.windows(text.len()).position(|window| window == text.as_bytes());
    found.unwrap_or_else(|| panic!("{text} is not in {}", file.display()))
}

fn flip(file: &Path, at: usize) {
    let mut bytes = std::fs::read(file).expect("a segment");
    bytes[at] ^= 0x10;
    std::fs::write(file, bytes).expect("a segment can be written");
}

/// The number after `word` in a message.
fn number_after(word: &str, message: &str) -> usize {
    let rest = message.split_once(&format!("{word} ")).unwrap_or_else(|| panic!("no {word} in {message}")).1;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no number after {word} in {message}"))
}

#[test]
fn a_flipped_bit_in_the_journal_is_refused_with_segment_offset_and_sequence() {
    let site = site_with_orders();
    let segment = site.segments().remove(0);
    let name = segment.file_name().and_then(|name| name.to_str()).expect("ASCII").to_string();
    let (tenth, eleventh) = (place_of("MARKED00000010", &segment), place_of("MARKED00000011", &segment));
    let last = site.verify()["last_sequence"].as_u64().expect("a number") as usize;
    flip(&segment, tenth);
    let data_dir = site.data_dir.to_str().expect("ASCII");
    for exit in [site.refused(), site.run(&["replay", "verify", "--data-dir", data_dir])] {
        assert_eq!(exit.code, Some(CORRUPT), "{}", exit.stderr);
        let message = exit.stderr.lines().last().expect("a message");
        assert!(message.contains(&name), "{message}");
        let (offset, sequence) = (number_after("offset", message), number_after("sequence", message));
        assert!(offset <= tenth && tenth - offset < eleventh - tenth, "{tenth}: {message}");
        assert!(10 < sequence && sequence < last - 39, "{message}");
    }
    flip(&segment, tenth);
    site.start().login("ALICE").assert_silent(51);
}

#[test]
fn one_damaged_copy_of_a_segment_header_is_survived_and_two_are_refused() {
    let site = site_with_orders();
    let segment = site.segments().remove(0);
    flip(&segment, 8);
    let one = site.spawn_under(&[]).becomes_ready();
    let length = place_of("MARKED00000001", &segment) / 4096 * 4096;
    let mut bytes = std::fs::read(&segment).expect("a segment");
    bytes[..length.max(64)].fill(0xA5);
    std::fs::write(&segment, bytes).expect("a segment can be written");
    let exit = site.refused();
    assert_eq!(exit.code, Some(CORRUPT), "{}", exit.stderr);
    assert!(exit.stderr.contains(".seg"), "{}", exit.stderr);
    assert!(one, "the second copy is good enough");
}

#[test]
fn a_restart_cancels_first_for_logins_that_were_connected() {
    let config = with("firm = \"ALCE\"", "firm = \"ALCE\"\ncancel_on_disconnect = true");
    let site = Site::new(&config);
    let venue = site.start();
    let (mut alice, mut bob) = (venue.login("ALICE"), venue.login("BOB"));
    alice.trade(&enter(1, b'B', 3, "ESH4"), "A");
    alice.trade(&enter(2, b'B', 4, "AAPL"), "A");
    bob.trade(&enter(1, b'B', 5, "ESH4"), "A");
    venue.kill();
    // An instrument that only those orders kept in the file may leave it in the same start: they went first.
    site.configure(&config.replace("[[instrument]]\nsymbol = \"AAPL\"\ntick_size = \"0.01\"\n", ""));
    let venue = site.start();
    let stream = Stream::rewind(&venue, "ALICE");
    let messages: Vec<_> = stream.messages().map(reply).collect();
    assert_eq!(messages.len(), 4, "{messages:?}");
    for (message, (user_ref_num, quantity)) in messages[2..].iter().zip([(1, 3), (2, 4)]) {
        let Reply::Canceled(canceled) = message else { panic!("expected C: {message:?}") };
        assert_eq!(
            (canceled.user_ref_num, canceled.quantity, canceled.reason),
            (user_ref_num, quantity, b'S')
        );
    }
    // BOB has not asked for it: his order is still there, alone.
    let sold = venue.login("ALICE").trade(&enter(3, b'S', 9, "ESH4"), "AE");
    assert!(matches!(reply(&sold[1]), Reply::Executed(executed) if executed.quantity == 5));
}

#[test]
fn link_loss_and_logout_cancel_and_a_takeover_does_not() {
    let config = with("firm = \"ALCE\"", "firm = \"ALCE\"\ncancel_on_disconnect = true");
    let site = Site::new(&config);
    let venue = site.start();
    let live = || venue.status()["orders_live"].as_u64().expect("a number");
    let mut first = venue.login("ALICE");
    first.trade(&enter(1, b'B', 1, "ESH4"), "A");
    let second = venue.login("ALICE");
    assert!(first.closed_within(PATIENCE).is_some());
    assert_eq!(live(), 1, "a takeover is no disconnect");
    drop(second);
    eventually("the orders of a lost link are cancelled", || (live() == 0).then_some(()));
    let mut third = venue.login("ALICE");
    third.trade(&enter(2, b'B', 1, "ESH4"), "A");
    third.send_packet(ringside_wire::soup::kind::LOGOUT_REQUEST, &[]);
    eventually("the orders of a logout are cancelled", || (live() == 0).then_some(()));
    let letters: String = Stream::rewind(&venue, "ALICE").messages().map(|m| char::from(m[0])).collect();
    assert_eq!(letters, "ACAC");
}

#[test]
fn a_grace_spares_whoever_is_back_in_time_and_counts_over_a_restart() {
    let with_grace = |grace: &str| {
        let keys =
            format!("firm = \"ALCE\"\ncancel_on_disconnect = true\ncancel_on_disconnect_grace = \"{grace}\"");
        with("firm = \"ALCE\"", &keys)
    };
    let site = Site::new(&with_grace("1h"));
    let venue = site.start();
    let live = |venue: &Running| venue.status()["orders_live"].as_u64().expect("a number");
    let mut alice = venue.login("ALICE");
    alice.trade(&enter(1, b'B', 1, "ESH4"), "A");
    let before = venue.settled_sequence();
    drop(alice);
    venue.assert_journaled(before, 1);
    assert_eq!(live(&venue), 1, "the disconnect alone cancels nothing");
    drop(venue.login("ALICE"));
    venue.kill();
    // A restart is a disconnect, and begins a grace. A shorter one counts from the next disconnect on.
    site.configure(&with_grace("200ms"));
    let venue = site.start();
    assert_eq!(live(&venue), 1, "the grace that runs is the one of then");
    drop(venue.login("ALICE"));
    eventually("the grace ends", || (live(&venue) == 0).then_some(()));
    let mut alice = venue.login("ALICE");
    alice.trade(&enter(2, b'B', 1, "ESH4"), "A");
    venue.kill();
    let venue = site.start();
    eventually("the grace after a restart ends", || (live(&venue) == 0).then_some(()));
    let letters: String = Stream::rewind(&venue, "ALICE").messages().map(|m| char::from(m[0])).collect();
    assert_eq!(letters, "ACAC");
    assert_eq!(venue.terminate(), Some(0));
    site.verify();
    for (wrong, config) in [
        (
            "needs cancel_on_disconnect",
            with("firm = \"ALCE\"", "firm = \"ALCE\"\ncancel_on_disconnect_grace = \"1s\""),
        ),
        ("is not a duration", with_grace("2days")),
    ] {
        let exit = Site::new(&config).refused();
        assert_usage(&exit, &["ringside.toml", "cancel_on_disconnect_grace", wrong]);
    }
}

#[test]
fn sigterm_and_sigint_end_with_exit_code_0_and_the_next_start_goes_on() {
    let site = Site::new(CONFIG);
    let (mut sent, mut session) = (0, None);
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGTERM] {
        let mut venue = site.start();
        let of_this_start = venue.ready["session"].clone();
        assert_eq!(*session.get_or_insert(of_this_start.clone()), of_this_start, "one session over restarts");
        assert_eq!(venue.ready["next_sequence"], venue.next_sequence());
        let mut client = venue.login("ALICE");
        (0..500).for_each(|n| client.send(&enter(sent + n + 1, b'B', 1, "ESH4")));
        client.expect("A");
        venue.signal(signal);
        assert_eq!(venue.wait_exit(PATIENCE), Some(0), "{}", venue.stderr());
        // What was answered before the end is in the stream of the next start.
        let mut answered = 1;
        while matches!(client.next(PATIENCE), Got::Packet(..)) {
            answered += 1;
        }
        let venue = site.start();
        let kept = Stream::rewind(&venue, "ALICE").count as u32;
        assert!(
            (sent + answered..=sent + 500).contains(&kept),
            "{answered} answered, {kept} kept, {sent} before"
        );
        sent = kept;
        assert_eq!(venue.terminate(), Some(0));
    }
    assert_eq!(site.verify()["trades"], 0);
}

/// Everything that a thread layout could break: both ways through the rings, over a restart.
fn trades_and_restarts(config: &str) {
    let site = Site::new(config);
    let venue = site.start();
    let (mut alice, mut bob) = (venue.login("ALICE"), venue.login("BOB"));
    for n in 1..=100 {
        alice.trade(&enter(n, b'B', 3, "ESH4"), "A");
        bob.trade(&enter(n, b'S', 2, "ESH4"), "AE");
        alice.expect("E");
        alice.trade(&cancel(n), "C");
    }
    let before = Stream::rewind(&venue, "ALICE");
    assert_eq!(before.count, 300);
    assert_eq!(venue.terminate(), Some(0));
    let venue = site.start();
    assert_eq!(Stream::rewind(&venue, "ALICE").bytes, before.bytes);
    assert_eq!(venue.status()["trades"], 100);
}

fn pipeline(layout: &str, wait: &str, apply: &str) -> String {
    CONFIG
        .replace("layout = \"auto\"", &format!("layout = \"{layout}\""))
        .replace("wait = \"auto\"", &format!("wait = \"{wait}\""))
        .replace("apply = \"ahead\"", &format!("apply = \"{apply}\""))
}

#[test]
fn every_layout_and_idle_strategy_trades() {
    for layout in ["auto", "two-cores", "three-cores", "four-cores"] {
        for wait in ["auto", "park", "yield"] {
            println!("{layout}, {wait}");
            trades_and_restarts(&pipeline(layout, wait, "ahead"));
        }
    }
}

#[test]
fn every_layout_trades_when_the_engine_waits_for_the_journal() {
    for layout in ["two-cores", "three-cores", "four-cores"] {
        println!("{layout}");
        trades_and_restarts(&pipeline(layout, "park", "after-durable"));
    }
}

#[test]
fn every_sync_mode_trades() {
    for sync in ["always", "interval", "never"] {
        println!("{sync}");
        trades_and_restarts(&with(
            "sync = \"always\"",
            &format!("sync = \"{sync}\"\nsync_interval = \"50ms\""),
        ));
    }
}

#[test]
fn the_admin_port_tells_health_and_sequences() {
    let site = Site::new(CONFIG);
    let venue = site.start();
    venue.login("ALICE").trade(&enter(1, b'B', 1, "ESH4"), "A");
    let status = venue.status();
    assert_eq!((&status["ready"], &status["session"]), (&true.into(), &venue.ready["session"]));
    let next = status["next_sequence"].as_u64().expect("a number");
    for mark in ["published", "written", "durable", "released", "applied", "delivered"] {
        let key = format!("{mark}_sequence");
        eventually(&key, || (venue.status()[&key].as_u64()? >= next - 1).then_some(()));
        assert!(venue.metric(&format!("ringside_{key}")) >= next - 1, "{key}");
    }
    assert_eq!(venue.http("/livez").0, 200);
    assert_eq!(venue.http("/readyz").0, 200);
    assert_eq!(venue.http("/nosuch").0, 404);
    assert_eq!(venue.metric("ringside_orders_live"), 1);
    assert_eq!(venue.metric("ringside_rejects_total{reason=\"symbol\"}"), 0);
}

#[test]
fn the_figures_of_the_state_are_right_before_the_first_command_of_a_start() {
    let site = Site::new(CONFIG);
    let venue = site.start();
    let mut client = venue.login("ALICE");
    client.trade(&enter(1, b'B', 3, "ESH4"), "A");
    client.trade(&enter(2, b'S', 1, "ESH4"), "AEE");
    assert_eq!(venue.terminate(), Some(0));
    let venue = site.start();
    let status = venue.status();
    assert_eq!((&status["trades"], &status["orders_live"]), (&1.into(), &1.into()), "{status}");
    assert_eq!((venue.metric("ringside_trades_total"), venue.metric("ringside_orders_live")), (1, 1));
}

#[test]
fn a_hostile_http_request_does_not_disturb_trading() {
    let site = Site::new(CONFIG);
    let venue = site.start();
    let mut client = venue.login("ALICE");
    let (code, _) = venue.http(&format!("/metrics?{}", "x".repeat(30_000)));
    assert!((200..500).contains(&code), "{code}");
    client.trade(&enter(1, b'B', 1, "ESH4"), "A");
    assert_eq!(venue.http("/livez").0, 200);
}

#[test]
fn without_a_file_the_demo_venue_starts_and_tells_its_logins() {
    let site = Site::new(CONFIG);
    let data_dir = site.path().join("demo");
    let words = ["serve", "--data-dir", data_dir.to_str().expect("ASCII")];
    let mut venue =
        site.spawn(&[&words[..], &["--order-entry", "127.0.0.1:0", "--admin", "127.0.0.1:0"]].concat());
    assert!(venue.becomes_ready(), "{}", venue.stderr());
    venue.login("ALICE").trade(&enter(1, b'B', 1, "ESH4"), "A");
    venue.signal(libc::SIGTERM);
    assert_eq!(venue.wait_exit(PATIENCE), Some(0));
    assert_eq!(venue.stdout().lines().count(), 1, "exactly the ready line");
    let stderr = venue.stderr();
    assert!(stderr.contains("ALICE") && stderr.contains("pw-alice"), "{stderr}");
    assert!(data_dir.join("journal").is_dir() && data_dir.join("LOCK").is_file());
}

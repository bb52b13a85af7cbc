//! The operator's commands through the real binary: who may, what happens, what a kill -9 leaves of it.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ringside_domain::Text;
use ringside_wire::ouch::{Enter, EntrySwitch, Reply, Request, Tag, TagBuffer, Tags};
use serde_json::{Value, json};
use support::*;

const TOKEN: &str = "sesame";

/// The suite's configuration with a token, and what a test adds.
fn with_token(more: &str) -> String {
    CONFIG.replacen("[admin]", &format!("[admin]\ntoken = \"{TOKEN}\""), 1) + more
}

/// POST with these header lines; status code and answer.
fn post_with(venue: &Running, headers: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(venue.admin()).expect("the admin port listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    let length = body.len();
    write!(
        stream,
        "POST /command HTTP/1.1\r\nHost: venue\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .expect("request sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let code = text.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (code, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {text}")))
}

fn post(venue: &Running, command: &Value) -> (u16, Value) {
    post_with(venue, &format!("Authorization: Bearer {TOKEN}\r\n"), &command.to_string())
}

/// A command that must be carried out; its events.
fn command(venue: &Running, command: Value) -> Vec<Value> {
    let (code, answer) = post(venue, &command);
    assert_eq!(code, 200, "{command}: {answer}");
    assert!(answer["sequence"].as_u64() > Some(0), "{answer}");
    answer["events"].as_array().expect("a list of events").clone()
}

/// A command that must be refused with this status; the answer.
fn refused(venue: &Running, status: u16, command: Value) -> Value {
    let (code, answer) = post(venue, &command);
    assert_eq!(code, status, "{command}: {answer}");
    assert!(answer["error"].is_string(), "{answer}");
    answer
}

fn set_state(venue: &Running, state: &str) -> Vec<Value> {
    command(venue, json!({"command": "set_state", "symbol": "ESH4", "state": state, "reason": "TEST"}))
}

fn reject_reason(messages: &[Vec<u8>]) -> u16 {
    match reply(&messages[0]) {
        Reply::Rejected(rejected) => rejected.reason,
        other => panic!("expected J, got {other:?}"),
    }
}

fn cancel_reason(message: &[u8]) -> char {
    match reply(message) {
        Reply::Canceled(canceled) => canceled.reason.into(),
        other => panic!("expected C, got {other:?}"),
    }
}

#[test]
fn commands_need_the_token_and_a_venue_without_one_takes_none() {
    let site = Site::new(&with_token(""));
    let venue = site.start();
    let before = venue.settled_sequence();
    let body = r#"{"command":"tick"}"#;
    for headers in [
        "",
        "Authorization: Bearer sesam\r\n",
        "Authorization: Basic sesame\r\n",
        "Authorization: sesame\r\n",
    ] {
        let (code, answer) = post_with(&venue, headers, body);
        assert_eq!((code, answer["error"].is_string()), (401, true), "{headers:?}: {answer}");
    }
    venue.assert_journaled(before, 0);
    assert_eq!(post(&venue, &json!({"command": "tick"})).0, 200);
    venue.assert_journaled(before, 1);
    let without = Site::new(CONFIG);
    let (code, answer) = post(&without.start(), &json!({"command": "tick"}));
    assert_eq!(code, 403, "{answer}");
}

#[test]
fn what_cannot_be_understood_or_is_not_there_is_not_journaled() {
    let site = Site::new(&with_token(""));
    let venue = site.start();
    let before = venue.settled_sequence();
    let authorised = format!("Authorization: Bearer {TOKEN}\r\n");
    for body in ["", "{", "[]", "7", r#"{"command":7}"#] {
        assert_eq!(post_with(&venue, &authorised, body).0, 400, "{body}");
    }
    refused(&venue, 400, json!({"command": "explode"}));
    refused(&venue, 400, json!({"command": "uncross", "symbol": "ESH4", "hurry": true}));
    refused(&venue, 400, json!({"command": "set_state", "symbol": "ESH4", "state": "open"}));
    refused(&venue, 400, json!({"command": "add_instrument", "symbol": "NEW", "tick_size": "0.00001"}));
    refused(&venue, 404, json!({"command": "uncross", "symbol": "NONE"}));
    refused(&venue, 404, json!({"command": "kill", "login": "NOBODY"}));
    refused(&venue, 404, json!({"command": "bust", "match_number": 77}));
    venue.assert_journaled(before, 0);
    // The venue itself refuses: that is journaled.
    let answer = refused(&venue, 409, json!({"command": "uncross", "symbol": "ESH4"}));
    assert_eq!(answer["reason"], "State", "{answer}");
    venue.assert_journaled(before, 1);
}

#[test]
fn a_halt_survives_kill_9() {
    let site = Site::new(&with_token(""));
    let venue = site.start();
    venue.login("ALICE").trade(&enter(1, b'B', 1, "ESH4"), "A");
    let events = set_state(&venue, "halted");
    assert!(
        events.iter().any(|event| event["type"] == "market_state" && event["symbol"] == "ESH4"),
        "{events:?}"
    );
    let mut client = venue.login("ALICE");
    assert_eq!(reject_reason(&client.trade(&enter(2, b'B', 1, "ESH4"), "J")), 0x07);
    client.trade(&enter(3, b'B', 1, "AAPL"), "A");
    venue.kill();
    let again = site.start();
    let mut client = again.login("ALICE");
    assert_eq!(reject_reason(&client.trade(&enter(4, b'B', 1, "ESH4"), "J")), 0x07);
    client.trade(&cancel(1), "C");
    set_state(&again, "continuous");
    client.trade(&enter(5, b'B', 1, "ESH4"), "A");
}

#[test]
fn an_auction_by_the_operator_trades_at_the_uncross() {
    let site = Site::new(&with_token(""));
    let venue = site.start();
    set_state(&venue, "pre-open");
    let (mut alice, mut bob) = (venue.login("ALICE"), venue.login("BOB"));
    alice.trade(&enter(1, b'B', 10, "ESH4"), "A");
    bob.trade(&enter(1, b'S', 10, "ESH4"), "A");
    alice.assert_silent(2);
    let events = command(&venue, json!({"command": "uncross", "symbol": "ESH4"}));
    assert!(events.iter().any(|event| event["type"] == "executed" && event["login"] == "BOB"), "{events:?}");
    for client in [&mut alice, &mut bob] {
        let message = client.message();
        let Reply::Executed(executed) = reply(&message) else { panic!("expected E, got {message:02x?}") };
        assert_eq!((executed.liquidity, executed.quantity, executed.price), (b'O', 10, PRICE));
    }
    // Continuous trading has begun.
    alice.trade(&enter(2, b'B', 1, "ESH4"), "A");
    bob.trade(&enter(2, b'S', 1, "ESH4"), "AE");
    assert_eq!(site.verify()["trades"], 2);
}

#[test]
fn a_call_ends_by_itself() {
    let site = Site::new(&with_token(""));
    let venue = site.start();
    let call = json!({"command": "set_state", "symbol": "ESH4", "state": "auction", "kind": "volatility",
        "call_ms": 300, "reason": "TEST"});
    command(&venue, call);
    let (mut alice, mut bob) = (venue.login("ALICE"), venue.login("BOB"));
    alice.trade(&enter(1, b'B', 10, "ESH4"), "A");
    bob.trade(&enter(1, b'S', 10, "ESH4"), "A");
    let message = alice.message();
    let Reply::Executed(executed) = reply(&message) else { panic!("expected E, got {message:02x?}") };
    assert_eq!(executed.liquidity, b'H');
    bob.expect("E");
}

#[test]
fn a_kill_switch_cancels_refuses_and_survives_a_restart() {
    let site = Site::new(&with_token(""));
    let venue = site.start();
    let mut client = venue.login("ALICE");
    client.trade(&enter(1, b'B', 1, "ESH4"), "A");
    client.trade(&enter(2, b'B', 1, "AAPL"), "A");
    let events = command(&venue, json!({"command": "kill", "login": "ALICE"}));
    assert_eq!(events.iter().filter(|event| event["type"] == "canceled").count(), 2, "{events:?}");
    for message in client.expect("CC") {
        assert_eq!(cancel_reason(&message), 'S');
    }
    venue.kill();
    let venue = site.start();
    let mut client = venue.login("ALICE");
    assert_eq!(reject_reason(&client.trade(&enter(3, b'B', 1, "ESH4"), "J")), 0x0C);
    venue.login("BOB").trade(&enter(1, b'B', 1, "ESH4"), "A");
    command(&venue, json!({"command": "unkill", "login": "ALICE"}));
    client.trade(&enter(4, b'B', 1, "ESH4"), "A");
}

#[test]
fn the_operator_is_heard_beside_clients_that_send_without_end() {
    let site = Site::new(&with_token("").replacen("\"always\"", "\"never\"", 1));
    let venue = site.start();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    // Cancels of orders that are not there: nobody answers them, and they may use the last slots of the ring.
    let floods = ["ALICE", "BOB"].map(|name| {
        let (mut client, stop) = (venue.login(name), stop.clone());
        let mut packet = vec![0, cancel(1).len() as u8 + 1, b'U'];
        packet.extend(cancel(1));
        let bytes = packet.repeat(4_096);
        std::thread::spawn(move || {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                client.send_bytes(&bytes);
            }
        })
    });
    let begun = venue.next_sequence();
    eventually("a flood", || (venue.next_sequence() > begun + 100_000).then_some(()));
    for state in ["halted", "continuous", "halted"] {
        command(&venue, json!({"command": "set_state", "symbol": "ESH4", "state": state}));
    }
    command(&venue, json!({"command": "roll_session"}));
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    drop(floods);
}

#[test]
fn switches_of_firms_instruments_and_logins_survive_kill_9() {
    let site = Site::new(&with_token(""));
    let venue = site.start();
    command(&venue, json!({"command": "kill", "firm": "BOBB"}));
    command(&venue, json!({"command": "kill", "symbol": "AAPL"}));
    let disable = EntrySwitch { user_ref_num: 1, firm: Text::BLANK, tags: Tags::EMPTY };
    venue.login("CAROL").trade(&encode(&Request::Disable(disable)), "G");
    venue.kill();
    let venue = site.start();
    let refused = |name: &str, number, symbol| {
        reject_reason(&venue.login(name).trade(&enter(number, b'B', 1, symbol), "J"))
    };
    assert_eq!(refused("BOB", 1, "ESH4"), 0x0C);
    assert_eq!(refused("ALICE", 1, "AAPL"), 0x07);
    assert_eq!(refused("CAROL", 2, "ESH4"), 0x0C);
    let enable = EntrySwitch { user_ref_num: 3, ..disable };
    let mut carol = venue.login("CAROL");
    carol.trade(&encode(&Request::Enable(enable)), "K");
    carol.trade(&enter(4, b'B', 1, "ESH4"), "A");
}

#[test]
fn deposits_pay_for_orders_and_withdrawals_need_money() {
    let balances = "[[instrument]]\nsymbol = \"BTCUSD\"\ntick_size = \"0.01\"\nprice_decimals = 2\n\
        base = \"BTC\"\nquote = \"USD\"\n";
    let site = Site::new(&with_token(balances));
    let venue = site.start();
    let mut client = venue.login("ALICE");
    // PRICE is 10,000.00 with two decimals: one costs 1,000,000 in the smallest unit.
    assert_eq!(reject_reason(&client.trade(&enter(1, b'B', 1, "BTCUSD"), "J")), 0x20);
    command(&venue, json!({"command": "deposit", "account": "ALICE", "asset": "USD", "amount": 1_000_000}));
    client.trade(&enter(2, b'B', 1, "BTCUSD"), "A");
    let withdraw = json!({"command": "withdraw", "account": "ALICE", "asset": "USD", "amount": 1});
    assert_eq!(refused(&venue, 409, withdraw.clone())["reason"], "Balance");
    client.trade(&cancel(2), "C");
    command(&venue, withdraw);
}

#[test]
fn a_bust_tells_both_sides_once() {
    let site = Site::new(&with_token(""));
    let venue = site.start();
    let (mut alice, mut bob) = (venue.login("ALICE"), venue.login("BOB"));
    alice.trade(&enter(1, b'B', 5, "ESH4"), "A");
    let messages = bob.trade(&enter(1, b'S', 5, "ESH4"), "AE");
    alice.expect("E");
    let Reply::Executed(executed) = reply(&messages[1]) else { panic!("expected E") };
    let match_number = executed.match_number;
    let bust = json!({"command": "bust", "match_number": match_number, "reason": "E"});
    command(&venue, bust.clone());
    for client in [&mut alice, &mut bob] {
        let message = client.message();
        let Reply::BrokenTrade(broken) = reply(&message) else { panic!("expected B, got {message:02x?}") };
        assert_eq!((broken.match_number, broken.reason), (match_number, b'E'));
    }
    assert_eq!(refused(&venue, 409, bust)["reason"], "Broken");
}

/// An order that ends by itself.
fn good_till_time(user_ref_num: u32, seconds: u32) -> Vec<u8> {
    let mut tags = TagBuffer::new();
    tags.push(Tag::ExpireTime(seconds));
    encode(&Request::Enter(Enter {
        time_in_force: b'6',
        tags: tags.as_tags(),
        ..order(user_ref_num, b'B', 1, "ESH4")
    }))
}

#[test]
fn an_order_ends_at_its_time_with_nobody_doing_anything() {
    let site = Site::new(&with_token(""));
    let venue = site.start();
    let mut client = venue.login("ALICE");
    let since = Instant::now();
    client.trade(&good_till_time(1, 1), "A");
    assert_eq!(cancel_reason(&client.message()), 'T');
    let elapsed = since.elapsed();
    assert!(
        elapsed > Duration::from_millis(990) && elapsed < Duration::from_secs(3),
        "ended after {elapsed:?}"
    );
    // One tick did it, and no other follows.
    let before = venue.settled_sequence();
    venue.assert_journaled(before, 0);
}

#[test]
fn an_order_that_ends_while_the_venue_is_down_ends_at_the_start() {
    let site = Site::new(&with_token(""));
    let venue = site.start();
    let mut client = venue.login("ALICE");
    client.trade(&good_till_time(1, 1), "A");
    venue.kill();
    std::thread::sleep(Duration::from_millis(1_100));
    let venue = site.start();
    let mut stream = Stream::default();
    assert!(venue.login_from("ALICE", 1).read_into(&mut stream, 2), "the venue stays open during a rewind");
    let messages: Vec<&[u8]> = stream.messages().collect();
    assert_eq!((messages[0][0], cancel_reason(messages[1])), (b'A', 'T'));
    // The disconnect of the client above is journaled too, in its time.
    let next = venue.settled_sequence();
    assert_eq!(site.verify()["last_sequence"].as_u64().map(|last| last + 1), Some(next));
}

#[test]
fn what_the_operator_added_stays_and_what_left_the_file_goes() {
    let site = Site::new(&with_token(""));
    let venue = site.start();
    command(&venue, json!({"command": "add_instrument", "symbol": "NEW", "tick_size": "0.01"}));
    refused(&venue, 409, json!({"command": "add_instrument", "symbol": "NEW", "tick_size": "0.01"}));
    let mut client = venue.login("ALICE");
    client.trade(&enter(1, b'B', 1, "NEW"), "A");
    venue.kill();
    // AAPL leaves the file, NEW was never in it.
    let aapl = "[[instrument]]\nsymbol = \"AAPL\"\ntick_size = \"0.01\"\n";
    assert!(CONFIG.contains(aapl));
    site.configure(&with_token("").replacen(aapl, "", 1));
    let venue = site.start();
    let mut client = venue.login("ALICE");
    client.trade(&enter(2, b'B', 1, "NEW"), "A");
    assert_eq!(reject_reason(&client.trade(&enter(3, b'B', 1, "AAPL"), "J")), 0x17);
    assert_eq!(
        refused(&venue, 409, json!({"command": "remove_instrument", "symbol": "NEW"}))["reason"],
        "Terms"
    );
    client.trade(&cancel(1), "C");
    client.trade(&cancel(2), "C");
    command(&venue, json!({"command": "remove_instrument", "symbol": "NEW"}));
    assert_eq!(reject_reason(&client.trade(&enter(4, b'B', 1, "NEW"), "J")), 0x17);
}

#[test]
fn limits_come_from_the_file_and_from_the_operator() {
    let site = Site::new(&with_token("[[limits]]\nscope = \"login:ALICE\"\nmax_quantity = 10\n"));
    let venue = site.start();
    let before = venue.settled_sequence();
    let (mut alice, mut bob) = (venue.login("ALICE"), venue.login("BOB"));
    assert_eq!(reject_reason(&alice.trade(&enter(1, b'B', 11, "ESH4"), "J")), 0x31);
    bob.trade(&enter(1, b'B', 11, "ESH4"), "A");
    command(&venue, json!({"command": "set_limits", "scope": "firm:BOBB", "max_quantity": 5}));
    assert_eq!(reject_reason(&bob.trade(&enter(2, b'B', 6, "ESH4"), "J")), 0x31);
    venue.assert_journaled(before, 6);
    venue.terminate();
    // Nothing has changed: the end journals its barrier, the next start the hash and the two disconnects at most.
    let venue = site.start();
    assert!(venue.ready["next_sequence"].as_u64().expect("a number") <= before + 10);
    assert_eq!(reject_reason(&venue.login("BOB").trade(&enter(3, b'B', 6, "ESH4"), "J")), 0x31);
}

#[test]
fn the_command_line_says_the_same() {
    let site = Site::new(&with_token(""));
    let venue = site.start();
    let to = venue.admin().to_string();
    let admin = |words: &[&str]| site.run(&[&["admin", "--to", &to, "--token", TOKEN], words].concat());
    let exit = admin(&["set-state", "ESH4", "auction", "--kind", "opening", "--reason", "OPEN"]);
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let answer: Value = serde_json::from_str(exit.stdout.trim()).expect("one JSON line");
    assert!(answer["sequence"].as_u64() > Some(0), "{answer}");
    for words in [
        &["uncross", "ESH4"][..],
        &["add-instrument", "NEW", "--tick-size", "0.01", "--tick-range", "100:0.05", "--collar-low", "1"],
        &["change-instrument", "NEW", "--tick-size", "0.02", "--band", "5%", "--volatility-call", "5s"],
        &["limits", "login:ALICE", "--max-orders", "3", "--fat-finger", "5%"],
        &["kill", "login", "ALICE"],
        &["unkill", "login", "ALICE"],
        &["restrict", "firm", "ALCE", "NEW"],
        &["allow", "firm", "ALCE", "NEW"],
        &["cancel-orders", "symbol", "NEW", "--side", "B"],
        &["deposit", "ALICE", "USD", "100"],
        &["withdraw", "ALICE", "USD", "100"],
        &["remove-instrument", "NEW"],
        &["end-of-day"],
        &["raw", r#"{"command":"tick"}"#],
    ] {
        let exit = admin(words);
        assert_eq!(exit.code, Some(0), "{words:?}: {} {}", exit.stdout, exit.stderr);
    }
    assert_eq!(admin(&["uncross", "ESH4"]).code, Some(1), "continuous trading has no call to end");
    assert_eq!(admin(&["bust", "99"]).code, Some(1));
    assert_eq!(admin(&["raw", "{"]).code, Some(2));
    assert_eq!(admin(&["explode"]).code, Some(2));
    let exit = site.run(&["admin", "--to", &to, "--token", "wrong", "tick"]);
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
}

#[test]
fn a_flow_uncrosses_through_the_admin_port() {
    let site = Site::new(&with_token(""));
    let venue = site.start();
    set_state(&venue, "pre-open");
    let flow = site.path().join("flow.csv");
    let rows = "time_ns,action,order_id,symbol,side,price,quantity,tif,new_order_id\n\
        1,new,b,ESH4,B,100.00,10,day,\n2,new,s,ESH4,S,100.00,4,day,\n3,uncross,,ESH4,,,,,\n\
        4,new,t,ESH4,S,100.00,6,ioc,\n";
    std::fs::write(&flow, rows).expect("the flow can be written");
    let (to, admin) = (venue.order_entry().to_string(), venue.admin().to_string());
    let login = ["send", "--to", &to, "--username", "ALICE", "--password", "pw-alice"];
    let flow = flow.to_str().expect("temporary paths are ASCII");
    let exit = site.run(&[&login[..], &["--admin", &admin, "--token", TOKEN, flow]].concat());
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let summary: Value = serde_json::from_str(exit.stdout.trim()).expect("one JSON line");
    assert_eq!((&summary["fills"], &summary["executed_quantity"]), (&json!(2), &json!(10)), "{summary}");
    let exit = site.run(&[&login[..], &[flow]].concat());
    assert_eq!(exit.code, Some(2), "{}", exit.stderr);
    assert!(exit.stderr.contains("--admin"), "{}", exit.stderr);
}

#[test]
fn terms_that_live_orders_forbid_stay_as_the_operator_has_set_them() {
    let site = Site::new(&with_token(""));
    let venue = site.start();
    let changed = json!({"command": "change_instrument", "symbol": "ESH4", "tick_size": "0.5"});
    command(&venue, changed);
    venue.login("ALICE").trade(&enter(1, b'B', 1, "ESH4"), "A");
    venue.kill();
    let again = site.start();
    let said = again.stderr();
    let warning = said.lines().find(|line| line.contains("those in force stay"));
    let warning = warning.unwrap_or_else(|| panic!("a warning: {said}"));
    assert!(warning.contains("ESH4") && warning.contains("tick_size"), "{warning}");
    assert_eq!(again.status()["terms_kept"], json!(["ESH4"]));
    // The order is still there, and so is the operator's tick.
    let mut alice = again.login("ALICE");
    let mut off_tick = order(2, b'B', 1, "ESH4");
    off_tick.price = 22_500;
    assert_eq!(reject_reason(&alice.trade(&encode(&Request::Enter(off_tick)), "J")), 0x1D);
    alice.trade(&cancel(1), "C");
    // Without orders the file is the truth again.
    again.kill();
    let last = site.start();
    assert_eq!(last.status()["terms_kept"], json!([]));
    assert!(!last.stderr().contains("those in force stay"));
}

#[test]
fn a_configuration_that_is_refused_leaves_nothing_in_the_journal() {
    let balances = "base = \"ES\"\nquote = \"USD\"\n";
    let config = with_token("").replacen("symbol = \"ESH4\"\n", &format!("symbol = \"ESH4\"\n{balances}"), 1);
    let site = Site::new(&config);
    let venue = site.start();
    command(
        &venue,
        json!({"command": "deposit", "account": "ALICE", "asset": "USD", "amount": 1_000_000_000}),
    );
    venue.login("ALICE").trade(&enter(1, b'B', 1, "ESH4"), "A");
    assert_eq!(venue.terminate(), Some(0));
    let before = site.verify();
    // The new instrument would be added first; the account of a login with reserves cannot change after it.
    let new = format!("{config}[[instrument]]\nsymbol = \"NEW\"\ntick_size = \"0.01\"\n");
    site.configure(&new.replacen("firm = \"ALCE\"", "firm = \"ALCE\"\naccount = \"HOUSE\"", 1));
    let exit = site.refused();
    assert_eq!(exit.code, Some(2), "{}", exit.stderr);
    assert!(exit.stderr.contains("login ALICE"), "{}", exit.stderr);
    assert_eq!(site.verify(), before, "no command of the refused start is in the journal");
    site.configure(&config);
    assert!(site.start().login("ALICE").trade(&cancel(1), "C").len() == 1);
}

#[test]
fn a_rate_that_is_set_at_run_time_says_at_once_how_much_is_read() {
    let site = Site::new(&with_token(""));
    let venue = site.start();
    let mut bob = venue.login("BOB");
    let throttled = || venue.metric("ringside_throttled_total");
    let ask = |bob: &mut Client, count| {
        let since = Instant::now();
        (0..count).for_each(|_| bob.send(&query()));
        (0..count).for_each(|_| drop(bob.expect("Q")));
        since.elapsed()
    };
    ask(&mut bob, 100);
    assert_eq!(throttled(), 0, "who has no rate has no budget");
    command(&venue, json!({"command": "set_limits", "scope": "firm:BOBB", "rate": 1}));
    // Ten are read at once, then ten a second; the venue's clock may be a twentieth faster than ours.
    let time = ask(&mut bob, 25);
    assert!(time > Duration::from_millis(1_300), "read within {time:?}");
    let before = throttled();
    assert!(before > 0);
    command(&venue, json!({"command": "set_limits", "scope": "firm:BOBB"}));
    ask(&mut bob, 100);
    assert_eq!(throttled(), before);
}

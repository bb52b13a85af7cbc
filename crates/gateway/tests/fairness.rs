//! One thread serves everybody: who sends too much, or has too much to read, takes one bounded turn and no more.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use ringside_domain::{Action, Command, Event, Fact, LoginId, Text, Username};
use ringside_gateway::auth::{Job, Outcome, Verdict};
use ringside_gateway::limits::{
    LAG_MAX, TURN_ACCEPTS, TURN_COMMANDS, TURN_VERDICTS, TURN_WRITES, WRITE_BYTES,
};
use ringside_gateway::{
    Caps, CloseReason, CommandSink, Gateway, GatewayOptions, ListenOptions, LockoutPolicy, LoginEntry,
    Outbound,
};
use ringside_wire::ouch::{AccountQuery, Cancel, Request, Tags};
use ringside_wire::soup::{self, LoginRequest, kind};

const FLOODER: LoginId = LoginId(1);
const OTHER: LoginId = LoginId(2);
const NAMES: [&str; 2] = ["FLOOD", "OTHER"];
/// Long enough for a loaded machine; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// Password checks that may wait here.
const CHECKS_MAX: usize = 4 * TURN_VERDICTS as usize;

/// Notes who was heard, turn by turn.
#[derive(Default)]
struct Sink {
    /// Of this turn.
    heard: Vec<LoginId>,
    total: [usize; 2],
    /// Logins without budget.
    spent: BTreeSet<LoginId>,
    /// No room for anything but cancels.
    is_full: bool,
}

impl CommandSink for Sink {
    fn begin_turn(&mut self) {
        self.heard.clear();
    }

    fn has_budget(&mut self, login: LoginId) -> bool {
        !self.spent.contains(&login)
    }

    fn offer(&mut self, command: &Command) -> bool {
        match command.action {
            Action::Connect | Action::Disconnect => return true,
            Action::AccountQuery(_) if self.is_full => return false,
            _ => {}
        }
        self.heard.push(command.login);
        self.total[command.login.0 as usize - 1] += 1;
        true
    }
}

struct Floor {
    gateway: Gateway,
    sink: Sink,
    asked: Receiver<Job>,
    told: Sender<Verdict>,
    _directory: tempfile::TempDir,
}

impl Floor {
    fn new() -> Floor {
        let directory = tempfile::tempdir().unwrap();
        let entry = |name: &str| LoginEntry {
            stream: Outbound::create(&directory.path().join(name)).unwrap(),
            certificate_name: None,
            connected: false,
        };
        let logins = NAMES.iter().map(|name| entry(name)).collect();
        let ((jobs, asked), (told, verdicts)) = (bounded(CHECKS_MAX), bounded(CHECKS_MAX));
        let options = GatewayOptions {
            listen: ListenOptions { tcp: Some("127.0.0.1:0".parse().unwrap()), ..ListenOptions::default() },
            session: 1,
            outbound: directory.path().to_owned(),
            logins,
            jobs,
            verdicts,
            caps: Caps::default(),
            lockout: LockoutPolicy::default(),
        };
        let gateway = Gateway::new(options).unwrap();
        Floor { gateway, sink: Sink::default(), asked, told, _directory: directory }
    }

    /// A client that has asked for a login and does not block.
    fn ask(&mut self, name: &str, sequence: u64) -> TcpStream {
        let mut client = TcpStream::connect(self.gateway.addresses().tcp.unwrap()).unwrap();
        client.set_nodelay(true).unwrap();
        let mut packet = Vec::new();
        let (username, password) = (Username::new(name).unwrap(), Text::new("pw").unwrap());
        LoginRequest { username, password, session: Text::BLANK, sequence: Some(sequence) }
            .encode(&mut packet);
        client.write_all(&packet).unwrap();
        client.set_nonblocking(true).unwrap();
        client
    }

    /// A client that has logged in and does not block.
    fn login(&mut self, login: LoginId, sequence: u64) -> TcpStream {
        let client = self.ask(NAMES[login.0 as usize - 1], sequence);
        let logins = self.gateway.stats().logins;
        self.until("the login", |floor| {
            if let Ok(job) = floor.asked.try_recv() {
                let (ticket, attempt) = (job.ticket, job.attempt);
                floor.told.send(Verdict { ticket, attempt, outcome: Outcome::Right(login) }).unwrap();
            }
            floor.gateway.stats().logins > logins
        });
        client
    }

    fn closed(&self, reason: CloseReason) -> usize {
        let at = CloseReason::ALL.iter().position(|other| *other == reason).unwrap();
        self.gateway.stats().closed[at] as usize
    }

    fn turn(&mut self) {
        self.gateway.poll(Duration::from_millis(1), &mut self.sink).unwrap();
    }

    fn until(&mut self, what: &str, mut is_done: impl FnMut(&mut Floor) -> bool) {
        let since = Instant::now();
        while !is_done(self) {
            assert!(since.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
            self.turn();
        }
    }

    /// Adds messages to a stream.
    fn tell(&mut self, login: LoginId, count: u32) {
        for n in 0..count {
            let fact = Fact::NextUserRefNum { user_ref_num: n };
            self.gateway.deliver(7, &Event { login, user_ref_idx: 0, fact });
        }
    }
}

fn requests(request: &Request<'_>, count: usize) -> Vec<u8> {
    let (mut message, mut packets) = (Vec::new(), Vec::new());
    request.encode(&mut message);
    (0..count).for_each(|_| soup::put_packet(kind::UNSEQUENCED, &message, &mut packets));
    packets
}

fn queries(count: usize) -> Vec<u8> {
    requests(&Request::AccountQuery(AccountQuery { tags: Tags::EMPTY }), count)
}

fn cancels(count: usize) -> Vec<u8> {
    requests(&Request::Cancel(Cancel { user_ref_num: 1, quantity: 0, tags: Tags::EMPTY }), count)
}

/// Writes as much as the socket takes.
fn push(client: &mut TcpStream, bytes: &[u8]) -> usize {
    match client.write(bytes) {
        Ok(count) => count,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_flooder_delays_another_client_by_one_turn() {
    let mut floor = Floor::new();
    let (mut flooder, mut other) = (floor.login(FLOODER, 0), floor.login(OTHER, 0));
    let flood = queries(100_000);
    let mut sent = 0;
    for round in 1..=50 {
        sent += push(&mut flooder, &flood[sent..]);
        floor.until("the flood", |floor| floor.sink.heard.contains(&FLOODER));
        other.write_all(&queries(1)).unwrap();
        let (before, heard) = (floor.sink.total[0], floor.sink.total[1]);
        assert_eq!(heard, round - 1);
        // The first turn may have begun its wait before the bytes were there.
        floor.turn();
        if floor.sink.total[1] == heard {
            floor.turn();
        }
        assert_eq!(floor.sink.total[1], round, "heard in the turn after its bytes came");
        assert!(floor.sink.heard.len() <= TURN_COMMANDS as usize + 1, "{}", floor.sink.heard.len());
        assert!(floor.sink.total[0] - before <= 2 * TURN_COMMANDS as usize);
    }
}

#[test]
fn a_rewind_takes_its_turn_like_everybody_else() {
    let mut floor = Floor::new();
    // 40 MiB: more than socket buffers hold.
    floor.tell(FLOODER, 2_000_000);
    let mut other = floor.login(OTHER, 0);
    let mut rewinder = floor.login(FLOODER, 1);
    let (mut chunk, mut read) = (vec![0; 1 << 20], 0);
    for round in 1..=40 {
        while let Ok(count @ 1..) = rewinder.read(&mut chunk) {
            read += count;
        }
        other.write_all(&queries(1)).unwrap();
        let before = floor.gateway.stats().bytes_out;
        floor.turn();
        if floor.sink.total[1] < round {
            floor.turn();
        }
        assert_eq!(floor.sink.total[1], round, "heard in the turn after its bytes came");
        let written = floor.gateway.stats().bytes_out - before;
        assert!(written <= 2 * u64::from(TURN_WRITES) * WRITE_BYTES as u64, "{written} bytes in two turns");
    }
    assert!(read > WRITE_BYTES, "the rewind goes on meanwhile: {read} bytes");
}

#[test]
fn a_storm_of_connections_is_accepted_over_some_turns() {
    let mut floor = Floor::new();
    let mut other = floor.login(OTHER, 0);
    let address = floor.gateway.addresses().tcp.unwrap();
    let storm: Vec<_> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
    other.write_all(&queries(1)).unwrap();
    let before = floor.gateway.stats().accepted;
    let mut turns = 0;
    floor.until("all of the storm", |floor| {
        turns += 1;
        let accepted = (floor.gateway.stats().accepted - before) as usize;
        assert!(accepted <= turns * TURN_ACCEPTS as usize, "{accepted} accepted in {turns} turns");
        accepted == storm.len()
    });
    assert_eq!(floor.sink.total[1], 1, "the other client was heard meanwhile");
}

/// As many connections as the kernel keeps for anybody.
fn somaxconn() -> usize {
    let text = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    text.trim().parse().unwrap()
}

#[test]
fn a_burst_of_connections_waits_for_a_gateway_that_is_held_up() {
    const BURST: usize = 400;
    let floor = Floor::new();
    let address = floor.gateway.addresses().tcp.unwrap();
    if somaxconn() < BURST {
        return println!("skipped: net.core.somaxconn is {}", somaxconn());
    }
    // No turn is taken. One that finds the queue full is tried again after a second, in vain.
    let connect = |_| TcpStream::connect_timeout(&address, Duration::from_secs(2));
    let burst: Result<Vec<_>, _> = (0..BURST).map(connect).collect();
    assert_eq!(burst.expect("all are queued").len(), BURST);
}

#[test]
fn a_slow_reader_is_cut_off_counted_and_nobody_else_is() {
    let mut floor = Floor::new();
    let slow = floor.login(FLOODER, 0);
    let mut other = floor.login(OTHER, 0);
    let mut told = 0;
    while floor.closed(CloseReason::SlowReader) == 0 {
        floor.tell(FLOODER, 10_000);
        told += 10_000;
        floor.gateway.flush(&mut floor.sink).unwrap();
        floor.turn();
        // A message has more than 10 bytes; loopback sockets hold some megabytes.
        assert!(told * 10 < 16 * LAG_MAX, "still open after {told} messages");
    }
    assert!(told * 30 > LAG_MAX, "cut off after {told} messages");
    other.write_all(&queries(1)).unwrap();
    floor.until("the other client", |floor| floor.sink.total[1] == 1);
    assert_eq!(floor.gateway.stats().logged_in, 1);
    drop(slow);
}

/// Cancels of a flood: 8 MB, more than the sockets of a connection hold that nobody reads.
const FLOOD: usize = 600_000;

#[test]
fn a_login_without_budget_is_left_unread_and_loses_nothing() {
    let mut floor = Floor::new();
    let (mut flooder, mut other) = (floor.login(FLOODER, 0), floor.login(OTHER, 0));
    floor.sink.spent.insert(FLOODER);
    // Cancels wait like everything else: a TCP stream has one order.
    let flood = cancels(FLOOD);
    let mut sent = push(&mut flooder, &flood);
    floor.until("the flooder is left alone", |floor| floor.gateway.stats().throttled == 1);
    for round in 1..=20 {
        sent += push(&mut flooder, &flood[sent..]);
        other.write_all(&queries(1)).unwrap();
        floor.until("the other client", |floor| floor.sink.total[1] == round);
    }
    assert_eq!((floor.sink.total[0], floor.gateway.stats().throttled), (0, 1));
    assert!(sent < flood.len(), "TCP pushes back");
    assert!(!floor.gateway.has_ready(), "nobody is looked at again and again");
    floor.sink.spent.clear();
    floor.until("all of the flood", |floor| {
        sent += push(&mut flooder, &flood[sent..]);
        floor.sink.total[0] == FLOOD
    });
    assert_eq!(sent, flood.len());
}

#[test]
fn a_login_without_budget_that_has_gone_is_heard_to_the_end() {
    let mut floor = Floor::new();
    let mut flooder = floor.login(FLOODER, 0);
    floor.sink.spent.insert(FLOODER);
    flooder.write_all(&queries(100)).unwrap();
    drop(flooder);
    floor.until("the flooder is left alone", |floor| floor.gateway.stats().throttled == 1);
    (0..20).for_each(|_| floor.turn());
    assert_eq!((floor.sink.total[0], floor.gateway.stats().logged_in), (0, 1));
    floor.sink.spent.clear();
    floor.until("the end", |floor| floor.gateway.stats().logged_in == 0);
    assert_eq!(floor.sink.total[0], 100);
}

#[test]
fn cancels_of_others_pass_an_order_that_finds_no_room() {
    let mut floor = Floor::new();
    let (mut flooder, mut other) = (floor.login(FLOODER, 0), floor.login(OTHER, 0));
    floor.sink.is_full = true;
    flooder.write_all(&[queries(1), cancels(1)].concat()).unwrap();
    floor.until("the order finds no room", |floor| floor.gateway.stats().sink_full > 0);
    other.write_all(&cancels(10)).unwrap();
    floor.until("the cancels", |floor| floor.sink.total[1] == 10);
    assert_eq!(floor.sink.total[0], 0, "its own cancel comes after its order");
    floor.sink.is_full = false;
    floor.until("the order and its cancel", |floor| floor.sink.total[0] == 2);
}

/// More logins at once than checks may wait, each of another name; one of them is heard meanwhile.
fn flood_of_logins(floor: &mut Floor, other: &mut TcpStream, more: usize) -> Vec<TcpStream> {
    let asked = (0..CHECKS_MAX + more).map(|n| floor.ask(&format!("N{n}"), 0)).collect();
    other.write_all(&queries(1)).unwrap();
    let heard = floor.sink.total[1];
    floor.until("the flood of logins", |floor| floor.closed(CloseReason::VerifierBusy) == more);
    floor.until("the other client", |floor| floor.sink.total[1] == heard + 1);
    asked
}

#[test]
fn logins_that_find_no_room_at_the_verifier_are_closed_and_counted_and_the_others_get_in() {
    let mut floor = Floor::new();
    let mut other = floor.login(OTHER, 0);
    let flood = flood_of_logins(&mut floor, &mut other, 10);
    assert_eq!(floor.asked.len(), CHECKS_MAX, "those who fit wait");
    let closed = |client: &mut &TcpStream| matches!(client.read(&mut [0; 64]), Ok(0));
    assert_eq!(flood.iter().filter(|client| closed(&mut &**client)).count(), 10, "not a byte, then the end");
    // The checks are made: everybody has an answer, and there is room again.
    while let Ok(Job { ticket, attempt, .. }) = floor.asked.try_recv() {
        let right = attempt.username == Username::new("N0").unwrap();
        let outcome = if right { Outcome::Right(FLOODER) } else { Outcome::Wrong };
        floor.told.send(Verdict { ticket, attempt, outcome }).unwrap();
    }
    floor.until("all verdicts", |floor| floor.closed(CloseReason::LoginRejected) == CHECKS_MAX - 1);
    assert_eq!(floor.gateway.stats().logged_in, 2);
    let _taken_over = floor.login(FLOODER, 0);
}

#[test]
fn verdicts_that_come_together_are_taken_over_some_turns() {
    let mut floor = Floor::new();
    let mut other = floor.login(OTHER, 0);
    let _flood = flood_of_logins(&mut floor, &mut other, 0);
    floor.until("all jobs", |floor| floor.asked.len() == CHECKS_MAX);
    for Job { ticket, attempt, .. } in floor.asked.try_iter() {
        floor.told.send(Verdict { ticket, attempt, outcome: Outcome::Unchecked }).unwrap();
    }
    let mut turns = 0;
    while floor.closed(CloseReason::VerifierBusy) < CHECKS_MAX {
        assert!(floor.gateway.has_ready(), "without waiting for a socket");
        floor.turn();
        turns += 1;
        assert!(floor.closed(CloseReason::VerifierBusy) <= turns * TURN_VERDICTS as usize, "{turns} turns");
    }
}

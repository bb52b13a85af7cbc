//! SIGKILL at any moment, again and again on one data directory: every acknowledged command is there exactly once.
//!
//! Known limit: the kernel outlives the process, so a missing sync is not seen here (that is durability.rs).
//! This sees a reply that leaves before its command is written, a tail cut too far, and a double execution.

mod support;

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ringside_wire::ouch::Reply;
use ringside_wire::soup::{self, kind};
use support::*;

/// Orders of one login under way at once.
const WINDOW: u32 = 64;
/// Most orders of one login in one life, so that the last of many lives is replayed in seconds.
const LIFE_ORDERS: u32 = 8_000;

/// What one login has sent and received over all lives.
struct Trader {
    name: &'static str,
    side: u8,
    received: Stream,
    /// Last UserRefNum sent, from 1 without gaps.
    sent: u32,
    /// Last UserRefNum whose `A` was received. Replies come in order, so all before it are acknowledged too.
    acknowledged: u32,
}

impl Trader {
    fn new(name: &'static str, side: u8) -> Trader {
        Trader { name, side, received: Stream::default(), sent: 0, acknowledged: 0 }
    }

    /// The stream of the restarted venue goes on where the received one was cut off.
    fn check(&mut self, venue: &Running) {
        let rewound = Stream::rewind(venue, self.name);
        let (had, has) = (self.received.count, rewound.count);
        assert!(
            self.received.is_prefix_of(&rewound),
            "{}: {had} received, not the start of {has}",
            self.name
        );
        let last = assert_accepted_once_in_order(&rewound);
        assert!((self.acknowledged..=self.sent).contains(&last), "{}: {last} accepted", self.name);
        self.received = rewound;
    }

    /// Sends again whatever was not acknowledged, as a client must, then new orders until the venue dies.
    fn live(&mut self, mut client: Client) {
        let socket = client.socket().try_clone().expect("a socket can be cloned");
        let (again, last) = (self.acknowledged + 1, self.sent + LIFE_ORDERS);
        let (side, acknowledged) = (self.side, AtomicU32::new(self.acknowledged));
        self.sent = std::thread::scope(|scope| {
            let sender = scope.spawn(|| push_orders(socket, side, again..=last, &acknowledged));
            self.receive(&mut client, &acknowledged);
            sender.join().expect("the sender ends with the venue").max(self.sent)
        });
    }

    /// Reads until the venue dies.
    fn receive(&mut self, client: &mut Client, acknowledged: &AtomicU32) {
        // What an earlier life accepted is in the stream already: it is not answered a second time.
        self.acknowledged = assert_accepted_once_in_order(&self.received);
        acknowledged.store(self.acknowledged, Ordering::Release);
        loop {
            match client.next(PATIENCE) {
                Got::Packet(kind::SEQUENCED, message) => self.note(&message, acknowledged),
                Got::Closed => break,
                other => panic!("{}: {other:?}", self.name),
            }
        }
        // Lets the sender see the end when it waits for the window.
        acknowledged.store(u32::MAX, Ordering::Release);
        let _ = client.socket().shutdown(Shutdown::Both);
    }

    fn note(&mut self, message: &[u8], acknowledged: &AtomicU32) {
        self.received.push(message);
        if let Reply::Accepted(accepted) = reply(message) {
            self.acknowledged = accepted.user_ref_num;
            acknowledged.store(self.acknowledged, Ordering::Release);
        }
    }
}

/// Sends orders in small writes, a window ahead. Returns the last one that may have arrived.
fn push_orders(
    mut socket: TcpStream,
    side: u8,
    numbers: std::ops::RangeInclusive<u32>,
    acknowledged: &AtomicU32,
) -> u32 {
    let (mut bytes, mut sent) = (Vec::new(), numbers.start() - 1);
    for user_ref_num in numbers {
        while user_ref_num > acknowledged.load(Ordering::Acquire).saturating_add(WINDOW) {
            std::thread::sleep(Duration::from_micros(50));
        }
        bytes.clear();
        // One to nine lots: some orders rest, some trade against several.
        let message = enter(user_ref_num, side, 1 + user_ref_num % 9, "ESH4");
        soup::put_packet(kind::UNSEQUENCED, &message, &mut bytes);
        sent = user_ref_num;
        if std::io::Write::write_all(&mut socket, &bytes).is_err() {
            break;
        }
    }
    sent
}

/// Orders are sent in order and resent in order, so they are accepted in order, each once. Returns the last.
fn assert_accepted_once_in_order(stream: &Stream) -> u32 {
    let mut last = 0;
    for message in stream.messages() {
        if let Reply::Accepted(accepted) = reply(message) {
            assert_eq!(accepted.user_ref_num, last + 1, "after UserRefNum {last}");
            last = accepted.user_ref_num;
        }
    }
    last
}

/// Every match is told to both sides, once each.
fn matches(streams: [&Stream; 2]) -> u64 {
    let mut sides: HashMap<u64, u32> = HashMap::new();
    for message in streams.into_iter().flat_map(Stream::messages) {
        if let Reply::Executed(executed) = reply(message) {
            *sides.entry(executed.match_number).or_default() += 1;
        }
    }
    assert!(sides.values().all(|sides| *sides == 2), "a match was told to one side only");
    sides.len() as u64
}

#[test]
fn every_acknowledged_command_survives_kill_exactly_once() {
    let rounds = number_from("RINGSIDE_CRASH_ROUNDS", 12);
    let mut dice = Dice(seed());
    let site = Site::new(CONFIG);
    let mut traders = [Trader::new("ALICE", b'B'), Trader::new("BOB", b'S')];
    for round in 1..=rounds {
        site.configure(&config_of(round));
        let venue = site.start();
        traders.iter_mut().for_each(|trader| trader.check(&venue));
        let life = Duration::from_micros(dice.between(500, 100_000));
        live_and_die(venue, &mut traders, life);
        verify(&site, round);
        let [alice, bob] = &traders;
        let segments = site.segments().len();
        println!(
            "round {round}: killed after {life:?}, acknowledged {} and {}, sent {} and {}, {segments} segments",
            alice.acknowledged, bob.acknowledged, alice.sent, bob.sent
        );
    }
    settle(&site, &mut traders);
}

/// Small segments, so that kills meet rotations; snapshots at different distances; the other writer and another layout each time, because one thread hides a reply that
/// overtakes its journal.
fn config_of(round: u64) -> String {
    let layout = ["two-cores", "three-cores", "four-cores"][(round % 3) as usize];
    let config = CONFIG.replace("layout = \"auto\"", &format!("layout = \"{layout}\""));
    let writer = if round.is_multiple_of(2) { "mmap" } else { "direct" };
    let config = config.replace("[journal]", &format!("[journal]\nwriter = \"{writer}\""));
    let config = config.replace("segment_size = 4194304", "segment_size = 1048576");
    // Snapshots under way, or just published, when the venue dies; in some lives none.
    let every = [150, 1_000, 1_000_000][(round / 3 % 3) as usize];
    format!("[snapshot]\nevery_commands = {every}\n{config}")
}

fn live_and_die(venue: Running, traders: &mut [Trader; 2], life: Duration) {
    std::thread::scope(|scope| {
        for trader in traders {
            let client = venue.login_from(trader.name, trader.received.count + 1);
            scope.spawn(move || trader.live(client));
        }
        std::thread::sleep(life);
        venue.signal(libc::SIGKILL);
    });
    venue.kill();
}

/// The dead venue's journal is whole up to its torn tail.
fn verify(site: &Site, round: u64) {
    let verified = site.verify();
    assert!(verified["last_sequence"].as_u64() > Some(0), "round {round}: {verified}");
}

/// After the last crash: streams, status and replay tell the same story.
fn settle(site: &Site, traders: &mut [Trader; 2]) {
    let venue = site.start();
    traders.iter_mut().for_each(|trader| trader.check(&venue));
    let [alice, bob] = &*traders;
    assert!(alice.received.count > 100 && bob.received.count > 100, "there was load");
    let trades = matches([&alice.received, &bob.received]);
    assert_eq!(venue.status()["trades"], trades);
    assert_eq!(venue.terminate(), Some(0));
    let snapshots = std::fs::read_dir(site.data_dir.join("snapshots")).expect("snapshots").count();
    assert!(snapshots >= 2, "there were snapshots to start from: {snapshots}");
    assert_eq!(site.verify()["trades"], trades);
}

#[test]
fn restarts_without_load_change_nothing() {
    let site = Site::new(CONFIG);
    let venue = site.start();
    let (mut alice, mut bob) = (venue.login("ALICE"), venue.login("BOB"));
    alice.trade(&enter(1, b'B', 5, "ESH4"), "A");
    bob.trade(&enter(1, b'S', 3, "ESH4"), "AE");
    alice.expect("E");
    venue.kill();
    let venue = site.start();
    let (streams, next) = (["ALICE", "BOB"].map(|name| Stream::rewind(&venue, name)), venue.next_sequence());
    venue.kill();
    // The rewinds above were visits: their disconnects are journaled by the next start, and then nothing more.
    let second = site.start();
    let after_visits = second.next_sequence();
    assert!(after_visits >= next);
    second.kill();
    for _ in 0..2 {
        let venue = site.start();
        assert_eq!(venue.next_sequence(), after_visits, "a restart without load journals nothing");
        assert_eq!(venue.ready["next_sequence"], after_visits);
        venue.kill();
    }
    let venue = site.start();
    for (name, before) in ["ALICE", "BOB"].iter().zip(&streams) {
        assert_eq!(Stream::rewind(&venue, name).bytes, before.bytes, "stream of {name}");
    }
    assert_eq!(venue.status()["orders_live"], 1);
}

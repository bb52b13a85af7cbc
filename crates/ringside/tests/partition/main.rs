//! Loss and partition between a venue and its clients, each in a network namespace of its own: whatever happens to the link, the
//! same is told in the end, once; links that are half open are let go in time; and who has a whole link does not notice.
//!
//! `scripts/partition` runs every fault at every moment with seeds. Skipped where namespaces cannot be made.

#[path = "../support/mod.rs"]
mod support;

mod account;
mod bystander;
mod case;
mod journal;
mod network;
mod signals;
mod trader;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ringside_client::AfterLoss;

use account::Account;
use bystander::{WINDOW, Watch};
use case::{Case, End, Row, Spoilt};
use network::{Fault, Network, Packets};
use ringside_wire::soup::kind;
use signals::{Signal, Signals};
use support::*;
use trader::{Moment, Trader};

/// The venue listens at the ends of all links.
const VENUE: &str = r#"
[order_entry]
listen = "0.0.0.0:0"
[admin]
listen = "127.0.0.1:0"
[journal]
sync = "never"
segment_size = 4194304
[[instrument]]
symbol = "ESH4"
tick_size = "0.25"
[[instrument]]
symbol = "AAPL"
tick_size = "0.01"
[[login]]
username = "WATCH"
password = "pw-watch"
firm = "WTCH"
"#;
/// How long the bystander is watched before anything goes wrong.
const QUIET: Duration = Duration::from_secs(1);
/// A partition that is long enough for both sides to notice is over this long after the venue has.
const NOTICED: End = End::AfterClose(Duration::from_millis(300));
/// ... and this long, when a grace of a second is to pass meanwhile.
const GONE: End = End::AfterClose(Duration::from_secs(3));

/// A venue with all its clients, and the faults of their links.
struct Scene<'a> {
    cases: &'a [Case],
    network: Network,
    site: Site,
    seed: u64,
}

impl<'a> Scene<'a> {
    fn new(cases: &'a [Case], seed: u64) -> Scene<'a> {
        let links = u8::try_from(cases.len() + 1).expect("one link for each case, and the bystander's");
        let logins = cases.iter().enumerate().map(|(at, case)| case.login(&name_of(at)));
        let site = Site::new(&(VENUE.to_owned() + &logins.collect::<String>()));
        let network = Network::new(links);
        // What this thread starts, and asks the admin port, is in the venue's namespace.
        network.venue.enter();
        Scene { cases, network, site, seed }
    }

    /// All cases side by side; panics if something is not as it must be.
    fn play(&self) {
        let venue = self.site.start();
        let outcomes = self.disturb(&venue);
        let told = venue.stderr().matches("\"reason\":\"silence\"").count();
        assert_eq!(venue.disconnects("silence"), told as u64, "each one is counted, and told in the log");
        assert_eq!(venue.terminate(), Some(0));
        self.site.verify();
        let records = journal::read(&self.site);
        // What the streams were comes from nothing but the journal now.
        std::fs::remove_dir_all(self.site.data_dir.join("outbound")).expect("streams may be deleted");
        let venue = self.site.start();
        println!("{}", Row::HEADINGS);
        let names: Vec<_> = (0..self.cases.len()).map(name_of).collect();
        let rows: Vec<_> = outcomes
            .iter()
            .enumerate()
            .map(|(at, (account, spoilt))| {
                let (case, name) = (&self.cases[at], names[at].as_str());
                Row { case, name, account, spoilt, record: &records[name] }
            })
            .collect();
        rows.iter().for_each(|row| println!("{row}"));
        rows.iter().for_each(|row| row.case.check(row, &Stream::rewind(&venue, row.name)));
    }

    fn disturb(&self, venue: &Running) -> Vec<(Account, Spoilt)> {
        let signals: Vec<_> = self.cases.iter().map(|_| Signals::default()).collect();
        let (stop, port, log) = (AtomicBool::new(false), venue.order_entry().port(), venue.log());
        let log = &*log;
        thread::scope(|scope| {
            let ending = Ending(&stop);
            let watch = scope.spawn(|| self.watch(port, &stop));
            let traders: Vec<_> = (0..self.cases.len())
                .map(|at| (at, &signals[at]))
                .map(|(at, signals)| scope.spawn(move || self.trade(at, port, signals)))
                .collect();
            signals.iter().for_each(|signals| signals.wait(Signal::Prepared));
            let quiet = Instant::now();
            thread::sleep(QUIET);
            let spoilers: Vec<_> = (0..self.cases.len())
                .map(|at| (at, &signals[at]))
                .map(|(at, signals)| scope.spawn(move || self.spoil(at, log, signals)))
                .collect();
            let loud = Instant::now();
            signals.iter().for_each(|signals| signals.give(Signal::Go));
            let spoilt: Vec<_> =
                spoilers.into_iter().map(|spoiler| spoiler.join().expect("it says why")).collect();
            let accounts: Vec<_> =
                traders.into_iter().map(|trader| trader.join().expect("it says why")).collect();
            drop(ending);
            let watch = watch.join().expect("the bystander says why");
            check_bystander(&watch, [quiet, loud, Instant::now()]);
            accounts.into_iter().zip(spoilt).collect()
        })
    }

    fn watch(&self, port: u16, stop: &AtomicBool) -> Watch {
        Watch::keep(self.raw(self.cases.len(), "WATCH", port), stop)
    }

    /// A client without comfort, logged in. Its socket stays in the namespace that it was made in.
    fn raw(&self, at: usize, name: &str, port: u16) -> Client {
        let link = &self.network.links[at];
        link.client.enter();
        let address = format!("{}:{port}", link.venue_address());
        let mut client = Client::connect(address.parse().expect("an address"));
        client.login(name, 0).expect("a login");
        client
    }

    fn trade(&self, at: usize, port: u16, signals: &Signals) -> Account {
        let (case, link) = (&self.cases[at], &self.network.links[at]);
        link.client.enter();
        let (name, address) = (name_of(at), format!("{}:{port}", link.venue_address()));
        let (moment, after_loss, seed) = (case.moment, case.after_loss, self.seed + at as u64);
        Trader { name, address, moment, after_loss, seed, signals }.trade()
    }

    fn spoil(&self, at: usize, log: &Mutex<String>, signals: &Signals) -> Spoilt {
        self.cases[at].disturb(log, &self.network.venue, &self.network.links[at], signals)
    }
}

/// Sends the bystander home, also when somebody panics: the others are waited for then.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        // Relaxed: nothing else is read behind it.
        self.0.store(true, Ordering::Relaxed);
    }
}

fn name_of(at: usize) -> String {
    format!("P{at:03}")
}

/// Nothing that happens to others stops who has a whole link, or makes it an order of magnitude slower.
fn check_bystander(watch: &Watch, [quiet, loud, end]: [Instant; 3]) {
    let (before, during) = (watch.between(quiet, loud), watch.between(loud, end));
    for (when, spell) in [("before", &before), ("during", &during)] {
        let (rate, p99, gap) = (spell.per_second(), spell.p99(), spell.longest_gap);
        println!("bystander {when}: {rate:.0} round trips a second, p99 {p99:.1?}, longest gap {gap:.1?}");
    }
    assert!(during.longest_gap < WINDOW, "nothing was answered for {:?}", during.longest_gap);
    // Times of a few microseconds say more of the machine than of the venue.
    let bound = (before.p99() * 20).max(Duration::from_millis(100));
    assert!(during.p99() < bound, "p99 {:?}, was {:?}", during.p99(), before.p99());
}

/// Those whose outcome differs, side by side.
fn chosen() -> Vec<Case> {
    use {AfterLoss::*, Fault::*, Moment::*};
    let short = |seconds| End::After(Duration::from_secs(seconds));
    vec![
        Case::new(Both, Orders, NOTICED, Ask),
        Case::new(ToVenue, Cancels, NOTICED, Ask),
        Case::new(FromVenue, Orders, NOTICED, SendAgain),
        Case::new(Both, Rewind, NOTICED, Ask),
        Case::new(LargeLost, Rewind, NOTICED, Ask),
        with_grace(Case::new(ToVenue, Idle, NOTICED, Ask), 5),
        with_grace(Case::new(Reset, Idle, End::AfterClose(Duration::from_secs(3)), Ask), 1),
        with_grace(Case::new(Reset, Orders, End::AfterClose(Duration::from_secs(1)), Ask), 10),
        Case::new(Reset, Rewind, End::AfterClose(Duration::from_secs(1)), Ask),
        Case::new(FromVenue, Login, short(3), SendAgain),
        Case::new(LinkDown, Cancels, short(3), SendAgain),
        Case::new(Loss, Orders, short(4), Ask),
    ]
}

/// Every fault at every moment, for a short while and until both sides have noticed.
fn all(seed: u64) -> Vec<Case> {
    let has_netem = network::has_netem();
    let faults = Fault::ALL.into_iter().filter(|fault| has_netem || *fault != Fault::Late);
    let pairs = faults.flat_map(|fault| Moment::ALL.map(|moment| (fault, moment)));
    let cases = pairs.flat_map(|(fault, moment)| ends(fault, moment).map(move |end| (fault, moment, end)));
    let case = |(at, (fault, moment, end)): (usize, (Fault, Moment, End))| {
        let dice = seed.wrapping_add(at as u64);
        let after_loss = if dice.is_multiple_of(2) { AfterLoss::Ask } else { AfterLoss::SendAgain };
        match (end, dice / 2 % 3) {
            // Who can connect again is not away.
            (End::AfterClose(_), 0) if !fault.is_partial() => {
                with_grace(Case::new(fault, moment, GONE, after_loss), 1)
            }
            (End::AfterClose(_), 1) => with_grace(Case::new(fault, moment, end, after_loss), 10),
            _ => Case::new(fault, moment, end, after_loss),
        }
    };
    cases.enumerate().map(case).collect()
}

/// How long a fault lasts. Only what is established can be noticed, and what is lost in part is bridged, if slowly.
fn ends(fault: Fault, moment: Moment) -> impl Iterator<Item = End> {
    let seconds = |seconds| Some(End::After(Duration::from_secs(seconds)));
    let ends = match (fault, moment) {
        (Fault::LargeLost, Moment::Rewind) => [seconds(3), Some(NOTICED)],
        (fault, _) if fault.is_partial() => [seconds(18), None],
        (_, Moment::Login) => [seconds(3), seconds(8)],
        _ => [seconds(3), Some(NOTICED)],
    };
    ends.into_iter().flatten()
}

fn with_grace(case: Case, seconds: u64) -> Case {
    Case { grace: Some(Duration::from_secs(seconds)), ..case }
}

#[test]
#[ignore = "half a minute for each seed: scripts/partition"]
fn every_fault_at_every_moment() {
    if !network::is_possible() {
        return;
    }
    let first = seed();
    for seed in first..first + number_from("RINGSIDE_SEEDS", 1) {
        let (since, cases) = (Instant::now(), all(seed));
        println!("seed {seed}: {} cases side by side", cases.len());
        thread::scope(|scope| scope.spawn(|| Scene::new(&cases, seed).play()).join().expect("it says why"));
        println!("seed {seed}: all of it holds, {:.1} s", since.elapsed().as_secs_f64());
    }
}

/// Its heartbeats arrive, so it is not silent; what it is sent is never acknowledged.
#[test]
#[ignore = "takes the limit for what is not acknowledged, 30 s: scripts/partition"]
fn a_client_that_is_heard_and_hears_nothing_is_let_go() {
    if !network::is_possible() {
        return;
    }
    let cases = [with_grace(Case::new(Fault::FromVenue, Moment::Idle, NOTICED, AfterLoss::Ask), 0)];
    let scene = Scene::new(&cases, 0);
    let (venue, link) = (scene.site.start(), &scene.network.links[0]);
    let (port, log) = (venue.order_entry().port(), venue.log());
    let mut client =
        thread::scope(|scope| scope.spawn(|| scene.raw(0, &name_of(0), port)).join().expect("a login"));
    client.trade(&enter(1, b'B', 1, "ESH4"), "A");
    // Acknowledgements get through, or TCP would keep the heartbeats back until they do.
    link.begin(&scene.network.venue, Fault::FromVenue, Packets::Data);
    let since = Instant::now();
    while case::closes(&log, link).is_empty() {
        assert!(since.elapsed() < Duration::from_secs(60), "the venue never lets go");
        client.send_packet(kind::CLIENT_HEARTBEAT, &[]);
        thread::sleep(Duration::from_millis(500));
    }
    println!("let go after {:.1} s", since.elapsed().as_secs_f64());
    assert!(since.elapsed() > Duration::from_secs(25), "a client that falls silent for less keeps its link");
    assert_eq!(case::closes(&log, link), ["unacknowledged"]);
    eventually("its order is cancelled", || (venue.status()["orders_live"] == 0).then_some(()));
}

#[test]
fn a_partition_loses_nothing_doubles_nothing_and_disturbs_nobody() {
    if !network::is_possible() {
        return;
    }
    let seed = seed();
    Scene::new(&chosen(), seed).play();
}

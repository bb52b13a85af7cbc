//! The venue of a crowd, those who trade on it, and the count of what became of everything.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ringside_gateway::CloseReason;
use ringside_venue::{Config, Tools, Venue};

use super::super::open_loop::OpenLoop;
use super::super::recorder::Recorder;
use super::super::reference::{check_venue, wrong};
use super::super::report::Report;
use super::super::wire::Clock;
use super::super::wire::client::{Client, Tally};
use super::super::wire::load::{paced_with, settle_all};
use super::super::wire::site::await_segments;
use super::CrowdArgs;
use crate::failure::{Failure, USAGE};

/// Of `pw`: argon2id, 19 MiB, two passes (the least that OWASP's Password Storage Cheat Sheet names).
const DEAR_PASSWORD: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$cmluZ3NpZGUtc2FsdC0xNg$TlZCicdxXPvBsC/V2utoZOkWUy0ORZwxchli24L76u0";

/// Between two looks at the sockets of the active clients; with the kernel's timer slack some 100 µs. A thread that yields instead
/// takes a whole core for them, and loses it to whoever computes beside until the next tick of the kernel, 4 ms later: those were
/// times of the bench, not of the venue.
const REST: Duration = Duration::from_micros(50);
/// Longest wait for the venue to count what has ended, and how often is asked. Who is silent meanwhile may be for 15 s.
const COUNT_MAX: Duration = Duration::from_secs(10);
const COUNT_STEP: Duration = Duration::from_millis(10);

/// A venue and its traders.
pub struct Floor {
    pub address: SocketAddr,
    pub clock: Clock,
    venue: Venue,
    active: Vec<Client>,
    rate: u64,
    /// Of clients that have left.
    left: Tally,
    data_dir: PathBuf,
}

impl Floor {
    pub fn open(args: &CrowdArgs, scratch: &Path) -> Result<Floor, Failure> {
        let config =
            Config::parse("bench", &config(args, scratch)).map_err(|error| Failure::new(USAGE, error))?;
        let (venue, ready) = Venue::start(&config, Tools::default())?;
        let address = ready.order_entry.tcp.expect("the configuration has a listener");
        let active =
            (0..args.active as usize).map(|n| Client::connect(address, n)).collect::<io::Result<_>>();
        let data_dir = scratch.join("data");
        await_segments(&data_dir.join("journal"));
        let (active, clock) = (active?, Clock::start());
        Ok(Floor { address, clock, venue, active, rate: args.rate, left: Tally::default(), data_dir })
    }

    /// The active clients trade for so long; every command is answered before this returns. The longest time that one was sent
    /// after its moment.
    pub fn trade(&mut self, slice: Duration, times: &mut Recorder) -> io::Result<Duration> {
        let offered = OpenLoop::lasting(self.clock.now(), self.rate, slice);
        let rest = |_: &OpenLoop| std::thread::sleep(REST);
        let (counts, _) = paced_with(&mut self.active, offered, &self.clock, times, rest)?;
        settle_all(&mut self.active, &self.clock)?;
        Ok(Duration::from_nanos(counts.latest_ns))
    }

    /// The active clients say that they are still there.
    pub fn keep_alive(&mut self) -> io::Result<()> {
        self.active.iter_mut().try_for_each(|client| {
            client.push_heartbeat();
            client.write_some()
        })
    }

    /// Waits until something is so of the venue.
    pub fn await_that(&mut self, what: &str, is_so: impl Fn(&Floor) -> bool) -> Result<(), Failure> {
        let begin = Instant::now();
        while !is_so(self) {
            if begin.elapsed() > COUNT_MAX {
                return Err(wrong(format!("not within {COUNT_MAX:?}: {what}")));
            }
            std::thread::sleep(COUNT_STEP);
        }
        Ok(self.keep_alive()?)
    }

    /// A client goes; what it did counts.
    pub fn leave(&mut self, client: Client) -> Result<(), Failure> {
        let tally = client.tally();
        self.left = self.left.plus(tally);
        check(&client)
    }

    /// Connections closed so far for one of these reasons.
    pub fn closed(&self, reasons: &[CloseReason]) -> u64 {
        reasons.iter().map(|reason| self.venue.shared().closed(*reason)).sum()
    }

    /// Connections that are logged in now.
    pub fn logged_in(&self) -> u64 {
        self.venue.shared().total(|of| &of.logged_in)
    }

    /// Times a socket was left unread because its login had no budget.
    pub fn throttled(&self) -> u64 {
        self.venue.shared().total(|of| &of.throttled)
    }

    /// Stops the venue and has everything carried out again.
    pub fn close(self, report: &mut Report) -> Result<(), Failure> {
        self.active.iter().try_for_each(check)?;
        let sum = self.active.iter().map(Client::tally).fold(self.left, Tally::plus);
        drop(self.active);
        self.venue.stopper()();
        self.venue.join()?;
        let state = check_venue(&self.data_dir, sum.commands)?;
        report.value("sent", sum.commands);
        report.value("accepted", sum.accepted);
        report.value("canceled", sum.canceled);
        report.value("rejected", sum.rejected);
        report.value("void", sum.void);
        report.value("state_hash", format!("{:016x}", state.state_hash));
        Ok(())
    }
}

/// Every command was answered, or was a cancel of a refused order.
fn check(client: &Client) -> Result<(), Failure> {
    let tally = client.tally();
    let answered = tally.accepted + tally.canceled + tally.rejected + tally.void;
    match client.in_flight() == 0 && answered == tally.commands {
        true => Ok(()),
        false => Err(wrong(format!("{} commands have no answer; {tally:?}", client.in_flight()))),
    }
}

/// Logins by number: those who trade, a flooder for each round (a stream begins at its beginning), idle ones, those with a
/// dear password.
pub fn flooders(args: &CrowdArgs) -> std::ops::Range<usize> {
    let first = args.active as usize;
    first..first + args.rounds as usize
}

pub fn idle(args: &CrowdArgs) -> std::ops::Range<usize> {
    let first = flooders(args).end;
    first..first + args.idle as usize
}

pub fn dear(args: &CrowdArgs) -> std::ops::Range<usize> {
    let first = idle(args).end;
    first..first + args.logins as usize
}

fn config(args: &CrowdArgs, directory: &Path) -> String {
    let mut text = format!(
        "data_dir = {:?}\n[order_entry]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n\
         [journal]\nsync = \"{}\"\n[[instrument]]\nsymbol = \"ESH4\"\ntick_size = \"0.25\"\n",
        directory.join("data"),
        args.sync.word()
    );
    for n in 0..dear(args).end {
        let password = match dear(args).contains(&n) {
            true => format!("password_hash = \"{DEAR_PASSWORD}\""),
            false => "password = \"pw\"".into(),
        };
        text += &format!("[[login]]\nusername = \"C{n}\"\n{password}\nfirm = \"BNCH\"\n");
    }
    for n in flooders(args) {
        text += &format!("[[limits]]\nscope = \"login:C{n}\"\nrate = {}\n", args.flood_limit);
    }
    text
}

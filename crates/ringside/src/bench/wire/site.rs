//! A venue in this process, its clients, and the check of what it answered.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ringside_venue::{Config, Ready, Tools, Venue};

use super::super::probe::{RawDevice, Waiting};
use super::super::recorder::Recorder;
use super::super::reference::{check_venue, wrong};
use super::super::report::Report;
use super::client::{Client, Tally};
use super::load::{Load, Offered, offer};
use super::{Clock, WireArgs};
use crate::failure::{Failure, USAGE};

/// Time of load before the clock counts.
const WARM_UP: Duration = Duration::from_millis(300);
/// One command in so many is timed stage by stage: often enough for the few of a closed loop over a slow disk.
const SAMPLE_EVERY: u64 = 16;

/// A venue, its clients and the floors beside them.
pub struct Site {
    pub venue: Venue,
    pub clients: Vec<Client>,
    pub clock: Clock,
    pub raw: RawDevice,
    data_dir: PathBuf,
}

impl Site {
    pub fn open(args: &WireArgs, scratch: &Path) -> Result<Site, Failure> {
        let config = config(args, scratch)?;
        let raw = RawDevice::new(scratch)?;
        let (venue, ready) = Venue::start(&config, Tools::default())?;
        let clients = connect(&ready, args)?;
        let data_dir = scratch.join("data");
        await_segments(&data_dir.join("journal"));
        Ok(Site { venue, clients, clock: Clock::start(), raw, data_dir })
    }

    pub fn offer(&mut self, load: Load, slice: Duration, trips: &mut Recorder) -> io::Result<Offered> {
        offer(&mut self.clients, load, slice, &self.clock, trips)
    }

    /// Load that nobody counts.
    pub fn warm_up(&mut self, load: Load) -> io::Result<()> {
        self.offer(load, WARM_UP, &mut Recorder::over(1.0)).map(drop)
    }

    pub fn tally(&self) -> Tally {
        self.clients.iter().map(Client::tally).fold(Tally::default(), Tally::plus)
    }

    /// Stops the venue and has everything carried out again. Adds what it came to.
    pub fn close(self, report: &mut Report) -> Result<(), Failure> {
        let tally = self.tally();
        let shared = self.venue.shared().clone();
        drop(self.clients);
        self.venue.stopper()();
        self.venue.join()?;
        let state = check_venue(&self.data_dir, tally.commands)?;
        let live = shared.live_orders.load(Ordering::Relaxed);
        if live != state.live_orders || tally.accepted != tally.canceled + live {
            let found = format!("{live} orders rest, the reference has {}", state.live_orders);
            return Err(wrong(format!("{found}; {tally:?}")));
        }
        report.value("state_hash", format!("{:016x}", state.state_hash));
        report.parts(&shared.timing.since_start());
        Ok(())
    }
}

fn connect(ready: &Ready, args: &WireArgs) -> io::Result<Vec<Client>> {
    let address = ready.order_entry.tcp.expect("the configuration below has a listener");
    let waiting = if args.poll { Waiting::Polling } else { Waiting::Blocking };
    (0..args.clients as usize).map(|n| Ok(Client::connect(address, n)?.waiting(waiting))).collect()
}

fn config(args: &WireArgs, directory: &Path) -> Result<Config, Failure> {
    let mut text = format!(
        "data_dir = {:?}\n[order_entry]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n\
         [journal]\nsync = \"{}\"\nwriter = {:?}\n[pipeline]\nlayout = {:?}\ngateways = {}\nwait = {:?}\nsample_every = {SAMPLE_EVERY}\n\
         [[instrument]]\nsymbol = \"ESH4\"\ntick_size = \"0.25\"\n",
        directory.join("data"),
        args.sync.word(),
        args.writer,
        args.layout,
        args.gateways,
        args.wait
    );
    for n in 0..args.clients {
        text += &format!("[[login]]\nusername = \"C{n}\"\npassword = \"pw\"\nfirm = \"BNCH\"\n");
        if let Some(rate) = args.login_rate {
            text += &format!("[[limits]]\nscope = \"login:C{n}\"\nrate = {rate}\n");
        }
    }
    Config::parse("bench", &text).map_err(|error| Failure::new(USAGE, error))
}

/// Waits for the segments ahead: writing their zeros is the start's business, not a round trip's.
pub fn await_segments(journal: &Path) {
    const IN_USE_AND_AHEAD: usize = 3;
    let segments = || {
        let names = std::fs::read_dir(journal).into_iter().flatten().flatten();
        names.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "seg")).count()
    };
    let begin = Instant::now();
    while segments() < IN_USE_AND_AHEAD && begin.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(50));
    }
}

//! A whole venue over loopback TCP: this process is the venue and its clients. Every command has exactly one
//! answer (enter far from the touch, then cancel it), so an answer's place in the stream names its command.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use hdrhistogram::Histogram;
use ringside_gateway::translate;
use ringside_sim::steady::enter;
use ringside_venue::{Config, Tools, Venue};
use ringside_wire::ouch::{self, Request, Tags};
use ringside_wire::soup::{self, LoginRequest, kind};

use super::pipeline::SyncMode;
use super::probe::{Echo, RawDevice};
use super::report::{Report, histogram, median, record, us};
use crate::failure::{Failure, STORAGE};

/// Interleaved rounds of echo, raw device and venue.
const ROUNDS: u32 = 5;
/// Round trips before the clock counts.
const WARM_UP: u32 = 200;

/// Arguments of `bench wire`.
#[derive(Args)]
pub struct WireArgs {
    /// Sync mode.
    #[arg(long, value_enum, default_value = "always")]
    sync: SyncMode,
    /// Connections, each its own login.
    #[arg(long, default_value_t = 1)]
    clients: usize,
    /// Commands in flight per connection.
    #[arg(long, default_value_t = 1, conflicts_with = "rate")]
    window: usize,
    /// Open loop: commands a second over all connections, timed from their intended moments.
    #[arg(long)]
    rate: Option<u64>,
    /// Journal writer, as in the configuration.
    #[arg(long, default_value = "mmap")]
    writer: String,
    /// Seconds of measurement.
    #[arg(long, default_value_t = 5.0)]
    duration: f64,
    /// Stage layout, as in the configuration.
    #[arg(long, default_value = "auto")]
    layout: String,
    /// Idle strategy, as in the configuration.
    #[arg(long, default_value = "auto")]
    wait: String,
    /// Where the journal goes. Default: the current directory.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// One JSON line instead of a table.
    #[arg(long)]
    json: bool,
}

/// Runs the benchmark.
pub fn run(args: &WireArgs) -> Result<(), Failure> {
    let io = |error: std::io::Error| Failure::new(STORAGE, error);
    let scratch = tempfile::tempdir_in(&args.dir).map_err(io)?;
    let config = config(args, scratch.path())?;
    let mut raw = RawDevice::new(scratch.path()).map_err(io)?;
    let mut echo = Echo::start().map_err(io)?;
    let (venue, ready) = Venue::start(&config, Tools::default())?;
    let address = ready.order_entry.tcp.expect("the configuration above has a listener");
    let mut clients = Vec::new();
    for n in 0..args.clients {
        clients.push(Client::connect(address, n).map_err(io)?);
    }
    let (mut trips, mut echoes, mut device) = (histogram(), histogram(), histogram());
    let mut rates = Vec::new();
    let slice = Duration::from_secs_f64(args.duration / f64::from(ROUNDS));
    await_segments(&scratch.path().join("data/journal"));
    warm_up(&mut clients[0], &mut echo, args).map_err(io)?;
    for _ in 0..ROUNDS {
        raw.probe(300, &mut device).map_err(io)?;
        echo.probe(2_000, 64, &mut echoes).map_err(io)?;
        let begin = Instant::now();
        let load = args.rate.map_or(Load::Window(args.window), Load::Rate);
        let count = match (args.clients, load) {
            (1, Load::Window(1)) => clients[0].one_by_one(slice, &mut trips).map_err(io)?,
            _ => pipelined(&mut clients, load, slice, &mut trips).map_err(io)?,
        };
        rates.push(count as f64 / begin.elapsed().as_secs_f64());
    }
    drop(clients);
    venue.stopper()();
    venue.join()?;
    print(args, &trips, &echoes, &device, rates);
    Ok(())
}

fn print(
    args: &WireArgs,
    trips: &Histogram<u64>,
    echo: &Histogram<u64>,
    raw: &Histogram<u64>,
    rates: Vec<f64>,
) {
    let mut report = Report::default();
    report.number("commands_per_s", median(rates));
    report.number("p50_us", us(trips, 0.5));
    report.number("p99_us", us(trips, 0.99));
    report.number("p999_us", us(trips, 0.999));
    report.number("raw_echo_p50_us", us(echo, 0.5));
    report.number("raw_p50_us", us(raw, 0.5));
    report.number("raw_p99_us", us(raw, 0.99));
    report.number("p50_per_echo_p50", us(trips, 0.5) / us(echo, 0.5));
    report.number("p50_minus_raw_p50_us", us(trips, 0.5) - us(raw, 0.5));
    report.value("clients", args.clients as u64);
    match args.rate {
        Some(rate) => report.value("rate", rate),
        None => report.value("window", args.window as u64),
    }
    report.value("sync", format!("{:?}", args.sync).to_lowercase());
    report.print(args.json);
}

fn config(args: &WireArgs, directory: &std::path::Path) -> Result<Config, Failure> {
    let sync = format!("{:?}", args.sync).to_lowercase();
    let mut text = format!(
        "data_dir = {:?}\n[order_entry]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n\
         [journal]\nsync = \"{sync}\"\nwriter = {:?}\n[pipeline]\nlayout = \"{}\"\nwait = \"{}\"\n\
         [[instrument]]\nsymbol = \"ESH4\"\ntick_size = \"0.25\"\n",
        directory.join("data"),
        args.writer,
        args.layout,
        args.wait
    );
    for n in 0..args.clients {
        text += &format!("[[login]]\nusername = \"C{n}\"\npassword = \"pw\"\nfirm = \"BNCH\"\n");
    }
    Config::parse("bench", &text).map_err(|error| Failure::new(crate::failure::USAGE, error))
}

/// Waits for the segments ahead: writing their zeros is the start's business, not a round trip's.
fn await_segments(journal: &std::path::Path) {
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

fn warm_up(client: &mut Client, echo: &mut Echo, args: &WireArgs) -> std::io::Result<()> {
    let mut unused = histogram();
    echo.probe(WARM_UP, 64, &mut unused)?;
    if args.clients == 1 && args.window == 1 && args.rate.is_none() {
        client.one_by_one(Duration::from_millis(200), &mut unused)?;
    }
    Ok(())
}

/// A raw client: bytes out, sequenced packets counted.
struct Client {
    socket: TcpStream,
    next: u32,
    /// The order to cancel next, when there is one.
    resting: bool,
    out: Vec<u8>,
    input: Vec<u8>,
    filled: usize,
    /// When each command in flight was sent.
    sent: VecDeque<Instant>,
}

impl Client {
    fn connect(address: SocketAddr, n: usize) -> std::io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        let (out, input) = (Vec::with_capacity(1 << 16), vec![0; 1 << 18]);
        let mut client = Client {
            socket,
            next: 0,
            resting: false,
            out,
            input,
            filled: 0,
            sent: VecDeque::with_capacity(4_096),
        };
        let text = |text: String| ringside_domain::Text::new(&text).expect("short");
        let (username, session) =
            (ringside_domain::Text::new(&format!("C{n}")).expect("short"), text(String::new()));
        LoginRequest { username, password: text("pw".into()), session, sequence: Some(1) }
            .encode(&mut client.out);
        client.flush()?;
        client.read_packet(kind::LOGIN_ACCEPTED)?;
        Ok(client)
    }

    /// The next command: an order far below the touch, then its cancel, in turn.
    fn push_command(&mut self) {
        let mark = soup::begin_packet(kind::UNSEQUENCED, &mut self.out);
        if self.resting {
            let cancel = ouch::Cancel { user_ref_num: self.next, quantity: 0, tags: Tags::EMPTY };
            Request::Cancel(cancel).encode(&mut self.out);
        } else {
            self.next += 1;
            let order = enter(self.next, b'B', 10, 40_000_000, b'0');
            translate::enter_request(&order).encode(&mut self.out);
        }
        soup::finish_packet(mark, &mut self.out);
        self.resting = !self.resting;
    }

    /// One command at a time, blocking: the round trip.
    fn one_by_one(&mut self, slice: Duration, trips: &mut Histogram<u64>) -> std::io::Result<u64> {
        let (begin, mut count) = (Instant::now(), 0);
        while begin.elapsed() < slice {
            self.push_command();
            let sent = Instant::now();
            self.flush()?;
            self.read_packet(kind::SEQUENCED)?;
            record(trips, sent.elapsed().as_nanos() as u64);
            count += 1;
        }
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.socket.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// Blocks until a packet of this kind has come. Heartbeats are stepped over.
    fn read_packet(&mut self, wanted: u8) -> std::io::Result<()> {
        loop {
            while let Some(found) = self.take_packet()? {
                if found == wanted {
                    return Ok(());
                }
            }
            let count = self.socket.read(&mut self.input[self.filled..])?;
            if count == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            self.filled += count;
        }
    }

    fn take_packet(&mut self) -> std::io::Result<Option<u8>> {
        let found = soup::next_packet(&self.input[..self.filled], soup::PAYLOAD_MAX);
        let found = found.map_err(|error| std::io::Error::other(error.to_string()))?;
        let Some((packet, length)) = found.map(|(packet, length)| (packet.kind, length)) else {
            return Ok(None);
        };
        self.input.copy_within(length..self.filled, 0);
        self.filled -= length;
        Ok(Some(packet))
    }

    /// Reads what is there and notes the answers.
    fn drain(&mut self, trips: &mut Histogram<u64>) -> std::io::Result<u64> {
        let mut answers = 0;
        loop {
            match self.socket.read(&mut self.input[self.filled..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(answers),
                Err(error) => return Err(error),
            }
            answers += self.count_answers(trips)?;
        }
    }

    fn count_answers(&mut self, trips: &mut Histogram<u64>) -> std::io::Result<u64> {
        let (mut used, mut answers) = (0, 0);
        let now = Instant::now();
        let broken = |error: soup::FrameError| std::io::Error::other(error.to_string());
        while let Some((packet, length)) =
            soup::next_packet(&self.input[used..self.filled], soup::PAYLOAD_MAX).map_err(broken)?
        {
            if packet.kind == kind::SEQUENCED {
                let sent = self.sent.pop_front().expect("one answer per command");
                record(trips, (now - sent).as_nanos() as u64);
                answers += 1;
            }
            used += length;
        }
        self.input.copy_within(used..self.filled, 0);
        self.filled -= used;
        Ok(answers)
    }

    /// Fills the window and writes what the socket takes.
    fn fill(&mut self, window: usize) -> std::io::Result<()> {
        // Half a window at a time: commands travel in company, as they do behind a busy client.
        if self.sent.len() <= window / 2 {
            let now = Instant::now();
            while self.sent.len() < window {
                self.push_command();
                self.sent.push_back(now);
            }
        }
        self.write_some()
    }

    fn write_some(&mut self) -> std::io::Result<()> {
        while !self.out.is_empty() {
            match self.socket.write(&self.out) {
                Ok(count) => drop(self.out.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// How commands are offered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    /// So many in flight per connection.
    Window(usize),
    /// So many a second over all connections, whatever is in flight.
    Rate(u64),
}

/// All clients on this thread.
fn pipelined(
    clients: &mut [Client],
    load: Load,
    slice: Duration,
    trips: &mut Histogram<u64>,
) -> std::io::Result<u64> {
    let mut poll = mio::Poll::new()?;
    let mut events = mio::Events::with_capacity(64);
    for (n, client) in clients.iter_mut().enumerate() {
        client.socket.set_nonblocking(true)?;
        let fd = std::os::fd::AsRawFd::as_raw_fd(&client.socket);
        let interest = mio::Interest::READABLE | mio::Interest::WRITABLE;
        poll.registry().register(&mut mio::unix::SourceFd(&fd), mio::Token(n), interest)?;
    }
    let begin = Instant::now();
    let count = match load {
        Load::Window(window) => windowed(clients, window, (begin, slice), trips, &mut poll, &mut events)?,
        Load::Rate(rate) => paced(clients, rate, (begin, slice), trips)?,
    };
    settle(clients, &mut poll, &mut events, trips)?;
    Ok(count)
}

fn windowed(
    clients: &mut [Client],
    window: usize,
    (begin, slice): (Instant, Duration),
    trips: &mut Histogram<u64>,
    poll: &mut mio::Poll,
    events: &mut mio::Events,
) -> std::io::Result<u64> {
    let mut count = 0;
    for client in clients.iter_mut() {
        client.fill(window)?;
    }
    while begin.elapsed() < slice {
        poll.poll(events, Some(Duration::from_millis(100)))?;
        for event in events.iter() {
            let client = &mut clients[event.token().0];
            count += client.drain(trips)?;
            client.fill(window)?;
        }
    }
    Ok(count)
}

/// Every command has its moment; one that is sent late is timed from that moment all the same.
fn paced(
    clients: &mut [Client],
    rate: u64,
    (begin, slice): (Instant, Duration),
    trips: &mut Histogram<u64>,
) -> std::io::Result<u64> {
    let due = |n: u64| Duration::from_nanos((n as f64 * 1e9 / rate as f64) as u64);
    let total = (rate as f64 * slice.as_secs_f64()) as u64;
    let (mut offered, mut answered) = (0, 0);
    while offered < total {
        let elapsed = begin.elapsed();
        while offered < total && due(offered) <= elapsed {
            let client = &mut clients[offered as usize % clients.len()];
            client.push_command();
            client.sent.push_back(begin + due(offered));
            offered += 1;
        }
        for client in clients.iter_mut() {
            client.write_some()?;
            answered += client.drain(trips)?;
        }
        // Gives the core away, or the venue has only one of two.
        std::thread::sleep(due(offered).saturating_sub(begin.elapsed()).min(Duration::from_micros(50)));
    }
    Ok(answered)
}

/// Waits for the answers still under way, so that the next round starts clean.
fn settle(
    clients: &mut [Client],
    poll: &mut mio::Poll,
    events: &mut mio::Events,
    trips: &mut Histogram<u64>,
) -> std::io::Result<()> {
    let begin = Instant::now();
    while clients.iter().any(|client| !client.sent.is_empty()) {
        if begin.elapsed() > Duration::from_secs(10) {
            return Err(std::io::Error::other("answers are missing after 10 s"));
        }
        poll.poll(events, Some(Duration::from_millis(10)))?;
        for client in clients.iter_mut() {
            client.write_some()?;
            client.drain(trips)?;
        }
    }
    Ok(())
}

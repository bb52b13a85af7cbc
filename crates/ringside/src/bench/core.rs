//! The engine alone, single-threaded, on a stream: all events are produced inside the clock, the digest of the
//! trades is computed outside it. A wrong digest is an error: wrong answers have no latency.
//!
//! Commands are translated before any clock starts, kept packed, and unpacked beside the clock into a batch that fits the
//! cache, as a venue's input ring does. The floor, a bare core without rules, runs interleaved on the same records.

mod builtin;
mod scale;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use hdrhistogram::Histogram;
use ringside_domain::{Command, Event, Fact, Liquidity};
use ringside_engine::{AHEAD, Engine, Limits, Listener, SOON};
use ringside_sim::floor::Floor;
use ringside_sim::stream::{
    Packed, Record, StreamError, StreamMeta, StreamReader, Symbols, TradeDigest, Translator, setup,
};

use super::progress::Steps;
use super::report::{Report, histogram, median, record};
use crate::failure::{Failure, USAGE};

/// Events kept in memory at once: 56 KiB, as a consumer that keeps up leaves them in the cache.
const TAPE_EVENTS: usize = 512;
/// Commands unpacked at once: 15 KiB.
const BATCH: usize = 128;

/// Arguments of `bench core`.
#[derive(Args)]
pub struct CoreArgs {
    /// Order-flow stream; its `.meta.json` lies beside it. Without one: a flow of two million commands on one small book.
    #[arg(long, value_name = "FILE.bin")]
    pub stream: Option<PathBuf>,
    /// Cost per command from 1 to 10,000 instruments and from 1,000 to 10,000,000 resting orders, instead of a stream.
    #[arg(long, conflicts_with = "stream")]
    pub scale: bool,
    /// Repetitions; the median counts.
    #[arg(long, default_value_t = 5)]
    pub runs: u32,
}

/// Runs the benchmark.
pub fn measure(args: &CoreArgs) -> Result<Report, Failure> {
    match args.scale {
        true => Ok(scale::measure()),
        false => measure_stream(args),
    }
}

fn measure_stream(args: &CoreArgs) -> Result<Report, Failure> {
    let steps = Steps::new("core", u64::from(args.runs.max(1)) + 2);
    // First, while this process has freed nothing that could be used again unseen.
    let bytes_per_order = scale::bytes_per_order();
    steps.step();
    let stream = match &args.stream {
        Some(path) => {
            Stream::read(path).map_err(|error| Failure::new(USAGE, format!("{}: {error}", path.display())))?
        }
        None => Stream::builtin(),
    };
    let (mut seconds, mut floor_seconds) = (Vec::new(), Vec::new());
    let mut tape = Tape::default();
    for _ in 0..args.runs.max(1) {
        floor_seconds.push(floor(&stream)?);
        let (elapsed, told) = throughput(&stream);
        seconds.push(elapsed);
        tape = told;
        steps.step();
    }
    let digest = tape.digest();
    stream.must_be(&digest)?;
    let times = latencies(&stream);
    let timed = (stream.commands.len() - stream.prefill()) as f64;
    let (seconds, floor_seconds) = (median(seconds), median(floor_seconds));
    let mut report = Report::new("core", Path::new("."));
    let stream_name = args.stream.as_deref().and_then(Path::file_stem).map(|stem| stem.to_string_lossy());
    report.value("stream", stream_name.unwrap_or("builtin".into()));
    report.value("commands", timed as u64);
    report.number("commands_per_s", timed / seconds);
    report.number("ns_per_command", seconds * 1e9 / timed);
    report.number("floor_ns_per_command", floor_seconds * 1e9 / timed);
    report.against("ns_per_command", "floor_ns_per_command", "ratio_to_floor");
    for (name, quantile) in [("p50_ns", 0.5), ("p99_ns", 0.99), ("p999_ns", 0.999), ("p9999_ns", 0.9999)] {
        report.value(name, times.value_at_quantile(quantile));
    }
    report.value("trades", tape.trades.len() as u64);
    report.value("volume", tape.trades.iter().map(|trade| u64::from(trade.quantity)).sum::<u64>());
    report.value("digest", digest.to_string());
    report.number("bytes_per_resting_order", bytes_per_order);
    report.series("core", times);
    Ok(report)
}

/// A stream in memory: as records for the floor, as packed commands for the engine.
struct Stream {
    meta: StreamMeta,
    records: Vec<Record>,
    commands: Vec<Packed>,
    symbols: Symbols,
}

impl Stream {
    fn read(path: &Path) -> Result<Self, StreamError> {
        let meta = StreamMeta::beside(path)?;
        let records = StreamReader::open(path)?.collect::<Result<Vec<_>, _>>()?;
        Ok(Stream::new(meta, records))
    }

    /// A flow that needs no file. What its trades must be, the bare core says.
    fn builtin() -> Self {
        let (records, prefill) = builtin::records();
        let mut floor = Floor::new(&records);
        records.iter().for_each(|record| floor.apply(record));
        let meta = StreamMeta {
            prefill,
            records: records.len() as u64,
            symbols: 1,
            trades: floor.trades.len() as u64,
            volume: floor.trades.iter().map(|[.., quantity]| u64::from(*quantity)).sum(),
            hash: floor.digest().to_string(),
        };
        Stream::new(meta, records)
    }

    fn new(meta: StreamMeta, records: Vec<Record>) -> Self {
        let mut translator = Translator::new();
        let commands =
            records.iter().map(|record| Packed::pack(record.symbol, &translator.translate(record)));
        let (commands, symbols) = (commands.collect(), Symbols::new(meta.symbols));
        Stream { meta, records, commands, symbols }
    }

    fn prefill(&self) -> usize {
        self.meta.prefill as usize
    }

    fn must_be(&self, digest: &TradeDigest) -> Result<(), Failure> {
        let digest = digest.to_string();
        match digest == self.meta.hash {
            true => Ok(()),
            false => Err(Failure::new(
                1,
                format!("digest {digest}, the stream's reference has {}", self.meta.hash),
            )),
        }
    }

    /// An engine that stands where the clock starts.
    fn engine(&self, tape: &mut Tape) -> Engine {
        let mut engine = Engine::new(Limits::default());
        setup(self.meta.symbols).iter().for_each(|command| engine.apply(0, command, &mut |_: Event| {}));
        for packed in &self.commands[..self.prefill()] {
            engine.apply(1, &packed.unpack(&self.symbols), tape);
        }
        engine
    }

    /// Hands out the timed commands batch by batch.
    fn batches(&self, mut take: impl FnMut(&[Command])) {
        let mut batch = Vec::with_capacity(BATCH);
        for packed in self.commands[self.prefill()..].chunks(BATCH) {
            batch.clear();
            batch.extend(packed.iter().map(|packed| packed.unpack(&self.symbols)));
            take(std::hint::black_box(&batch));
        }
    }
}

/// Tells the engine what comes after the command at this place.
#[inline(always)]
fn announce(engine: &Engine, batch: &[Command], at: usize) {
    if engine.looks_ahead() {
        batch.get(at + AHEAD).inspect(|command| engine.expect(command));
        batch.get(at + SOON).inspect(|command| engine.expect_soon(command));
    }
}

fn throughput(stream: &Stream) -> (f64, Tape) {
    let mut tape = Tape::with_capacity(stream.meta.trades as usize);
    let mut engine = stream.engine(&mut tape);
    let mut elapsed = Duration::ZERO;
    stream.batches(|batch| {
        let begin = Instant::now();
        for (at, command) in batch.iter().enumerate() {
            // As the venue's engine stage does.
            announce(&engine, batch, at);
            engine.apply(2, command, &mut tape);
        }
        elapsed += begin.elapsed();
    });
    (elapsed.as_secs_f64(), tape)
}

/// Seconds that the bare core takes for the same records.
fn floor(stream: &Stream) -> Result<f64, Failure> {
    let mut floor = Floor::new(&stream.records);
    floor.trades.reserve(stream.meta.trades as usize);
    let (prefill, timed) = stream.records.split_at(stream.prefill());
    prefill.iter().for_each(|record| floor.apply(record));
    let begin = Instant::now();
    timed.iter().for_each(|record| floor.apply(record));
    let elapsed = begin.elapsed().as_secs_f64();
    stream.must_be(&floor.digest())?;
    Ok(elapsed)
}

/// Time of each command by the processor's counter, less what reading the counter costs.
fn latencies(stream: &Stream) -> Histogram<u64> {
    let clock = quanta::Clock::new();
    let mut tape = Tape::with_capacity(stream.meta.trades as usize);
    let mut engine = stream.engine(&mut tape);
    let overhead = read_cost(&clock);
    let mut times = histogram();
    stream.batches(|batch| {
        for (at, command) in batch.iter().enumerate() {
            let begin = clock.raw();
            announce(&engine, batch, at);
            engine.apply(2, command, &mut tape);
            let end = clock.raw();
            record(&mut times, clock.delta_as_nanos(begin, end).saturating_sub(overhead));
        }
    });
    times
}

/// Median cost of two neighbouring reads of the counter.
fn read_cost(clock: &quanta::Clock) -> u64 {
    let mut costs: Vec<u64> = (0..10_001)
        .map(|_| {
            let begin = clock.raw();
            clock.delta_as_nanos(begin, clock.raw())
        })
        .collect();
    costs.sort_unstable();
    costs[costs.len() / 2]
}

#[derive(Clone, Copy, Default)]
struct Trade {
    maker: u32,
    taker: u32,
    price: u32,
    quantity: u32,
}

/// Takes every event: all into a small ring, as the output ring would, and the trades aside for the digest.
struct Tape {
    ring: Box<[Event]>,
    at: usize,
    trades: Vec<Trade>,
}

impl Default for Tape {
    fn default() -> Self {
        Tape::with_capacity(0)
    }
}

impl Tape {
    fn with_capacity(trades: usize) -> Self {
        let fact = Fact::NextUserRefNum { user_ref_num: 0 };
        let blank = Event { login: ringside_domain::LoginId::VENUE, user_ref_idx: 0, fact };
        Tape { ring: vec![blank; TAPE_EVENTS].into(), at: 0, trades: Vec::with_capacity(trades + 1) }
    }

    fn digest(&self) -> TradeDigest {
        let mut digest = TradeDigest::new();
        for trade in &self.trades {
            digest.add(trade.maker.into(), trade.taker.into(), trade.price.into(), trade.quantity);
        }
        digest
    }
}

impl Listener for Tape {
    #[inline(always)]
    fn event(&mut self, event: Event) {
        self.ring[self.at % TAPE_EVENTS] = event;
        self.at += 1;
        if let Fact::Executed { user_ref_num, quantity, price, liquidity, .. } = event.fact {
            match liquidity {
                Liquidity::Added => {
                    self.trades.push(Trade { maker: user_ref_num, taker: 0, price: price as u32, quantity });
                }
                Liquidity::Removed => {
                    let trade = self.trades.last_mut().expect("the resting side is told first");
                    trade.taker = user_ref_num;
                }
                Liquidity::Opening | Liquidity::Closing | Liquidity::Halt => {}
            }
        }
    }
}

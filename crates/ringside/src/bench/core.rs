//! The engine alone, single-threaded, on a stream: all events are produced inside the clock, the digest of the
//! trades is computed outside it. A wrong digest is an error: wrong answers have no latency.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use hdrhistogram::Histogram;
use ringside_domain::{Command, Event, Fact, Liquidity};
use ringside_engine::{Engine, Limits, Listener};
use ringside_sim::stream::{StreamMeta, StreamReader, TradeDigest, Translator, setup};

use super::report::{Report, histogram, median, record};
use crate::failure::{Failure, USAGE};

/// Events kept in memory at once: 256 KiB, so that they do not push the books out of the cache.
const TAPE_EVENTS: usize = 2_048;

/// Arguments of `bench core`.
#[derive(Args)]
pub struct CoreArgs {
    /// Order-flow stream; its `.meta.json` lies beside it.
    #[arg(long, value_name = "FILE.bin")]
    stream: PathBuf,
    /// Repetitions; the median counts.
    #[arg(long, default_value_t = 5)]
    runs: u32,
    /// One JSON line instead of a table.
    #[arg(long)]
    json: bool,
}

/// Runs the benchmark.
pub fn run(args: &CoreArgs) -> Result<(), Failure> {
    let usage =
        |error: &dyn std::fmt::Display| Failure::new(USAGE, format!("{}: {error}", args.stream.display()));
    let meta = StreamMeta::beside(&args.stream).map_err(|error| usage(&error))?;
    let commands = translate(args).map_err(|error| usage(&error))?;
    let prefill = meta.prefill as usize;
    let mut seconds = Vec::new();
    let mut tape = Tape::default();
    for _ in 0..args.runs.max(1) {
        let (elapsed, told) = throughput(&meta, &commands, prefill);
        seconds.push(elapsed);
        tape = told;
    }
    let digest = format!("{}", tape.digest());
    if digest != meta.hash {
        return Err(Failure::new(1, format!("digest {digest}, the stream's reference has {}", meta.hash)));
    }
    let times = latencies(&meta, &commands, prefill);
    let timed = (commands.len() - prefill) as f64;
    let seconds = median(seconds);
    let mut report = Report::default();
    report.value("commands", timed as u64);
    report.number("commands_per_s", timed / seconds);
    report.number("ns_per_command", seconds * 1e9 / timed);
    for (name, quantile) in [("p50_ns", 0.5), ("p99_ns", 0.99), ("p999_ns", 0.999), ("p9999_ns", 0.9999)] {
        report.value(name, times.value_at_quantile(quantile));
    }
    report.value("trades", tape.trades.len() as u64);
    report.value("volume", tape.trades.iter().map(|trade| u64::from(trade.quantity)).sum::<u64>());
    report.value("digest", digest);
    report.print(args.json);
    Ok(())
}

/// The stream as commands, before any clock starts.
fn translate(args: &CoreArgs) -> Result<Vec<Command>, ringside_sim::stream::StreamError> {
    let mut translator = Translator::new();
    let records = StreamReader::open(&args.stream)?;
    records.map(|record| Ok(translator.translate(&record?))).collect()
}

/// An engine with the stream's instruments.
fn engine(meta: &StreamMeta) -> Engine {
    let mut engine = Engine::new(Limits::default());
    setup(meta.symbols).iter().for_each(|command| engine.apply(0, command, &mut |_: Event| {}));
    engine
}

fn throughput(meta: &StreamMeta, commands: &[Command], prefill: usize) -> (f64, Tape) {
    let mut engine = engine(meta);
    let mut tape = Tape::with_capacity(meta.trades as usize);
    commands[..prefill].iter().for_each(|command| engine.apply(1, command, &mut tape));
    let begin = Instant::now();
    for command in &commands[prefill..] {
        engine.apply(2, command, &mut tape);
    }
    (begin.elapsed().as_secs_f64(), tape)
}

/// Time of each command by the processor's counter, less what reading the counter costs.
fn latencies(meta: &StreamMeta, commands: &[Command], prefill: usize) -> Histogram<u64> {
    let clock = quanta::Clock::new();
    let mut engine = engine(meta);
    let mut tape = Tape::with_capacity(meta.trades as usize);
    commands[..prefill].iter().for_each(|command| engine.apply(1, command, &mut tape));
    let overhead = read_cost(&clock);
    let mut times = histogram();
    for command in &commands[prefill..] {
        let begin = clock.raw();
        engine.apply(2, command, &mut tape);
        let end = clock.raw();
        record(&mut times, clock.delta_as_nanos(begin, end).saturating_sub(overhead));
    }
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
    ring: Box<[Option<Event>]>,
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
        Tape { ring: vec![None; TAPE_EVENTS].into(), at: 0, trades: Vec::with_capacity(trades + 1) }
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
    #[inline]
    fn event(&mut self, event: Event) {
        self.ring[self.at % TAPE_EVENTS] = Some(event);
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

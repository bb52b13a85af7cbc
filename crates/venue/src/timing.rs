//! Where time goes: what each part of the way takes, of one command in N, and of each that takes too long.
//!
//! A stage stamps with the steady clock when a sampled sequence passes, and once a batch; the engine itself knows no
//! clock. Stamps are plain stores into cells that have one writer each; another thread collects them into histograms.
//! Nothing here waits, allocates or fails on a stage's thread, and no stage ever reads what it stamped.
//!
//! ```text
//! socket read ─decode─▶ in the ring ─ring─▶ taken ─append─▶ written ─sync─▶ released ─egress─▶ in the socket
//!                            └──────────▶ match (beside the journal) ──────────────┘
//! ```
//!
//! Known limits. Time in the kernel's socket buffer before the read is nobody's. A command that waited in the
//! connection's buffer for room in the ring is timed from the turn that took it. The parts of the journal are those
//! of the command's batch. A reader that does not read is timed to the moment its bytes were offered.

mod lane;
mod outliers;
mod totals;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ringside_domain::{Sequence, TimeNs};

use lane::Lane;
pub use outliers::Outlier;
use outliers::Outliers;
use totals::Totals;
pub use totals::{PartTimes, QUANTILES, json};

/// Sampled commands that may wait for the collector. At five million commands a second and one in 1,024 that is 0.8
/// seconds' worth; the collector comes every 50 ms.
const CELLS: usize = 4_096;
/// Every so many commands are sampled, unless configured.
pub const SAMPLE_EVERY: u64 = 1_024;
/// Rarest sampling that makes sense.
pub const SAMPLE_EVERY_MAX: u64 = 1 << 20;
/// A command is an outlier from here on, unless configured. Fixed, and no multiple of a running median: a bound that
/// moves with the load hides a venue that has become slow as a whole, and counts of two days could not be compared.
pub const OUTLIER: Duration = Duration::from_millis(10);

/// A part of a command's way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Socket read to command in the ring.
    Decode,
    /// In the ring until the journal takes it.
    Ring,
    /// Taken until its batch is in the journal's buffer or map.
    Append,
    /// Until it is released: on stable storage, or with the kernel, as the sync mode says.
    Sync,
    /// Carried out by the engine. Beside the journal's parts, not after them.
    Match,
    /// Released until its answer is given to the socket.
    Egress,
    /// Socket read to answer.
    Total,
}

impl Part {
    /// All, in the order in which they are shown.
    pub const ALL: [Part; 7] =
        [Part::Decode, Part::Ring, Part::Append, Part::Sync, Part::Match, Part::Egress, Part::Total];

    /// Name in metrics and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Part::Decode => "decode",
            Part::Ring => "ring",
            Part::Append => "append",
            Part::Sync => "sync",
            Part::Match => "match",
            Part::Egress => "egress",
            Part::Total => "total",
        }
    }
}

/// What is timed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimingOptions {
    /// One command in so many, a power of two; 0 = nothing is timed, outliers neither.
    pub sample_every: u64,
    /// A command that takes longer is counted, and the slowest of each batch kept.
    pub outlier: Duration,
}

impl Default for TimingOptions {
    fn default() -> Self {
        TimingOptions { sample_every: SAMPLE_EVERY, outlier: OUTLIER }
    }
}

/// When the journal was where with a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BatchTimes {
    /// It took the batch out of the ring.
    pub taken: u64,
    /// All of it was appended.
    pub appended: u64,
    /// It may be answered.
    pub kept: u64,
}

/// Stamps of all stages. Moments are nanoseconds since its making.
#[derive(Debug)]
pub struct Timing {
    options: TimingOptions,
    /// Place of a sequence in its block; the rest is the block. All bits: nothing is sampled.
    mask: u64,
    origin: Instant,
    /// Read, in the ring. Writer of a cell: the gateway that put its command into the ring.
    inlet: Lane<2>,
    /// Taken, appended, kept. Writer: journal.
    journal: Lane<3>,
    /// Begun, done. Writer: engine.
    engine: Lane<2>,
    /// Written to the socket. Writer of a cell: the gateway that has the login; for a trade between logins of two gateways both, one word
    /// each, of which the later stays.
    egress: Lane<1>,
    /// Up to here all `egress` cells are written that will be. Writer: the first gateway.
    written: AtomicU64,
    outliers: Outliers,
    /// Control plane only: no stage takes this lock.
    totals: Mutex<Totals>,
}

impl Default for Timing {
    /// Times nothing.
    fn default() -> Self {
        Timing::new(TimingOptions { sample_every: 0, outlier: OUTLIER }, 1)
    }
}

impl Timing {
    /// Allocates all that so many gateways will ever need.
    pub fn new(options: TimingOptions, gateways: usize) -> Self {
        let every = options.sample_every;
        assert!(every == 0 || every.is_power_of_two(), "Invariant: checked with the configuration");
        let cells = if every == 0 { 0 } else { CELLS };
        Timing {
            options,
            mask: every.wrapping_sub(1),
            origin: Instant::now(),
            inlet: Lane::new(cells),
            journal: Lane::new(cells),
            engine: Lane::new(cells),
            egress: Lane::new(cells),
            written: AtomicU64::new(0),
            outliers: Outliers::new(every > 0, options.outlier, gateways),
            totals: Mutex::new(Totals::new(every > 0)),
        }
    }

    /// What is timed.
    pub fn options(&self) -> TimingOptions {
        self.options
    }

    /// This moment; 0 when nothing is timed.
    #[inline]
    pub fn now(&self) -> u64 {
        if self.is_on() { self.at(Instant::now()) } else { 0 }
    }

    /// A moment that the caller has read anyway.
    #[inline]
    pub fn at(&self, moment: Instant) -> u64 {
        // Fits for 584 years. Never 0: that stands for "not stamped".
        moment.duration_since(self.origin).as_nanos() as u64 | 1
    }

    #[inline]
    fn is_on(&self) -> bool {
        self.mask != u64::MAX
    }

    /// The first sampled sequence after one; `u64::MAX`: none. Of each block of commands one is sampled, now here, now
    /// there: orders and their cancels often take turns, and every 1,024th would always be one or the other.
    #[inline]
    pub fn next_sample(&self, after: Sequence) -> Sequence {
        if !self.is_on() {
            return u64::MAX;
        }
        let block = after >> self.mask.count_ones();
        match self.sample_of(block) {
            found if found > after => found,
            _ => self.sample_of(block + 1),
        }
    }

    /// The sampled sequence of a block: Fibonacci hashing spreads the places (Knuth, TAOCP 3, 6.4).
    fn sample_of(&self, block: u64) -> Sequence {
        let place = (block.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) & self.mask;
        (block << self.mask.count_ones()) | place
    }

    /// A sampled command read at `read` is in the ring. Only the stage that put it there calls this.
    #[cold]
    pub fn entered(&self, sequence: Sequence, read: u64) {
        self.inlet.put(self.cell(sequence), sequence, [read, self.now()]);
    }

    /// The journal is through with the commands after `after`, up to `upto`. Only its stage calls this.
    pub fn journaled(&self, (after, upto): (Sequence, Sequence), times: BatchTimes) {
        if !self.is_on() {
            return;
        }
        self.outliers.journaled((after, upto), times);
        for sequence in self.sampled(after, upto) {
            self.journal.put(self.cell(sequence), sequence, [times.taken, times.appended, times.kept]);
        }
    }

    /// One of the commands after `after`, up to `upto`, is sampled.
    #[inline]
    pub fn is_sampled_in(&self, (after, upto): (Sequence, Sequence)) -> bool {
        self.next_sample(after) <= upto
    }

    /// The engine begins with a batch: some milliseconds more or less, for a few nanoseconds. 0 when nothing is timed.
    #[inline]
    pub fn begin_batch(&self) -> u64 {
        if self.is_on() { coarse_ns() } else { 0 }
    }

    /// The engine has carried out a sampled command that it began with at `begun`. Only its stage calls this.
    #[cold]
    pub fn applied(&self, sequence: Sequence, begun: u64) {
        self.engine.put(self.cell(sequence), sequence, [begun, self.now()]);
    }

    /// The engine has carried out the commands after `after`, up to `upto`, since [`Timing::begin_batch`].
    #[inline]
    pub fn applied_batch(&self, span: (Sequence, Sequence), begun: u64) {
        if self.is_on() {
            self.outliers.applied(span, begun, coarse_ns());
        }
    }

    /// The answers to a sampled command went to a socket. Only the stage that has the socket calls this.
    #[cold]
    pub fn answered(&self, sequence: Sequence, now: u64) {
        self.egress.put(self.cell(sequence), sequence, [now]);
    }

    /// All answers up to here that there are went to the sockets. Only the first gateway's stage calls this.
    pub fn told(&self, upto: Sequence) {
        // Release: a collector that sees it sees the cells.
        self.written.store(upto, Ordering::Release);
    }

    /// How old an unanswered command may be, nanoseconds.
    pub fn outlier_ns(&self) -> u64 {
        self.outliers.bound_ns()
    }

    /// `count` commands were answered too late by this gateway; this one, journaled at `time_ns`, was `total_ns` under way
    /// until `now`. Only the stage of that gateway calls this.
    #[cold]
    pub fn late(
        &self,
        (gateway, count): (usize, u64),
        (sequence, time_ns): (Sequence, TimeNs),
        total_ns: u64,
        now: u64,
    ) {
        self.outliers.late((gateway, count), (sequence, time_ns), total_ns, now);
    }

    /// Commands that took longer than the bound, since the start; one that two gateways had to answer may count for both.
    pub fn outliers(&self) -> u64 {
        self.outliers.count()
    }

    /// The latest that were kept, oldest first.
    pub fn latest_outliers(&self) -> Vec<Outlier> {
        self.outliers.latest()
    }

    /// Takes new samples into the histograms. Called several times a second by the admin thread.
    pub fn collect(&self) {
        drop(self.collected());
    }

    /// Percentiles of all samples since the start, by part.
    pub fn since_start(&self) -> Vec<PartTimes> {
        self.collected().since_start()
    }

    /// The same of the last one to two minutes.
    pub fn recent(&self) -> Vec<PartTimes> {
        self.collected().recent()
    }

    fn collected(&self) -> MutexGuard<'_, Totals> {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_on() {
            totals.rotate(Instant::now());
            // Acquire: pairs with the Release in answered.
            let upto = self.written.load(Ordering::Acquire);
            // What is older has been written over.
            let oldest = upto.saturating_sub((CELLS as u64 - 1) * self.options.sample_every);
            for sequence in self.sampled(totals.seen.max(oldest), upto) {
                if let Some(parts) = self.sample(sequence) {
                    totals.record(&parts);
                }
            }
            totals.seen = upto;
        }
        totals
    }

    /// Times of a sampled command in the order of [`Part::ALL`]. `None`: a cell is missing, or is another's by now.
    fn sample(&self, sequence: Sequence) -> Option<[u64; Part::ALL.len()]> {
        let cell = self.cell(sequence);
        let [read, ring] = self.inlet.get(cell, sequence)?;
        let [taken, appended, kept] = self.journal.get(cell, sequence)?;
        let [begun, done] = self.engine.get(cell, sequence)?;
        let [written] = self.egress.get(cell, sequence)?;
        let spans = [(read, ring), (ring, taken), (taken, appended), (appended, kept), (begun, done)];
        let mut parts = [0; Part::ALL.len()];
        for (part, (from, to)) in
            parts.iter_mut().zip(spans.into_iter().chain([(kept, written), (read, written)]))
        {
            // Two cores' readings may differ by some nanoseconds.
            *part = to.saturating_sub(from);
        }
        Some(parts)
    }

    /// Cell of a sampled sequence: one a block. Without cells nothing is sampled.
    fn cell(&self, sequence: Sequence) -> usize {
        (sequence >> self.mask.count_ones()) as usize % CELLS
    }

    /// Sampled sequences after `after`, up to `upto`.
    pub fn sampled(&self, after: Sequence, upto: Sequence) -> impl Iterator<Item = Sequence> {
        std::iter::successors(Some(self.next_sample(after)), |last| Some(self.next_sample(*last)))
            .take_while(move |sequence| *sequence <= upto)
    }
}

/// The steady clock as of the last timer tick: 1 to 4 ms behind, at a third of the price. An outlier's cause is told in
/// milliseconds.
fn coarse_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
    // Not negative, and far from overflowing: time since the machine started. Never 0.
    (time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(sample_every: u64) -> Timing {
        Timing::new(TimingOptions { sample_every, outlier: Duration::from_millis(10) }, 2)
    }

    /// One command through all stages, with parts of 10, 20, 30, 40 and 50 ns and 5 ns of matching.
    fn carry(timing: &Timing, sequence: Sequence) {
        if timing.next_sample(sequence - 1) == sequence {
            let cell = timing.cell(sequence);
            timing.inlet.put(cell, sequence, [1_000, 1_010]);
            timing.engine.put(cell, sequence, [1_031, 1_036]);
        }
        let times = BatchTimes { taken: 1_030, appended: 1_060, kept: 1_100 };
        timing.journaled((sequence - 1, sequence), times);
        answer(timing, sequence, 1_150);
    }

    fn answer(timing: &Timing, sequence: Sequence, now: u64) {
        timing.sampled(sequence - 1, sequence).for_each(|sampled| timing.answered(sampled, now));
        timing.told(sequence);
    }

    #[test]
    fn a_sampled_command_is_timed_part_by_part() {
        let timing = every(4);
        (1..=11).for_each(|sequence| carry(&timing, sequence));
        let parts = timing.since_start();
        assert!(parts.iter().all(|part| part.count == 2), "one of 4 to 7, one of 8 to 11: {parts:?}");
        let p50: Vec<u64> = parts.iter().map(|part| part.quantiles_ns[0]).collect();
        assert_eq!(p50, [10, 20, 30, 40, 5, 50, 150]);
        assert_eq!(timing.recent(), parts, "all of it was within the last minute");
    }

    #[test]
    fn nothing_is_collected_twice_and_what_has_no_answer_never() {
        let timing = every(1);
        carry(&timing, 1);
        timing.journaled((1, 2), BatchTimes { taken: 1, appended: 2, kept: 3 });
        carry(&timing, 3);
        timing.collect();
        timing.collect();
        assert_eq!(timing.since_start()[0].count, 2);
    }

    #[test]
    fn samples_that_wait_too_long_are_written_over_and_not_mixed_up() {
        let timing = every(1);
        let count = CELLS as u64 * 2;
        (1..=count).for_each(|sequence| carry(&timing, sequence));
        let found = timing.since_start()[0].count;
        assert!((CELLS as u64 - 1..=CELLS as u64).contains(&found), "{found}");
    }

    #[test]
    fn off_is_off() {
        let timing = Timing::default();
        (1..=2_048).for_each(|sequence| {
            assert_eq!(timing.next_sample(sequence), u64::MAX);
            timing.journaled((sequence - 1, sequence), BatchTimes::default());
            answer(&timing, sequence, timing.now());
        });
        assert_eq!((timing.now(), timing.since_start()[6].count, timing.outliers()), (0, 0, 0));
    }

    #[test]
    fn one_of_each_block_is_sampled_and_not_always_the_same_place() {
        let timing = every(16);
        let sampled: Vec<u64> = timing.sampled(0, 1_599).collect();
        assert_eq!(sampled.len(), 99, "the first block has the sequence that stands for none");
        assert!(sampled.iter().zip(1..).all(|(sequence, block)| sequence / 16 == block));
        let odd = sampled.iter().filter(|sequence| *sequence % 2 == 1).count();
        assert!((30..70).contains(&odd), "{odd} of 99 are odd");
        for (after, upto) in [(0, 15), (0, 31), (16, 20), (100, 140), (500, 501)] {
            let expected = sampled.iter().any(|sequence| (after + 1..=upto).contains(sequence));
            assert_eq!(timing.is_sampled_in((after, upto)), expected, "{after} to {upto}");
        }
        assert!(!Timing::default().is_sampled_in((0, 5_000)));
    }

    #[test]
    fn an_outlier_names_the_part_that_took_the_time() {
        let timing = every(1_024);
        let ms = |n: u64| n * 1_000_000;
        timing.journaled((0, 5), BatchTimes { taken: ms(1), appended: ms(2), kept: ms(32) });
        timing.applied_batch((0, 5), timing.begin_batch());
        timing.late((0, 5), (1, 77), ms(33), ms(33));
        let [slow] = timing.latest_outliers().try_into().unwrap();
        assert_eq!((slow.sequence, slow.time_ns, slow.total_ns), (1, 77, ms(33)));
        assert_eq!((slow.cause(), slow.part_ns(Part::Sync)), (Some(Part::Sync), Some(ms(30))));
        assert_eq!(slow.part_ns(Part::Ring), Some(ms(1)));
        assert_eq!(timing.outliers(), 5);
    }

    #[test]
    fn outliers_of_all_gateways_are_told_in_order() {
        let timing = every(1_024);
        for sequence in 1..=40 {
            timing.late((sequence as usize % 2, 1), (sequence, 77), 33, 40);
        }
        let told: Vec<u64> = timing.latest_outliers().iter().map(|slow| slow.sequence).collect();
        assert_eq!((told, timing.outliers()), ((25..=40).collect(), 40));
    }
}

//! The few numbers that cross threads. Each has one writer, but for one that all gateways raise.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};

use crossbeam_utils::CachePadded;
use ringside_domain::{Sequence, TimeNs};
use ringside_gateway::CloseReason;

use crate::budget::RateTable;
use crate::silence::Silence;
use crate::stall::SyncWatch;
use crate::timing::Timing;

/// A number that only ever grows, with many readers and one writer, or several that raise it.
#[derive(Debug, Default)]
pub struct Watermark(CachePadded<AtomicU64>);

impl Watermark {
    /// Starts at a value.
    pub fn new(value: u64) -> Self {
        Watermark(CachePadded::new(AtomicU64::new(value)))
    }

    /// Reads. What the writer did before it advanced is visible after this.
    #[inline]
    pub fn get(&self) -> u64 {
        // Acquire: pairs with the Release store in advance.
        self.0.load(Ordering::Acquire)
    }

    /// Moves up, if that is up. Of several writers each calls this.
    #[inline]
    pub fn raise(&self, value: u64) {
        // Release: as in advance.
        self.0.fetch_max(value, Ordering::Release);
    }

    /// Moves up. Only the one writer calls this.
    #[inline]
    pub fn advance(&self, value: u64) {
        debug_assert!(value >= self.0.load(Ordering::Relaxed), "Invariant: a watermark never goes back");
        // Release: readers that see the value see all that was done for it.
        self.0.store(value, Ordering::Release);
    }
}

/// When something is to be done without being asked for.
#[derive(Debug)]
pub struct NextDue(CachePadded<AtomicU64>);

impl Default for NextDue {
    fn default() -> Self {
        NextDue(CachePadded::new(AtomicU64::new(TimeNs::MAX)))
    }
}

impl NextDue {
    /// Unix time; `TimeNs::MAX` = nothing is due. At least as new as the `applied` that was read before.
    #[inline]
    pub fn get(&self) -> TimeNs {
        // Relaxed: ordered by the Acquire load of `applied`.
        self.0.load(Ordering::Relaxed)
    }

    /// Tells. The engine does before it advances `applied`.
    #[inline]
    pub fn set(&self, due: Option<TimeNs>) {
        // Relaxed: ordered by the Release store of `applied`.
        self.0.store(due.unwrap_or(TimeNs::MAX), Ordering::Relaxed);
    }
}

/// Upper bounds of the sync-time histogram, seconds. The last bucket is open.
pub const SYNC_BOUNDS_S: [f64; 14] =
    [25e-6, 50e-6, 100e-6, 150e-6, 200e-6, 300e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 50e-3, 100e-3, 500e-3];

/// A histogram with one writer.
#[derive(Debug, Default)]
pub struct SyncTimes {
    /// Counts per bucket of [`SYNC_BOUNDS_S`], and one for the rest.
    pub buckets: [AtomicU64; SYNC_BOUNDS_S.len() + 1],
    /// Sum of all, nanoseconds.
    pub sum_ns: AtomicU64,
}

impl SyncTimes {
    /// Notes one sync.
    pub fn record(&self, ns: u64) {
        let seconds = ns as f64 / 1e9;
        let bucket = SYNC_BOUNDS_S.iter().position(|bound| seconds <= *bound).unwrap_or(SYNC_BOUNDS_S.len());
        bump(&self.buckets[bucket], 1);
        bump(&self.sum_ns, ns);
    }
}

/// Adds to a counter that has one writer: a plain load and store, no locked instruction.
#[inline]
pub fn bump(counter: &AtomicU64, by: u64) {
    // Relaxed: a count, ordered with nothing.
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}

/// A point that every command passes on its way to being promised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cursor {
    /// Handed to the kernel.
    Written,
    /// On stable storage.
    Durable,
}

/// What an answer waits for: all of some cursors. A cursor of replicas joins here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplyGate {
    cursors: Vec<Cursor>,
}

impl ReplyGate {
    /// A gate of at least one cursor.
    pub fn new(cursors: &[Cursor]) -> Self {
        assert!(!cursors.is_empty(), "Invariant: an answer waits for something");
        ReplyGate { cursors: cursors.to_vec() }
    }

    /// The last command that may be answered: the least of the cursors.
    pub fn released(&self, shared: &Shared) -> u64 {
        let passed = |cursor: &Cursor| match cursor {
            Cursor::Written => shared.written.get(),
            Cursor::Durable => shared.durable.get(),
        };
        self.cursors.iter().map(passed).min().expect("Invariant: an answer waits for something")
    }
}

/// State that the stages share.
#[derive(Debug, Default)]
pub struct Shared {
    /// Handed to the input ring. Writers: the gateways.
    pub published: Watermark,
    /// In the journal, durable or not. Writer: journal.
    pub written: Watermark,
    /// On stable storage. Writer: journal.
    pub durable: Watermark,
    /// What may be told: durable or written, by sync mode. Writer: journal.
    pub released: Watermark,
    /// Carried out by the engine, its events in the output ring. Writer: engine.
    pub applied: Watermark,
    /// What limits let each login send. Writer: engine.
    pub rates: RateTable,
    /// When the engine has something to do by itself. Writer: engine.
    pub next_due: NextDue,
    /// Last barrier that the engine has passed. Writer: engine.
    pub barrier: Watermark,
    /// What became of snapshots. Writer: the snapshot thread.
    pub snapshots: SnapshotFigures,
    /// A password is being checked that takes milliseconds. Writer: verifier.
    pub checking: AtomicBool,
    /// All stages have ended. Writer: whoever joined them.
    pub stages_ended: AtomicBool,
    /// A stage has failed: nothing leaves any more.
    pub fatal: AtomicBool,
    /// Everybody shall finish.
    pub stop: AtomicBool,
    /// Nothing will be published any more. Writer: the first gateway.
    pub input_closed: AtomicBool,
    /// Time of each sync. Writer: journal.
    pub sync_times: SyncTimes,
    /// What the journal is busy with. Writer: journal.
    pub sync_watch: SyncWatch,
    /// Where time goes. Off unless asked for.
    pub timing: Timing,
    /// What each gateway tells; there is one at least.
    pub gateways: Box<[GatewayCells]>,
    /// Who puts nothing into the input ring before a roll.
    pub silence: Silence,
    /// When the session rolls next; nothing is stamped with it or later before that roll. Writer: the first gateway.
    pub next_roll: NextDue,
    /// Orders refused by OUCH reason code. Writer: the first gateway.
    pub rejected: RejectCounters,
    /// Stamps of the first gateway less wall clock. Writer: the first gateway.
    pub clock_ahead_ns: AtomicI64,
    /// Steps of the wall clock. Writer: the first gateway.
    pub clock_steps: AtomicU64,
    /// SoupBinTCP session whose streams are told. Writer: the first gateway.
    pub session: AtomicU32,
    /// Matches. Writer: engine.
    pub trades: AtomicU64,
    /// Orders resting. Writer: engine.
    pub live_orders: AtomicU64,
}

/// What one gateway tells the others and the admin thread. Writer: its thread.
#[derive(Debug, Default)]
pub struct GatewayCells {
    /// All events up to here that are for its logins are in their streams.
    pub delivered: Watermark,
    /// All such events up to this barrier are in the files of the streams.
    pub stored: Watermark,
    /// All such events up to here have been given to the sockets.
    pub answered: Watermark,
    /// It puts nothing into the ring any more, because the venue stops.
    pub closed: AtomicBool,
    /// Figures.
    pub counters: GatewayCounters,
}

/// What became of snapshots, for the admin thread.
#[derive(Debug, Default)]
pub struct SnapshotFigures {
    /// One is being made.
    pub busy: AtomicBool,
    /// Last one that was published, or that the venue began with; 0 = none.
    pub sequence: AtomicU64,
    /// When that was, Unix ns; 0 = before this start.
    pub time_ns: AtomicU64,
    /// How long it took, microseconds.
    pub micros: AtomicU64,
    /// How long writing it and reading it back took, microseconds.
    pub write_micros: AtomicU64,
    /// Most CPU time that a barrier has cost the engine's thread, ns. Writer: engine.
    pub engine_ns_max: AtomicU64,
    /// Bytes of its file.
    pub bytes: AtomicU64,
    /// Published since the start.
    pub made: AtomicU64,
    /// Barriers without a snapshot.
    pub failures: AtomicU64,
    /// Of those: the shadow came to another state than the engine.
    pub diverged: AtomicU64,
}

/// Copies of a gateway's counters, for the admin thread.
#[derive(Debug, Default)]
pub struct GatewayCounters {
    /// Connections open.
    pub connections: AtomicU64,
    /// Connections logged in.
    pub logged_in: AtomicU64,
    /// Connections ever accepted.
    pub accepted: AtomicU64,
    /// Logins let in.
    pub logins: AtomicU64,
    /// Messages added to streams.
    pub messages: AtomicU64,
    /// Bytes written to sockets.
    pub bytes_out: AtomicU64,
    /// Times the input ring was full.
    pub ring_full: AtomicU64,
    /// Times a socket was left unread because its login had no budget.
    pub throttled: AtomicU64,
    /// Connections closed by reason.
    pub closed: [AtomicU64; CloseReason::ALL.len()],
}

/// One counter per reason code that the engine can give.
#[derive(Debug)]
pub struct RejectCounters([AtomicU64; 64]);

impl Default for RejectCounters {
    fn default() -> Self {
        RejectCounters([const { AtomicU64::new(0) }; 64])
    }
}

impl RejectCounters {
    /// Notes a refusal. Codes of OUCH 5.0 are below 64.
    pub fn record(&self, code: u16) {
        bump(&self.0[usize::from(code) % 64], 1);
    }

    /// Count of a code.
    pub fn get(&self, code: u16) -> u64 {
        self.0[usize::from(code) % 64].load(Ordering::Relaxed)
    }
}

impl Shared {
    /// State of a venue with one gateway whose journal ends at a sequence.
    pub fn new(last_sequence: u64) -> Self {
        Shared::watched(last_sequence, SyncWatch::default(), 1)
    }

    /// The same with a watch over its journal, and so many gateways.
    pub fn watched(last_sequence: u64, sync_watch: SyncWatch, gateways: usize) -> Self {
        assert!(gateways > 0, "Invariant: somebody sits on the sockets");
        let cells = (0..gateways).map(|_| GatewayCells::default()).collect();
        let silence = Silence::new(gateways);
        let shared = Shared { sync_watch, gateways: cells, silence, ..Shared::default() };
        for gateway in &shared.gateways {
            gateway.delivered.advance(last_sequence);
            gateway.answered.advance(last_sequence);
        }
        for watermark in
            [&shared.published, &shared.written, &shared.durable, &shared.released, &shared.applied]
        {
            watermark.advance(last_sequence);
        }
        shared
    }

    /// All events up to here are in the streams.
    pub fn delivered(&self) -> Sequence {
        self.least(|gateway| &gateway.delivered)
    }

    /// All events up to this barrier are in the files of the streams.
    pub fn stored(&self) -> Sequence {
        self.least(|gateway| &gateway.stored)
    }

    /// All events up to here have been given to the sockets.
    pub fn answered(&self) -> Sequence {
        self.least(|gateway| &gateway.answered)
    }

    fn least(&self, of: impl Fn(&GatewayCells) -> &Watermark) -> u64 {
        self.gateways.iter().map(|gateway| of(gateway).get()).min().unwrap_or(0)
    }

    /// A figure of all gateways together.
    pub fn total(&self, of: impl Fn(&GatewayCounters) -> &AtomicU64) -> u64 {
        // Relaxed: figures.
        self.gateways.iter().map(|gateway| of(&gateway.counters).load(Ordering::Relaxed)).sum()
    }

    /// Connections of all gateways that were closed for this reason.
    pub fn closed(&self, reason: CloseReason) -> u64 {
        let at = CloseReason::ALL.iter().position(|other| *other == reason);
        at.map_or(0, |at| self.total(|of| &of.closed[at]))
    }

    /// True when stages shall end.
    pub fn is_over(&self) -> bool {
        // Relaxed: seen soon is enough; what must not leave is guarded by `released`.
        self.fatal.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_releases_what_has_passed_all_of_its_cursors() {
        let shared = Shared::new(5);
        shared.written.advance(9);
        shared.durable.advance(7);
        assert_eq!(ReplyGate::new(&[Cursor::Written]).released(&shared), 9);
        assert_eq!(ReplyGate::new(&[Cursor::Durable]).released(&shared), 7);
        assert_eq!(ReplyGate::new(&[Cursor::Written, Cursor::Durable]).released(&shared), 7);
    }
}

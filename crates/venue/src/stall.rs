//! The circuit breaker: a journal whose disk does not answer makes the venue not ready until it does.
//!
//! Nothing has to be switched off for that. An answer waits for its sync, so while a sync runs nothing new is
//! acknowledged, and the first one that ends lets everything go on. What is left is to say so: `/readyz`, a metric and
//! a line in the log, from a thread that the disk cannot hold up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use tracing::{info, warn};

use crate::shared::bump;

/// The longest that the journal may be busy with one batch, unless configured.
pub const SYNC_MAX: Duration = Duration::from_millis(500);

/// What the journal is busy with, as others see it. Writer: journal.
#[derive(Debug)]
pub struct SyncWatch {
    limit: Duration,
    origin: Instant,
    /// Nanoseconds from `origin` to the begin of the batch under way; 0 = none.
    begun_ns: CachePadded<AtomicU64>,
    /// Times the limit was exceeded. Writer: the thread that has the [`Breaker`].
    stalls: AtomicU64,
}

impl Default for SyncWatch {
    fn default() -> Self {
        SyncWatch::new(SYNC_MAX)
    }
}

impl SyncWatch {
    /// A watch over a journal that may be busy for `limit`.
    pub fn new(limit: Duration) -> Self {
        let begun_ns = CachePadded::new(AtomicU64::new(0));
        SyncWatch { limit, origin: Instant::now(), begun_ns, stalls: AtomicU64::new(0) }
    }

    /// A batch begins. Only the journal calls this.
    pub fn begin(&self, now: Instant) {
        // Relaxed: a figure; nothing is published through it. Never 0 while a batch is under way.
        self.begun_ns.store((now - self.origin).as_nanos() as u64 | 1, Ordering::Relaxed);
    }

    /// The batch is written, and durable where it must be. Only the journal calls this.
    pub fn end(&self) {
        self.begun_ns.store(0, Ordering::Relaxed);
    }

    /// How long the batch under way takes so far; zero when there is none.
    pub fn running(&self) -> Duration {
        match self.begun_ns.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            begun => self.origin.elapsed().saturating_sub(Duration::from_nanos(begun)),
        }
    }

    /// True while the batch under way takes longer than allowed.
    pub fn is_stalled(&self) -> bool {
        self.running() > self.limit
    }

    /// Times the limit was exceeded so far.
    pub fn stalls(&self) -> u64 {
        self.stalls.load(Ordering::Relaxed)
    }
}

/// Tells the log when the journal stalls, and when it goes on.
#[derive(Debug, Default)]
pub struct Breaker {
    /// Longest time seen in the stall under way.
    open: Option<Duration>,
}

impl Breaker {
    /// Looks at the watch. Called several times a second by one thread.
    pub fn look(&mut self, watch: &SyncWatch) {
        let (running, limit_ms) = (watch.running(), watch.limit.as_millis() as u64);
        match (self.open, running > watch.limit) {
            (None, true) => {
                bump(&watch.stalls, 1);
                warn!(
                    limit_ms,
                    "journal stalled: not ready, nothing new is acknowledged until the disk answers"
                );
                self.open = Some(running);
            }
            (Some(longest), true) => self.open = Some(longest.max(running)),
            (Some(longest), false) => {
                info!(seconds = longest.as_secs_f64(), "journal goes on: ready again");
                self.open = None;
            }
            (None, false) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_begins_after_the_limit_is_counted_once_and_ends_by_itself() {
        let watch = SyncWatch::new(Duration::from_millis(20));
        let mut breaker = Breaker::default();
        breaker.look(&watch);
        watch.begin(Instant::now());
        breaker.look(&watch);
        assert!(!watch.is_stalled() && watch.stalls() == 0);
        std::thread::sleep(Duration::from_millis(30));
        (0..3).for_each(|_| breaker.look(&watch));
        assert!(watch.is_stalled() && watch.running() >= Duration::from_millis(30));
        watch.end();
        (0..3).for_each(|_| breaker.look(&watch));
        assert!(!watch.is_stalled() && watch.running() == Duration::ZERO);
        assert_eq!(watch.stalls(), 1);
    }
}

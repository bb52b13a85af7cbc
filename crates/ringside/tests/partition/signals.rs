//! What a trader and whoever breaks its link tell each other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longer than a silence and the way back in.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Between a trader and whoever breaks its link.
#[derive(Default)]
pub struct Signals {
    /// The trader has done what comes before the fault.
    prepared: AtomicBool,
    /// The trader may go on to the fault.
    go: AtomicBool,
    /// The trader wants the fault now.
    wanted: AtomicBool,
    /// It is there.
    broken: AtomicBool,
    /// It is over.
    healed: AtomicBool,
}

/// A signal of [`Signals`].
#[derive(Clone, Copy, Debug)]
pub enum Signal {
    Prepared,
    Go,
    Wanted,
    Broken,
    Healed,
}

impl Signals {
    fn of(&self, signal: Signal) -> &AtomicBool {
        match signal {
            Signal::Prepared => &self.prepared,
            Signal::Go => &self.go,
            Signal::Wanted => &self.wanted,
            Signal::Broken => &self.broken,
            Signal::Healed => &self.healed,
        }
    }

    pub fn give(&self, signal: Signal) {
        // Release and Acquire: what was done before the signal is seen behind it.
        self.of(signal).store(true, Ordering::Release);
    }

    pub fn is_given(&self, signal: Signal) -> bool {
        self.of(signal).load(Ordering::Acquire)
    }

    pub fn wait(&self, signal: Signal) {
        let since = Instant::now();
        while !self.is_given(signal) {
            assert!(since.elapsed() < PATIENCE, "not within {PATIENCE:?}: {signal:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

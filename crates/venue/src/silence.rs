//! How the first gateway gets the input ring to itself for a roll.
//!
//! It wants a silence, and puts the roll into the ring once every other gateway keeps it. Each of those counts the silences that
//! it keeps: it puts nothing into the ring from then on until it has delivered as many rolls. What it put there before is before
//! the roll, because its count is stored after that and read before this (checked exhaustively under loom).

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

/// Silences that are wanted, and those that each gateway keeps.
#[derive(Debug)]
pub struct Silence {
    /// Writer: the first gateway.
    wanted: AtomicU64,
    /// By gateway, each written by its own; the first one's is not used.
    kept: Box<[AtomicU64]>,
}

impl Default for Silence {
    /// Of one gateway.
    fn default() -> Self {
        Silence::new(1)
    }
}

impl Silence {
    /// Nobody wants one.
    pub fn new(gateways: usize) -> Self {
        Silence { wanted: AtomicU64::new(0), kept: (0..gateways).map(|_| AtomicU64::new(0)).collect() }
    }

    /// The first gateway wants this one, they count from 1. True: it had not wanted it before.
    pub fn want(&self, number: u64) -> bool {
        // Relaxed: nobody else writes it.
        let is_new = self.wanted.load(Ordering::Relaxed) < number;
        if is_new {
            // Release: nothing to tell but the number; it is there for symmetry with `due`.
            self.wanted.store(number, Ordering::Release);
        }
        is_new
    }

    /// All other gateways keep this one.
    pub fn is_kept(&self, number: u64) -> bool {
        // Acquire: what a gateway put into the ring before it kept silent is before what the caller puts there now.
        self.kept.iter().skip(1).all(|kept| kept.load(Ordering::Acquire) >= number)
    }

    /// Silences that this gateway shall keep and does not yet.
    pub fn due(&self, gateway: usize) -> u64 {
        // Relaxed: nobody else writes it.
        self.wanted.load(Ordering::Acquire) - self.kept[gateway].load(Ordering::Relaxed)
    }

    /// This gateway keeps so many more.
    pub fn keep(&self, gateway: usize, more: u64) {
        let kept = &self.kept[gateway];
        // Release: pairs with the Acquire load in `is_kept`. Only this gateway writes it.
        kept.store(kept.load(Ordering::Relaxed) + more, Ordering::Release);
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use loom::sync::Arc;

    /// What is in a slot of the ring. Loom ends a test in which it is written and read without an order between the two.
    struct Slot(loom::cell::UnsafeCell<u64>);

    // SAFETY: that no thread reads while another one writes is what the test below is about.
    unsafe impl Sync for Slot {}

    /// What another gateway did before it kept silent is done for who sees that it keeps silent.
    #[test]
    fn what_another_gateway_has_put_into_the_ring_is_before_the_roll() {
        let seen = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let was_seen = seen.clone();
        loom::model(move || {
            let slot = Slot(loom::cell::UnsafeCell::new(0));
            let (silence, slot) = (Arc::new(Silence::new(2)), Arc::new(slot));
            let other = {
                let (silence, slot) = (silence.clone(), slot.clone());
                loom::thread::spawn(move || {
                    // SAFETY: the pointer is that of the cell, and does not leave the closure.
                    slot.0.with_mut(|slot| unsafe { *slot = 1 });
                    let due = silence.due(1);
                    if due > 0 {
                        silence.keep(1, due);
                    }
                })
            };
            silence.want(1);
            loom::thread::yield_now();
            if silence.is_kept(1) {
                was_seen.store(true, std::sync::atomic::Ordering::Relaxed);
                // SAFETY: as above.
                slot.0.with(|slot| assert_eq!(unsafe { *slot }, 1));
            }
            other.join().unwrap();
        });
        assert!(seen.load(std::sync::atomic::Ordering::Relaxed), "no execution in which a silence is kept");
    }
}

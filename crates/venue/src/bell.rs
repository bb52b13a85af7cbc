//! Wakes a thread that sleeps, and costs nothing while it is awake.
//!
//! The sleeper arms the bell, looks once more for work, and only then sleeps. The ringer publishes work, then
//! looks at the bell. Both sides put a full fence between their store and their load, so at least one of them
//! sees the other: no wake-up is lost (checked exhaustively under loom).

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, Ordering, fence};

/// A bell with a caller-given way to wake.
#[derive(Debug)]
pub struct Bell<W> {
    armed: AtomicBool,
    wake: W,
}

/// How to wake the thread behind a bell.
pub trait Wake {
    /// Wakes it, or lets its next sleep end at once.
    fn wake(&self);
}

impl<W: Wake> Bell<W> {
    /// A bell whose thread is awake.
    pub fn new(wake: W) -> Self {
        Bell { armed: AtomicBool::new(false), wake }
    }

    /// The thread is about to look for work a last time and then sleep.
    pub fn arm(&self) {
        // Relaxed: ordered by the fence below.
        self.armed.store(true, Ordering::Relaxed);
        // SeqCst: this store comes before the look for work; pairs with the fence in ring.
        fence(Ordering::SeqCst);
    }

    /// The thread is awake again.
    pub fn disarm(&self) {
        // Relaxed: a ring in between wakes once too often, which is harmless.
        self.armed.store(false, Ordering::Relaxed);
    }

    /// There is work. Called after the work was published.
    #[inline]
    pub fn ring(&self) {
        // SeqCst: the publication comes before this load; pairs with the fence in arm.
        fence(Ordering::SeqCst);
        // Relaxed: ordered by the fence. The swap lets one ringer wake.
        if self.armed.load(Ordering::Relaxed) && self.armed.swap(false, Ordering::Relaxed) {
            self.wake.wake();
        }
    }

    /// How its thread is woken.
    pub fn target(&self) -> &W {
        &self.wake
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use loom::sync::atomic::AtomicU64;
    use loom::sync::{Arc, Notify};

    struct Notifier(Notify);

    impl Wake for Arc<Notifier> {
        fn wake(&self) {
            self.0.notify();
        }
    }

    #[test]
    fn no_wake_up_is_lost() {
        loom::model(|| {
            let notifier = Arc::new(Notifier(Notify::new()));
            let bell = Arc::new(Bell::new(notifier.clone()));
            let work = Arc::new(AtomicU64::new(0));
            let ringer = {
                let (bell, work) = (bell.clone(), work.clone());
                loom::thread::spawn(move || {
                    work.store(1, Ordering::Release);
                    bell.ring();
                })
            };
            // As the stage thread does: arm, look a last time, sleep; a sleep may end for no reason.
            bell.arm();
            while work.load(Ordering::Acquire) == 0 {
                // Loom reports a deadlock here if the ringer did not see the bell.
                bell.target().0.wait();
                bell.arm();
            }
            bell.disarm();
            ringer.join().unwrap();
        });
    }
}

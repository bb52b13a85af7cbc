//! A thread that drives stages: poll all, and when none worked, wait as the strategy says.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::{Duration, Instant};

use tracing::error;

use crate::bell::{Bell, Wake};
use crate::shared::Shared;
use crate::stages::{Stage, StageError, Waited};

/// Rounds without work before a parking thread starts to yield.
const SPIN_ROUNDS: u32 = 50;
/// Rounds without work before it sleeps.
const YIELD_ROUNDS: u32 = 70;
/// Longest sleep: timers, interval syncs and the stop request are looked at this often.
const SLEEP_MAX: Duration = Duration::from_millis(20);
/// Longest orderly end.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// What an idle thread does; `auto` has been resolved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IdleStrategy {
    /// Look again at once.
    Spin,
    /// Let others run, then look again.
    Yield,
    /// Spin, yield, sleep until woken.
    Park,
}

/// How a stage thread is woken: its socket poll when it has one, else its park.
#[derive(Debug, Default)]
pub struct ThreadWake {
    thread: OnceLock<Thread>,
    poll: OnceLock<Arc<mio::Waker>>,
}

/// The bell of a stage thread.
pub type ThreadBell = Bell<ThreadWake>;

impl Wake for ThreadWake {
    fn wake(&self) {
        if let Some(waker) = self.poll.get() {
            // Cannot fail in practice (an eventfd write); a lost wake-up costs SLEEP_MAX.
            let _ = waker.wake();
        } else if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

/// A bell for a thread that is about to be started.
pub fn bell() -> Arc<ThreadBell> {
    Arc::new(Bell::new(ThreadWake::default()))
}

/// Lets a bell wake a socket poll.
pub fn wakes_poll(bell: &ThreadBell, waker: Arc<mio::Waker>) {
    let _ = bell.target().poll.set(waker);
}

/// A thread's worth of stages.
pub struct StageThread {
    /// Linux shows the first 15 bytes.
    pub name: String,
    /// Core to pin to.
    pub core: Option<usize>,
    /// Driven in this order.
    pub stages: Vec<Box<dyn Stage>>,
    /// When idle.
    pub idle: IdleStrategy,
    /// Rung by those who make work for it.
    pub bell: Arc<ThreadBell>,
    /// Stop and failure.
    pub shared: Arc<Shared>,
}

impl StageThread {
    /// Drives the stages until the venue stops. The first error stops everybody.
    pub fn run(mut self) -> Result<(), StageError> {
        let _ = self.bell.target().thread.set(std::thread::current());
        if let Some(core) = self.core
            && !core_affinity::set_for_current(core_affinity::CoreId { id: core })
        {
            // Pins were tried before the start (layout::check_pins): the mask has changed since.
            error!(core, thread = self.name, "cannot pin");
        }
        let result = self.drive();
        if let Err(error) = &result {
            // Relaxed: what must not leave is guarded by `released`, which never moves again.
            self.shared.fatal.store(true, Ordering::Relaxed);
            error!(%error, thread = self.name, "stage failed, the venue stops");
        }
        result
    }

    fn drive(&mut self) -> Result<(), StageError> {
        let mut idle_rounds = 0;
        let mut stop_seen: Option<Instant> = None;
        loop {
            if self.poll_all()? {
                idle_rounds = 0;
            } else {
                idle_rounds += 1;
                self.idle(idle_rounds)?;
            }
            if !self.shared.is_over() {
                continue;
            }
            let since = *stop_seen.get_or_insert_with(Instant::now);
            let fatal = self.shared.fatal.load(Ordering::Relaxed);
            if fatal {
                return Ok(());
            }
            if self.is_drained() || since.elapsed() > DRAIN_MAX {
                return self.stages.iter_mut().try_for_each(|stage| stage.finish());
            }
        }
    }

    fn poll_all(&mut self) -> Result<bool, StageError> {
        let mut worked = false;
        for stage in &mut self.stages {
            worked |= stage.poll()?;
        }
        Ok(worked)
    }

    fn is_drained(&self) -> bool {
        let shared = &self.shared;
        let drained = self.stages.iter().all(|stage| stage.is_drained());
        // Acquire: pairs with the Release of whoever closes the input; `published` is final then.
        drained && shared.input_closed.load(Ordering::Acquire) && shared.delivered() >= shared.published.get()
    }

    fn idle(&mut self, rounds: u32) -> Result<(), StageError> {
        match self.idle {
            IdleStrategy::Spin => std::hint::spin_loop(),
            IdleStrategy::Yield => std::thread::yield_now(),
            IdleStrategy::Park if rounds < SPIN_ROUNDS => std::hint::spin_loop(),
            IdleStrategy::Park if rounds < YIELD_ROUNDS && !self.is_beside_workers() => {
                std::thread::yield_now();
            }
            IdleStrategy::Park => self.sleep()?,
        }
        Ok(())
    }

    /// A yield gives the processor to a thread that makes a snapshot or checks a password until the next tick of the kernel, where
    /// nobody else wants it; from a sleep a stage is back at once.
    fn is_beside_workers(&self) -> bool {
        // Relaxed: a hint.
        let busy = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        busy(&self.shared.snapshots.busy) || busy(&self.shared.checking)
    }

    /// Arms the bell, looks a last time, sleeps.
    fn sleep(&mut self) -> Result<(), StageError> {
        self.bell.arm();
        if !self.poll_all()? && !self.wait_on_sockets()? {
            std::thread::park_timeout(SLEEP_MAX);
        }
        self.bell.disarm();
        Ok(())
    }

    fn wait_on_sockets(&mut self) -> Result<bool, StageError> {
        for stage in &mut self.stages {
            if stage.wait(SLEEP_MAX)? == Waited::Waited {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

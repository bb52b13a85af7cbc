//! Gateway and egress, which share the sockets: events out first, then bytes in.
//!
//! Gateways share the logins ([`ringside_gateway`]). Each reads the whole output ring and delivers what is for its own; the
//! first one also does what the venue does by itself ([`duties`]).

mod answers;
mod duties;
mod inlet;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ringside_domain::{Fact, Sequence};
use ringside_gateway::{CommandSink, Gateway};

use super::barriers::Keeper;
use super::{Stage, StageError, Waited};
use crate::clock::Reading;
use crate::ring::{OUTPUT_SLOTS, OutputPoller, OutputSlot};
use crate::shared::{GatewayCells, GatewayCounters, Shared};
use crate::threads::ThreadBell;
use answers::Answers;
pub use duties::{Duties, StorageWatch};
pub use inlet::Inlet;

/// The stage.
pub struct GatewayStage {
    gateway: Gateway,
    inlet: Inlet,
    output: OutputPoller,
    shared: Arc<Shared>,
    /// Its number, and its place in [`Shared::gateways`]; 0 is the first.
    number: usize,
    /// The first gateway's.
    duties: Option<Duties>,
    /// Events that are not released yet.
    held: VecDeque<OutputSlot>,
    keeper: Keeper,
    stopping: bool,
    /// Waits for room in the output ring.
    engine: Arc<ThreadBell>,
    answers: Answers,
}

impl GatewayStage {
    /// A stage over an open gateway: the first one has duties, and the others come after it.
    pub fn new(
        (number, gateway): (usize, Gateway),
        inlet: Inlet,
        output: OutputPoller,
        shared: Arc<Shared>,
        duties: Option<Duties>,
        engine: Arc<ThreadBell>,
    ) -> Self {
        assert!((number == 0) == duties.is_some(), "Invariant: the first gateway has duties");
        let answers = Answers::new(&shared);
        GatewayStage {
            gateway,
            inlet,
            output,
            shared,
            number,
            duties,
            held: VecDeque::with_capacity(OUTPUT_SLOTS),
            keeper: Keeper::new(),
            stopping: false,
            engine,
            answers,
        }
    }

    fn cells(&self) -> &GatewayCells {
        &self.shared.gateways[self.number]
    }

    /// Delivers events whose command is released.
    fn egress(&mut self) -> Result<bool, StageError> {
        // Read before the ring is: all events of commands up to here are in it or beyond it.
        let applied = self.shared.applied.get();
        let released = self.shared.released.get();
        let mut worked = false;
        self.look_for_late();
        while self.held.front().is_some_and(|slot| slot.sequence <= released) {
            let slot = self.held.pop_front().expect("just seen");
            self.deliver(&slot)?;
            worked = true;
        }
        worked |= self.take_output(released)?;
        if self.held.is_empty() && !self.output.has_available() {
            self.settle(applied.min(released));
        }
        Ok(worked)
    }

    fn take_output(&mut self, released: Sequence) -> Result<bool, StageError> {
        let room = OUTPUT_SLOTS - self.held.len();
        if room == 0 {
            return Ok(false);
        }
        let Ok(mut guard) = self.output.take(room as u64) else { return Ok(false) };
        for slot in &mut guard {
            if !concerns(&self.gateway, self.duties.as_ref(), slot) {
                continue;
            }
            if self.held.is_empty() && slot.sequence <= released {
                let (gateway, duties) = (&mut self.gateway, self.duties.as_mut());
                deliver(gateway, duties, &mut self.answers, &self.shared, slot)?;
            } else {
                self.held.push_back(*slot);
            }
        }
        drop(guard);
        // The engine may wait for room.
        self.engine.ring();
        Ok(true)
    }

    fn deliver(&mut self, slot: &OutputSlot) -> Result<(), StageError> {
        let (gateway, duties) = (&mut self.gateway, self.duties.as_mut());
        deliver(gateway, duties, &mut self.answers, &self.shared, slot)
    }

    /// All events up to a sequence that concern this gateway were delivered.
    fn settle(&mut self, upto: Sequence) {
        let cells = self.cells();
        let delivered = upto.max(cells.delivered.get());
        cells.delivered.advance(delivered);
        if let Some(duties) = &mut self.duties {
            duties.settle(delivered);
        }
    }

    /// Says from which age on the answers of this turn are late.
    fn look_for_late(&mut self) {
        if self.held.is_empty() && !self.output.has_available() {
            return;
        }
        let timing = &self.shared.timing;
        let late_before = match timing.now() {
            0 => 0,
            now => self.inlet.venue_time(now).saturating_sub(timing.outlier_ns()),
        };
        self.answers.late_before(late_before);
    }

    /// What was delivered has just been given to the sockets.
    fn note_answered(&mut self) {
        let inlet = &self.inlet;
        self.answers.answered(self.number, &self.shared.timing, |now| inlet.venue_time(now));
        let cells = self.cells();
        cells.answered.advance(cells.delivered.get());
        if self.duties.is_some() {
            self.shared.timing.told(self.shared.answered());
        }
    }

    fn turn(&mut self, timeout: Duration) -> Result<bool, StageError> {
        let before = self.inlet.last();
        if let Some(duties) = self.duties.as_mut().filter(|_| !self.stopping) {
            // First of all: clients can fill the ring in every turn, and the operator must be able to stop them. Stamped with
            // the turn before, whose wait has just ended.
            self.inlet.begin_read();
            duties.perform(&mut self.inlet, &self.shared);
        }
        self.hold_for_rolls();
        let timeout = if self.inlet.last() > before { Duration::ZERO } else { timeout };
        let commands = self.gateway.poll(timeout, &mut self.inlet)?;
        Ok(self.inlet.announce() || commands > 0)
    }

    /// Hears no client any more before a roll that is in the ring or wanted there is delivered.
    fn hold_for_rolls(&mut self) {
        if self.duties.is_some() {
            // In the same turn: nothing that a client sends gets between.
            (0..self.inlet.take_rolls()).for_each(|_| self.gateway.hold_input());
            return;
        }
        let silence = &self.shared.silence;
        let due = silence.due(self.number);
        if due > 0 {
            (0..due).for_each(|_| self.gateway.hold_input());
            silence.keep(self.number, due);
            self.inlet.ring_others();
        }
    }

    /// Time until something is due; none when that is past and the engine is at it.
    fn until_due(&mut self) -> Option<Duration> {
        let due = self.shared.next_due.get().min(self.shared.next_roll.get());
        due.checked_sub(self.inlet.clock().advance(Reading::now())).map(Duration::from_nanos)
    }

    /// At the end: no more input, a last barrier once no gateway has any, and over once everything under way has been sent.
    fn wind_down(&mut self) {
        // Relaxed: a request that is seen soon.
        if !self.shared.stop.load(Ordering::Relaxed) || self.shared.input_closed.load(Ordering::Relaxed) {
            return;
        }
        if !self.stopping {
            self.stopping = true;
            self.gateway.stop_input();
            // Release: whoever sees it sees the last `published` of this gateway.
            self.cells().closed.store(true, Ordering::Release);
        }
        let Some(duties) = &mut self.duties else { return };
        if duties.close(&mut self.inlet, &self.shared) {
            self.inlet.announce();
            // Release: whoever sees it sees the last `published`.
            self.shared.input_closed.store(true, Ordering::Release);
        }
    }

    fn publish_counters(&mut self) {
        copy_counters(self.gateway.stats(), &self.cells().counters);
        if self.duties.is_some() {
            let clock = self.inlet.clock();
            // Relaxed: figures for the admin thread.
            self.shared.clock_ahead_ns.store(clock.ahead_ns(), Ordering::Relaxed);
            self.shared.clock_steps.store(clock.steps(), Ordering::Relaxed);
        }
    }
}

impl Stage for GatewayStage {
    fn poll(&mut self) -> Result<bool, StageError> {
        self.wind_down();
        let delivered = self.egress()?;
        self.gateway.flush(&mut self.inlet)?;
        self.note_answered();
        let cells = &self.shared.gateways[self.number];
        let stored = self.keeper.store(&mut self.gateway, self.shared.barrier.get(), cells)?;
        let worked = stored | self.turn(Duration::ZERO)?;
        let busy = delivered || worked || self.gateway.has_ready();
        if busy {
            self.publish_counters();
        }
        Ok(busy)
    }

    fn wait(&mut self, timeout: Duration) -> Result<Waited, StageError> {
        self.publish_counters();
        let timeout = timeout.min(self.gateway.timer_step());
        // What is due is the first gateway's business.
        let due = if self.duties.is_some() { self.until_due() } else { None };
        self.turn(due.map_or(timeout, |due| due.min(timeout)))?;
        self.publish_counters();
        Ok(Waited::Waited)
    }

    fn is_drained(&self) -> bool {
        let cells = self.cells();
        cells.delivered.get() >= self.shared.published.get()
            && self.gateway.is_drained()
            && cells.stored.get() >= self.shared.barrier.get()
    }
}

/// An event that this gateway has to do something for.
#[inline]
fn concerns(gateway: &Gateway, duties: Option<&Duties>, slot: &OutputSlot) -> bool {
    let event = &slot.event;
    duties.is_some() || gateway.serves(event.login) || matches!(event.fact, Fact::SessionBegan(_))
}

fn deliver(
    gateway: &mut Gateway,
    duties: Option<&mut Duties>,
    answers: &mut Answers,
    shared: &Shared,
    slot: &OutputSlot,
) -> Result<(), StageError> {
    if let Fact::SessionBegan(session) = slot.event.fact {
        gateway.roll(session)?;
    }
    if let Some(duties) = duties {
        duties.note(slot, shared);
    }
    // Events of the venue itself are in no stream, and those of other logins in another gateway's.
    if gateway.serves(slot.event.login) {
        answers.note(slot, &shared.timing);
        gateway.deliver(slot.time_ns, &slot.event);
    }
    Ok(())
}

fn copy_counters(stats: &ringside_gateway::Stats, counters: &GatewayCounters) {
    let pairs = [
        (&counters.connections, stats.connections),
        (&counters.logged_in, stats.logged_in),
        (&counters.accepted, stats.accepted),
        (&counters.logins, stats.logins),
        (&counters.messages, stats.messages),
        (&counters.bytes_out, stats.bytes_out),
        (&counters.ring_full, stats.sink_full),
        (&counters.throttled, stats.throttled),
    ];
    // Relaxed: figures for the admin thread.
    pairs.iter().for_each(|(counter, value)| counter.store(*value, Ordering::Relaxed));
    for (counter, value) in counters.closed.iter().zip(stats.closed) {
        counter.store(value, Ordering::Relaxed);
    }
}

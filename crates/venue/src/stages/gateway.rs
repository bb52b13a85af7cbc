//! Gateway and egress, which share the sockets: events out first, then bytes in.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use disruptor::Producer;
use ringside_domain::{Action, Command, Fact, LoginId, Sequence, TimeNs};
use ringside_gateway::{CommandSink, Gateway};
use ringside_journal::PreparerStatus;
use tracing::{info, warn};

use super::barriers::BARRIER;
use super::{Barriers, Stage, StageError, Waited};
use crate::budget::Budgets;
use crate::clock::{Reading, VenueClock};
use crate::desk::Desk;
use crate::ring::{
    InputProducer, InputSlot, OUTPUT_SLOTS, OutputPoller, OutputSlot, RESERVED_SLOTS, free_slots,
    takes_reserve,
};
use crate::roll::RollAt;
use crate::shared::{GatewayCounters, Shared};
use crate::threads::ThreadBell;

/// How often the preparation of segments is looked at.
const STORAGE_LOOK: Duration = Duration::from_millis(20);

/// The way into the input ring.
pub struct Inlet {
    producer: InputProducer,
    /// So many slots were free when that was last looked at, less those used since: no more than are free.
    room: usize,
    budgets: Budgets,
    shared: Arc<Shared>,
    published: Sequence,
    clock: VenueClock,
    /// Stamp of the commands of this turn.
    time_ns: TimeNs,
    roll_at: Option<RollAt>,
    /// When the session rolls next; `TimeNs::MAX` = never. Nothing is stamped with it or later before that roll.
    next_roll_ns: TimeNs,
    /// Rolls in the ring that the gateway was not told of.
    rolls: u32,
    /// The same moment as [`crate::timing`] tells it.
    turn_began: u64,
    /// When the connection whose commands come now was read.
    read: u64,
    /// The next command whose way is timed.
    next_timed: Sequence,
    /// Who waits for commands.
    consumers: Vec<Arc<ThreadBell>>,
}

impl Inlet {
    /// Continues after the sequence that `shared` knows, with stamps of this clock.
    pub fn new(
        producer: InputProducer,
        shared: Arc<Shared>,
        clock: VenueClock,
        consumers: Vec<Arc<ThreadBell>>,
    ) -> Self {
        let published = shared.published.get();
        let next_timed = shared.timing.next_sample(published);
        let budgets = Budgets::new(&shared.rates);
        Inlet {
            producer,
            room: 0,
            budgets,
            shared,
            published,
            time_ns: clock.now_ns(),
            clock,
            roll_at: None,
            next_roll_ns: TimeNs::MAX,
            rolls: 0,
            turn_began: 0,
            read: 0,
            next_timed,
            consumers,
        }
    }

    /// Rolls the session every day at this time from now on.
    pub fn rolling_at(self, roll_at: Option<RollAt>) -> Self {
        let next_roll_ns = roll_at.map_or(TimeNs::MAX, |at| at.after(self.clock.now_ns()));
        Inlet { roll_at, next_roll_ns, ..self }
    }

    /// Hands a roll over, with a barrier before it: a snapshot of the state from which the new session can be told from
    /// its first message on. `false`: there is no room; a barrier more does no harm.
    pub fn roll(&mut self) -> bool {
        self.time_ns = self.clock.now_ns();
        let roll = Command { login: LoginId::VENUE, action: Action::RollSession };
        let rolled = self.offer(&BARRIER) && self.offer(&roll);
        if rolled {
            self.rolls += 1;
            self.next_roll_ns = self.roll_at.map_or(TimeNs::MAX, |at| at.after(self.time_ns));
        }
        rolled
    }

    /// The time of a roll has come. Commands are stamped with the last moment before it until it is in the ring.
    fn is_roll_due(&self) -> bool {
        self.clock.now_ns() >= self.next_roll_ns
    }

    /// Rolls since the last call.
    fn take_rolls(&mut self) -> u32 {
        std::mem::take(&mut self.rolls)
    }

    /// Sequence of the last command in the ring, announced or not.
    pub fn published(&self) -> Sequence {
        self.published
    }

    /// A slot is free that this kind of command may take.
    #[inline]
    fn has_room(&mut self, action: &Action) -> bool {
        let kept = if takes_reserve(action) { 0 } else { RESERVED_SLOTS };
        if self.room <= kept {
            self.room = free_slots(&mut self.producer);
        }
        self.room > kept
    }

    /// The venue's clock at a moment of [`crate::timing`], without reading a clock.
    fn venue_time(&self, now: u64) -> TimeNs {
        self.time_ns + now.saturating_sub(self.turn_began)
    }

    /// Tells the consumers what was published since the last call. True: there was something.
    pub fn announce(&mut self) -> bool {
        if self.shared.published.get() == self.published {
            return false;
        }
        self.shared.published.advance(self.published);
        self.consumers.iter().for_each(|bell| bell.ring());
        true
    }
}

impl CommandSink for Inlet {
    fn begin_turn(&mut self) {
        self.time_ns = self.clock.advance(Reading::now()).min(self.next_roll_ns - 1);
        self.turn_began = self.shared.timing.now();
    }

    fn begin_read(&mut self) {
        self.read = self.shared.timing.now();
    }

    #[inline]
    fn has_budget(&mut self, login: LoginId) -> bool {
        self.budgets.has(login, self.time_ns, &self.shared.rates)
    }

    #[inline]
    fn offer(&mut self, command: &Command) -> bool {
        if !self.has_room(&command.action) {
            return false;
        }
        let slot = InputSlot { time_ns: self.time_ns, command: *command };
        // The closure only copies: a panic inside it would leave a hole in the ring.
        let published = self.producer.try_publish(|place| *place = slot).is_ok();
        assert!(published, "Invariant: nobody but this producer uses free slots up");
        self.room -= 1;
        self.published += 1;
        self.budgets.spend(command.login);
        if self.published == self.next_timed {
            self.shared.timing.entered(self.published, self.read);
            self.next_timed = self.shared.timing.next_sample(self.published);
        }
        true
    }
}

/// The stage.
pub struct GatewayStage {
    gateway: Gateway,
    inlet: Inlet,
    output: OutputPoller,
    shared: Arc<Shared>,
    /// Events that are not released yet.
    held: VecDeque<OutputSlot>,
    stopping: bool,
    storage: StorageWatch,
    desk: Desk,
    barriers: Barriers,
    /// Waits for room in the output ring.
    engine: Arc<ThreadBell>,
    answers: Answers,
}

/// What has been delivered since the sockets were last written to, for [`crate::timing`].
#[derive(Debug, Default)]
struct Answers {
    /// Up to here answers went to the sockets.
    timed: Sequence,
    /// Up to here they are in the streams.
    told: Sequence,
    /// What was journaled before this is late.
    late_before: TimeNs,
    /// Late ones, and the first of them.
    late: u64,
    first_late: (Sequence, TimeNs),
}

impl Answers {
    /// An event goes into its stream.
    #[inline]
    fn note(&mut self, slot: &OutputSlot) {
        if slot.time_ns < self.late_before && slot.sequence != self.told {
            if self.late == 0 {
                self.first_late = (slot.sequence, slot.time_ns);
            }
            self.late += 1;
        }
        self.told = slot.sequence;
    }
}

/// Tells the engine, by a journaled command, when the journal has no segments left to take new orders.
pub struct StorageWatch {
    segments: PreparerStatus,
    /// What the engine was told last.
    told_full: bool,
    next_look: Instant,
}

impl StorageWatch {
    /// A watch over the segments to come. `full` is what the state says.
    pub fn new(segments: PreparerStatus, full: bool) -> Self {
        StorageWatch { segments, told_full: full, next_look: Instant::now() }
    }

    /// A command when things have changed. One segment stays in reserve for cancels.
    fn look(&mut self) -> Option<Command> {
        let now = Instant::now();
        if now < self.next_look {
            return None;
        }
        self.next_look = now + STORAGE_LOOK;
        let full = self.segments.ready() <= 1 && self.segments.failure().is_some_and(|error| error.is_full());
        (full != self.told_full)
            .then_some(Command { login: LoginId::VENUE, action: Action::StorageFull(full) })
    }

    fn told(&mut self) {
        self.told_full = !self.told_full;
        match self.told_full {
            true => warn!("storage is full: new orders are refused, cancels go on"),
            false => info!("there is storage again: new orders are taken"),
        }
    }
}

impl GatewayStage {
    /// A stage over an open gateway.
    pub fn new(
        gateway: Gateway,
        inlet: Inlet,
        output: OutputPoller,
        shared: Arc<Shared>,
        storage: StorageWatch,
        (desk, barriers): (Desk, Barriers),
        engine: Arc<ThreadBell>,
    ) -> Self {
        let held = VecDeque::with_capacity(OUTPUT_SLOTS);
        let stopping = false;
        let delivered = shared.delivered.get();
        let answers = Answers { timed: delivered, told: delivered, ..Answers::default() };
        GatewayStage {
            gateway,
            inlet,
            output,
            shared,
            held,
            stopping,
            storage,
            desk,
            barriers,
            engine,
            answers,
        }
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
            let delivered = applied.min(released).max(self.shared.delivered.get());
            self.shared.delivered.advance(delivered);
            self.desk.settle(delivered);
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
            if self.held.is_empty() && slot.sequence <= released {
                self.answers.note(slot);
                deliver(&mut self.gateway, &mut self.desk, &self.shared, slot)?;
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
        self.answers.note(slot);
        deliver(&mut self.gateway, &mut self.desk, &self.shared, slot)
    }

    /// Says from which age on the answers of this turn are late.
    fn look_for_late(&mut self) {
        if self.held.is_empty() && !self.output.has_available() {
            return;
        }
        let timing = &self.shared.timing;
        self.answers.late_before = match timing.now() {
            0 => 0,
            now => self.inlet.venue_time(now).saturating_sub(timing.outlier_ns()),
        };
    }

    /// What was delivered has just been given to the sockets.
    fn note_answered(&mut self) {
        let answers = &mut self.answers;
        if answers.told == answers.timed {
            return;
        }
        let timing = &self.shared.timing;
        let now = timing.now();
        timing.answered((answers.timed, answers.told), now);
        answers.timed = answers.told;
        let late = std::mem::take(&mut answers.late);
        if late > 0 {
            let total_ns = self.inlet.venue_time(now).saturating_sub(answers.first_late.1);
            timing.late(late, answers.first_late, total_ns, now);
        }
    }

    fn turn(&mut self, timeout: Duration) -> Result<bool, StageError> {
        let before = self.inlet.published();
        if !self.stopping {
            // First of all: clients can fill the ring in every turn, and the operator must be able to stop them. Stamped with
            // the turn before, whose wait has just ended.
            self.inlet.begin_read();
            self.own_commands();
        }
        let timeout = if self.inlet.published() > before { Duration::ZERO } else { timeout };
        // In the same turn: nothing that a client sends gets between.
        (0..self.inlet.take_rolls()).for_each(|_| self.gateway.hold_input());
        let commands = self.gateway.poll(timeout, &mut self.inlet)?;
        Ok(self.inlet.announce() || commands > 0)
    }

    /// Commands that no login sends.
    fn own_commands(&mut self) {
        if self.inlet.is_roll_due() && !self.inlet.roll() {
            return;
        }
        if let Some(command) = self.storage.look()
            && self.inlet.offer(&command)
        {
            self.storage.told();
        }
        self.desk.submit(&mut self.inlet);
        if let Some(hash) = self.barriers.hash()
            && self.inlet.offer(&hash)
        {
            self.barriers.told();
        }
        if let Some(barrier) = self.barriers.due(self.inlet.published, &self.shared)
            && self.inlet.offer(&barrier)
        {
            self.barriers.put(self.inlet.published);
        }
        if self.is_tick_due() {
            self.inlet.offer(&Command { login: LoginId::VENUE, action: Action::Tick });
        }
    }

    /// Something is due and no command is under way that would let it happen, a tick included.
    fn is_tick_due(&self) -> bool {
        // `applied` is read first: what is due is at least as new, and with nothing under way exactly that.
        self.shared.applied.get() == self.inlet.published && self.inlet.time_ns >= self.shared.next_due.get()
    }

    /// Time until something is due; none when that is past and the engine is at it.
    fn until_due(&mut self) -> Option<Duration> {
        let due = self.shared.next_due.get().min(self.inlet.next_roll_ns);
        due.checked_sub(self.inlet.clock.advance(Reading::now())).map(Duration::from_nanos)
    }

    /// At the end: no more input, a last barrier, and over once everything under way has been sent.
    fn wind_down(&mut self) {
        // Relaxed: a request that is seen soon.
        if self.shared.stop.load(Ordering::Relaxed) && !self.shared.input_closed.load(Ordering::Relaxed) {
            if !self.stopping {
                self.stopping = true;
                self.gateway.stop_input();
                self.desk.close();
            }
            if let Some(barrier) = self.barriers.last(self.inlet.published, &self.shared) {
                if !self.inlet.offer(&barrier) {
                    // No room yet: at the next turn.
                    return;
                }
                self.barriers.put(self.inlet.published);
            }
            self.inlet.announce();
            // Release: whoever sees it sees the last `published`.
            self.shared.input_closed.store(true, Ordering::Release);
        }
    }

    fn publish_counters(&self) {
        copy_counters(self.gateway.stats(), &self.shared.gateway);
        let (clock, counters) = (&self.inlet.clock, &self.shared.gateway);
        // Relaxed: figures for the admin thread.
        counters.clock_ahead_ns.store(clock.ahead_ns(), Ordering::Relaxed);
        counters.clock_steps.store(clock.steps(), Ordering::Relaxed);
    }
}

impl Stage for GatewayStage {
    fn poll(&mut self) -> Result<bool, StageError> {
        self.wind_down();
        let delivered = self.egress()?;
        self.gateway.flush(&mut self.inlet)?;
        self.note_answered();
        let worked = self.barriers.store(&mut self.gateway, &self.shared)? | self.turn(Duration::ZERO)?;
        if delivered || worked {
            self.publish_counters();
        }
        Ok(delivered || worked || self.gateway.has_ready())
    }

    fn wait(&mut self, timeout: Duration) -> Result<Waited, StageError> {
        let timeout = timeout.min(self.gateway.timer_step());
        let due = self.until_due();
        self.turn(due.map_or(timeout, |due| due.min(timeout)))?;
        self.publish_counters();
        Ok(Waited::Waited)
    }

    fn is_drained(&self) -> bool {
        self.shared.delivered.get() >= self.shared.published.get()
            && self.gateway.is_drained()
            && self.shared.stored.get() >= self.shared.barrier.get()
    }
}

fn deliver(
    gateway: &mut Gateway,
    desk: &mut Desk,
    shared: &Shared,
    slot: &OutputSlot,
) -> Result<(), StageError> {
    match slot.event.fact {
        Fact::Rejected { reason, .. } => shared.gateway.rejected.record(reason as u16),
        Fact::SessionBegan(session) => {
            gateway.roll(session)?;
            // Relaxed: a figure.
            shared.session.store(session, Ordering::Relaxed);
            info!(session, sequence = slot.sequence, "session rolled");
        }
        _ => {}
    }
    desk.note(slot);
    // Events of the venue itself are in no stream.
    if slot.event.login != LoginId::VENUE {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::{INPUT_SLOTS, InputPoller, input_ring};
    use ringside_domain::{AccountQuery, Cancel};

    fn inlet() -> (Inlet, [InputPoller; 2]) {
        let (producer, journal, engine) = input_ring();
        let clock = VenueClock::new(0, Reading::now());
        (Inlet::new(producer, Arc::new(Shared::new(0)), clock, Vec::new()), [journal, engine])
    }

    fn ordinary() -> Command {
        Command { login: LoginId(1), action: Action::AccountQuery(AccountQuery { user_ref_idx: 0 }) }
    }

    fn cancel() -> Command {
        let cancel = Cancel { user_ref_num: 1, quantity: 0, user_ref_idx: 0 };
        Command { login: LoginId(2), action: Action::Cancel(cancel) }
    }

    fn offer(inlet: &mut Inlet, command: &Command) -> usize {
        (0..).take_while(|_| inlet.offer(command)).count()
    }

    fn take(pollers: &mut [InputPoller], count: u64) {
        for poller in pollers {
            drop(poller.take(count).expect("there is something"));
        }
    }

    #[test]
    fn the_last_slots_are_for_cancels_and_what_the_venue_says_itself() {
        let (mut inlet, mut readers) = inlet();
        assert_eq!(offer(&mut inlet, &ordinary()), INPUT_SLOTS - RESERVED_SLOTS);
        assert!(inlet.offer(&Command { login: LoginId::VENUE, action: Action::Tick }));
        assert!(inlet.offer(&Command { login: LoginId(1), action: Action::Disconnect }));
        assert_eq!(offer(&mut inlet, &cancel()), RESERVED_SLOTS - 2);
        assert!(!inlet.offer(&cancel()), "a full ring is full for everybody");
        assert_eq!(inlet.published(), INPUT_SLOTS as u64, "what was refused has no sequence");
        // The reserve is filled up first.
        take(&mut readers, RESERVED_SLOTS as u64);
        assert!(!inlet.offer(&ordinary()));
        take(&mut readers, 10);
        assert_eq!(offer(&mut inlet, &ordinary()), 10);
        assert_eq!(offer(&mut inlet, &cancel()), RESERVED_SLOTS);
    }

    #[test]
    fn a_slot_is_free_once_both_readers_have_left_it() {
        let (mut inlet, mut readers) = inlet();
        offer(&mut inlet, &cancel());
        take(&mut readers[..1], INPUT_SLOTS as u64);
        assert!(!inlet.offer(&cancel()), "the engine has not read it");
        take(&mut readers[1..], 1);
        assert_eq!(offer(&mut inlet, &cancel()), 1);
    }
}

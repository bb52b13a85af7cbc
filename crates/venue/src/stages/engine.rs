//! The engine on its thread: commands from the input ring, events to the output ring.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::Sender;
use disruptor::{MissingFreeSlots, Producer};
use ringside_domain::{Action, Event, Sequence, TimeNs};
use ringside_engine::{AHEAD, Engine, SOON};

use super::{Stage, StageError};
use crate::config::Apply;
use crate::ring::{
    CommandClock, ENGINE_BATCH, InputPoller, InputSlot, OUTPUT_SLOTS, OutputProducer, OutputSlot,
};
use crate::shared::Shared;
use crate::snapshots::Figures;
use crate::threads::ThreadBell;

/// The stage.
pub struct EngineStage {
    engine: Engine,
    input: InputPoller,
    output: OutputProducer,
    apply: Apply,
    shared: Arc<Shared>,
    sequence: Sequence,
    clock: CommandClock,
    /// Events that the output ring had no room for yet, from `sent` on: fewer than the ring has slots, and what one more
    /// command causes, which may be any number.
    pending: Vec<OutputSlot>,
    sent: usize,
    /// The gateways'.
    egress: Vec<Arc<ThreadBell>>,
    /// Who is told of barriers.
    barriers: Option<Sender<Figures>>,
}

impl EngineStage {
    /// A stage that continues where `engine` stands after `sequence`, at `time_ns`: the same that the journal
    /// stage was given, or their clocks would differ.
    pub fn new(
        engine: Engine,
        input: InputPoller,
        output: OutputProducer,
        apply: Apply,
        shared: Arc<Shared>,
        (sequence, time_ns): (Sequence, TimeNs),
        egress: Vec<Arc<ThreadBell>>,
    ) -> Self {
        let clock = CommandClock::new(time_ns);
        let pending = Vec::with_capacity(OUTPUT_SLOTS);
        let (sent, barriers) = (0, None);
        let stage = EngineStage {
            engine,
            input,
            output,
            apply,
            shared,
            sequence,
            clock,
            pending,
            sent,
            egress,
            barriers,
        };
        stage.report_figures();
        stage
    }

    /// Tells of barriers, and of what was counted at them.
    pub fn with_barriers(self, barriers: Sender<Figures>) -> Self {
        EngineStage { barriers: Some(barriers), ..self }
    }

    /// The engine, for comparison after a run.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Carries out what is there, until a ring's worth of events waits.
    fn apply_batch(&mut self) -> bool {
        let limit = match self.apply {
            Apply::Ahead => ENGINE_BATCH,
            Apply::AfterDurable => ENGINE_BATCH.min(self.shared.released.get() - self.sequence),
        };
        if limit == 0 {
            return false;
        }
        let Some(mut guard) = self.input.take(limit) else { return false };
        let mut coming = guard.slots();
        // The next few commands are announced before their turn, so that the memory they look at is on its way.
        let ahead = self.engine.looks_ahead();
        let mut announced: [Option<&InputSlot>; AHEAD] = [None; AHEAD];
        for place in &mut announced {
            *place = coming.next();
            place.filter(|_| ahead).inspect(|slot| self.engine.expect(&slot.command));
        }
        let timing = &self.shared.timing;
        let (before, batch_begun) = (self.sequence, timing.begin_batch());
        let mut next_timed = timing.next_sample(before);
        let mut turn = 0;
        let mut done = 0;
        while let Some(slot) = announced[turn] {
            if self.pending.len() >= OUTPUT_SLOTS {
                break;
            }
            done += 1;
            announced[turn] = coming.next();
            if ahead {
                announced[turn].inspect(|slot| self.engine.expect(&slot.command));
                announced[(turn + SOON) % AHEAD].inspect(|slot| self.engine.expect_soon(&slot.command));
            }
            turn = (turn + 1) % AHEAD;
            self.sequence += 1;
            let (sequence, time_ns) = (self.sequence, self.clock.next(slot.time_ns));
            let pending = &mut self.pending;
            let mut listener = |event: Event| pending.push(OutputSlot { sequence, time_ns, event });
            let begun = if sequence == next_timed { timing.now() } else { 0 };
            self.engine.apply(time_ns, &slot.command, &mut listener);
            if begun != 0 {
                timing.applied(sequence, begun);
                next_timed = timing.next_sample(sequence);
            }
            match slot.command.action {
                Action::Snapshot => {
                    pass_barrier(&self.engine, sequence, self.barriers.as_ref(), &self.shared);
                }
                Action::SetLimits(_) | Action::ChangeLogin(_) => self.shared.rates.tell(&self.engine),
                _ => {}
            }
        }
        timing.applied_batch((before, self.sequence), batch_begun);
        if announced[turn].is_none() {
            // All were carried out.
            drop(guard);
        } else {
            // A guard releases all its slots, carried out or not. Forgotten it releases none, and another one takes just as
            // many as are done.
            std::mem::forget(guard);
            drop(self.input.take(done));
        }
        true
    }

    /// Moves pending events into the output ring as far as there is room. True: all are in.
    fn publish(&mut self) -> bool {
        while self.sent < self.pending.len() {
            let wanted = (self.pending.len() - self.sent).min(OUTPUT_SLOTS / 2);
            let count = match self.try_publish(wanted) {
                Ok(()) => wanted,
                Err(MissingFreeSlots(missing)) => {
                    let room = wanted.saturating_sub(missing as usize);
                    if room == 0 || self.try_publish(room).is_err() {
                        return false;
                    }
                    room
                }
            };
            self.sent += count;
        }
        self.pending.clear();
        self.sent = 0;
        true
    }

    fn try_publish(&mut self, count: usize) -> Result<(), MissingFreeSlots> {
        let events = &self.pending[self.sent..self.sent + count];
        let published = self.output.try_batch_publish(count, |slots| {
            for (slot, event) in slots.zip(events) {
                *slot = *event;
            }
        });
        published.map(|_| ())
    }

    fn report(&self) {
        self.report_figures();
        self.shared.applied.advance(self.sequence);
        self.ring_egress();
    }

    fn ring_egress(&self) {
        self.egress.iter().for_each(|bell| bell.ring());
    }

    fn report_figures(&self) {
        // Relaxed: figures for the admin thread.
        self.shared.next_due.set(self.engine.next_due());
        self.shared.trades.store(self.engine.counters().trades, Ordering::Relaxed);
        self.shared.live_orders.store(self.engine.live_orders().into(), Ordering::Relaxed);
    }
}

/// All that a snapshot costs this stage: a few numbers for another thread. With no room among those that wait, a newer
/// barrier stands for this one.
#[cold]
fn pass_barrier(engine: &Engine, sequence: Sequence, barriers: Option<&Sender<Figures>>, shared: &Shared) {
    let begin = thread_cpu_ns();
    shared.barrier.advance(sequence);
    if let Some(barriers) = barriers {
        let _ = barriers.try_send(Figures::of(engine, sequence));
    }
    // Relaxed: a figure with one writer.
    shared.snapshots.engine_ns_max.fetch_max(thread_cpu_ns() - begin, Ordering::Relaxed);
}

/// CPU time of this thread so far: what a stalled host takes away does not count.
fn thread_cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    // Not negative, and far from overflowing: time since the thread began.
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

impl Stage for EngineStage {
    fn poll(&mut self) -> Result<bool, StageError> {
        let (had_pending, sent) = (!self.pending.is_empty(), self.sent);
        if !self.publish() {
            self.ring_egress();
            return Ok(self.sent > sent);
        }
        let applied = self.apply_batch();
        if !applied && !had_pending {
            return Ok(false);
        }
        if self.publish() {
            self.report();
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use ringside_domain::{
        Action, Command, Enter, Firm, InstrumentId, InstrumentTerms, LoginId, LoginTerms, MassCancel,
        OrderOptions, Symbol, Username,
    };
    use ringside_engine::Limits;

    use super::*;
    use crate::ring::{INPUT_SLOTS, InputProducer, OutputPoller, input_ring, output_ring};
    use crate::threads::bell;

    const GROUPS: u16 = ENGINE_BATCH as u16;
    const ORDERS_OF_A_GROUP: u32 = 100;
    /// What one mass cancel tells: itself, and of each order to its owner and to the public.
    const EVENTS_OF_A_MASS_CANCEL: usize = 1 + 2 * ORDERS_OF_A_GROUP as usize;

    fn order(user_ref_num: u32, group: u16) -> Command {
        let options = OrderOptions { group_id: group, ..OrderOptions::default() };
        let enter = Enter {
            user_ref_num,
            quantity: 1,
            price: 10_000,
            symbol: Symbol::BLANK,
            client_order_id: Default::default(),
            side: b'B',
            time_in_force: b'0',
            display: b'Y',
            capacity: b'P',
            intermarket_sweep: b'N',
            cross_type: b'N',
            options,
        };
        Command { login: LoginId(1), action: Action::Enter(enter) }
    }

    fn mass_cancel(user_ref_num: u32, group: u16) -> Command {
        let request = MassCancel {
            user_ref_num,
            firm: Firm::BLANK,
            symbol: Symbol::BLANK,
            side: 0,
            group_id: Some(group),
            user_ref_idx: None,
        };
        Command { login: LoginId(1), action: Action::MassCancel(request) }
    }

    /// Many orders in many groups, then a mass cancel for each group.
    fn commands() -> (Vec<Command>, Vec<Command>) {
        let terms = InstrumentTerms::plain(InstrumentId(1), Symbol::BLANK, 1, 1);
        let login = LoginTerms::plain(LoginId(1), Username::BLANK, Firm::BLANK);
        let actions = [Action::AddInstrument(terms), Action::AddLogin(login)];
        let mut first: Vec<Command> = actions.map(|action| Command { login: LoginId::VENUE, action }).into();
        let groups = (0..GROUPS).flat_map(|group| (0..ORDERS_OF_A_GROUP).map(move |_| group));
        first.extend(groups.zip(1..).map(|(group, n)| order(n, group)));
        let next = first.len() as u32;
        let cancels = (0..GROUPS).map(|group| mass_cancel(next + u32::from(group), group));
        (first, cancels.collect())
    }

    struct Desk {
        producer: InputProducer,
        journal: InputPoller,
        stage: EngineStage,
        output: OutputPoller,
        told: Vec<(Sequence, Event)>,
    }

    impl Desk {
        fn new() -> Self {
            let (producer, journal, engine_input) = input_ring();
            let (events, output) = output_ring();
            let engine = Engine::new(Limits { orders_max: 50_000 });
            let shared = Arc::new(Shared::new(0));
            let stage =
                EngineStage::new(engine, engine_input, events, Apply::Ahead, shared, (0, 0), vec![bell()]);
            Desk { producer, journal, stage, output, told: Vec::new() }
        }

        fn publish(&mut self, commands: &[Command]) {
            for command in commands {
                let slot = InputSlot { time_ns: 1, command: *command };
                drop(self.journal.take(INPUT_SLOTS as u64));
                self.producer.try_publish(slot).expect("there is room");
            }
        }

        fn deliver(&mut self) {
            let Ok(mut guard) = self.output.take(OUTPUT_SLOTS as u64) else { return };
            self.told.extend((&mut guard).map(|slot| (slot.sequence, slot.event)));
        }

        fn work(&mut self) {
            while self.stage.poll().expect("the engine never fails") {
                self.deliver();
            }
            self.deliver();
        }
    }

    #[test]
    fn what_waits_for_the_output_ring_is_bounded_by_it() {
        let (first, cancels) = commands();
        let mut desk = Desk::new();
        for commands in first.chunks(1_000) {
            desk.publish(commands);
            desk.work();
        }
        desk.publish(&cancels);
        let mut longest = 0;
        while desk.stage.poll().expect("the engine never fails") {
            longest = longest.max(desk.stage.pending.len());
            desk.deliver();
        }
        desk.deliver();
        assert!(longest < OUTPUT_SLOTS + EVENTS_OF_A_MASS_CANCEL, "{longest} events waited");

        let mut engine = Engine::new(Limits { orders_max: 50_000 });
        let mut told = Vec::new();
        for (command, sequence) in first.iter().chain(&cancels).zip(1..) {
            engine.apply(1, command, &mut |event: Event| told.push((sequence, event)));
        }
        assert!(desk.told == told, "nothing is told twice, left out, or under another sequence");
        assert_eq!(desk.stage.engine().state_hash(), engine.state_hash());
    }
}

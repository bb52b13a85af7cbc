//! The way into the input ring: stamps, budgets, the reserve, and who may roll the session.

use std::sync::Arc;

use ringside_domain::{Action, Command, LoginId, Sequence, TimeNs};
use ringside_gateway::CommandSink;

use crate::budget::Budgets;
use crate::clock::{Reading, VenueClock};
use crate::ring::{InputProducer, InputSlot, RESERVED_SLOTS, takes_reserve};
use crate::roll::RollAt;
use crate::shared::Shared;
use crate::stages::barriers::BARRIER;
use crate::threads::ThreadBell;

/// The way into the input ring.
pub struct Inlet {
    producer: InputProducer,
    /// So many slots were free when that was last looked at, less those used since: no more than are free, if nobody else
    /// writes.
    room: usize,
    budgets: Budgets,
    shared: Arc<Shared>,
    /// Sequence before the ring's first command.
    base: Sequence,
    /// Sequence of the last command that came this way, and of the last one of them that the consumers were told of.
    last: Sequence,
    announced: Sequence,
    clock: VenueClock,
    /// Stamp of the commands of this turn.
    time_ns: TimeNs,
    roll_at: Option<RollAt>,
    /// Rolls that came this way, and how many of them the gateway was not told of.
    rolls: u64,
    untold_rolls: u32,
    /// The same moment as [`crate::timing`] tells it.
    turn_began: u64,
    /// When the connection whose commands come now was read.
    read: u64,
    /// The next command whose way is timed, if it comes this way.
    next_timed: Sequence,
    /// Who waits for commands.
    consumers: Vec<Arc<ThreadBell>>,
    /// Of gateways that have to agree with this one on rolls.
    others: Vec<Arc<ThreadBell>>,
}

impl Inlet {
    /// Continues after the sequence that `shared` knows, with stamps of this clock.
    pub fn new(
        producer: InputProducer,
        shared: Arc<Shared>,
        clock: VenueClock,
        consumers: Vec<Arc<ThreadBell>>,
    ) -> Self {
        let base = shared.published.get();
        let next_timed = shared.timing.next_sample(base);
        let budgets = Budgets::new(&shared.rates);
        Inlet {
            producer,
            room: 0,
            budgets,
            shared,
            base,
            last: base,
            announced: base,
            time_ns: clock.now_ns(),
            clock,
            roll_at: None,
            rolls: 0,
            untold_rolls: 0,
            turn_began: 0,
            read: 0,
            next_timed,
            consumers,
            others: Vec::new(),
        }
    }

    /// Gateways that have to agree with this one on rolls: all others for the first one, the first one for all others.
    pub fn beside(self, others: &[Arc<ThreadBell>]) -> Self {
        Inlet { others: others.to_vec(), ..self }
    }

    /// Rolls the session, every day at this time where there is one. Only the first gateway's inlet does, once the others hear
    /// nobody.
    pub fn rolling_at(self, roll_at: Option<RollAt>) -> Self {
        self.shared.next_roll.set(roll_at.map(|at| at.after(self.clock.now_ns())));
        Inlet { roll_at, ..self }
    }

    /// What this gateway has to say about rolls has changed.
    pub(super) fn ring_others(&self) {
        self.others.iter().for_each(|bell| bell.ring());
    }

    /// Hands a roll over, with a barrier before it: a snapshot of the state from which the new session can be told from
    /// its first message on. `false`: another gateway hears clients still, or there is no room for both.
    pub fn roll(&mut self) -> bool {
        // Both or none: a barrier that is stamped with the time of a roll that never came would look like its predecessor's.
        if !self.is_alone() || self.producer.free_slots() < 2 {
            return false;
        }
        self.time_ns = self.clock.now_ns();
        let roll = Command { login: LoginId::VENUE, action: Action::RollSession };
        let rolled = self.offer(&BARRIER) && self.offer(&roll);
        assert!(rolled, "Invariant: nobody else uses free slots up during a silence");
        (self.rolls, self.untold_rolls) = (self.rolls + 1, self.untold_rolls + 1);
        self.shared.next_roll.set(self.roll_at.map(|at| at.after(self.time_ns)));
        true
    }

    /// True when no other gateway puts anything into the ring before the next roll is delivered. Asks for that.
    fn is_alone(&self) -> bool {
        let next = self.rolls + 1;
        if self.shared.silence.want(next) {
            self.ring_others();
        }
        self.shared.silence.is_kept(next)
    }

    /// The time of a roll has come. Commands are stamped with the last moment before it until it is in the ring.
    pub(super) fn is_roll_due(&self) -> bool {
        self.clock.now_ns() >= self.shared.next_roll.get()
    }

    /// Rolls since the last call.
    pub(super) fn take_rolls(&mut self) -> u32 {
        std::mem::take(&mut self.untold_rolls)
    }

    /// Sequence of the last command that came this way.
    pub fn last(&self) -> Sequence {
        self.last
    }

    /// Sequence of the last command in the ring: this way's, announced or not, or another gateway's that is announced.
    pub fn published(&self) -> Sequence {
        self.last.max(self.shared.published.get())
    }

    /// A slot is free that this kind of command may take. With other writers that is true of the moment: the reserve may be
    /// smaller by one for each of them.
    #[inline]
    fn has_room(&mut self, action: &Action) -> bool {
        let kept = if takes_reserve(action) { 0 } else { RESERVED_SLOTS };
        if self.room <= kept || self.producer.is_shared() {
            self.room = self.producer.free_slots();
        }
        self.room > kept
    }

    /// Stamp of this turn.
    pub(super) fn time_ns(&self) -> TimeNs {
        self.time_ns
    }

    /// The venue's clock at a moment of [`crate::timing`], without reading a clock.
    pub(super) fn venue_time(&self, now: u64) -> TimeNs {
        self.time_ns + now.saturating_sub(self.turn_began)
    }

    /// The clock of the stamps.
    pub(super) fn clock(&mut self) -> &mut VenueClock {
        &mut self.clock
    }

    /// Tells the consumers what was published since the last call. True: there was something.
    pub fn announce(&mut self) -> bool {
        // Another gateway's newer command is no announcement of this one: a consumer that was woken for that one has found a hole
        // where this one was not written yet, and has gone back to sleep.
        if self.announced == self.last {
            return false;
        }
        self.announced = self.last;
        self.shared.published.raise(self.last);
        self.consumers.iter().for_each(|bell| bell.ring());
        true
    }

    #[cold]
    fn time_command(&mut self) {
        let timing = &self.shared.timing;
        if timing.next_sample(self.last - 1) == self.last {
            timing.entered(self.last, self.read);
        }
        self.next_timed = timing.next_sample(self.last);
    }
}

impl CommandSink for Inlet {
    fn begin_turn(&mut self) {
        let before_roll = self.shared.next_roll.get() - 1;
        self.time_ns = self.clock.advance(Reading::now()).min(before_roll);
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
        let Some(number) = self.producer.try_publish(slot) else {
            assert!(self.producer.is_shared(), "Invariant: nobody but this producer uses free slots up");
            return false;
        };
        self.room -= 1;
        self.last = self.base + number;
        self.budgets.spend(command.login);
        if self.last >= self.next_timed {
            self.time_command();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::{INPUT_SLOTS, InputPoller, input_ring, input_ring_of};
    use crate::stall::SyncWatch;
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

    /// Two ways into one ring.
    fn inlets() -> ([Inlet; 2], [InputPoller; 2]) {
        let (producers, journal, engine) = input_ring_of(2);
        let shared = Arc::new(Shared::watched(0, SyncWatch::default(), 2));
        let clock = VenueClock::new(0, Reading::now());
        let inlet = |producer| Inlet::new(producer, shared.clone(), clock, Vec::new());
        let inlets: Vec<Inlet> = producers.into_iter().map(inlet).collect();
        (inlets.try_into().ok().expect("there are two"), [journal, engine])
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
        assert_eq!(inlet.last(), INPUT_SLOTS as u64, "what was refused has no sequence");
        // The reserve is filled up first.
        take(&mut readers, RESERVED_SLOTS as u64);
        assert!(!inlet.offer(&ordinary()));
        take(&mut readers, 10);
        assert_eq!(offer(&mut inlet, &ordinary()), 10);
        assert_eq!(offer(&mut inlet, &cancel()), RESERVED_SLOTS);
    }

    #[test]
    fn two_ways_share_one_numbering_and_one_reserve() {
        let ([mut first, mut second], mut readers) = inlets();
        assert!(first.offer(&ordinary()) && second.offer(&ordinary()) && first.offer(&cancel()));
        assert_eq!((first.last(), second.last()), (3, 2));
        assert_eq!((first.published(), second.published()), (3, 2), "nothing is announced");
        assert!(second.announce() && first.announce());
        assert_eq!((second.published(), second.announce()), (3, false));
        offer(&mut first, &ordinary());
        assert_eq!(first.last(), (INPUT_SLOTS - RESERVED_SLOTS) as u64);
        assert!(!second.offer(&ordinary()), "what one has used up the other cannot have");
        assert_eq!(offer(&mut second, &cancel()), RESERVED_SLOTS);
        assert!(!first.offer(&cancel()));
        take(&mut readers, INPUT_SLOTS as u64);
        assert!(first.offer(&ordinary()));
        assert_eq!(first.last(), INPUT_SLOTS as u64 + 1);
    }

    /// A bell, and the poll that it wakes.
    fn alarm() -> (Arc<ThreadBell>, mio::Poll) {
        let (bell, poll) = (crate::threads::bell(), mio::Poll::new().unwrap());
        crate::threads::wakes_poll(&bell, Arc::new(mio::Waker::new(poll.registry(), mio::Token(0)).unwrap()));
        (bell, poll)
    }

    fn was_woken(poll: &mut mio::Poll) -> bool {
        let mut events = mio::Events::with_capacity(4);
        poll.poll(&mut events, Some(std::time::Duration::ZERO)).unwrap();
        !events.is_empty()
    }

    #[test]
    fn a_consumer_that_saw_a_hole_is_woken_when_the_hole_is_filled() {
        let ([mut first, mut second], [mut journal, _engine]) = inlets();
        let (bell, mut poll) = alarm();
        (first.consumers, second.consumers) = (vec![bell.clone()], vec![bell.clone()]);
        bell.arm();
        let InputProducer::Shared(producer) = &mut second.producer else { panic!("there are two") };
        let number = disruptor::Producer::try_publish(producer, |_| {
            // Sequence 1 is claimed, and not written yet.
            assert!(first.offer(&ordinary()) && first.announce());
            assert!(was_woken(&mut poll) && journal.take(10).is_none());
            bell.arm();
        })
        .unwrap();
        second.last = second.base + number as u64 + 1;
        assert!(second.announce() && was_woken(&mut poll), "nobody else says that both are there");
        assert!(!second.announce());
        drop(journal.take(10).expect("both commands"));
    }

    #[test]
    fn a_roll_needs_room_for_its_barrier_as_well() {
        let (mut inlet, mut readers) = inlet();
        offer(&mut inlet, &cancel());
        for free in [0, 1] {
            let last = inlet.last();
            assert!(!inlet.roll() && inlet.last() == last, "{free} slots are free");
            take(&mut readers, 1);
        }
        assert!(inlet.roll());
    }

    #[test]
    fn a_roll_waits_until_no_other_gateway_hears_a_client() {
        let ([first, mut second], mut readers) = inlets();
        let shared = first.shared.clone();
        let mut first = first.rolling_at(None);
        assert!(second.offer(&ordinary()));
        assert!(!first.roll() && !first.roll());
        assert_eq!((first.last(), shared.silence.due(1)), (0, 1), "asked once, nothing is in the ring");
        shared.silence.keep(1, 1);
        assert!(first.roll());
        assert_eq!((first.last(), first.take_rolls()), (3, 1), "behind all that the other one put there");
        assert!(!first.roll(), "the next roll is another matter");
        take(&mut readers, 3);
    }

    #[test]
    fn nobody_stamps_with_the_time_of_a_roll_that_is_not_in_the_ring() {
        let ([first, mut second], mut readers) = inlets();
        let shared = first.shared.clone();
        let _first = first.rolling_at(None);
        shared.next_roll.set(Some(1_000));
        second.begin_turn();
        assert!(second.offer(&ordinary()));
        let mut taken = readers[0].take(1).expect("there is something");
        assert_eq!(taken.slots().next().map(|slot| slot.time_ns), Some(999));
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

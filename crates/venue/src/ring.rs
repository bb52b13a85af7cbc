//! The two rings and what is in their slots.

use disruptor::{
    BusySpin, EventGuard, EventPoller, MissingFreeSlots, MultiConsumerBarrier, MultiProducer,
    MultiProducerBarrier, Producer, SingleProducer, SingleProducerBarrier, build_multi_producer,
    build_single_producer,
};
use ringside_domain::{AccountQuery, Action, Command, Event, Fact, LoginId, Sequence, TimeNs};
use ringside_gateway::limits::TURN_COMMANDS;

/// Slots of the input ring. 4,096 × 128 B = 512 KiB: with the journal's and the engine's own data inside L2.
pub const INPUT_SLOTS: usize = 4_096;
/// Slots of the output ring. A command causes fewer than two events on average.
pub const OUTPUT_SLOTS: usize = 8_192;
/// Commands the journal takes at once: a quarter of the ring stays free for producers during a sync.
pub const JOURNAL_BATCH: u64 = 3_072;
/// Commands the engine takes at once.
pub const ENGINE_BATCH: u64 = 256;

/// The last free slots of the input ring, which new orders never take ([`takes_reserve`]): a whole turn of one connection's
/// cancels finds room when orders find none.
pub const RESERVED_SLOTS: usize = TURN_COMMANDS as usize;

/// A command on its way in.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct InputSlot {
    /// Unix time at the gateway, not yet made monotonic.
    pub time_ns: TimeNs,
    /// The command.
    pub command: Command,
}

/// An event on its way out.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct OutputSlot {
    /// The command that caused it.
    pub sequence: Sequence,
    /// Journaled time of that command.
    pub time_ns: TimeNs,
    /// The event.
    pub event: Event,
}

const _: () = assert!(size_of::<InputSlot>() == 128, "one slot, two cache lines");
const _: () = assert!(size_of::<OutputSlot>() == 128, "one slot, two cache lines");
const _: () = assert!(JOURNAL_BATCH < INPUT_SLOTS as u64, "producers run during a sync");
const _: () = assert!(
    JOURNAL_BATCH as usize + RESERVED_SLOTS < INPUT_SLOTS,
    "new orders find room during a sync, beside the reserve"
);
const _: () = assert!(ENGINE_BATCH < JOURNAL_BATCH, "the engine gives the egress a turn more often");

impl Default for InputSlot {
    fn default() -> Self {
        let action = Action::AccountQuery(AccountQuery { user_ref_idx: 0 });
        InputSlot { time_ns: 0, command: Command { login: LoginId::VENUE, action } }
    }
}

impl Default for OutputSlot {
    fn default() -> Self {
        let fact = Fact::NextUserRefNum { user_ref_num: 0 };
        OutputSlot { sequence: 0, time_ns: 0, event: Event { login: LoginId::VENUE, user_ref_idx: 0, fact } }
    }
}

/// Writes commands. Several gateways share the ring, each with a writer of its own; one alone needs no locked instruction.
pub enum InputProducer {
    /// The only one.
    Only(SingleProducer<InputSlot, MultiConsumerBarrier>),
    /// One of several.
    Shared(MultiProducer<InputSlot, MultiConsumerBarrier>),
}

/// Reads commands.
pub enum InputPoller {
    /// Of one producer.
    Only(EventPoller<InputSlot, SingleProducerBarrier>),
    /// Of several.
    Shared(EventPoller<InputSlot, MultiProducerBarrier>),
}

/// Commands that were taken; their slots are free once this is dropped.
pub enum InputGuard<'a> {
    /// Of one producer.
    Only(EventGuard<'a, InputSlot, SingleProducerBarrier>),
    /// Of several.
    Shared(EventGuard<'a, InputSlot, MultiProducerBarrier>),
}

/// The commands of a guard, in order.
pub enum InputSlots<'g, 'a> {
    /// Of one producer.
    Only(&'g mut EventGuard<'a, InputSlot, SingleProducerBarrier>),
    /// Of several.
    Shared(&'g mut EventGuard<'a, InputSlot, MultiProducerBarrier>),
}

/// Writes events.
pub type OutputProducer = SingleProducer<OutputSlot, MultiConsumerBarrier>;
/// Reads events.
pub type OutputPoller = EventPoller<OutputSlot, SingleProducerBarrier>;

/// The input ring of one producer; journal and engine read it independently of each other.
pub fn input_ring() -> (InputProducer, InputPoller, InputPoller) {
    let builder = build_single_producer(INPUT_SLOTS, InputSlot::default, BusySpin);
    let (journal, builder) = builder.new_event_poller();
    let (engine, builder) = builder.new_event_poller();
    let producer = InputProducer::Only(builder.build());
    (producer, InputPoller::Only(journal), InputPoller::Only(engine))
}

/// The same for so many producers: one alone gets a ring of its own kind.
pub fn input_ring_of(producers: usize) -> (Vec<InputProducer>, InputPoller, InputPoller) {
    assert!(producers > 0, "Invariant: somebody writes");
    if producers == 1 {
        let (producer, journal, engine) = input_ring();
        return (vec![producer], journal, engine);
    }
    let builder = build_multi_producer(INPUT_SLOTS, InputSlot::default, BusySpin);
    let (journal, builder) = builder.new_event_poller();
    let (engine, builder) = builder.new_event_poller();
    let first = builder.build();
    let mut all: Vec<_> = (1..producers).map(|_| InputProducer::Shared(first.clone())).collect();
    all.push(InputProducer::Shared(first));
    (all, InputPoller::Shared(journal), InputPoller::Shared(engine))
}

impl InputProducer {
    /// Slots of the input ring that are free now. More may become free at any time, fewer only by publishing.
    pub fn free_slots(&mut self) -> usize {
        // More than there can ever be: nothing is published, and the refusal tells what there is.
        const TOO_MANY: usize = INPUT_SLOTS + 1;
        let refused = match self {
            InputProducer::Only(producer) => producer.try_batch_publish(TOO_MANY, |_| ()),
            InputProducer::Shared(producer) => producer.try_batch_publish(TOO_MANY, |_| ()),
        };
        match refused {
            // Cannot be less than 0: at most all slots and one more are missing.
            Err(MissingFreeSlots(missing)) => TOO_MANY - missing as usize,
            Ok(_) => unreachable!("a ring has no more slots than it has"),
        }
    }

    /// Puts a command into the ring: its number since the ring was made, from 1 on. `None`: no slot is free.
    #[inline]
    pub fn try_publish(&mut self, slot: InputSlot) -> Option<u64> {
        // The closures only copy: a panic inside one would leave a hole in the ring.
        let published = match self {
            InputProducer::Only(producer) => producer.try_publish(|place| *place = slot),
            InputProducer::Shared(producer) => producer.try_publish(|place| *place = slot),
        };
        // Not negative: the ring counts from 0.
        published.ok().map(|sequence| sequence as u64 + 1)
    }

    /// Others write, too: what was free a moment ago need not be any more.
    pub const fn is_shared(&self) -> bool {
        matches!(self, InputProducer::Shared(_))
    }
}

impl InputPoller {
    /// What is there, at most so much. `None`: nothing, now or for ever.
    #[inline]
    pub fn take(&mut self, limit: u64) -> Option<InputGuard<'_>> {
        match self {
            InputPoller::Only(poller) => poller.take(limit).ok().map(InputGuard::Only),
            InputPoller::Shared(poller) => poller.take(limit).ok().map(InputGuard::Shared),
        }
    }
}

impl<'a> InputGuard<'a> {
    /// The commands.
    #[inline]
    pub fn slots(&mut self) -> InputSlots<'_, 'a> {
        match self {
            InputGuard::Only(guard) => InputSlots::Only(guard),
            InputGuard::Shared(guard) => InputSlots::Shared(guard),
        }
    }
}

impl<'g> Iterator for InputSlots<'g, '_> {
    type Item = &'g InputSlot;

    #[inline]
    fn next(&mut self) -> Option<&'g InputSlot> {
        match self {
            InputSlots::Only(slots) => slots.next(),
            InputSlots::Shared(slots) => slots.next(),
        }
    }
}

/// Whether a command may take one of the [`RESERVED_SLOTS`]: whatever lowers risk or is the venue's own. Connects are among
/// them because a disconnect may wait behind one.
pub const fn takes_reserve(action: &Action) -> bool {
    !matches!(
        action,
        Action::Enter(_)
            | Action::Replace(_)
            | Action::Modify(_)
            | Action::EnableEntry(_)
            | Action::AccountQuery(_)
    )
}

/// The output ring: the engine writes, one reads.
pub fn output_ring() -> (OutputProducer, OutputPoller) {
    let (producer, mut readers) = output_ring_for(1);
    (producer, readers.remove(0))
}

/// The output ring of several readers, each of whom reads all of it.
pub fn output_ring_for(readers: usize) -> (OutputProducer, Vec<OutputPoller>) {
    assert!(readers > 0, "Invariant: somebody reads");
    let builder = build_single_producer(OUTPUT_SLOTS, OutputSlot::default, BusySpin);
    let (first, mut builder) = builder.with_multi_consumer().new_event_poller();
    let mut all = vec![first];
    while all.len() < readers {
        let (next, same) = builder.new_event_poller();
        all.push(next);
        builder = same;
    }
    (builder.build(), all)
}

/// Command time: the producer's stamp, held back from going backwards. Journal and engine compute it from the
/// same ordered slots, so they agree without telling each other.
#[derive(Clone, Copy, Debug)]
pub struct CommandClock {
    last_ns: TimeNs,
}

impl CommandClock {
    /// Continues after the last journaled time.
    pub const fn new(last_ns: TimeNs) -> Self {
        CommandClock { last_ns }
    }

    /// Time of the next command in the ring.
    #[inline]
    pub fn next(&mut self, stamp_ns: TimeNs) -> TimeNs {
        self.last_ns = self.last_ns.max(stamp_ns);
        self.last_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_time_never_goes_back() {
        let mut clock = CommandClock::new(100);
        assert_eq!([90, 110, 105, 111].map(|stamp| clock.next(stamp)), [100, 110, 110, 111]);
    }
}

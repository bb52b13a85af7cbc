//! Commands of the operator: from the admin thread to the gateway stage, their events back.
//!
//! The admin thread hands an order over and waits; the gateway stage never waits. It puts the command into the ring when
//! there is room, notes the released events of its sequence, and answers when all of them have passed, or when the
//! sequence has and there were none.

use std::collections::VecDeque;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use ringside_domain::{Action, Command, Event, Fact, LoginId, Sequence};
use ringside_gateway::CommandSink;
use tokio::sync::oneshot;

use crate::ring::OutputSlot;
use crate::stages::Inlet;

/// Orders that wait for the gateway stage.
const ORDERS_MAX: usize = 64;
/// Events in one answer. The rest is counted; the journal has them all.
pub const EVENTS_MAX: usize = 10_000;

/// A command and where its answer goes. Dropped unanswered when the venue stops.
#[derive(Debug)]
struct Order {
    action: Action,
    taken: oneshot::Sender<Sequence>,
    answer: oneshot::Sender<Answer>,
}

/// What a command caused, once it may be told.
#[derive(Debug)]
pub struct Answer {
    /// Of the command.
    pub sequence: Sequence,
    /// All its events, at most [`EVENTS_MAX`].
    pub events: Vec<Event>,
    /// Events beyond those.
    pub omitted: u64,
}

/// The operator's side of the desk.
#[derive(Debug)]
pub struct DeskClient {
    orders: Sender<Order>,
    /// Wakes the gateway stage out of its socket poll.
    waker: Arc<mio::Waker>,
}

/// Why an order was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotTaken {
    /// Too many wait already.
    Full,
    /// The venue stops.
    Stopping,
}

/// An order under way. Both end with an error when the venue stops first.
#[derive(Debug)]
pub struct UnderWay {
    /// Its sequence, once it is in the ring.
    pub taken: oneshot::Receiver<Sequence>,
    /// Its answer.
    pub answer: oneshot::Receiver<Answer>,
}

impl DeskClient {
    /// Hands an order over.
    pub fn order(&self, action: Action) -> Result<UnderWay, NotTaken> {
        let (taken, is_taken) = oneshot::channel();
        let (answer, answered) = oneshot::channel();
        self.orders.try_send(Order { action, taken, answer }).map_err(|error| match error {
            TrySendError::Full(_) => NotTaken::Full,
            TrySendError::Disconnected(_) => NotTaken::Stopping,
        })?;
        // An eventfd write; if it fails the order is found at the next timer.
        let _ = self.waker.wake();
        Ok(UnderWay { taken: is_taken, answer: answered })
    }
}

/// The gateway stage's side of the desk.
#[derive(Debug)]
pub struct Desk {
    orders: Receiver<Order>,
    /// Found no room in the ring.
    waiting: Option<Order>,
    /// In the ring or beyond, by sequence.
    open: VecDeque<(Answer, oneshot::Sender<Answer>)>,
}

/// A desk with its two sides. `waker` is the gateway's.
pub fn desk(waker: Arc<mio::Waker>) -> (DeskClient, Desk) {
    let (orders, queue) = bounded(ORDERS_MAX);
    let open = VecDeque::with_capacity(ORDERS_MAX);
    (DeskClient { orders, waker }, Desk { orders: queue, waiting: None, open })
}

impl Desk {
    /// Puts what waits into the ring, as far as there is room.
    pub fn submit(&mut self, inlet: &mut Inlet) {
        while let Some(order) = self.waiting.take().or_else(|| self.orders.try_recv().ok()) {
            let taken = match order.action {
                Action::RollSession => inlet.roll(),
                action => inlet.offer(&Command { login: LoginId::VENUE, action }),
            };
            if !taken {
                self.waiting = Some(order);
                return;
            }
            let sequence = inlet.last();
            // Whoever has stopped waiting does not mind.
            let _ = order.taken.send(sequence);
            self.open.push_back((Answer { sequence, events: Vec::new(), omitted: 0 }, order.answer));
        }
    }

    /// Notes a released event. Events come by sequence.
    #[inline]
    pub fn note(&mut self, slot: &OutputSlot) {
        if !self.open.is_empty() {
            self.note_open(slot);
        }
    }

    fn note_open(&mut self, slot: &OutputSlot) {
        self.settle(slot.sequence - 1);
        let Some((answer, _)) = self.open.front_mut().filter(|(answer, _)| answer.sequence == slot.sequence)
        else {
            return;
        };
        // A refusal comes last, and is the answer: it is never left out.
        if answer.events.len() < EVENTS_MAX || matches!(slot.event.fact, Fact::Refused(_)) {
            answer.events.push(slot.event);
        } else {
            answer.omitted += 1;
        }
    }

    /// Answers what is complete: all events up to `delivered` have been noted.
    #[inline]
    pub fn settle(&mut self, delivered: Sequence) {
        while self.open.front().is_some_and(|(answer, _)| answer.sequence <= delivered) {
            if let Some((answer, asked)) = self.open.pop_front() {
                // Whoever has stopped waiting does not mind.
                let _ = asked.send(answer);
            }
        }
    }

    /// No more orders: those that wait are dropped, which tells their senders.
    pub fn close(&mut self) {
        self.waiting = None;
        while self.orders.try_recv().is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Reading, VenueClock};
    use crate::ring::input_ring;
    use crate::shared::Shared;
    use ringside_domain::VenueRefusal;

    fn parts() -> (DeskClient, Desk, Inlet, mio::Poll) {
        let poll = mio::Poll::new().unwrap();
        let waker = Arc::new(mio::Waker::new(poll.registry(), mio::Token(0)).unwrap());
        let (client, desk) = desk(waker);
        let (producer, _, _) = input_ring();
        let clock = VenueClock::new(0, Reading::now());
        let inlet = Inlet::new(producer, Arc::new(Shared::new(41)), clock, Vec::new());
        (client, desk, inlet, poll)
    }

    fn slot(sequence: Sequence) -> OutputSlot {
        slot_with(sequence, Fact::NextUserRefNum { user_ref_num: 1 })
    }

    fn slot_with(sequence: Sequence, fact: Fact) -> OutputSlot {
        OutputSlot { sequence, time_ns: 1, event: Event { login: LoginId::VENUE, user_ref_idx: 0, fact } }
    }

    #[test]
    fn an_answer_has_the_events_of_its_command_and_no_others() {
        let (client, mut desk, mut inlet, _poll) = parts();
        let (mut first, mut second) =
            (client.order(Action::Tick).unwrap(), client.order(Action::EndOfDay).unwrap());
        desk.submit(&mut inlet);
        assert_eq!((first.taken.try_recv(), second.taken.try_recv()), (Ok(42), Ok(43)));
        [41, 42, 42].map(slot).iter().for_each(|slot| desk.note(slot));
        assert!(first.answer.try_recv().is_err(), "more events may come");
        desk.note(&slot(44));
        assert_eq!(first.answer.try_recv().unwrap().events.len(), 2);
        assert_eq!(second.answer.try_recv().unwrap().events.len(), 0);
    }

    #[test]
    fn a_command_without_events_is_answered_once_it_is_delivered() {
        let (client, mut desk, mut inlet, _poll) = parts();
        let mut order = client.order(Action::Tick).unwrap();
        desk.submit(&mut inlet);
        desk.settle(41);
        assert!(order.answer.try_recv().is_err());
        desk.settle(42);
        assert_eq!(order.answer.try_recv().unwrap().sequence, 42);
    }

    #[test]
    fn an_answer_is_bounded_and_says_so() {
        let (client, mut desk, mut inlet, _poll) = parts();
        let mut order = client.order(Action::EndOfDay).unwrap();
        desk.submit(&mut inlet);
        (0..EVENTS_MAX + 5).for_each(|_| desk.note(&slot(42)));
        // What was due comes first; the refusal of the command itself comes last, and is the answer.
        let refused = Fact::Refused(VenueRefusal::State);
        desk.note(&slot_with(42, refused));
        desk.settle(42);
        let answer = order.answer.try_recv().unwrap();
        assert_eq!((answer.events.len(), answer.omitted), (EVENTS_MAX + 1, 5));
        assert_eq!(answer.events.last().map(|event| event.fact), Some(refused));
    }

    #[test]
    fn a_stopping_venue_answers_by_hanging_up_and_a_full_desk_at_once() {
        let (client, mut desk, _inlet, _poll) = parts();
        let mut orders: Vec<_> = (0..ORDERS_MAX).map(|_| client.order(Action::Tick).unwrap()).collect();
        assert_eq!(client.order(Action::Tick).unwrap_err(), NotTaken::Full);
        desk.close();
        assert!(orders.iter_mut().all(|order| order.taken.try_recv().is_err()));
        drop(desk);
        assert_eq!(client.order(Action::Tick).unwrap_err(), NotTaken::Stopping);
    }
}

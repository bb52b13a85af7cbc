//! What happens by itself: calls, orders and patience end when journaled time has come.

use alloc::vec::Vec;

use ringside_book::Slot;
use ringside_domain::{CancelReason, TimeNs};

use crate::{Engine, Listener};

/// Something that is due, in the order in which it happens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Due {
    pub time_ns: TimeNs,
    pub what: What,
}

/// Calls end before orders do, and those before anybody's orders are cancelled for absence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum What {
    /// The call of an instrument, by id.
    CallEnds(u32),
    /// An order, by OrderRefNum.
    OrderEnds(u64),
    /// Somebody has stayed away too long: a login, by id.
    Absence(u32),
}

impl Engine {
    /// When something happens by itself; `None` = never.
    pub fn next_due(&self) -> Option<TimeNs> {
        (self.next_due_ns != TimeNs::MAX).then_some(self.next_due_ns)
    }

    /// Does everything that is due by now. Each is like a command of its own, but for the indicative prices of calls: a
    /// thousand orders that end at once change them once.
    #[cold]
    pub(crate) fn run_due(&mut self, out: &mut impl Listener) {
        let mut calls = Vec::new();
        while self.counters.time_ns >= self.next_due_ns {
            let (due, subject) = self.due.pop_first().expect("Invariant: next_due_ns is the first one's");
            self.note_next_due();
            self.command += 1;
            match due.what {
                What::CallEnds(_) => self.end_call(subject as usize, out),
                What::OrderEnds(_) => self.cancel_whole(subject, CancelReason::Timeout, out),
                What::Absence(_) => self.grace_is_over(subject as usize, out),
            }
            self.settle_due(&mut calls, out);
        }
        calls.into_iter().for_each(|index| self.touch(index as usize));
    }

    /// `subject`: the index of the instrument or login, or the order's slot.
    pub(crate) fn schedule(&mut self, time_ns: TimeNs, what: What, subject: u32) {
        self.due.insert(Due { time_ns, what }, subject);
        self.note_next_due();
    }

    pub(crate) fn unschedule(&mut self, time_ns: TimeNs, what: What) {
        self.due.remove(&Due { time_ns, what });
        self.note_next_due();
    }

    /// A slot to be cancelled, when an order ends by itself at all.
    pub(crate) fn schedule_order(&mut self, ends_at: TimeNs, order_ref: u64, slot: Slot) {
        if ends_at != 0 {
            self.schedule(ends_at, What::OrderEnds(order_ref), slot);
        }
    }

    fn note_next_due(&mut self) {
        self.next_due_ns = self.due.first_key_value().map_or(TimeNs::MAX, |(due, _)| due.time_ns);
    }
}

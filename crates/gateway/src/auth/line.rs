//! Who waits for a password check, first come first served, and who would wait in vain.
//!
//! A connection that is not let in within [`LOGIN_DEADLINE`] is closed. A check that would come after that is made for nobody,
//! and takes the time of those behind it: a thousand clients who come again every five seconds would keep each other out for
//! ever. So as many wait for a dear check as can be made in time, by what the last ones took. Cheap ones, of passwords in the
//! clear, take no time worth counting. Knows no clock: times are since any moment.

use std::collections::VecDeque;
use std::time::Duration;

use crate::limits::{LOGIN_DEADLINE, VERIFICATIONS_MAX};
use crate::origin::{Headcount, Origin};

/// Longest wait, the check itself included. The second that is left of the deadline is for a network that is slow.
const WAIT_MAX: Duration = LOGIN_DEADLINE.saturating_sub(Duration::from_secs(1));
/// A longer time counts one part in so many: a check that a busy machine held up does not send everybody away.
const PARTS_SLOWER: u32 = 16;
/// A shorter time one in so many: it was possible.
const PARTS_FASTER: u32 = 4;
/// Nor does one that was held up for a minute count for more than so many of the usual.
const HELD_UP_MAX: u32 = 4;

/// What a check costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cost {
    /// A comparison.
    Cheap,
    /// Milliseconds, by design.
    Dear,
}

#[derive(Debug)]
struct Waiting<T> {
    since: Duration,
    cost: Cost,
    from: Origin,
    one: T,
}

/// Who waits.
#[derive(Debug)]
pub(super) struct Line<T> {
    waiting: VecDeque<Waiting<T>>,
    /// Of those: for a dear check.
    dear: usize,
    /// Of those: from one address.
    by_origin: Headcount,
    /// What a dear check takes.
    check: Duration,
}

impl<T> Line<T> {
    /// Nobody waits, and a dear check takes so long.
    pub(super) fn new(check: Duration) -> Self {
        Line { waiting: VecDeque::new(), dear: 0, by_origin: Headcount::default(), check }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Somebody comes at `now`. When there are too many before it, it is back at once, or the last one of an address that has
    /// more than half of the line makes way for it: whoever it is that is returned is not checked.
    pub(super) fn join(&mut self, one: T, cost: Cost, from: Origin, now: Duration) -> Option<T> {
        let is_full = self.waiting.len() >= VERIFICATIONS_MAX;
        let is_full_of_dear = cost == Cost::Dear && self.dear >= self.room();
        let mut turned_away = None;
        if is_full || is_full_of_dear {
            match self.crowding(from, is_full_of_dear) {
                Some(at) => turned_away = self.remove(at),
                None => return Some(one),
            }
        }
        self.dear += usize::from(cost == Cost::Dear);
        self.by_origin.came(from);
        self.waiting.push_back(Waiting { since: now, cost, from, one });
        turned_away
    }

    /// The last one of another address that has more than half of the line to itself, and so more than who comes. `dear`: the last
    /// one that waits for a dear check, because another would make no room for one.
    fn crowding(&self, comer: Origin, dear: bool) -> Option<usize> {
        let most = self.by_origin.0.iter().find(|(_, count)| **count * 2 > self.waiting.len());
        let (crowd, _) = most.filter(|(origin, _)| **origin != comer)?;
        let makes_room = |waiting: &Waiting<T>| !dear || waiting.cost == Cost::Dear;
        self.waiting.iter().rposition(|waiting| waiting.from == *crowd && makes_room(waiting))
    }

    fn remove(&mut self, at: usize) -> Option<T> {
        let gone = self.waiting.remove(at)?;
        Some(self.note_gone(gone).one)
    }

    fn note_gone(&mut self, gone: Waiting<T>) -> Waiting<T> {
        self.dear -= usize::from(gone.cost == Cost::Dear);
        self.by_origin.went(gone.from);
        gone
    }

    /// Whose turn it is at `now`; the error has waited too long.
    pub(super) fn next(&mut self, now: Duration) -> Option<Result<T, T>> {
        let first = self.waiting.pop_front()?;
        let Waiting { since, one, .. } = self.note_gone(first);
        let is_late = now.saturating_sub(since) >= LOGIN_DEADLINE;
        Some(if is_late { Err(one) } else { Ok(one) })
    }

    /// The last one who would wait too long, now that checks take longer than when it came.
    pub(super) fn shed(&mut self) -> Option<T> {
        let is_dear = self.waiting.back().is_some_and(|last| last.cost == Cost::Dear);
        if !is_dear || self.dear <= self.room() {
            return None;
        }
        self.remove(self.waiting.len() - 1)
    }

    /// A check has taken so long.
    pub(super) fn checked(&mut self, cost: Cost, time: Duration) {
        if cost == Cost::Dear {
            let parts = if time < self.check { PARTS_FASTER } else { PARTS_SLOWER };
            self.check = (self.check * (parts - 1) + time.min(self.check * HELD_UP_MAX)) / parts;
        }
    }

    /// How many may wait for a dear check. One always may, or after slow ones nobody would ever see a faster one.
    fn room(&self) -> usize {
        let checks = WAIT_MAX.as_nanos() / self.check.as_nanos().max(1);
        usize::try_from(checks).unwrap_or(usize::MAX).clamp(1, VERIFICATIONS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: Duration = Duration::from_millis(40);
    const NOW: Duration = Duration::from_secs(7);

    const HERE: Origin = Origin::Local(Some(1));
    const ELSEWHERE: Origin = Origin::Local(Some(2));

    fn join_all(line: &mut Line<usize>, cost: Cost, count: usize) -> usize {
        (0..count).filter(|n| line.join(*n, cost, HERE, NOW).is_none()).count()
    }

    #[test]
    fn as_many_wait_as_can_be_checked_before_their_deadline() {
        let mut line = Line::new(CHECK);
        assert_eq!(join_all(&mut line, Cost::Dear, 2_000), 100);
        assert!(CHECK * 100 < LOGIN_DEADLINE);
        assert_eq!(line.next(NOW + CHECK), Some(Ok(0)));
        assert_eq!(line.join(7, Cost::Dear, HERE, NOW), None, "one has gone, one may come");
        assert_eq!(line.join(8, Cost::Dear, HERE, NOW), Some(8));
        assert_eq!(line.join(9, Cost::Cheap, HERE, NOW), None, "takes no time");
    }

    #[test]
    fn an_address_that_fills_the_line_makes_way_for_others_up_to_half_of_it() {
        let mut line = Line::new(CHECK);
        assert_eq!(join_all(&mut line, Cost::Dear, 100), 100);
        for n in 0..50 {
            assert_eq!(line.join(1_000 + n, Cost::Dear, ELSEWHERE, NOW), Some(99 - n), "who came last goes");
        }
        assert_eq!(line.join(2_000, Cost::Dear, ELSEWHERE, NOW), Some(2_000));
        assert_eq!(line.join(2_000, Cost::Dear, HERE, NOW), Some(2_000));
        let all: Vec<_> = std::iter::from_fn(|| line.next(NOW)).map(|turn| turn.unwrap()).collect();
        assert_eq!(all, (0..50).chain(1_000..1_050).collect::<Vec<_>>());
        assert!(line.by_origin.0.is_empty() && line.dear == 0);
    }

    #[test]
    fn only_a_dear_check_makes_way_for_a_dear_one() {
        let mut line = Line::new(CHECK);
        assert_eq!(join_all(&mut line, Cost::Dear, 100), 100);
        assert_eq!(line.join(100, Cost::Cheap, HERE, NOW), None);
        assert_eq!(line.join(200, Cost::Dear, ELSEWHERE, NOW), Some(99));
        assert_eq!(line.dear, line.room());
    }

    #[test]
    fn cheap_checks_have_a_bound_all_the_same() {
        assert_eq!(join_all(&mut Line::new(CHECK), Cost::Cheap, 5_000), VERIFICATIONS_MAX);
        assert_eq!(join_all(&mut Line::new(Duration::ZERO), Cost::Dear, 5_000), VERIFICATIONS_MAX);
    }

    #[test]
    fn who_has_waited_too_long_is_not_checked() {
        let mut line = Line::new(CHECK);
        assert_eq!(join_all(&mut line, Cost::Dear, 2), 2);
        assert_eq!(line.next(NOW + LOGIN_DEADLINE - CHECK), Some(Ok(0)));
        assert_eq!(line.next(NOW + LOGIN_DEADLINE), Some(Err(1)));
        assert_eq!(line.next(NOW + LOGIN_DEADLINE), None);
    }

    #[test]
    fn who_came_last_goes_when_checks_take_longer_than_they_did() {
        let mut line = Line::new(CHECK);
        join_all(&mut line, Cost::Dear, 100);
        assert_eq!(line.shed(), None);
        (0..200).for_each(|_| line.checked(Cost::Dear, 2 * CHECK));
        let shed: Vec<_> = std::iter::from_fn(|| line.shed()).collect();
        assert_eq!((shed.first(), shed.len()), (Some(&99), 50));
        assert_eq!(line.next(NOW), Some(Ok(0)));
    }

    #[test]
    fn slow_checks_shorten_the_line_and_faster_ones_lengthen_it_again() {
        let mut line = Line::new(CHECK);
        line.checked(Cost::Dear, Duration::from_secs(60));
        assert!(line.room() > 80, "one that was held up");
        (0..200).for_each(|_| line.checked(Cost::Dear, Duration::from_secs(20)));
        assert_eq!(join_all(&mut line, Cost::Dear, 10), 1, "one always may");
        (0..80).for_each(|_| line.checked(Cost::Dear, CHECK));
        assert_eq!(join_all(&mut line, Cost::Dear, 200), 99, "beside the one that waits");
        (0..200).for_each(|_| line.checked(Cost::Cheap, Duration::ZERO));
        assert_eq!(join_all(&mut line, Cost::Dear, 1), 0, "cheap ones tell nothing about dear ones");
    }
}

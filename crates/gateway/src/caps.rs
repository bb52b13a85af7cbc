//! How many connections there may be: in all, per address, and before their login.
//!
//! A new connection over the total or its address's cap is closed at once. One over the cap of those that have not logged
//! in takes the place of the oldest of them: a flood of silent connections pushes out its own, and a login, which takes
//! milliseconds, still gets through.

use std::collections::VecDeque;

use crate::auth::Ticket;
use crate::limits::CONNECTIONS_MAX;
use crate::origin::{Headcount, Origin};
use crate::session::CloseReason;

/// Most connections at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caps {
    /// In all.
    pub connections_max: usize,
    /// Of one address.
    pub per_address_max: usize,
    /// Not logged in.
    pub unauthenticated_max: usize,
}

impl Caps {
    /// Caps for so many connections: one address may have all of them (firms sit behind one address), and a tenth is kept
    /// for those who have logged in.
    pub fn of(connections_max: usize) -> Self {
        Caps {
            connections_max,
            per_address_max: connections_max,
            unauthenticated_max: (connections_max - connections_max / 10).max(1),
        }
    }

    /// The same, none of them above what there are file descriptors for. Some of these stay for logins, too.
    pub fn within(self, connections_max: usize) -> Self {
        let most = Caps::of(self.connections_max.min(connections_max));
        Caps {
            connections_max: most.connections_max,
            per_address_max: self.per_address_max.min(most.per_address_max),
            unauthenticated_max: self.unauthenticated_max.min(most.unauthenticated_max),
        }
    }
}

impl Default for Caps {
    fn default() -> Self {
        Caps::of(CONNECTIONS_MAX)
    }
}

/// Counts connections against their caps.
#[derive(Debug)]
pub(crate) struct Crowd {
    caps: Caps,
    total: usize,
    by_origin: Headcount,
    logged_in: usize,
    /// In the order they came; some of them have logged in or gone since.
    newcomers: VecDeque<Ticket>,
}

impl Crowd {
    pub(crate) fn new(caps: Caps) -> Self {
        Crowd { caps, total: 0, by_origin: Headcount::default(), logged_in: 0, newcomers: VecDeque::new() }
    }

    /// Why one more connection from there cannot be.
    pub(crate) fn refusal(&self, origin: Origin) -> Option<CloseReason> {
        if self.total >= self.caps.connections_max {
            return Some(CloseReason::TooMany);
        }
        let here = self.by_origin.of(origin);
        (here >= self.caps.per_address_max).then_some(CloseReason::PerAddress)
    }

    /// One more than may wait for their login, once another one has come.
    pub(crate) fn is_full_of_newcomers(&self) -> bool {
        self.total - self.logged_in >= self.caps.unauthenticated_max
    }

    /// The oldest connection that may still be before its login: the caller knows whether it is.
    pub(crate) fn oldest_newcomer(&mut self) -> Option<Ticket> {
        self.newcomers.pop_front()
    }

    pub(crate) fn came(&mut self, origin: Origin, ticket: Ticket, is_newcomer: impl Fn(&Ticket) -> bool) {
        self.total += 1;
        self.by_origin.came(origin);
        // Those that are no newcomers any more are dropped before they outnumber the others.
        if self.newcomers.len() >= 2 * self.caps.unauthenticated_max {
            self.newcomers.retain(is_newcomer);
        }
        self.newcomers.push_back(ticket);
    }

    pub(crate) fn logged_in(&mut self) {
        self.logged_in += 1;
    }

    pub(crate) fn went(&mut self, origin: Origin, was_logged_in: bool) {
        self.total -= 1;
        self.logged_in -= usize::from(was_logged_in);
        self.by_origin.went(origin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Origin = Origin::Local(Some(1));
    const ELSEWHERE: Origin = Origin::Local(Some(2));

    fn ticket(n: usize) -> Ticket {
        Ticket { key: n, generation: n as u64 }
    }

    fn crowd(connections_max: usize, per_address_max: usize, unauthenticated_max: usize) -> Crowd {
        Crowd::new(Caps { connections_max, per_address_max, unauthenticated_max })
    }

    #[test]
    fn the_total_and_each_address_have_their_own_cap_and_reason() {
        let mut crowd = crowd(3, 2, 10);
        (0..2).for_each(|n| crowd.came(HERE, ticket(n), |_| true));
        assert_eq!(crowd.refusal(HERE), Some(CloseReason::PerAddress));
        assert_eq!(crowd.refusal(ELSEWHERE), None);
        crowd.came(ELSEWHERE, ticket(2), |_| true);
        assert_eq!(crowd.refusal(ELSEWHERE), Some(CloseReason::TooMany));
        crowd.went(HERE, false);
        assert_eq!((crowd.refusal(HERE), crowd.by_origin.0[&HERE]), (None, 1));
        crowd.went(HERE, false);
        assert!(!crowd.by_origin.0.contains_key(&HERE), "who has gone takes no memory");
    }

    #[test]
    fn who_has_logged_in_is_no_newcomer() {
        let mut crowd = crowd(10, 10, 2);
        crowd.came(HERE, ticket(0), |_| true);
        assert!(!crowd.is_full_of_newcomers());
        crowd.came(HERE, ticket(1), |_| true);
        assert!(crowd.is_full_of_newcomers());
        crowd.logged_in();
        assert!(!crowd.is_full_of_newcomers());
        crowd.went(HERE, true);
        assert_eq!((crowd.total, crowd.logged_in), (1, 0));
    }

    #[test]
    fn newcomers_are_remembered_in_order_and_never_many_more_than_there_may_be() {
        let mut crowd = crowd(1_000, 1_000, 4);
        for n in 0..100 {
            crowd.came(HERE, ticket(n), |ticket| ticket.key >= 96);
            assert!(crowd.newcomers.len() <= 8);
        }
        while crowd.oldest_newcomer().is_some_and(|ticket| ticket.key < 99) {}
        assert!(crowd.newcomers.is_empty());
    }

    #[test]
    fn few_file_descriptors_lower_every_cap_and_leave_some_for_logins() {
        let caps = Caps::default().within(30);
        assert_eq!(caps, Caps { connections_max: 30, per_address_max: 30, unauthenticated_max: 27 });
        assert_eq!(Caps::of(1).unauthenticated_max, 1);
    }
}

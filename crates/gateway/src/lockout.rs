//! Guessing passwords: after some failures a username is locked out, for the address that failed and a while.
//!
//! Per username *and* address: who guesses from elsewhere never locks the owner out. Checks under way count like failures
//! until their verdict is there, or a thousand connections at once would have a thousand guesses.
//!
//! Memory is bounded: [`NAMES_MAX`] usernames an address, [`ORIGINS_MAX`] addresses. When an address has more, the name with
//! the fewest failures is forgotten, never one that is locked out; an address with nothing but locked names is locked out
//! itself. So nobody flushes the memory of his own guesses by failing with other names.

use std::collections::HashMap;
use std::time::Duration;

use ringside_domain::Username;

use crate::origin::Origin;

/// Usernames remembered of one address.
const NAMES_MAX: usize = 64;
/// Addresses remembered.
const ORIGINS_MAX: usize = 4_096;
/// Failures are forgotten this long after the last one.
const MEMORY: Duration = Duration::from_secs(600);

/// When a username is locked out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LockoutPolicy {
    /// After so many failures in a row; 0: never.
    pub failures: u32,
    /// For so long.
    pub time: Duration,
}

impl Default for LockoutPolicy {
    /// Five failures, 30 s: six hundred guesses an hour at most, and a person who mistyped waits half a minute.
    fn default() -> Self {
        LockoutPolicy { failures: 5, time: Duration::from_secs(30) }
    }
}

/// What may be done with a login request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// Check its password, and tell [`Lockout::settle`] the verdict.
    Check,
    /// Refuse it unchecked.
    Locked,
    /// As many checks are under way as there are failures left. Not its fault: close, it may come again.
    Busy,
}

/// Failures by address and username.
#[derive(Debug)]
pub struct Lockout {
    policy: LockoutPolicy,
    origins: HashMap<Origin, Vec<Failures>>,
}

#[derive(Debug)]
struct Failures {
    username: Username,
    count: u32,
    /// Checks under way.
    pending: u32,
    last: Duration,
    locked_until: Duration,
}

impl Lockout {
    /// Nobody has failed yet.
    pub fn new(policy: LockoutPolicy) -> Self {
        Lockout { policy, origins: HashMap::new() }
    }

    /// A login request at `now` (monotonic).
    pub fn ask(&mut self, origin: Origin, username: Username, now: Duration) -> Admission {
        if self.policy.failures == 0 {
            return Admission::Check;
        }
        if !self.origins.contains_key(&origin) {
            self.forget(now);
        }
        let names = self.origins.entry(origin).or_default();
        names.retain(|name| !name.is_over(now));
        let Some(at) = place_of(names, username) else { return Admission::Locked };
        let name = &mut names[at];
        if name.locked_until > now {
            return Admission::Locked;
        }
        if name.count + name.pending >= self.policy.failures {
            return Admission::Busy;
        }
        (name.pending, name.last) = (name.pending + 1, now);
        Admission::Check
    }

    /// The verdict about a request that was to be checked. A time: the username is locked out from now on, for so long.
    pub fn settle(
        &mut self,
        origin: Origin,
        username: Username,
        right: bool,
        now: Duration,
    ) -> Option<Duration> {
        let names = self.origins.get_mut(&origin)?;
        let name = names.iter_mut().find(|name| name.username == username)?;
        (name.pending, name.last) = (name.pending.saturating_sub(1), now);
        if right {
            name.count = 0;
        } else {
            name.count += 1;
        }
        let locked = name.count >= self.policy.failures;
        if locked {
            // Afterwards there are as many guesses again.
            (name.count, name.locked_until) = (0, now + self.policy.time);
        }
        self.tidy(origin, now);
        locked.then_some(self.policy.time)
    }

    /// The check did not happen.
    pub fn forgive(&mut self, origin: Origin, username: Username, now: Duration) {
        let Some(names) = self.origins.get_mut(&origin) else { return };
        if let Some(name) = names.iter_mut().find(|name| name.username == username) {
            name.pending = name.pending.saturating_sub(1);
        }
        self.tidy(origin, now);
    }

    /// Names that nothing is known of any more go, and an address without names.
    fn tidy(&mut self, origin: Origin, now: Duration) {
        if let Some(names) = self.origins.get_mut(&origin) {
            names.retain(|name| !name.is_over(now));
            if names.is_empty() {
                self.origins.remove(&origin);
            }
        }
    }

    /// Makes room for one more address.
    fn forget(&mut self, now: Duration) {
        if self.origins.len() < ORIGINS_MAX {
            return;
        }
        self.origins.retain(|_, names| names.iter().any(|name| !name.is_over(now)));
        if self.origins.len() < ORIGINS_MAX {
            return;
        }
        let last = |names: &Vec<Failures>| names.iter().map(|name| name.last).max();
        let idle = self.origins.iter().filter(|(_, names)| names.iter().all(|name| name.pending == 0));
        if let Some(origin) = idle.min_by_key(|(_, names)| last(names)).map(|(origin, _)| *origin) {
            self.origins.remove(&origin);
        }
    }
}

/// The place of a username, made if need be. `None`: all names of the address are locked out.
fn place_of(names: &mut Vec<Failures>, username: Username) -> Option<usize> {
    if let Some(at) = names.iter().position(|name| name.username == username) {
        return Some(at);
    }
    // Names with checks under way are bounded by the connections; only the others are remembered beyond them.
    if names.iter().filter(|name| name.pending == 0).count() >= NAMES_MAX {
        let candidates = names.iter().enumerate().filter(|(_, name)| name.pending == 0 && name.count > 0);
        let (fewest, _) = candidates.min_by_key(|(_, name)| (name.count, name.last))?;
        names.swap_remove(fewest);
    }
    names.push(Failures {
        username,
        count: 0,
        pending: 0,
        last: Duration::ZERO,
        locked_until: Duration::ZERO,
    });
    Some(names.len() - 1)
}

impl Failures {
    fn is_over(&self, now: Duration) -> bool {
        let remembered = self.count > 0 && now < self.last + MEMORY;
        self.pending == 0 && !remembered && self.locked_until <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Origin = Origin::Local(Some(1));
    const ELSEWHERE: Origin = Origin::Local(Some(2));
    const SECOND: Duration = Duration::from_secs(1);

    fn name(n: usize) -> Username {
        Username::new(&format!("N{n}")).unwrap()
    }

    fn fail(lockout: &mut Lockout, origin: Origin, username: Username, now: Duration) -> bool {
        assert_eq!(lockout.ask(origin, username, now), Admission::Check);
        lockout.settle(origin, username, false, now).is_some()
    }

    fn locked(origin: Origin) -> Lockout {
        let mut lockout = Lockout::new(LockoutPolicy::default());
        let told: Vec<bool> = (0..5).map(|_| fail(&mut lockout, origin, name(1), SECOND)).collect();
        assert_eq!(told, [false, false, false, false, true]);
        lockout
    }

    #[test]
    fn five_failures_lock_a_name_out_for_its_address_alone() {
        let mut lockout = locked(HERE);
        assert_eq!(lockout.ask(HERE, name(1), SECOND * 30), Admission::Locked);
        assert_eq!(lockout.ask(ELSEWHERE, name(1), SECOND * 30), Admission::Check);
        assert_eq!(lockout.ask(HERE, name(2), SECOND * 30), Admission::Check);
    }

    #[test]
    fn a_lockout_ends_and_leaves_as_many_guesses_as_before() {
        let mut lockout = locked(HERE);
        for n in 1..=5 {
            assert_eq!(fail(&mut lockout, HERE, name(1), SECOND * 31), n == 5);
        }
    }

    #[test]
    fn the_right_password_forgets_the_failures_before_it() {
        let mut lockout = Lockout::new(LockoutPolicy::default());
        for _ in 0..3 {
            (0..4).for_each(|_| assert!(!fail(&mut lockout, HERE, name(1), SECOND)));
            assert_eq!(lockout.ask(HERE, name(1), SECOND), Admission::Check);
            assert_eq!(lockout.settle(HERE, name(1), true, SECOND), None);
        }
        assert!(lockout.origins.is_empty(), "nothing is kept of who got in");
    }

    #[test]
    fn checks_under_way_count_as_guesses() {
        let mut lockout = Lockout::new(LockoutPolicy::default());
        assert!((0..5).all(|_| lockout.ask(HERE, name(1), SECOND) == Admission::Check));
        assert_eq!(lockout.ask(HERE, name(1), SECOND), Admission::Busy);
        lockout.settle(HERE, name(1), true, SECOND);
        assert_eq!(lockout.ask(HERE, name(1), SECOND), Admission::Check);
    }

    #[test]
    fn failing_with_other_names_does_not_make_the_memory_forget() {
        let mut lockout = Lockout::new(LockoutPolicy::default());
        (0..4).for_each(|_| assert!(!fail(&mut lockout, HERE, name(0), SECOND)));
        for n in 1..1_000 {
            fail(&mut lockout, HERE, name(n), SECOND * 2);
        }
        assert!(lockout.origins[&HERE].len() <= NAMES_MAX + 1);
        assert!(fail(&mut lockout, HERE, name(0), SECOND * 3), "the fifth failure is still the fifth");
    }

    #[test]
    fn an_address_with_nothing_but_locked_names_is_locked_out_itself() {
        let mut lockout = Lockout::new(LockoutPolicy::default());
        for n in 0..NAMES_MAX {
            for _ in 0..5 {
                fail(&mut lockout, HERE, name(n), SECOND);
            }
        }
        assert_eq!(lockout.ask(HERE, name(999), SECOND), Admission::Locked);
        assert_eq!(lockout.ask(HERE, name(999), SECOND * 31), Admission::Check);
        assert_eq!(lockout.origins[&HERE].len(), 1, "what is over is forgotten");
    }

    #[test]
    fn addresses_are_bounded_and_the_longest_idle_one_goes() {
        let mut lockout = Lockout::new(LockoutPolicy::default());
        for n in 0..ORIGINS_MAX as u32 + 10 {
            fail(&mut lockout, Origin::Local(Some(n)), name(1), SECOND * (n + 1) / 100);
        }
        assert_eq!(lockout.origins.len(), ORIGINS_MAX);
        assert!(!lockout.origins.contains_key(&Origin::Local(Some(0))));
    }

    #[test]
    fn a_policy_of_no_failures_never_locks() {
        let mut lockout = Lockout::new(LockoutPolicy { failures: 0, time: SECOND });
        assert!((0..100).all(|_| !fail(&mut lockout, HERE, name(1), SECOND)));
    }
}

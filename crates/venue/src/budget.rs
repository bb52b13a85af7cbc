//! How much of a login's commands is read: ten times its message rate, in the venue's time.
//!
//! The engine answers whatever is over the rate with `J` 0x29, one answer for each order. A client that sends more than ten
//! times what it may does not even get those: what it sends stays in its socket, and TCP tells it to wait. Nothing is lost, and
//! nothing is decided here: what is read is a command like any other.
//!
//! [`RateTable`] is what the engine says about limits in force; [`Budgets`] is the gateway's account of what was used.

use std::sync::atomic::{AtomicU64, Ordering};

use ringside_domain::{LoginId, TimeNs};
use ringside_engine::Engine;

/// Commands that are read for each that the rate lets pass: room enough to be told of a mistake, too little to make the
/// others pay for it.
pub const READ_FACTOR: u32 = 10;

/// Tokens are counted in 1/10^9.
const TOKEN: u128 = 1_000_000_000;

/// Rate and burst of each login as one word, rate in the upper half; 0 = no limit.
#[derive(Debug, Default)]
pub struct RateTable(Box<[AtomicU64]>);

impl RateTable {
    /// What is in force in the engine's state. Logins that come later have no limit here.
    pub fn of(engine: &Engine) -> Self {
        let table = RateTable(engine.logins().iter().map(|_| AtomicU64::new(0)).collect());
        table.tell(engine);
        table
    }

    /// Limits have changed. Only the engine's stage calls this.
    #[cold]
    pub fn tell(&self, engine: &Engine) {
        for (entry, id) in self.0.iter().zip(1..) {
            let (rate, burst) = engine.message_rate(LoginId(id)).unwrap_or((0, 0));
            // Relaxed: the gateway may go by the old rate for a moment; one word is never half new.
            entry.store(u64::from(rate) << 32 | u64::from(burst), Ordering::Relaxed);
        }
    }

    /// One word, to be compared and taken apart.
    #[inline]
    fn word(&self, index: usize) -> u64 {
        // Relaxed: see above.
        self.0.get(index).map_or(0, |entry| entry.load(Ordering::Relaxed))
    }
}

/// What is left of a login's budget.
#[derive(Clone, Copy, Debug, Default)]
struct Budget {
    /// The word of the table that it follows.
    word: u64,
    tokens: u128,
    at_ns: TimeNs,
}

impl Budget {
    /// Commands a second.
    fn rate(&self) -> u128 {
        u128::from(self.word >> 32) * u128::from(READ_FACTOR)
    }

    /// Most tokens: a second's worth at least, so that a reader that looks up twenty times a second misses none.
    fn size(&self) -> u128 {
        let (rate, burst) = (self.word >> 32, self.word & u64::from(u32::MAX));
        u128::from(rate.max(burst)) * u128::from(READ_FACTOR) * TOKEN
    }

    /// Limits were set: what was used under others does not count.
    fn renew(&mut self, word: u64, now: TimeNs) {
        (self.word, self.at_ns) = (word, now);
        self.tokens = self.size();
    }

    fn refill(&mut self, now: TimeNs) {
        // Cannot overflow: rate < 2^36, time < 2^64.
        let refilled = self.tokens + self.rate() * u128::from(now.saturating_sub(self.at_ns));
        (self.tokens, self.at_ns) = (refilled.min(self.size()), now.max(self.at_ns));
    }
}

/// The budgets of all logins.
#[derive(Debug)]
pub struct Budgets(Vec<Budget>);

impl Budgets {
    /// Full budgets for the logins of a table.
    pub fn new(rates: &RateTable) -> Self {
        Budgets(vec![Budget::default(); rates.0.len()])
    }

    /// True when another command of the login may be read at this time.
    #[inline]
    pub fn has(&mut self, login: LoginId, now: TimeNs, rates: &RateTable) -> bool {
        // The venue's id 0 wraps to an index that no login has.
        let index = (login.0 as usize).wrapping_sub(1);
        let word = rates.word(index);
        let Some(budget) = self.0.get_mut(index) else { return true };
        if budget.word != word {
            budget.renew(word, now);
        }
        if word == 0 {
            return true;
        }
        budget.refill(now);
        budget.tokens >= TOKEN
    }

    /// A command was taken. What the venue says on behalf of a login (connects, disconnects) counts too.
    #[inline]
    pub fn spend(&mut self, login: LoginId) {
        if let Some(budget) = self.0.get_mut((login.0 as usize).wrapping_sub(1))
            && budget.word != 0
        {
            budget.tokens = budget.tokens.saturating_sub(TOKEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_domain::{
        Action, Command, Event, Firm, LoginTerms, RiskLimits, Scope, SetLimits, Text, Username,
    };
    use ringside_engine::Limits;

    const SECOND: TimeNs = 1_000_000_000;
    const ALICE: LoginId = LoginId(1);
    const BOB: LoginId = LoginId(2);

    fn firm() -> Firm {
        Text::new("FIRM").unwrap()
    }

    fn engine() -> Engine {
        let mut engine = Engine::new(Limits { orders_max: 10 });
        for (login, name) in [(ALICE, "ALICE"), (BOB, "BOB")] {
            let firm = if login == ALICE { firm() } else { Firm::BLANK };
            let terms = LoginTerms::plain(login, Username::new(name).unwrap(), firm);
            apply(&mut engine, Action::AddLogin(terms));
        }
        engine
    }

    fn apply(engine: &mut Engine, action: Action) {
        engine.apply(1, &Command { login: LoginId::VENUE, action }, &mut |_: Event| {});
    }

    fn limit(engine: &mut Engine, scope: Scope, rate_per_second: u32, rate_burst: u32) {
        let limits = RiskLimits { rate_per_second, rate_burst, ..RiskLimits::default() };
        apply(engine, Action::SetLimits(SetLimits { scope, limits }));
    }

    fn read(budgets: &mut Budgets, rates: &RateTable, login: LoginId, now: TimeNs, most: u32) -> u32 {
        let mut count = 0;
        while count < most && budgets.has(login, now, rates) {
            budgets.spend(login);
            count += 1;
        }
        count
    }

    #[test]
    fn ten_times_the_rate_is_read_and_no_more() {
        let mut engine = engine();
        limit(&mut engine, Scope::Login(ALICE), 5, 5);
        let rates = RateTable::of(&engine);
        let mut budgets = Budgets::new(&rates);
        assert_eq!(read(&mut budgets, &rates, ALICE, SECOND, 1_000), 50);
        assert_eq!(read(&mut budgets, &rates, ALICE, 2 * SECOND, 1_000), 50);
        assert_eq!(read(&mut budgets, &rates, ALICE, 2 * SECOND + SECOND / 50, 1_000), 1);
        assert_eq!(read(&mut budgets, &rates, BOB, SECOND, 1_000), 1_000, "who has no rate has no budget");
    }

    #[test]
    fn a_small_burst_does_not_make_the_budget_less_than_a_second() {
        let mut engine = engine();
        limit(&mut engine, Scope::Login(ALICE), 100, 1);
        let rates = RateTable::of(&engine);
        assert_eq!(read(&mut Budgets::new(&rates), &rates, ALICE, SECOND, 10_000), 1_000);
    }

    #[test]
    fn the_least_rate_of_login_account_and_firm_counts_from_when_it_is_set() {
        let mut engine = engine();
        limit(&mut engine, Scope::Login(ALICE), 100, 0);
        let rates = RateTable::of(&engine);
        let mut budgets = Budgets::new(&rates);
        assert_eq!(read(&mut budgets, &rates, ALICE, SECOND, 10_000), 1_000);
        limit(&mut engine, Scope::Firm(firm()), 3, 0);
        assert_eq!(read(&mut budgets, &rates, ALICE, SECOND, 10_000), 0, "not told yet");
        rates.tell(&engine);
        assert_eq!(read(&mut budgets, &rates, ALICE, SECOND, 10_000), 30);
        limit(&mut engine, Scope::Firm(firm()), 0, 0);
        limit(&mut engine, Scope::Login(ALICE), 0, 0);
        rates.tell(&engine);
        assert_eq!(read(&mut budgets, &rates, ALICE, SECOND, 10_000), 10_000);
    }

    #[test]
    fn the_highest_rate_overflows_nothing() {
        let mut engine = engine();
        limit(&mut engine, Scope::Login(ALICE), u32::MAX, u32::MAX);
        let rates = RateTable::of(&engine);
        let mut budgets = Budgets::new(&rates);
        assert!(budgets.has(ALICE, 0, &rates) && budgets.has(ALICE, TimeNs::MAX, &rates));
    }
}

//! Limits, restrictions and the kill switch (§12).

use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::{
    Account, InstrumentId, Kill, LoginId, LoginTerms, MatchNumber, RejectReason, Restrict, RiskLimits, Scope,
    SetLimits, TimeNs, VenueRefusal,
};

use super::Reference;
use super::state::Order;

/// A token is this many units; a bucket gains `rate_per_second` units a nanosecond.
const TOKEN: u128 = 1_000_000_000;

/// Limits of a scope and its bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) limits: RiskLimits,
    pub(super) tokens: u128,
    pub(super) tokens_at: TimeNs,
    /// Last match before the scope first had limits.
    pub(super) since: MatchNumber,
}

impl Limits {
    fn has_rate(&self) -> bool {
        self.limits.rate_per_second > 0
    }

    fn size(&self) -> u128 {
        let burst =
            if self.limits.rate_burst > 0 { self.limits.rate_burst } else { self.limits.rate_per_second };
        u128::from(burst) * TOKEN
    }

    fn refill(&mut self, now: TimeNs) {
        let elapsed = u128::from(now.saturating_sub(self.tokens_at));
        let gained = u128::from(self.limits.rate_per_second) * elapsed;
        (self.tokens, self.tokens_at) = ((self.tokens + gained).min(self.size()), now);
    }
}

/// Shares of open orders of a scope in an instrument, and how many orders it has in all.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Open {
    pub(super) buy: u64,
    pub(super) sell: u64,
}

/// Membership.
impl Reference {
    /// Without a configured account a login trades for one that is named like it.
    pub(super) fn account_of(&self, login: LoginId) -> Account {
        account_by(&self.login(login).terms)
    }

    /// Login, account, firm: the order in which limits are checked.
    pub(super) fn scopes_of(&self, login: LoginId) -> [Scope; 3] {
        scopes_by(&self.login(login).terms)
    }

    pub(super) fn is_in(&self, scope: Scope, order: &Order) -> bool {
        match scope {
            Scope::Instrument(instrument) => order.instrument == instrument,
            scope => self.scopes_of(order.login).contains(&scope),
        }
    }

    /// Firms and accounts need not be known.
    pub(super) fn must_exist(&self, scope: Scope) -> Result<(), VenueRefusal> {
        match scope {
            Scope::Login(login) if !self.logins.contains_key(&login) => Err(VenueRefusal::Login),
            Scope::Instrument(id) if !self.instruments.contains_key(&id) => Err(VenueRefusal::Instrument),
            _ => Ok(()),
        }
    }

    pub(super) fn live_orders(&self, scope: Scope) -> u32 {
        self.orders.values().filter(|order| self.is_in(scope, order)).count() as u32
    }

    pub(super) fn open_of(&self, scope: Scope, instrument: InstrumentId) -> Open {
        let mut open = Open::default();
        for order in self.orders.values().filter(|order| order.instrument == instrument) {
            if self.is_in(scope, order) {
                *(if order.is_buy() { &mut open.buy } else { &mut open.sell }) += u64::from(order.open);
            }
        }
        open
    }
}

/// Commands of the operator.
impl Reference {
    /// Positions are kept, and from rules 2 on what is in the bucket. A new bucket is full.
    pub(super) fn set_limits(&mut self, request: &SetLimits) -> Result<(), VenueRefusal> {
        if matches!(request.scope, Scope::Instrument(_)) {
            return Err(VenueRefusal::Scope);
        }
        self.must_exist(request.scope)?;
        let since = self.limits.get(&request.scope).map_or(self.last_match, |limits| limits.since);
        let mut limits = Limits { limits: request.limits, tokens: 0, tokens_at: 0, since };
        if limits.has_rate() {
            (limits.tokens, limits.tokens_at) = (limits.size(), self.time_ns);
        }
        let known = self.limits.get_mut(&request.scope).filter(|known| known.has_rate() && limits.has_rate());
        if let (Some(known), true) = (known, self.rules.version() >= 2) {
            known.refill(self.time_ns);
            limits.tokens = known.tokens.min(limits.size());
        }
        self.limits.insert(request.scope, limits);
        Ok(())
    }

    pub(super) fn restrict(&mut self, request: &Restrict) -> Result<(), VenueRefusal> {
        if matches!(request.scope, Scope::Instrument(_)) {
            return Err(VenueRefusal::Scope);
        }
        self.must_exist(request.scope)?;
        self.must_exist(Scope::Instrument(request.instrument))?;
        let key = (request.scope, request.instrument);
        if request.restricted {
            self.restricted.insert(key)
        } else {
            self.restricted.remove(&key)
        };
        Ok(())
    }

    pub(super) fn kill(&mut self, request: &Kill) -> Result<(), VenueRefusal> {
        self.must_exist(request.scope)?;
        match request.scope {
            Scope::Instrument(id) => self.at_mut(id).killed = request.killed,
            scope if request.killed => drop(self.killed.insert(scope)),
            scope => drop(self.killed.remove(&scope)),
        }
        if request.killed {
            self.cancel_scope(request.scope, |_| true);
        }
        Ok(())
    }
}

/// The checks.
impl Reference {
    pub(super) fn is_killed(&self, login: LoginId) -> bool {
        self.scopes_of(login).iter().any(|scope| self.killed.contains(scope))
    }

    /// One token from each bucket, or none at all.
    pub(super) fn take_tokens(&mut self, login: LoginId) -> bool {
        let now = self.time_ns;
        let scopes = self.scopes_of(login);
        let mut buckets: Vec<_> =
            self.limits.iter_mut().filter(|(scope, _)| scopes.contains(scope)).collect();
        buckets.retain(|(_, limits)| limits.has_rate());
        buckets.iter_mut().for_each(|(_, limits)| limits.refill(now));
        let all_have_one = buckets.iter().all(|(_, limits)| limits.tokens >= TOKEN);
        if all_have_one {
            buckets.iter_mut().for_each(|(_, limits)| limits.tokens -= TOKEN);
        }
        all_have_one
    }

    /// Checks 16 to 20, balances aside. Each check asks login, account and firm before the next one.
    pub(super) fn reason_of_risk(&self, draft: &Order, original: Option<&Order>) -> Option<RejectReason> {
        let scopes = self.scopes_of(draft.login);
        if scopes.iter().any(|scope| self.restricted.contains(&(*scope, draft.instrument))) {
            return Some(RejectReason::Restricted);
        }
        let limited: Vec<_> =
            scopes.iter().filter_map(|scope| Some((*scope, self.limits.get(scope)?.limits))).collect();
        let any = |broken: &dyn Fn(Scope, &RiskLimits) -> bool| {
            limited.iter().any(|(scope, limits)| broken(*scope, limits))
        };
        if any(&|_, limits| limits.quantity_max > 0 && draft.open > limits.quantity_max) {
            Some(RejectReason::MaxQuantity)
        } else if any(&|_, limits| self.is_notional_above(draft, limits.notional_max)) {
            Some(RejectReason::Notional)
        } else if any(&|_, limits| self.is_fat_finger(draft, limits.fat_finger_bps)) {
            Some(RejectReason::FatFinger)
        } else if any(&|scope, limits| self.has_too_many(scope, limits.orders_max, original))
            || any(&|scope, limits| self.could_exceed(scope, limits.position_max, draft, original))
        {
            Some(RejectReason::Exposure)
        } else {
            None
        }
    }

    fn is_notional_above(&self, draft: &Order, most: u64) -> bool {
        let price = self.price_of_notional(draft).unwrap_or(0);
        most > 0 && u128::from(price) * u128::from(draft.open) > u128::from(most)
    }

    /// What a share may cost; `None` when nobody knows.
    fn price_of_notional(&self, draft: &Order) -> Option<u64> {
        if !draft.is_market() {
            return Some(draft.limit);
        }
        if draft.is_stop() {
            return Some(draft.trigger_price.into());
        }
        let last = Some(self.at(draft.instrument).last_price()).filter(|price| *price > 0);
        last.or_else(|| self.best_price(draft.instrument, !draft.is_buy()))
    }

    /// Best price of a side; the market orders of a call have none.
    fn best_price(&self, instrument: InstrumentId, buy: bool) -> Option<u64> {
        let book = &self.at(instrument).book;
        let both = [book.in_priority(buy, false), book.in_priority(buy, true)];
        let prices = both.iter().flatten().map(|order_ref| self.orders[order_ref].price);
        let prices = prices.filter(|price| *price < PRICE_MARKET);
        if buy { prices.max() } else { prices.min() }
    }

    fn is_fat_finger(&self, draft: &Order, bps: u32) -> bool {
        let reference = self.at(draft.instrument).last_price();
        if bps == 0 || reference == 0 || draft.is_peg() || draft.is_market() {
            return false;
        }
        let away = reference * u64::from(bps) / 10_000;
        if draft.is_buy() {
            draft.limit > reference + away
        } else {
            draft.limit < reference.saturating_sub(away)
        }
    }

    fn has_too_many(&self, scope: Scope, most: u32, original: Option<&Order>) -> bool {
        let given_back = u32::from(original.is_some());
        most > 0 && self.live_orders(scope) - given_back >= most
    }

    fn could_exceed(&self, scope: Scope, most: u64, draft: &Order, original: Option<&Order>) -> bool {
        let position = self.positions.get(&(scope, draft.instrument)).copied().unwrap_or(0);
        let open = self.open_of(scope, draft.instrument);
        let given_back = original.map_or(0, |order| order.open);
        let (held, open) = if draft.is_buy() { (position, open.buy) } else { (-position, open.sell) };
        let reached = i128::from(held) + i128::from(open) - i128::from(given_back) + i128::from(draft.open);
        most > 0 && reached > i128::from(most)
    }

    /// Shares bought, or sold when negative, in a match: counted in all scopes that had limits before it.
    pub(super) fn move_positions(
        &mut self,
        scopes: [Scope; 3],
        match_number: MatchNumber,
        instrument: InstrumentId,
        shares: i64,
    ) {
        for scope in scopes {
            if self.limits.get(&scope).is_some_and(|limits| limits.since < match_number) {
                *self.positions.entry((scope, instrument)).or_default() += shares;
            }
        }
    }
}

/// The scopes that these terms name.
pub(super) fn scopes_by(terms: &LoginTerms) -> [Scope; 3] {
    [Scope::Login(terms.login), Scope::Account(account_by(terms)), Scope::Firm(terms.firm)]
}

/// The account that these terms name.
pub(super) fn account_by(terms: &LoginTerms) -> Account {
    if terms.account.is_blank() {
        let mut name = Account::BLANK;
        name.0[..terms.username.0.len()].copy_from_slice(&terms.username.0);
        return name;
    }
    terms.account
}

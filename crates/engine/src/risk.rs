//! Limits before matching, restrictions, kill switches (rules.md §12). Who has none is not `guarded` and pays nothing.

use alloc::collections::{BTreeMap, BTreeSet};

use ringside_book::{Order, Queue, Slot, tick_of};
use ringside_domain::state::{BalanceState, ExposureState, LimitsState};
use ringside_domain::{
    Account, Asset, CancelReason, InstrumentId, Kill, LoginId, LoginTerms, MatchNumber, RejectReason,
    Restrict, RiskLimits, Scope, SetLimits, TimeNs, VenueRefusal,
};

use crate::assets::Known;
use crate::balances::Balance;
use crate::instrument::Watch;
use crate::working::Working;
use crate::{Engine, Listener};

/// Tokens are counted in 1/10^9.
const TOKEN: u128 = 1_000_000_000;

/// Everything the operator has set, and what follows from it.
#[derive(Debug, Default)]
pub(crate) struct Risk {
    pub limits: BTreeMap<Scope, Limited>,
    pub killed: BTreeSet<Scope>,
    pub restricted: BTreeSet<(Scope, InstrumentId)>,
    pub exposures: BTreeMap<(Scope, InstrumentId), Exposure>,
    pub balances: BTreeMap<(Account, Asset), Balance>,
    /// Assets that terms have ever named.
    pub assets: BTreeMap<Asset, Known>,
    pub busted: BTreeSet<MatchNumber>,
}

/// A scope with limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limited {
    pub limits: RiskLimits,
    live_orders: u32,
    tokens: u128,
    tokens_at: TimeNs,
    /// Last match before the scope first had limits: its position has the matches after it.
    since: MatchNumber,
}

/// Position and open orders of a scope in an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Exposure {
    pub position: i64,
    pub open_buy: u64,
    pub open_sell: u64,
}

impl Limited {
    fn new(limits: RiskLimits, now: TimeNs, since: MatchNumber) -> Self {
        let mut limited = Limited { limits, live_orders: 0, tokens: 0, tokens_at: 0, since };
        if limits.rate_per_second != 0 {
            (limited.tokens, limited.tokens_at) = (limited.full(), now);
        }
        limited
    }

    pub fn restored(state: &LimitsState) -> Self {
        let LimitsState { limits, live_orders, tokens, tokens_at, since, .. } = *state;
        Limited { limits, live_orders, tokens, tokens_at, since }
    }

    /// What is left in the bucket of the limits before, up to now, but no more than fits.
    fn go_on_from(&mut self, before: &Limited) {
        if self.limits.rate_per_second != 0 && before.limits.rate_per_second != 0 {
            let mut before = *before;
            before.refill(self.tokens_at);
            self.tokens = before.tokens.min(self.full());
        }
    }

    /// Tokens of a full bucket.
    fn full(&self) -> u128 {
        u128::from(self.limits.burst()) * TOKEN
    }

    /// Fills the bucket up to now.
    fn refill(&mut self, now: TimeNs) {
        if self.limits.rate_per_second == 0 {
            return;
        }
        let elapsed = u128::from(now - self.tokens_at);
        let refilled = self.tokens + u128::from(self.limits.rate_per_second) * elapsed;
        (self.tokens, self.tokens_at) = (refilled.min(self.full()), now);
    }

    /// False: the bucket lacks a whole token.
    fn has_token(&self) -> bool {
        self.limits.rate_per_second == 0 || self.tokens >= TOKEN
    }
}

impl Engine {
    pub(crate) fn set_limits(&mut self, command: &SetLimits) -> Result<(), VenueRefusal> {
        self.check_holder(command.scope)?;
        let before = self.risk.limits.get(&command.scope);
        let since = before.map_or(self.counters.trades, |found| found.since);
        let mut limited = Limited::new(command.limits, self.counters.time_ns, since);
        if self.counters.rules.buckets_survive_new_limits() {
            before.into_iter().for_each(|before| limited.go_on_from(before));
        }
        self.risk.limits.insert(command.scope, limited);
        self.recount();
        Ok(())
    }

    pub(crate) fn restrict(&mut self, command: &Restrict) -> Result<(), VenueRefusal> {
        self.check_holder(command.scope)?;
        if command.instrument.0 == 0 || command.instrument.0 as usize > self.instruments.len() {
            return Err(VenueRefusal::Instrument);
        }
        let entry = (command.scope, command.instrument);
        if command.restricted {
            self.risk.restricted.insert(entry);
        } else {
            self.risk.restricted.remove(&entry);
        }
        self.reguard();
        Ok(())
    }

    pub(crate) fn kill(&mut self, command: &Kill, out: &mut impl Listener) -> Result<(), VenueRefusal> {
        self.check_scope(command.scope)?;
        if let Scope::Instrument(instrument) = command.scope {
            let instrument = &mut self.instruments[instrument.0 as usize - 1];
            instrument.killed = command.killed;
            instrument.rewatch();
        } else if command.killed {
            self.risk.killed.insert(command.scope);
        } else {
            self.risk.killed.remove(&command.scope);
        }
        self.reguard();
        if command.killed {
            let slots = self.slots_in_scope(command.scope, |_| true);
            self.cancel_all(slots, CancelReason::Supervisory, out);
        }
        Ok(())
    }

    /// A scope that can hold limits: somebody, not an instrument.
    fn check_holder(&self, scope: Scope) -> Result<(), VenueRefusal> {
        if matches!(scope, Scope::Instrument(_)) { Err(VenueRefusal::Scope) } else { self.check_scope(scope) }
    }

    /// A scope whose login or instrument exists.
    pub(crate) fn check_scope(&self, scope: Scope) -> Result<(), VenueRefusal> {
        match scope {
            Scope::Login(login) if self.login_at(login).is_none() => Err(VenueRefusal::Login),
            Scope::Instrument(id) if id.0 == 0 || id.0 as usize > self.instruments.len() => {
                Err(VenueRefusal::Instrument)
            }
            _ => Ok(()),
        }
    }

    /// True when a login belongs to a login's, firm's or account's scope.
    pub(crate) fn is_member(&self, login: LoginId, scope: Scope) -> bool {
        scopes_of(&self.login(login).terms).contains(&scope)
    }

    /// Finds out anew whom limits, restrictions and kill switches concern.
    pub(crate) fn reguard(&mut self) {
        (0..self.logins.len()).for_each(|index| self.reguard_one(index));
    }

    /// The same for one login.
    pub(crate) fn reguard_one(&mut self, index: usize) {
        let risk = &self.risk;
        let login = &mut self.logins[index];
        login.guarded = scopes_of(&login.terms).iter().any(|scope| {
            risk.limits.contains_key(scope)
                || risk.killed.contains(scope)
                || risk.restricted.range((*scope, InstrumentId(0))..).next().is_some_and(|(s, _)| s == scope)
        });
    }

    /// Counts all live orders anew for all scopes with limits. Positions stay.
    pub(crate) fn recount(&mut self) {
        self.reguard();
        self.risk.limits.values_mut().for_each(|limited| limited.live_orders = 0);
        for exposure in self.risk.exposures.values_mut() {
            (exposure.open_buy, exposure.open_sell) = (0, 0);
        }
        let slots: alloc::vec::Vec<Slot> = self.store.orders.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.count_exposure(slot, true);
        }
    }

    /// Checks 1 and 2: kill switches and message rate. Takes a token of each bucket if all have one.
    #[cold]
    pub(crate) fn check_entry(&mut self, login: LoginId) -> Result<(), RejectReason> {
        let scopes = scopes_of(&self.login(login).terms);
        if scopes.iter().any(|scope| self.risk.killed.contains(scope)) {
            return Err(RejectReason::EntryDisabled);
        }
        let now = self.counters.time_ns;
        let mut all = true;
        for scope in &scopes {
            if let Some(limited) = self.risk.limits.get_mut(scope) {
                limited.refill(now);
                all &= limited.has_token();
            }
        }
        if !all {
            return Err(RejectReason::MessageRate);
        }
        for scope in &scopes {
            if let Some(limited) = self.risk.limits.get_mut(scope)
                && limited.limits.rate_per_second != 0
            {
                limited.tokens -= TOKEN;
            }
        }
        Ok(())
    }

    /// Checks 16 to 20, but for balances.
    #[cold]
    pub(crate) fn check_risk(&self, w: &Working<'_>) -> Result<(), RejectReason> {
        let scopes = scopes_of(&self.login(w.order.login).terms);
        if scopes.iter().any(|scope| self.risk.restricted.contains(&(*scope, w.order.instrument))) {
            return Err(RejectReason::Restricted);
        }
        let of_scopes = || scopes.iter().filter_map(|scope| Some((*scope, self.risk.limits.get(scope)?)));
        let exceeds = |limit: u64, value: u128| limit != 0 && value > u128::from(limit);
        if of_scopes().any(|(_, found)| exceeds(found.limits.quantity_max.into(), w.order.open.into())) {
            return Err(RejectReason::MaxQuantity);
        }
        let notional = u128::from(self.risk_price(w)) * u128::from(w.order.open);
        if of_scopes().any(|(_, found)| exceeds(found.limits.notional_max, notional)) {
            return Err(RejectReason::Notional);
        }
        if of_scopes().any(|(_, found)| self.is_fat_finger(w, found.limits.fat_finger_bps)) {
            return Err(RejectReason::FatFinger);
        }
        let full =
            |found: &Limited| found.limits.orders_max != 0 && found.live_orders >= found.limits.orders_max;
        let too_many = of_scopes().any(|(_, found)| full(found));
        let too_large =
            of_scopes().any(|(scope, found)| self.position_exceeds(w, scope, found.limits.position_max));
        if too_many || too_large { Err(RejectReason::Exposure) } else { Ok(()) }
    }

    /// Price of an order for the notional check; 0 = unknown, passes.
    fn risk_price(&self, w: &Working<'_>) -> u64 {
        if !w.is_market() {
            return w.limit;
        }
        if w.extra.trigger_price != 0 {
            return w.extra.trigger_price.into();
        }
        let instrument = &self.instruments[w.index()];
        if instrument.last_price() != 0 {
            return instrument.last_price().into();
        }
        let contra = !w.is_buy();
        let priced = |queue| {
            let levels = instrument.book.levels(&self.store.pages, contra, queue);
            // Rank 0 is for orders without a price.
            levels.map(|(rank, _)| rank).find(|rank| *rank != 0)
        };
        let best = [Queue::Visible, Queue::Hidden].into_iter().filter_map(priced).min();
        best.map_or(0, |rank| instrument.price(tick_of(contra, rank)))
    }

    fn is_fat_finger(&self, w: &Working<'_>, bps: u32) -> bool {
        let reference = u64::from(self.instruments[w.index()].last_price());
        if bps == 0 || reference == 0 || w.is_market() || w.extra.is_peg {
            return false;
        }
        let width = reference * u64::from(bps) / 10_000;
        if w.is_buy() { w.limit > reference + width } else { w.limit < reference.saturating_sub(width) }
    }

    fn position_exceeds(&self, w: &Working<'_>, scope: Scope, limit: u64) -> bool {
        if limit == 0 {
            return false;
        }
        let exposure = self.risk.exposures.get(&(scope, w.order.instrument)).copied().unwrap_or_default();
        let (held, open) = match w.is_buy() {
            true => (i128::from(exposure.position), exposure.open_buy),
            false => (-i128::from(exposure.position), exposure.open_sell),
        };
        held + i128::from(open) + i128::from(w.order.open) > i128::from(limit)
    }

    /// A live order begins to count, with what is open now.
    #[cold]
    pub(crate) fn count_in(&mut self, slot: Slot) {
        self.count_exposure(slot, true);
        self.count_reserve(slot, 1);
    }

    /// A live order counts no more. What is open must not have changed since it was counted in.
    #[cold]
    pub(crate) fn count_out(&mut self, slot: Slot) {
        self.count_exposure(slot, false);
        self.count_reserve(slot, -1);
    }

    /// Changes what is open of a live order, which counts before and after, if at all.
    #[inline(always)]
    pub(crate) fn recounted<R>(&mut self, slot: Slot, change: impl FnOnce(&mut Self) -> R) -> R {
        let counted = self.is_counted(slot);
        if counted {
            self.count_out(slot);
        }
        let changed = change(self);
        if counted {
            self.count_in(slot);
        }
        changed
    }

    fn count_exposure(&mut self, slot: Slot, counts: bool) {
        let order = *self.store.orders.get(slot);
        if !self.login(order.login).guarded {
            return;
        }
        let open = u64::from(self.open_of(&order));
        for scope in scopes_of(&self.login(order.login).terms) {
            let Some(limited) = self.risk.limits.get_mut(&scope) else { continue };
            let exposure = self.risk.exposures.entry((scope, order.instrument)).or_default();
            let side = if order.side.is_buy() { &mut exposure.open_buy } else { &mut exposure.open_sell };
            if counts {
                limited.live_orders += 1;
                *side += open;
            } else {
                limited.live_orders -= 1;
                *side -= open;
            }
        }
    }

    /// Positions and balances after a match in continuous trading.
    #[cold]
    pub(crate) fn settle_trade(&mut self, resting: &Order, w: &Working<'_>, quantity: u32, price: u64) {
        self.move_position(resting.login, resting.instrument, resting.side.is_buy(), i64::from(quantity));
        self.move_position(w.order.login, w.order.instrument, w.is_buy(), i64::from(quantity));
        if self.instruments[w.index()].watch.any(Watch::BALANCES) {
            let (maker, taker) = self.fees(w.order.instrument, price, quantity);
            self.pay(resting.login, resting.side.is_buy(), w.order.instrument, quantity, price, maker);
            self.pay(w.order.login, w.is_buy(), w.order.instrument, quantity, price, taker);
        }
    }

    /// Positions and balances after a match in an auction: both sides pay the maker's fee.
    pub(crate) fn settle_auctioned(&mut self, index: usize, sides: &[Order; 2], quantity: u32, price: u64) {
        let balances = self.instruments[index].watch.any(Watch::BALANCES);
        for order in sides {
            self.move_position(order.login, order.instrument, order.side.is_buy(), i64::from(quantity));
            if balances {
                let (maker, _) = self.fees(order.instrument, price, quantity);
                self.pay(order.login, order.side.is_buy(), order.instrument, quantity, price, maker);
            }
        }
    }

    /// Takes back what a match has moved in the scopes of then that had limits then.
    pub(crate) fn restore_position(
        &mut self,
        scopes: [Scope; 3],
        instrument: InstrumentId,
        match_number: MatchNumber,
        bought: i64,
    ) {
        for scope in scopes {
            if self.risk.limits.get(&scope).is_some_and(|found| found.since < match_number) {
                self.risk.exposures.entry((scope, instrument)).or_default().position -= bought;
            }
        }
    }

    fn move_position(&mut self, login: LoginId, instrument: InstrumentId, buy: bool, quantity: i64) {
        if !self.login(login).guarded {
            return;
        }
        for scope in scopes_of(&self.login(login).terms) {
            if self.risk.limits.contains_key(&scope) {
                let exposure = self.risk.exposures.entry((scope, instrument)).or_default();
                exposure.position += if buy { quantity } else { -quantity };
            }
        }
    }

    /// Limits in force, by scope.
    pub fn limits_states(&self) -> impl Iterator<Item = LimitsState> + '_ {
        self.risk.limits.iter().map(|(scope, found)| LimitsState {
            scope: *scope,
            limits: found.limits,
            live_orders: found.live_orders,
            tokens: found.tokens,
            tokens_at: found.tokens_at,
            since: found.since,
        })
    }

    /// Positions and open orders of scopes with limits.
    pub fn exposure_states(&self) -> impl Iterator<Item = ExposureState> + '_ {
        let used = self.risk.exposures.iter().filter(|(_, exposure)| **exposure != Exposure::default());
        used.map(|(&(scope, instrument), exposure)| ExposureState {
            scope,
            instrument,
            position: exposure.position,
            open_buy: exposure.open_buy,
            open_sell: exposure.open_sell,
        })
    }

    /// Balances that are not 0.
    pub fn balance_states(&self) -> impl Iterator<Item = BalanceState> + '_ {
        let used = self.risk.balances.iter().filter(|(_, balance)| **balance != Balance::default());
        used.map(|(&(account, asset), balance)| BalanceState {
            account,
            asset,
            available: balance.available,
            reserved: balance.reserved,
        })
    }

    /// Logins, firms and accounts whose kill switch is on.
    pub fn killed_scopes(&self) -> impl Iterator<Item = Scope> + '_ {
        self.risk.killed.iter().copied()
    }

    /// Instruments that are forbidden to somebody.
    pub fn restrictions(&self) -> impl Iterator<Item = (Scope, InstrumentId)> + '_ {
        self.risk.restricted.iter().copied()
    }

    /// Matches that are broken.
    pub fn busted(&self) -> impl Iterator<Item = MatchNumber> + '_ {
        self.risk.busted.iter().copied()
    }
}

/// The account of a login: its own, when none is configured.
pub(crate) fn account_of(terms: &LoginTerms) -> Account {
    if !terms.account.is_blank() {
        return terms.account;
    }
    let mut account = Account::BLANK;
    account.0[..terms.username.0.len()].copy_from_slice(&terms.username.0);
    account
}

/// Login, account, firm: in the order in which they are checked.
pub(crate) fn scopes_of(terms: &LoginTerms) -> [Scope; 3] {
    [Scope::Login(terms.login), Scope::Account(account_of(terms)), Scope::Firm(terms.firm)]
}

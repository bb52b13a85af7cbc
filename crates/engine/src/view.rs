//! Read-only views for replay, for configuration at start, and for tests.

use alloc::vec::Vec;

use ringside_book::{NONE, Queue, Slot};
use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::state::{InstrumentState, LoginState, OrderState, Place, VenueState};
use ringside_domain::{InstrumentId, LoginId, MarketState, NO_EXPIRE_AT, Side, UserRefNum};

use crate::risk::scopes_of;
use crate::special::Extra;
use crate::trade::is_unpriced;
use crate::{Counters, Engine, Instrument, Login};

/// The five lists of an instrument's live orders, in the order of the state hash.
pub(crate) const QUEUES: [(bool, Queue); 4] =
    [(true, Queue::Visible), (false, Queue::Visible), (true, Queue::Hidden), (false, Queue::Hidden)];

impl Login {
    /// The login without its channels.
    pub fn state(&self) -> LoginState {
        LoginState {
            terms: self.terms,
            listed: self.listed,
            connected: self.connected,
            disabled: self.disabled,
            grace_ends_ns: self.grace_ends_ns,
        }
    }
}

impl Engine {
    /// Counters.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Counters.
    pub fn venue_state(&self) -> VenueState {
        self.counters
    }

    /// All instruments ever configured, by id.
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// All logins ever configured, by id.
    pub fn logins(&self) -> &[Login] {
        &self.logins
    }

    /// New orders and replacements a second that a login's scopes let pass, and how many of them at once: the least of each;
    /// `None` without a limit.
    pub fn message_rate(&self, login: LoginId) -> Option<(u32, u32)> {
        let scopes = scopes_of(&self.login_at(login)?.terms);
        let limits = scopes.iter().filter_map(|scope| Some(self.risk.limits.get(scope)?.limits));
        let limited = limits.filter(|limits| limits.rate_per_second != 0);
        let rates = limited.map(|limits| (limits.rate_per_second, limits.burst()));
        rates.reduce(|(rate, burst), other| (rate.min(other.0), burst.min(other.1)))
    }

    /// Orders alive now.
    pub fn live_orders(&self) -> u32 {
        self.store.orders.live()
    }

    /// Best visible price of a side as a wire price.
    pub fn best(&self, instrument: InstrumentId, side: Side) -> Option<u64> {
        let instrument = &self.instruments[instrument.0 as usize - 1];
        instrument.book.best(side).map(|tick| instrument.price(tick))
    }

    /// An instrument that exists, without its orders.
    pub fn instrument_state(&self, instrument: InstrumentId) -> InstrumentState {
        let found = &self.instruments[instrument.0 as usize - 1];
        InstrumentState {
            terms: found.terms,
            listed: found.listed,
            killed: found.killed,
            state: found.state,
            auction: found.auction,
            call_ends_ns: found.call_ends_ns,
            last_price: found.last_price().into(),
            band_reference: found.band_next().into(),
            top_buy: found.top_buy,
            top_sell: found.top_sell,
        }
    }

    /// All instruments, without their orders.
    pub fn instrument_states(&self) -> Vec<InstrumentState> {
        self.instruments.iter().map(|found| self.instrument_state(found.terms.instrument)).collect()
    }

    /// All logins, without their channels.
    pub fn login_states(&self) -> Vec<LoginState> {
        self.logins.iter().map(Login::state).collect()
    }

    /// Channels of a login that were ever used, with their last UserRefNum; channel 0 always.
    pub fn channels(&self, login: LoginId) -> Vec<(u8, UserRefNum)> {
        self.login_at(login).map_or(Vec::new(), |login| login.channels().collect())
    }

    /// Live orders of an instrument: visible buys, visible sells, hidden buys, hidden sells in priority, parked ones by
    /// OrderRefNum.
    pub fn order_states(&self, instrument: InstrumentId) -> [Vec<OrderState>; 5] {
        let mut lists: [Vec<OrderState>; 5] = Default::default();
        let mut at = 0;
        self.for_each_order(instrument, |order| match order {
            Some(order) => lists[at].push(order),
            None => at += 1,
        });
        lists
    }

    /// Tells the five lists one order at a time; `None` ends each.
    pub(crate) fn for_each_order(&self, instrument: InstrumentId, mut tell: impl FnMut(Option<OrderState>)) {
        let found = &self.instruments[instrument.0 as usize - 1];
        for (buy, queue) in QUEUES {
            found.book.slots(&self.store, buy, queue).for_each(|slot| tell(Some(self.order_state(slot))));
            tell(None);
        }
        found.watched.parked.values().for_each(|slot| tell(Some(self.order_state(*slot))));
        tell(None);
    }

    fn order_state(&self, slot: Slot) -> OrderState {
        let order = self.store.orders.get(slot);
        let special = self.special_of(slot);
        let parked = special.is_some_and(|special| special.parked);
        let place = match (parked, order.is_visible()) {
            (true, _) => Place::Parked,
            (false, true) => Place::Visible,
            (false, false) => Place::Hidden,
        };
        let standing = self.instruments[order.instrument.0 as usize - 1].price(order.tick);
        let price = match place {
            Place::Parked => 0,
            _ if is_unpriced(order) => PRICE_MARKET,
            _ => standing,
        };
        let extra = special.map_or(Extra::NONE, |special| special.extra);
        let public_ref = special.map_or(0, |special| special.public_ref);
        OrderState {
            order_ref: order.order_ref,
            public_ref: if public_ref == 0 { order.order_ref } else { public_ref },
            price,
            limit: special.map_or(standing, |special| special.limit),
            ends_at: special.map_or(0, |special| special.ends_at),
            expire_at: extra.expire_at,
            told_price: special.map_or(0, |special| special.told_price),
            login: order.login,
            user_ref_num: order.user_ref_num,
            open: self.open_of(order),
            displayed: if place == Place::Visible { order.open } else { 0 },
            executed: order.executed,
            prevented: order.prevented,
            min_quantity: extra.min_quantity,
            max_floor: extra.max_floor,
            random_reserves: extra.random_reserves,
            discretion_price: extra.discretion_price,
            expire_seconds: extra.expire_seconds,
            trigger_price: extra.trigger_price,
            peg_offset: extra.peg_offset,
            firm: order.firm,
            group_id: order.group_id,
            place,
            user_ref_idx: order.user_ref_idx,
            side: order.side,
            time_in_force: order.letters.time_in_force,
            display: order.letters.display,
            capacity: order.letters.capacity,
            intermarket_sweep: order.letters.intermarket_sweep,
            cross_type: order.letters.cross_type,
            customer_type: order.letters.customer_type,
            post_only: order.letters.post_only,
            price_type: order.letters.price_type,
        }
    }

    /// Checks that books, indices and watches agree. Slow; for tests.
    pub fn assert_consistent(&self) {
        let mut live = 0;
        for instrument in &self.instruments {
            live += self.assert_instrument_consistent(instrument);
        }
        assert_eq!(live, self.store.orders.live(), "Invariant: every live order is somewhere");
        let owned: u32 = self.logins.iter().map(|login| self.assert_login_consistent(login)).sum();
        assert_eq!(owned, live, "Invariant: every live order has an owner");
        assert!(self.touched.is_empty(), "Invariant: nothing is left to settle");
    }

    fn assert_instrument_consistent(&self, instrument: &Instrument) -> u32 {
        let mut live = 0;
        for (buy, queue) in QUEUES {
            for (rank, _) in instrument.book.levels(&self.store.pages, buy, queue) {
                for slot in instrument.book.level_slots(&self.store, buy, queue, rank) {
                    let order = self.store.orders.get(slot);
                    let here = ringside_book::rank_of(buy, order.tick) == rank
                        && order.side.is_buy() == buy
                        && order.is_visible() == (queue == Queue::Visible)
                        && order.instrument == instrument.terms.instrument;
                    assert!(here && order.open > 0, "Invariant: an order stands where its terms say");
                    let parked = self.special_of(slot).is_some_and(|special| special.parked);
                    assert!(!parked, "Invariant: a parked order stands nowhere");
                    live += 1;
                }
            }
        }
        for (order_ref, slot) in &instrument.watched.parked {
            let parked = self.special_of(*slot).is_some_and(|special| special.parked);
            assert!(
                parked && self.store.orders.get(*slot).order_ref == *order_ref,
                "Invariant: parked orders are known by their number"
            );
            live += 1;
        }
        assert_eq!(live, instrument.live_orders, "Invariant: live orders of an instrument are counted");
        if let Some(kept) = &instrument.interest {
            let index = instrument.terms.instrument.0 as usize - 1;
            assert!(**kept == self.gather_interest(index), "Invariant: sums by price follow the book");
        }
        if instrument.state == MarketState::Continuous {
            let [bid, ask] = [true, false].map(|buy| instrument.book.best_rank(buy));
            let apart = bid == u32::MAX
                || ask == u32::MAX
                || ringside_book::tick_of(true, bid) < ringside_book::tick_of(false, ask);
            assert!(apart, "Invariant: a book in continuous trading is not crossed");
        }
        live
    }

    fn assert_login_consistent(&self, login: &Login) -> u32 {
        let mut count = 0;
        for slot in login.slots() {
            let order = self.store.orders.get(slot);
            assert_eq!(order.login, login.terms.login, "Invariant: a login finds its own orders");
            let found = login.find(order.user_ref_idx, order.user_ref_num);
            assert_eq!(found, slot, "Invariant: the index finds it");
            if order.special != NONE {
                let at = self.specials.get(order.special).extra.expire_at;
                assert!(
                    at == NO_EXPIRE_AT || at == 0 || at > self.counters.time_ns,
                    "Invariant: nothing is overdue"
                );
            }
            count += 1;
        }
        assert_eq!(count, login.live_orders, "Invariant: live orders of a login are counted");
        count
    }
}

//! Invariants that hold after every command.

use std::collections::BTreeMap;

use ringside_domain::Asset;
use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::state::Place;

use super::Reference;
use super::checks::is_beyond_collar;
use super::instrument::Instrument;
use super::state::Order;

impl Reference {
    /// Panics when an invariant is broken: every live order is in exactly one place and adds up to what was
    /// entered; a book in continuous trading is not crossed or locked; nothing but deposits and withdrawals changes
    /// the sum of an asset. (Reserves and exposures are summed up from the live orders, they can not be wrong.)
    pub fn check(&self) {
        assert_eq!(self.orders.len(), self.live.len(), "a live order has one name");
        self.orders.values().for_each(check_order);
        self.instruments.values().for_each(|instrument| self.check_instrument(instrument));
        self.check_balances();
    }

    fn check_instrument(&self, instrument: &Instrument) {
        let id = instrument.terms.instrument;
        let queues = [(true, false), (true, true), (false, false), (false, true)];
        let mut queued = 0;
        for (buy, hidden) in queues {
            for order_ref in instrument.book.in_priority(buy, hidden) {
                let order = &self.orders[&order_ref];
                let place = if hidden { Place::Hidden } else { Place::Visible };
                assert_eq!((order.instrument, order.is_buy(), order.place), (id, buy, place), "{order:?}");
                queued += 1;
            }
        }
        let resting = |order: &&Order| order.instrument == id && order.place != Place::Parked;
        assert_eq!(queued, self.orders.values().filter(resting).count(), "a resting order is in one queue");
        self.check_not_crossed(instrument);
    }

    fn check_not_crossed(&self, instrument: &Instrument) {
        let id = instrument.terms.instrument;
        // A collar that came after the orders may keep them from trading.
        let is_beyond = |order: &Order| {
            order.instrument == id
                && order.place != Place::Parked
                && is_beyond_collar(&instrument.terms, order.price)
        };
        if instrument.is_continuous() && !self.orders.values().any(is_beyond) {
            assert!(!instrument.book.is_crossed(), "{} is crossed", instrument.terms.symbol);
        }
    }

    fn check_balances(&self) {
        let mut sums: BTreeMap<Asset, i128> = BTreeMap::new();
        for ((_, asset), amount) in &self.balances {
            *sums.entry(*asset).or_default() += amount;
        }
        for (asset, sum) in sums {
            let deposited = self.deposited.get(&asset).copied().unwrap_or(0);
            assert_eq!(sum, deposited, "{asset}: deposits less withdrawals");
        }
    }
}

fn check_order(order: &Order) {
    assert!(order.open > 0, "a live order is open: {order:?}");
    let accounted = order.executed + order.cancelled + order.prevented + order.open;
    assert_eq!(order.entered, accounted, "shares are lost: {order:?}");
    let shown = match order.place {
        Place::Visible => (1..=order.open).contains(&order.displayed),
        Place::Hidden | Place::Parked => order.displayed == 0,
    };
    assert!(shown, "a slice is out of range: {order:?}");
    match order.place {
        Place::Parked => assert_eq!(order.price, 0, "{order:?}"),
        Place::Visible | Place::Hidden => assert!((1..=PRICE_MARKET).contains(&order.price), "{order:?}"),
    }
}

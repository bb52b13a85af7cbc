//! Pegs (§6): orders whose price follows the best visible orders that are not pegs.

use ringside_domain::limits::{PRICE_MARKET, PRICE_MAX};
use ringside_domain::state::Place;
use ringside_domain::{Fact, InstrumentId, OrderRef};

use super::Reference;
use super::instrument::Instrument;
use super::state::Order;
use super::ticks;

impl Reference {
    /// Prices all pegs anew when a reference has moved or a peg is new. False when there was nothing to do.
    pub(super) fn reprice_pegs(&mut self, id: InstrumentId) -> bool {
        let pegs = self.pegs(id);
        if pegs.is_empty() {
            return false;
        }
        let references = (self.reference(id, true), self.reference(id, false));
        let instrument = self.at_mut(id);
        if instrument.references == references && !instrument.pegs_wait {
            return false;
        }
        (instrument.references, instrument.pegs_wait) = (references, false);
        let moving: Vec<_> = pegs.into_iter().filter(|peg| self.wants_to_move(peg)).collect();
        moving.iter().for_each(|peg| self.leave_place(peg.order_ref()));
        moving.iter().for_each(|peg| self.find_place(peg.order_ref()));
        true
    }

    /// By ascending OrderRef.
    fn pegs(&self, id: InstrumentId) -> Vec<Order> {
        self.watched(id).into_iter().filter(Order::is_peg).collect()
    }

    /// Best price of a side by visible orders that are not pegs.
    fn reference(&self, id: InstrumentId, buy: bool) -> Option<u64> {
        let visible = self.at(id).book.in_priority(buy, false);
        let mut orders = visible.iter().map(|order_ref| &self.orders[order_ref]);
        orders.find(|order| !order.is_peg() && order.is_public()).map(|order| order.price)
    }

    /// Step 1: nothing to do for a peg that stands where it wants to, or waits and still has to.
    fn wants_to_move(&self, peg: &Order) -> bool {
        let wanted = wanted_price(self.at(peg.instrument), peg);
        wanted.unwrap_or(0) != peg.price
    }

    /// Out of the book without a word to its owner, yet alive.
    fn leave_place(&mut self, order_ref: OrderRef) {
        let peg = self.take_out(order_ref);
        self.tell_deleted(&peg);
        self.park(peg);
    }

    /// Step 2: joins the back of the level of its price, or waits when there is none.
    fn find_place(&mut self, order_ref: OrderRef) {
        let mut peg = self.take_out(order_ref);
        let wanted = wanted_price(self.at(peg.instrument), &peg);
        let price = wanted.and_then(|wanted| self.passive(&peg, wanted));
        self.tell_repriced(&mut peg, price.unwrap_or(0));
        match price {
            None => self.park(peg),
            Some(price) => {
                peg.price = price;
                self.join(peg);
            }
        }
    }

    /// The wanted price, or one step on the passive side of the best order it would meet.
    fn passive(&self, peg: &Order, wanted: u64) -> Option<u64> {
        let terms = &self.at(peg.instrument).terms;
        let price = match self.best_contra(peg) {
            Some((best, _)) if peg.is_buy() && wanted >= best => ticks::below(terms, best),
            Some((best, _)) if !peg.is_buy() && wanted <= best => ticks::above(terms, best),
            _ => wanted,
        };
        (1..PRICE_MARKET).contains(&price).then_some(price)
    }

    fn tell_repriced(&mut self, peg: &mut Order, price: u64) {
        if peg.told_price != price {
            peg.told_price = price;
            self.tell(
                peg.login,
                peg.user_ref_idx,
                Fact::Repriced { user_ref_num: peg.user_ref_num(), price },
            );
        }
    }

    /// Continuous trading ends: every peg waits.
    pub(super) fn park_pegs(&mut self, id: InstrumentId) {
        let standing: Vec<OrderRef> = self
            .pegs(id)
            .iter()
            .filter(|peg| peg.place != Place::Parked)
            .map(|peg| peg.order_ref())
            .collect();
        for order_ref in standing {
            let mut peg = self.take_out(order_ref);
            let before = peg;
            self.tell_repriced(&mut peg, 0);
            self.tell_deleted(&before);
            self.park(peg);
        }
    }
}

/// Where a peg wants to stand; `None` when it has to wait.
fn wanted_price(instrument: &Instrument, peg: &Order) -> Option<u64> {
    let (bid, ask) = instrument.references;
    let (own, other) = if peg.is_buy() { (bid, ask) } else { (ask, bid) };
    // Twice the price, because a midpoint may lie between two prices.
    let double = match peg.terms.price_type {
        b'R' => own? * 2,
        b'P' => other? * 2,
        _ => own? + other?,
    };
    let double = double.cast_signed() + 2 * i64::from(peg.terms.peg_offset);
    let price =
        if peg.is_buy() { wanted_bid(instrument, peg, double) } else { wanted_ask(instrument, peg, double) };
    (1..=PRICE_MAX).contains(&price).then_some(price)
}

/// Capped by limit and collar, rounded down, and at most one step below the ask.
fn wanted_bid(instrument: &Instrument, peg: &Order, double: i64) -> u64 {
    let terms = &instrument.terms;
    let collar = if terms.collar_high > 0 { terms.collar_high.into() } else { u64::MAX };
    let limit = if peg.is_market() { u64::MAX } else { peg.limit };
    let price = u64::try_from(double.div_euclid(2)).unwrap_or(0).min(limit).min(collar);
    let price = ticks::at_or_below(terms, price);
    instrument.references.1.map_or(price, |ask| price.min(ticks::below(terms, ask)))
}

/// Capped by limit and collar, rounded up, and at least one step above the bid.
fn wanted_ask(instrument: &Instrument, peg: &Order, double: i64) -> u64 {
    let terms = &instrument.terms;
    let limit = if peg.is_market() { 0 } else { peg.limit };
    // Rounded up: a midpoint between two prices is above the lower one.
    let half = double.div_euclid(2) + double.rem_euclid(2);
    let price = u64::try_from(half).unwrap_or(0).max(limit).max(terms.collar_low.into());
    let price = ticks::at_or_above(terms, price);
    instrument.references.0.map_or(price, |bid| price.max(ticks::above(terms, bid)))
}

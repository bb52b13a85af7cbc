//! Trading (§2, §4): the best price first, the oldest order first at a price, visible before hidden, always at the
//! resting order's price.

use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::{
    Allocation, CancelReason, Fact, InstrumentId, Liquidity, MarketFact, MatchNumber, OrderRef,
};

use super::Reference;
use super::checks::is_beyond_collar;
use super::state::{Fill, Order};

/// Why an incoming order trades no further.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// Nothing of it is left.
    UsedUp,
    /// Nobody is left within its limit.
    Limit,
    /// The next trade would be outside the static collar.
    Collar,
    /// The next trade would be outside the dynamic band: a volatility auction begins.
    Band,
}

impl Reference {
    /// An incoming order in continuous trading: trades, then rests or ends.
    pub(super) fn work(&mut self, mut order: Order) {
        let best = self.best_contra(&order);
        if order.is_post_only() && best.is_some_and(|(price, _)| order.reaches(price)) {
            return self.tell_canceled(&order, order.open, CancelReason::PostOnly);
        }
        if order.execution == b'M' {
            order.limit = best.map_or(PRICE_MARKET, |(price, _)| price);
        }
        let finds_nobody = order.execution == b'M' && best.is_none();
        if finds_nobody || !self.finds_its_minimum(&order) {
            return self.tell_canceled(&order, order.open, CancelReason::Immediate);
        }
        let stop = self.trade(&mut order);
        self.finish(order, stop);
    }

    /// Fill-or-kill and MinQty.
    fn finds_its_minimum(&mut self, order: &Order) -> bool {
        let whole = if order.execution == b'F' { order.open } else { 0 };
        let least = whole.max(order.terms.min_quantity);
        least == 0 || self.reachable(order) >= least
    }

    /// What it would really trade now: it is tried on a copy of the venue.
    fn reachable(&mut self, order: &Order) -> u32 {
        // The copy needs no past: nothing is busted in it.
        let history = std::mem::take(&mut self.history);
        let mut rehearsal = self.clone();
        self.history = history;
        let mut actor = *order;
        rehearsal.trade(&mut actor);
        actor.executed - order.executed
    }

    fn finish(&mut self, mut order: Order, stop: Stop) {
        let instrument = order.instrument;
        if order.open > 0 && (order.is_immediate() || stop == Stop::Collar) {
            let is_held = stop == Stop::Collar || (order.is_market() && stop == Stop::Band);
            let reason = if is_held { CancelReason::Collar } else { CancelReason::Immediate };
            self.tell_canceled(&order, order.open, reason);
        } else if order.open > 0 {
            if order.execution == b'M' {
                let fact = Fact::Repriced { user_ref_num: order.user_ref_num(), price: order.limit };
                self.tell(order.login, order.user_ref_idx, fact);
                order.terms.price = order.limit;
            }
            self.rest(order);
        }
        if stop == Stop::Band {
            self.begin_volatility_auction(instrument);
        }
    }

    /// Trades as far as it goes.
    pub(super) fn trade(&mut self, order: &mut Order) -> Stop {
        loop {
            if order.open == 0 {
                return Stop::UsedUp;
            }
            let Some((price, resting)) = self.best_contra(order).filter(|(price, _)| order.reaches(*price))
            else {
                return Stop::Limit;
            };
            if is_beyond_collar(&self.at(order.instrument).terms, price) {
                return Stop::Collar;
            }
            if self.is_beyond_band(order.instrument, price) {
                return Stop::Band;
            }
            let visible = self.at(order.instrument).book.visible_at(!order.is_buy(), price);
            let is_pro_rata = self.at(order.instrument).terms.allocation == Allocation::ProRata;
            if is_pro_rata && !visible.is_empty() {
                self.share_level(order, price);
            } else {
                self.meet(order, resting);
            }
        }
    }

    /// Best resting order of the other side, visible or hidden.
    pub(super) fn best_contra(&self, order: &Order) -> Option<(u64, OrderRef)> {
        self.at(order.instrument).book.first(!order.is_buy())
    }

    fn is_beyond_band(&self, instrument: InstrumentId, price: u64) -> bool {
        let instrument = self.at(instrument);
        let (reference, bps) = (instrument.band_reference(), u64::from(instrument.terms.band_bps));
        bps > 0 && reference > 0 && price.abs_diff(reference) > reference * bps / 10_000
    }

    /// The incoming order and the resting one that comes first.
    fn meet(&mut self, order: &mut Order, resting: OrderRef) {
        let maker = self.orders[&resting];
        if self.is_self_trade(order, &maker) {
            return self.prevent(order, &maker);
        }
        self.execute(order, resting, order.open.min(maker.at_hand()));
        self.refresh_if_used_up(resting);
    }

    /// One match. What it leaves of a slice of 0 shares is the caller's to refresh.
    pub(super) fn execute(&mut self, taker: &mut Order, resting: OrderRef, quantity: u32) {
        taker.open -= quantity;
        taker.executed += quantity;
        let maker = self.fill(resting, quantity);
        let (price, match_number) = (maker.price, self.count_match(taker.instrument, maker.price, quantity));
        self.tell_executed(&maker, quantity, price, Liquidity::Added);
        self.tell_executed(taker, quantity, price, Liquidity::Removed);
        if maker.is_public() {
            self.tell_public_executed(&maker, quantity, price);
        } else {
            let fact = MarketFact::Traded { match_number, quantity, price, buy: maker.is_buy() };
            self.tell_public(maker.instrument, fact);
        }
        let terms = &self.at(taker.instrument).terms;
        let (maker_ppm, taker_ppm) = (terms.maker_fee_ppm, terms.taker_fee_ppm);
        if taker.is_buy() {
            self.settle_trade((taker, taker_ppm), (&maker, maker_ppm), price, quantity);
        } else {
            self.settle_trade((&maker, maker_ppm), (taker, taker_ppm), price, quantity);
        }
        self.note_fill(taker, &maker, price, quantity);
    }

    /// Takes executed shares off a resting order; it leaves when none is left. Returns it as it was told before:
    /// with its place and public number.
    pub(super) fn fill(&mut self, resting: OrderRef, quantity: u32) -> Order {
        let order = self.order_mut(resting);
        order.open -= quantity;
        order.executed += quantity;
        order.displayed = order.displayed.saturating_sub(quantity);
        let order = *order;
        if order.open == 0 {
            self.take_out(resting);
        }
        order
    }

    pub(super) fn count_match(&mut self, instrument: InstrumentId, price: u64, quantity: u32) -> MatchNumber {
        self.last_match += 1;
        self.volume += u64::from(quantity);
        self.at_mut(instrument).print(price);
        self.last_match
    }

    pub(super) fn note_fill(&mut self, taker: &Order, maker: &Order, price: u64, quantity: u32) {
        self.history.fills.push(Fill {
            taker: (taker.login, taker.user_ref_num()),
            maker: (maker.login, maker.user_ref_num()),
            price,
            quantity,
        });
    }

    pub(super) fn tell_executed(&mut self, order: &Order, quantity: u32, price: u64, liquidity: Liquidity) {
        let match_number = self.last_match;
        let user_ref_num = order.user_ref_num();
        let fact = Fact::Executed { user_ref_num, quantity, price, liquidity, match_number };
        self.tell(order.login, order.user_ref_idx, fact);
    }

    pub(super) fn tell_public_executed(&mut self, order: &Order, quantity: u32, price: u64) {
        if order.is_public() {
            let (public_ref, match_number) = (order.public_ref, self.last_match);
            let fact = MarketFact::Executed { public_ref, quantity, price, match_number };
            self.tell_public(order.instrument, fact);
        }
    }
}

//! States of an instrument (§8): how they change, and what ends or joins when they do.

use ringside_domain::state::Place;
use ringside_domain::{
    AuctionKind, CancelReason, InstrumentId, MarketFact, MarketState, OrderRef, Reason, SetState,
    VenueRefusal,
};

use super::Reference;
use super::instrument::Indicative;
use super::state::Order;

const NS_PER_MS: u64 = 1_000_000;

/// The state that comes, with the words of `SetState`.
type Next = SetState;

impl Reference {
    pub(super) fn set_state(&mut self, next: &Next) -> Result<(), VenueRefusal> {
        self.must_be_listed(next.instrument)?;
        let id = next.instrument;
        let (old, kind) = (self.at(id).state, self.at(id).auction);
        if old == MarketState::Continuous && next.state != old {
            self.park_pegs(id);
        }
        if next.state == MarketState::Continuous {
            if old.is_call() || (old != next.state && self.must_uncross(id)) {
                self.uncross(id);
            }
        } else if old.is_call() && !next.state.is_call() {
            self.cancel_crosses(id, |order| order.terms.cross_type == kind as u8);
        }
        self.begin_state(next);
        Ok(())
    }

    /// The auction of a call that is over, and the state after it.
    pub(super) fn end_call(&mut self, id: InstrumentId) {
        self.uncross(id);
        let state = match self.at(id).auction {
            AuctionKind::Closing => MarketState::Closed,
            AuctionKind::Opening | AuctionKind::Volatility => MarketState::Continuous,
        };
        self.begin_state(&next(id, state, Reason::BLANK));
    }

    pub(super) fn uncross_now(&mut self, id: InstrumentId) -> Result<(), VenueRefusal> {
        self.must_be_listed(id)?;
        if !self.at(id).state.is_call() {
            return Err(VenueRefusal::State);
        }
        self.end_call(id);
        Ok(())
    }

    /// An order would have traded outside the band.
    pub(super) fn begin_volatility_auction(&mut self, id: InstrumentId) {
        self.park_pegs(id);
        let terms = &self.at(id).terms;
        let reason = Reason::new("BAND").expect("Invariant: four letters fit");
        let call = Next {
            auction: AuctionKind::Volatility,
            call_ns: u64::from(terms.volatility_call_ms) * NS_PER_MS,
            random_ns: u64::from(terms.random_end_ms) * NS_PER_MS,
            ..next(id, MarketState::Auction, reason)
        };
        self.begin_state(&call);
    }

    fn begin_state(&mut self, next: &Next) {
        let instrument = self.at_mut(next.instrument);
        if next.state == MarketState::Continuous && instrument.state != next.state {
            instrument.pegs_wait = true;
        }
        (instrument.state, instrument.call_ends_ns) = (next.state, 0);
        if next.state != MarketState::Continuous {
            instrument.prints = None;
        }
        if next.state.is_call() {
            self.begin_call(next);
        }
        let auction = self.at(next.instrument).auction;
        let fact = MarketFact::State { state: next.state, auction, reason: next.reason };
        self.tell_public(next.instrument, fact);
    }

    /// Nothing indicative was told yet; at-close orders join; the end may be known already.
    fn begin_call(&mut self, next: &Next) {
        let instrument = self.at_mut(next.instrument);
        let is_pre_open = next.state == MarketState::PreOpen;
        instrument.auction = if is_pre_open { AuctionKind::Opening } else { next.auction };
        instrument.told = Indicative::default();
        if instrument.is_closing_call() {
            self.join_at_close(next.instrument);
        }
        if next.call_ns > 0 {
            let later = if next.random_ns > 0 { self.draw(u128::from(next.random_ns) + 1) } else { 0 };
            let end = self.time_ns.saturating_add(next.call_ns).saturating_add(later);
            self.at_mut(next.instrument).call_ends_ns = end;
        }
    }

    fn join_at_close(&mut self, id: InstrumentId) {
        let waits = |order: &&Order| {
            order.instrument == id && order.place == Place::Parked && order.terms.cross_type == b'C'
        };
        let waiting: Vec<OrderRef> = self.orders.values().filter(waits).map(Order::order_ref).collect();
        for order_ref in waiting {
            let order = self.take_out(order_ref);
            self.rest(order);
        }
    }

    /// Orders of an auction that is over.
    pub(super) fn cancel_crosses(&mut self, id: InstrumentId, selected: impl Fn(&Order) -> bool) {
        let stays_behind =
            |order: &Order| order.instrument == id && order.place != Place::Parked && order.is_cross();
        self.cancel_all(|order| stays_behind(order) && selected(order), CancelReason::Cross);
    }

    /// Continuous trading never begins with a crossed book or with orders that only an auction takes, also when the
    /// call that gathered them was left for a halt.
    fn must_uncross(&self, id: InstrumentId) -> bool {
        let is_left_over =
            |order: &Order| order.instrument == id && order.place != Place::Parked && order.is_cross();
        self.at(id).book.is_crossed() || self.orders.values().any(is_left_over)
    }
}

/// A state that ends when it is told to.
fn next(instrument: InstrumentId, state: MarketState, reason: Reason) -> Next {
    Next { instrument, state, auction: AuctionKind::Opening, call_ns: 0, random_ns: 0, reason }
}

//! States of an instrument: who may change them, what a change sets off (rules.md §8).

use alloc::vec::Vec;

use ringside_book::Slot;
use ringside_domain::{
    AuctionKind, CancelReason, InstrumentId, MarketFact, MarketState, Reason, SetState, VenueRefusal,
};

use crate::due::What;
use crate::instrument::{Indicative, NO_PRINTS};
use crate::special::is_day;
use crate::view::QUEUES;
use crate::{Engine, Listener, tell_market};

/// Reason of a volatility auction.
const BAND: Reason = ringside_domain::Text(*b"BAND");

impl Engine {
    pub(crate) fn set_state(
        &mut self,
        change: &SetState,
        out: &mut impl Listener,
    ) -> Result<(), VenueRefusal> {
        let index = self.listed(change.instrument)?;
        self.change_state(index, change, out);
        Ok(())
    }

    /// The dynamic band was about to be left: a volatility auction begins.
    #[cold]
    pub(crate) fn interrupt(&mut self, instrument: InstrumentId, out: &mut impl Listener) {
        let index = instrument.0 as usize - 1;
        let terms = &self.instruments[index].terms;
        let change = SetState {
            instrument,
            state: MarketState::Auction,
            auction: AuctionKind::Volatility,
            call_ns: u64::from(terms.volatility_call_ms) * 1_000_000,
            random_ns: u64::from(terms.random_end_ms) * 1_000_000,
            reason: BAND,
        };
        self.change_state(index, &change, out);
    }

    fn change_state(&mut self, index: usize, change: &SetState, out: &mut impl Listener) {
        let old = self.instruments[index].state;
        self.end_of_call_is_off(index);
        if change.state == MarketState::Continuous {
            if old != MarketState::Continuous {
                self.uncross(index, out);
            }
            return self.enter_state(index, MarketState::Continuous, change.reason, out);
        }
        if old == MarketState::Continuous {
            self.park_pegs(index, out);
        }
        if change.state.is_call() {
            self.enter_call(index, change, out)
        } else {
            if old.is_call() {
                let kind = self.instruments[index].auction as u8;
                self.cancel_cross_orders(index, |cross_type| cross_type == kind, out);
            }
            self.enter_state(index, change.state, change.reason, out)
        }
    }

    /// Orders gather. In pre-open the auction to come is the opening.
    fn enter_call(&mut self, index: usize, change: &SetState, out: &mut impl Listener) {
        let is_auction = change.state == MarketState::Auction;
        let kind = if is_auction { change.auction } else { AuctionKind::Opening };
        self.instruments[index].auction = kind;
        if is_auction && kind == AuctionKind::Closing {
            self.join_the_close(index, out);
        }
        self.instruments[index].told = Indicative::default();
        self.enter_state(index, change.state, change.reason, out);
        if change.call_ns > 0 {
            let random_ns =
                if change.random_ns > 0 { self.draw(change.random_ns.saturating_add(1)) } else { 0 };
            let ends = self.counters.time_ns.saturating_add(change.call_ns).saturating_add(random_ns);
            let instrument = &mut self.instruments[index];
            instrument.call_ends_ns = ends;
            let id = instrument.terms.instrument.0;
            self.schedule(ends, What::CallEnds(id), index as u32);
        }
    }

    /// Sets the state and tells it.
    pub(crate) fn enter_state(
        &mut self,
        index: usize,
        state: MarketState,
        reason: Reason,
        out: &mut impl Listener,
    ) {
        let instrument = &mut self.instruments[index];
        instrument.state = state;
        if state != MarketState::Auction {
            instrument.interest = None;
        }
        if state != MarketState::Continuous {
            instrument.prints = NO_PRINTS;
        }
        instrument.rewatch();
        let (id, auction) = (instrument.terms.instrument, instrument.auction);
        tell_market(out, id, MarketFact::State { state, auction, reason });
        self.touch(index);
    }

    /// No end by itself any more.
    pub(crate) fn end_of_call_is_off(&mut self, index: usize) {
        let instrument = &mut self.instruments[index];
        let ends = core::mem::take(&mut instrument.call_ends_ns);
        let id = instrument.terms.instrument.0;
        if ends != 0 {
            self.unschedule(ends, What::CallEnds(id));
        }
    }

    /// At-close orders join the book for the closing auction, by arrival.
    fn join_the_close(&mut self, index: usize, out: &mut impl Listener) {
        let parked = self.instruments[index].watched.parked.values();
        let at_close = |slot: &&Slot| self.store.orders.get(**slot).letters.cross_type == b'C';
        let joining: Vec<Slot> = parked.filter(at_close).copied().collect();
        for slot in joining {
            self.join_from_park(index, slot, out);
        }
    }

    fn join_from_park(&mut self, index: usize, slot: Slot, out: &mut impl Listener) {
        let order = *self.store.orders.get(slot);
        let special = *self.specials.get(order.special);
        let w = crate::working::Working::of_live(&order, &special, slot);
        let tick = self.limit_tick(&w).unwrap_or(ringside_book::market_tick(w.is_buy()));
        let displayed = self.next_slice(&w, w.order.open);
        let kept = self.specials.get_mut(order.special);
        kept.reserve = order.open - displayed;
        kept.parked = false;
        self.instruments[index].watched.parked.remove(&order.order_ref);
        let standing = self.store.orders.get_mut(slot);
        (standing.tick, standing.open) = (tick, displayed);
        self.join(slot);
        self.tell_added(slot, out);
    }

    /// Orders that were for an auction alone, and stand in the book, are over.
    pub(crate) fn cancel_cross_orders(
        &mut self,
        index: usize,
        selected: impl Fn(u8) -> bool,
        out: &mut impl Listener,
    ) {
        let book = &self.instruments[index].book;
        let all = QUEUES.into_iter().flat_map(|(buy, queue)| book.slots(&self.store, buy, queue));
        let crossing = all.filter(|slot| selected(self.store.orders.get(*slot).letters.cross_type));
        let slots = crossing.collect();
        self.cancel_all(slots, CancelReason::Cross, out);
    }

    /// Day orders of all instruments end.
    pub(crate) fn end_of_day(&mut self, out: &mut impl Listener) -> Result<(), VenueRefusal> {
        let slots = self.store.orders.iter().map(|(slot, _)| slot);
        let slots = slots.filter(|slot| is_day(self.special_of(*slot))).collect();
        self.cancel_all(slots, CancelReason::Closed, out);
        Ok(())
    }
}

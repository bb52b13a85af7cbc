//! Pegs: orders whose price follows the market. They never take (rules.md §6).

use alloc::vec::Vec;

use ringside_book::{NO_RANK, Order, Queue, Slot, Tick, rank_of, tick_of};
use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::{Event, Fact, MarketFact};

use crate::instrument::{Instrument, Watch};
use crate::special::Special;
use crate::{Engine, Listener, tell_market};

impl Engine {
    /// Prices all pegs of an instrument anew, if there is a reason to. False: there is none.
    pub(crate) fn move_pegs(&mut self, index: usize, out: &mut impl Listener) -> bool {
        let references = (self.peg_reference(index, true), self.peg_reference(index, false));
        let watched = &mut self.instruments[index].watched;
        if references == watched.peg_references && !watched.peg_added {
            return false;
        }
        (watched.peg_references, watched.peg_added) = (references, false);
        let pegs: Vec<Slot> = watched.pegs.values().copied().collect();
        let mut moving = Vec::new();
        for slot in pegs {
            let wanted = self.wanted(index, slot, references);
            if wanted.unwrap_or(0) != self.standing_price(slot) {
                self.lift_peg(slot, out);
                moving.push((slot, wanted));
            }
        }
        for (slot, wanted) in moving {
            let price = wanted.and_then(|price| self.behind_the_market(index, slot, price));
            self.drop_peg(index, slot, price, out);
        }
        true
    }

    /// Continuous trading ends: no peg has a price.
    pub(crate) fn park_pegs(&mut self, index: usize, out: &mut impl Listener) {
        let pegs: Vec<Slot> = self.instruments[index].watched.pegs.values().copied().collect();
        for slot in pegs {
            if self.standing_price(slot) != 0 {
                let public_ref = self.public_ref(self.store.orders.get(slot));
                self.park_peg(slot);
                self.tell_repriced(slot, 0, out);
                if public_ref != 0 {
                    let instrument = self.store.orders.get(slot).instrument;
                    tell_market(out, instrument, MarketFact::Deleted { public_ref });
                }
            }
        }
        // Whatever the references will be: when trading goes on, all are priced anew.
        self.instruments[index].watched.peg_added = true;
    }

    /// Best price of the visible orders of a side that are not pegs; 0 = none.
    fn peg_reference(&self, index: usize, buy: bool) -> Tick {
        let mut slots = self.instruments[index].book.slots(&self.store, buy, Queue::Visible);
        slots
            .find(|slot| !self.store.orders.get(*slot).is_peg())
            .map_or(0, |slot| self.store.orders.get(slot).tick)
    }

    /// Wire price at which a peg stands; 0 = it is parked.
    fn standing_price(&self, slot: Slot) -> u32 {
        let order = self.store.orders.get(slot);
        match self.specials.get(order.special).parked {
            true => 0,
            // Cannot truncate: below PRICE_MARKET.
            false => self.instruments[order.instrument.0 as usize - 1].price(order.tick) as u32,
        }
    }

    fn wanted(&self, index: usize, slot: Slot, references: (Tick, Tick)) -> Option<u32> {
        let order = self.store.orders.get(slot);
        wanted(&self.instruments[index], order, self.specials.get(order.special), references)
    }

    /// The price, or the next one behind the best order of the other side; `None`: there is none.
    fn behind_the_market(&self, index: usize, slot: Slot, price: u32) -> Option<u32> {
        let instrument = &self.instruments[index];
        let buy = self.store.orders.get(slot).side.is_buy();
        let contra = instrument.book.best_rank(!buy);
        if contra == NO_RANK || contra > rank_of(!buy, instrument.tick_at(price.into())) {
            return Some(price);
        }
        let best = instrument.price(tick_of(!buy, contra)) as i64;
        if buy { instrument.floor(best - 1) } else { instrument.ceil(best + 1) }
    }

    /// Takes a peg from its place; the public is told, its owner not yet.
    fn lift_peg(&mut self, slot: Slot, out: &mut impl Listener) {
        if self.standing_price(slot) != 0 {
            self.tell_deleted(slot, out);
            self.park_peg(slot);
        }
    }

    fn park_peg(&mut self, slot: Slot) {
        self.unplace(slot);
        let order = self.store.orders.get_mut(slot);
        order.tick = 0;
        self.specials.get_mut(order.special).parked = true;
        let watched = &mut self.instruments[order.instrument.0 as usize - 1].watched;
        watched.parked.insert(order.order_ref, slot);
    }

    /// Gives a lifted peg its new place; `None` leaves it parked.
    fn drop_peg(&mut self, index: usize, slot: Slot, price: Option<u32>, out: &mut impl Listener) {
        if let Some(price) = price {
            let instrument = &mut self.instruments[index];
            let order = self.store.orders.get_mut(slot);
            order.tick = instrument.tick_at(price.into());
            instrument.watched.parked.remove(&order.order_ref);
            let pro_rata = instrument.watch.any(Watch::PRO_RATA);
            self.specials.get_mut(order.special).parked = false;
            if pro_rata {
                self.note_top(slot);
            }
            self.place(slot);
        }
        self.tell_repriced(slot, price.unwrap_or(0).into(), out);
        self.tell_added(slot, out);
    }

    /// Tells the owner the price, unless it knows it.
    fn tell_repriced(&mut self, slot: Slot, price: u64, out: &mut impl Listener) {
        let order = self.store.orders.get(slot);
        let special = self.specials.get_mut(order.special);
        if special.told_price != price {
            special.told_price = price;
            let fact = Fact::Repriced { user_ref_num: order.user_ref_num, price };
            out.event(Event { login: order.login, user_ref_idx: order.user_ref_idx, fact });
        }
    }
}

/// The price that a peg should have; `None`: it has to wait.
fn wanted(
    instrument: &Instrument,
    order: &Order,
    special: &Special,
    (bid, ask): (Tick, Tick),
) -> Option<u32> {
    let price_of = |tick: Tick| (tick != 0).then(|| instrument.price(tick) as i64);
    let (bid, ask) = (price_of(bid), price_of(ask));
    let buy = order.side.is_buy();
    let reference = match (order.letters.price_type, buy) {
        (b'R', true) | (b'P', false) => bid?,
        (b'R', false) | (b'P', true) => ask?,
        (_, true) => (bid? + ask?).div_euclid(2),
        (_, false) => (bid? + ask? + 1).div_euclid(2),
    };
    let price = reference + i64::from(special.extra.peg_offset);
    let capped = cap(instrument, special.limit, price, buy);
    let passive = match (buy, bid, ask) {
        (true, _, Some(ask)) => capped.min(ask - 1),
        (false, Some(bid), _) => capped.max(bid + 1),
        _ => capped,
    };
    if passive < 1 || passive >= PRICE_MARKET as i64 {
        return None;
    }
    // Rounded towards the passive side: buys down, sells up.
    if buy { instrument.floor(passive) } else { instrument.ceil(passive) }
}

/// The order's own limit and the collar are never passed.
fn cap(instrument: &Instrument, limit: u64, price: i64, buy: bool) -> i64 {
    let limit = (limit < PRICE_MARKET).then_some(limit as i64);
    let collar = |price: u32| (price != 0).then_some(i64::from(price));
    let bounds = if buy {
        [limit, collar(instrument.terms.collar_high)]
    } else {
        [limit, collar(instrument.terms.collar_low)]
    };
    let bounds = bounds.into_iter().flatten();
    if buy { bounds.fold(price, i64::min) } else { bounds.fold(price, i64::max) }
}

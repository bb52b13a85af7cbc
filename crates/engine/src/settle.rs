//! What a change sets off: discretionary orders take, stops are elected, pegs move, until nothing does (rules.md §10).

use alloc::vec::Vec;

use ringside_book::{NO_RANK, Slot, Tick, limit_rank};
use ringside_domain::{MarketFact, MarketState};

use crate::instrument::{NO_PRINTS, Watch};
use crate::special::Extra;
use crate::work::tell_triggered;
use crate::working::Working;
use crate::{Engine, Listener, tell_market};

impl Engine {
    /// Lets all instruments settle that this command has touched, by ascending id.
    #[cold]
    pub(crate) fn settle_touched(&mut self, out: &mut impl Listener) {
        let mut touched = core::mem::take(&mut self.touched);
        touched.sort_unstable();
        for index in &touched {
            self.settle(*index as usize, out);
            self.indicate(*index as usize, out);
            self.instruments[*index as usize].touched = false;
        }
        touched.clear();
        self.touched = touched;
    }

    /// The same after something that was due. Indicative prices are told once, with the command: `calls` notes whose.
    pub(crate) fn settle_due(&mut self, calls: &mut Vec<u32>, out: &mut impl Listener) {
        let mut touched = core::mem::take(&mut self.touched);
        touched.sort_unstable();
        for index in &touched {
            self.settle(*index as usize, out);
            let instrument = &mut self.instruments[*index as usize];
            instrument.touched = false;
            if instrument.state == MarketState::Auction && calls.last() != Some(index) {
                calls.push(*index);
            }
        }
        touched.clear();
        self.touched = touched;
    }

    fn settle(&mut self, index: usize, out: &mut impl Listener) {
        loop {
            let watch = self.instruments[index].watch;
            if watch.any(Watch::STATE) {
                return;
            }
            let moved = (watch.any(Watch::DISCRETION) && self.take_at_discretion(index, out))
                || (watch.any(Watch::STOPS) && self.elect(index, out))
                || (watch.any(Watch::PEGS) && self.move_pegs(index, out));
            if !moved {
                self.instruments[index].prints = NO_PRINTS;
                return;
            }
        }
    }

    /// One discretionary order takes what it reaches. False: none does.
    fn take_at_discretion(&mut self, index: usize, out: &mut impl Listener) -> bool {
        [true, false].into_iter().any(|buy| self.take_on_side(index, buy, out))
    }

    fn take_on_side(&mut self, index: usize, buy: bool, out: &mut impl Listener) -> bool {
        let instrument = &self.instruments[index];
        let takers =
            if buy { &instrument.watched.buy_discretion } else { &instrument.watched.sell_discretion };
        let best = instrument.book.best_rank(!buy);
        let Some(taker) = best_taker(takers, buy) else { return false };
        let reach = limit_rank(buy, Some(taker.0));
        best != NO_RANK && best <= reach && self.take(taker.1, reach, out)
    }

    /// A resting order acts as an incoming one; what is left of it stays where it stands.
    fn take(&mut self, slot: Slot, reach: u32, out: &mut impl Listener) -> bool {
        let order = *self.store.orders.get(slot);
        let special = *self.specials.get(order.special);
        let mut w = Working::of_live(&order, &special, slot);
        let stopped = self.trade(&mut w, reach, out);
        let taken = order.open - w.order.open;
        if taken > 0 {
            self.shrink_taker(slot, &w, out);
        }
        if stopped == crate::trade::Stopped::Band {
            self.interrupt(order.instrument, out);
            return true;
        }
        taken > 0
    }

    fn shrink_taker(&mut self, slot: Slot, w: &Working<'_>, out: &mut impl Listener) {
        let public_ref = self.public_ref(self.store.orders.get(slot));
        let quantity = self.recounted(slot, |engine| {
            let order = engine.store.orders.get_mut(slot);
            let quantity = order.open - w.order.open;
            (order.open, order.executed, order.prevented) =
                (w.order.open, w.order.executed, w.order.prevented);
            quantity
        });
        if public_ref != 0 {
            let fact = match w.order.open {
                0 => MarketFact::Deleted { public_ref },
                _ => MarketFact::Reduced { public_ref, quantity },
            };
            tell_market(out, w.order.instrument, fact);
        }
        if w.order.open == 0 {
            self.take_out(slot);
        }
    }

    /// One round of elections over the prints since the last one. False: nothing was printed, or nobody waits for it.
    fn elect(&mut self, index: usize, out: &mut impl Listener) -> bool {
        let instrument = &mut self.instruments[index];
        let (low, high) = core::mem::replace(&mut instrument.prints, NO_PRINTS);
        if low > high {
            return false;
        }
        let buys = instrument.watched.buy_stops.range(..=(high, u64::MAX)).map(|(_, slot)| *slot);
        let sells = by_falling_trigger(instrument.watched.sell_stops.range((low, 0)..));
        let elected: Vec<Slot> = buys.chain(sells).collect();
        for slot in &elected {
            self.trigger(*slot, out);
            while self.instruments[index].watch.any(Watch::DISCRETION)
                && !self.instruments[index].watch.any(Watch::STATE)
                && self.take_at_discretion(index, out)
            {}
            if self.instruments[index].watch.any(Watch::STATE) {
                break;
            }
        }
        !elected.is_empty()
    }

    /// A parked stop goes to work. It keeps its slot.
    fn trigger(&mut self, slot: Slot, out: &mut impl Listener) {
        let order = *self.store.orders.get(slot);
        let special = *self.specials.get(order.special);
        self.unwatch_order(slot, &special);
        let w = Working::of_live(&order, &special, slot);
        tell_triggered(&w, out);
        let extra = Extra { trigger_price: 0, ..special.extra };
        self.specials.get_mut(order.special).extra = extra;
        self.execute(&mut w.with_extra(&extra), out);
    }
}

/// Highest price for a buy, lowest for a sale; at one price the oldest.
fn best_taker(takers: &alloc::collections::BTreeMap<(Tick, u64), Slot>, buy: bool) -> Option<(Tick, Slot)> {
    let tick = if buy { takers.last_key_value()?.0.0 } else { takers.first_key_value()?.0.0 };
    takers.range((tick, 0)..=(tick, u64::MAX)).next().map(|(_, slot)| (tick, *slot))
}

/// Triggers descending, at one trigger by arrival.
fn by_falling_trigger<'a>(
    stops: impl Iterator<Item = (&'a (Tick, u64), &'a Slot)>,
) -> impl Iterator<Item = Slot> {
    let mut stops: Vec<(Tick, u64, Slot)> = stops.map(|(key, slot)| (key.0, key.1, *slot)).collect();
    stops.sort_unstable_by_key(|(trigger, order_ref, _)| (core::cmp::Reverse(*trigger), *order_ref));
    stops.into_iter().map(|(_, _, slot)| slot)
}

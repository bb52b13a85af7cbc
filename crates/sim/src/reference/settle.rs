//! Settling (§10): discretion, stops, pegs, until nothing moves; and how a stop begins (§7).

use ringside_domain::state::Place;
use ringside_domain::{Fact, InstrumentId, OrderRef};

use super::Reference;
use super::checks::is_beyond_collar;
use super::matching::Stop;
use super::state::Order;

impl Reference {
    /// After everything that happens each instrument settles and the band moves on; after a command indicative prices
    /// are told, too.
    pub(super) fn settle_all(&mut self, indicative: bool) {
        let ids: Vec<_> = self.instruments.keys().copied().collect();
        for id in ids {
            self.settle(id);
            if indicative {
                self.tell_indicative(id);
            }
            self.at_mut(id).move_band();
        }
    }

    fn settle(&mut self, id: InstrumentId) {
        while self.at(id).is_continuous()
            && (self.use_discretion(id) || self.elect_stops(id) || self.reprice_pegs(id))
        {}
    }

    /// Live orders of the instrument that may move, by ascending OrderRef.
    pub(super) fn watched(&self, id: InstrumentId) -> Vec<Order> {
        self.at(id).book.watched.iter().map(|order_ref| self.orders[order_ref]).collect()
    }

    /// One discretionary order takes; buyers are asked first. False when nobody does.
    fn use_discretion(&mut self, id: InstrumentId) -> bool {
        for buy in [true, false] {
            if let Some(order_ref) = self.keenest(id, buy) {
                self.take(order_ref);
                return true;
            }
        }
        false
    }

    /// The discretionary order of a side that reaches furthest, if it reaches the other side at all and the collar
    /// lets it trade there.
    fn keenest(&self, id: InstrumentId, buy: bool) -> Option<OrderRef> {
        let (price, _) = self.at(id).book.first(!buy)?;
        if is_beyond_collar(&self.at(id).terms, price) {
            return None;
        }
        let orders = self.watched(id).into_iter();
        let able = orders.filter(|order| order.is_discretionary() && order.place != Place::Parked);
        let able = able.filter(|order| order.is_buy() == buy && order.reaches(price));
        let keenest = able.min_by_key(|order| {
            let reach = order.reach();
            (if buy { u64::MAX - reach } else { reach }, order.order_ref())
        });
        keenest.map(|order| order.order_ref())
    }

    /// It is an incoming order at its discretion price; what is left stays where it stood.
    fn take(&mut self, order_ref: OrderRef) {
        let before = self.orders[&order_ref];
        let mut order = before;
        let stop = self.trade(&mut order);
        if order.open == 0 {
            self.take_out(order_ref);
            self.tell_deleted(&before);
        } else {
            if order.place == Place::Visible {
                order.displayed = order.open;
            }
            *self.order_mut(order_ref) = order;
            self.tell_reduced(&order, before.open - order.open);
        }
        if stop == Stop::Band {
            self.begin_volatility_auction(before.instrument);
        }
    }

    /// An accepted stop works at once when the last trade is at or through its trigger; else it waits.
    pub(super) fn place_stop(&mut self, order: Order) {
        let instrument = self.at(order.instrument);
        let last = instrument.last_price();
        if instrument.is_continuous() && last > 0 && is_elected(&order, (last, last)) {
            self.trigger(order);
        } else {
            self.park(order);
        }
    }

    fn trigger(&mut self, mut order: Order) {
        order.trigger_price = 0;
        let fact = Fact::Triggered {
            user_ref_num: order.user_ref_num(),
            price: order.terms.price,
            display: order.terms.display,
            order_ref: order.order_ref(),
        };
        self.tell(order.login, order.user_ref_idx, fact);
        self.work(order);
    }

    /// Stops that the prints since the last election have reached. False when there were no prints.
    fn elect_stops(&mut self, id: InstrumentId) -> bool {
        let Some(prints) = self.at_mut(id).prints.take() else { return false };
        for order_ref in self.elected(id, prints) {
            if !self.at(id).is_continuous() {
                break;
            }
            let order = self.take_out(order_ref);
            self.trigger(order);
            while self.at(id).is_continuous() && self.use_discretion(id) {}
        }
        true
    }

    /// Buyers by trigger from below, then sellers by trigger from above; then by OrderRef.
    fn elected(&self, id: InstrumentId, prints: (u64, u64)) -> Vec<OrderRef> {
        let stops = self.watched(id).into_iter().filter(|order| order.is_stop());
        let mut elected: Vec<_> = stops.filter(|order| is_elected(order, prints)).collect();
        elected.sort_by_key(|order| {
            let trigger = i64::from(order.trigger_price);
            (!order.is_buy(), if order.is_buy() { trigger } else { -trigger }, order.order_ref())
        });
        elected.iter().map(Order::order_ref).collect()
    }
}

fn is_elected(order: &Order, (low, high): (u64, u64)) -> bool {
    let trigger = u64::from(order.trigger_price);
    if order.is_buy() { trigger <= high } else { trigger >= low }
}

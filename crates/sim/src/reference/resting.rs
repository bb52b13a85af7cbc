//! How an order joins and leaves a book, the slices of icebergs, and what the public hears of it (§2, §4).

use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::state::Place;
use ringside_domain::{Allocation, Fact, MarketFact, OrderRef};

use super::Reference;
use super::instrument::is_better;
use super::state::Order;

/// A visible order that left for its replacement, as long as the two can be told as one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving {
    old: OrderRef,
    new: OrderRef,
    /// Where `Deleted` stands among the events.
    event: usize,
}

impl Reference {
    /// An incoming order comes to rest at its limit, in the call of an auction or after trading.
    pub(super) fn rest(&mut self, mut order: Order) {
        order.price = order.limit.min(PRICE_MARKET);
        order.execution = 0;
        order.public_ref = order.order_ref();
        self.join(order);
    }

    /// Joins the back of the level of its price. Market orders in a call are visible orders without a price.
    pub(super) fn join(&mut self, mut order: Order) {
        let hidden = order.terms.display == b'N';
        order.place = if hidden { Place::Hidden } else { Place::Visible };
        order.displayed = if hidden { 0 } else { self.next_slice(&order) };
        self.note_top(&order);
        self.keep(order);
        self.tell_joined(&order);
    }

    /// Waits outside the book.
    pub(super) fn park(&mut self, mut order: Order) {
        (order.place, order.price, order.displayed) = (Place::Parked, 0, 0);
        self.keep(order);
    }

    pub(super) fn keep(&mut self, order: Order) {
        self.at_mut(order.instrument).book.add(&order);
        self.live.insert(order.name(), order.order_ref());
        if order.ends_at > 0 {
            self.ends.insert((order.ends_at, order.order_ref()));
        }
        let before = self.orders.insert(order.order_ref(), order);
        assert!(before.is_none(), "Invariant: OrderRefs are unique");
    }

    /// Takes a live order out of everything without a word.
    pub(super) fn take_out(&mut self, order_ref: OrderRef) -> Order {
        let order = self.orders.remove(&order_ref).expect("Invariant: only live orders are taken out");
        self.at_mut(order.instrument).book.remove(&order);
        self.forget_top(&order);
        self.live.remove(&order.name());
        self.ends.remove(&(order.ends_at, order_ref));
        order
    }

    /// Shares of the next slice; all shares of an order that is no iceberg.
    fn next_slice(&mut self, order: &Order) -> u32 {
        let (floor, random) = (order.terms.max_floor, order.terms.random_reserves);
        if floor == 0 {
            return order.open;
        }
        let lot = self.at(order.instrument).terms.lot;
        let floor = match random {
            0 => floor,
            _ => floor - random + lot * self.draw(u128::from(2 * random / lot + 1)) as u32,
        };
        floor.min(order.open)
    }

    /// A slice was used up: the next one joins the back of the level under a new public number.
    pub(super) fn refresh_if_used_up(&mut self, order_ref: OrderRef) {
        let Some(order) = self.orders.get(&order_ref).copied() else { return };
        if order.place != Place::Visible || order.displayed > 0 {
            return;
        }
        let mut order = self.take_out(order_ref);
        order.public_ref = self.next_order_ref();
        order.displayed = self.next_slice(&order);
        self.keep(order);
        let (user_ref_num, displayed, public_ref) = (order.user_ref_num(), order.displayed, order.public_ref);
        self.tell(order.login, order.user_ref_idx, Fact::Refreshed { user_ref_num, displayed, public_ref });
        self.tell_added(&order);
    }

    /// Pro rata: the order that betters all visible orders of its side is the top order (§14).
    fn note_top(&mut self, order: &Order) {
        let instrument = self.at(order.instrument);
        let is_pro_rata = instrument.terms.allocation == Allocation::ProRata;
        if !is_pro_rata || !instrument.is_continuous() || order.place != Place::Visible {
            return;
        }
        let best = instrument.book.best(order.is_buy(), false);
        if best.is_none_or(|(best, _)| is_better(order.is_buy(), order.price, best)) {
            *self.at_mut(order.instrument).top_mut(order.is_buy()) = order.order_ref();
        }
    }

    fn forget_top(&mut self, order: &Order) {
        let top = self.at_mut(order.instrument).top_mut(order.is_buy());
        if *top == order.order_ref() {
            *top = 0;
        }
    }

    /// The original leaves, and the public may hear of it together with what comes in its place.
    pub(super) fn leave_for(&mut self, old: OrderRef, new: OrderRef) {
        let order = self.take_out(old);
        if order.is_public() {
            let event = self.events.len();
            self.leaving = Some(Leaving { old: order.public_ref, new, event });
            self.tell_deleted(&order);
        }
    }

    /// `Replaced` when the order takes the place of another with nothing told in between, else `Added`.
    fn tell_joined(&mut self, order: &Order) {
        let leaving = self.leaving.filter(|leaving| leaving.new == order.order_ref());
        match leaving.filter(|leaving| leaving.event + 1 == self.events.len() && order.is_public()) {
            None => self.tell_added(order),
            Some(Leaving { old, event, .. }) => {
                self.events.remove(event);
                let (new, quantity, price) = (order.public_ref, order.displayed, order.price);
                self.tell_public(order.instrument, MarketFact::Replaced { old, new, quantity, price });
            }
        }
    }

    pub(super) fn tell_added(&mut self, order: &Order) {
        if order.is_public() {
            let (public_ref, buy) = (order.public_ref, order.is_buy());
            let (quantity, price) = (order.displayed, order.price);
            self.tell_public(order.instrument, MarketFact::Added { public_ref, buy, quantity, price });
        }
    }

    pub(super) fn tell_deleted(&mut self, order: &Order) {
        if order.is_public() {
            self.tell_public(order.instrument, MarketFact::Deleted { public_ref: order.public_ref });
        }
    }

    /// Displayed shares were taken off and some are left.
    pub(super) fn tell_reduced(&mut self, order: &Order, quantity: u32) {
        if order.is_public() && quantity > 0 {
            let public_ref = order.public_ref;
            self.tell_public(order.instrument, MarketFact::Reduced { public_ref, quantity });
        }
    }
}

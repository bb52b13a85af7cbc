//! Price-time priority: the best price trades first, the oldest order first at a price, always at the
//! resting order's price.

use ringside_domain::{CancelReason, Fact, Liquidity, OrderRef};

use super::Reference;
use super::state::{Fill, Order};

impl Reference {
    /// Trades an announced order, then rests or cancels what is left.
    pub(super) fn work(&mut self, mut incoming: Order) {
        assert!(incoming.open > 0, "Invariant: an announced order is open");
        if incoming.terms.post_only == b'P' && self.first_contra(&incoming).is_some() {
            return self.tell_canceled(&incoming, incoming.open, CancelReason::PostOnly);
        }
        while incoming.open > 0 {
            let Some(maker) = self.first_contra(&incoming) else { break };
            self.execute(&mut incoming, maker);
        }
        if incoming.open > 0 {
            self.finish(incoming);
        }
        debug_assert!(!self.books[&incoming.instrument].is_crossed(), "Invariant: book is never crossed");
    }

    fn finish(&mut self, incoming: Order) {
        if incoming.is_immediate() {
            self.tell_canceled(&incoming, incoming.open, CancelReason::Immediate);
        } else {
            self.rest(incoming);
        }
    }

    /// The resting order that the incoming one meets first.
    fn first_contra(&self, incoming: &Order) -> Option<OrderRef> {
        let (price, order_ref) = self.books[&incoming.instrument].first(!incoming.is_buy())?;
        incoming.accepts(price).then_some(order_ref)
    }

    fn execute(&mut self, incoming: &mut Order, maker: OrderRef) {
        let resting = self.order_mut(maker);
        let quantity = incoming.open.min(resting.open);
        for order in [&mut *resting, incoming] {
            order.open -= quantity;
            order.executed += quantity;
        }
        let resting = *resting;
        self.tell_match(incoming, &resting, quantity);
        if resting.open == 0 {
            self.take_out(maker);
        }
    }

    fn tell_match(&mut self, taker: &Order, maker: &Order, quantity: u32) {
        self.last_match_number += 1;
        let price = maker.terms.price;
        self.tell_executed(maker, quantity, price, Liquidity::Added);
        self.tell_executed(taker, quantity, price, Liquidity::Removed);
        self.fills.push(Fill {
            taker: (taker.login, taker.user_ref_num()),
            maker: (maker.login, maker.user_ref_num()),
            price,
            quantity,
        });
    }

    fn tell_executed(&mut self, order: &Order, quantity: u32, price: u64, liquidity: Liquidity) {
        let match_number = self.last_match_number;
        let user_ref_num = order.user_ref_num();
        let fact = Fact::Executed { user_ref_num, quantity, price, liquidity, match_number };
        self.tell(order.login, order.user_ref_idx, fact);
    }

    pub(super) fn rest(&mut self, order: Order) {
        self.books.get_mut(&order.instrument).expect("Invariant: orders have a book").add(&order);
        self.live.insert(order.name(), order.terms.order_ref);
        let before = self.orders.insert(order.terms.order_ref, order);
        assert!(before.is_none(), "Invariant: OrderRefs are unique");
    }

    /// Takes a resting order out of the book without a word.
    pub(super) fn take_out(&mut self, order_ref: OrderRef) -> Order {
        let order = self.orders.remove(&order_ref).expect("Invariant: only resting orders are taken out");
        self.books.get_mut(&order.instrument).expect("Invariant: orders have a book").remove(&order);
        self.live.remove(&order.name());
        order
    }

    pub(super) fn order_mut(&mut self, order_ref: OrderRef) -> &mut Order {
        self.orders.get_mut(&order_ref).expect("Invariant: queues hold resting orders")
    }
}

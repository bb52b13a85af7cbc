//! Self-trade prevention (§5): the mode of the incoming order's login decides what happens when it reaches a
//! resting order of the same configured firm.

use ringside_domain::{Fact, Liquidity, MarketFact, OrderRef, SelfTradePrevention};

use super::Reference;
use super::state::Order;

impl Reference {
    pub(super) fn is_self_trade(&self, incoming: &Order, resting: &Order) -> bool {
        let (taker, maker) = (&self.login(incoming.login).terms, &self.login(resting.login).terms);
        taker.self_trade_prevention != SelfTradePrevention::None && taker.firm == maker.firm
    }

    /// The two meet and must not trade.
    pub(super) fn prevent(&mut self, incoming: &mut Order, resting: &Order) {
        let prevented = incoming.open.min(resting.at_hand());
        let mode = self.login(incoming.login).terms.self_trade_prevention;
        let ends_resting =
            matches!(mode, SelfTradePrevention::CancelOldest | SelfTradePrevention::CancelBoth);
        let ends_incoming =
            matches!(mode, SelfTradePrevention::CancelNewest | SelfTradePrevention::CancelBoth);
        if mode == SelfTradePrevention::Decrement {
            return self.decrement(incoming, resting, prevented);
        }
        if ends_resting {
            self.tell_prevented(resting, resting, resting.open, prevented, Liquidity::Added, mode);
        }
        if ends_incoming {
            let quantity = incoming.open;
            self.tell_prevented(incoming, resting, quantity, prevented, Liquidity::Removed, mode);
            incoming.open = 0;
        }
        if ends_resting {
            self.take_out(resting.order_ref());
            self.tell_deleted(resting);
        }
    }

    fn decrement(&mut self, incoming: &mut Order, resting: &Order, prevented: u32) {
        let mode = SelfTradePrevention::Decrement;
        self.tell_prevented(resting, resting, prevented, prevented, Liquidity::Added, mode);
        self.tell_prevented(incoming, resting, prevented, prevented, Liquidity::Removed, mode);
        incoming.open -= prevented;
        incoming.prevented += prevented;
        let left = self.decrement_resting(resting.order_ref(), prevented);
        if left.displayed > 0 {
            self.tell_reduced(&left, prevented);
        } else if left.is_public() {
            let fact = MarketFact::Deleted { public_ref: left.public_ref };
            self.tell_public(left.instrument, fact);
        }
        self.refresh_if_used_up(left.order_ref());
    }

    fn decrement_resting(&mut self, resting: OrderRef, prevented: u32) -> Order {
        let order = self.order_mut(resting);
        order.open -= prevented;
        order.prevented += prevented;
        order.displayed = order.displayed.saturating_sub(prevented);
        let order = *order;
        if order.open == 0 {
            self.take_out(resting);
        }
        order
    }

    fn tell_prevented(
        &mut self,
        order: &Order,
        resting: &Order,
        quantity: u32,
        prevented: u32,
        liquidity: Liquidity,
        mode: SelfTradePrevention,
    ) {
        let (user_ref_num, price) = (order.user_ref_num(), resting.price);
        let fact = Fact::Prevented { user_ref_num, quantity, prevented, price, liquidity, mode };
        self.tell(order.login, order.user_ref_idx, fact);
    }
}

//! Enter and Replace: how an order comes into force.

use ringside_domain::{
    Accepted, CancelReason, Enter, Fact, Firm, InstrumentId, LoginId, OrderRef, RejectReason, Replace, Side,
};

use super::Reference;
use super::state::Order;

impl Reference {
    pub(super) fn enter(&mut self, login: LoginId, enter: &Enter) {
        let channel = enter.options.user_ref_idx;
        if self.login(login).is_stale(channel, enter.user_ref_num) {
            return;
        }
        self.login_mut(login).consume(channel, enter.user_ref_num);
        match self.reason_to_reject(login, enter) {
            Some(reason) => self.reject(login, enter, reason),
            None => self.accept(login, enter),
        }
    }

    fn reject(&mut self, login: LoginId, enter: &Enter, reason: RejectReason) {
        let (user_ref_num, client_order_id) = (enter.user_ref_num, enter.client_order_id);
        let fact = Fact::Rejected { user_ref_num, reason, client_order_id };
        self.tell(login, enter.options.user_ref_idx, fact);
    }

    fn accept(&mut self, login: LoginId, enter: &Enter) {
        let order_ref = self.next_order_ref();
        let order = Order {
            login,
            user_ref_idx: enter.options.user_ref_idx,
            instrument: self.instrument_of(enter),
            firm: self.firm_of(login, enter.options.firm),
            group_id: enter.options.group_id,
            open: enter.quantity,
            executed: 0,
            terms: accepted(enter, order_ref),
        };
        self.tell(login, order.user_ref_idx, Fact::Accepted(order.terms));
        self.work(order);
    }

    fn instrument_of(&self, enter: &Enter) -> InstrumentId {
        self.instrument(enter.symbol).expect("Invariant: accepted orders name a live instrument").instrument
    }

    /// Blank means the login's own.
    pub(super) fn firm_of(&self, login: LoginId, firm: Firm) -> Firm {
        if firm.is_blank() { self.login(login).terms.firm } else { firm }
    }

    pub(super) fn replace(&mut self, login: LoginId, replace: &Replace) {
        let channel = replace.options.user_ref_idx;
        let Some(original) = self.find(login, channel, replace.original) else { return };
        if self.login(login).is_stale(channel, replace.user_ref_num) {
            return;
        }
        if !self.is_valid_replacement(&original, replace) {
            return self.cancel_whole(original.terms.order_ref, CancelReason::User);
        }
        self.take_out(original.terms.order_ref);
        self.login_mut(login).consume(channel, replace.user_ref_num);
        let order_ref = self.next_order_ref();
        let order = replacement(&original, replace, order_ref);
        self.announce_replacement(&original, &order);
        self.work(order);
    }

    /// Tags 2, 4, 24 and 25 are not allowed on Replaced; what they said lives on in the order.
    fn announce_replacement(&mut self, original: &Order, order: &Order) {
        let terms = Accepted {
            original: original.user_ref_num(),
            customer_type: 0,
            shares_located: 0,
            group_id: 0,
            firm: Firm::BLANK,
            ..order.terms
        };
        let fact = Fact::Accepted(terms);
        self.tell(order.login, order.user_ref_idx, fact);
    }

    fn next_order_ref(&mut self) -> OrderRef {
        self.last_order_ref += 1;
        self.last_order_ref
    }
}

fn accepted(enter: &Enter, order_ref: OrderRef) -> Accepted {
    Accepted {
        original: 0,
        price_type: 0,
        min_quantity: 0,
        max_floor: 0,
        peg_offset: 0,
        discretion_price: 0,
        random_reserves: 0,
        expire_seconds: 0,
        user_ref_num: enter.user_ref_num,
        quantity: enter.quantity,
        price: enter.price,
        order_ref,
        symbol: enter.symbol,
        client_order_id: enter.client_order_id,
        side: Side::from_letter(enter.side).expect("Invariant: accepted orders have a side"),
        time_in_force: enter.time_in_force,
        display: enter.display,
        capacity: enter.capacity,
        intermarket_sweep: enter.intermarket_sweep,
        cross_type: enter.cross_type,
        customer_type: enter.options.customer_type,
        post_only: enter.options.post_only,
        shares_located: enter.options.shares_located,
        group_id: enter.options.group_id,
        firm: enter.options.firm,
    }
}

fn replacement(original: &Order, replace: &Replace, order_ref: OrderRef) -> Order {
    // Cannot underflow because a valid replacement has quantity > executed.
    let open = replace.quantity - original.executed;
    let old = original.terms;
    let kept = |sent: u8, before: u8| if sent == 0 { before } else { sent };
    let terms = Accepted {
        user_ref_num: replace.user_ref_num,
        quantity: open,
        price: replace.price,
        order_ref,
        client_order_id: replace.client_order_id,
        side: replaced_side(old.side, replace.options.side),
        time_in_force: replace.time_in_force,
        display: replace.display,
        intermarket_sweep: replace.intermarket_sweep,
        customer_type: kept(replace.options.customer_type, old.customer_type),
        post_only: kept(replace.options.post_only, old.post_only),
        shares_located: replace.options.shares_located,
        ..old
    };
    Order { open, terms, ..*original }
}

/// A sale may change its letter to another sale's; everything else is ignored.
fn replaced_side(side: Side, letter: u8) -> Side {
    match Side::from_letter(letter) {
        Some(wanted) if wanted.is_buy() == side.is_buy() => wanted,
        _ => side,
    }
}

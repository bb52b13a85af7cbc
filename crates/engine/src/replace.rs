//! Replace: an order in place of a live one. Always a new place in the queue; may trade at once.

use ringside_book::NONE;
use ringside_domain::{CancelReason, Event, Fact, LoginId, Replace, Side};

use crate::enter::{Working, accepted};
use crate::{Engine, Listener};

impl Engine {
    pub(crate) fn replace(&mut self, login: LoginId, replace: &Replace, out: &mut impl Listener) {
        let user_ref_idx = replace.options.user_ref_idx;
        let slot = self.login(login).find(user_ref_idx, replace.original);
        if slot == NONE || self.login(login).is_stale(user_ref_idx, replace.user_ref_num) {
            // The original is dead or the request is a retransmission: nothing is consumed.
            return;
        }
        let original = *self.orders.get(slot);
        if !self.replacement_is_valid(original.instrument, replace, original.executed) {
            return self.cancel_whole(slot, CancelReason::User, out);
        }
        let terms = self.details[slot as usize].terms.replaced_by(replace);
        self.take_out(slot);
        self.login_mut(login).consume(user_ref_idx, replace.user_ref_num);
        let working = Working {
            login,
            user_ref_num: replace.user_ref_num,
            user_ref_idx,
            order_ref: self.next_order_ref(),
            instrument: original.instrument,
            side: replaced_side(original.side, replace.options.side),
            price: replace.price,
            // Cannot underflow: a valid total is above what was executed.
            open: replace.quantity - original.executed,
            executed: original.executed,
            terms,
        };
        let symbol = self.instruments[original.instrument.0 as usize - 1].terms.symbol;
        let mut order = accepted(&working, symbol, replace.client_order_id);
        order.original = replace.original;
        let fact = Fact::Accepted(order);
        out.event(Event { login, user_ref_idx, fact });
        self.work(working, out);
    }
}

/// Tag 27 changes the letter of a sale; a buy stays a buy and a sale a sale.
fn replaced_side(original: Side, letter: u8) -> Side {
    match Side::from_letter(letter) {
        Some(side) if side.is_buy() == original.is_buy() => side,
        _ => original,
    }
}

//! Replace: an order in place of a live one. Always a new place in the queue; may trade at once (rules.md §4).

use ringside_book::NONE;
use ringside_domain::{Accepted, CancelReason, Event, Fact, LoginId, Replace};

use crate::enter::reject;
use crate::special::is_plain;
use crate::working::Working;
use crate::{Engine, Listener};

impl Engine {
    #[inline]
    pub(crate) fn replace(&mut self, login: LoginId, replace: &Replace, out: &mut impl Listener) {
        let user_ref_idx = replace.options.user_ref_idx;
        let state = self.login(login);
        let slot = state.find(user_ref_idx, replace.original);
        if slot == NONE || state.is_stale(user_ref_idx, replace.user_ref_num) {
            // The original is dead or the request is a retransmission: nothing is consumed.
            return;
        }
        let guarded = state.guarded;
        let refused = |engine: &mut Engine, reason, out: &mut _| {
            engine.login_mut(login).consume(user_ref_idx, replace.user_ref_num);
            reject(login, user_ref_idx, replace.user_ref_num, replace.client_order_id, reason, out);
        };
        if guarded && let Err(reason) = self.check_entry(login) {
            return refused(self, reason, out);
        }
        let original = *self.store.orders.get(slot);
        let special = (original.special != NONE).then(|| self.specials.get(original.special));
        let may_trigger = special.is_some_and(|special| special.extra.trigger_price != 0);
        let mut w = Working::of_replace(&original, special, replace, is_plain(&replace.options));
        if !self.replacement_is_valid(&w, replace, may_trigger) {
            return self.cancel_whole(slot, CancelReason::User, out);
        }
        if let Err(reason) = self.check_replacement_permission(slot, &w) {
            return refused(self, reason, out);
        }
        w.replaced = self.public_ref(&original);
        self.take_out(slot);
        self.login_mut(login).consume(user_ref_idx, replace.user_ref_num);
        w.order_ref = self.next_order_ref();
        let symbol = self.instruments[original.instrument.0 as usize - 1].terms.symbol;
        let told = Accepted { original: replace.original, ..w.told(symbol, replace.client_order_id) };
        out.event(Event { login, user_ref_idx, fact: Fact::Accepted(told) });
        self.work(w, out);
    }

    /// State, collar and risk, with the original's share given back first.
    #[inline]
    fn check_replacement_permission(
        &mut self,
        slot: ringside_book::Slot,
        w: &Working,
    ) -> Result<(), ringside_domain::RejectReason> {
        if !self.is_counted(slot) {
            return self.check_permission(w);
        }
        self.count_out(slot);
        let checked = self.check_permission(w);
        self.count_in(slot);
        checked
    }
}

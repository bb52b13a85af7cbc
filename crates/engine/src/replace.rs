//! Replace: an order in place of a live one. Always a new place in the queue; may trade at once (rules.md §4).

use ringside_book::{NONE, Slot};
use ringside_domain::{Accepted, CancelReason, Event, Fact, LoginId, RejectReason, Replace};

use crate::check::NEEDS_PERMISSION;
use crate::enter::reject;
use crate::special::{Extra, is_plain};
use crate::working::{Working, inherited};
use crate::{Engine, Listener};

impl Engine {
    #[inline(never)]
    pub(crate) fn replace(&mut self, login: LoginId, replace: &Replace, out: &mut impl Listener) {
        let slot = self.login(login).find(replace.options.user_ref_idx, replace.original);
        // Of a dead original nothing is consumed.
        if slot != NONE && !self.replace_quietly(login, slot, replace, out) {
            self.replace_with_care(login, slot, replace, out)
        }
    }

    #[inline(never)]
    fn replace_with_care(&mut self, login: LoginId, slot: Slot, replace: &Replace, out: &mut impl Listener) {
        let state = self.login(login);
        if state.is_stale(replace.options.user_ref_idx, replace.user_ref_num) {
            // A retransmission: nothing is consumed.
            return;
        }
        if state.guarded
            && let Err(reason) = self.check_entry(login)
        {
            return self.refuse_replacement(login, replace, reason, out);
        }
        let original = self.store.orders.get(slot);
        if !self.replacement_is_valid(original, replace) {
            return self.cancel_whole(slot, CancelReason::User, out);
        }
        let usual = original.special == NONE
            && original.letters.cross_type == b'N'
            && is_plain(&replace.options)
            && replace.time_in_force != b'6';
        if usual {
            return self.replace_with(slot, replace, &Extra::NONE, true, out);
        }
        self.replace_special(slot, replace, out)
    }

    #[cold]
    #[inline(never)]
    fn replace_special(&mut self, slot: Slot, replace: &Replace, out: &mut impl Listener) {
        let original = self.store.orders.get(slot);
        let old = self.special_of(slot).map_or(Extra::NONE, |special| special.extra);
        let extra = inherited(&old, original, replace);
        let w = Working::of_replace(original, replace, &extra);
        if !self.special_replacement_is_valid(&w, replace, old.trigger_price != 0) {
            return self.cancel_whole(slot, CancelReason::User, out);
        }
        self.replace_with(slot, replace, &extra, extra == Extra::NONE, out)
    }

    /// A valid replacement.
    #[inline(always)]
    fn replace_with(
        &mut self,
        slot: Slot,
        replace: &Replace,
        extra: &Extra,
        plain: bool,
        out: &mut impl Listener,
    ) {
        let original = *self.store.orders.get(slot);
        let login = original.login;
        let instrument = &self.instruments[original.instrument.0 as usize - 1];
        let symbol = instrument.terms.symbol;
        let mut w = Working::of_replace(&original, replace, extra);
        w.plain = plain;
        let unusual = self.login(login).guarded
            || instrument.watch.any(NEEDS_PERMISSION)
            || original.letters.cross_type != b'N'
            || (extra.is_peg && !original.is_peg());
        if unusual && let Err(reason) = self.check_replacement_permission(slot, &w) {
            return self.refuse_replacement(login, replace, reason, out);
        }
        w.replaced = self.public_ref(&original);
        self.take_out(slot);
        self.login_mut(login).consume(original.user_ref_idx, replace.user_ref_num);
        w.order.order_ref = self.next_order_ref();
        let told = Accepted { original: replace.original, ..w.told(symbol, replace.client_order_id) };
        out.event(Event { login, user_ref_idx: original.user_ref_idx, fact: Fact::Accepted(told) });
        self.work(&mut w, out);
    }

    #[cold]
    fn refuse_replacement(
        &mut self,
        login: LoginId,
        replace: &Replace,
        reason: RejectReason,
        out: &mut impl Listener,
    ) {
        let user_ref_idx = replace.options.user_ref_idx;
        self.login_mut(login).consume(user_ref_idx, replace.user_ref_num);
        reject(login, user_ref_idx, replace.user_ref_num, replace.client_order_id, reason, out);
    }

    /// State, collar and risk, with the original's share given back first.
    #[cold]
    fn check_replacement_permission(&mut self, slot: Slot, w: &Working<'_>) -> Result<(), RejectReason> {
        self.recounted(slot, |engine| engine.check_permission(w))?;
        if self.store.orders.get(slot).is_peg() { Ok(()) } else { self.check_room_for_pegs(w) }
    }
}

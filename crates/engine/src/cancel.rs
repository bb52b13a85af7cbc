//! Everything that takes orders off the book without a trade.

use alloc::vec::Vec;

use ringside_book::{NONE, Order, Slot};
use ringside_domain::{
    Cancel, CancelOrders, CancelReason, EntrySwitch, Event, Fact, LoginId, MarketFact, MassCancel,
    MassCancelAccepted, Modify, Scope, Side, VenueRefusal,
};

use crate::special::Special;
use crate::{Engine, Listener, tell_market};

impl Engine {
    #[inline(never)]
    pub(crate) fn cancel(&mut self, login: LoginId, cancel: &Cancel, out: &mut impl Listener) {
        let slot = self.login(login).find(cancel.user_ref_idx, cancel.user_ref_num);
        if slot == NONE {
            return;
        }
        let order = self.store.orders.get(slot);
        let (open, left) = (self.open_of(order), cancel.quantity.saturating_sub(order.executed));
        if left >= open {
            return;
        }
        if left == 0 {
            if !self.cancel_quietly(login, slot, out) {
                self.cancel_whole(slot, CancelReason::User, out);
            }
            return;
        }
        let quantity = open - left;
        let fact = Fact::Canceled { user_ref_num: order.user_ref_num, quantity, reason: CancelReason::User };
        out.event(Event { login, user_ref_idx: order.user_ref_idx, fact });
        self.reduce(slot, quantity, out);
    }

    pub(crate) fn modify(&mut self, login: LoginId, modify: &Modify, out: &mut impl Listener) {
        let slot = self.login(login).find(modify.user_ref_idx, modify.user_ref_num);
        let Some(side) = Side::from_letter(modify.side).filter(|side| !side.is_buy()) else { return };
        if slot == NONE {
            return;
        }
        let order = *self.store.orders.get(slot);
        let (open, left) = (self.open_of(&order), modify.quantity.saturating_sub(order.executed));
        if order.side.is_buy() || left > open {
            return;
        }
        if left == 0 {
            return self.cancel_whole(slot, CancelReason::User, out);
        }
        self.store.orders.get_mut(slot).side = side;
        let fact = Fact::Modified { user_ref_num: order.user_ref_num, side, quantity: left };
        out.event(Event { login, user_ref_idx: order.user_ref_idx, fact });
        if left < open {
            self.reduce(slot, open - left, out);
        }
    }

    /// Takes shares off a live order: the reserve first. It keeps its place.
    fn reduce(&mut self, slot: Slot, by: u32, out: &mut impl Listener) {
        let (shown, instrument) = self.recounted(slot, |engine| {
            let order = engine.store.orders.get_mut(slot);
            let mut shown = by;
            if order.special != NONE {
                let reserve = &mut engine.specials.get_mut(order.special).reserve;
                let hidden = by.min(*reserve);
                *reserve -= hidden;
                shown -= hidden;
            }
            assert!(shown < order.open, "Invariant: a reduction leaves something open");
            order.open -= shown;
            (shown, order.instrument)
        });
        let public_ref = self.public_ref(self.store.orders.get(slot));
        if shown > 0 && public_ref != 0 {
            tell_market(out, instrument, MarketFact::Reduced { public_ref, quantity: shown });
        }
        let index = instrument.0 as usize - 1;
        if self.instruments[index].watch.any(crate::instrument::Watch::SETTLES) {
            if !self.special_of(slot).is_some_and(|special| special.parked) {
                self.interest_shrank(index, slot, by);
            }
            self.touch(index);
        }
    }

    pub(crate) fn mass_cancel(&mut self, login: LoginId, request: &MassCancel, out: &mut impl Listener) {
        let user_ref_idx = request.user_ref_idx.unwrap_or(0);
        if self.login(login).is_stale(user_ref_idx, request.user_ref_num) {
            return;
        }
        self.login_mut(login).consume(user_ref_idx, request.user_ref_num);
        let fact = Fact::MassCancelAccepted(MassCancelAccepted {
            user_ref_num: request.user_ref_num,
            firm: request.firm,
            symbol: request.symbol,
            side: request.side,
            group_id: request.group_id,
        });
        out.event(Event { login, user_ref_idx, fact });
        let firm = if request.firm.is_blank() { self.login(login).terms.firm } else { request.firm };
        let instrument = self.symbols.get(request.symbol);
        let selected = |order: &Order, _: Option<&Special>| {
            order.firm == firm
                && (request.symbol.is_blank() || Some(order.instrument) == instrument)
                && (request.side == 0 || order.side.letter() == request.side)
                && request.group_id.is_none_or(|group| order.group_id == group)
                && request.user_ref_idx.is_none_or(|idx| order.user_ref_idx == idx)
        };
        self.cancel_where_owned(login, CancelReason::User, selected, out);
    }

    pub(crate) fn switch_entry(
        &mut self,
        login: LoginId,
        switch: &EntrySwitch,
        disabled: bool,
        out: &mut impl Listener,
    ) {
        let EntrySwitch { user_ref_num, firm, user_ref_idx } = *switch;
        let state = self.login_mut(login);
        if state.is_stale(user_ref_idx, user_ref_num) {
            return;
        }
        state.consume(user_ref_idx, user_ref_num);
        state.disabled = disabled;
        let fact = match disabled {
            true => Fact::EntryDisabled { user_ref_num, firm },
            false => Fact::EntryEnabled { user_ref_num, firm },
        };
        out.event(Event { login, user_ref_idx, fact });
    }

    /// The venue cancels orders of anybody.
    pub(crate) fn cancel_orders(
        &mut self,
        request: &CancelOrders,
        out: &mut impl Listener,
    ) -> Result<(), VenueRefusal> {
        self.check_scope(request.scope)?;
        if request.instrument.0 != 0 && request.instrument.0 as usize > self.instruments.len() {
            return Err(VenueRefusal::Instrument);
        }
        if !matches!(request.side, 0 | b'B' | b'S') {
            return Err(VenueRefusal::Range);
        }
        let selected = |order: &Order| {
            (request.instrument.0 == 0 || order.instrument == request.instrument)
                && (request.side == 0 || order.side.is_buy() == (request.side == b'B'))
        };
        let slots = self.slots_in_scope(request.scope, selected);
        self.cancel_all(slots, CancelReason::Supervisory, out);
        Ok(())
    }

    /// Live orders in a scope, by nothing in particular.
    pub(crate) fn slots_in_scope(&self, scope: Scope, selected: impl Fn(&Order) -> bool) -> Vec<Slot> {
        let matches = |order: &Order| match scope {
            Scope::Instrument(instrument) => order.instrument == instrument,
            scope => self.is_member(order.login, scope),
        };
        let live = self.store.orders.iter();
        live.filter(|(_, order)| matches(order) && selected(order)).map(|(slot, _)| slot).collect()
    }

    /// Cancels the selected orders of a login by ascending order reference.
    pub(crate) fn cancel_where_owned(
        &mut self,
        login: LoginId,
        reason: CancelReason,
        selected: impl Fn(&Order, Option<&Special>) -> bool,
        out: &mut impl Listener,
    ) {
        let mut slots = core::mem::take(&mut self.scratch);
        let owned = self.login(login).slots();
        slots.extend(owned.filter(|slot| selected(self.store.orders.get(*slot), self.special_of(*slot))));
        self.cancel_all(slots, reason, out);
    }

    /// Cancels orders by ascending order reference.
    pub(crate) fn cancel_all(&mut self, mut slots: Vec<Slot>, reason: CancelReason, out: &mut impl Listener) {
        slots.sort_unstable_by_key(|slot| self.store.orders.get(*slot).order_ref);
        for slot in slots.drain(..) {
            self.cancel_whole(slot, reason, out);
        }
        self.scratch = slots;
    }

    /// Takes a live order out and tells all its open shares.
    #[inline]
    pub(crate) fn cancel_whole(&mut self, slot: Slot, reason: CancelReason, out: &mut impl Listener) {
        let order = self.store.orders.get(slot);
        let (login, user_ref_idx, user_ref_num) = (order.login, order.user_ref_idx, order.user_ref_num);
        let quantity = self.open_of(order);
        let fact = Fact::Canceled { user_ref_num, quantity, reason };
        out.event(Event { login, user_ref_idx, fact });
        self.tell_deleted(slot, out);
        self.take_out(slot);
    }

    pub(crate) fn special_of(&self, slot: Slot) -> Option<&Special> {
        let number = self.store.orders.get(slot).special;
        (number != NONE).then(|| self.specials.get(number))
    }
}

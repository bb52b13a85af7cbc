//! Everything that takes orders off the book without a trade.

use ringside_book::{NONE, Order, Slot};
use ringside_domain::{
    Cancel, CancelReason, EntrySwitch, Event, Fact, LoginId, MassCancel, MassCancelAccepted, Modify, Side,
};

use crate::order::Details;
use crate::{Engine, Listener};

impl Engine {
    pub(crate) fn cancel(&mut self, login: LoginId, cancel: &Cancel, out: &mut impl Listener) {
        let slot = self.login(login).find(cancel.user_ref_idx, cancel.user_ref_num);
        if slot == NONE {
            return;
        }
        let order = *self.orders.get(slot);
        let left = cancel.quantity.saturating_sub(order.executed);
        if left >= order.open {
            return;
        }
        if left == 0 {
            return self.cancel_whole(slot, CancelReason::User, out);
        }
        let quantity = order.open - left;
        self.reduce(slot, quantity);
        let fact = Fact::Canceled { user_ref_num: order.user_ref_num, quantity, reason: CancelReason::User };
        out.event(Event { login, user_ref_idx: order.user_ref_idx, fact });
    }

    pub(crate) fn modify(&mut self, login: LoginId, modify: &Modify, out: &mut impl Listener) {
        let slot = self.login(login).find(modify.user_ref_idx, modify.user_ref_num);
        let Some(side) = Side::from_letter(modify.side).filter(|side| !side.is_buy()) else { return };
        if slot == NONE {
            return;
        }
        let order = *self.orders.get(slot);
        let left = modify.quantity.saturating_sub(order.executed);
        if order.side.is_buy() || left > order.open {
            return;
        }
        if left == 0 {
            return self.cancel_whole(slot, CancelReason::User, out);
        }
        if left < order.open {
            self.reduce(slot, order.open - left);
        }
        self.orders.get_mut(slot).side = side;
        let fact = Fact::Modified { user_ref_num: order.user_ref_num, side, quantity: left };
        out.event(Event { login, user_ref_idx: order.user_ref_idx, fact });
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
        let selected = |order: &Order, details: &Details| {
            details.terms.firm == firm
                && (request.symbol.is_blank() || Some(order.instrument) == instrument)
                && (request.side == 0 || order.side.letter() == request.side)
                && request.group_id.is_none_or(|group| details.terms.group_id == group)
                && request.user_ref_idx.is_none_or(|idx| order.user_ref_idx == idx)
        };
        self.cancel_where(login, CancelReason::User, selected, out);
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

    /// Cancels the selected orders of a login by ascending order reference.
    pub(crate) fn cancel_where(
        &mut self,
        login: LoginId,
        reason: CancelReason,
        selected: impl Fn(&Order, &Details) -> bool,
        out: &mut impl Listener,
    ) {
        let mut slot = self.login(login).first;
        while slot != NONE {
            // Read before the order goes: the list is threaded through it.
            let next = self.details[slot as usize].next;
            if selected(self.orders.get(slot), &self.details[slot as usize]) {
                self.cancel_whole(slot, reason, out);
            }
            slot = next;
        }
    }

    /// Takes a resting order out and tells all its open shares.
    pub(crate) fn cancel_whole(&mut self, slot: Slot, reason: CancelReason, out: &mut impl Listener) {
        let Order { login, user_ref_num, user_ref_idx, open, .. } = *self.orders.get(slot);
        self.take_out(slot);
        out.event(Event {
            login,
            user_ref_idx,
            fact: Fact::Canceled { user_ref_num, quantity: open, reason },
        });
    }

    /// Takes a resting order out of the book, of its login and of the arena.
    pub(crate) fn take_out(&mut self, slot: Slot) {
        let order = *self.orders.get(slot);
        let instrument = &mut self.instruments[order.instrument.0 as usize - 1];
        instrument.book.remove(&mut self.orders, slot);
        instrument.live_orders -= 1;
        let login = &mut self.logins[order.login.0 as usize - 1];
        login.drop_order(&mut self.details, slot, order.user_ref_idx, order.user_ref_num);
        self.orders.remove(slot);
    }

    fn reduce(&mut self, slot: Slot, by: u32) {
        let instrument = self.orders.get(slot).instrument;
        self.instruments[instrument.0 as usize - 1].book.reduce(&mut self.orders, slot, by);
    }
}

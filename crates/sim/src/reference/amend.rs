//! What takes shares off without a trade: cancel, modify, mass cancel, operator, end of day; and the two
//! requests that touch no order (entry switches, account query).

use ringside_domain::{
    Cancel, CancelOrders, CancelReason, EntrySwitch, Fact, InstrumentId, LoginId, MassCancel,
    MassCancelAccepted, Modify, OrderRef, Scope, Side, UserRefNum, VenueRefusal,
};

use super::Reference;
use super::state::Order;

impl Reference {
    pub(super) fn cancel(&mut self, login: LoginId, cancel: &Cancel) {
        let named = self.order_named(login, cancel.user_ref_idx, cancel.user_ref_num);
        let Some(order) = named else { return };
        let left = cancel.quantity.saturating_sub(order.executed);
        if left >= order.open {
            return;
        }
        if left == 0 {
            return self.cancel_whole(order.order_ref(), CancelReason::User);
        }
        self.tell_canceled(&order, order.open - left, CancelReason::User);
        self.reduce(order.order_ref(), left);
    }

    pub(super) fn modify(&mut self, login: LoginId, modify: &Modify) {
        let named = self.order_named(login, modify.user_ref_idx, modify.user_ref_num);
        let Some(order) = named else { return };
        let Some(side) = Side::from_letter(modify.side) else { return };
        let left = modify.quantity.saturating_sub(order.executed);
        if order.is_buy() || side.is_buy() || left > order.open {
            return;
        }
        if left == 0 {
            return self.cancel_whole(order.order_ref(), CancelReason::User);
        }
        self.order_mut(order.order_ref()).terms.side = side;
        let fact = Fact::Modified { user_ref_num: modify.user_ref_num, side, quantity: left };
        self.tell(login, modify.user_ref_idx, fact);
        self.reduce(order.order_ref(), left);
    }

    /// `left` shares stay open, in their place; the reserve goes first.
    fn reduce(&mut self, order_ref: OrderRef, left: u32) {
        let order = self.order_mut(order_ref);
        let hidden_now = order.displayed.saturating_sub(left);
        order.cancelled += order.open - left;
        order.open = left;
        order.displayed -= hidden_now;
        let order = *order;
        self.tell_reduced(&order, hidden_now);
    }

    pub(super) fn mass_cancel(&mut self, login: LoginId, request: &MassCancel) {
        let channel = request.user_ref_idx.unwrap_or(0);
        if !self.consume_fresh(login, channel, request.user_ref_num) {
            return;
        }
        self.tell(login, channel, Fact::MassCancelAccepted(echo(request)));
        let firm = self.firm_of(login, request.firm);
        let selected = |order: &Order| order.login == login && order.firm == firm && selects(request, order);
        self.cancel_all(selected, CancelReason::User);
    }

    pub(super) fn disable_entry(&mut self, login: LoginId, switch: &EntrySwitch) {
        if self.consume_fresh(login, switch.user_ref_idx, switch.user_ref_num) {
            self.login_mut(login).disabled = true;
            let fact = Fact::EntryDisabled { user_ref_num: switch.user_ref_num, firm: switch.firm };
            self.tell(login, switch.user_ref_idx, fact);
        }
    }

    pub(super) fn enable_entry(&mut self, login: LoginId, switch: &EntrySwitch) {
        if self.consume_fresh(login, switch.user_ref_idx, switch.user_ref_num) {
            self.login_mut(login).disabled = false;
            let fact = Fact::EntryEnabled { user_ref_num: switch.user_ref_num, firm: switch.firm };
            self.tell(login, switch.user_ref_idx, fact);
        }
    }

    pub(super) fn account_query(&mut self, login: LoginId, user_ref_idx: u8) {
        let user_ref_num = self.login(login).last(user_ref_idx).saturating_add(1);
        self.tell(login, user_ref_idx, Fact::NextUserRefNum { user_ref_num });
    }

    /// Day orders of all instruments end.
    pub(super) fn end_of_day(&mut self) {
        self.cancel_all(|order| !order.outlives_the_day(), CancelReason::Closed);
    }

    /// The operator's cancel.
    pub(super) fn cancel_orders(&mut self, request: &CancelOrders) -> Result<(), VenueRefusal> {
        self.must_exist(request.scope)?;
        if request.instrument != InstrumentId(0) {
            self.must_exist(Scope::Instrument(request.instrument))?;
        }
        if ![0, b'B', b'S'].contains(&request.side) {
            return Err(VenueRefusal::Range);
        }
        self.cancel_scope(request.scope, |order| {
            (request.instrument == InstrumentId(0) || order.instrument == request.instrument)
                && (request.side == 0 || order.is_buy() == (request.side == b'B'))
        });
        Ok(())
    }

    /// Cancels what is selected in a scope, for the venue.
    pub(super) fn cancel_scope(&mut self, scope: Scope, selected: impl Fn(&Order) -> bool) {
        let members: Vec<_> = self.orders.values().filter(|order| self.is_in(scope, order)).collect();
        let doomed: Vec<_> =
            members.into_iter().filter(|order| selected(order)).map(Order::order_ref).collect();
        self.cancel_all(|order| doomed.contains(&order.order_ref()), CancelReason::Supervisory);
    }

    /// False when the UserRefNum is stale.
    fn consume_fresh(&mut self, login: LoginId, user_ref_idx: u8, user_ref_num: UserRefNum) -> bool {
        let login = self.login_mut(login);
        let fresh = !login.is_stale(user_ref_idx, user_ref_num);
        if fresh {
            login.consume(user_ref_idx, user_ref_num);
        }
        fresh
    }

    /// Cancels everything selected by ascending OrderRef.
    pub(super) fn cancel_all(&mut self, selected: impl Fn(&Order) -> bool, reason: CancelReason) {
        let doomed: Vec<_> =
            self.orders.values().filter(|order| selected(order)).map(Order::order_ref).collect();
        for order_ref in doomed {
            self.cancel_whole(order_ref, reason);
        }
    }

    pub(super) fn cancel_whole(&mut self, order_ref: OrderRef, reason: CancelReason) {
        let order = self.take_out(order_ref);
        self.tell_canceled(&order, order.open, reason);
        self.tell_deleted(&order);
    }

    pub(super) fn tell_canceled(&mut self, order: &Order, quantity: u32, reason: CancelReason) {
        debug_assert!(quantity > 0, "Invariant: a cancel takes something off");
        let fact = Fact::Canceled { user_ref_num: order.user_ref_num(), quantity, reason };
        self.tell(order.login, order.user_ref_idx, fact);
    }
}

/// Every filter but the firm's.
fn selects(request: &MassCancel, order: &Order) -> bool {
    (request.symbol.is_blank() || order.terms.symbol == request.symbol)
        && (request.side == 0 || order.terms.side.letter() == request.side)
        && request.group_id.is_none_or(|group_id| order.group_id == group_id)
        && request.user_ref_idx.is_none_or(|user_ref_idx| order.user_ref_idx == user_ref_idx)
}

fn echo(request: &MassCancel) -> MassCancelAccepted {
    MassCancelAccepted {
        user_ref_num: request.user_ref_num,
        firm: request.firm,
        symbol: request.symbol,
        side: request.side,
        group_id: request.group_id,
    }
}

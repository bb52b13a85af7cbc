//! Who is connected, cancel on disconnect (§11), and the roll of the session (§18).

use ringside_domain::limits::USER_REF_IDX_CARRIED;
use ringside_domain::{Accepted, CancelReason, ClientOrderId, Fact, Firm, LoginId, OrderRef};

use super::Reference;
use super::state::Order;

impl Reference {
    pub(super) fn connect(&mut self, login: LoginId) {
        let login = self.login_mut(login);
        (login.connected, login.grace_ends_ns) = (true, 0);
    }

    pub(super) fn disconnect(&mut self, id: LoginId) {
        let now = self.time_ns;
        let login = self.login_mut(id);
        (login.connected, login.grace_ends_ns) = (false, 0);
        match login.terms.disconnect_grace_ms {
            0 => self.cancel_for_absence(id),
            grace_ms if login.terms.cancel_on_disconnect => {
                login.grace_ends_ns = now.saturating_add(u64::from(grace_ms) * 1_000_000);
            }
            _ => {}
        }
    }

    pub(super) fn cancel_for_absence(&mut self, id: LoginId) {
        self.login_mut(id).grace_ends_ns = 0;
        if self.login(id).terms.cancel_on_disconnect {
            let doomed = |order: &Order| order.login == id && !order.outlives_the_day();
            self.cancel_all(doomed, CancelReason::Supervisory);
        }
    }

    /// Day orders end, everybody is away, UserRefNums start again; what is left is told under new names.
    pub(super) fn roll_session(&mut self) {
        self.end_of_day();
        self.session = self.session.saturating_add(1);
        for login in self.logins.values_mut() {
            (login.connected, login.grace_ends_ns) = (false, 0);
            login.channels.clear();
        }
        self.live.clear();
        self.tell(LoginId::VENUE, 0, Fact::SessionBegan(self.session));
        let carried: Vec<OrderRef> = self.orders.keys().copied().collect();
        carried.into_iter().for_each(|order_ref| self.carry(order_ref));
    }

    fn carry(&mut self, order_ref: OrderRef) {
        let id = self.orders[&order_ref].login;
        let user_ref_num = self.login(id).last(USER_REF_IDX_CARRIED) + 1;
        self.login_mut(id).consume(USER_REF_IDX_CARRIED, user_ref_num);
        let own_firm = self.login(id).terms.firm;
        let order = self.order_mut(order_ref);
        order.user_ref_idx = USER_REF_IDX_CARRIED;
        order.terms = Accepted {
            original: 0,
            user_ref_num,
            quantity: order.open,
            client_order_id: ClientOrderId::BLANK,
            firm: if order.firm == own_firm { Firm::BLANK } else { order.firm },
            group_id: order.group_id,
            shares_located: 0,
            ..order.terms
        };
        (order.executed, order.prevented, order.cancelled, order.entered) = (0, 0, 0, order.open);
        let (name, terms) = (order.name(), order.terms);
        self.live.insert(name, order_ref);
        self.tell(id, USER_REF_IDX_CARRIED, Fact::Accepted(terms));
    }
}

//! A new order: accepted or refused, then put to work.

use ringside_domain::{Accepted, ClientOrderId, Enter, Event, Fact, LoginId, RejectReason, UserRefNum};

use crate::special::{Extra, is_plain};
use crate::working::Working;
use crate::{Engine, Listener};

impl Engine {
    #[inline(never)]
    pub(crate) fn enter(&mut self, login: LoginId, enter: &Enter, out: &mut impl Listener) {
        if !self.enter_quietly(login, enter, out) {
            self.enter_with_care(login, enter, out)
        }
    }

    #[inline(never)]
    fn enter_with_care(&mut self, login: LoginId, enter: &Enter, out: &mut impl Listener) {
        let user_ref_idx = enter.options.user_ref_idx;
        let state = self.login_mut(login);
        if state.is_stale(user_ref_idx, enter.user_ref_num) {
            return;
        }
        state.consume(user_ref_idx, enter.user_ref_num);
        if is_plain(&enter.options) {
            self.enter_checked(login, enter, &Extra::NONE, true, out)
        } else {
            self.enter_special(login, enter, out)
        }
    }

    #[cold]
    #[inline(never)]
    fn enter_special(&mut self, login: LoginId, enter: &Enter, out: &mut impl Listener) {
        let extra = Extra::of(&enter.options);
        self.enter_checked(login, enter, &extra, false, out)
    }

    /// `plain`: nothing in the options.
    #[inline(always)]
    fn enter_checked(
        &mut self,
        login: LoginId,
        enter: &Enter,
        extra: &Extra,
        plain: bool,
        out: &mut impl Listener,
    ) {
        let user_ref_idx = enter.options.user_ref_idx;
        match self.check_enter(login, enter, extra, plain) {
            Ok((side, instrument)) => {
                let order_ref = self.next_order_ref();
                let who = (login, self.login(login).terms.firm);
                let mut w = Working::of_enter(who, instrument, side, order_ref, enter, extra);
                w.plain = plain || *extra == Extra::NONE;
                out.event(Event { login, user_ref_idx, fact: Fact::Accepted(accepted(&w, enter)) });
                self.work(&mut w, out);
            }
            Err(reason) => {
                reject(login, user_ref_idx, enter.user_ref_num, enter.client_order_id, reason, out)
            }
        }
    }
}

/// Tells a refusal. The UserRefNum is consumed.
#[cold]
pub(crate) fn reject(
    login: LoginId,
    user_ref_idx: u8,
    user_ref_num: UserRefNum,
    client_order_id: ClientOrderId,
    reason: RejectReason,
    out: &mut impl Listener,
) {
    out.event(Event { login, user_ref_idx, fact: Fact::Rejected { user_ref_num, reason, client_order_id } });
}

#[inline(always)]
fn accepted(w: &Working<'_>, enter: &Enter) -> Accepted {
    Accepted {
        customer_type: enter.options.customer_type,
        shares_located: enter.options.shares_located,
        group_id: enter.options.group_id,
        firm: enter.options.firm,
        peg_offset: enter.options.peg_offset,
        discretion_price: enter.options.discretion_price,
        random_reserves: enter.options.random_reserves,
        ..w.told(enter.symbol, enter.client_order_id)
    }
}

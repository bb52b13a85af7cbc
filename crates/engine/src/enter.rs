//! A new order: accepted or refused, then put to work.

use ringside_domain::{Accepted, ClientOrderId, Enter, Event, Fact, LoginId, RejectReason, UserRefNum};

use crate::working::Working;
use crate::{Engine, Listener};

impl Engine {
    #[inline]
    pub(crate) fn enter(&mut self, login: LoginId, enter: &Enter, out: &mut impl Listener) {
        let user_ref_idx = enter.options.user_ref_idx;
        let state = self.login_mut(login);
        if state.is_stale(user_ref_idx, enter.user_ref_num) {
            return;
        }
        state.consume(user_ref_idx, enter.user_ref_num);
        match self.check_enter(login, enter) {
            Ok(mut w) => {
                w.order_ref = self.next_order_ref();
                out.event(Event { login, user_ref_idx, fact: Fact::Accepted(accepted(&w, enter)) });
                self.work(w, out);
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

#[inline]
fn accepted(w: &Working, enter: &Enter) -> Accepted {
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

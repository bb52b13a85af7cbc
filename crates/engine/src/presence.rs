//! Who is connected, and what happens to the orders of those who are not (cancel on disconnect, rules.md §11).

use ringside_book::Order;
use ringside_domain::{CancelReason, LoginId};

use crate::due::What;
use crate::special::{Special, is_day};
use crate::{Engine, Listener};

const NS_PER_MS: u64 = 1_000_000;

impl Engine {
    /// Whoever comes back in time keeps all orders.
    pub(crate) fn connect(&mut self, login: LoginId) {
        self.end_grace(login);
        self.login_mut(login).connected = true;
    }

    pub(crate) fn disconnect(&mut self, login: LoginId, out: &mut impl Listener) {
        self.end_grace(login);
        let now = self.counters.time_ns;
        let state = self.login_mut(login);
        state.connected = false;
        if !state.terms.cancel_on_disconnect {
            return;
        }
        match u64::from(state.terms.disconnect_grace_ms) {
            0 => self.cancel_for_absence(login, out),
            grace_ms => {
                let ends = now.saturating_add(grace_ms * NS_PER_MS);
                state.grace_ends_ns = ends;
                self.schedule(ends, What::Absence(login.0), login.0 - 1);
            }
        }
    }

    /// The time to come back is over.
    pub(crate) fn grace_is_over(&mut self, index: usize, out: &mut impl Listener) {
        let state = &mut self.logins[index];
        state.grace_ends_ns = 0;
        // The terms may have changed meanwhile: those in force count.
        if state.terms.cancel_on_disconnect {
            let login = state.terms.login;
            self.cancel_for_absence(login, out);
        }
    }

    /// Nothing is waited for any more.
    pub(crate) fn end_grace(&mut self, login: LoginId) {
        let ends = core::mem::take(&mut self.login_mut(login).grace_ends_ns);
        if ends != 0 {
            self.unschedule(ends, What::Absence(login.0));
        }
    }

    /// Good till cancelled and good till date outlive the connection.
    fn cancel_for_absence(&mut self, login: LoginId, out: &mut impl Listener) {
        let selected = |_: &Order, special: Option<&Special>| is_day(special);
        self.cancel_where_owned(login, CancelReason::Supervisory, selected, out);
    }
}

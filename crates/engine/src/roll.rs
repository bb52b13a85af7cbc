//! The roll: one SoupBinTCP session ends, the next one begins (rules.md §18).
//!
//! Refuses to know: connections and streams. Whoever keeps those is told by [`Fact::SessionBegan`] where the one ends and the
//! other begins.

use alloc::vec::Vec;

use ringside_book::Slot;
use ringside_domain::limits::USER_REF_IDX_CARRIED;
use ringside_domain::{Accepted, ClientOrderId, Event, Fact, Firm, LoginId, VenueRefusal};

use crate::working::Working;
use crate::{Engine, Listener};

impl Engine {
    /// Day orders end in the old session. In the new one everybody is away, every UserRefNum is free, and what was carried
    /// over is told first.
    #[cold]
    pub(crate) fn roll_session(&mut self, out: &mut impl Listener) -> Result<(), VenueRefusal> {
        self.end_of_day(out)?;
        // Saturates in eleven million years of daily rolls.
        self.counters.session = self.counters.session.saturating_add(1);
        for index in 0..self.logins.len() as u32 {
            self.end_grace(LoginId(index + 1));
            self.logins[index as usize].begin_session();
        }
        let fact = Fact::SessionBegan(self.counters.session);
        out.event(Event { login: LoginId::VENUE, user_ref_idx: 0, fact });
        self.carry_orders(out);
        Ok(())
    }

    /// What is left gets new names, by ascending OrderRefNum.
    fn carry_orders(&mut self, out: &mut impl Listener) {
        let mut slots: Vec<Slot> = self.store.orders.iter().map(|(slot, _)| slot).collect();
        slots.sort_unstable_by_key(|slot| self.store.orders.get(*slot).order_ref);
        for slot in slots {
            let login = self.store.orders.get(slot).login;
            let user_ref_num = self.login_mut(login).carry(slot);
            let order = self.store.orders.get_mut(slot);
            (order.user_ref_idx, order.user_ref_num) = (USER_REF_IDX_CARRIED, user_ref_num);
            // Totals count what the new session knows of.
            (order.executed, order.prevented) = (0, 0);
            let fact = Fact::Accepted(self.carried(slot));
            out.event(Event { login, user_ref_idx: USER_REF_IDX_CARRIED, fact });
        }
    }

    /// The order as its owner is told of it again. Labels are not kept: the OrderRefNum says which one it is.
    fn carried(&self, slot: Slot) -> Accepted {
        let order = self.store.orders.get(slot);
        let special = self.special_of(slot).expect("Invariant: what outlives the day has tag 128");
        let w = Working::of_live(order, special, slot);
        let own_firm = self.login(order.login).terms.firm;
        let symbol = self.instruments[w.index()].terms.symbol;
        Accepted {
            customer_type: order.letters.customer_type,
            group_id: order.group_id,
            firm: if order.firm == own_firm { Firm::BLANK } else { order.firm },
            peg_offset: w.extra.peg_offset,
            discretion_price: w.extra.discretion_price,
            random_reserves: w.extra.random_reserves,
            ..w.told(symbol, ClientOrderId::BLANK)
        }
    }
}

//! Random actions of one client.

use ringside_domain::{
    AccountQuery, Action, Cancel, Enter, EntrySwitch, Firm, InstrumentTerms, LoginId, MassCancel, Modify,
    OrderOptions, Replace, Symbol, Text, UserRefNum,
};

use super::RandomFlow;
use crate::reference::Order;

impl RandomFlow {
    pub(super) fn client_action(&mut self, login: LoginId) -> Action {
        match self.prng.below(1_000) {
            0..=549 => Action::Enter(self.enter(login)),
            550..=719 => Action::Replace(self.replace(login)),
            720..=859 => Action::Cancel(self.cancel(login)),
            860..=919 => Action::Modify(self.modify(login)),
            920..=927 => Action::MassCancel(self.mass_cancel(login)),
            928..=932 => Action::DisableEntry(self.switch(login)),
            933..=966 => Action::EnableEntry(self.switch(login)),
            967..=995 => Action::AccountQuery(AccountQuery { user_ref_idx: self.channel() }),
            _ => Action::Disconnect,
        }
    }

    fn enter(&mut self, login: LoginId) -> Enter {
        let terms = self.any_instrument();
        let (user_ref_idx, side) = (self.channel(), self.letter(b"BBBBSSTE"));
        Enter {
            user_ref_num: self.fresh(login, user_ref_idx),
            quantity: self.quantity(&terms),
            price: self.price(&terms, side == b'B'),
            symbol: self.symbol_of(&terms),
            client_order_id: self.label(),
            side,
            time_in_force: self.letter(b"00000335E"),
            display: self.usually(b'Y', b"YYAAN"),
            capacity: self.usually(b'P', b"APRO"),
            intermarket_sweep: self.usually(b'N', b"YN"),
            cross_type: if self.prng.chance(99) { b'N' } else { self.letter(b"OCHSREA") },
            options: self.options(user_ref_idx),
        }
    }

    fn symbol_of(&mut self, terms: &InstrumentTerms) -> Symbol {
        if self.prng.chance(99) { terms.symbol } else { Text(*b"NOWHERE ") }
    }

    /// UserRefNum, channel and terms of a target, and what lives there if anything does.
    fn target(&mut self, login: LoginId) -> (UserRefNum, u8, Option<Order>) {
        match self.any_order(login) {
            Some(order) if self.prng.chance(95) => (order.user_ref_num(), order.user_ref_idx, Some(order)),
            _ => {
                let user_ref_idx = self.channel();
                let last = self.reference.last_user_ref_num(login, user_ref_idx);
                (self.stale(last.saturating_add(1)), user_ref_idx, None)
            }
        }
    }

    /// An intended total around what the order has: nothing, executed, part, all, more.
    fn total(&mut self, order: Option<Order>) -> u32 {
        let Some(order) = order else { return self.prng.below(200) as u32 };
        let (open, executed) = (order.open, order.executed);
        match self.prng.below(8) {
            0 => 0,
            1 => executed,
            2 => executed + open,
            3 => executed + open + 1,
            4 => executed.saturating_sub(1),
            _ => executed + self.prng.below(u64::from(open) + 1) as u32,
        }
    }

    fn replace(&mut self, login: LoginId) -> Replace {
        let (original, user_ref_idx, order) = self.target(login);
        let terms = self.terms_of(order.as_ref());
        let buy = order.is_some_and(|order| order.terms.side.is_buy());
        let in_lots = self.quantity(&terms);
        let chained = order.map_or(0, |order| order.executed.next_multiple_of(terms.lot));
        let quantity = if self.prng.chance(80) { in_lots.saturating_add(chained) } else { self.total(order) };
        Replace {
            original,
            user_ref_num: self.fresh(login, user_ref_idx),
            quantity,
            price: self.price(&terms, buy),
            client_order_id: self.label(),
            time_in_force: if self.prng.chance(95) { b'0' } else { self.letter(b"356") },
            display: self.usually(b'Y', b"YYYAAN"),
            intermarket_sweep: self.usually(b'N', b"YN"),
            options: self.replace_options(user_ref_idx),
        }
    }

    /// Without the tags that `wire` never lets through on a Replace.
    fn replace_options(&mut self, user_ref_idx: u8) -> OrderOptions {
        let side = self.usually(0, b"BSTE");
        let options = self.options(user_ref_idx);
        let customer_type = if self.prng.chance(90) { 0 } else { options.customer_type };
        OrderOptions { side, customer_type, group_id: 0, firm: Firm::BLANK, ..options }
    }

    fn terms_of(&mut self, order: Option<&Order>) -> InstrumentTerms {
        let known = order.and_then(|order| self.reference.instrument(order.terms.symbol)).copied();
        known.unwrap_or_else(|| self.any_instrument())
    }

    fn cancel(&mut self, login: LoginId) -> Cancel {
        let (user_ref_num, user_ref_idx, order) = self.target(login);
        let quantity = if self.prng.chance(50) { 0 } else { self.total(order) };
        Cancel { user_ref_num, quantity, user_ref_idx }
    }

    fn modify(&mut self, login: LoginId) -> Modify {
        let (user_ref_num, user_ref_idx, order) = self.target(login);
        Modify { user_ref_num, quantity: self.total(order), side: self.letter(b"STEB"), user_ref_idx }
    }

    fn mass_cancel(&mut self, login: LoginId) -> MassCancel {
        let user_ref_idx = self.prng.chance(40).then(|| self.channel());
        let terms = self.any_instrument();
        MassCancel {
            user_ref_num: self.fresh(login, user_ref_idx.unwrap_or(0)),
            firm: if self.prng.chance(60) { Firm::BLANK } else { self.any_firm() },
            symbol: if self.prng.chance(50) { Symbol::BLANK } else { self.symbol_of(&terms) },
            side: if self.prng.chance(60) { 0 } else { self.letter(b"BSTE") },
            group_id: self.prng.chance(30).then(|| self.prng.below(3) as u16),
            user_ref_idx,
        }
    }

    fn switch(&mut self, login: LoginId) -> EntrySwitch {
        let user_ref_idx = self.channel();
        let firm = if self.prng.chance(50) { Firm::BLANK } else { self.any_firm() };
        EntrySwitch { user_ref_num: self.fresh(login, user_ref_idx), firm, user_ref_idx }
    }
}

//! Random actions of one client.

use ringside_domain::{
    AccountQuery, Action, Cancel, Enter, EntrySwitch, Firm, InstrumentTerms, LoginId, MassCancel, Modify,
    NO_EXPIRE_AT, OrderOptions, Replace, Symbol, Text, UserRefNum,
};

use super::RandomFlow;
use super::orders::Draft;
use crate::reference::Order;

impl RandomFlow {
    pub(super) fn client_action(&mut self, login: LoginId) -> Action {
        match self.prng.below(1_000) {
            0..=679 => Action::Enter(self.enter(login)),
            680..=799 => Action::Replace(self.replace(login)),
            800..=879 => Action::Cancel(self.cancel(login)),
            880..=929 => Action::Modify(self.modify(login)),
            930..=935 => Action::MassCancel(self.mass_cancel(login)),
            936 => Action::DisableEntry(self.switch(login)),
            937..=964 => Action::EnableEntry(self.switch(login)),
            965..=996 => Action::AccountQuery(AccountQuery { user_ref_idx: self.channel() }),
            _ => Action::Disconnect,
        }
    }

    fn enter(&mut self, login: LoginId) -> Enter {
        let terms = self.any_instrument();
        let (user_ref_idx, side) = (self.channel(), self.letter(b"BBBBSSTE"));
        let mut draft = Draft {
            buy: side == b'B',
            quantity: self.quantity(&terms),
            price: self.price(&terms, side == b'B'),
            time_in_force: self.letter(b"000000335E"),
            display: self.usually(b'Y', b"YYAA"),
            cross_type: if self.prng.below(400) > 0 { b'N' } else { self.letter(b"OCHSREA") },
            options: self.options(user_ref_idx),
        };
        self.specialize(&terms, &mut draft);
        Enter {
            user_ref_num: self.fresh(login, user_ref_idx),
            quantity: draft.quantity,
            price: draft.price,
            symbol: self.symbol_of(&terms),
            client_order_id: self.label(),
            side,
            time_in_force: draft.time_in_force,
            display: draft.display,
            capacity: self.usually(b'P', b"APRO"),
            intermarket_sweep: self.usually(b'N', b"YN"),
            cross_type: draft.cross_type,
            options: draft.options,
        }
    }

    fn symbol_of(&mut self, terms: &InstrumentTerms) -> Symbol {
        if self.prng.below(200) > 0 { terms.symbol } else { Text(*b"NOWHERE ") }
    }

    /// UserRefNum, channel and terms of a target, and what lives there if anything does.
    fn target(&mut self, login: LoginId) -> (UserRefNum, u8, Option<Order>) {
        match self.any_order(login) {
            Some(order) if self.prng.chance(97) => (order.user_ref_num(), order.user_ref_idx, Some(order)),
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
        match self.prng.below(12) {
            0 => 0,
            1 => executed,
            2 => executed.saturating_add(open),
            3 => executed.saturating_add(open).saturating_add(1),
            4 => executed.saturating_sub(1),
            _ => executed.saturating_add(self.prng.below(u64::from(open) + 1) as u32),
        }
    }

    fn replace(&mut self, login: LoginId) -> Replace {
        let (original, user_ref_idx, order) = self.target(login);
        let terms = self.terms_of(order.as_ref());
        let mut draft = self.replacement(&terms, order, user_ref_idx);
        if self.prng.chance(25) {
            self.specialize(&terms, &mut draft);
        } else if self.shape.features.timed && self.prng.below(40) == 0 {
            draft.options.expire_at = 0;
        }
        let side = self.usually(0, b"BSTE");
        let customer_type = if self.prng.chance(90) { 0 } else { draft.options.customer_type };
        // Without the tags that `wire` never lets through on a Replace.
        let options = OrderOptions { side, customer_type, group_id: 0, firm: Firm::BLANK, ..draft.options };
        Replace {
            original,
            user_ref_num: self.fresh(login, user_ref_idx),
            quantity: draft.quantity,
            price: draft.price,
            client_order_id: self.label(),
            time_in_force: draft.time_in_force,
            display: draft.display,
            intermarket_sweep: self.usually(b'N', b"YN"),
            options,
        }
    }

    /// A replacement of the same kind, with another price and total.
    fn replacement(&mut self, terms: &InstrumentTerms, order: Option<Order>, user_ref_idx: u8) -> Draft {
        let buy = order.is_some_and(|order| order.terms.side.is_buy());
        let in_lots = self.quantity(terms);
        let gone = order.map_or(0, |order| order.executed.saturating_add(order.prevented));
        let chained = gone.checked_next_multiple_of(terms.lot).unwrap_or(0);
        let likely = self.prng.chance(85);
        let times_in_force =
            if order.is_some_and(|order| order.expire_at != NO_EXPIRE_AT) { b"05" } else { b"03" };
        let hidden = order.is_some_and(|order| order.terms.display == b'N') && self.prng.chance(80);
        Draft {
            buy,
            quantity: if likely { in_lots.saturating_add(chained) } else { self.total(order) },
            price: self.price(terms, buy),
            time_in_force: if self.prng.chance(95) { b'0' } else { self.letter(times_in_force) },
            display: if hidden { b'N' } else { self.usually(b'Y', b"YYYAA") },
            cross_type: b'N',
            options: self.options(user_ref_idx),
        }
    }

    fn terms_of(&mut self, order: Option<&Order>) -> InstrumentTerms {
        let known = order.and_then(|order| self.reference.instrument(order.terms.symbol)).copied();
        known.unwrap_or_else(|| self.any_instrument())
    }

    fn cancel(&mut self, login: LoginId) -> Cancel {
        let (user_ref_num, user_ref_idx, order) = self.target(login);
        let quantity = if self.prng.chance(40) { 0 } else { self.total(order) };
        Cancel { user_ref_num, quantity, user_ref_idx }
    }

    /// Mostly of a sale, because nothing else is ever modified.
    fn modify(&mut self, login: LoginId) -> Modify {
        let (mut user_ref_num, mut user_ref_idx, mut order) = self.target(login);
        for _ in 0..4 {
            if order.is_none_or(|order| order.terms.side.is_buy()) {
                (user_ref_num, user_ref_idx, order) = self.target(login);
            }
        }
        Modify { user_ref_num, quantity: self.total(order), side: self.letter(b"STE"), user_ref_idx }
    }

    fn mass_cancel(&mut self, login: LoginId) -> MassCancel {
        let user_ref_idx = self.prng.chance(40).then(|| self.channel());
        let terms = self.any_instrument();
        MassCancel {
            user_ref_num: self.fresh(login, user_ref_idx.unwrap_or(0)),
            firm: if self.prng.chance(60) { Firm::BLANK } else { self.any_firm() },
            symbol: if self.prng.chance(40) { Symbol::BLANK } else { self.symbol_of(&terms) },
            side: if self.prng.chance(40) { 0 } else { self.letter(b"BSTE") },
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

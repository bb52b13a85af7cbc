//! Enter and Replace: how an order comes into force (§3, §4).

use ringside_domain::state::Place;
use ringside_domain::{
    Accepted, CancelReason, ClientOrderId, Enter, Fact, Firm, InstrumentId, LoginId, NO_EXPIRE_AT,
    RejectReason, Replace, Side, TimeNs, UserRefNum,
};

use super::Reference;
use super::state::Order;

const NS_PER_SECOND: u64 = 1_000_000_000;

impl Reference {
    pub(super) fn enter(&mut self, login: LoginId, enter: &Enter) {
        let channel = enter.options.user_ref_idx;
        if self.login(login).is_stale(channel, enter.user_ref_num) {
            return;
        }
        self.login_mut(login).consume(channel, enter.user_ref_num);
        match self.reason_to_turn_away(login, true).map_or_else(|| self.examine(login, enter), Err) {
            Err(reason) => self.reject(login, channel, enter.user_ref_num, reason, enter.client_order_id),
            Ok(draft) => self.accept(draft),
        }
    }

    /// The order as it would be, or the first reason to refuse it.
    fn examine(&self, login: LoginId, enter: &Enter) -> Result<Order, RejectReason> {
        let side = Side::from_letter(enter.side).ok_or(RejectReason::Side)?;
        let instrument = self.find_instrument(enter.symbol).ok_or(RejectReason::Symbol)?;
        let draft = self.draft(login, instrument, side, enter);
        let invalid = self.reason_invalid(&draft, enter.quantity, &enter.options, true);
        let reason = invalid.or_else(|| self.reason_not_now(&draft, None));
        let reason = reason.or(self.is_full().then_some(RejectReason::Capacity));
        reason.map_or(Ok(draft), Err)
    }

    fn reject(
        &mut self,
        login: LoginId,
        user_ref_idx: u8,
        user_ref_num: UserRefNum,
        reason: RejectReason,
        client_order_id: ClientOrderId,
    ) {
        self.tell(login, user_ref_idx, Fact::Rejected { user_ref_num, reason, client_order_id });
    }

    fn accept(&mut self, mut order: Order) {
        order.terms.order_ref = self.next_order_ref();
        order.public_ref = order.order_ref();
        self.tell(order.login, order.user_ref_idx, Fact::Accepted(order.terms));
        self.come_in(order);
    }

    /// An accepted order does what its kind does first (§4).
    fn come_in(&mut self, order: Order) {
        let instrument = self.at(order.instrument);
        if order.is_stop() {
            self.place_stop(order);
        } else if order.is_peg() {
            self.at_mut(order.instrument).pegs_wait = true;
            self.park(order);
        } else if order.terms.cross_type == b'C' && !instrument.is_closing_call() {
            self.park(order);
        } else if instrument.state.is_call() {
            self.rest(order);
        } else {
            self.work(order);
        }
    }

    fn draft(&self, login: LoginId, instrument: InstrumentId, side: Side, enter: &Enter) -> Order {
        let options = &enter.options;
        Order {
            login,
            user_ref_idx: options.user_ref_idx,
            instrument,
            firm: self.firm_of(login, options.firm),
            group_id: options.group_id,
            open: enter.quantity,
            displayed: 0,
            executed: 0,
            prevented: 0,
            cancelled: 0,
            entered: enter.quantity,
            place: Place::Parked,
            price: 0,
            limit: enter.price,
            public_ref: 0,
            told_price: 0,
            ends_at: self.end_of(enter.time_in_force, options.expire_seconds, options.expire_at),
            expire_at: options.expire_at,
            trigger_price: options.trigger_price,
            execution: options.execution,
            terms: accepted(side, enter),
        }
    }

    /// When an order ends by itself; 0 = never.
    fn end_of(&self, time_in_force: u8, seconds: u32, expire_at: TimeNs) -> TimeNs {
        match (time_in_force, expire_at) {
            (b'6', _) => self.time_ns.saturating_add(u64::from(seconds) * NS_PER_SECOND),
            (_, NO_EXPIRE_AT) => 0,
            (_, at) => at,
        }
    }

    /// Blank means the login's own.
    pub(super) fn firm_of(&self, login: LoginId, firm: Firm) -> Firm {
        if firm.is_blank() { self.login(login).terms.firm } else { firm }
    }

    pub(super) fn replace(&mut self, login: LoginId, replace: &Replace) {
        let channel = replace.options.user_ref_idx;
        let Some(original) = self.order_named(login, channel, replace.original) else { return };
        if self.login(login).is_stale(channel, replace.user_ref_num) {
            return;
        }
        if let Some(reason) = self.reason_to_turn_away(login, false) {
            return self.reject_replacement(&original, replace, reason);
        }
        let draft = self.redraft(&original, replace);
        if self.is_invalid_replacement(&original, &draft, replace) {
            return self.cancel_whole(original.order_ref(), CancelReason::User);
        }
        match self.reason_not_now(&draft, Some(&original)) {
            Some(reason) => self.reject_replacement(&original, replace, reason),
            None => self.put_in_place(&original, draft),
        }
    }

    fn is_invalid_replacement(&self, original: &Order, draft: &Order, replace: &Replace) -> bool {
        let options = &replace.options;
        // A stop that was triggered, or an order that never was one, can not become one.
        let becomes_a_stop = options.trigger_price > 0 && !original.is_stop();
        replace.quantity <= original.executed + original.prevented
            || becomes_a_stop
            || self.reason_invalid(draft, replace.quantity, options, false).is_some()
    }

    fn reject_replacement(&mut self, original: &Order, replace: &Replace, reason: RejectReason) {
        let (login, channel) = (original.login, original.user_ref_idx);
        self.login_mut(login).consume(channel, replace.user_ref_num);
        self.reject(login, channel, replace.user_ref_num, reason, replace.client_order_id);
    }

    fn put_in_place(&mut self, original: &Order, mut order: Order) {
        self.login_mut(order.login).consume(order.user_ref_idx, order.user_ref_num());
        order.terms.order_ref = self.next_order_ref();
        order.public_ref = order.order_ref();
        self.announce_replacement(original, &order);
        self.leave_for(original.order_ref(), order.order_ref());
        self.come_in(order);
        self.leaving = None;
    }

    /// What Replaced does not carry lives on in the order.
    fn announce_replacement(&mut self, original: &Order, order: &Order) {
        let terms = Accepted {
            original: original.user_ref_num(),
            customer_type: 0,
            shares_located: 0,
            group_id: 0,
            firm: Firm::BLANK,
            peg_offset: 0,
            discretion_price: 0,
            random_reserves: 0,
            ..order.terms
        };
        self.tell(order.login, order.user_ref_idx, Fact::Accepted(terms));
    }

    /// The replacement after inheritance. Its open quantity is 0 when the total is used up already: invalid then.
    fn redraft(&self, original: &Order, replace: &Replace) -> Order {
        let options = &replace.options;
        let open = replace.quantity.saturating_sub(original.executed).saturating_sub(original.prevented);
        let terms = replaced_terms(original, replace, open);
        let inherited = if replace.time_in_force == b'6' { NO_EXPIRE_AT } else { original.expire_at };
        let expire_at = if options.expire_at == NO_EXPIRE_AT { inherited } else { options.expire_at };
        Order {
            open,
            displayed: 0,
            cancelled: 0,
            entered: replace.quantity,
            place: Place::Parked,
            price: 0,
            limit: replace.price,
            told_price: 0,
            ends_at: self.end_of(terms.time_in_force, terms.expire_seconds, expire_at),
            expire_at,
            trigger_price: kept(options.trigger_price, original.trigger_price),
            execution: kept(options.execution, original.execution),
            terms,
            ..*original
        }
    }
}

/// What was sent, or what was there before when nothing was.
fn kept<T: Default + PartialEq>(sent: T, before: T) -> T {
    if sent == T::default() { before } else { sent }
}

fn accepted(side: Side, enter: &Enter) -> Accepted {
    let options = &enter.options;
    Accepted {
        original: 0,
        user_ref_num: enter.user_ref_num,
        quantity: enter.quantity,
        price: enter.price,
        order_ref: 0,
        symbol: enter.symbol,
        client_order_id: enter.client_order_id,
        side,
        time_in_force: enter.time_in_force,
        display: enter.display,
        capacity: enter.capacity,
        intermarket_sweep: enter.intermarket_sweep,
        cross_type: enter.cross_type,
        customer_type: options.customer_type,
        post_only: options.post_only,
        shares_located: options.shares_located,
        price_type: options.price_type,
        group_id: options.group_id,
        firm: options.firm,
        min_quantity: options.min_quantity,
        max_floor: options.max_floor,
        peg_offset: options.peg_offset,
        discretion_price: options.discretion_price,
        random_reserves: options.random_reserves,
        expire_seconds: options.expire_seconds,
    }
}

fn replaced_terms(original: &Order, replace: &Replace, open: u32) -> Accepted {
    let (old, options) = (original.terms, &replace.options);
    Accepted {
        user_ref_num: replace.user_ref_num,
        quantity: open,
        price: replace.price,
        order_ref: 0,
        client_order_id: replace.client_order_id,
        side: replaced_side(old.side, options.side),
        time_in_force: replace.time_in_force,
        display: replace.display,
        intermarket_sweep: replace.intermarket_sweep,
        customer_type: kept(options.customer_type, old.customer_type),
        post_only: kept(options.post_only, old.post_only),
        shares_located: options.shares_located,
        price_type: kept(options.price_type, old.price_type),
        min_quantity: kept(options.min_quantity, old.min_quantity),
        max_floor: kept(options.max_floor, old.max_floor),
        peg_offset: kept(options.peg_offset, old.peg_offset),
        discretion_price: kept(options.discretion_price, old.discretion_price),
        random_reserves: kept(options.random_reserves, old.random_reserves),
        expire_seconds: kept(options.expire_seconds, old.expire_seconds),
        ..old
    }
}

/// A sale may change its letter to another sale's; everything else is ignored.
fn replaced_side(side: Side, letter: u8) -> Side {
    match Side::from_letter(letter) {
        Some(wanted) if wanted.is_buy() == side.is_buy() => wanted,
        _ => side,
    }
}

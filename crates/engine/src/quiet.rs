//! The short way of plain orders. Nine commands in ten rest where they meet nobody, or take the place of or cancel what
//! rests, in an instrument and for a login where nothing has to be watched. They pay for the book and for nothing else:
//! login, instrument and level are looked up once, everything is checked in one pass, and whatever is unusual about a
//! command, its refusal included, is found by the long way.
//!
//! *Architecture Invariant:* a function in here either does all of a command, exactly as the long way would, or nothing
//! at all and says so. The lockstep with the reference venue runs both ways.

use ringside_book::{NONE, Order, Slot, limit_rank};
use ringside_domain::{
    Accepted, CancelReason, Enter, Event, Fact, Firm, LoginId, MarketFact, Replace, SelfTradePrevention, Side,
};

use crate::instrument::Watch;
use crate::letters;
use crate::rest::drop_plain;
use crate::special::{Extra, is_plain};
use crate::trade::{tell_match, tell_public_match};
use crate::working::{Working, told};
use crate::{Engine, Listener, tell_market};

impl Engine {
    /// Accepts a plain order, which then trades, rests or ends. False: nothing was done.
    #[inline(always)]
    pub(crate) fn enter_quietly(&mut self, login: LoginId, enter: &Enter, out: &mut impl Listener) -> bool {
        let Engine { store, instruments, logins, symbols, counters, .. } = self;
        let owner = &mut logins[login.0 as usize - 1];
        let Some(id) = symbols.get(enter.symbol) else { return false };
        let instrument = &mut instruments[id.0 as usize - 1];
        let Some(side) = Side::from_letter(enter.side) else { return false };
        let usual = is_plain(&enter.options)
            && owner.takes_quietly(enter.user_ref_num)
            && letters::are_usual(enter)
            && !store.orders.is_full()
            && !counters.storage_full;
        if !usual {
            return false;
        }
        let Some(tick) = instrument.quiet_tick(enter.quantity, enter.price) else { return false };
        counters.order_ref += 1;
        let options = &enter.options;
        let firm = if options.firm == Firm::BLANK { owner.terms.firm } else { options.firm };
        let order = Order::unplaced(
            counters.order_ref,
            id,
            login,
            enter.user_ref_num,
            0,
            side,
            enter.quantity,
            firm,
            options.group_id,
            letters::of_plain(enter),
        )
        .at(tick);
        let told = Accepted {
            group_id: options.group_id,
            firm: options.firm,
            ..told(&order, enter.price, enter.symbol, enter.client_order_id)
        };
        out.event(Event { login, user_ref_idx: 0, fact: Fact::Accepted(told) });
        if instrument.book.best_rank(!side.is_buy()) <= limit_rank(side.is_buy(), Some(tick))
            || enter.time_in_force == b'3'
        {
            owner.consume(0, enter.user_ref_num);
            self.take_quietly(order, enter.price, out);
            return true;
        }
        if order.is_visible() {
            let (buy, quantity, price) = (side.is_buy(), enter.quantity, enter.price);
            tell_market(out, id, MarketFact::Added { public_ref: order.order_ref, buy, quantity, price });
        }
        instrument.live_orders += 1;
        let slot = instrument.book.append(store, order);
        owner.add_newest(slot, enter.user_ref_num);
        true
    }

    /// An accepted plain order trades with plain ones. Whoever else stands in its way, and what is left of it, is the
    /// long way's business.
    #[inline(never)]
    fn take_quietly(&mut self, order: Order, limit: u64, out: &mut impl Listener) {
        let mut w = Working { order, limit, extra: &Extra::NONE, replaced: 0, slot: NONE, plain: true };
        while self.meet_quietly(&mut w, out) {
            if w.order.open == 0 {
                return;
            }
        }
        self.execute(&mut w, out);
    }

    /// One match with a plain order. False: nothing was done.
    #[inline(always)]
    fn meet_quietly(&mut self, w: &mut Working<'_>, out: &mut impl Listener) -> bool {
        let Engine { store, instruments, logins, counters, command, .. } = self;
        let taker = &mut w.order;
        let (login, buy) = (taker.login, taker.side.is_buy());
        let instrument = &mut instruments[taker.instrument.0 as usize - 1];
        if instrument.book.best_rank(!buy) > limit_rank(buy, Some(taker.tick)) {
            return false;
        }
        let Some(first) = instrument.book.first(&store.pages, !buy) else { return false };
        let terms = &logins[login.0 as usize - 1].terms;
        let (mode, firm) = (terms.self_trade_prevention, terms.firm);
        let resting = store.orders.get_mut(first.slot);
        let owner = &mut logins[resting.login.0 as usize - 1];
        let own_firm = mode != SelfTradePrevention::None && owner.terms.firm == firm;
        if resting.special != NONE || owner.guarded || own_firm {
            return false;
        }
        let quantity = taker.open.min(resting.open);
        counters.trades += 1;
        counters.volume += u64::from(quantity);
        resting.open -= quantity;
        // Cannot overflow: a chain never executes more than limits::QUANTITY_MAX.
        resting.executed += quantity;
        taker.open -= quantity;
        taker.executed += quantity;
        let price = instrument.price(resting.tick);
        instrument.note_trade(price, *command);
        let resting_name = (resting.login, resting.user_ref_idx, resting.user_ref_num);
        let taker_name = (login, taker.user_ref_idx, taker.user_ref_num);
        let public_ref = if resting.is_visible() { resting.order_ref } else { 0 };
        tell_match(counters.trades, (quantity, price), resting_name, taker_name, out);
        tell_public_match(counters.trades, (quantity, price), public_ref, (taker.instrument, !buy), out);
        if resting.open == 0 {
            drop_plain(store, instrument, owner, first.slot);
        }
        true
    }

    /// Puts an order, which meets nobody, in the place of a plain one. It keeps the slot. False: nothing was done.
    #[inline(always)]
    pub(crate) fn replace_quietly(
        &mut self,
        login: LoginId,
        slot: Slot,
        replace: &Replace,
        out: &mut impl Listener,
    ) -> bool {
        let Engine { store, instruments, logins, counters, .. } = self;
        let owner = &mut logins[login.0 as usize - 1];
        let order = store.orders.get_mut(slot);
        let id = order.instrument;
        let instrument = &mut instruments[id.0 as usize - 1];
        let buy = order.side.is_buy();
        let used = u64::from(order.executed) + u64::from(order.prevented);
        let usual = is_plain(&replace.options)
            && order.special == NONE
            && order.letters.cross_type == b'N'
            && owner.takes_quietly(replace.user_ref_num)
            && letters::are_usual_in_replacement(replace)
            && u64::from(replace.quantity) > used;
        if !usual {
            return false;
        }
        let Some(tick) = instrument.quiet_tick(replace.quantity, replace.price) else { return false };
        if instrument.book.best_rank(!buy) <= limit_rank(buy, Some(tick)) {
            return false;
        }
        let (old, was_visible) = (order.order_ref, order.is_visible());
        instrument.book.remove(store, slot);
        counters.order_ref += 1;
        let order = store.orders.get_mut(slot);
        order.order_ref = counters.order_ref;
        order.user_ref_num = replace.user_ref_num;
        // Cannot truncate: less than the quantity.
        order.open = replace.quantity - used as u32;
        order.tick = tick;
        order.letters = letters::replaced_plainly(&order.letters, replace);
        let (symbol, quantity, price) = (instrument.symbol, order.open, replace.price);
        let told =
            Accepted { original: replace.original, ..told(order, price, symbol, replace.client_order_id) };
        out.event(Event { login, user_ref_idx: 0, fact: Fact::Accepted(told) });
        let new = order.order_ref;
        match (was_visible, order.is_visible()) {
            (true, true) => tell_market(out, id, MarketFact::Replaced { old, new, quantity, price }),
            (false, true) => {
                tell_market(out, id, MarketFact::Added { public_ref: new, buy, quantity, price })
            }
            (true, false) => tell_market(out, id, MarketFact::Deleted { public_ref: old }),
            (false, false) => {}
        }
        instrument.book.add(store, slot);
        owner.rename_newest(slot, replace.original, replace.user_ref_num);
        true
    }

    /// Cancels all that is open of a plain order at its owner's wish. False: nothing was done.
    #[inline(always)]
    pub(crate) fn cancel_quietly(&mut self, login: LoginId, slot: Slot, out: &mut impl Listener) -> bool {
        let Engine { store, instruments, logins, .. } = self;
        let order = store.orders.get(slot);
        let (user_ref_idx, user_ref_num, quantity) = (order.user_ref_idx, order.user_ref_num, order.open);
        let (id, public_ref, visible) = (order.instrument, order.order_ref, order.is_visible());
        let instrument = &mut instruments[id.0 as usize - 1];
        let owner = &mut logins[login.0 as usize - 1];
        if order.special != NONE || owner.guarded || instrument.watch.any(Watch::NEEDS_CARE) {
            return false;
        }
        let fact = Fact::Canceled { user_ref_num, quantity, reason: CancelReason::User };
        out.event(Event { login, user_ref_idx, fact });
        if visible {
            tell_market(out, id, MarketFact::Deleted { public_ref });
        }
        drop_plain(store, instrument, owner, slot);
        true
    }
}

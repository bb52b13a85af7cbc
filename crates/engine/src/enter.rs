//! A new order: accepted or refused, traded, rested.

use ringside_book::{Fill, Fills, Incoming, Order, Slot, Tick};
use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::{
    Accepted, CancelReason, ClientOrderId, Enter, Event, Fact, InstrumentId, Liquidity, LoginId, OrderRef,
    Side, UserRefNum,
};

use crate::login::{Login, put_details};
use crate::order::{Details, Terms};
use crate::{Counters, Engine, Listener};

/// An accepted order that has not traded or rested yet.
#[derive(Clone, Copy)]
pub(crate) struct Working {
    pub login: LoginId,
    pub user_ref_num: UserRefNum,
    pub user_ref_idx: u8,
    pub order_ref: OrderRef,
    pub instrument: InstrumentId,
    pub side: Side,
    /// Wire price.
    pub price: u64,
    /// Shares open.
    pub open: u32,
    /// Shares that the chain has executed before.
    pub executed: u32,
    pub terms: Terms,
}

impl Engine {
    pub(crate) fn enter(&mut self, login: LoginId, enter: &Enter, out: &mut impl Listener) {
        let user_ref_idx = enter.options.user_ref_idx;
        if self.login(login).is_stale(user_ref_idx, enter.user_ref_num) {
            return;
        }
        self.login_mut(login).consume(user_ref_idx, enter.user_ref_num);
        let (side, instrument) = match self.check_enter(login, enter) {
            Ok(found) => found,
            Err(reason) => {
                let (user_ref_num, client_order_id) = (enter.user_ref_num, enter.client_order_id);
                let fact = Fact::Rejected { user_ref_num, reason, client_order_id };
                return out.event(Event { login, user_ref_idx, fact });
            }
        };
        let working = Working {
            login,
            user_ref_num: enter.user_ref_num,
            user_ref_idx,
            order_ref: self.next_order_ref(),
            instrument,
            side,
            price: enter.price,
            open: enter.quantity,
            executed: 0,
            terms: Terms::of_enter(enter, self.login(login).terms.firm),
        };
        out.event(Event { login, user_ref_idx, fact: Fact::Accepted(accepted_enter(&working, enter)) });
        self.work(working, out);
    }

    /// Trades an accepted order, then rests or cancels what is left.
    pub(crate) fn work(&mut self, working: Working, out: &mut impl Listener) {
        let limit = self.limit_of(&working);
        let book = &mut self.instruments[working.instrument.0 as usize - 1].book;
        if working.terms.post_only == b'P' && book.would_trade(working.side, limit) {
            return cancel_open(&working, working.open, CancelReason::PostOnly, out);
        }
        let left = self.trade(&working, limit, out);
        if left == 0 {
            return;
        }
        match limit {
            Some(tick) if working.terms.time_in_force != b'3' => self.rest(&working, tick, left),
            _ => cancel_open(&working, left, CancelReason::Immediate, out),
        }
    }

    pub(crate) fn next_order_ref(&mut self) -> OrderRef {
        // Cannot overflow: at 10^9 orders a second, 2^56 last for two years.
        self.counters.order_ref += 1;
        self.counters.order_ref
    }

    /// The limit in ticks; `None` = market.
    fn limit_of(&self, working: &Working) -> Option<Tick> {
        let tick = self.instruments[working.instrument.0 as usize - 1].terms.tick;
        // Cannot overflow: below PRICE_MARKET a price fits u32 (asserted in limits).
        (working.price < PRICE_MARKET).then_some((working.price as u32) / tick)
    }

    fn trade(&mut self, working: &Working, limit: Option<Tick>, out: &mut impl Listener) -> u32 {
        let instrument = &mut self.instruments[working.instrument.0 as usize - 1];
        let incoming = Incoming { side: working.side, limit, quantity: working.open };
        let mut tape = Tape {
            working,
            tick: instrument.terms.tick,
            live_orders: &mut instrument.live_orders,
            counters: &mut self.counters,
            logins: &mut self.logins,
            details: &mut self.details,
            out,
        };
        instrument.book.trade(&mut self.orders, incoming, &mut tape)
    }

    fn rest(&mut self, working: &Working, tick: Tick, open: u32) {
        let instrument = &mut self.instruments[working.instrument.0 as usize - 1];
        let order = Order::new(
            working.order_ref,
            working.instrument,
            working.side,
            tick,
            open,
            // Cannot overflow: the chain's total is at most QUANTITY_MAX.
            working.executed + (working.open - open),
            working.login,
            working.user_ref_num,
            working.user_ref_idx,
        );
        let slot = self.orders.insert(order);
        put_details(&mut self.details, slot, Details::new(working.terms));
        self.logins[working.login.0 as usize - 1].add(
            &mut self.details,
            slot,
            working.user_ref_idx,
            working.user_ref_num,
        );
        instrument.live_orders += 1;
        instrument.book.rest(&mut self.orders, slot);
    }
}

/// Tells both sides of each match, and lets used-up orders go.
struct Tape<'a, L> {
    working: &'a Working,
    tick: u32,
    live_orders: &'a mut u32,
    counters: &'a mut Counters,
    logins: &'a mut [Login],
    details: &'a mut [Details],
    out: &'a mut L,
}

impl<L: Listener> Fills for Tape<'_, L> {
    #[inline]
    fn filled(&mut self, fill: Fill, resting: &Order) {
        self.counters.trades += 1;
        self.counters.volume += u64::from(fill.quantity);
        // The resting side is told first.
        self.tell(resting.login, resting.user_ref_idx, resting.user_ref_num, Liquidity::Added, fill);
        let working = self.working;
        self.tell(working.login, working.user_ref_idx, working.user_ref_num, Liquidity::Removed, fill);
        if fill.exhausted {
            self.forget(fill.slot, resting);
        }
    }
}

impl<L: Listener> Tape<'_, L> {
    #[inline]
    fn tell(
        &mut self,
        login: LoginId,
        user_ref_idx: u8,
        user_ref_num: UserRefNum,
        liquidity: Liquidity,
        fill: Fill,
    ) {
        let fact = Fact::Executed {
            user_ref_num,
            quantity: fill.quantity,
            price: u64::from(fill.tick) * u64::from(self.tick),
            liquidity,
            match_number: self.counters.trades,
        };
        self.out.event(Event { login, user_ref_idx, fact });
    }

    fn forget(&mut self, slot: Slot, order: &Order) {
        *self.live_orders -= 1;
        let login = &mut self.logins[order.login.0 as usize - 1];
        login.drop_order(self.details, slot, order.user_ref_idx, order.user_ref_num);
    }
}

/// Tells that open shares of an order that does not rest are gone.
fn cancel_open(working: &Working, quantity: u32, reason: CancelReason, out: &mut impl Listener) {
    let fact = Fact::Canceled { user_ref_num: working.user_ref_num, quantity, reason };
    out.event(Event { login: working.login, user_ref_idx: working.user_ref_idx, fact });
}

fn accepted_enter(working: &Working, enter: &Enter) -> Accepted {
    Accepted {
        shares_located: enter.options.shares_located,
        group_id: enter.options.group_id,
        firm: enter.options.firm,
        customer_type: enter.options.customer_type,
        ..accepted(working, enter.symbol, enter.client_order_id)
    }
}

/// The order as it is in force; tags that only an Accepted carries are left out.
pub(crate) fn accepted(
    working: &Working,
    symbol: ringside_domain::Symbol,
    client_order_id: ClientOrderId,
) -> Accepted {
    Accepted {
        original: 0,
        price_type: 0,
        min_quantity: 0,
        max_floor: 0,
        peg_offset: 0,
        discretion_price: 0,
        random_reserves: 0,
        expire_seconds: 0,
        user_ref_num: working.user_ref_num,
        quantity: working.open,
        price: working.price,
        order_ref: working.order_ref,
        symbol,
        client_order_id,
        side: working.side,
        time_in_force: working.terms.time_in_force,
        display: working.terms.display,
        capacity: working.terms.capacity,
        intermarket_sweep: working.terms.intermarket_sweep,
        cross_type: working.terms.cross_type,
        post_only: working.terms.post_only,
        customer_type: 0,
        shares_located: 0,
        group_id: 0,
        firm: ringside_domain::Firm::BLANK,
    }
}

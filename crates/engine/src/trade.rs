//! Matching: the incoming order meets resting ones in priority, until it or what it may reach is used up.

use ringside_book::{First, NONE, Order, Queue, Rank, Slot, market_tick};
use ringside_domain::{
    Event, Fact, InstrumentId, Liquidity, LoginId, MarketFact, MatchNumber, OrderRef, SelfTradePrevention,
    UserRefNum,
};

use crate::instrument::Watch;
use crate::working::Working;
use crate::{Engine, Listener, tell_market};

/// Why an incoming order stopped trading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stopped {
    /// It is used up, or nothing it may reach is left.
    Done,
    /// Self-trade prevention ended it.
    Prevented,
    /// The next trade would be outside the static collar.
    Collar,
    /// The next trade would be outside the dynamic band.
    Band,
}

impl Engine {
    /// Trades an incoming order against all it reaches.
    #[inline(always)]
    pub(crate) fn trade(&mut self, w: &mut Working<'_>, limit: Rank, out: &mut impl Listener) -> Stopped {
        let (index, buy) = (w.index(), w.order.side.is_buy());
        while w.order.open > 0 {
            let book = &self.instruments[index].book;
            if book.best_rank(!buy) > limit {
                break;
            }
            let Some(first) = book.first(&self.store.pages, !buy) else { break };
            if let Some(stopped) = self.meet(w, first, out) {
                return stopped;
            }
        }
        Stopped::Done
    }

    /// The incoming order meets the one that stands first. `Some`: it goes no further.
    #[inline]
    fn meet(&mut self, w: &mut Working<'_>, first: First, out: &mut impl Listener) -> Option<Stopped> {
        let watch = self.instruments[w.index()].watch;
        if watch.any(Watch::BOUNDS)
            && let Some(stopped) = self.out_of_bounds(w, first.slot)
        {
            return Some(stopped);
        }
        if watch.any(Watch::PRO_RATA) && first.queue == Queue::Visible {
            return self.trade_level_pro_rata(w, first.rank, out);
        }
        let mode = self.logins[w.order.login.0 as usize - 1].terms.self_trade_prevention;
        if mode != SelfTradePrevention::None && self.is_own_firm(w.order.login, first.slot) {
            self.prevent(w, first.slot, mode, out);
            return (w.order.open == 0).then_some(Stopped::Prevented);
        }
        let quantity = w.order.open.min(self.store.orders.get(first.slot).open);
        self.fill(w, first.slot, quantity, out);
        self.refresh_or_end(first.slot, out);
        None
    }

    /// Collar and band (rules.md §8): the collar first.
    #[cold]
    pub(crate) fn out_of_bounds(&self, w: &Working<'_>, slot: Slot) -> Option<Stopped> {
        let instrument = &self.instruments[w.index()];
        let terms = &instrument.terms;
        // Cannot truncate: the price of a resting order is below PRICE_MARKET.
        let price = instrument.price(self.store.orders.get(slot).tick) as u32;
        if price < terms.collar_low || (terms.collar_high != 0 && price > terms.collar_high) {
            return Some(Stopped::Collar);
        }
        let reference = u64::from(instrument.band_reference(self.command));
        let width = reference * u64::from(terms.band_bps) / 10_000;
        let outside = terms.band_bps != 0 && reference != 0 && u64::from(price).abs_diff(reference) > width;
        outside.then_some(Stopped::Band)
    }

    /// True when the resting order's login has the same configured firm.
    #[inline]
    pub(crate) fn is_own_firm(&self, login: LoginId, slot: Slot) -> bool {
        let other = self.store.orders.get(slot).login;
        self.logins[login.0 as usize - 1].terms.firm == self.logins[other.0 as usize - 1].terms.firm
    }

    /// One match. The resting order may be left with nothing on display: [`Engine::refresh_or_end`] follows.
    #[inline]
    pub(crate) fn fill(&mut self, w: &mut Working<'_>, slot: Slot, quantity: u32, out: &mut impl Listener) {
        if w.replaced != 0 {
            self.forget_replaced(w, out);
        }
        self.counters.trades += 1;
        self.counters.volume += u64::from(quantity);
        let counted = self.is_counted(slot);
        if counted {
            self.count_out(slot);
        }
        let order = self.store.orders.get_mut(slot);
        order.open -= quantity;
        // Cannot overflow: a chain never executes more than limits::QUANTITY_MAX.
        order.executed += quantity;
        w.order.open -= quantity;
        w.order.executed += quantity;
        let resting = *order;
        if counted {
            self.count_in(slot);
        }
        let instrument = &mut self.instruments[w.index()];
        let price = instrument.price(resting.tick);
        instrument.note_trade(price, self.command);
        if instrument.watch.any(Watch::SETTLES) {
            self.touch(w.index());
        }
        if counted || self.logins[w.order.login.0 as usize - 1].guarded {
            self.settle_trade(&resting, w, quantity, price);
        }
        let resting_name = (resting.login, resting.user_ref_idx, resting.user_ref_num);
        let taker_name = (w.order.login, w.order.user_ref_idx, w.order.user_ref_num);
        let (number, public_ref) = (self.counters.trades, self.public_ref(&resting));
        let place = (resting.instrument, resting.side.is_buy());
        tell_match(number, (quantity, price), resting_name, taker_name, out);
        tell_public_match(number, (quantity, price), public_ref, place, out);
    }

    /// After a match: an order with nothing on display shows its next slice, or is gone.
    #[inline]
    pub(crate) fn refresh_or_end(&mut self, slot: Slot, out: &mut impl Listener) {
        let order = self.store.orders.get(slot);
        if order.open > 0 {
            return;
        }
        if order.special != NONE && self.specials.get(order.special).reserve > 0 {
            self.refresh(slot, out);
        } else {
            self.take_out(slot);
        }
    }

    /// The next slice of an iceberg goes to the back of its level.
    #[cold]
    fn refresh(&mut self, slot: Slot, out: &mut impl Listener) {
        let order = *self.store.orders.get(slot);
        let special = *self.specials.get(order.special);
        let instrument = &self.instruments[order.instrument.0 as usize - 1];
        let shape = (special.extra.max_floor, special.extra.random_reserves, instrument.terms.lot);
        let displayed = self.draw_slice(shape, special.reserve);
        let public_ref = self.next_order_ref();
        let kept = self.specials.get_mut(order.special);
        kept.reserve -= displayed;
        kept.public_ref = public_ref;
        self.unplace(slot);
        self.store.orders.get_mut(slot).open = displayed;
        self.join(slot);
        let fact = Fact::Refreshed { user_ref_num: order.user_ref_num, displayed, public_ref };
        out.event(Event { login: order.login, user_ref_idx: order.user_ref_idx, fact });
        self.tell_added(slot, out);
    }

    /// Tells the public that an order stands at the back of a level.
    pub(crate) fn tell_added(&self, slot: Slot, out: &mut impl Listener) {
        let order = self.store.orders.get(slot);
        let public_ref = self.public_ref(order);
        if public_ref != 0 {
            let price = self.instruments[order.instrument.0 as usize - 1].price(order.tick);
            let buy = order.side.is_buy();
            tell_market(
                out,
                order.instrument,
                MarketFact::Added { public_ref, buy, quantity: order.open, price },
            );
        }
    }

    /// Tells the public that an order left, if they knew it. Before it does.
    #[inline(always)]
    pub(crate) fn tell_deleted(&self, slot: Slot, out: &mut impl Listener) {
        let order = self.store.orders.get(slot);
        let public_ref = self.public_ref(order);
        if public_ref != 0 {
            tell_market(out, order.instrument, MarketFact::Deleted { public_ref });
        }
    }

    /// The incoming order meets one of its own firm (rules.md §5).
    #[cold]
    pub(crate) fn prevent(
        &mut self,
        w: &mut Working<'_>,
        slot: Slot,
        mode: SelfTradePrevention,
        out: &mut impl Listener,
    ) {
        self.forget_replaced(w, out);
        let resting = *self.store.orders.get(slot);
        let meeting = Meeting {
            prevented: w.order.open.min(resting.open),
            price: self.instruments[resting.instrument.0 as usize - 1].price(resting.tick),
            mode,
        };
        let owner = (resting.login, resting.user_ref_idx, resting.user_ref_num);
        let taker = (w.order.login, w.order.user_ref_idx, w.order.user_ref_num);
        match mode {
            SelfTradePrevention::None => {}
            SelfTradePrevention::CancelNewest => {
                meeting.tell(taker, w.order.open, Liquidity::Removed, out);
                w.order.open = 0;
            }
            SelfTradePrevention::CancelOldest => {
                meeting.tell(owner, self.open_of(&resting), Liquidity::Added, out);
                self.tell_deleted(slot, out);
                self.take_out(slot);
            }
            SelfTradePrevention::CancelBoth => {
                meeting.tell(owner, self.open_of(&resting), Liquidity::Added, out);
                meeting.tell(taker, w.order.open, Liquidity::Removed, out);
                w.order.open = 0;
                self.tell_deleted(slot, out);
                self.take_out(slot);
            }
            SelfTradePrevention::Decrement => {
                meeting.tell(owner, meeting.prevented, Liquidity::Added, out);
                meeting.tell(taker, meeting.prevented, Liquidity::Removed, out);
                w.order.open -= meeting.prevented;
                w.order.prevented += meeting.prevented;
                self.decrement(slot, meeting.prevented, out);
            }
        }
    }

    /// Takes prevented shares off what a resting order displays.
    fn decrement(&mut self, slot: Slot, quantity: u32, out: &mut impl Listener) {
        let (left, instrument) = self.recounted(slot, |engine| {
            let order = engine.store.orders.get_mut(slot);
            order.open -= quantity;
            order.prevented += quantity;
            (order.open, order.instrument)
        });
        self.touch(instrument.0 as usize - 1);
        let public_ref = self.public_ref(self.store.orders.get(slot));
        if public_ref != 0 {
            let fact = match left {
                0 => MarketFact::Deleted { public_ref },
                _ => MarketFact::Reduced { public_ref, quantity },
            };
            tell_market(out, instrument, fact);
        }
        self.refresh_or_end(slot, out);
    }

    /// True when risk or balances follow a live order.
    #[inline(always)]
    pub(crate) fn is_counted(&self, slot: Slot) -> bool {
        let order = self.store.orders.get(slot);
        self.logins[order.login.0 as usize - 1].guarded
            || self.instruments[order.instrument.0 as usize - 1].watch.any(Watch::BALANCES)
    }
}

/// Whose order: login, channel, UserRefNum.
type Name = (LoginId, u8, UserRefNum);

/// Tells a match to both sides, the resting one first.
#[inline(always)]
pub(crate) fn tell_match(
    match_number: MatchNumber,
    (quantity, price): (u32, u64),
    resting: Name,
    taker: Name,
    out: &mut impl Listener,
) {
    for ((login, user_ref_idx, user_ref_num), liquidity) in
        [(resting, Liquidity::Added), (taker, Liquidity::Removed)]
    {
        let fact = Fact::Executed { user_ref_num, quantity, price, liquidity, match_number };
        out.event(Event { login, user_ref_idx, fact });
    }
}

/// Tells the public of a match with a resting order at its own price. `public_ref` 0: it is not displayed.
#[inline(always)]
pub(crate) fn tell_public_match(
    match_number: MatchNumber,
    (quantity, price): (u32, u64),
    public_ref: OrderRef,
    (instrument, buy): (InstrumentId, bool),
    out: &mut impl Listener,
) {
    let fact = match public_ref {
        0 => MarketFact::Traded { match_number, quantity, price, buy },
        public_ref => MarketFact::Executed { public_ref, quantity, price, match_number },
    };
    tell_market(out, instrument, fact);
}

/// What both sides are told of a prevented match.
#[derive(Clone, Copy)]
struct Meeting {
    prevented: u32,
    price: u64,
    mode: SelfTradePrevention,
}

impl Meeting {
    fn tell(
        &self,
        (login, user_ref_idx, user_ref_num): (LoginId, u8, UserRefNum),
        quantity: u32,
        liquidity: Liquidity,
        out: &mut impl Listener,
    ) {
        let Meeting { prevented, price, mode } = *self;
        let fact = Fact::Prevented { user_ref_num, quantity, prevented, price, liquidity, mode };
        out.event(Event { login, user_ref_idx, fact });
    }
}

/// True for an order that stands without a price, in a call.
pub(crate) fn is_unpriced(order: &Order) -> bool {
    order.tick == market_tick(order.side.is_buy())
}

//! An accepted order goes to work: it trades, rests, waits, or ends (rules.md §4).

use ringside_book::{NO_RANK, NONE, Rank, Tick, limit_rank, tick_of};
use ringside_domain::{CancelReason, Event, Fact, MarketState, OrderRef};

use crate::instrument::Watch;
use crate::special::Extra;
use crate::trade::Stopped;
use crate::working::Working;
use crate::{Engine, Listener};

impl Engine {
    /// A new order or a replacement.
    #[inline]
    pub(crate) fn work(&mut self, w: &mut Working<'_>, out: &mut impl Listener) {
        if w.extra.trigger_price != 0 {
            return self.enter_stop(w, out);
        }
        if w.extra.is_peg || self.waits_for_the_close(w) {
            self.park(w, out);
            return;
        }
        if self.instruments[w.index()].watch.any(Watch::STATE) {
            self.rest_in_call(w, out)
        } else {
            self.execute(w, out)
        }
    }

    /// At the close: parked until the closing auction's call.
    fn waits_for_the_close(&self, w: &Working<'_>) -> bool {
        let instrument = &self.instruments[w.index()];
        let called = instrument.state == MarketState::Auction
            && instrument.auction == ringside_domain::AuctionKind::Closing;
        w.order.letters.cross_type == b'C' && !called
    }

    fn rest_in_call(&mut self, w: &mut Working<'_>, out: &mut impl Listener) {
        let tick = self.limit_tick(w).unwrap_or(ringside_book::market_tick(w.is_buy()));
        // What rests is a limit order: nothing of market-to-limit is left to inherit.
        let extra = Extra { execution: 0, ..*w.extra };
        self.rest(&mut w.with_extra(&extra), tick, out);
    }

    fn enter_stop(&mut self, w: &mut Working<'_>, out: &mut impl Listener) {
        let instrument = &self.instruments[w.index()];
        let (last, trigger) = (instrument.last_price(), w.extra.trigger_price);
        let through = if w.is_buy() { last >= trigger } else { last <= trigger };
        if last == 0 || !through || instrument.watch.any(Watch::STATE) {
            self.park(w, out);
            return;
        }
        self.forget_replaced(w, out);
        tell_triggered(w, out);
        let extra = Extra { trigger_price: 0, ..*w.extra };
        self.execute(&mut w.with_extra(&extra), out);
    }

    /// An incoming order in continuous trading.
    pub(crate) fn execute(&mut self, w: &mut Working<'_>, out: &mut impl Listener) {
        let mut limit = self.limit_tick(w);
        if w.order.letters.post_only == b'P' && self.best_contra(w) <= limit_rank(w.is_buy(), limit) {
            return self.end(w, CancelReason::PostOnly, out);
        }
        let mut reach = limit_rank(w.is_buy(), limit);
        if !w.plain {
            match self.special_reach(w, &mut limit) {
                Some(rank) => reach = rank,
                None => return self.end(w, CancelReason::Immediate, out),
            }
        }
        let stopped = self.trade(w, reach, out);
        if w.order.open == 0 {
            if w.slot != NONE {
                self.unregister(w.slot);
            }
        } else {
            self.finish(w, limit, stopped, out);
        }
        if stopped == Stopped::Band {
            self.interrupt(w.order.instrument, out);
        }
    }

    /// What is left of an incoming order rests, or ends.
    fn finish(
        &mut self,
        w: &mut Working<'_>,
        limit: Option<Tick>,
        stopped: Stopped,
        out: &mut impl Listener,
    ) {
        match limit {
            // Behind the collar there may be orders that it would cross.
            _ if stopped == Stopped::Collar => self.end(w, CancelReason::Collar, out),
            Some(tick) if !w.is_immediate() => {
                if !w.plain && w.is_market_to_limit() {
                    return self.rest_at_first_price(w, tick, out);
                }
                self.rest(w, tick, out);
            }
            None if stopped == Stopped::Band => self.end(w, CancelReason::Collar, out),
            _ => self.end(w, CancelReason::Immediate, out),
        }
    }

    /// A market-to-limit order becomes a limit order.
    #[cold]
    fn rest_at_first_price(&mut self, w: &mut Working<'_>, tick: Tick, out: &mut impl Listener) {
        self.forget_replaced(w, out);
        let price = self.instruments[w.index()].price(tick);
        let fact = Fact::Repriced { user_ref_num: w.order.user_ref_num, price };
        out.event(Event { login: w.order.login, user_ref_idx: w.order.user_ref_idx, fact });
        let extra = Extra { execution: 0, ..*w.extra };
        let mut limited = w.with_extra(&extra);
        limited.limit = price;
        self.rest(&mut limited, tick, out);
    }

    /// How far an order with special terms reaches; `None`: it may not start at all.
    #[cold]
    fn special_reach(&self, w: &Working<'_>, limit: &mut Option<Tick>) -> Option<Rank> {
        if w.is_market_to_limit() {
            let best = self.best_contra(w);
            if best == NO_RANK {
                return None;
            }
            *limit = Some(tick_of(!w.is_buy(), best));
        }
        let mut reach = limit_rank(w.is_buy(), *limit);
        if w.extra.discretion_price != 0 {
            let instrument = &self.instruments[w.index()];
            reach = limit_rank(w.is_buy(), Some(instrument.tick_at(w.extra.discretion_price.into())));
        }
        let whole = if w.is_fill_or_kill() { w.order.open } else { 0 };
        let needed = whole.max(w.extra.min_quantity);
        (needed == 0 || self.reaches(w, reach, needed)).then_some(reach)
    }

    /// The limit in ticks; `None` = market.
    #[inline(always)]
    pub(crate) fn limit_tick(&self, w: &Working<'_>) -> Option<Tick> {
        let instrument = &self.instruments[w.index()];
        (!w.is_market()).then(|| instrument.tick_at(w.limit))
    }

    #[inline(always)]
    fn best_contra(&self, w: &Working<'_>) -> Rank {
        self.instruments[w.index()].book.best_rank(!w.is_buy())
    }

    /// Open shares of an order that stands nowhere are gone.
    pub(crate) fn end(&mut self, w: &mut Working<'_>, reason: CancelReason, out: &mut impl Listener) {
        self.forget_replaced(w, out);
        let fact = Fact::Canceled { user_ref_num: w.order.user_ref_num, quantity: w.order.open, reason };
        out.event(Event { login: w.order.login, user_ref_idx: w.order.user_ref_idx, fact });
        if w.slot != NONE {
            self.unregister(w.slot);
        }
    }

    #[inline]
    pub(crate) fn next_order_ref(&mut self) -> OrderRef {
        // Cannot overflow: at 10^9 orders a second, 2^56 last for two years.
        self.counters.order_ref += 1;
        self.counters.order_ref
    }
}

/// Tells a stop that it enters the market.
pub(crate) fn tell_triggered(w: &Working<'_>, out: &mut impl Listener) {
    let fact = Fact::Triggered {
        user_ref_num: w.order.user_ref_num,
        price: w.limit,
        display: w.order.letters.display,
        order_ref: w.order.order_ref,
    };
    out.event(Event { login: w.order.login, user_ref_idx: w.order.user_ref_idx, fact });
}

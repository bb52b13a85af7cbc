//! Auctions: the price at which most can trade, and the trades at it (rules.md §9).

use alloc::vec::Vec;

use ringside_book::{First, NO_RANK, Order, Slot, rank_of, tick_of};
use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::{
    AuctionKind, Event, Fact, InstrumentId, Liquidity, MarketFact, MarketState, Reason, VenueRefusal,
};

use crate::instrument::{Indicative, Instrument};
use crate::interest::{Interest, Point};
use crate::{Engine, Listener, tell_market};

/// What an auction would do at one price, or at all valid prices of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate {
    /// Lowest and highest wire price.
    low: u32,
    high: u32,
    /// Shares that would trade.
    volume: u64,
    /// Buys less sales.
    surplus: i64,
}

/// Price, volume and surplus of an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub price: u32,
    pub volume: u64,
    pub surplus: i64,
}

impl Engine {
    pub(crate) fn uncross_by_command(
        &mut self,
        instrument: InstrumentId,
        out: &mut impl Listener,
    ) -> Result<(), VenueRefusal> {
        let index = self.listed(instrument)?;
        if !self.instruments[index].state.is_call() {
            return Err(VenueRefusal::State);
        }
        self.end_call(index, out);
        Ok(())
    }

    /// The auction trades, and what follows it begins.
    pub(crate) fn end_call(&mut self, index: usize, out: &mut impl Listener) {
        self.end_of_call_is_off(index);
        self.uncross(index, out);
        let next = match self.instruments[index].auction {
            AuctionKind::Opening | AuctionKind::Volatility => MarketState::Continuous,
            AuctionKind::Closing => MarketState::Closed,
        };
        self.enter_state(index, next, Reason::BLANK, out);
    }

    /// Trades all that can trade at one price, then ends what was for the auction alone.
    pub(crate) fn uncross(&mut self, index: usize, out: &mut impl Listener) {
        let outcome = self.outcome(index);
        // The call is over; the matches to come are counted nowhere.
        self.instruments[index].interest = None;
        match outcome {
            Some(outcome) => self.trade_auction(index, outcome, out),
            None => self.note_no_trade(index),
        }
        self.cancel_cross_orders(index, |cross_type| cross_type != b'N', out);
    }

    /// A volatility auction without a trade leaves the band without a reference: it would begin another one at once.
    fn note_no_trade(&mut self, index: usize) {
        let instrument = &mut self.instruments[index];
        if instrument.state == MarketState::Auction && instrument.auction == AuctionKind::Volatility {
            instrument.band_cleared = true;
            instrument.band_now = 0;
        }
    }

    fn trade_auction(&mut self, index: usize, outcome: Outcome, out: &mut impl Listener) {
        let mut left = outcome.volume;
        let tick = self.instruments[index].tick_at(outcome.price.into());
        while left > 0 {
            let (buy, sell) =
                (self.first_in_auction(index, true, tick), self.first_in_auction(index, false, tick));
            let (Some(buy), Some(sell)) = (buy, sell) else { break };
            left -= self.match_auction(index, (buy.slot, sell.slot), tick, left, out);
        }
        debug_assert!(left == 0, "Invariant: the volume of an auction is there");
        let instrument = &mut self.instruments[index];
        (instrument.band_now, instrument.band_command) = (instrument.last, self.command);
        let (id, auction) = (instrument.terms.instrument, instrument.auction);
        let (price, quantity) = (outcome.price.into(), outcome.volume);
        tell_market(out, id, MarketFact::Crossed { auction, price, quantity });
    }

    fn first_in_auction(&self, index: usize, buy: bool, tick: u32) -> Option<First> {
        let first = self.instruments[index].book.first(&self.store.pages, buy)?;
        (first.rank <= rank_of(buy, tick)).then_some(first)
    }

    /// One match between the heads of both queues. Returns its shares.
    fn match_auction(
        &mut self,
        index: usize,
        (buy, sell): (Slot, Slot),
        tick: u32,
        left: u64,
        out: &mut impl Listener,
    ) -> u64 {
        let shares = self.store.orders.get(buy).open.min(self.store.orders.get(sell).open);
        // Cannot truncate: at most `shares`.
        let quantity = u64::from(shares).min(left) as u32;
        self.counters.trades += 1;
        self.counters.volume += u64::from(quantity);
        let instrument = &mut self.instruments[index];
        let price = instrument.price(tick);
        instrument.note_trade(price, self.command);
        let flag = match instrument.auction {
            AuctionKind::Opening => Liquidity::Opening,
            AuctionKind::Closing => Liquidity::Closing,
            AuctionKind::Volatility => Liquidity::Halt,
        };
        let public = [buy, sell].map(|slot| self.public_ref(self.store.orders.get(slot)));
        let sides = [buy, sell].map(|slot| self.take_auctioned(slot, quantity));
        self.settle_auctioned(index, &sides, quantity, price);
        let match_number = self.counters.trades;
        for order in &sides {
            let user_ref_num = order.user_ref_num;
            let fact = Fact::Executed { user_ref_num, quantity, price, liquidity: flag, match_number };
            out.event(Event { login: order.login, user_ref_idx: order.user_ref_idx, fact });
        }
        for public_ref in public.into_iter().filter(|public_ref| *public_ref != 0) {
            let fact = MarketFact::Executed { public_ref, quantity, price, match_number };
            tell_market(out, sides[0].instrument, fact);
        }
        self.refresh_or_end(buy, out);
        self.refresh_or_end(sell, out);
        u64::from(quantity)
    }

    /// Takes auctioned shares off a resting order; returns it as it is then.
    fn take_auctioned(&mut self, slot: Slot, quantity: u32) -> Order {
        self.recounted(slot, |engine| {
            let order = engine.store.orders.get_mut(slot);
            order.open -= quantity;
            order.executed += quantity;
            *order
        })
    }

    /// Tells the indicative values when they have changed.
    pub(crate) fn indicate(&mut self, index: usize, out: &mut impl Listener) {
        if self.instruments[index].state != MarketState::Auction {
            return;
        }
        if self.is_crossed(&self.instruments[index]) {
            self.keep_interest(index);
        }
        let outcome = self.outcome(index);
        let now = outcome.map_or(Indicative::default(), |outcome| Indicative {
            price: outcome.price.into(),
            quantity: outcome.volume,
            surplus: outcome.surplus.unsigned_abs(),
            surplus_buy: outcome.surplus > 0,
        });
        let instrument = &mut self.instruments[index];
        if now == instrument.told {
            return;
        }
        instrument.told = now;
        let Indicative { price, quantity, surplus, surplus_buy } = now;
        let fact = MarketFact::Indicative { price, quantity, surplus, surplus_buy };
        tell_market(out, instrument.terms.instrument, fact);
    }

    /// What the auction would do now; `None`: nothing would trade.
    pub(crate) fn outcome(&self, index: usize) -> Option<Outcome> {
        let instrument = &self.instruments[index];
        if !self.is_crossed(instrument) {
            return None;
        }
        let found = match &instrument.interest {
            Some(kept) => candidates(instrument, kept),
            None => candidates(instrument, &self.gather_interest(index)),
        };
        choose(instrument, found)
    }

    /// True when the best buy reaches the best sale. Market orders (rank 0) reach everything.
    fn is_crossed(&self, instrument: &Instrument) -> bool {
        let (bid, ask) = (instrument.book.best_rank(true), instrument.book.best_rank(false));
        let both = bid != NO_RANK && ask != NO_RANK;
        both && (bid == 0 || ask == 0 || tick_of(true, bid) >= tick_of(false, ask))
    }
}

/// Every order price and every run of valid prices between two of them, with the volume and surplus there.
fn candidates(instrument: &Instrument, interest: &Interest) -> Vec<Candidate> {
    let reference = instrument.last_price();
    let market = interest.market();
    let mut points = interest.crossing(&instrument.book, |tick| instrument.price(tick));
    if reference != 0
        && let Err(at) = points.binary_search_by_key(&reference, |point| point.price)
    {
        points.insert(at, Point { price: reference, buy: 0, sell: 0 });
    }
    let mut buys = market.0 + points.iter().map(|point| point.buy).sum::<u64>();
    let mut sells = market.1;
    let mut found = Vec::new();
    for (n, point) in points.iter().enumerate() {
        sells += point.sell;
        push_candidate(instrument, &mut found, (point.price, point.price), buys, sells);
        buys -= point.buy;
        if let Some(next) = points.get(n + 1) {
            push_candidate(instrument, &mut found, (point.price + 1, next.price - 1), buys, sells);
        }
    }
    found
}

/// Adds a run of prices, cut to the collar and to valid prices; nothing when none is left.
fn push_candidate(
    instrument: &Instrument,
    found: &mut Vec<Candidate>,
    (low, high): (u32, u32),
    buys: u64,
    sells: u64,
) {
    let terms = &instrument.terms;
    let low = low.max(terms.collar_low);
    let high = if terms.collar_high == 0 { high } else { high.min(terms.collar_high) };
    let (Some(low), Some(high)) = (instrument.ceil(low.into()), instrument.floor(high.into())) else {
        return;
    };
    if low <= high {
        // Cannot overflow: sums are below 2^43 (limits).
        let surplus = buys as i64 - sells as i64;
        found.push(Candidate { low, high, volume: buys.min(sells), surplus });
    }
}

/// Largest volume, smallest surplus, market pressure, reference price.
fn choose(instrument: &Instrument, candidates: Vec<Candidate>) -> Option<Outcome> {
    let volume = candidates.iter().map(|candidate| candidate.volume).max().filter(|volume| *volume > 0)?;
    let best = candidates.iter().filter(|candidate| candidate.volume == volume);
    let surplus = best.clone().map(|candidate| candidate.surplus.unsigned_abs()).min()?;
    let best: Vec<&Candidate> =
        best.filter(|candidate| candidate.surplus.unsigned_abs() == surplus).collect();
    let low = best.iter().map(|candidate| candidate.low).min()?;
    let high = best.iter().map(|candidate| candidate.high).max()?;
    let price = if best.iter().all(|candidate| candidate.surplus > 0) {
        high
    } else if best.iter().all(|candidate| candidate.surplus < 0) {
        low
    } else {
        by_reference(instrument, low, high)
    };
    let at = best.iter().find(|candidate| (candidate.low..=candidate.high).contains(&price))?;
    Some(Outcome { price, volume, surplus: at.surplus })
}

/// The reference when it lies in between, else the nearer end; without one the middle, rounded down.
fn by_reference(instrument: &Instrument, low: u32, high: u32) -> u32 {
    let middle = low + (high - low) / 2;
    let wanted = match instrument.last_price() {
        0 => middle,
        last => last.clamp(low, high),
    };
    instrument.floor(wanted.into()).unwrap_or(low).max(low)
}

const _: () = assert!(PRICE_MARKET <= u32::MAX as u64, "a wire price below market fits u32");

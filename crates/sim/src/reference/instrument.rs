//! An instrument: its queues, its state, and what it remembers of prices.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ringside_domain::state::Place;
use ringside_domain::{AuctionKind, InstrumentTerms, MarketState, OrderRef, TimeNs};

use super::state::Order;

/// Levels of one kind of orders of one side, each oldest first.
type Levels = BTreeMap<u64, VecDeque<OrderRef>>;

/// The queues of one instrument, and who waits to move.
#[derive(Clone, Default, Debug)]
pub(super) struct Book {
    /// By hidden, then by side (buyers last).
    queues: [[Levels; 2]; 2],
    /// Stops, pegs and discretionary orders.
    pub(super) watched: BTreeSet<OrderRef>,
}

impl Book {
    fn levels(&self, buy: bool, hidden: bool) -> &Levels {
        &self.queues[usize::from(hidden)][usize::from(buy)]
    }

    /// Best level of the visible or the hidden orders of a side, and the oldest order there.
    pub(super) fn best(&self, buy: bool, hidden: bool) -> Option<(u64, OrderRef)> {
        let levels = self.levels(buy, hidden);
        let best = if buy { levels.last_key_value() } else { levels.first_key_value() };
        best.map(|(rank, queue)| (*rank, queue[0]))
    }

    /// The order of a side that comes first: the better price, visible before hidden at one price.
    pub(super) fn first(&self, buy: bool) -> Option<(u64, OrderRef)> {
        match (self.best(buy, false), self.best(buy, true)) {
            (Some(visible), Some(hidden)) if is_better(buy, hidden.0, visible.0) => Some(hidden),
            (Some(visible), _) => Some(visible),
            (None, hidden) => hidden,
        }
    }

    /// Visible orders at a price, oldest first.
    pub(super) fn visible_at(&self, buy: bool, price: u64) -> Vec<OrderRef> {
        self.levels(buy, false).get(&price).map_or_else(Vec::new, |queue| queue.iter().copied().collect())
    }

    /// Visible or hidden orders of a side in priority.
    pub(super) fn in_priority(&self, buy: bool, hidden: bool) -> Vec<OrderRef> {
        let levels = self.levels(buy, hidden);
        if buy {
            levels.values().rev().flatten().copied().collect()
        } else {
            levels.values().flatten().copied().collect()
        }
    }

    pub(super) fn add(&mut self, order: &Order) {
        if order.place != Place::Parked {
            let hidden = order.place == Place::Hidden;
            let levels = &mut self.queues[usize::from(hidden)][usize::from(order.is_buy())];
            levels.entry(order.rank()).or_default().push_back(order.order_ref());
        }
        if order.is_watched() {
            self.watched.insert(order.order_ref());
        }
    }

    pub(super) fn remove(&mut self, order: &Order) {
        self.watched.remove(&order.order_ref());
        if order.place == Place::Parked {
            return;
        }
        let hidden = order.place == Place::Hidden;
        let levels = &mut self.queues[usize::from(hidden)][usize::from(order.is_buy())];
        let queue = levels.get_mut(&order.rank()).expect("Invariant: a resting order has a queue");
        queue.retain(|order_ref| *order_ref != order.order_ref());
        if queue.is_empty() {
            levels.remove(&order.rank());
        }
    }

    /// Crossed or locked, visible and hidden orders together.
    pub(super) fn is_crossed(&self) -> bool {
        let best = |buy| self.first(buy).map(|(price, _)| price);
        matches!((best(true), best(false)), (Some(bid), Some(ask)) if bid >= ask)
    }
}

/// Strictly better for the orders of a side.
pub(super) fn is_better(buy: bool, price: u64, than: u64) -> bool {
    if buy { price > than } else { price < than }
}

/// What was last told of an auction to come.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Indicative {
    pub(super) price: u64,
    pub(super) volume: u64,
    pub(super) surplus: u64,
    pub(super) surplus_buy: bool,
}

/// An instrument as the venue knows it.
#[derive(Clone, Debug)]
pub(super) struct Instrument {
    pub(super) terms: InstrumentTerms,
    pub(super) listed: bool,
    pub(super) killed: bool,
    pub(super) state: MarketState,
    pub(super) auction: AuctionKind,
    pub(super) call_ends_ns: TimeNs,
    /// Price of the last trade; 0 = there was none.
    pub(super) last_trade: u64,
    /// It traded since the band's reference was set.
    pub(super) traded: bool,
    /// The band's reference if there was a trade; 0 = there was none.
    pub(super) band_trade: u64,
    /// A volatility auction found no price: no reference until the next trade.
    pub(super) band_unknown: bool,
    pub(super) top_buy: OrderRef,
    pub(super) top_sell: OrderRef,
    /// Lowest and highest print since the last election of stops.
    pub(super) prints: Option<(u64, u64)>,
    /// Best bid and ask by visible orders that are not pegs, when pegs were last priced.
    pub(super) references: (Option<u64>, Option<u64>),
    /// A peg is new, or continuous trading begins.
    pub(super) pegs_wait: bool,
    pub(super) told: Indicative,
    pub(super) book: Book,
}

impl Instrument {
    pub(super) fn new(terms: InstrumentTerms) -> Self {
        Instrument {
            terms,
            listed: true,
            killed: false,
            state: MarketState::Continuous,
            auction: AuctionKind::Opening,
            call_ends_ns: 0,
            last_trade: 0,
            traded: false,
            band_trade: 0,
            band_unknown: false,
            top_buy: 0,
            top_sell: 0,
            prints: None,
            references: (None, None),
            pegs_wait: false,
            told: Indicative::default(),
            book: Book::default(),
        }
    }

    /// Price of the last trade, or the reference price of the terms before there is one; 0 = none.
    pub(super) fn last_price(&self) -> u64 {
        if self.last_trade > 0 { self.last_trade } else { self.terms.reference_price.into() }
    }

    /// What trades of the present command are measured against; 0 = nothing.
    pub(super) fn band_reference(&self) -> u64 {
        match (self.band_unknown, self.band_trade) {
            (true, _) => 0,
            (false, 0) => self.terms.reference_price.into(),
            (false, price) => price,
        }
    }

    /// The band follows the last trade, between commands only.
    pub(super) fn move_band(&mut self) {
        if self.traded {
            (self.traded, self.band_trade, self.band_unknown) = (false, self.last_trade, false);
        }
    }

    pub(super) fn print(&mut self, price: u64) {
        let (low, high) = self.prints.unwrap_or((price, price));
        self.prints = Some((low.min(price), high.max(price)));
        (self.last_trade, self.traded) = (price, true);
    }

    pub(super) fn top_mut(&mut self, buy: bool) -> &mut OrderRef {
        if buy { &mut self.top_buy } else { &mut self.top_sell }
    }

    /// The call in which at-close orders rest.
    pub(super) fn is_closing_call(&self) -> bool {
        self.state == MarketState::Auction && self.auction == AuctionKind::Closing
    }

    pub(super) fn is_continuous(&self) -> bool {
        self.state == MarketState::Continuous
    }
}

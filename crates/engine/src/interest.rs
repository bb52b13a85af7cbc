//! Open shares by price, kept while an auction tells its indicative price: an order that comes or goes then costs a look at
//! the levels that cross, not at the orders on them. Outside a call nothing is kept, and nothing is paid.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ringside_book::{Book, Slot, tick_of};

use crate::Engine;
use crate::trade::is_unpriced;
use crate::view::QUEUES;

/// Interest at one wire price.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub price: u32,
    pub buy: u64,
    pub sell: u64,
}

/// Open shares of all orders that stand in a book, reserves included: (buys, sales).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interest {
    market: (u64, u64),
    /// By wire price. No entry is (0, 0).
    levels: BTreeMap<u32, (u64, u64)>,
}

impl Interest {
    /// Shares of market orders (buys, sales).
    pub fn market(&self) -> (u64, u64) {
        self.market
    }

    /// Interest at each price from the lowest to the highest at which any order of this book could trade.
    pub fn crossing(&self, book: &Book, price: impl Fn(u32) -> u64) -> Vec<Point> {
        // From the best sale to the best buy; a market order (rank 0) reaches everything.
        let edge = |buy: bool, all: u32| match book.best_rank(buy) {
            0 => all,
            // Cannot truncate: below PRICE_MARKET.
            rank => price(tick_of(buy, rank)) as u32,
        };
        let (lowest, highest) = (edge(false, 0), edge(true, u32::MAX));
        let points = self.levels.range(lowest..=highest);
        points.map(|(&price, &(buy, sell))| Point { price, buy, sell }).collect()
    }

    /// `price`: `None` for a market order.
    fn add(&mut self, buy: bool, price: Option<u32>, shares: u64) {
        let sums = match price {
            None => &mut self.market,
            Some(price) => self.levels.entry(price).or_default(),
        };
        *(if buy { &mut sums.0 } else { &mut sums.1 }) += shares;
    }

    /// The opposite.
    fn take(&mut self, buy: bool, price: Option<u32>, shares: u64) {
        let sums = match price {
            None => &mut self.market,
            Some(price) => self.levels.entry(price).or_default(),
        };
        *(if buy { &mut sums.0 } else { &mut sums.1 }) -= shares;
        if let (Some(price), (0, 0)) = (price, *sums) {
            self.levels.remove(&price);
        }
    }
}

impl Engine {
    /// The sums over all orders that stand in the book of an instrument.
    pub(crate) fn gather_interest(&self, index: usize) -> Interest {
        let mut interest = Interest::default();
        for (buy, queue) in QUEUES {
            for slot in self.instruments[index].book.slots(&self.store, buy, queue) {
                let (buy, price) = self.interest_place(slot);
                interest.add(buy, price, self.open_of(self.store.orders.get(slot)).into());
            }
        }
        interest
    }

    /// From now on the sums follow the book.
    pub(crate) fn keep_interest(&mut self, index: usize) {
        if self.instruments[index].interest.is_none() {
            self.instruments[index].interest = Some(Box::new(self.gather_interest(index)));
        }
    }

    /// An order has come to stand in the book.
    #[cold]
    pub(crate) fn interest_came(&mut self, index: usize, slot: Slot) {
        if self.instruments[index].interest.is_some() {
            let (buy, price) = self.interest_place(slot);
            let open = self.open_of(self.store.orders.get(slot)).into();
            self.instruments[index].interest.iter_mut().for_each(|interest| interest.add(buy, price, open));
        }
    }

    /// An order that stands in the book leaves it.
    #[cold]
    pub(crate) fn interest_goes(&mut self, index: usize, slot: Slot) {
        let open = self.open_of(self.store.orders.get(slot));
        self.interest_shrank(index, slot, open);
    }

    /// An order that stands in the book has lost shares.
    #[cold]
    pub(crate) fn interest_shrank(&mut self, index: usize, slot: Slot, by: u32) {
        let (buy, price) = self.interest_place(slot);
        if let Some(interest) = &mut self.instruments[index].interest {
            interest.take(buy, price, by.into());
        }
    }

    /// Side and wire price of an order that stands; `None`: without a price.
    fn interest_place(&self, slot: Slot) -> (bool, Option<u32>) {
        let order = self.store.orders.get(slot);
        let instrument = &self.instruments[order.instrument.0 as usize - 1];
        // Cannot truncate: below PRICE_MARKET.
        let price = (!is_unpriced(order)).then(|| instrument.price(order.tick) as u32);
        (order.side.is_buy(), price)
    }
}

//! The floor: a bare matching core with none of a venue's rules, as a physical reference for benchmarks.
//!
//! One flat array of levels per instrument over the whole price range with a bitmap of three tiers, a slab of 32-byte orders,
//! order ids as direct indices. No checks, no owners, no events but trades. What a product costs above this is the
//! price of its rules; what the machine costs is in here (shared notes call it "own core").

use crate::stream::{Record, RecordKind, TradeDigest};

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Order {
    id: u32,
    next: u32,
    previous: u32,
    price: u32,
    open: u32,
    symbol: u32,
    buy: bool,
}

#[derive(Clone, Copy)]
struct Level {
    head: u32,
    tail: u32,
}

/// Which levels hold orders: one bit each, with a summary bit for every word, and one for every word of those.
struct Bitmap([Vec<u64>; 3]);

impl Bitmap {
    fn new(levels: usize) -> Self {
        let words = |n: usize| vec![0; n.div_ceil(64).max(1)];
        let (a, b) = (words(levels), words(levels.div_ceil(64)));
        let c = words(b.len());
        Bitmap([a, b, c])
    }

    fn set(&mut self, mut at: usize) {
        for tier in &mut self.0 {
            tier[at / 64] |= 1 << (at % 64);
            at /= 64;
        }
    }

    fn clear(&mut self, mut at: usize) {
        for tier in &mut self.0 {
            tier[at / 64] &= !(1 << (at % 64));
            if tier[at / 64] != 0 {
                return;
            }
            at /= 64;
        }
    }

    /// First set bit at or after `at`.
    fn up(&self, at: usize) -> Option<usize> {
        let mut at = at;
        for tier in 0..3 {
            let word = at / 64;
            let bits = self.0[tier].get(word)? & (u64::MAX << (at % 64));
            if bits != 0 {
                let mut found = word * 64 + bits.trailing_zeros() as usize;
                for lower in (0..tier).rev() {
                    found = found * 64 + self.0[lower][found].trailing_zeros() as usize;
                }
                return Some(found);
            }
            at = word + 1;
        }
        None
    }

    /// Last set bit at or before `at`.
    fn down(&self, at: usize) -> Option<usize> {
        let mut at = at;
        for tier in 0..3 {
            let word = at / 64;
            let bits = self.0[tier][word] & (u64::MAX >> (63 - at % 64));
            if bits != 0 {
                let mut found = word * 64 + 63 - bits.leading_zeros() as usize;
                for lower in (0..tier).rev() {
                    found = found * 64 + 63 - self.0[lower][found].leading_zeros() as usize;
                }
                return Some(found);
            }
            at = word.checked_sub(1)?;
        }
        None
    }
}

struct Market {
    base: u32,
    levels: Vec<Level>,
    used: Bitmap,
    /// Index of the best level of a side; -1 and the number of levels when there is none.
    bid: isize,
    ask: isize,
}

/// The bare core.
pub struct Floor {
    markets: Vec<Market>,
    orders: Vec<Order>,
    free: Vec<u32>,
    slots: Vec<u32>,
    /// Trades: maker id, taker id, price, quantity.
    pub trades: Vec<[u32; 4]>,
}

impl Floor {
    /// A core with room for the prices and ids of these records.
    pub fn new(records: &[Record]) -> Self {
        let symbols = records.iter().map(|record| record.symbol).max().map_or(1, |last| last as usize + 1);
        let mut ranges = vec![(u32::MAX, 0u32); symbols];
        let priced = |record: &&Record| record.price > 0;
        for record in records.iter().filter(priced) {
            let range = &mut ranges[record.symbol as usize];
            *range = (range.0.min(record.price as u32), range.1.max(record.price as u32));
        }
        let ids = records.iter().map(|record| record.order_id.max(record.new_id)).max().unwrap_or(0);
        let market = |(low, high): (u32, u32)| {
            let levels = high.saturating_sub(low) as usize + 1;
            Market {
                base: low,
                levels: vec![Level { head: NONE, tail: NONE }; levels],
                used: Bitmap::new(levels),
                bid: -1,
                ask: levels as isize,
            }
        };
        Floor {
            markets: ranges.into_iter().map(market).collect(),
            orders: Vec::with_capacity(1 << 20),
            free: Vec::new(),
            slots: vec![NONE; ids as usize + 1],
            trades: Vec::new(),
        }
    }

    /// Carries out one record.
    #[inline]
    pub fn apply(&mut self, record: &Record) {
        match record.kind {
            RecordKind::New { buy, immediate } => {
                self.enter(record.symbol, record.order_id, buy, record.price as u32, record.quantity, immediate)
            }
            RecordKind::Cancel => self.cancel(record.order_id),
            RecordKind::Reduce => self.reduce(record.order_id, record.quantity),
            RecordKind::Replace => {
                let slot = self.slots[record.order_id as usize];
                if slot != NONE {
                    let Order { symbol, buy, .. } = self.orders[slot as usize];
                    self.remove(slot);
                    self.enter(symbol, record.new_id, buy, record.price as u32, record.quantity, false);
                }
            }
        }
    }

    fn enter(&mut self, symbol: u32, id: u32, buy: bool, price: u32, quantity: u32, immediate: bool) {
        let left = self.trade(symbol, id, buy, price, quantity);
        if left == 0 || immediate {
            return;
        }
        let order = Order { id, next: NONE, previous: NONE, price, open: left, symbol, buy };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.orders[slot as usize] = order;
                slot
            }
            None => {
                self.orders.push(order);
                self.orders.len() as u32 - 1
            }
        };
        self.slots[id as usize] = slot;
        let market = &mut self.markets[symbol as usize];
        let at = (price - market.base) as usize;
        let level = &mut market.levels[at];
        let last = std::mem::replace(&mut level.tail, slot);
        if last == NONE {
            level.head = slot;
            market.used.set(at);
            if buy {
                market.bid = market.bid.max(at as isize);
            } else {
                market.ask = market.ask.min(at as isize);
            }
        } else {
            self.orders[last as usize].next = slot;
            self.orders[slot as usize].previous = last;
        }
    }

    fn trade(&mut self, symbol: u32, id: u32, buy: bool, price: u32, mut left: u32) -> u32 {
        while left > 0 {
            let market = &self.markets[symbol as usize];
            let limit = price as isize - market.base as isize;
            let best = if buy { market.ask } else { market.bid };
            let none = if buy { market.levels.len() as isize } else { -1 };
            if best == none || (buy && best > limit) || (!buy && best < limit) {
                break;
            }
            let slot = market.levels[best as usize].head;
            let maker = &mut self.orders[slot as usize];
            let quantity = left.min(maker.open);
            left -= quantity;
            maker.open -= quantity;
            self.trades.push([maker.id, id, maker.price, quantity]);
            if maker.open == 0 {
                self.remove(slot);
            }
        }
        left
    }

    fn cancel(&mut self, id: u32) {
        let slot = self.slots[id as usize];
        if slot != NONE {
            self.remove(slot);
        }
    }

    fn reduce(&mut self, id: u32, by: u32) {
        let slot = self.slots[id as usize];
        if slot == NONE {
            return;
        }
        if self.orders[slot as usize].open <= by {
            return self.remove(slot);
        }
        self.orders[slot as usize].open -= by;
    }

    fn remove(&mut self, slot: u32) {
        let Order { id, next, previous, price, symbol, buy, .. } = self.orders[slot as usize];
        self.slots[id as usize] = NONE;
        self.free.push(slot);
        let market = &mut self.markets[symbol as usize];
        let at = (price - market.base) as usize;
        let level = &mut market.levels[at];
        match previous {
            NONE => level.head = next,
            previous => self.orders[previous as usize].next = next,
        }
        match next {
            NONE => level.tail = previous,
            next => self.orders[next as usize].previous = previous,
        }
        if level.head == NONE {
            market.used.clear(at);
            if buy && market.bid == at as isize {
                market.bid = market.used.down(at).map_or(-1, |at| at as isize);
                // Sell levels lie above the best bid, never below it.
            } else if !buy && market.ask == at as isize {
                market.ask = market.used.up(at).unwrap_or(market.levels.len()) as isize;
            }
        }
    }

    /// Digest of the trades so far.
    pub fn digest(&self) -> TradeDigest {
        let mut digest = TradeDigest::new();
        for [maker, taker, price, quantity] in &self.trades {
            digest.add((*maker).into(), (*taker).into(), (*price).into(), *quantity);
        }
        digest
    }
}

//! Price-time priority: match, rest, reduce, remove. Reads like the rulebook.

use ringside_domain::Side;

use crate::Tick;
use crate::ladder::{Ladder, Level, NO_RANK, Rank};
use crate::orders::{NONE, Order, Orders, Slot};

/// An order on its way through the book, before it rests.
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    /// Side.
    pub side: Side,
    /// Worst price it accepts; `None` = market.
    pub limit: Option<Tick>,
    /// Shares, ≥ 1.
    pub quantity: u32,
}

/// One match, told while it happens.
#[derive(Clone, Copy, Debug)]
pub struct Fill {
    /// The resting order.
    pub slot: Slot,
    /// Price: always the resting order's.
    pub tick: Tick,
    /// Shares.
    pub quantity: u32,
    /// The resting order is used up: it has left the book and its slot is free after the call.
    pub exhausted: bool,
}

/// Who is told of matches.
pub trait Fills {
    /// A match took place; `resting` is the order after it.
    fn filled(&mut self, fill: Fill, resting: &Order);
}

/// The book of one instrument.
#[derive(Debug, Default)]
pub struct Book {
    bids: Ladder,
    asks: Ladder,
}

impl Book {
    /// Trades an incoming order against the other side. Returns the shares left over.
    pub fn trade(&mut self, orders: &mut Orders, incoming: Incoming, fills: &mut impl Fills) -> u32 {
        let limit = limit_rank(incoming.side, incoming.limit);
        let contra = self.contra(incoming.side);
        let mut left = incoming.quantity;
        while left > 0 && contra.best() <= limit {
            left = trade_level(contra, orders, left, fills);
        }
        left
    }

    /// True when the order would trade at once.
    pub fn would_trade(&self, side: Side, limit: Option<Tick>) -> bool {
        let contra = if side.is_buy() { &self.asks } else { &self.bids };
        contra.best() <= limit_rank(side, limit)
    }

    /// Puts an order at the back of its level.
    pub fn rest(&mut self, orders: &mut Orders, slot: Slot) {
        let order = *orders.get(slot);
        debug_assert!(order.open > 0 && order.tick > 0, "Invariant: what rests has a price and open shares");
        let level = self.own(order.side).open_level(rank_of(order.side, order.tick));
        let last = level.tail;
        level.tail = slot;
        level.quantity += u64::from(order.open);
        if last == NONE {
            level.head = slot;
        } else {
            orders.get_mut(last).next = slot;
        }
        let order = orders.get_mut(slot);
        (order.previous, order.next) = (last, NONE);
        self.debug_assert_not_crossed();
    }

    /// Takes shares off a resting order; it keeps its place. `by` is less than what is open.
    pub fn reduce(&mut self, orders: &mut Orders, slot: Slot, by: u32) {
        let order = orders.get_mut(slot);
        assert!(by < order.open, "Invariant: a reduction leaves something open");
        order.open -= by;
        let (side, tick) = (order.side, order.tick);
        self.own(side).occupied_level(rank_of(side, tick)).quantity -= u64::from(by);
    }

    /// Takes a resting order out of the book. Its slot stays with the caller.
    pub fn remove(&mut self, orders: &mut Orders, slot: Slot) {
        let order = *orders.get(slot);
        let rank = rank_of(order.side, order.tick);
        let ladder = self.own(order.side);
        let level = ladder.occupied_level(rank);
        level.quantity -= u64::from(order.open);
        unlink(level, orders, &order);
        if level.head == NONE {
            ladder.close_level(rank);
        }
    }

    /// The best price of a side.
    pub fn best(&self, side: Side) -> Option<Tick> {
        let ladder = if side.is_buy() { &self.bids } else { &self.asks };
        (ladder.best() != NO_RANK).then(|| tick_of(side, ladder.best()))
    }

    /// The levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = (Tick, Level)> + '_ {
        let ladder = if side.is_buy() { &self.bids } else { &self.asks };
        let mut rank = ladder.best();
        core::iter::from_fn(move || {
            let level = *ladder.level(rank)?;
            let tick = tick_of(side, rank);
            rank = ladder.next_after(rank);
            Some((tick, level))
        })
    }

    /// The slots of a side in priority: best level first, oldest order first.
    pub fn slots<'a>(&'a self, orders: &'a Orders, side: Side) -> impl Iterator<Item = Slot> + 'a {
        self.levels(side).flat_map(move |(_, level)| {
            core::iter::successors(Some(level.head), move |slot| {
                Some(orders.get(*slot).next).filter(|next| *next != NONE)
            })
        })
    }

    fn own(&mut self, side: Side) -> &mut Ladder {
        if side.is_buy() { &mut self.bids } else { &mut self.asks }
    }

    fn contra(&mut self, side: Side) -> &mut Ladder {
        if side.is_buy() { &mut self.asks } else { &mut self.bids }
    }

    fn debug_assert_not_crossed(&self) {
        if let (Some(bid), Some(ask)) = (self.best(Side::Buy), self.best(Side::Sell)) {
            // Best bid stays below best ask after every command.
            debug_assert!(bid < ask, "Invariant: book is never crossed");
        }
    }
}

/// Trades against the oldest orders of the best level until it or the incoming order is used up.
#[inline]
fn trade_level(contra: &mut Ladder, orders: &mut Orders, mut left: u32, fills: &mut impl Fills) -> u32 {
    let rank = contra.best();
    let level = contra.best_level();
    while left > 0 && level.head != NONE {
        let slot = level.head;
        let order = orders.get_mut(slot);
        let quantity = left.min(order.open);
        left -= quantity;
        order.open -= quantity;
        // Cannot overflow: a chain never executes more than limits::QUANTITY_MAX.
        order.executed += quantity;
        level.quantity -= u64::from(quantity);
        let resting = *order;
        let exhausted = resting.open == 0;
        if exhausted {
            unlink(level, orders, &resting);
        }
        fills.filled(Fill { slot, tick: resting.tick, quantity, exhausted }, &resting);
        if exhausted {
            orders.remove(slot);
        }
    }
    if level.head == NONE {
        contra.close_level(rank);
    }
    left
}

/// Takes an order out of its level's list. The level's quantity is the caller's business.
#[inline]
fn unlink(level: &mut Level, orders: &mut Orders, order: &Order) {
    match order.previous {
        NONE => level.head = order.next,
        previous => orders.get_mut(previous).next = order.next,
    }
    match order.next {
        NONE => level.tail = order.previous,
        next => orders.get_mut(next).previous = order.previous,
    }
}

/// Rank of a price on its own side: lowest is best.
const fn rank_of(side: Side, tick: Tick) -> Rank {
    if side.is_buy() { !tick } else { tick }
}

const fn tick_of(side: Side, rank: Rank) -> Tick {
    if side.is_buy() { !rank } else { rank }
}

/// Worst rank of the other side that the limit reaches.
const fn limit_rank(side: Side, limit: Option<Tick>) -> Rank {
    match limit {
        // Below NO_RANK, so that an empty side is never reached.
        None => NO_RANK - 1,
        Some(tick) if side.is_buy() => tick,
        Some(tick) => !tick,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use ringside_domain::{InstrumentId, LoginId};

    #[derive(Default)]
    struct Told(Vec<(u64, Tick, u32, bool)>);

    impl Fills for Told {
        fn filled(&mut self, fill: Fill, resting: &Order) {
            self.0.push((resting.order_ref, fill.tick, fill.quantity, fill.exhausted));
        }
    }

    struct Desk {
        book: Book,
        orders: Orders,
        next: u64,
    }

    impl Desk {
        fn new() -> Self {
            Desk { book: Book::default(), orders: Orders::new(100), next: 0 }
        }

        fn rest(&mut self, side: Side, tick: Tick, open: u32) -> Slot {
            self.next += 1;
            let order =
                Order::new(self.next, InstrumentId(1), side, tick, open, 0, LoginId(1), self.next as u32, 0);
            let slot = self.orders.insert(order);
            self.book.rest(&mut self.orders, slot);
            slot
        }

        fn trade(
            &mut self,
            side: Side,
            limit: Option<Tick>,
            quantity: u32,
        ) -> (u32, Vec<(u64, Tick, u32, bool)>) {
            let mut told = Told::default();
            let left = self.book.trade(&mut self.orders, Incoming { side, limit, quantity }, &mut told);
            (left, told.0)
        }
    }

    #[test]
    fn trades_best_price_first_and_oldest_first_within_it() {
        let mut desk = Desk::new();
        desk.rest(Side::Sell, 102, 5);
        desk.rest(Side::Sell, 101, 5);
        desk.rest(Side::Sell, 101, 5);
        let (left, fills) = desk.trade(Side::Buy, Some(102), 12);
        assert_eq!(left, 0);
        assert_eq!(fills, [(2, 101, 5, true), (3, 101, 5, true), (1, 102, 2, false)]);
    }

    #[test]
    fn a_limit_stops_at_its_own_price() {
        let mut desk = Desk::new();
        desk.rest(Side::Buy, 100, 5);
        desk.rest(Side::Buy, 99, 5);
        assert_eq!(desk.trade(Side::Sell, Some(100), 8), (3, [(1, 100, 5, true)].to_vec()));
        assert_eq!(desk.book.best(Side::Buy), Some(99));
    }

    #[test]
    fn partial_fill_keeps_queue_position() {
        let mut desk = Desk::new();
        desk.rest(Side::Buy, 100, 10);
        desk.rest(Side::Buy, 100, 10);
        desk.trade(Side::Sell, Some(100), 4);
        assert_eq!(desk.trade(Side::Sell, Some(100), 7).1, [(1, 100, 6, true), (2, 100, 1, false)]);
    }

    #[test]
    fn cancelling_the_middle_of_a_level_loses_nobody_else() {
        let mut desk = Desk::new();
        let _first = desk.rest(Side::Buy, 100, 1);
        let middle = desk.rest(Side::Buy, 100, 2);
        let _last = desk.rest(Side::Buy, 100, 3);
        desk.book.remove(&mut desk.orders, middle);
        desk.orders.remove(middle);
        assert_eq!(desk.trade(Side::Sell, None, 10), (6, [(1, 100, 1, true), (3, 100, 3, true)].to_vec()));
        assert_eq!(desk.book.best(Side::Buy), None);
    }

    #[test]
    fn a_reduced_order_keeps_its_place_and_the_level_its_sum() {
        let mut desk = Desk::new();
        let first = desk.rest(Side::Sell, 7, 10);
        desk.rest(Side::Sell, 7, 1);
        desk.book.reduce(&mut desk.orders, first, 9);
        assert_eq!(desk.book.levels(Side::Sell).next().unwrap().1.quantity, 2);
        assert_eq!(desk.trade(Side::Buy, None, 2).1, [(1, 7, 1, true), (2, 7, 1, true)]);
    }

    #[test]
    fn prices_at_both_ends_of_the_range_work() {
        let mut desk = Desk::new();
        desk.rest(Side::Buy, 1, 1);
        desk.rest(Side::Sell, 1_999_999_999, 1);
        assert_eq!((desk.book.best(Side::Buy), desk.book.best(Side::Sell)), (Some(1), Some(1_999_999_999)));
        assert!(
            desk.book.would_trade(Side::Buy, None) && !desk.book.would_trade(Side::Buy, Some(1_999_999_998))
        );
        assert_eq!(desk.trade(Side::Sell, Some(1), 1).1, [(1, 1, 1, true)]);
    }

    #[test]
    fn five_thousand_orders_at_one_price_trade_in_one_sweep() {
        let mut desk = Desk { orders: Orders::new(5_000), ..Desk::new() };
        for _ in 0..5_000 {
            desk.rest(Side::Sell, 50, 1);
        }
        let (left, fills) = desk.trade(Side::Buy, Some(50), 5_000);
        assert_eq!((left, fills.len()), (0, 5_000));
        assert!(fills.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}

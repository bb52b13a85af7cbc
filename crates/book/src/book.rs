//! Who stands first, and how orders come and go.

use alloc::boxed::Box;

use ringside_domain::Side;

use crate::ladder::{Ladder, Level, NO_RANK, Pages, Rank};
use crate::orders::{NONE, Order, Orders, Slot};
use crate::{Store, Tick};

/// The two queues of a price: displayed orders stand before hidden ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Queue {
    /// Displayed orders.
    Visible,
    /// Hidden orders.
    Hidden,
}

/// The order that stands first on a side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct First {
    /// The order.
    pub slot: Slot,
    /// Its rank: compare with [`limit_rank`].
    pub rank: Rank,
    /// In which queue.
    pub queue: Queue,
}

/// The book of one instrument.
#[derive(Debug, Default)]
pub struct Book {
    bids: Ladder,
    asks: Ladder,
    /// Hidden orders, once there was one: most books never have any, and pay with one test.
    hidden: Option<Box<Hidden>>,
}

#[derive(Debug, Default)]
struct Hidden {
    bids: Ladder,
    asks: Ladder,
}

impl Book {
    /// Rank of the best order of a side, visible or hidden; [`NO_RANK`] when there is none.
    #[inline(always)]
    pub fn best_rank(&self, buy: bool) -> Rank {
        let visible = self.visible(buy).best();
        match &self.hidden {
            None => visible,
            Some(hidden) => visible.min(hidden.of(buy).best()),
        }
    }

    /// Rank of the best visible order of a side.
    #[inline]
    pub fn best_visible_rank(&self, buy: bool) -> Rank {
        self.visible(buy).best()
    }

    /// The order of a side that trades next.
    #[inline(always)]
    pub fn first(&self, pages: &Pages, buy: bool) -> Option<First> {
        let (mut ladder, mut queue) = (self.visible(buy), Queue::Visible);
        if let Some(hidden) = &self.hidden
            && hidden.of(buy).best() < ladder.best()
        {
            // At one price the visible order stands before the hidden one.
            (ladder, queue) = (hidden.of(buy), Queue::Hidden);
        }
        let rank = ladder.best();
        (rank != NO_RANK).then(|| First { slot: ladder.head(pages), rank, queue })
    }

    /// Puts a new order into the arena and at the back of its queue and level, in one pass.
    #[inline(always)]
    pub fn append(&mut self, store: &mut Store, order: Order) -> Slot {
        debug_assert!(order.open > 0, "Invariant: what stands has open shares");
        let (buy, queue, rank) = place(&order);
        let level = self.ladder_mut(buy, queue).open_level(&mut store.pages, rank);
        let slot = store.orders.insert(Order { previous: level.tail, next: NONE, ..order });
        let last = core::mem::replace(&mut level.tail, slot);
        if last == NONE {
            level.head = slot;
        } else {
            store.orders.get_mut(last).next = slot;
        }
        slot
    }

    /// Puts an order at the back of its queue and level, by its side, tick and display.
    #[inline]
    pub fn add(&mut self, store: &mut Store, slot: Slot) {
        let order = store.orders.get(slot);
        debug_assert!(order.open > 0, "Invariant: what stands has open shares");
        let (buy, queue, rank) = place(order);
        let level = self.ladder_mut(buy, queue).open_level(&mut store.pages, rank);
        let last = level.tail;
        level.tail = slot;
        if last == NONE {
            level.head = slot;
        } else {
            store.orders.get_mut(last).next = slot;
        }
        let order = store.orders.get_mut(slot);
        (order.previous, order.next) = (last, NONE);
    }

    /// Takes an order out of its level. Its slot stays with the caller.
    #[inline(always)]
    pub fn remove(&mut self, store: &mut Store, slot: Slot) {
        let order = store.orders.get(slot);
        let (buy, queue, rank) = place(order);
        let (previous, next) = (order.previous, order.next);
        let ladder = self.ladder_mut(buy, queue);
        if previous != NONE && next != NONE {
            // In the middle: the level itself does not change.
            store.orders.get_mut(previous).next = next;
            store.orders.get_mut(next).previous = previous;
            return;
        }
        let page = ladder.page_of(rank);
        let level = store.pages.level_mut(page, rank);
        unlink_end(level, &mut store.orders, previous, next);
        if level.head == NONE {
            ladder.close_level(&mut store.pages, page, rank);
        }
    }

    /// The best visible price of a side; `None` when there is none, or only orders without a price.
    pub fn best(&self, side: Side) -> Option<Tick> {
        let rank = self.best_visible_rank(side.is_buy());
        (rank != NO_RANK && rank != 0).then(|| tick_of(side.is_buy(), rank))
    }

    /// The levels of a queue, best first.
    pub fn levels<'a>(
        &'a self,
        pages: &'a Pages,
        buy: bool,
        queue: Queue,
    ) -> impl Iterator<Item = (Rank, Level)> + 'a {
        let ladder = self.ladder(buy, queue);
        let mut rank = ladder.map_or(NO_RANK, Ladder::best);
        core::iter::from_fn(move || {
            let level = ladder?.level(pages, rank)?;
            let found = rank;
            rank = ladder?.next_after(pages, rank);
            Some((found, level))
        })
    }

    /// The orders of one level, oldest first. Empty when the level is.
    pub fn level_slots<'a>(
        &'a self,
        store: &'a Store,
        buy: bool,
        queue: Queue,
        rank: Rank,
    ) -> impl Iterator<Item = Slot> + 'a {
        let level = self.ladder(buy, queue).and_then(|ladder| ladder.level(&store.pages, rank));
        let head = level.map_or(NONE, |level| level.head);
        list(&store.orders, head)
    }

    /// The orders of a queue in priority: best level first, oldest order first.
    pub fn slots<'a>(&'a self, store: &'a Store, buy: bool, queue: Queue) -> impl Iterator<Item = Slot> + 'a {
        self.levels(&store.pages, buy, queue).flat_map(move |(_, level)| list(&store.orders, level.head))
    }

    #[inline(always)]
    fn visible(&self, buy: bool) -> &Ladder {
        if buy { &self.bids } else { &self.asks }
    }

    fn ladder(&self, buy: bool, queue: Queue) -> Option<&Ladder> {
        match queue {
            Queue::Visible => Some(self.visible(buy)),
            Queue::Hidden => self.hidden.as_ref().map(|hidden| hidden.of(buy)),
        }
    }

    #[inline(always)]
    fn ladder_mut(&mut self, buy: bool, queue: Queue) -> &mut Ladder {
        match (queue, buy) {
            (Queue::Visible, true) => &mut self.bids,
            (Queue::Visible, false) => &mut self.asks,
            (Queue::Hidden, _) => self.hidden_mut(buy),
        }
    }

    #[cold]
    fn hidden_mut(&mut self, buy: bool) -> &mut Ladder {
        let hidden = self.hidden.get_or_insert_default();
        if buy { &mut hidden.bids } else { &mut hidden.asks }
    }
}

impl Hidden {
    fn of(&self, buy: bool) -> &Ladder {
        if buy { &self.bids } else { &self.asks }
    }
}

fn list(orders: &Orders, head: Slot) -> impl Iterator<Item = Slot> + '_ {
    let some = |slot: Slot| Some(slot).filter(|slot| *slot != NONE);
    core::iter::successors(some(head), move |slot| some(orders.get(*slot).next))
}

#[inline(always)]
fn place(order: &Order) -> (bool, Queue, Rank) {
    let queue = if order.is_visible() { Queue::Visible } else { Queue::Hidden };
    let buy = order.side.is_buy();
    (buy, queue, rank_of(buy, order.tick))
}

/// Takes the first or the last order out of a level's list.
#[inline(always)]
fn unlink_end(level: &mut Level, orders: &mut Orders, previous: Slot, next: Slot) {
    match previous {
        NONE => level.head = next,
        previous => orders.get_mut(previous).next = next,
    }
    match next {
        NONE => level.tail = previous,
        next => orders.get_mut(next).previous = previous,
    }
}

/// The tick of an order without a price: it ranks before all prices of its side. Only in the call of an auction.
pub const fn market_tick(buy: bool) -> Tick {
    if buy { Tick::MAX } else { 0 }
}

/// Rank of a price on its own side: lowest is best.
#[inline]
pub const fn rank_of(buy: bool, tick: Tick) -> Rank {
    if buy { !tick } else { tick }
}

/// The price of a rank.
#[inline]
pub const fn tick_of(buy: bool, rank: Rank) -> Tick {
    if buy { !rank } else { rank }
}

/// Worst rank of the other side that an incoming order of this side reaches; `None` = market.
#[inline]
pub const fn limit_rank(buy: bool, limit: Option<Tick>) -> Rank {
    match limit {
        // Below NO_RANK, so that an empty side is never reached.
        None => NO_RANK - 1,
        Some(tick) => rank_of(!buy, tick),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::plain;
    use alloc::vec::Vec;

    struct Desk {
        book: Book,
        store: Store,
        next: u64,
    }

    impl Desk {
        fn new() -> Self {
            Desk { book: Book::default(), store: Store::new(10_000), next: 0 }
        }

        fn rest(&mut self, side: Side, tick: Tick, display: u8) -> Slot {
            self.next += 1;
            let mut order = plain(self.next, side, tick, 1);
            order.letters.display = display;
            let slot = self.store.orders.insert(order);
            self.book.add(&mut self.store, slot);
            slot
        }

        fn remove(&mut self, slot: Slot) {
            self.book.remove(&mut self.store, slot);
            self.store.orders.remove(slot);
        }

        /// Order references of a side in the order in which they would trade.
        fn drain(&mut self, buy: bool) -> Vec<u64> {
            let mut refs = Vec::new();
            while let Some(first) = self.book.first(&self.store.pages, buy) {
                refs.push(self.store.orders.get(first.slot).order_ref);
                self.remove(first.slot);
            }
            refs
        }
    }

    #[test]
    fn better_prices_first_then_visible_then_older_ones() {
        let mut desk = Desk::new();
        for (tick, display) in [(102, b'Y'), (101, b'N'), (101, b'Y'), (101, b'A'), (100, b'N')] {
            desk.rest(Side::Sell, tick, display);
        }
        assert_eq!(desk.drain(false), [5, 3, 4, 2, 1]);
        for (tick, display) in [(99, b'N'), (98, b'Y'), (99, b'Y')] {
            desk.rest(Side::Buy, tick, display);
        }
        assert_eq!(desk.drain(true), [8, 6, 7]);
    }

    #[test]
    fn orders_without_a_price_stand_before_all_prices() {
        let mut desk = Desk::new();
        desk.rest(Side::Buy, 1_999_999_999, b'Y');
        desk.rest(Side::Buy, market_tick(true), b'Y');
        desk.rest(Side::Sell, 1, b'Y');
        desk.rest(Side::Sell, market_tick(false), b'Y');
        assert_eq!((desk.book.best(Side::Buy), desk.book.best(Side::Sell)), (None, None));
        assert_eq!((desk.drain(true), desk.drain(false)), ([2, 1].to_vec(), [4, 3].to_vec()));
    }

    #[test]
    fn cancelling_any_order_of_a_level_loses_nobody_else() {
        for doomed in 0..4 {
            let mut desk = Desk::new();
            let slots: Vec<Slot> = (0..4).map(|_| desk.rest(Side::Buy, 100, b'Y')).collect();
            desk.remove(slots[doomed]);
            let left: Vec<u64> = (1..=4).filter(|n| *n != doomed as u64 + 1).collect();
            assert_eq!(desk.drain(true), left);
            assert_eq!(desk.book.best(Side::Buy), None);
        }
    }

    #[test]
    fn an_order_that_leaves_and_joins_again_goes_to_the_back_of_its_level() {
        let mut desk = Desk::new();
        let first = desk.rest(Side::Sell, 7, b'Y');
        desk.rest(Side::Sell, 7, b'Y');
        desk.book.remove(&mut desk.store, first);
        desk.book.add(&mut desk.store, first);
        assert_eq!(desk.drain(false), [2, 1]);
    }

    #[test]
    fn a_limit_reaches_its_own_price_and_no_further() {
        assert!(rank_of(false, 100) <= limit_rank(true, Some(100)));
        assert!(rank_of(false, 101) > limit_rank(true, Some(100)));
        assert!(rank_of(true, 100) <= limit_rank(false, Some(100)));
        assert!(rank_of(true, 99) > limit_rank(false, Some(100)));
        assert!(NO_RANK > limit_rank(true, None) && NO_RANK > limit_rank(false, None));
        assert!(rank_of(false, 1_999_999_999) <= limit_rank(true, None));
        assert!(rank_of(true, 1) <= limit_rank(false, None));
    }

    #[test]
    fn five_thousand_orders_at_one_price_keep_their_order() {
        let mut desk = Desk::new();
        (0..5_000).for_each(|_| _ = desk.rest(Side::Sell, 50, b'Y'));
        assert!(desk.drain(false).windows(2).all(|pair| pair[0] < pair[1]));
    }
}

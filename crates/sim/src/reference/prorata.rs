//! CME's pro rata (§14): the top order, then a share in proportion to what is displayed, then the oldest.

use ringside_domain::{OrderRef, SelfTradePrevention};

use super::Reference;
use super::state::Order;

/// A displayed order of the level, and what it gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Share {
    order_ref: OrderRef,
    displayed: u32,
    gets: u32,
}

impl Reference {
    /// One round at a price where visible orders stand: everybody's share, one match each, then the refreshes.
    pub(super) fn share_level(&mut self, order: &mut Order, price: u64) {
        self.prevent_level(order, price);
        let visible = self.at(order.instrument).book.visible_at(!order.is_buy(), price);
        let mut level: Vec<_> = visible.iter().map(|order_ref| self.share_of(*order_ref)).collect();
        let top = *self.at_mut(order.instrument).top_mut(!order.is_buy());
        let lot = self.at(order.instrument).terms.lot;
        // Top first, then by time.
        level.sort_by_key(|share| share.order_ref != top);
        let has_top = level.first().is_some_and(|share| share.order_ref == top);
        allocate(order.open, &mut level, has_top, lot);
        level.retain(|share| share.gets > 0);
        for share in &level {
            self.execute(order, share.order_ref, share.gets);
        }
        for share in &level {
            self.refresh_if_used_up(share.order_ref);
        }
    }

    fn share_of(&self, order_ref: OrderRef) -> Share {
        Share { order_ref, displayed: self.orders[&order_ref].displayed, gets: 0 }
    }

    /// Own visible orders of the level, by time, as long as there are any: slices that follow included.
    fn prevent_level(&mut self, order: &mut Order, price: u64) {
        if self.login(order.login).terms.self_trade_prevention == SelfTradePrevention::None {
            return;
        }
        while order.open > 0 {
            let visible = self.at(order.instrument).book.visible_at(!order.is_buy(), price);
            let resting = visible.iter().map(|order_ref| self.orders[order_ref]);
            let own = resting.into_iter().find(|resting| self.is_self_trade(order, resting));
            let Some(own) = own else { return };
            self.prevent(order, &own);
        }
    }
}

/// Shares out `open` among the orders of a level in their order.
fn allocate(open: u32, level: &mut [Share], has_top: bool, lot: u32) {
    let covers_all = u64::from(open) >= level.iter().map(|share| u64::from(share.displayed)).sum();
    let mut left = open;
    if !covers_all {
        let (top, others) = level.split_at_mut(usize::from(has_top));
        give_by_time(&mut left, top);
        give_in_proportion(&mut left, others, lot);
    }
    give_by_time(&mut left, level);
}

/// Each what it still displays, as far as it goes.
fn give_by_time(left: &mut u32, level: &mut [Share]) {
    for share in level {
        let more = (*left).min(share.displayed - share.gets);
        share.gets += more;
        *left -= more;
    }
}

/// Whole lots in proportion to what is displayed; less than two lots is nothing.
fn give_in_proportion(left: &mut u32, level: &mut [Share], lot: u32) {
    let all: u128 = level.iter().map(|share| u128::from(share.displayed)).sum();
    let shared = u128::from(*left);
    for share in level.iter_mut().filter(|_| shared > 0) {
        let exact = shared * u128::from(share.displayed) / all;
        let lots = (exact / u128::from(lot)) as u32;
        share.gets = if lots < 2 { 0 } else { lots * lot };
        *left -= share.gets;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gets(open: u32, displayed: &[u32], has_top: bool, lot: u32) -> Vec<u32> {
        let share = |(at, displayed): (usize, &u32)| Share {
            order_ref: at as u64 + 1,
            displayed: *displayed,
            gets: 0,
        };
        let mut level: Vec<_> = displayed.iter().enumerate().map(share).collect();
        allocate(open, &mut level, has_top, lot);
        level.iter().map(|share| share.gets).collect()
    }

    #[test]
    fn what_does_not_cover_the_level_is_shared() {
        // 100 * 50/160 = 31.25, 100 * 10/160 = 6.25, 100 * 100/160 = 62.5; the last share goes to the oldest.
        assert_eq!(gets(100, &[50, 10, 100], false, 1), [32, 6, 62]);
        // 10 * 5/50 = 1: less than two lots.
        assert_eq!(gets(10, &[5, 45], false, 1), [1, 9]);
        assert_eq!(gets(10, &[45, 5], false, 1), [10, 0]);
    }

    #[test]
    fn the_top_order_is_served_first() {
        assert_eq!(gets(30, &[20, 50, 50], true, 1), [20, 5, 5]);
        assert_eq!(gets(15, &[20, 50, 50], true, 1), [15, 0, 0]);
    }

    #[test]
    fn shares_are_whole_lots() {
        // 100 * 300/400 = 75, 100 * 100/400 = 25 -> 7 and 2 lots of 10, one lot is left for the oldest.
        assert_eq!(gets(100, &[300, 100], false, 10), [80, 20]);
    }

    #[test]
    fn what_covers_the_level_trades_by_time() {
        assert_eq!(gets(200, &[50, 10, 100], false, 1), [50, 10, 100]);
        assert_eq!(gets(160, &[50, 10, 100], true, 1), [50, 10, 100]);
    }
}

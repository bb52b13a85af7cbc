//! Pro-rata allocation with the steps of the CME: top order, pro rata with a minimum of two lots, then by time
//! (rules.md §14).

use alloc::vec::Vec;

use ringside_book::{Queue, Rank, Slot};
use ringside_domain::SelfTradePrevention;

use crate::trade::Stopped;
use crate::working::Working;
use crate::{Engine, Listener};

impl Engine {
    /// The incoming order meets a level of visible orders. `Some`: it goes no further.
    #[cold]
    pub(crate) fn trade_level_pro_rata(
        &mut self,
        w: &mut Working<'_>,
        rank: Rank,
        out: &mut impl Listener,
    ) -> Option<Stopped> {
        if let Some(stopped) = self.prevent_level(w, rank, out) {
            return Some(stopped);
        }
        let level = self.level_slots(w, rank);
        let total: u64 = level.iter().map(|slot| u64::from(self.store.orders.get(*slot).open)).sum();
        if u64::from(w.order.open) >= total {
            return self.trade_shares(
                w,
                level.iter().map(|slot| (*slot, self.displayed(*slot))).collect(),
                out,
            );
        }
        let shares = self.shares(w, &level, total);
        self.trade_shares(w, shares, out)
    }

    fn displayed(&self, slot: Slot) -> u32 {
        self.store.orders.get(slot).open
    }

    /// One match each; what is used up is refreshed, or ends, after all of them.
    fn trade_shares(
        &mut self,
        w: &mut Working<'_>,
        shares: Vec<(Slot, u32)>,
        out: &mut impl Listener,
    ) -> Option<Stopped> {
        for (slot, share) in &shares {
            self.fill(w, *slot, *share, out);
        }
        for (slot, _) in shares {
            self.refresh_or_end(slot, out);
        }
        None
    }

    fn level_slots(&self, w: &Working<'_>, rank: Rank) -> Vec<Slot> {
        let book = &self.instruments[w.index()].book;
        book.level_slots(&self.store, !w.is_buy(), Queue::Visible, rank).collect()
    }

    /// Self-trade prevention on the own orders of the level, by time, before anything is shared out.
    fn prevent_level(&mut self, w: &mut Working<'_>, rank: Rank, out: &mut impl Listener) -> Option<Stopped> {
        let mode = self.logins[w.order.login.0 as usize - 1].terms.self_trade_prevention;
        if mode == SelfTradePrevention::None {
            return None;
        }
        loop {
            let mut own = self.level_slots(w, rank);
            own.retain(|slot| self.is_own_firm(w.order.login, *slot));
            if own.is_empty() {
                return None;
            }
            // Slices that this refreshes stand behind: they are the next round's.
            for slot in own {
                self.prevent(w, slot, mode, out);
                if w.order.open == 0 {
                    return Some(Stopped::Prevented);
                }
            }
        }
    }

    /// What each order of the level gets, in the order of the matches. The incoming order covers less than `total`.
    fn shares(&self, w: &Working<'_>, level: &[Slot], total: u64) -> Vec<(Slot, u32)> {
        let instrument = &self.instruments[w.index()];
        let lot = instrument.terms.lot;
        let top_ref = if w.is_buy() { instrument.top_sell } else { instrument.top_buy };
        let displayed = |slot: Slot| self.displayed(slot);
        let top = level.iter().copied().find(|slot| self.store.orders.get(*slot).order_ref == top_ref);
        let top = top.map(|slot| (slot, displayed(slot).min(w.order.open)));
        let rest = w.order.open - top.map_or(0, |(_, share)| share);
        let others_total = total - top.map_or(0, |(slot, _)| u64::from(displayed(slot)));
        let others = level.iter().copied().filter(|slot| top.is_none_or(|(top, _)| top != *slot));
        let mut shares: Vec<(Slot, u32)> =
            others.map(|slot| (slot, pro_rata(rest, displayed(slot), others_total, lot))).collect();
        let mut left = rest - shares.iter().map(|(_, share)| share).sum::<u32>();
        for (slot, share) in &mut shares {
            let more = (displayed(*slot) - *share).min(left);
            *share += more;
            left -= more;
        }
        debug_assert!(left == 0, "Invariant: less than the level is shared out among the level");
        top.into_iter().chain(shares).filter(|(_, share)| *share > 0).collect()
    }
}

/// floor(rest × displayed / total) in whole lots; below two lots nothing.
fn pro_rata(rest: u32, displayed: u32, total: u64, lot: u32) -> u32 {
    if total == 0 {
        return 0;
    }
    // 128 bits as the rule says; cannot truncate because displayed <= total, so the share is at most `rest`.
    let share = (u128::from(rest) * u128::from(displayed) / u128::from(total)) as u32;
    let share = share - share % lot;
    if share < 2 * lot { 0 } else { share }
}

#[cfg(test)]
mod tests {
    use super::pro_rata;

    #[test]
    fn shares_are_rounded_down_and_less_than_two_lots_is_nothing() {
        assert_eq!(pro_rata(100, 33, 100, 1), 33);
        assert_eq!(pro_rata(100, 1, 100, 1), 0);
        assert_eq!(pro_rata(100, 2, 100, 1), 2);
        assert_eq!(pro_rata(99, 50, 150, 10), 30);
        assert_eq!(pro_rata(99, 20, 150, 10), 0);
        assert_eq!(pro_rata(5, 0, 0, 1), 0);
    }
}

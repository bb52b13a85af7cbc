//! How much an incoming order would really trade now: for fill-or-kill and minimum quantity (rules.md §4, §5).
//!
//! Costs a walk over the orders it reaches, and changes nothing. Slices of icebergs matter only where self-trade
//! prevention makes the order of queue decide; then the walk plays them out, with the draws that would be made.

use alloc::collections::VecDeque;

use ringside_book::{NO_RANK, NONE, Queue, Rank, Slot};
use ringside_domain::SelfTradePrevention;

use crate::Engine;
use crate::draw::Draws;
use crate::instrument::Watch;
use crate::working::Working;

/// What the walk has found so far.
struct Tally {
    /// Incoming shares that are left.
    left: u32,
    /// Shares that would trade.
    got: u32,
    /// Enough of them.
    needed: u32,
    /// Generator of slices, as it would be by then.
    draws: Draws,
    /// An own order ends the walk.
    over: bool,
}

impl Tally {
    fn trade(&mut self, shares: u32) {
        let shares = shares.min(self.left);
        self.left -= shares;
        self.got += shares;
    }
}

impl Engine {
    /// True when the order would trade at least `needed` shares within `limit`.
    pub(crate) fn reaches(&self, w: &Working<'_>, limit: Rank, needed: u32) -> bool {
        if needed > w.order.open {
            return false;
        }
        let instrument = &self.instruments[w.index()];
        let contra = !w.is_buy();
        let levels = |queue| instrument.book.levels(&self.store.pages, contra, queue).map(|(rank, _)| rank);
        let (mut visible, mut hidden) = (levels(Queue::Visible).peekable(), levels(Queue::Hidden).peekable());
        let mut tally = Tally { left: w.order.open, got: 0, needed, draws: self.draws(), over: false };
        while tally.got < needed && tally.left > 0 && !tally.over {
            let best = [visible.peek(), hidden.peek()].map(|rank| rank.copied().unwrap_or(NO_RANK));
            let (rank, queue) = match best {
                [NO_RANK, NO_RANK] => break,
                // At one price the visible orders stand before the hidden ones.
                [shown, unseen] if shown <= unseen => (visible.next().unwrap_or(shown), Queue::Visible),
                [_, unseen] => (hidden.next().unwrap_or(unseen), Queue::Hidden),
            };
            if rank > limit || self.is_level_out_of_bounds(w, rank, queue) {
                break;
            }
            self.tally_level(w, rank, queue, &mut tally);
        }
        tally.got >= needed
    }

    fn is_level_out_of_bounds(&self, w: &Working<'_>, rank: Rank, queue: Queue) -> bool {
        let instrument = &self.instruments[w.index()];
        if !instrument.watch.any(Watch::BOUNDS) {
            return false;
        }
        let first = instrument.book.level_slots(&self.store, !w.is_buy(), queue, rank).next();
        first.is_some_and(|slot| self.out_of_bounds(w, slot).is_some())
    }

    fn tally_level(&self, w: &Working<'_>, rank: Rank, queue: Queue, tally: &mut Tally) {
        let instrument = &self.instruments[w.index()];
        let mode = self.logins[w.order.login.0 as usize - 1].terms.self_trade_prevention;
        let slots = || instrument.book.level_slots(&self.store, !w.is_buy(), queue, rank);
        let is_own =
            |slot: &Slot| mode != SelfTradePrevention::None && self.is_own_firm(w.order.login, *slot);
        if mode == SelfTradePrevention::None || !slots().any(|slot| is_own(&slot)) {
            for slot in slots() {
                tally.trade(self.open_of(self.store.orders.get(slot)));
                if tally.left == 0 || tally.got >= tally.needed {
                    return;
                }
            }
            return;
        }
        let shared = instrument.watch.any(Watch::PRO_RATA) && queue == Queue::Visible;
        match mode {
            SelfTradePrevention::CancelOldest => {
                let others = slots().filter(|slot| !is_own(slot));
                others.for_each(|slot| tally.trade(self.open_of(self.store.orders.get(slot))));
            }
            SelfTradePrevention::Decrement if shared => {
                let own = slots().filter(is_own).map(|slot| self.open_of(self.store.orders.get(slot)));
                own.for_each(|open| tally.left -= open.min(tally.left));
                let others = slots().filter(|slot| !is_own(slot));
                others.for_each(|slot| tally.trade(self.open_of(self.store.orders.get(slot))));
            }
            SelfTradePrevention::Decrement => self.play_out(slots(), is_own, instrument.terms.lot, tally),
            // The first own order ends the walk; with shared levels before anything of the level trades.
            _ => {
                let ahead = slots().take_while(|slot| !is_own(slot) && !shared);
                ahead.for_each(|slot| tally.trade(self.store.orders.get(slot).open));
                tally.over = true;
            }
        }
    }

    /// Trades a level in time priority, slice by slice.
    fn play_out(
        &self,
        slots: impl Iterator<Item = Slot>,
        is_own: impl Fn(&Slot) -> bool,
        lot: u32,
        tally: &mut Tally,
    ) {
        let mut queue: VecDeque<(Slot, u32, u32)> = slots
            .map(|slot| {
                let order = self.store.orders.get(slot);
                (slot, order.open, self.open_of(order) - order.open)
            })
            .collect();
        while tally.left > 0
            && let Some((slot, displayed, reserve)) = queue.pop_front()
        {
            match is_own(&slot) {
                true => tally.left -= displayed.min(tally.left),
                false => tally.trade(displayed),
            }
            let special = self.store.orders.get(slot).special;
            if reserve > 0 && special != NONE {
                let extra = &self.specials.get(special).extra;
                let shape = (extra.max_floor, extra.random_reserves, lot);
                let next = tally.draws.slice(shape, reserve);
                queue.push_back((slot, next, reserve - next));
            }
        }
    }
}

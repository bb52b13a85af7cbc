//! How an order comes to stand somewhere, and how it leaves.
//!
//! *Registered* = it has a slot, its login finds it by UserRefNum, and risk and balances count it. *Placed* = it stands in a
//! queue of the book. *Parked* = registered and not placed.

use ringside_book::{NONE, Order, Slot, Store, Tick, market_tick, rank_of};
use ringside_domain::{MarketFact, OrderRef};

use crate::due::What;
use crate::instrument::Watch;
use crate::special::{Extra, Special};
use crate::working::Working;
use crate::{Engine, Instrument, Listener, Login, tell_market};

impl Engine {
    /// Puts what is left of an order at the back of the level of its price.
    pub(crate) fn rest(&mut self, w: &mut Working<'_>, tick: Tick, out: &mut impl Listener) {
        w.order.tick = tick;
        if !w.plain || w.slot != NONE || w.is_market() {
            return self.rest_special(w, out);
        }
        let slot = self.register(w);
        self.place(slot, out, w);
    }

    #[cold]
    fn rest_special(&mut self, w: &mut Working<'_>, out: &mut impl Listener) {
        let slot = self.register_special(w, false);
        self.place(slot, out, w);
    }

    /// Puts an incoming order, which is registered, into the book and tells the public.
    fn place(&mut self, slot: Slot, out: &mut impl Listener, w: &mut Working<'_>) {
        if self.instruments[w.index()].watch.any(Watch::PRO_RATA) {
            self.note_top(slot);
        }
        self.join(slot);
        self.tell_standing(w, slot, out);
    }

    /// Keeps an order outside the book.
    pub(crate) fn park(&mut self, w: &mut Working<'_>, out: &mut impl Listener) -> Slot {
        self.forget_replaced(w, out);
        w.order.tick = 0;
        self.register_special(w, true)
    }

    fn register(&mut self, w: &Working<'_>) -> Slot {
        let slot = self.store.orders.insert(w.order);
        let login = &mut self.logins[w.order.login.0 as usize - 1];
        login.add(slot, w.order.user_ref_idx, w.order.user_ref_num);
        let guarded = login.guarded;
        let instrument = &mut self.instruments[w.index()];
        instrument.live_orders += 1;
        if guarded || instrument.watch.any(Watch::BALANCES) {
            self.count_in(slot);
        }
        slot
    }

    /// Registers an order with a special part; one that has a slot already (a triggered stop) keeps it.
    fn register_special(&mut self, w: &mut Working<'_>, parked: bool) -> Slot {
        let open = w.order.open;
        let displayed = if parked { open } else { self.next_slice(w, open) };
        let special = Special {
            extra: *w.extra,
            limit: w.limit,
            reserve: open - displayed,
            parked,
            public_ref: 0,
            told_price: 0,
            ends_at: self.ends_at(w),
        };
        w.order.open = displayed;
        if w.slot != NONE {
            self.count_out(w.slot);
            w.order.special = self.store.orders.get(w.slot).special;
            let kept = self.specials.get_mut(w.order.special);
            *kept = Special { ends_at: kept.ends_at, ..special };
            *self.store.orders.get_mut(w.slot) = w.order;
            self.count_in(w.slot);
            return w.slot;
        }
        w.order.special = self.specials.insert(special);
        let slot = self.register(w);
        self.schedule_order(special.ends_at, w.order.order_ref, slot);
        self.watch_order(slot, &special);
        slot
    }

    /// Shares of the next slice, when that many are left.
    pub(crate) fn next_slice(&mut self, w: &Working<'_>, open: u32) -> u32 {
        if w.extra.max_floor == 0 {
            return open;
        }
        let lot = self.instruments[w.index()].terms.lot;
        self.draw_slice((w.extra.max_floor, w.extra.random_reserves, lot), open)
    }

    fn ends_at(&self, w: &Working<'_>) -> u64 {
        match (w.order.letters.time_in_force, w.extra.expire_at) {
            (b'6', _) => {
                self.counters.time_ns.saturating_add(u64::from(w.extra.expire_seconds) * 1_000_000_000)
            }
            (_, ringside_domain::NO_EXPIRE_AT) => 0,
            (_, expire_at) => expire_at,
        }
    }

    /// Makes a registered order findable by what it waits for.
    fn watch_order(&mut self, slot: Slot, special: &Special) {
        let order = self.store.orders.get(slot);
        let index = order.instrument.0 as usize - 1;
        let instrument = &mut self.instruments[index];
        let (order_ref, buy) = (order.order_ref, order.side.is_buy());
        let Extra { trigger_price, discretion_price, is_peg, .. } = special.extra;
        if special.parked {
            instrument.watched.parked.insert(order_ref, slot);
        }
        if special.parked && trigger_price != 0 {
            let key = (trigger_price, order_ref);
            let stops = &mut instrument.watched;
            let stops = if buy { &mut stops.buy_stops } else { &mut stops.sell_stops };
            stops.insert(key, slot);
        }
        if is_peg {
            instrument.watched.pegs.insert(order_ref, slot);
            instrument.watched.peg_added = true;
        }
        if discretion_price != 0 {
            let key = (instrument.tick_at(discretion_price.into()), order_ref);
            let takers = &mut instrument.watched;
            let takers = if buy { &mut takers.buy_discretion } else { &mut takers.sell_discretion };
            takers.insert(key, slot);
        }
        instrument.rewatch();
        self.touch(index);
    }

    /// The opposite of [`Engine::watch_order`].
    pub(crate) fn unwatch_order(&mut self, slot: Slot, special: &Special) {
        let order = self.store.orders.get(slot);
        let index = order.instrument.0 as usize - 1;
        let instrument = &mut self.instruments[index];
        let (order_ref, buy) = (order.order_ref, order.side.is_buy());
        let trigger = special.extra.trigger_price;
        let discretion = instrument.tick_at(special.extra.discretion_price.into());
        let watched = &mut instrument.watched;
        watched.parked.remove(&order_ref);
        watched.pegs.remove(&order_ref);
        if buy {
            watched.buy_stops.remove(&(trigger, order_ref));
            watched.buy_discretion.remove(&(discretion, order_ref));
        } else {
            watched.sell_stops.remove(&(trigger, order_ref));
            watched.sell_discretion.remove(&(discretion, order_ref));
        }
        instrument.rewatch();
        self.touch(index);
    }

    /// Puts a registered order into the book.
    pub(crate) fn join(&mut self, slot: Slot) {
        let index = self.store.orders.get(slot).instrument.0 as usize - 1;
        let instrument = &mut self.instruments[index];
        instrument.book.add(&mut self.store, slot);
        if instrument.watch.any(Watch::SETTLES) {
            self.interest_came(index, slot);
            self.touch(index);
        }
    }

    /// Takes a placed order out of the book; it stays registered.
    pub(crate) fn unplace(&mut self, slot: Slot) {
        let order = self.store.orders.get(slot);
        let (index, order_ref) = (order.instrument.0 as usize - 1, order.order_ref);
        let instrument = &mut self.instruments[index];
        instrument.book.remove(&mut self.store, slot);
        if instrument.watch.any(Watch::PRO_RATA) {
            instrument.drop_top(order_ref);
        }
        if instrument.watch.any(Watch::SETTLES) {
            self.interest_goes(index, slot);
            self.touch(index);
        }
    }

    /// Tells the public of an order that came to stand in view.
    fn tell_standing(&mut self, w: &mut Working<'_>, slot: Slot, out: &mut impl Listener) {
        let order = self.store.orders.get(slot);
        let visible = order.is_visible() && order.tick != market_tick(w.is_buy());
        if !visible {
            return self.forget_replaced(w, out);
        }
        let price = self.instruments[w.index()].price(order.tick);
        let quantity = order.open;
        let fact = match w.replaced {
            0 => MarketFact::Added { public_ref: w.order.order_ref, buy: w.is_buy(), quantity, price },
            old => MarketFact::Replaced { old, new: w.order.order_ref, quantity, price },
        };
        w.replaced = 0;
        tell_market(out, w.order.instrument, fact);
    }

    /// The order that this one replaces has left the public's book, before anything else is told.
    #[inline(always)]
    pub(crate) fn forget_replaced(&mut self, w: &mut Working<'_>, out: &mut impl Listener) {
        if w.replaced != 0 {
            let public_ref = core::mem::take(&mut w.replaced);
            tell_market(out, w.order.instrument, MarketFact::Deleted { public_ref });
        }
    }

    /// Takes a live order out of everything. Tells nothing.
    #[inline(always)]
    pub(crate) fn take_out(&mut self, slot: Slot) {
        let Engine { store, instruments, logins, .. } = self;
        let order = store.orders.get(slot);
        let instrument = &mut instruments[order.instrument.0 as usize - 1];
        let login = &mut logins[order.login.0 as usize - 1];
        if order.special != NONE || login.guarded || instrument.watch.any(Watch::NEEDS_CARE) {
            return self.take_out_with_care(slot);
        }
        drop_plain(store, instrument, login, slot);
    }

    #[cold]
    fn take_out_with_care(&mut self, slot: Slot) {
        let special = self.store.orders.get(slot).special;
        if special == NONE || !self.specials.get(special).parked {
            self.unplace(slot);
        }
        self.unregister(slot);
    }

    /// The opposite of registering. The order stands in no queue any more.
    pub(crate) fn unregister(&mut self, slot: Slot) {
        let order = self.store.orders.get(slot);
        let (special, user_ref_idx, user_ref_num) = (order.special, order.user_ref_idx, order.user_ref_num);
        let login = &mut self.logins[order.login.0 as usize - 1];
        login.drop_order(user_ref_idx, user_ref_num);
        let guarded = login.guarded;
        let instrument = &mut self.instruments[order.instrument.0 as usize - 1];
        instrument.live_orders -= 1;
        if guarded || instrument.watch.any(Watch::BALANCES) {
            self.count_out(slot);
        }
        if special != NONE {
            self.drop_special(slot, special);
        }
        self.store.orders.remove(slot);
    }

    #[cold]
    fn drop_special(&mut self, slot: Slot, number: u32) {
        let special = *self.specials.get(number);
        let order_ref = self.store.orders.get(slot).order_ref;
        if special.ends_at != 0 {
            self.unschedule(special.ends_at, What::OrderEnds(order_ref));
        }
        self.unwatch_order(slot, &special);
        self.specials.remove(number);
    }

    /// All open shares of a live order, reserve included.
    #[inline(always)]
    pub(crate) fn open_of(&self, order: &Order) -> u32 {
        if order.special == NONE { order.open } else { order.open + self.specials.get(order.special).reserve }
    }

    /// The number under which the public knows a live order; 0 when it does not.
    #[inline(always)]
    pub(crate) fn public_ref(&self, order: &Order) -> OrderRef {
        if !order.is_visible() {
            return 0;
        }
        if order.special == NONE {
            return order.order_ref;
        }
        self.special_public_ref(order)
    }

    #[cold]
    fn special_public_ref(&self, order: &Order) -> OrderRef {
        let special = self.specials.get(order.special);
        match special.public_ref {
            _ if special.parked || order.tick == market_tick(order.side.is_buy()) => 0,
            0 => order.order_ref,
            public_ref => public_ref,
        }
    }

    /// Notes an order that betters all visible ones of its side (pro rata). Before it is placed.
    #[cold]
    pub(crate) fn note_top(&mut self, slot: Slot) {
        let order = self.store.orders.get(slot);
        let buy = order.side.is_buy();
        let instrument = &mut self.instruments[order.instrument.0 as usize - 1];
        let betters = rank_of(buy, order.tick) < instrument.book.best_visible_rank(buy);
        if order.is_visible() && !instrument.watch.any(Watch::STATE) && betters {
            *instrument.top_mut(buy) = order.order_ref;
        }
    }
}

/// Takes a plain order, which nothing watches, out of its book, its owner's index and the arena.
#[inline(always)]
pub(crate) fn drop_plain(store: &mut Store, instrument: &mut Instrument, owner: &mut Login, slot: Slot) {
    let order = store.orders.get(slot);
    let (user_ref_idx, user_ref_num) = (order.user_ref_idx, order.user_ref_num);
    instrument.live_orders -= 1;
    instrument.book.remove(store, slot);
    owner.drop_order(user_ref_idx, user_ref_num);
    store.orders.remove(slot);
}

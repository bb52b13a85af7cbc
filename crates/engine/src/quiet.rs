//! The short way of plain orders. Nine commands in ten rest where they meet nobody, or cancel what rests, in an
//! instrument and for a login where nothing has to be watched. They pay for the book and for nothing else: each reference is
//! looked up once, and what is unusual is somebody else's code, out of line.

use ringside_book::{NONE, Slot, limit_rank};
use ringside_domain::{CancelReason, Event, Fact, LoginId, MarketFact};

use crate::instrument::Watch;
use crate::working::Working;
use crate::{Engine, Listener, tell_market};

impl Engine {
    /// Rests a plain order that meets nobody. False: nothing was done, the order goes the long way.
    #[inline(always)]
    pub(crate) fn rest_quietly(&mut self, w: &mut Working<'_>, out: &mut impl Listener) -> bool {
        let Engine { store, instruments, logins, .. } = self;
        let instrument = &mut instruments[w.index()];
        let letters = &w.order.letters;
        let usual = w.plain && letters.cross_type == b'N' && letters.time_in_force != b'3' && !w.is_market();
        if !usual || instrument.watch.any(Watch::NEEDS_CARE) {
            return false;
        }
        let (tick, buy) = (instrument.tick_at(w.limit), w.is_buy());
        let login = &mut logins[w.order.login.0 as usize - 1];
        if instrument.book.best_rank(!buy) <= limit_rank(buy, Some(tick)) || login.guarded {
            return false;
        }
        w.order.tick = tick;
        instrument.live_orders += 1;
        let slot = instrument.book.append(store, &mut w.order);
        login.add(slot, w.order.user_ref_idx, w.order.user_ref_num);
        let (public_ref, quantity, price) = (w.order.order_ref, w.order.open, w.limit);
        let fact = match (w.order.is_visible(), w.replaced) {
            (true, 0) => MarketFact::Added { public_ref, buy, quantity, price },
            (true, old) => MarketFact::Replaced { old, new: public_ref, quantity, price },
            (false, 0) => return true,
            (false, old) => MarketFact::Deleted { public_ref: old },
        };
        tell_market(out, w.order.instrument, fact);
        true
    }

    /// Cancels all that is open of a plain order at its owner's wish. False: nothing was done.
    #[inline(always)]
    pub(crate) fn cancel_quietly(&mut self, login: LoginId, slot: Slot, out: &mut impl Listener) -> bool {
        let Engine { store, instruments, logins, .. } = self;
        let order = store.orders.get(slot);
        let (user_ref_idx, user_ref_num, quantity) = (order.user_ref_idx, order.user_ref_num, order.open);
        let (id, public_ref, visible) = (order.instrument, order.order_ref, order.is_visible());
        let instrument = &mut instruments[id.0 as usize - 1];
        let owner = &mut logins[login.0 as usize - 1];
        if order.special != NONE || owner.guarded || instrument.watch.any(Watch::NEEDS_CARE) {
            return false;
        }
        let fact = Fact::Canceled { user_ref_num, quantity, reason: CancelReason::User };
        out.event(Event { login, user_ref_idx, fact });
        if visible {
            tell_market(out, id, MarketFact::Deleted { public_ref });
        }
        instrument.live_orders -= 1;
        instrument.book.remove(store, slot);
        owner.drop_order(user_ref_idx, user_ref_num);
        store.orders.remove(slot);
        true
    }
}

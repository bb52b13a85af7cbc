//! Read-only views for replay, for configuration at start, and for tests.

use ringside_book::Tick;
use ringside_domain::{InstrumentId, LoginId, OrderRef, RiskLimits, Scope, Side, TimeNs, UserRefNum};

use crate::order::Terms;
use crate::{Counters, Engine, Instrument, Login};

/// A resting order as an auditor sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// Venue-unique number.
    pub order_ref: OrderRef,
    /// Owner.
    pub login: LoginId,
    /// The owner's channel.
    pub user_ref_idx: u8,
    /// The owner's name for it.
    pub user_ref_num: UserRefNum,
    /// Side.
    pub side: Side,
    /// Wire price.
    pub price: u64,
    /// Shares open.
    pub open: u32,
    /// Shares executed by the chain.
    pub executed: u32,
    /// The other terms.
    pub terms: Terms,
}

impl Engine {
    /// Counters.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// All instruments ever configured, by id.
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// All logins ever configured, by id.
    pub fn logins(&self) -> &[Login] {
        &self.logins
    }

    /// When the next call or order ends by itself.
    pub fn next_due(&self) -> Option<TimeNs> {
        None
    }

    /// Limits of a scope, if it has any.
    pub fn limits(&self, _scope: Scope) -> Option<RiskLimits> {
        None
    }

    /// Orders resting now.
    pub fn live_orders(&self) -> u32 {
        self.orders.live()
    }

    /// Best price of a side as a wire price.
    pub fn best(&self, instrument: InstrumentId, side: Side) -> Option<u64> {
        let instrument = &self.instruments[instrument.0 as usize - 1];
        instrument.book.best(side).map(|tick| wire_price(instrument, tick))
    }

    /// The orders of one side of a book in priority.
    pub fn resting(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = OrderView> + '_ {
        let instrument = &self.instruments[instrument.0 as usize - 1];
        instrument.book.slots(&self.orders, side).map(move |slot| {
            let order = self.orders.get(slot);
            OrderView {
                order_ref: order.order_ref,
                login: order.login,
                user_ref_idx: order.user_ref_idx,
                user_ref_num: order.user_ref_num,
                side: order.side,
                price: wire_price(instrument, order.tick),
                open: order.open,
                executed: order.executed,
                terms: self.details[slot as usize].terms,
            }
        })
    }

    /// Checks that sums, lists and indices agree. Slow; for tests.
    pub fn assert_consistent(&self) {
        let mut live = 0;
        for instrument in &self.instruments {
            for side in [Side::Buy, Side::Sell] {
                for (tick, level) in instrument.book.levels(side) {
                    let sum = self.level_sum(level.head, tick);
                    assert_eq!(sum, level.quantity, "Invariant: a level's quantity is the sum of its orders");
                }
                live += instrument.book.slots(&self.orders, side).count();
            }
        }
        assert_eq!(live, self.orders.live() as usize, "Invariant: every live order is on a level");
        let owned: u32 = self.logins.iter().map(|login| self.assert_login_consistent(login)).sum();
        assert_eq!(owned, self.orders.live(), "Invariant: every live order has an owner");
    }

    fn level_sum(&self, head: u32, tick: Tick) -> u64 {
        let mut slot = head;
        let mut sum = 0;
        while slot != ringside_book::NONE {
            let order = self.orders.get(slot);
            assert_eq!(order.tick, tick, "Invariant: an order stands on the level of its price");
            sum += u64::from(order.open);
            slot = order.next();
        }
        sum
    }

    fn assert_login_consistent(&self, login: &Login) -> u32 {
        let (mut slot, mut count, mut last_ref) = (login.first, 0, 0);
        while slot != ringside_book::NONE {
            let order = self.orders.get(slot);
            assert!(order.order_ref > last_ref, "Invariant: a login's orders ascend by order reference");
            assert_eq!(
                login.find(order.user_ref_idx, order.user_ref_num),
                slot,
                "Invariant: the index finds it"
            );
            (last_ref, count, slot) = (order.order_ref, count + 1, self.details[slot as usize].next);
        }
        assert_eq!(count, login.live_orders, "Invariant: live orders are counted");
        count
    }
}

fn wire_price(instrument: &Instrument, tick: Tick) -> u64 {
    u64::from(tick) * u64::from(instrument.terms.tick)
}

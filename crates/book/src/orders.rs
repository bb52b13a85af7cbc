//! The arena of live orders: one `Vec`, `u32` slots, a free list threaded through it.

use alloc::vec::Vec;
use ringside_domain::{Firm, InstrumentId, LoginId, OrderRef, Side, UserRefNum};

use crate::Tick;

/// Index of an order in the arena.
pub type Slot = u32;

/// No slot: end of a list.
pub const NONE: Slot = u32::MAX;

/// OUCH letters of an order. 0 = not given, where that is possible.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Letters {
    /// `0 3 5 6 E`.
    pub time_in_force: u8,
    /// `Y N A`.
    pub display: u8,
    /// `A P R O`.
    pub capacity: u8,
    /// `Y N`.
    pub intermarket_sweep: u8,
    /// `N O C H`.
    pub cross_type: u8,
    /// `R N` or space; 0 = not given.
    pub customer_type: u8,
    /// `P N`; 0 = not given.
    pub post_only: u8,
    /// `L P M R`; 0 = not given.
    pub price_type: u8,
}

/// Everything about a plain live order, in one cache line. What only special orders have (reserves, triggers,
/// pegs, expiry) is kept by the engine under the number `special`.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Order {
    /// Venue-unique number; 0 = the slot is free.
    pub order_ref: OrderRef,
    /// Next younger order on the level.
    pub(crate) next: Slot,
    /// Next older order on the level.
    pub(crate) previous: Slot,
    /// Price at which it stands.
    pub tick: Tick,
    /// Shares that stand in the queue, ≥ 1 while it stands there: the slice of an iceberg, all open shares of others.
    pub open: u32,
    /// Shares executed by the whole replacement chain.
    pub executed: u32,
    /// Shares of the chain taken off by self-trade prevention.
    pub prevented: u32,
    /// Owner.
    pub login: LoginId,
    /// The owner's name for it.
    pub user_ref_num: UserRefNum,
    /// Whose book it is in.
    pub instrument: InstrumentId,
    /// Number under which the engine keeps the rest of a special order, or [`NONE`].
    pub special: u32,
    /// Firm of the order.
    pub firm: Firm,
    /// Group, 0 = none.
    pub group_id: u16,
    /// Side.
    pub side: Side,
    /// The owner's channel.
    pub user_ref_idx: u8,
    /// Letters.
    pub letters: Letters,
}

const _: () = assert!(size_of::<Order>() == 64, "one order, one cache line; see docs/performance.md");

impl Order {
    /// The next younger order on the same level.
    pub const fn next(&self) -> Slot {
        self.next
    }

    /// True when it is displayed.
    #[inline(always)]
    pub const fn is_visible(&self) -> bool {
        self.letters.display != b'N'
    }

    /// True when its price follows the market.
    #[inline]
    pub const fn is_peg(&self) -> bool {
        matches!(self.letters.price_type, b'P' | b'M' | b'R')
    }
}

/// The arena. Slots of dead orders are reused, last freed first, so the hot part stays small.
#[derive(Debug)]
pub struct Orders {
    slots: Vec<Order>,
    free: Slot,
    live: u32,
    max: u32,
}

impl Orders {
    /// An arena for at most `max` live orders. Address space is reserved now, touched on use.
    pub fn new(max: u32) -> Self {
        assert!(max < NONE, "Limit: orders_max must leave one slot number for NONE");
        Orders { slots: Vec::with_capacity(max as usize), free: NONE, live: 0, max }
    }

    /// Orders alive now.
    pub const fn live(&self) -> u32 {
        self.live
    }

    /// True when no further order can live.
    pub const fn is_full(&self) -> bool {
        self.live == self.max
    }

    /// Puts an order into the arena. The caller has checked [`Orders::is_full`].
    #[inline(always)]
    pub fn insert(&mut self, order: Order) -> Slot {
        assert!(!self.is_full(), "Invariant: capacity is checked before an order is accepted");
        self.live += 1;
        if self.free == NONE {
            let slot = self.slots.len() as Slot;
            self.slots.push(order);
            return slot;
        }
        let slot = self.free;
        let place = &mut self.slots[slot as usize];
        self.free = place.next;
        *place = order;
        slot
    }

    /// Takes a dead order out.
    #[inline(always)]
    pub fn remove(&mut self, slot: Slot) {
        let order = &mut self.slots[slot as usize];
        debug_assert!(order.order_ref != 0, "Invariant: a slot is freed once");
        order.order_ref = 0;
        order.next = self.free;
        self.free = slot;
        self.live -= 1;
    }

    /// The order in a live slot.
    #[inline(always)]
    pub fn get(&self, slot: Slot) -> &Order {
        &self.slots[slot as usize]
    }

    /// The order in a live slot.
    #[inline(always)]
    pub fn get_mut(&mut self, slot: Slot) -> &mut Order {
        &mut self.slots[slot as usize]
    }

    /// The order in this slot will be needed soon. Any slot may be named; one that does not exist stands for another, so
    /// that no branch depends on it.
    #[inline(always)]
    pub fn fetch(&self, slot: Slot) {
        if let Some(order) = self.slots.get((slot as usize).min(self.slots.len().saturating_sub(1))) {
            crate::prefetch::fetch(order);
        }
    }

    /// All live orders by slot. For slow walks: the order of slots means nothing.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &Order)> + '_ {
        let numbered = self.slots.iter().enumerate();
        numbered.filter(|(_, order)| order.order_ref != 0).map(|(slot, order)| (slot as Slot, order))
    }
}

/// A plain order for tests.
#[cfg(test)]
pub(crate) fn plain(order_ref: OrderRef, side: Side, tick: Tick, open: u32) -> Order {
    Order {
        order_ref,
        next: NONE,
        previous: NONE,
        tick,
        open,
        executed: 0,
        prevented: 0,
        login: LoginId(1),
        user_ref_num: order_ref as u32,
        instrument: InstrumentId(1),
        special: NONE,
        firm: Firm::BLANK,
        group_id: 0,
        side,
        user_ref_idx: 0,
        letters: Letters { display: b'Y', ..Letters::default() },
    }
}

/// What an order is made of before it has a place: links are the arena's own business.
impl Order {
    /// An order that stands nowhere yet.
    #[inline(always)]
    #[allow(clippy::too_many_arguments, reason = "one argument for each field that a live order has")]
    pub const fn unplaced(
        order_ref: OrderRef,
        instrument: InstrumentId,
        login: LoginId,
        user_ref_num: UserRefNum,
        user_ref_idx: u8,
        side: Side,
        open: u32,
        firm: Firm,
        group_id: u16,
        letters: Letters,
    ) -> Self {
        Order {
            order_ref,
            next: NONE,
            previous: NONE,
            tick: 0,
            open,
            executed: 0,
            prevented: 0,
            login,
            user_ref_num,
            instrument,
            special: NONE,
            firm,
            group_id,
            side,
            user_ref_idx,
            letters,
        }
    }

    /// The order with the price at which it will stand.
    #[inline(always)]
    pub const fn at(self, tick: Tick) -> Self {
        Order { tick, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_freed_slot_is_used_first() {
        let mut orders = Orders::new(3);
        let a = orders.insert(plain(1, Side::Buy, 5, 10));
        let b = orders.insert(plain(2, Side::Buy, 5, 10));
        orders.remove(a);
        orders.remove(b);
        assert_eq!(orders.insert(plain(3, Side::Buy, 5, 10)), b);
        assert_eq!(orders.insert(plain(4, Side::Buy, 5, 10)), a);
        assert_eq!(orders.live(), 2);
        assert_eq!(orders.iter().map(|(_, order)| order.order_ref).collect::<Vec<_>>(), [4, 3]);
    }

    #[test]
    fn the_arena_is_full_at_its_limit_and_has_room_again_after_a_removal() {
        let mut orders = Orders::new(1);
        let slot = orders.insert(plain(1, Side::Buy, 5, 10));
        assert!(orders.is_full());
        orders.remove(slot);
        assert!(!orders.is_full());
    }
}

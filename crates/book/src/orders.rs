//! The arena of resting orders: one `Vec`, `u32` slots, a free list threaded through it.

use alloc::vec::Vec;
use ringside_domain::{InstrumentId, LoginId, OrderRef, Side, UserRefNum};

use crate::Tick;

/// Index of an order in the arena.
pub type Slot = u32;

/// No slot: end of a list.
pub const NONE: Slot = u32::MAX;

/// What matching needs to know of a resting order. Everything else lives with the engine, by slot.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Order {
    /// Venue-unique number.
    pub order_ref: OrderRef,
    /// Next younger order on the level.
    pub(crate) next: Slot,
    /// Next older order on the level.
    pub(crate) previous: Slot,
    /// Price.
    pub tick: Tick,
    /// Shares open, ≥ 1 while resting.
    pub open: u32,
    /// Shares executed by the whole replacement chain.
    pub executed: u32,
    /// Owner.
    pub login: LoginId,
    /// The owner's name for it.
    pub user_ref_num: UserRefNum,
    /// Whose book it is in.
    pub instrument: InstrumentId,
    /// Side.
    pub side: Side,
    /// The owner's channel.
    pub user_ref_idx: u8,
}

const _: () =
    assert!(size_of::<Order>() == 48, "three orders in two cache lines and a half; see docs/performance.md");

impl Order {
    /// An order that is not on a level yet.
    #[allow(clippy::too_many_arguments)]
    pub const fn new(
        order_ref: OrderRef,
        instrument: InstrumentId,
        side: Side,
        tick: Tick,
        open: u32,
        executed: u32,
        login: LoginId,
        user_ref_num: UserRefNum,
        user_ref_idx: u8,
    ) -> Self {
        Order {
            order_ref,
            next: NONE,
            previous: NONE,
            tick,
            open,
            executed,
            login,
            user_ref_num,
            instrument,
            side,
            user_ref_idx,
        }
    }

    /// The next younger order on the same level.
    pub const fn next(&self) -> Slot {
        self.next
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

    /// True when no further order can rest.
    pub const fn is_full(&self) -> bool {
        self.live == self.max
    }

    /// Puts an order into the arena. The caller has checked [`Orders::is_full`].
    pub fn insert(&mut self, order: Order) -> Slot {
        assert!(!self.is_full(), "Invariant: capacity is checked before an order is accepted");
        self.live += 1;
        if self.free == NONE {
            let slot = self.slots.len() as Slot;
            self.slots.push(order);
            return slot;
        }
        let slot = self.free;
        self.free = self.slots[slot as usize].next;
        self.slots[slot as usize] = order;
        slot
    }

    /// Takes a dead order out.
    pub fn remove(&mut self, slot: Slot) {
        let order = &mut self.slots[slot as usize];
        debug_assert!(order.order_ref != 0, "Invariant: a slot is freed once");
        order.order_ref = 0;
        order.open = 0;
        order.next = self.free;
        self.free = slot;
        self.live -= 1;
    }

    /// The order in a live slot.
    #[inline]
    pub fn get(&self, slot: Slot) -> &Order {
        &self.slots[slot as usize]
    }

    /// The order in a live slot.
    #[inline]
    pub fn get_mut(&mut self, slot: Slot) -> &mut Order {
        &mut self.slots[slot as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(order_ref: u64) -> Order {
        Order::new(order_ref, InstrumentId(1), Side::Buy, 5, 10, 0, LoginId(1), 1, 0)
    }

    #[test]
    fn the_last_freed_slot_is_used_first() {
        let mut orders = Orders::new(3);
        let a = orders.insert(order(1));
        let b = orders.insert(order(2));
        orders.remove(a);
        orders.remove(b);
        assert_eq!(orders.insert(order(3)), b);
        assert_eq!(orders.insert(order(4)), a);
        assert_eq!(orders.live(), 2);
    }

    #[test]
    fn the_arena_is_full_at_its_limit_and_has_room_again_after_a_removal() {
        let mut orders = Orders::new(1);
        let slot = orders.insert(order(1));
        assert!(orders.is_full());
        orders.remove(slot);
        assert!(!orders.is_full());
    }
}

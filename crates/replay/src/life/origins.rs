//! Where the chains of all live orders began: through replacements, and through rolls, which give an order another name and
//! leave its OrderRefNum.

use std::collections::HashMap;

use ringside_domain::{Event, Fact, OrderRef, Sequence, UserRefNum};

use crate::orders::{Change, Orders};

/// Where the first order of a chain came into force, or was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Origin {
    /// The command.
    pub(super) sequence: Sequence,
    /// Which of its events, from 0.
    pub(super) event: usize,
    /// Channel then.
    pub(super) user_ref_idx: u8,
    /// Number then.
    pub(super) user_ref_num: UserRefNum,
}

/// One entry for each live order.
pub(super) struct Origins {
    by_order: HashMap<OrderRef, Origin>,
}

impl Origins {
    /// Of orders that rest where the past begins: what was before is not known.
    pub(super) fn of(orders: &Orders, beginning: Sequence) -> Origins {
        let by_order = orders.iter().map(|(name, order)| {
            let (user_ref_idx, user_ref_num) = (name.user_ref_idx, name.user_ref_num);
            (order.order_ref, Origin { sequence: beginning, event: 0, user_ref_idx, user_ref_num })
        });
        Origins { by_order: by_order.collect() }
    }

    /// Of a live order.
    pub(super) fn get(&self, order: OrderRef) -> Option<Origin> {
        self.by_order.get(&order).copied()
    }

    /// Follows an event, the `at`-th of its command. The origin of the order that it brings into force or refuses.
    pub(super) fn follow(
        &mut self,
        sequence: Sequence,
        at: usize,
        event: &Event,
        change: Option<&Change>,
    ) -> Option<Origin> {
        let here =
            |user_ref_num| Origin { sequence, event: at, user_ref_idx: event.user_ref_idx, user_ref_num };
        match (event.fact, change) {
            (Fact::Rejected { user_ref_num, .. }, _) => Some(here(user_ref_num)),
            (Fact::Accepted(order), Some(change)) => Some(self.accept(change, here(order.user_ref_num))),
            (_, Some(change)) if change.order.leaves == 0 => {
                self.by_order.remove(&change.order.order_ref);
                None
            }
            _ => None,
        }
    }

    /// An order that takes another's place goes on from there; one that is carried over a roll has kept its OrderRefNum.
    fn accept(&mut self, change: &Change, here: Origin) -> Origin {
        let order_ref = change.order.order_ref;
        let before = change.replaced.map_or(order_ref, |(_, old)| old.order_ref);
        let origin = self.by_order.remove(&before).unwrap_or(here);
        self.by_order.insert(order_ref, origin);
        origin
    }
}

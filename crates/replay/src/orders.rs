//! Live orders as their owners know them, kept up to date by the events alone.
//!
//! The engine finds orders by where they rest; an auditor asks who traded with whom. Memory: one entry for each live
//! order, however long the journal.

use std::collections::HashMap;

use ringside_domain::state::OrderState;
use ringside_domain::{Accepted, ClientOrderId, Event, Fact, LoginId, OrderRef, Side, Symbol, UserRefNum};
use ringside_engine::Engine;

/// What a login calls an order: unique within a session, until the next one begins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Name {
    /// Whose.
    pub login: LoginId,
    /// Its channel.
    pub user_ref_idx: u8,
    /// Its number.
    pub user_ref_num: UserRefNum,
}

impl Name {
    /// The name of the order with this number that an event is about.
    pub fn of(event: &Event, user_ref_num: UserRefNum) -> Name {
        Name { login: event.login, user_ref_idx: event.user_ref_idx, user_ref_num }
    }
}

/// An order in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Live {
    /// Venue-unique number.
    pub order_ref: OrderRef,
    /// Where.
    pub symbol: Symbol,
    /// Which side.
    pub side: Side,
    /// The client's label.
    pub client_order_id: ClientOrderId,
    /// Wire price as sent.
    pub price: u64,
    /// Shares open.
    pub leaves: u32,
    /// Shares executed under this name.
    pub executed: u64,
    /// Sum of price × quantity of its executions, wire units.
    pub notional: u128,
}

impl Name {
    fn of_state(state: &OrderState) -> Name {
        Name { login: state.login, user_ref_idx: state.user_ref_idx, user_ref_num: state.user_ref_num }
    }
}

impl Live {
    fn of_state(state: &OrderState, symbol: Symbol) -> Live {
        Live {
            order_ref: state.order_ref,
            symbol,
            side: state.side,
            client_order_id: ClientOrderId::BLANK,
            price: state.limit,
            leaves: state.open,
            executed: 0,
            notional: 0,
        }
    }
}

/// What an event did to an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// Which order.
    pub name: Name,
    /// The order after the event; nothing of it is left when `leaves` is 0.
    pub order: Live,
    /// The order that it took the place of, as it was.
    pub replaced: Option<(Name, Live)>,
}

/// All live orders.
#[derive(Clone, Default, Debug)]
pub struct Orders {
    live: HashMap<Name, Live>,
    /// Labels of the orders of the session before that were not told again yet. Empty but within a roll.
    carried: HashMap<OrderRef, ClientOrderId>,
}

impl Orders {
    /// All that live in a state, as far as it knows: no label, no replacement and no execution from before it.
    pub fn of(engine: &Engine) -> Orders {
        let mut live = HashMap::with_capacity(engine.live_orders() as usize);
        for found in engine.instruments().iter().filter(|found| found.live_orders > 0) {
            let terms = &found.terms;
            for state in engine.order_states(terms.instrument).into_iter().flatten() {
                live.insert(Name::of_state(&state), Live::of_state(&state, terms.symbol));
            }
        }
        Orders { live, carried: HashMap::new() }
    }

    /// Follows an event; `None` when it changed no order.
    pub fn follow(&mut self, event: &Event) -> Option<Change> {
        match event.fact {
            Fact::Accepted(order) => Some(self.accept(event, &order)),
            Fact::SessionBegan(_) => {
                let labels = self.live.drain().map(|(_, order)| (order.order_ref, order.client_order_id));
                self.carried = labels.collect();
                None
            }
            Fact::Executed { user_ref_num, quantity, price, .. } => {
                self.take(Name::of(event, user_ref_num), quantity, |order| {
                    order.executed += u64::from(quantity);
                    order.notional += u128::from(price) * u128::from(quantity);
                })
            }
            Fact::Canceled { user_ref_num, quantity, .. }
            | Fact::Prevented { user_ref_num, quantity, .. } => {
                self.take(Name::of(event, user_ref_num), quantity, |_| ())
            }
            Fact::Modified { user_ref_num, side, quantity } => {
                let name = Name::of(event, user_ref_num);
                let order = self.live.get_mut(&name)?;
                (order.side, order.leaves) = (side, quantity);
                Some(Change { name, order: *order, replaced: None })
            }
            _ => None,
        }
    }

    /// The order of this name, if it is alive.
    pub fn get(&self, name: Name) -> Option<&Live> {
        self.live.get(&name)
    }

    /// All of them, in no promised order.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Live)> {
        self.live.iter()
    }

    /// How many live.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// True when none lives.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    fn accept(&mut self, event: &Event, accepted: &Accepted) -> Change {
        let name = Name::of(event, accepted.user_ref_num);
        let original = Name::of(event, accepted.original);
        let replaced = self.live.remove(&original).map(|order| (original, order));
        let order = Live {
            order_ref: accepted.order_ref,
            symbol: accepted.symbol,
            side: accepted.side,
            // Of an order that is carried over a roll no label is told; it is what it was.
            client_order_id: self.carried.remove(&accepted.order_ref).unwrap_or(accepted.client_order_id),
            price: accepted.price,
            leaves: accepted.quantity,
            executed: 0,
            notional: 0,
        };
        self.live.insert(name, order);
        Change { name, order, replaced }
    }

    /// Shares leave an order; one without any is gone.
    fn take(&mut self, name: Name, quantity: u32, note: impl Fn(&mut Live)) -> Option<Change> {
        let order = self.live.get_mut(&name)?;
        debug_assert!(order.leaves >= quantity, "Invariant: no more leaves an order than is open");
        order.leaves = order.leaves.saturating_sub(quantity);
        note(order);
        let order = *order;
        if order.leaves == 0 {
            self.live.remove(&name);
        }
        Some(Change { name, order, replaced: None })
    }
}

#[cfg(test)]
mod tests {
    use ringside_engine::Limits;
    use ringside_sim::random::{RandomFlow, RandomShape};

    use super::*;

    /// The books know the same orders with the same open shares, whatever the rules did to them.
    #[test]
    fn the_events_tell_the_same_live_orders_as_the_books() {
        for (preset, shape) in RandomShape::presets() {
            let (mut engine, mut orders) = (Engine::new(Limits::default()), Orders::default());
            for (at, (time_ns, command, _)) in RandomFlow::new(21, shape).take(6_000).enumerate() {
                engine.apply(time_ns, &command, &mut |event: Event| {
                    orders.follow(&event);
                });
                assert_eq!(
                    orders.len(),
                    engine.live_orders() as usize,
                    "{preset}, command {at}: {command:?}"
                );
            }
            assert!(!orders.is_empty(), "{preset}: something rests");
            let resting =
                engine.instruments().iter().flat_map(|found| engine.order_states(found.terms.instrument));
            for state in resting.flatten() {
                let name = Name {
                    login: state.login,
                    user_ref_idx: state.user_ref_idx,
                    user_ref_num: state.user_ref_num,
                };
                let order = orders.get(name).unwrap_or_else(|| panic!("{preset}: {state:?}"));
                assert_eq!(
                    (order.order_ref, order.leaves, order.side),
                    (state.order_ref, state.open, state.side),
                    "{preset}"
                );
            }
        }
    }
}

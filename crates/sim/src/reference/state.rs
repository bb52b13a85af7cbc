//! What the venue remembers: orders, queues, logins, matches.

use std::collections::{BTreeMap, VecDeque};

use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::{Accepted, Firm, InstrumentId, LoginId, LoginTerms, OrderRef, UserRefNum};

/// An order, incoming or resting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// Whose it is.
    pub login: LoginId,
    /// Channel of its UserRefNum.
    pub user_ref_idx: u8,
    /// Where it trades.
    pub instrument: InstrumentId,
    /// Tag 2, or the login's firm at the time of entry.
    pub firm: Firm,
    /// Tag 24, kept over replaces.
    pub group_id: u16,
    /// Shares open now.
    pub open: u32,
    /// Shares executed so far by the whole chain of replaces.
    pub executed: u32,
    /// Everything else, as it was announced; `quantity` is what was open when it was announced.
    pub terms: Accepted,
}

impl Order {
    /// True when it may trade at the resting price `price`.
    pub(super) fn accepts(&self, price: u64) -> bool {
        let limit = self.terms.price;
        limit >= PRICE_MARKET || if self.is_buy() { price <= limit } else { price >= limit }
    }

    /// True when its remainder never rests.
    pub(super) fn is_immediate(&self) -> bool {
        self.terms.time_in_force == b'3' || self.terms.price >= PRICE_MARKET
    }

    pub(super) fn is_buy(&self) -> bool {
        self.terms.side.is_buy()
    }

    /// UserRefNum of the order.
    pub fn user_ref_num(&self) -> UserRefNum {
        self.terms.user_ref_num
    }

    pub(super) fn name(&self) -> (LoginId, u8, UserRefNum) {
        (self.login, self.user_ref_idx, self.terms.user_ref_num)
    }
}

/// The queues of one instrument: price → order references, oldest first.
#[derive(Default, Debug)]
pub(super) struct Book {
    pub(super) bids: BTreeMap<u64, VecDeque<OrderRef>>,
    pub(super) asks: BTreeMap<u64, VecDeque<OrderRef>>,
}

impl Book {
    pub(super) fn side_mut(&mut self, buy: bool) -> &mut BTreeMap<u64, VecDeque<OrderRef>> {
        if buy { &mut self.bids } else { &mut self.asks }
    }

    /// Best price of a side and the oldest order there.
    pub(super) fn first(&self, buy: bool) -> Option<(u64, OrderRef)> {
        let best = if buy { self.bids.last_key_value() } else { self.asks.first_key_value() };
        best.map(|(price, queue)| (*price, queue[0]))
    }

    pub(super) fn add(&mut self, order: &Order) {
        let queue = self.side_mut(order.is_buy()).entry(order.terms.price).or_default();
        queue.push_back(order.terms.order_ref);
    }

    pub(super) fn remove(&mut self, order: &Order) {
        let side = self.side_mut(order.is_buy());
        let queue = side.get_mut(&order.terms.price).expect("Invariant: a resting order has a queue");
        queue.retain(|order_ref| *order_ref != order.terms.order_ref);
        if queue.is_empty() {
            side.remove(&order.terms.price);
        }
    }

    pub(super) fn is_crossed(&self) -> bool {
        matches!((self.first(true), self.first(false)), (Some((bid, _)), Some((ask, _))) if bid >= ask)
    }
}

/// A login as the venue knows it.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) terms: LoginTerms,
    pub(super) connected: bool,
    pub(super) disabled: bool,
    pub(super) removed: bool,
    last: BTreeMap<u8, UserRefNum>,
}

impl Login {
    pub(super) fn new(terms: LoginTerms) -> Self {
        Login { terms, connected: false, disabled: false, removed: false, last: BTreeMap::new() }
    }

    /// Last UserRefNum consumed on the channel.
    pub(super) fn last(&self, user_ref_idx: u8) -> UserRefNum {
        self.last.get(&user_ref_idx).copied().unwrap_or(0)
    }

    /// 0 is always stale because the first `last` is 0.
    pub(super) fn is_stale(&self, user_ref_idx: u8, user_ref_num: UserRefNum) -> bool {
        user_ref_num <= self.last(user_ref_idx)
    }

    pub(super) fn consume(&mut self, user_ref_idx: u8, user_ref_num: UserRefNum) {
        assert!(!self.is_stale(user_ref_idx, user_ref_num), "Invariant: UserRefNums only ascend");
        self.last.insert(user_ref_idx, user_ref_num);
    }
}

/// One match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fill {
    /// Incoming order.
    pub taker: (LoginId, UserRefNum),
    /// Resting order.
    pub maker: (LoginId, UserRefNum),
    /// Wire price.
    pub price: u64,
    /// Shares.
    pub quantity: u32,
}

/// The resting orders of one instrument in priority.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BookView {
    /// Buyers: highest price first, then oldest.
    pub bids: Vec<Order>,
    /// Sellers: lowest price first, then oldest.
    pub asks: Vec<Order>,
}

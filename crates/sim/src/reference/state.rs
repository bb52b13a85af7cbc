//! What the venue remembers: orders, queues, instruments, logins, matches.

use std::collections::{BTreeMap, BTreeSet};

use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::state::Place;
use ringside_domain::{
    Accepted, ClientOrderId, Firm, InstrumentId, InstrumentTerms, LoginId, LoginTerms, MatchNumber,
    NO_EXPIRE_AT, OrderRef, TimeNs, UserRefNum,
};

/// An order, incoming or live.
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
    /// Shares open now, the reserve included.
    pub open: u32,
    /// Shares displayed; 0 for hidden and parked orders.
    pub displayed: u32,
    /// Shares executed so far by the whole chain of replaces.
    pub executed: u32,
    /// Shares of the chain taken off by self-trade prevention in mode decrement.
    pub prevented: u32,
    /// Shares taken off by reductions since the last Enter or Replace.
    pub cancelled: u32,
    /// Total of the chain as sent with the last Enter or Replace.
    pub entered: u32,
    /// Where it is.
    pub place: Place,
    /// Price at which it stands: 0 parked, `PRICE_MARKET` for a market order in a call.
    pub price: u64,
    /// Its limit: as sent, but for a market-to-limit order that found one.
    pub limit: u64,
    /// Number on market data.
    pub public_ref: OrderRef,
    /// Price last told of a peg.
    pub told_price: u64,
    /// When it ends by itself; 0 = never.
    pub ends_at: TimeNs,
    /// Tag 128.
    pub expire_at: TimeNs,
    /// Tag 129; 0 once triggered.
    pub trigger_price: u32,
    /// Tag 130; 0 once it rests.
    pub execution: u8,
    /// Everything else, as it was announced; `quantity` is what was open when it was announced.
    pub terms: Accepted,
}

impl Order {
    pub(super) fn is_buy(&self) -> bool {
        self.terms.side.is_buy()
    }

    pub(super) fn is_peg(&self) -> bool {
        matches!(self.terms.price_type, b'R' | b'P' | b'M')
    }

    pub(super) fn is_stop(&self) -> bool {
        self.trigger_price > 0
    }

    pub(super) fn is_market(&self) -> bool {
        self.limit >= PRICE_MARKET
    }

    pub(super) fn is_discretionary(&self) -> bool {
        self.terms.discretion_price > 0
    }

    pub(super) fn is_post_only(&self) -> bool {
        self.terms.post_only == b'P'
    }

    /// At-open, at-close or reopening.
    pub(super) fn is_cross(&self) -> bool {
        self.terms.cross_type != b'N'
    }

    /// Exempt from the end of day and from cancel on disconnect (GTC, GTD).
    pub(super) fn outlives_the_day(&self) -> bool {
        self.expire_at != NO_EXPIRE_AT
    }

    /// True when its remainder never rests.
    pub(super) fn is_immediate(&self) -> bool {
        self.terms.time_in_force == b'3' || self.execution == b'F' || self.is_market()
    }

    /// The price up to which it trades: its limit, or beyond it with discretion.
    pub(super) fn reach(&self) -> u64 {
        if self.is_discretionary() { self.terms.discretion_price.into() } else { self.limit }
    }

    /// True when it may trade at a price of the other side.
    pub(super) fn reaches(&self, price: u64) -> bool {
        let reach = self.reach();
        reach >= PRICE_MARKET || if self.is_buy() { price <= reach } else { price >= reach }
    }

    /// Shares that can be matched at once: what is displayed, or all of a hidden order.
    pub(super) fn at_hand(&self) -> u32 {
        if self.place == Place::Visible { self.displayed } else { self.open }
    }

    /// Visible, and not a market order in a call: those are told to nobody.
    pub(super) fn is_public(&self) -> bool {
        self.place == Place::Visible && self.price < PRICE_MARKET
    }

    /// True for orders that move when the instrument settles: stops, pegs, discretionary ones.
    pub(super) fn is_watched(&self) -> bool {
        self.is_stop() || self.is_peg() || self.is_discretionary()
    }

    pub(super) fn order_ref(&self) -> OrderRef {
        self.terms.order_ref
    }

    /// UserRefNum of the order.
    pub fn user_ref_num(&self) -> UserRefNum {
        self.terms.user_ref_num
    }

    pub(super) fn name(&self) -> (LoginId, u8, UserRefNum) {
        (self.login, self.user_ref_idx, self.terms.user_ref_num)
    }

    /// Key of its level. Market orders stand before all prices of their side.
    pub(super) fn rank(&self) -> u64 {
        if self.price >= PRICE_MARKET && !self.is_buy() { 0 } else { self.price }
    }
}

/// A login as the venue knows it.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) terms: LoginTerms,
    pub(super) connected: bool,
    pub(super) disabled: bool,
    /// When its orders are cancelled unless it comes back; 0 = never.
    pub(super) grace_ends_ns: TimeNs,
    pub(super) removed: bool,
    /// Last UserRefNum of every channel that consumed one.
    pub(super) channels: BTreeMap<u8, UserRefNum>,
}

impl Login {
    pub(super) fn new(terms: LoginTerms) -> Self {
        Login {
            terms,
            connected: false,
            disabled: false,
            grace_ends_ns: 0,
            removed: false,
            channels: BTreeMap::new(),
        }
    }

    /// Last UserRefNum consumed on the channel.
    pub(super) fn last(&self, user_ref_idx: u8) -> UserRefNum {
        self.channels.get(&user_ref_idx).copied().unwrap_or(0)
    }

    /// 0 is always stale because the first `last` is 0.
    pub(super) fn is_stale(&self, user_ref_idx: u8, user_ref_num: UserRefNum) -> bool {
        user_ref_num <= self.last(user_ref_idx)
    }

    pub(super) fn consume(&mut self, user_ref_idx: u8, user_ref_num: UserRefNum) {
        assert!(!self.is_stale(user_ref_idx, user_ref_num), "Invariant: UserRefNums only ascend");
        self.channels.insert(user_ref_idx, user_ref_num);
    }
}

/// What happened, for those who ask afterwards. The rules ask which matches were busted, and by which terms a match was
/// settled.
#[derive(Clone, Default, Debug)]
pub(super) struct History {
    pub(super) fills: Vec<Fill>,
    pub(super) trades: Vec<Trade>,
    pub(super) busted: BTreeSet<MatchNumber>,
    /// All terms of logins ever, each with the last match before them.
    pub(super) logins: Vec<(MatchNumber, LoginTerms)>,
    /// All terms of instruments ever, likewise.
    pub(super) instruments: Vec<(MatchNumber, InstrumentTerms)>,
}

/// One match. In an auction the buyer stands as `taker`.
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

/// One match with all that a Bust carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trade {
    /// Its number.
    pub match_number: MatchNumber,
    /// Where.
    pub instrument: InstrumentId,
    /// Wire price.
    pub price: u64,
    /// Shares.
    pub quantity: u32,
    /// Who bought.
    pub buyer: TradeSide,
    /// Who sold.
    pub seller: TradeSide,
}

/// One side of a match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TradeSide {
    /// Whose order.
    pub login: LoginId,
    /// Its channel.
    pub user_ref_idx: u8,
    /// Its name at the time of the trade.
    pub user_ref_num: UserRefNum,
    /// Its label.
    pub client_order_id: ClientOrderId,
    /// What it paid, in the quote asset's smallest unit.
    pub fee: u64,
}

/// The resting orders of one instrument in priority, visible before hidden at a price, market orders of a call
/// first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BookView {
    /// Buyers: highest price first, then oldest.
    pub bids: Vec<Order>,
    /// Sellers: lowest price first, then oldest.
    pub asks: Vec<Order>,
}

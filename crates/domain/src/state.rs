//! The state in words: what an auditor sees, and what the state hash is made of.
//!
//! The engine and the reference venue both describe themselves in these types, so that their states can be compared
//! field by field, and summed up by the same walk. The walk (rules.md §16): counters; instruments by id, each with its
//! visible buys, visible sells, hidden buys, hidden sells in priority and its parked orders by OrderRefNum; logins by id
//! with their channels; limits, killed scopes, exposures, restrictions, balances, each ascending; busted matches; assets;
//! accounts and firms of logins, and assets of instruments, that were in force for earlier matches.
//! Numbers are hashed little-endian in the order of the fields.

#![allow(clippy::should_implement_trait, reason = "not the standard trait: these bytes are a format")]

use core::hash::Hasher;

use crate::command::{InstrumentTerms, LoginTerms, RiskLimits, Scope};
use crate::ids::{InstrumentId, LoginId, MatchNumber, OrderRef, TimeNs, UserRefNum};
use crate::market::{AuctionKind, MarketState};
use crate::rules::Rules;
use crate::side::Side;
use crate::text::{Account, Asset, Firm};

/// Where a live order is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Place {
    /// In the visible queue of its price.
    Visible = 1,
    /// In the hidden queue of its price.
    Hidden = 2,
    /// In no book: an untriggered stop, a peg without a price, an at-close order before its auction.
    Parked = 3,
}

/// A live order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderState {
    /// Venue-unique number.
    pub order_ref: OrderRef,
    /// Number on market data: `order_ref`, or that of the latest slice.
    pub public_ref: OrderRef,
    /// Wire price at which it stands; 0 when parked; `PRICE_MARKET` for a market order in a call.
    pub price: u64,
    /// Wire price as sent.
    pub limit: u64,
    /// When it ends by itself, Unix ns; 0 = never.
    pub ends_at: TimeNs,
    /// Tag 128 as sent or inherited; `NO_EXPIRE_AT` = absent.
    pub expire_at: TimeNs,
    /// Price last told of a peg; 0 for others.
    pub told_price: u64,
    /// Owner.
    pub login: LoginId,
    /// The owner's name for it.
    pub user_ref_num: UserRefNum,
    /// All shares left.
    pub open: u32,
    /// Shares displayed: 0 for hidden and parked orders.
    pub displayed: u32,
    /// Shares executed by the chain.
    pub executed: u32,
    /// Shares of the chain taken off by self-trade prevention (mode decrement).
    pub prevented: u32,
    /// Tag 3.
    pub min_quantity: u32,
    /// Tag 5.
    pub max_floor: u32,
    /// Tag 13.
    pub random_reserves: u32,
    /// Tag 9.
    pub discretion_price: u32,
    /// Tag 15.
    pub expire_seconds: u32,
    /// Tag 129; 0 once triggered.
    pub trigger_price: u32,
    /// Tag 7.
    pub peg_offset: i32,
    /// Firm of the order.
    pub firm: Firm,
    /// Group.
    pub group_id: u16,
    /// Where it is.
    pub place: Place,
    /// The owner's channel.
    pub user_ref_idx: u8,
    /// Side.
    pub side: Side,
    /// Letter.
    pub time_in_force: u8,
    /// Letter.
    pub display: u8,
    /// Letter.
    pub capacity: u8,
    /// Letter.
    pub intermarket_sweep: u8,
    /// Letter.
    pub cross_type: u8,
    /// Letter, 0 = not given.
    pub customer_type: u8,
    /// Letter, 0 = not given.
    pub post_only: u8,
    /// Letter, 0 = not given.
    pub price_type: u8,
}

impl OrderState {
    /// Adds the order to a hash.
    pub fn hash(&self, hash: &mut impl Hasher) {
        for number in [
            self.order_ref,
            self.public_ref,
            self.price,
            self.limit,
            self.ends_at,
            self.expire_at,
            self.told_price,
        ] {
            hash.write(&number.to_le_bytes());
        }
        let numbers = [
            self.login.0,
            self.user_ref_num,
            self.open,
            self.displayed,
            self.executed,
            self.prevented,
            self.min_quantity,
            self.max_floor,
            self.random_reserves,
            self.discretion_price,
            self.expire_seconds,
            self.trigger_price,
            self.peg_offset.cast_unsigned(),
        ];
        numbers.iter().for_each(|number| hash.write(&number.to_le_bytes()));
        hash.write(&self.firm.0);
        hash.write(&self.group_id.to_le_bytes());
        hash.write(&[
            self.place as u8,
            self.user_ref_idx,
            self.side.letter(),
            self.time_in_force,
            self.display,
            self.capacity,
            self.intermarket_sweep,
            self.cross_type,
            self.customer_type,
            self.post_only,
            self.price_type,
        ]);
    }
}

/// Counters of the venue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct VenueState {
    /// Matches so far; also the last match number.
    pub trades: MatchNumber,
    /// Shares matched so far, each match counted once.
    pub volume: u64,
    /// Last number given to an order or a slice.
    pub order_ref: OrderRef,
    /// SoupBinTCP session, 0 before the first.
    pub session: u32,
    /// Journaled time of the last command.
    pub time_ns: TimeNs,
    /// State of the generator of random draws: with a key, how many were made with it.
    pub seed: u64,
    /// Key of the generator, low half first; 0: SplitMix64 without a key.
    pub key: [u64; 2],
    /// New orders are refused because storage runs out.
    pub storage_full: bool,
    /// Rules in force.
    pub rules: Rules,
}

impl VenueState {
    /// Adds the counters to a hash.
    pub fn hash(&self, hash: &mut impl Hasher) {
        for number in [
            self.trades,
            self.volume,
            self.order_ref,
            self.session.into(),
            self.time_ns,
            self.seed,
            self.storage_full.into(),
            self.key[0],
            self.key[1],
        ] {
            hash.write(&number.to_le_bytes());
        }
        self.rules.add_to(hash);
    }
}

/// An instrument without its orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InstrumentState {
    /// Terms in force.
    pub terms: InstrumentTerms,
    /// Takes orders at all; false once removed.
    pub listed: bool,
    /// Its kill switch is on.
    pub killed: bool,
    /// State.
    pub state: MarketState,
    /// Which auction: of the present call, or of the last one.
    pub auction: AuctionKind,
    /// When the call ends by itself; 0 = when told.
    pub call_ends_ns: TimeNs,
    /// Wire price of the last trade, or the reference price of the terms before there is one; 0 = none.
    pub last_price: u64,
    /// Reference of the dynamic band for the next command; 0 = none.
    pub band_reference: u64,
    /// OrderRefNum of the top order of the buyers (pro rata only); 0 = none.
    pub top_buy: OrderRef,
    /// ... and of the sellers.
    pub top_sell: OrderRef,
}

impl InstrumentState {
    /// Adds the instrument to a hash.
    pub fn hash(&self, hash: &mut impl Hasher) {
        let terms = &self.terms;
        hash.write(&terms.symbol.0);
        let numbers = [
            terms.instrument.0,
            terms.tick,
            terms.lot,
            terms.collar_low,
            terms.collar_high,
            terms.band_bps,
            terms.volatility_call_ms,
            terms.random_end_ms,
            terms.reference_price,
            terms.maker_fee_ppm,
            terms.taker_fee_ppm,
        ];
        numbers.iter().for_each(|number| hash.write(&number.to_le_bytes()));
        for range in &terms.tick_ranges {
            hash.write(&range.from.to_le_bytes());
            hash.write(&range.tick.to_le_bytes());
        }
        hash.write(&terms.base.0);
        hash.write(&terms.quote.0);
        hash.write(&[
            terms.price_decimals,
            terms.quantity_decimals,
            terms.allocation as u8,
            self.listed.into(),
            self.killed.into(),
            self.state as u8,
            self.auction as u8,
        ]);
        for number in [self.call_ends_ns, self.last_price, self.band_reference, self.top_buy, self.top_sell] {
            hash.write(&number.to_le_bytes());
        }
    }
}

/// A login without its channels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoginState {
    /// Terms in force.
    pub terms: LoginTerms,
    /// False once removed from the configuration.
    pub listed: bool,
    /// A connection was accepted and has not ended.
    pub connected: bool,
    /// New orders are refused at the login's own wish.
    pub disabled: bool,
    /// It was disconnected, and its orders are cancelled at this time unless it comes back; 0 = no.
    pub grace_ends_ns: TimeNs,
}

impl LoginState {
    /// True when the terms have a grace, or one is running. Without either, hashes and files are what they were before there
    /// was one.
    pub const fn has_grace(&self) -> bool {
        self.terms.disconnect_grace_ms != 0 || self.grace_ends_ns != 0
    }

    /// Adds the login to a hash.
    pub fn hash(&self, hash: &mut impl Hasher) {
        hash.write(&self.terms.login.0.to_le_bytes());
        hash.write(&self.terms.username.0);
        hash.write(&self.terms.firm.0);
        hash.write(&self.terms.account.0);
        hash.write(&[
            self.terms.cancel_on_disconnect.into(),
            self.terms.self_trade_prevention as u8,
            self.listed.into(),
            self.connected.into(),
            self.disabled.into(),
        ]);
        // Only then: hashes in journals of before there was one stay what they are.
        if self.has_grace() {
            hash.write(&self.terms.disconnect_grace_ms.to_le_bytes());
            hash.write(&self.grace_ends_ns.to_le_bytes());
        }
    }
}

/// Limits of a scope and the state of its bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitsState {
    /// Whose.
    pub scope: Scope,
    /// The limits in force.
    pub limits: RiskLimits,
    /// Live orders of the scope.
    pub live_orders: u32,
    /// Tokens left, in 1/10^9; 0 without a rate.
    pub tokens: u128,
    /// Time at which `tokens` was true; 0 without a rate.
    pub tokens_at: TimeNs,
    /// Last match before the scope first had limits.
    pub since: MatchNumber,
}

impl LimitsState {
    /// Adds the limits to a hash.
    pub fn hash(&self, hash: &mut impl Hasher) {
        hash_scope(self.scope, hash);
        let limits = &self.limits;
        for number in [
            limits.quantity_max,
            limits.orders_max,
            limits.rate_per_second,
            limits.rate_burst,
            limits.fat_finger_bps,
            self.live_orders,
        ] {
            hash.write(&number.to_le_bytes());
        }
        for number in [limits.notional_max, limits.position_max, self.tokens_at, self.since] {
            hash.write(&number.to_le_bytes());
        }
        hash.write(&self.tokens.to_le_bytes());
    }
}

/// What a scope with limits has, and could come to have, in an instrument. Not listed while all is 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExposureState {
    /// Whose.
    pub scope: Scope,
    /// Where.
    pub instrument: InstrumentId,
    /// Shares bought less shares sold.
    pub position: i64,
    /// Shares of open buy orders.
    pub open_buy: u64,
    /// Shares of open sell orders.
    pub open_sell: u64,
}

impl ExposureState {
    /// Adds the exposure to a hash.
    pub fn hash(&self, hash: &mut impl Hasher) {
        hash_scope(self.scope, hash);
        hash.write(&self.instrument.0.to_le_bytes());
        hash.write(&self.position.to_le_bytes());
        hash.write(&self.open_buy.to_le_bytes());
        hash.write(&self.open_sell.to_le_bytes());
    }
}

/// A balance. Not listed while both numbers are 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BalanceState {
    /// Whose.
    pub account: Account,
    /// Of what.
    pub asset: Asset,
    /// Free to use; negative only after a bust.
    pub available: i128,
    /// Held for open orders.
    pub reserved: i128,
}

impl BalanceState {
    /// Adds the balance to a hash.
    pub fn hash(&self, hash: &mut impl Hasher) {
        hash.write(&self.account.0);
        hash.write(&self.asset.0);
        hash.write(&self.available.to_le_bytes());
        hash.write(&self.reserved.to_le_bytes());
    }
}

/// An asset that terms of an instrument have named, and how many decimals they gave it last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AssetState {
    /// Which.
    pub asset: Asset,
    /// Of its smallest unit.
    pub decimals: u16,
}

impl AssetState {
    /// Adds the asset to a hash.
    pub fn hash(&self, hash: &mut impl Hasher) {
        hash.write(&self.asset.0);
        hash.write(&self.decimals.to_le_bytes());
    }
}

/// Whom a login traded for before its terms changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PastOwner {
    /// Who.
    pub login: LoginId,
    /// Last match before the change.
    pub until: MatchNumber,
    /// Its account then: its own, when none was configured.
    pub account: Account,
    /// Its firm then.
    pub firm: Firm,
}

impl PastOwner {
    /// Adds it to a hash.
    pub fn hash(&self, hash: &mut impl Hasher) {
        hash.write(&self.login.0.to_le_bytes());
        hash.write(&self.until.to_le_bytes());
        hash.write(&self.account.0);
        hash.write(&self.firm.0);
    }
}

/// What an instrument was paid in before its terms changed. Blank: balances did not move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PastAssets {
    /// Which.
    pub instrument: InstrumentId,
    /// Last match before the change.
    pub until: MatchNumber,
    /// What was bought.
    pub base: Asset,
    /// What it was paid in.
    pub quote: Asset,
}

impl PastAssets {
    /// Adds it to a hash.
    pub fn hash(&self, hash: &mut impl Hasher) {
        hash.write(&self.instrument.0.to_le_bytes());
        hash.write(&self.until.to_le_bytes());
        hash.write(&self.base.0);
        hash.write(&self.quote.0);
    }
}

/// Adds a scope to a hash.
pub fn hash_scope(scope: Scope, hash: &mut impl Hasher) {
    let (kind, name) = match scope {
        Scope::Login(login) => (1, u64::from(login.0)),
        Scope::Firm(firm) => (2, u64::from(u32::from_le_bytes(firm.0))),
        Scope::Account(account) => (3, u64::from_le_bytes(account.0)),
        Scope::Instrument(instrument) => (4, u64::from(instrument.0)),
    };
    hash.write(&[kind]);
    hash.write(&name.to_le_bytes());
}

/// Ends a list in a hash, so that nothing can move from one list to the next unseen.
pub fn hash_end(hash: &mut impl Hasher) {
    hash.write(&0_u64.to_le_bytes());
}

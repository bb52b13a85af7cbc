//! Commands: all that can change the state of the venue. Each one is journaled before its answer leaves.

use crate::ids::{InstrumentId, LoginId, MatchNumber, Sequence, TimeNs, UserRefNum};
use crate::market::{Allocation, AuctionKind, MarketState, SelfTradePrevention};
use crate::rules::Rules;
use crate::text::{Account, Asset, ClientOrderId, Firm, Reason, Symbol, Username};

/// What one login (or the venue itself, [`LoginId::VENUE`]) asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Command {
    /// Who asks.
    pub login: LoginId,
    /// What is asked.
    pub action: Action,
}

/// The kinds of commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// OUCH `O`: a new order.
    Enter(Enter),
    /// OUCH `U`: an order in place of a live one.
    Replace(Replace),
    /// OUCH `X`: reduce an order, or cancel it whole.
    Cancel(Cancel),
    /// OUCH `M`: change the sell letter or reduce, keeping priority.
    Modify(Modify),
    /// OUCH `C`: cancel many orders of the login.
    MassCancel(MassCancel),
    /// OUCH `D`: refuse new orders of the login until enabled.
    DisableEntry(EntrySwitch),
    /// OUCH `E`: accept new orders again.
    EnableEntry(EntrySwitch),
    /// OUCH `Q`: ask for the next usable UserRefNum.
    AccountQuery(AccountQuery),
    /// A connection of the login was accepted (not journaled again on takeover).
    Connect,
    /// The login's connection ended: logout, link loss or restart of the venue.
    Disconnect,
    /// Start of a SoupBinTCP session with this number (the first command of a journal).
    StartSession(u32),
    /// A new instrument.
    AddInstrument(InstrumentTerms),
    /// New terms for a known instrument.
    ChangeInstrument(InstrumentTerms),
    /// The instrument takes no more orders. Only without live orders.
    RemoveInstrument(InstrumentId),
    /// A new login.
    AddLogin(LoginTerms),
    /// New terms for a known login.
    ChangeLogin(LoginTerms),
    /// The login may no longer connect; its orders rest on.
    RemoveLogin(LoginId),
    /// Storage for the journal runs out (or is there again): new orders are refused, cancels go on.
    StorageFull(bool),
    /// Time passes: what is due at the journaled time happens. Sent only when something is due.
    Tick,
    /// Where all later random draws come from: SplitMix64. What can be seen of some of its draws tells all others, so no
    /// venue sets one any more; journals of before have it.
    SetSeed(u64),
    /// Where all later random draws come from: SipHash-2-4 with this key (low half first) over their number. Both halves 0
    /// take the key away.
    SetKey([u64; 2]),
    /// Another state of an instrument.
    SetState(SetState),
    /// Ends the call of an instrument: the auction trades.
    Uncross(InstrumentId),
    /// Day orders of all instruments end.
    EndOfDay,
    /// Limits of a login, a firm or an account.
    SetLimits(SetLimits),
    /// Forbids (or allows again) an instrument to a login, a firm or an account.
    Restrict(Restrict),
    /// Kill switch: no new orders in the scope, and all live ones are cancelled; or its end.
    Kill(Kill),
    /// Cancels live orders of anybody, by the venue.
    CancelOrders(CancelOrders),
    /// Money or goods arrive in an account.
    Deposit(Transfer),
    /// Money or goods leave an account.
    Withdraw(Transfer),
    /// A trade is broken.
    Bust(Bust),
    /// A barrier: the state after this command is worth keeping. It changes nothing.
    Snapshot,
    /// The state after an earlier command in one number, for whoever carries the journal out again. It changes nothing.
    StateHash(StateHash),
    /// From the next command on these rules are in force. Refused when newer ones are.
    SetRules(Rules),
    /// The SoupBinTCP session ends, and the next one begins: day orders end, sequence numbers and UserRefNums start again.
    RollSession,
}

/// OUCH 5.0 Enter Order, as sent. Letters are unchecked.
///
/// `repr(C)`, here and for [`Replace`] and [`Cancel`]: the UserRefNum of the order they are about stands at one place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Enter {
    /// UserRefNum.
    pub user_ref_num: UserRefNum,
    /// Shares.
    pub quantity: u32,
    /// Wire price: value × 10^price_decimals of the instrument; ≥ [`crate::limits::PRICE_MARKET`] = market.
    pub price: u64,
    /// Symbol.
    pub symbol: Symbol,
    /// The client's label.
    pub client_order_id: ClientOrderId,
    /// `B S T E`.
    pub side: u8,
    /// `0 3 5 6 E`.
    pub time_in_force: u8,
    /// `Y N A`.
    pub display: u8,
    /// `A P R O`.
    pub capacity: u8,
    /// Intermarket sweep eligibility, `Y N`.
    pub intermarket_sweep: u8,
    /// `N O C H S R E A`.
    pub cross_type: u8,
    /// Optional tags.
    pub options: OrderOptions,
}

/// Value of [`OrderOptions::expire_at`] when tag 128 is absent.
pub const NO_EXPIRE_AT: TimeNs = TimeNs::MAX;

/// Appendage of an Enter or Replace: the tags this venue acts on. 0 (blank for text) = tag absent, but for
/// `expire_at`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderOptions {
    /// Tag 28: independent channel of UserRefNums.
    pub user_ref_idx: u8,
    /// First tag that is unknown, disallowed, repeated, misshapen or not built yet; 0 = all fine.
    pub refused_tag: u8,
    /// Tag 4, `R N` or space.
    pub customer_type: u8,
    /// Tag 12, `P N`.
    pub post_only: u8,
    /// Tag 25, `Y N`.
    pub shares_located: u8,
    /// Tag 27 (Replace only), `B S T E`.
    pub side: u8,
    /// Tag 24.
    pub group_id: u16,
    /// Tag 2 (Enter only).
    pub firm: Firm,
    /// Tag 26.
    pub locate_broker: Firm,
    /// Tag 3, shares.
    pub min_quantity: u32,
    /// Tag 5, displayed shares of an iceberg.
    pub max_floor: u32,
    /// Tag 13, shares by which a slice may be smaller or larger than the floor.
    pub random_reserves: u32,
    /// Tag 6, `L P M R`.
    pub price_type: u8,
    /// Tag 7, signed wire price.
    pub peg_offset: i32,
    /// Tag 9, wire price; larger values are stored as `u32::MAX`, which is no price.
    pub discretion_price: u32,
    /// Tag 15, seconds to live.
    pub expire_seconds: u32,
    /// Tag 128, Unix time in nanoseconds; 0 = good till cancelled; [`NO_EXPIRE_AT`] = absent.
    pub expire_at: TimeNs,
    /// Tag 129, wire price; larger values are stored as `u32::MAX`, which is no price.
    pub trigger_price: u32,
    /// Tag 130, `F` fill-or-kill, `M` market-to-limit.
    pub execution: u8,
}

impl Default for OrderOptions {
    fn default() -> Self {
        OrderOptions {
            user_ref_idx: 0,
            refused_tag: 0,
            customer_type: 0,
            post_only: 0,
            shares_located: 0,
            side: 0,
            group_id: 0,
            firm: Firm::BLANK,
            locate_broker: Firm::BLANK,
            min_quantity: 0,
            max_floor: 0,
            random_reserves: 0,
            price_type: 0,
            peg_offset: 0,
            discretion_price: 0,
            expire_seconds: 0,
            expire_at: NO_EXPIRE_AT,
            trigger_price: 0,
            execution: 0,
        }
    }
}

/// OUCH 5.0 Replace Order, as sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Replace {
    /// UserRefNum of the live order.
    pub original: UserRefNum,
    /// UserRefNum of the replacement.
    pub user_ref_num: UserRefNum,
    /// Total shares of the chain, executed and prevented ones included.
    pub quantity: u32,
    /// Wire price, see [`Enter::price`].
    pub price: u64,
    /// The client's label.
    pub client_order_id: ClientOrderId,
    /// `0 3 5 6`.
    pub time_in_force: u8,
    /// `Y N A`.
    pub display: u8,
    /// `Y N`.
    pub intermarket_sweep: u8,
    /// Optional tags.
    pub options: OrderOptions,
}

/// OUCH 5.0 Cancel Order: the order's intended total becomes `quantity`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, align(8))]
pub struct Cancel {
    /// UserRefNum of the order.
    pub user_ref_num: UserRefNum,
    /// Intended total shares, executed ones included; 0 cancels all.
    pub quantity: u32,
    /// Channel of the order.
    pub user_ref_idx: u8,
}

/// OUCH 5.0 Modify Order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Modify {
    /// UserRefNum of the order.
    pub user_ref_num: UserRefNum,
    /// Intended total shares.
    pub quantity: u32,
    /// `S T E`.
    pub side: u8,
    /// Channel of the order.
    pub user_ref_idx: u8,
}

/// OUCH 5.0 Mass Cancel. All filters together select orders of the sending login.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MassCancel {
    /// UserRefNum, consumed.
    pub user_ref_num: UserRefNum,
    /// Firm of the orders; blank = the login's own.
    pub firm: Firm,
    /// Symbol; blank = all.
    pub symbol: Symbol,
    /// Tag 27; 0 = both sides.
    pub side: u8,
    /// Tag 24; `None` = all groups.
    pub group_id: Option<u16>,
    /// Tag 28 when present: only this channel. `None`: all channels, answered on channel 0.
    pub user_ref_idx: Option<u8>,
}

/// OUCH 5.0 Disable or Enable Order Entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EntrySwitch {
    /// UserRefNum, consumed.
    pub user_ref_num: UserRefNum,
    /// Firm, echoed.
    pub firm: Firm,
    /// Channel.
    pub user_ref_idx: u8,
}

/// OUCH 5.0 Account Query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountQuery {
    /// Channel.
    pub user_ref_idx: u8,
}

/// From this price on, another tick.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TickRange {
    /// First wire price of the range; 0 = the entry is not used.
    pub from: u32,
    /// Price step from there on, a multiple of the instrument's `tick`.
    pub tick: u32,
}

/// Terms of an instrument. 0 (blank) in an optional field: none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InstrumentTerms {
    /// Id, never reused.
    pub instrument: InstrumentId,
    /// Symbol, unique among live instruments.
    pub symbol: Symbol,
    /// Smallest price step in wire price units, ≥ 1: that of prices below the first range.
    pub tick: u32,
    /// Quantity step in shares, ≥ 1.
    pub lot: u32,
    /// Wire price = value × 10^this.
    pub price_decimals: u8,
    /// Quantity = value × 10^this.
    pub quantity_decimals: u8,
    /// How an incoming order is shared among the orders at a price.
    pub allocation: Allocation,
    /// Coarser ticks at higher prices, ascending.
    pub tick_ranges: [TickRange; TICK_RANGES],
    /// Static collar: lowest price of orders and trades; 0 = none.
    pub collar_low: u32,
    /// Static collar: highest price of orders and trades; 0 = none.
    pub collar_high: u32,
    /// Dynamic band: a trade further than this from the reference starts a volatility auction. In 1/10,000 of the
    /// reference price; 0 = none.
    pub band_bps: u32,
    /// Length of the call of a volatility auction, ms; 0 = until told.
    pub volatility_call_ms: u32,
    /// The call ends up to this much later, at random, ms.
    pub random_end_ms: u32,
    /// Wire price that stands for the last trade before there is one; 0 = none.
    pub reference_price: u32,
    /// Balances mode when not blank: what is bought.
    pub base: Asset,
    /// Balances mode: what it is paid in.
    pub quote: Asset,
    /// Fee of the resting side in millionths of price × quantity.
    pub maker_fee_ppm: u32,
    /// Fee of the incoming side in millionths of price × quantity.
    pub taker_fee_ppm: u32,
}

impl InstrumentTerms {
    /// A plain price-time instrument with one tick and none of the optional terms.
    pub const fn plain(instrument: InstrumentId, symbol: Symbol, tick: u32, lot: u32) -> Self {
        InstrumentTerms {
            instrument,
            symbol,
            tick,
            lot,
            price_decimals: 4,
            quantity_decimals: 0,
            allocation: Allocation::PriceTime,
            tick_ranges: [TickRange { from: 0, tick: 0 }; TICK_RANGES],
            collar_low: 0,
            collar_high: 0,
            band_bps: 0,
            volatility_call_ms: 0,
            random_end_ms: 0,
            reference_price: 0,
            base: Asset::BLANK,
            quote: Asset::BLANK,
            maker_fee_ppm: 0,
            taker_fee_ppm: 0,
        }
    }
}

/// Entries of [`InstrumentTerms::tick_ranges`].
pub const TICK_RANGES: usize = 3;

/// Terms of a login; its password is not part of the state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoginTerms {
    /// Id, never reused.
    pub login: LoginId,
    /// Name, unique among live logins.
    pub username: Username,
    /// Firm of its orders unless tag 2 says otherwise; scope of self-trade prevention.
    pub firm: Firm,
    /// Account it trades for; blank = an account of its own, named like the login.
    pub account: Account,
    /// Cancel its orders when it disconnects.
    pub cancel_on_disconnect: bool,
    /// How long it may stay away before that happens, ms of journaled time; 0 = not at all.
    pub disconnect_grace_ms: u32,
    /// What happens when its incoming orders meet its firm's resting ones.
    pub self_trade_prevention: SelfTradePrevention,
}

impl LoginTerms {
    /// A login without self-trade prevention and cancel on disconnect, trading for itself.
    pub const fn plain(login: LoginId, username: Username, firm: Firm) -> Self {
        LoginTerms {
            login,
            username,
            firm,
            account: Account::BLANK,
            cancel_on_disconnect: false,
            disconnect_grace_ms: 0,
            self_trade_prevention: SelfTradePrevention::None,
        }
    }
}

/// Another state of an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SetState {
    /// Which.
    pub instrument: InstrumentId,
    /// The new state.
    pub state: MarketState,
    /// Which auction, when `state` is [`MarketState::Auction`].
    pub auction: AuctionKind,
    /// The call ends by itself after this time, ns; 0 = until told.
    pub call_ns: u64,
    /// ... and up to this much later, at random, ns.
    pub random_ns: u64,
    /// Why, told to the public.
    pub reason: Reason,
}

/// Whom a command of the venue is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// One login.
    Login(LoginId),
    /// All logins whose configured firm it is.
    Firm(Firm),
    /// All logins that trade for it.
    Account(Account),
    /// All orders in it. Only for [`Kill`].
    Instrument(InstrumentId),
}

/// Limits, checked before matching. 0 = no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RiskLimits {
    /// Largest quantity of one order, shares.
    pub quantity_max: u32,
    /// Most live orders.
    pub orders_max: u32,
    /// Largest price × quantity of one order, wire units.
    pub notional_max: u64,
    /// Largest position, long or short, that an instrument could reach if all open orders of one side traded.
    pub position_max: u64,
    /// New orders and replacements a second, by a token bucket in journaled time.
    pub rate_per_second: u32,
    /// Size of the bucket; 0 = one second's worth.
    pub rate_burst: u32,
    /// How far a limit may be on the wrong side of the last trade, 1/10,000.
    pub fat_finger_bps: u32,
}

impl RiskLimits {
    /// New orders and replacements that a full bucket lets pass at once; 0 without a rate and a burst.
    pub const fn burst(&self) -> u32 {
        if self.rate_burst == 0 { self.rate_per_second } else { self.rate_burst }
    }
}

/// Limits of a scope, in place of those it had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SetLimits {
    /// Login, firm or account.
    pub scope: Scope,
    /// The limits.
    pub limits: RiskLimits,
}

/// Forbids or allows an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Restrict {
    /// Login, firm or account.
    pub scope: Scope,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Forbidden from now on.
    pub restricted: bool,
}

/// Kill switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kill {
    /// Login, firm, account or instrument.
    pub scope: Scope,
    /// On, or off again.
    pub killed: bool,
}

/// Selects live orders of all logins. Filters work together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CancelOrders {
    /// Whose, or in which instrument.
    pub scope: Scope,
    /// Only in this instrument; 0 = all.
    pub instrument: InstrumentId,
    /// Only this side, `B` or `S` (short sales included); 0 = both.
    pub side: u8,
}

/// A deposit or a withdrawal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// Whose.
    pub account: Account,
    /// What.
    pub asset: Asset,
    /// How much, in the asset's smallest unit.
    pub amount: u64,
}

/// One side of a trade that is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BustSide {
    /// Whose.
    pub login: LoginId,
    /// Order at the time of the trade.
    pub user_ref_num: UserRefNum,
    /// Its channel.
    pub user_ref_idx: u8,
    /// Its label.
    pub client_order_id: ClientOrderId,
    /// Fee it paid, in the quote asset's smallest unit.
    pub fee: u64,
}

/// Breaks a trade. Carries the whole trade, as read from the journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bust {
    /// Which trade.
    pub match_number: MatchNumber,
    /// Where.
    pub instrument: InstrumentId,
    /// Wire price.
    pub price: u32,
    /// Shares.
    pub quantity: u32,
    /// OUCH: `E` erroneous, `C` consent, `S` supervisory, `X` external.
    pub reason: u8,
    /// Buyer.
    pub buyer: BustSide,
    /// Seller.
    pub seller: BustSide,
}

/// The state after a command, in one number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StateHash {
    /// Which command: a [`Action::Snapshot`].
    pub sequence: Sequence,
    /// XXH64 of the state after it (rules.md §16).
    pub hash: u64,
}

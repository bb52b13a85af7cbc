//! Events: facts that leave the engine. All events of one command share its sequence and its time.

use crate::ids::{InstrumentId, LoginId, MatchNumber, OrderRef, UserRefNum};
use crate::market::{AuctionKind, MarketState, SelfTradePrevention};
use crate::side::Side;
use crate::text::{ClientOrderId, Firm, Reason, Symbol};

/// A fact for one login, or, under [`LoginId::VENUE`], for the public and the operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Whose stream it belongs to; [`LoginId::VENUE`]: nobody's.
    pub login: LoginId,
    /// Channel of the order or request; echoed as tag 28 when not 0.
    pub user_ref_idx: u8,
    /// What happened.
    pub fact: Fact,
}

/// The kinds of facts. Those of logins are one OUCH 5.0 message each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fact {
    /// `A`, or `U` when the order takes the place of another.
    Accepted(Accepted),
    /// `C`
    Canceled {
        /// The order.
        user_ref_num: UserRefNum,
        /// Shares taken off, not the remainder.
        quantity: u32,
        /// Why.
        reason: CancelReason,
    },
    /// `E`
    Executed {
        /// The order.
        user_ref_num: UserRefNum,
        /// Shares of this match.
        quantity: u32,
        /// Wire price: always the resting order's.
        price: u64,
        /// Which side of the match this order was.
        liquidity: Liquidity,
        /// Same for both sides.
        match_number: MatchNumber,
    },
    /// `D`: self-trade prevention.
    Prevented {
        /// The order.
        user_ref_num: UserRefNum,
        /// Shares taken off it.
        quantity: u32,
        /// Shares that did not trade.
        prevented: u32,
        /// Wire price at which they would have traded.
        price: u64,
        /// Which side of the match this order would have been.
        liquidity: Liquidity,
        /// The incoming login's mode.
        mode: SelfTradePrevention,
    },
    /// `R` with reason `R`: an iceberg shows its next slice, at the back of its level.
    Refreshed {
        /// The order.
        user_ref_num: UserRefNum,
        /// Shares displayed now.
        displayed: u32,
        /// The order's number on market data from now on.
        public_ref: OrderRef,
    },
    /// `R` with reason `P`: the order stands at another price, at the back of its level.
    Repriced {
        /// The order.
        user_ref_num: UserRefNum,
        /// Wire price; 0 = the order waits outside the book.
        price: u64,
    },
    /// `T`: a stop order was triggered and enters the market.
    Triggered {
        /// The order.
        user_ref_num: UserRefNum,
        /// Wire price as sent.
        price: u64,
        /// Letter as sent.
        display: u8,
        /// Unchanged.
        order_ref: OrderRef,
    },
    /// `B`
    Broken {
        /// The order at the time of the trade.
        user_ref_num: UserRefNum,
        /// The trade.
        match_number: MatchNumber,
        /// Letter of the command.
        reason: u8,
        /// The client's label.
        client_order_id: ClientOrderId,
    },
    /// `J`
    Rejected {
        /// Consumed by the rejection.
        user_ref_num: UserRefNum,
        /// Why.
        reason: RejectReason,
        /// The client's label.
        client_order_id: ClientOrderId,
    },
    /// `M`
    Modified {
        /// The order.
        user_ref_num: UserRefNum,
        /// The new letter.
        side: Side,
        /// Shares open now.
        quantity: u32,
    },
    /// `X`; the single cancels follow.
    MassCancelAccepted(MassCancelAccepted),
    /// `G`
    EntryDisabled {
        /// The request.
        user_ref_num: UserRefNum,
        /// Echoed.
        firm: Firm,
    },
    /// `K`
    EntryEnabled {
        /// The request.
        user_ref_num: UserRefNum,
        /// Echoed.
        firm: Firm,
    },
    /// `Q`
    NextUserRefNum {
        /// The next usable UserRefNum of the channel.
        user_ref_num: UserRefNum,
    },
    /// For the public: what an order-by-order feed tells. Never an owner, never a hidden share.
    Market {
        /// Where.
        instrument: InstrumentId,
        /// What.
        fact: MarketFact,
    },
    /// For the operator: the venue's own command changed nothing.
    Refused(VenueRefusal),
    /// For those who keep the streams of logins: what follows is told in this SoupBinTCP session, from its first message on.
    SessionBegan(u32),
}

/// What everybody may know. Orders go by their public number: the OrderRefNum, or the one of the latest slice of
/// an iceberg. Quantities are displayed ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MarketFact {
    /// An order joins the back of a level.
    Added {
        /// Public number.
        public_ref: OrderRef,
        /// True for the bid side.
        buy: bool,
        /// Shares displayed.
        quantity: u32,
        /// Wire price.
        price: u64,
    },
    /// A displayed order traded. Gone when nothing is left of what was displayed.
    Executed {
        /// Public number.
        public_ref: OrderRef,
        /// Shares.
        quantity: u32,
        /// Wire price: the order's own, or the auction's.
        price: u64,
        /// The match.
        match_number: MatchNumber,
    },
    /// Shares were taken off; the order keeps its place.
    Reduced {
        /// Public number.
        public_ref: OrderRef,
        /// Shares taken off.
        quantity: u32,
    },
    /// The order left the book.
    Deleted {
        /// Public number.
        public_ref: OrderRef,
    },
    /// An order left the book and another one of the same side joined it, without a trade between the two.
    Replaced {
        /// Public number of the one that left.
        old: OrderRef,
        /// Public number of the one that joined.
        new: OrderRef,
        /// Shares displayed.
        quantity: u32,
        /// Wire price.
        price: u64,
    },
    /// A match against an order that is not displayed.
    Traded {
        /// The match.
        match_number: MatchNumber,
        /// Shares.
        quantity: u32,
        /// Wire price.
        price: u64,
        /// True when the hidden order buys.
        buy: bool,
    },
    /// An auction traded.
    Crossed {
        /// Which.
        auction: AuctionKind,
        /// Wire price of all its trades.
        price: u64,
        /// Shares, each match counted once.
        quantity: u64,
    },
    /// What the auction would do now.
    Indicative {
        /// Wire price; 0 = nothing would trade.
        price: u64,
        /// Shares that would trade.
        quantity: u64,
        /// Shares left over at that price.
        surplus: u64,
        /// True when the surplus is the buyers'.
        surplus_buy: bool,
    },
    /// Another state.
    State {
        /// The state.
        state: MarketState,
        /// Which auction, in a call.
        auction: AuctionKind,
        /// Why.
        reason: Reason,
    },
    /// A trade was broken.
    Broken {
        /// Which.
        match_number: MatchNumber,
    },
}

/// Why a command of the venue changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum VenueRefusal {
    /// The instrument does not exist or is not listed, or the new id is not the next one.
    Instrument = 1,
    /// The login does not exist, or the new id is not the next one.
    Login = 2,
    /// The terms contradict themselves, or live orders.
    Terms = 3,
    /// The state cannot follow the present one.
    State = 4,
    /// The scope cannot be used here.
    Scope = 5,
    /// The match number was never given.
    Match = 6,
    /// The trade is broken already.
    Broken = 7,
    /// Not enough is available.
    Balance = 8,
    /// A number is out of range.
    Range = 9,
    /// A capacity limit of the venue is reached.
    Capacity = 10,
}

/// An order in force. Letters and tags as sent (or inherited, for a replacement); 0 or blank = not given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// The order it takes the place of; 0 = it is a new one.
    pub original: UserRefNum,
    /// The order.
    pub user_ref_num: UserRefNum,
    /// Shares open: what a new order asks for, what is left of the total for a replacement.
    pub quantity: u32,
    /// Wire price as sent.
    pub price: u64,
    /// Venue-unique number.
    pub order_ref: OrderRef,
    /// Symbol.
    pub symbol: Symbol,
    /// The client's label.
    pub client_order_id: ClientOrderId,
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
    /// Tag 4. Not on a replacement.
    pub customer_type: u8,
    /// Tag 12.
    pub post_only: u8,
    /// Tag 25. Not on a replacement.
    pub shares_located: u8,
    /// Tag 6.
    pub price_type: u8,
    /// Tag 24. Not on a replacement.
    pub group_id: u16,
    /// Tag 2. Not on a replacement.
    pub firm: Firm,
    /// Tag 3.
    pub min_quantity: u32,
    /// Tag 5.
    pub max_floor: u32,
    /// Tag 7. Not on a replacement.
    pub peg_offset: i32,
    /// Tag 9. Not on a replacement.
    pub discretion_price: u32,
    /// Tag 13. Not on a replacement.
    pub random_reserves: u32,
    /// Tag 15.
    pub expire_seconds: u32,
}

/// Answer to a mass cancel: its filters as sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MassCancelAccepted {
    /// The request.
    pub user_ref_num: UserRefNum,
    /// Filter.
    pub firm: Firm,
    /// Filter.
    pub symbol: Symbol,
    /// Filter; 0 = not given.
    pub side: u8,
    /// Filter.
    pub group_id: Option<u16>,
}

/// Side of a match (OUCH liquidity flag).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Liquidity {
    /// The resting order, `A`.
    Added = b'A',
    /// The incoming order, `R`.
    Removed = b'R',
    /// Either side of the opening auction.
    Opening = b'O',
    /// Either side of the closing auction.
    Closing = b'C',
    /// Either side of an auction after a halt.
    Halt = b'H',
}

/// Why shares were taken off an order (OUCH 5.0 letters).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CancelReason {
    /// The client asked, or its replacement was invalid.
    User = b'U',
    /// Remainder of an order that may not rest, or that did not find its minimum.
    Immediate = b'I',
    /// A post-only order that would have traded.
    PostOnly = b'G',
    /// Cancel on disconnect, kill switch, or the operator.
    Supervisory = b'S',
    /// Its time is over.
    Timeout = b'T',
    /// The day is over.
    Closed = b'E',
    /// Its auction is over.
    Cross = b'C',
    /// A market order that met the collar or the band.
    Collar = b'K',
}

/// Why a new order was refused (OUCH 5.0 codes).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum RejectReason {
    /// Destination closed: the instrument's day is over.
    Closed = 0x02,
    /// Invalid display.
    Display = 0x03,
    /// Invalid max floor.
    MaxFloor = 0x04,
    /// Invalid peg type: the peg contradicts the rest of the order.
    PegType = 0x05,
    /// The instrument's state does not take this order.
    Halted = 0x07,
    /// Invalid side.
    Side = 0x09,
    /// Processing error: a capacity limit of the venue is reached.
    Capacity = 0x0A,
    /// Order entry is disabled, by the login itself or by the kill switch.
    EntryDisabled = 0x0C,
    /// Invalid minimum quantity.
    MinQuantity = 0x0D,
    /// Other: a letter or tag that is unknown, repeated, or not offered.
    Other = 0x0F,
    /// Invalid quantity.
    Quantity = 0x13,
    /// No such auction is to come.
    CrossOrder = 0x14,
    /// Unknown symbol.
    Symbol = 0x17,
    /// Invalid price.
    Price = 0x1D,
    /// Open orders, position or balance would exceed what is allowed.
    Exposure = 0x20,
    /// The instrument is forbidden to the login, firm or account.
    Restricted = 0x22,
    /// The limit is too far on the wrong side of the last trade.
    FatFinger = 0x26,
    /// Message rate.
    MessageRate = 0x29,
    /// Market orders are not taken now.
    MarketOrder = 0x2C,
    /// Price × quantity.
    Notional = 0x30,
    /// Quantity above the risk limit.
    MaxQuantity = 0x31,
}

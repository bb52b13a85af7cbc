//! Events: facts that leave the engine. All events of one command share its sequence and its time.

use crate::ids::{LoginId, MatchNumber, OrderRef, UserRefNum};
use crate::side::Side;
use crate::text::{ClientOrderId, Firm, Symbol};

/// A fact for one login.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Whose stream it belongs to.
    pub login: LoginId,
    /// Channel of the order or request; echoed as tag 28 when not 0.
    pub user_ref_idx: u8,
    /// What happened.
    pub fact: Fact,
}

/// The kinds of facts; each is one OUCH 5.0 message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fact {
    /// `A`
    Accepted(Accepted),
    /// `U`
    Replaced(Replaced),
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
}

/// A new order in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// The order.
    pub user_ref_num: UserRefNum,
    /// Shares.
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
    /// Letter as sent.
    pub time_in_force: u8,
    /// Letter as sent.
    pub display: u8,
    /// Letter as sent.
    pub capacity: u8,
    /// Letter as sent.
    pub intermarket_sweep: u8,
    /// Letter as sent.
    pub cross_type: u8,
    /// Tag 4; 0 = not given.
    pub customer_type: u8,
    /// Tag 12; 0 = not given.
    pub post_only: u8,
    /// Tag 25; 0 = not given.
    pub shares_located: u8,
    /// Tag 24; 0 = none.
    pub group_id: u16,
    /// Tag 2; blank = not given.
    pub firm: Firm,
}

/// An order in place of another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Replaced {
    /// The order that is gone.
    pub original: UserRefNum,
    /// The order in force; `quantity` is what is open, not the chain total.
    pub order: Accepted,
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
}

/// Why shares were taken off an order (OUCH 5.0 letters).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CancelReason {
    /// The client asked, or its replacement was invalid.
    User = b'U',
    /// Remainder of an immediate-or-cancel or market order.
    Immediate = b'I',
    /// A post-only order that would have traded.
    PostOnly = b'G',
    /// Cancel on disconnect.
    Supervisory = b'S',
}

/// Why a new order was refused (OUCH 5.0 codes).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum RejectReason {
    /// Invalid display.
    Display = 0x03,
    /// Invalid side.
    Side = 0x09,
    /// Processing error: a capacity limit of the venue is reached.
    Capacity = 0x0A,
    /// Order entry is disabled.
    EntryDisabled = 0x0C,
    /// Invalid minimum quantity.
    MinQuantity = 0x0D,
    /// Other: a letter or tag that is unknown, repeated, or not offered.
    Other = 0x0F,
    /// Invalid quantity.
    Quantity = 0x13,
    /// Unknown symbol.
    Symbol = 0x17,
    /// Invalid price.
    Price = 0x1D,
}

//! Replies that tell what became of an order.

use alloc::vec::Vec;

use ringside_domain::ids::{MatchNumber, OrderRef, UserRefNum};
use ringside_domain::text::ClientOrderId;

use crate::ouch::layout::{mandatory, optional, put, put_mandatory, put_optional, text_at, u32_at, u64_at};
use crate::ouch::malformed::Malformed;
use crate::ouch::tags::Tags;

/// Canceled `C`: 18 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Canceled<'a> {
    /// Nanoseconds since midnight.
    pub timestamp: u64,
    /// The order.
    pub user_ref_num: UserRefNum,
    /// Shares taken off, not the remainder.
    pub quantity: u32,
    /// Why, e.g. `U` user, `I` immediate-or-cancel.
    pub reason: u8,
    /// Appendage, optional.
    pub tags: Tags<'a>,
}

/// AIQ Canceled (self-match prevented) `D`: 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AiqCanceled<'a> {
    /// Nanoseconds since midnight.
    pub timestamp: u64,
    /// The order.
    pub user_ref_num: UserRefNum,
    /// Shares taken off.
    pub quantity: u32,
    /// Always `Q`.
    pub reason: u8,
    /// Shares kept from trading with the own firm.
    pub prevented: u32,
    /// Wire price of the match that did not happen.
    pub price: u64,
    /// Flag that the match would have had.
    pub liquidity: u8,
    /// `O` oldest, `N` newest, `B` both, `D` decrement.
    pub strategy: u8,
    /// Appendage, optional.
    pub tags: Tags<'a>,
}

/// Executed `E`: 36 bytes and its tags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Executed<'a> {
    /// Nanoseconds since midnight.
    pub timestamp: u64,
    /// The order.
    pub user_ref_num: UserRefNum,
    /// Shares of this match.
    pub quantity: u32,
    /// Wire price of this match.
    pub price: u64,
    /// `A` added, `R` removed, ...
    pub liquidity: u8,
    /// The same for buyer and seller.
    pub match_number: MatchNumber,
    /// Appendage, mandatory.
    pub tags: Tags<'a>,
}

/// Broken Trade `B`: 36 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BrokenTrade<'a> {
    /// Nanoseconds since midnight.
    pub timestamp: u64,
    /// The order.
    pub user_ref_num: UserRefNum,
    /// The match that no longer counts.
    pub match_number: MatchNumber,
    /// `E C S X`.
    pub reason: u8,
    /// The client's label.
    pub client_order_id: ClientOrderId,
    /// Appendage, optional.
    pub tags: Tags<'a>,
}

/// Order Priority Update `T`: 30 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PriorityUpdate<'a> {
    /// Nanoseconds since midnight.
    pub timestamp: u64,
    /// The order.
    pub user_ref_num: UserRefNum,
    /// Wire price now.
    pub price: u64,
    /// Letter now.
    pub display: u8,
    /// Venue-unique number now.
    pub order_ref: OrderRef,
    /// Appendage, optional.
    pub tags: Tags<'a>,
}

/// Order Modified `M`: 18 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Modified<'a> {
    /// Nanoseconds since midnight.
    pub timestamp: u64,
    /// The order.
    pub user_ref_num: UserRefNum,
    /// The letter now.
    pub side: u8,
    /// Shares open now.
    pub quantity: u32,
    /// Appendage, optional.
    pub tags: Tags<'a>,
}

/// Order Restated `R`: 16 bytes and its tags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Restated<'a> {
    /// Nanoseconds since midnight.
    pub timestamp: u64,
    /// The order.
    pub user_ref_num: UserRefNum,
    /// `R` display refreshed, `P` displayed price changed.
    pub reason: u8,
    /// Appendage, mandatory.
    pub tags: Tags<'a>,
}

impl<'a> Canceled<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = optional::<18>(bytes)?;
        Ok(Canceled {
            timestamp: u64_at(fixed, 1),
            user_ref_num: u32_at(fixed, 9),
            quantity: u32_at(fixed, 13),
            reason: fixed[17],
            tags,
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'C'; 18];
        put(&mut fixed, 1, self.timestamp.to_be_bytes());
        put(&mut fixed, 9, self.user_ref_num.to_be_bytes());
        put(&mut fixed, 13, self.quantity.to_be_bytes());
        fixed[17] = self.reason;
        put_optional(&fixed, self.tags, out);
    }
}

impl<'a> AiqCanceled<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = optional::<32>(bytes)?;
        Ok(AiqCanceled {
            timestamp: u64_at(fixed, 1),
            user_ref_num: u32_at(fixed, 9),
            quantity: u32_at(fixed, 13),
            reason: fixed[17],
            prevented: u32_at(fixed, 18),
            price: u64_at(fixed, 22),
            liquidity: fixed[30],
            strategy: fixed[31],
            tags,
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'D'; 32];
        put(&mut fixed, 1, self.timestamp.to_be_bytes());
        put(&mut fixed, 9, self.user_ref_num.to_be_bytes());
        put(&mut fixed, 13, self.quantity.to_be_bytes());
        fixed[17] = self.reason;
        put(&mut fixed, 18, self.prevented.to_be_bytes());
        put(&mut fixed, 22, self.price.to_be_bytes());
        fixed[30] = self.liquidity;
        fixed[31] = self.strategy;
        put_optional(&fixed, self.tags, out);
    }
}

impl<'a> Executed<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = mandatory::<36>(bytes)?;
        Ok(Executed {
            timestamp: u64_at(fixed, 1),
            user_ref_num: u32_at(fixed, 9),
            quantity: u32_at(fixed, 13),
            price: u64_at(fixed, 17),
            liquidity: fixed[25],
            match_number: u64_at(fixed, 26),
            tags,
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'E'; 36];
        put(&mut fixed, 1, self.timestamp.to_be_bytes());
        put(&mut fixed, 9, self.user_ref_num.to_be_bytes());
        put(&mut fixed, 13, self.quantity.to_be_bytes());
        put(&mut fixed, 17, self.price.to_be_bytes());
        fixed[25] = self.liquidity;
        put(&mut fixed, 26, self.match_number.to_be_bytes());
        put_mandatory(fixed, self.tags, out);
    }
}

impl<'a> BrokenTrade<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = optional::<36>(bytes)?;
        Ok(BrokenTrade {
            timestamp: u64_at(fixed, 1),
            user_ref_num: u32_at(fixed, 9),
            match_number: u64_at(fixed, 13),
            reason: fixed[21],
            client_order_id: text_at(fixed, 22),
            tags,
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'B'; 36];
        put(&mut fixed, 1, self.timestamp.to_be_bytes());
        put(&mut fixed, 9, self.user_ref_num.to_be_bytes());
        put(&mut fixed, 13, self.match_number.to_be_bytes());
        fixed[21] = self.reason;
        put(&mut fixed, 22, self.client_order_id.0);
        put_optional(&fixed, self.tags, out);
    }
}

impl<'a> PriorityUpdate<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = optional::<30>(bytes)?;
        Ok(PriorityUpdate {
            timestamp: u64_at(fixed, 1),
            user_ref_num: u32_at(fixed, 9),
            price: u64_at(fixed, 13),
            display: fixed[21],
            order_ref: u64_at(fixed, 22),
            tags,
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'T'; 30];
        put(&mut fixed, 1, self.timestamp.to_be_bytes());
        put(&mut fixed, 9, self.user_ref_num.to_be_bytes());
        put(&mut fixed, 13, self.price.to_be_bytes());
        fixed[21] = self.display;
        put(&mut fixed, 22, self.order_ref.to_be_bytes());
        put_optional(&fixed, self.tags, out);
    }
}

impl<'a> Modified<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = optional::<18>(bytes)?;
        Ok(Modified {
            timestamp: u64_at(fixed, 1),
            user_ref_num: u32_at(fixed, 9),
            side: fixed[13],
            quantity: u32_at(fixed, 14),
            tags,
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'M'; 18];
        put(&mut fixed, 1, self.timestamp.to_be_bytes());
        put(&mut fixed, 9, self.user_ref_num.to_be_bytes());
        fixed[13] = self.side;
        put(&mut fixed, 14, self.quantity.to_be_bytes());
        put_optional(&fixed, self.tags, out);
    }
}

impl<'a> Restated<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = mandatory::<16>(bytes)?;
        Ok(Restated { timestamp: u64_at(fixed, 1), user_ref_num: u32_at(fixed, 9), reason: fixed[13], tags })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'R'; 16];
        put(&mut fixed, 1, self.timestamp.to_be_bytes());
        put(&mut fixed, 9, self.user_ref_num.to_be_bytes());
        fixed[13] = self.reason;
        put_mandatory(fixed, self.tags, out);
    }
}

//! One tagged value of an appendage (OUCH 5.0, "Optional Appendage").
//!
//! Refuses to know: which message a tag sits in (see [`super::allowed`]), which values the venue accepts.

use core::fmt;

use ringside_domain::text::{Firm, Text};

/// A tag and its value. Letters are raw bytes, unchecked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tag {
    /// 1: another number of the order, used on market data.
    SecondaryOrderRef(u64),
    /// 2: firm.
    Firm(Firm),
    /// 3: least shares to execute on entry.
    MinQuantity(u32),
    /// 4: `R N` or space.
    CustomerType(u8),
    /// 5: displayed shares of an iceberg.
    MaxFloor(u32),
    /// 6: `L P M R Q`.
    PriceType(u8),
    /// 7: signed price.
    PegOffset(i32),
    /// 9: price.
    DiscretionPrice(u64),
    /// 10: `L P M R`.
    DiscretionPriceType(u8),
    /// 11: signed price.
    DiscretionPegOffset(i32),
    /// 12: `P N`.
    PostOnly(u8),
    /// 13: shares of randomisation.
    RandomReserves(u32),
    /// 14: route, host only.
    Route(Text<4>),
    /// 15: seconds to live, below 86,400.
    ExpireTime(u32),
    /// 16: `Y N` or space.
    TradeNow(u8),
    /// 17: `I O T Q B D` or space.
    HandleInst(u8),
    /// 18: host only.
    BboWeight(u8),
    /// 22: displayed shares, Restated only.
    DisplayQuantity(u32),
    /// 23: displayed price, Restated only.
    DisplayPrice(u64),
    /// 24: group of the order; 0 = none.
    GroupId(u16),
    /// 25: `Y N`.
    SharesLocated(u8),
    /// 26: broker that lent the shares.
    LocateBroker(Firm),
    /// 27: `B S T E`.
    Side(u8),
    /// 28: channel of UserRefNums; absent = 0.
    UserRefIdx(u8),
    /// 128 (private): Unix time in nanoseconds at which the order ends; 0 = good till cancelled.
    ExpireAt(u64),
    /// 129 (private): price that wakes a stop order.
    TriggerPrice(u64),
    /// 130 (private): `F` fill-or-kill, `M` market-to-limit.
    Execution(u8),
}

/// What is wrong with a tagged value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TagProblem {
    /// No tag has this number.
    Unknown,
    /// The value is not as long as the tag's is, or the length byte is 0.
    Misshapen,
    /// The appendage ends inside the tagged value.
    Truncated,
}

/// A tagged value that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TagError {
    /// The tag's number; [`super::NO_TAG_NUMBER`] when the bytes do not hold one.
    pub tag: u8,
    /// What is wrong with it.
    pub problem: TagProblem,
}

impl fmt::Display for TagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = match self.problem {
            TagProblem::Unknown => "is unknown",
            TagProblem::Misshapen => "has the wrong length",
            TagProblem::Truncated => "runs past the appendage",
        };
        write!(f, "OUCH tag {} {problem}", self.tag)
    }
}

impl core::error::Error for TagError {}

impl Tag {
    /// The tag's number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Tag::SecondaryOrderRef(_) => 1,
            Tag::Firm(_) => 2,
            Tag::MinQuantity(_) => 3,
            Tag::CustomerType(_) => 4,
            Tag::MaxFloor(_) => 5,
            Tag::PriceType(_) => 6,
            Tag::PegOffset(_) => 7,
            Tag::DiscretionPrice(_) => 9,
            Tag::DiscretionPriceType(_) => 10,
            Tag::DiscretionPegOffset(_) => 11,
            Tag::PostOnly(_) => 12,
            Tag::RandomReserves(_) => 13,
            Tag::Route(_) => 14,
            Tag::ExpireTime(_) => 15,
            Tag::TradeNow(_) => 16,
            Tag::HandleInst(_) => 17,
            Tag::BboWeight(_) => 18,
            Tag::DisplayQuantity(_) => 22,
            Tag::DisplayPrice(_) => 23,
            Tag::GroupId(_) => 24,
            Tag::SharesLocated(_) => 25,
            Tag::LocateBroker(_) => 26,
            Tag::Side(_) => 27,
            Tag::UserRefIdx(_) => 28,
            Tag::ExpireAt(_) => 128,
            Tag::TriggerPrice(_) => 129,
            Tag::Execution(_) => 130,
        }
    }

    /// Reads the value of tag `number`.
    pub(super) fn decode(number: u8, value: &[u8]) -> Result<Tag, TagProblem> {
        Ok(match number {
            1 => Tag::SecondaryOrderRef(u64::from_be_bytes(exact(value)?)),
            2 => Tag::Firm(Text(exact(value)?)),
            3 => Tag::MinQuantity(u32::from_be_bytes(exact(value)?)),
            4 => Tag::CustomerType(letter(value)?),
            5 => Tag::MaxFloor(u32::from_be_bytes(exact(value)?)),
            6 => Tag::PriceType(letter(value)?),
            7 => Tag::PegOffset(i32::from_be_bytes(exact(value)?)),
            9 => Tag::DiscretionPrice(u64::from_be_bytes(exact(value)?)),
            10 => Tag::DiscretionPriceType(letter(value)?),
            11 => Tag::DiscretionPegOffset(i32::from_be_bytes(exact(value)?)),
            12 => Tag::PostOnly(letter(value)?),
            13 => Tag::RandomReserves(u32::from_be_bytes(exact(value)?)),
            14 => Tag::Route(Text(exact(value)?)),
            15 => Tag::ExpireTime(u32::from_be_bytes(exact(value)?)),
            16 => Tag::TradeNow(letter(value)?),
            17 => Tag::HandleInst(letter(value)?),
            18 => Tag::BboWeight(letter(value)?),
            22 => Tag::DisplayQuantity(u32::from_be_bytes(exact(value)?)),
            23 => Tag::DisplayPrice(u64::from_be_bytes(exact(value)?)),
            24 => Tag::GroupId(u16::from_be_bytes(exact(value)?)),
            25 => Tag::SharesLocated(letter(value)?),
            26 => Tag::LocateBroker(Text(exact(value)?)),
            27 => Tag::Side(letter(value)?),
            28 => Tag::UserRefIdx(letter(value)?),
            128 => Tag::ExpireAt(u64::from_be_bytes(exact(value)?)),
            129 => Tag::TriggerPrice(u64::from_be_bytes(exact(value)?)),
            130 => Tag::Execution(letter(value)?),
            _ => return Err(TagProblem::Unknown),
        })
    }

    /// The value's bytes, at the start of the array, and how many they are.
    pub(super) fn value(self) -> ([u8; VALUE_MAX], usize) {
        match self {
            Tag::SecondaryOrderRef(v) | Tag::DiscretionPrice(v) | Tag::DisplayPrice(v) => {
                sized(v.to_be_bytes())
            }
            Tag::ExpireAt(v) | Tag::TriggerPrice(v) => sized(v.to_be_bytes()),
            Tag::MinQuantity(v) | Tag::MaxFloor(v) | Tag::RandomReserves(v) => sized(v.to_be_bytes()),
            Tag::ExpireTime(v) | Tag::DisplayQuantity(v) => sized(v.to_be_bytes()),
            Tag::PegOffset(v) | Tag::DiscretionPegOffset(v) => sized(v.to_be_bytes()),
            Tag::Firm(v) | Tag::Route(v) | Tag::LocateBroker(v) => sized(v.0),
            Tag::GroupId(v) => sized(v.to_be_bytes()),
            Tag::CustomerType(v) | Tag::PriceType(v) | Tag::DiscretionPriceType(v) => sized([v]),
            Tag::PostOnly(v) | Tag::TradeNow(v) | Tag::HandleInst(v) | Tag::BboWeight(v) => sized([v]),
            Tag::SharesLocated(v) | Tag::Side(v) | Tag::UserRefIdx(v) | Tag::Execution(v) => sized([v]),
        }
    }
}

/// Longest value of a tag, in bytes.
pub(super) const VALUE_MAX: usize = 8;

fn exact<const N: usize>(value: &[u8]) -> Result<[u8; N], TagProblem> {
    value.try_into().map_err(|_| TagProblem::Misshapen)
}

fn letter(value: &[u8]) -> Result<u8, TagProblem> {
    exact::<1>(value).map(|[letter]| letter)
}

fn sized<const N: usize>(value: [u8; N]) -> ([u8; VALUE_MAX], usize) {
    const { assert!(N <= VALUE_MAX, "every value fits the array") };
    let mut wide = [0; VALUE_MAX];
    wide[..N].copy_from_slice(&value);
    (wide, N)
}

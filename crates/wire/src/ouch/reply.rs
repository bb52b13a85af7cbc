//! What the host says (OUCH 5.0, "Outbound Messages").
//!
//! Field offsets are those of the specification, from the type letter; the timestamp is always at 1. Letters
//! are raw bytes, unchecked.

mod life;
mod notice;
mod terms;

use alloc::vec::Vec;

use ringside_domain::ids::UserRefNum;

use super::malformed::Malformed;
use super::tags::Tags;

pub use life::{AiqCanceled, BrokenTrade, Canceled, Executed, Modified, PriorityUpdate, Restated};
pub use notice::{
    AccountQueryResponse, CancelNotice, EntrySwitchResponse, MassCancelResponse, Rejected, SystemEvent,
};
pub use terms::{Accepted, Replaced};

/// One outbound message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply<'a> {
    /// `S`: start or end of the day.
    SystemEvent(SystemEvent),
    /// `A`: a new order in force.
    Accepted(Accepted<'a>),
    /// `U`: an order in place of another.
    Replaced(Replaced<'a>),
    /// `C`: shares taken off an order.
    Canceled(Canceled<'a>),
    /// `D`: shares taken off an order that would have traded with its own firm.
    AiqCanceled(AiqCanceled<'a>),
    /// `E`: one match of an order.
    Executed(Executed<'a>),
    /// `B`: a match that no longer counts.
    BrokenTrade(BrokenTrade<'a>),
    /// `J`: a new order or replacement refused.
    Rejected(Rejected<'a>),
    /// `P`: the cancel waits for the cross.
    CancelPending(CancelNotice<'a>),
    /// `I`: the cancel is refused.
    CancelReject(CancelNotice<'a>),
    /// `T`: an order lost its place.
    PriorityUpdate(PriorityUpdate<'a>),
    /// `M`: an order modified as asked.
    Modified(Modified<'a>),
    /// `R`: the displayed part of an order changed.
    Restated(Restated<'a>),
    /// `X`: a mass cancel begins.
    MassCancelResponse(MassCancelResponse<'a>),
    /// `G`: new orders are refused from now on.
    DisableResponse(EntrySwitchResponse<'a>),
    /// `K`: new orders are accepted again.
    EnableResponse(EntrySwitchResponse<'a>),
    /// `Q`: the next usable UserRefNum.
    AccountQueryResponse(AccountQueryResponse<'a>),
}

/// What all replies share.
struct Common<'a> {
    timestamp: u64,
    user_ref_num: Option<UserRefNum>,
    tags: Tags<'a>,
}

/// Reads one outbound message, which takes up all of `bytes`. The tags are not judged.
pub fn decode_reply(bytes: &[u8]) -> Result<Reply<'_>, Malformed> {
    let kind = *bytes.first().ok_or(Malformed::Empty)?;
    match kind {
        b'S' => SystemEvent::decode(bytes).map(Reply::SystemEvent),
        b'A' => Accepted::decode(bytes).map(Reply::Accepted),
        b'U' => Replaced::decode(bytes).map(Reply::Replaced),
        b'C' => Canceled::decode(bytes).map(Reply::Canceled),
        b'D' => AiqCanceled::decode(bytes).map(Reply::AiqCanceled),
        b'E' => Executed::decode(bytes).map(Reply::Executed),
        b'B' => BrokenTrade::decode(bytes).map(Reply::BrokenTrade),
        b'J' => Rejected::decode(bytes).map(Reply::Rejected),
        b'P' => CancelNotice::decode(bytes).map(Reply::CancelPending),
        b'I' => CancelNotice::decode(bytes).map(Reply::CancelReject),
        b'T' => PriorityUpdate::decode(bytes).map(Reply::PriorityUpdate),
        b'M' => Modified::decode(bytes).map(Reply::Modified),
        b'R' => Restated::decode(bytes).map(Reply::Restated),
        b'X' => MassCancelResponse::decode(bytes).map(Reply::MassCancelResponse),
        b'G' => EntrySwitchResponse::decode(bytes).map(Reply::DisableResponse),
        b'K' => EntrySwitchResponse::decode(bytes).map(Reply::EnableResponse),
        b'Q' => AccountQueryResponse::decode(bytes).map(Reply::AccountQueryResponse),
        _ => Err(Malformed::UnknownType(kind)),
    }
}

impl<'a> Reply<'a> {
    /// The type letter.
    pub const fn kind(&self) -> u8 {
        match self {
            Reply::SystemEvent(_) => b'S',
            Reply::Accepted(_) => b'A',
            Reply::Replaced(_) => b'U',
            Reply::Canceled(_) => b'C',
            Reply::AiqCanceled(_) => b'D',
            Reply::Executed(_) => b'E',
            Reply::BrokenTrade(_) => b'B',
            Reply::Rejected(_) => b'J',
            Reply::CancelPending(_) => b'P',
            Reply::CancelReject(_) => b'I',
            Reply::PriorityUpdate(_) => b'T',
            Reply::Modified(_) => b'M',
            Reply::Restated(_) => b'R',
            Reply::MassCancelResponse(_) => b'X',
            Reply::DisableResponse(_) => b'G',
            Reply::EnableResponse(_) => b'K',
            Reply::AccountQueryResponse(_) => b'Q',
        }
    }

    /// Nanoseconds since midnight.
    pub const fn timestamp(&self) -> u64 {
        self.common().timestamp
    }

    /// The order or request that the message is about; for `U` the order in force. `S` and `Q` name none.
    pub const fn user_ref_num(&self) -> Option<UserRefNum> {
        self.common().user_ref_num
    }

    /// The appendage; empty when absent.
    pub const fn tags(&self) -> Tags<'a> {
        self.common().tags
    }

    /// Channel of UserRefNums: tag 28, or 0.
    pub fn user_ref_idx(&self) -> u8 {
        self.tags().user_ref_idx()
    }

    const fn common(&self) -> Common<'a> {
        match self {
            Reply::SystemEvent(m) => Common { timestamp: m.timestamp, user_ref_num: None, tags: Tags::EMPTY },
            Reply::Accepted(m) => Common::of(m.timestamp, m.user_ref_num, m.tags),
            Reply::Replaced(m) => Common::of(m.timestamp, m.user_ref_num, m.tags),
            Reply::Canceled(m) => Common::of(m.timestamp, m.user_ref_num, m.tags),
            Reply::AiqCanceled(m) => Common::of(m.timestamp, m.user_ref_num, m.tags),
            Reply::Executed(m) => Common::of(m.timestamp, m.user_ref_num, m.tags),
            Reply::BrokenTrade(m) => Common::of(m.timestamp, m.user_ref_num, m.tags),
            Reply::Rejected(m) => Common::of(m.timestamp, m.user_ref_num, m.tags),
            Reply::CancelPending(m) | Reply::CancelReject(m) => {
                Common::of(m.timestamp, m.user_ref_num, m.tags)
            }
            Reply::PriorityUpdate(m) => Common::of(m.timestamp, m.user_ref_num, m.tags),
            Reply::Modified(m) => Common::of(m.timestamp, m.user_ref_num, m.tags),
            Reply::Restated(m) => Common::of(m.timestamp, m.user_ref_num, m.tags),
            Reply::MassCancelResponse(m) => Common::of(m.timestamp, m.user_ref_num, m.tags),
            Reply::DisableResponse(m) | Reply::EnableResponse(m) => {
                Common::of(m.timestamp, m.user_ref_num, m.tags)
            }
            Reply::AccountQueryResponse(m) => {
                Common { timestamp: m.timestamp, user_ref_num: None, tags: m.tags }
            }
        }
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Reply::SystemEvent(m) => m.encode(out),
            Reply::Accepted(m) => m.encode(out),
            Reply::Replaced(m) => m.encode(out),
            Reply::Canceled(m) => m.encode(out),
            Reply::AiqCanceled(m) => m.encode(out),
            Reply::Executed(m) => m.encode(out),
            Reply::BrokenTrade(m) => m.encode(out),
            Reply::Rejected(m) => m.encode(out),
            Reply::CancelPending(m) | Reply::CancelReject(m) => m.encode(self.kind(), out),
            Reply::PriorityUpdate(m) => m.encode(out),
            Reply::Modified(m) => m.encode(out),
            Reply::Restated(m) => m.encode(out),
            Reply::MassCancelResponse(m) => m.encode(out),
            Reply::DisableResponse(m) | Reply::EnableResponse(m) => m.encode(self.kind(), out),
            Reply::AccountQueryResponse(m) => m.encode(out),
        }
    }
}

impl<'a> Common<'a> {
    const fn of(timestamp: u64, user_ref_num: UserRefNum, tags: Tags<'a>) -> Self {
        Common { timestamp, user_ref_num: Some(user_ref_num), tags }
    }
}

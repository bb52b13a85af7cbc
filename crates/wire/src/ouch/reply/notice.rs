//! Replies that answer a request, or tell of the day.

use alloc::vec::Vec;

use ringside_domain::ids::UserRefNum;
use ringside_domain::text::{ClientOrderId, Firm, Symbol};

use crate::ouch::layout::{
    mandatory, optional, put, put_mandatory, put_optional, text_at, u16_at, u32_at, u64_at, whole,
};
use crate::ouch::malformed::Malformed;
use crate::ouch::tags::Tags;

/// System Event `S`: 10 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SystemEvent {
    /// Nanoseconds since midnight.
    pub timestamp: u64,
    /// `S` start of day, `E` end of day.
    pub code: u8,
}

/// Rejected `J`: 29 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rejected<'a> {
    /// Nanoseconds since midnight.
    pub timestamp: u64,
    /// Consumed by the rejection.
    pub user_ref_num: UserRefNum,
    /// Code, see `ringside_domain::RejectReason`.
    pub reason: u16,
    /// The client's label.
    pub client_order_id: ClientOrderId,
    /// Appendage, optional.
    pub tags: Tags<'a>,
}

/// Cancel Pending `P` or Cancel Reject `I`: 13 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CancelNotice<'a> {
    /// Nanoseconds since midnight.
    pub timestamp: u64,
    /// The order.
    pub user_ref_num: UserRefNum,
    /// Appendage, optional.
    pub tags: Tags<'a>,
}

/// Mass Cancel Response `X`: 27 bytes and its tags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MassCancelResponse<'a> {
    /// Nanoseconds since midnight.
    pub timestamp: u64,
    /// The request.
    pub user_ref_num: UserRefNum,
    /// Filter as sent.
    pub firm: Firm,
    /// Filter as sent.
    pub symbol: Symbol,
    /// Appendage, mandatory.
    pub tags: Tags<'a>,
}

/// Disable `G` or Enable `K` Order Entry Response: 19 bytes and its tags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EntrySwitchResponse<'a> {
    /// Nanoseconds since midnight.
    pub timestamp: u64,
    /// The request.
    pub user_ref_num: UserRefNum,
    /// Firm as sent.
    pub firm: Firm,
    /// Appendage, mandatory.
    pub tags: Tags<'a>,
}

/// Account Query Response `Q`: 13 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountQueryResponse<'a> {
    /// Nanoseconds since midnight.
    pub timestamp: u64,
    /// Next usable UserRefNum of the channel.
    pub next_user_ref_num: UserRefNum,
    /// Appendage, optional.
    pub tags: Tags<'a>,
}

impl SystemEvent {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let fixed = whole::<10>(bytes)?;
        Ok(SystemEvent { timestamp: u64_at(fixed, 1), code: fixed[9] })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'S'; 10];
        put(&mut fixed, 1, self.timestamp.to_be_bytes());
        fixed[9] = self.code;
        out.extend_from_slice(&fixed);
    }
}

impl<'a> Rejected<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = optional::<29>(bytes)?;
        Ok(Rejected {
            timestamp: u64_at(fixed, 1),
            user_ref_num: u32_at(fixed, 9),
            reason: u16_at(fixed, 13),
            client_order_id: text_at(fixed, 15),
            tags,
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'J'; 29];
        put(&mut fixed, 1, self.timestamp.to_be_bytes());
        put(&mut fixed, 9, self.user_ref_num.to_be_bytes());
        put(&mut fixed, 13, self.reason.to_be_bytes());
        put(&mut fixed, 15, self.client_order_id.0);
        put_optional(&fixed, self.tags, out);
    }
}

impl<'a> CancelNotice<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = optional::<13>(bytes)?;
        Ok(CancelNotice { timestamp: u64_at(fixed, 1), user_ref_num: u32_at(fixed, 9), tags })
    }

    pub(super) fn encode(&self, kind: u8, out: &mut Vec<u8>) {
        let mut fixed = [kind; 13];
        put(&mut fixed, 1, self.timestamp.to_be_bytes());
        put(&mut fixed, 9, self.user_ref_num.to_be_bytes());
        put_optional(&fixed, self.tags, out);
    }
}

impl<'a> MassCancelResponse<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = mandatory::<27>(bytes)?;
        Ok(MassCancelResponse {
            timestamp: u64_at(fixed, 1),
            user_ref_num: u32_at(fixed, 9),
            firm: text_at(fixed, 13),
            symbol: text_at(fixed, 17),
            tags,
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'X'; 27];
        put(&mut fixed, 1, self.timestamp.to_be_bytes());
        put(&mut fixed, 9, self.user_ref_num.to_be_bytes());
        put(&mut fixed, 13, self.firm.0);
        put(&mut fixed, 17, self.symbol.0);
        put_mandatory(fixed, self.tags, out);
    }
}

impl<'a> EntrySwitchResponse<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = mandatory::<19>(bytes)?;
        Ok(EntrySwitchResponse {
            timestamp: u64_at(fixed, 1),
            user_ref_num: u32_at(fixed, 9),
            firm: text_at(fixed, 13),
            tags,
        })
    }

    pub(super) fn encode(&self, kind: u8, out: &mut Vec<u8>) {
        let mut fixed = [kind; 19];
        put(&mut fixed, 1, self.timestamp.to_be_bytes());
        put(&mut fixed, 9, self.user_ref_num.to_be_bytes());
        put(&mut fixed, 13, self.firm.0);
        put_mandatory(fixed, self.tags, out);
    }
}

impl<'a> AccountQueryResponse<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = optional::<13>(bytes)?;
        Ok(AccountQueryResponse { timestamp: u64_at(fixed, 1), next_user_ref_num: u32_at(fixed, 9), tags })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'Q'; 13];
        put(&mut fixed, 1, self.timestamp.to_be_bytes());
        put(&mut fixed, 9, self.next_user_ref_num.to_be_bytes());
        put_optional(&fixed, self.tags, out);
    }
}

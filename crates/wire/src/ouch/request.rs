//! What a client asks (OUCH 5.0, "Inbound Messages").
//!
//! Field offsets are those of the specification, from the type letter. Letters are raw bytes, unchecked.

use alloc::vec::Vec;

use ringside_domain::ids::UserRefNum;
use ringside_domain::text::{ClientOrderId, Firm, Symbol};

use super::layout::{mandatory, optional, put, put_mandatory, put_optional, text_at, u32_at, u64_at};
use super::malformed::Malformed;
use super::tags::Tags;

/// One inbound message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request<'a> {
    /// `O`: a new order.
    Enter(Enter<'a>),
    /// `U`: an order in place of a live one.
    Replace(Replace<'a>),
    /// `X`: reduce an order, or cancel it whole.
    Cancel(Cancel<'a>),
    /// `M`: change the sell letter or reduce, keeping priority.
    Modify(Modify<'a>),
    /// `C`: cancel many orders.
    MassCancel(MassCancel<'a>),
    /// `D`: refuse new orders until enabled.
    Disable(EntrySwitch<'a>),
    /// `E`: accept new orders again.
    Enable(EntrySwitch<'a>),
    /// `Q`: ask for the next usable UserRefNum.
    AccountQuery(AccountQuery<'a>),
}

/// Enter Order `O`: 47 bytes and its tags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Enter<'a> {
    /// Strictly increasing per channel, from 1.
    pub user_ref_num: UserRefNum,
    /// `B S T E`.
    pub side: u8,
    /// Shares, 1 to 999,999.
    pub quantity: u32,
    /// Instrument.
    pub symbol: Symbol,
    /// Wire price; from 2,000,000,000 on: market.
    pub price: u64,
    /// `0 3 5 6 E`.
    pub time_in_force: u8,
    /// `Y N A`.
    pub display: u8,
    /// `A P R O`.
    pub capacity: u8,
    /// `Y N`.
    pub intermarket_sweep: u8,
    /// `N O C H S R E A`.
    pub cross_type: u8,
    /// The client's label.
    pub client_order_id: ClientOrderId,
    /// Appendage, mandatory.
    pub tags: Tags<'a>,
}

/// Replace Order `U`: 40 bytes and its tags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Replace<'a> {
    /// UserRefNum of the live order.
    pub original: UserRefNum,
    /// UserRefNum of the replacement.
    pub user_ref_num: UserRefNum,
    /// Total shares of the chain, executed and prevented ones included.
    pub quantity: u32,
    /// Wire price; from 2,000,000,000 on: market.
    pub price: u64,
    /// `0 3 5 6`.
    pub time_in_force: u8,
    /// `Y N A`.
    pub display: u8,
    /// `Y N`.
    pub intermarket_sweep: u8,
    /// The client's label.
    pub client_order_id: ClientOrderId,
    /// Appendage, mandatory.
    pub tags: Tags<'a>,
}

/// Cancel Order `X`: 9 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cancel<'a> {
    /// The order.
    pub user_ref_num: UserRefNum,
    /// Intended total shares, executed ones included; 0 cancels all.
    pub quantity: u32,
    /// Appendage, optional.
    pub tags: Tags<'a>,
}

/// Modify Order `M`: 10 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Modify<'a> {
    /// The order.
    pub user_ref_num: UserRefNum,
    /// `S T E`.
    pub side: u8,
    /// Intended total shares.
    pub quantity: u32,
    /// Appendage, optional.
    pub tags: Tags<'a>,
}

/// Mass Cancel `C`: 19 bytes and its tags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MassCancel<'a> {
    /// Consumed by the request.
    pub user_ref_num: UserRefNum,
    /// Firm of the orders; blank = the login's own.
    pub firm: Firm,
    /// Symbol of the orders; blank = all.
    pub symbol: Symbol,
    /// Appendage, mandatory.
    pub tags: Tags<'a>,
}

/// Disable `D` or Enable `E` Order Entry: 11 bytes and its tags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EntrySwitch<'a> {
    /// Consumed by the request.
    pub user_ref_num: UserRefNum,
    /// Firm, echoed.
    pub firm: Firm,
    /// Appendage, mandatory.
    pub tags: Tags<'a>,
}

/// Account Query `Q`: 1 byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountQuery<'a> {
    /// Appendage, optional.
    pub tags: Tags<'a>,
}

/// Reads one inbound message, which takes up all of `bytes`. The tags are not judged.
pub fn decode_request(bytes: &[u8]) -> Result<Request<'_>, Malformed> {
    let kind = *bytes.first().ok_or(Malformed::Empty)?;
    match kind {
        b'O' => Enter::decode(bytes).map(Request::Enter),
        b'U' => Replace::decode(bytes).map(Request::Replace),
        b'X' => Cancel::decode(bytes).map(Request::Cancel),
        b'M' => Modify::decode(bytes).map(Request::Modify),
        b'C' => MassCancel::decode(bytes).map(Request::MassCancel),
        b'D' => EntrySwitch::decode(bytes).map(Request::Disable),
        b'E' => EntrySwitch::decode(bytes).map(Request::Enable),
        b'Q' => AccountQuery::decode(bytes).map(Request::AccountQuery),
        _ => Err(Malformed::UnknownType(kind)),
    }
}

impl<'a> Request<'a> {
    /// The type letter.
    pub const fn kind(&self) -> u8 {
        match self {
            Request::Enter(_) => b'O',
            Request::Replace(_) => b'U',
            Request::Cancel(_) => b'X',
            Request::Modify(_) => b'M',
            Request::MassCancel(_) => b'C',
            Request::Disable(_) => b'D',
            Request::Enable(_) => b'E',
            Request::AccountQuery(_) => b'Q',
        }
    }

    /// The appendage; empty when absent.
    pub const fn tags(&self) -> Tags<'a> {
        match self {
            Request::Enter(m) => m.tags,
            Request::Replace(m) => m.tags,
            Request::Cancel(m) => m.tags,
            Request::Modify(m) => m.tags,
            Request::MassCancel(m) => m.tags,
            Request::Disable(m) | Request::Enable(m) => m.tags,
            Request::AccountQuery(m) => m.tags,
        }
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Request::Enter(m) => m.encode(out),
            Request::Replace(m) => m.encode(out),
            Request::Cancel(m) => m.encode(out),
            Request::Modify(m) => m.encode(out),
            Request::MassCancel(m) => m.encode(out),
            Request::Disable(m) | Request::Enable(m) => m.encode(self.kind(), out),
            Request::AccountQuery(m) => put_optional(b"Q", m.tags, out),
        }
    }
}

impl<'a> Enter<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = mandatory::<47>(bytes)?;
        Ok(Enter {
            user_ref_num: u32_at(fixed, 1),
            side: fixed[5],
            quantity: u32_at(fixed, 6),
            symbol: text_at(fixed, 10),
            price: u64_at(fixed, 18),
            time_in_force: fixed[26],
            display: fixed[27],
            capacity: fixed[28],
            intermarket_sweep: fixed[29],
            cross_type: fixed[30],
            client_order_id: text_at(fixed, 31),
            tags,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'O'; 47];
        put(&mut fixed, 1, self.user_ref_num.to_be_bytes());
        fixed[5] = self.side;
        put(&mut fixed, 6, self.quantity.to_be_bytes());
        put(&mut fixed, 10, self.symbol.0);
        put(&mut fixed, 18, self.price.to_be_bytes());
        fixed[26] = self.time_in_force;
        fixed[27] = self.display;
        fixed[28] = self.capacity;
        fixed[29] = self.intermarket_sweep;
        fixed[30] = self.cross_type;
        put(&mut fixed, 31, self.client_order_id.0);
        put_mandatory(fixed, self.tags, out);
    }
}

impl<'a> Replace<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = mandatory::<40>(bytes)?;
        Ok(Replace {
            original: u32_at(fixed, 1),
            user_ref_num: u32_at(fixed, 5),
            quantity: u32_at(fixed, 9),
            price: u64_at(fixed, 13),
            time_in_force: fixed[21],
            display: fixed[22],
            intermarket_sweep: fixed[23],
            client_order_id: text_at(fixed, 24),
            tags,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'U'; 40];
        put(&mut fixed, 1, self.original.to_be_bytes());
        put(&mut fixed, 5, self.user_ref_num.to_be_bytes());
        put(&mut fixed, 9, self.quantity.to_be_bytes());
        put(&mut fixed, 13, self.price.to_be_bytes());
        fixed[21] = self.time_in_force;
        fixed[22] = self.display;
        fixed[23] = self.intermarket_sweep;
        put(&mut fixed, 24, self.client_order_id.0);
        put_mandatory(fixed, self.tags, out);
    }
}

impl<'a> Cancel<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = optional::<9>(bytes)?;
        Ok(Cancel { user_ref_num: u32_at(fixed, 1), quantity: u32_at(fixed, 5), tags })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'X'; 9];
        put(&mut fixed, 1, self.user_ref_num.to_be_bytes());
        put(&mut fixed, 5, self.quantity.to_be_bytes());
        put_optional(&fixed, self.tags, out);
    }
}

impl<'a> Modify<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = optional::<10>(bytes)?;
        Ok(Modify { user_ref_num: u32_at(fixed, 1), side: fixed[5], quantity: u32_at(fixed, 6), tags })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'M'; 10];
        put(&mut fixed, 1, self.user_ref_num.to_be_bytes());
        fixed[5] = self.side;
        put(&mut fixed, 6, self.quantity.to_be_bytes());
        put_optional(&fixed, self.tags, out);
    }
}

impl<'a> MassCancel<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = mandatory::<19>(bytes)?;
        let user_ref_num = u32_at(fixed, 1);
        Ok(MassCancel { user_ref_num, firm: text_at(fixed, 5), symbol: text_at(fixed, 9), tags })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'C'; 19];
        put(&mut fixed, 1, self.user_ref_num.to_be_bytes());
        put(&mut fixed, 5, self.firm.0);
        put(&mut fixed, 9, self.symbol.0);
        put_mandatory(fixed, self.tags, out);
    }
}

impl<'a> EntrySwitch<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = mandatory::<11>(bytes)?;
        Ok(EntrySwitch { user_ref_num: u32_at(fixed, 1), firm: text_at(fixed, 5), tags })
    }

    fn encode(&self, kind: u8, out: &mut Vec<u8>) {
        let mut fixed = [kind; 11];
        put(&mut fixed, 1, self.user_ref_num.to_be_bytes());
        put(&mut fixed, 5, self.firm.0);
        put_mandatory(fixed, self.tags, out);
    }
}

impl<'a> AccountQuery<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (_, tags) = optional::<1>(bytes)?;
        Ok(AccountQuery { tags })
    }
}

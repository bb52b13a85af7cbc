//! Replies that state the terms of an order in force.

use alloc::vec::Vec;

use ringside_domain::ids::{OrderRef, UserRefNum};
use ringside_domain::text::{ClientOrderId, Symbol};

use crate::ouch::layout::{mandatory, put, put_mandatory, text_at, u32_at, u64_at};
use crate::ouch::malformed::Malformed;
use crate::ouch::tags::Tags;

/// Accepted `A`: 64 bytes and its tags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepted<'a> {
    /// Nanoseconds since midnight.
    pub timestamp: u64,
    /// The order.
    pub user_ref_num: UserRefNum,
    /// `B S T E`.
    pub side: u8,
    /// Shares.
    pub quantity: u32,
    /// Instrument.
    pub symbol: Symbol,
    /// Wire price.
    pub price: u64,
    /// `0 3 5 6 E`.
    pub time_in_force: u8,
    /// `Y N A Z`.
    pub display: u8,
    /// Venue-unique number of the order.
    pub order_ref: OrderRef,
    /// `A P R O`.
    pub capacity: u8,
    /// `Y N`.
    pub intermarket_sweep: u8,
    /// `N O C H S R E A`.
    pub cross_type: u8,
    /// `L` live, `D` dead on arrival.
    pub state: u8,
    /// The client's label.
    pub client_order_id: ClientOrderId,
    /// Appendage, mandatory.
    pub tags: Tags<'a>,
}

/// Replaced `U`: 68 bytes and its tags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Replaced<'a> {
    /// Nanoseconds since midnight.
    pub timestamp: u64,
    /// The order that is gone.
    pub original: UserRefNum,
    /// The order in force.
    pub user_ref_num: UserRefNum,
    /// `B S T E`.
    pub side: u8,
    /// Shares open, not the total of the chain.
    pub quantity: u32,
    /// Instrument.
    pub symbol: Symbol,
    /// Wire price.
    pub price: u64,
    /// `0 3 5 6 E`.
    pub time_in_force: u8,
    /// `Y N A Z`.
    pub display: u8,
    /// Venue-unique number of the order.
    pub order_ref: OrderRef,
    /// `A P R O`.
    pub capacity: u8,
    /// `Y N`.
    pub intermarket_sweep: u8,
    /// `N O C H S R E A`.
    pub cross_type: u8,
    /// `L` live, `D` dead on arrival.
    pub state: u8,
    /// The client's label.
    pub client_order_id: ClientOrderId,
    /// Appendage, mandatory.
    pub tags: Tags<'a>,
}

impl<'a> Accepted<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = mandatory::<64>(bytes)?;
        Ok(Accepted {
            timestamp: u64_at(fixed, 1),
            user_ref_num: u32_at(fixed, 9),
            side: fixed[13],
            quantity: u32_at(fixed, 14),
            symbol: text_at(fixed, 18),
            price: u64_at(fixed, 26),
            time_in_force: fixed[34],
            display: fixed[35],
            order_ref: u64_at(fixed, 36),
            capacity: fixed[44],
            intermarket_sweep: fixed[45],
            cross_type: fixed[46],
            state: fixed[47],
            client_order_id: text_at(fixed, 48),
            tags,
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'A'; 64];
        put(&mut fixed, 1, self.timestamp.to_be_bytes());
        put(&mut fixed, 9, self.user_ref_num.to_be_bytes());
        fixed[13] = self.side;
        put(&mut fixed, 14, self.quantity.to_be_bytes());
        put(&mut fixed, 18, self.symbol.0);
        put(&mut fixed, 26, self.price.to_be_bytes());
        fixed[34] = self.time_in_force;
        fixed[35] = self.display;
        put(&mut fixed, 36, self.order_ref.to_be_bytes());
        fixed[44] = self.capacity;
        fixed[45] = self.intermarket_sweep;
        fixed[46] = self.cross_type;
        fixed[47] = self.state;
        put(&mut fixed, 48, self.client_order_id.0);
        put_mandatory(fixed, self.tags, out);
    }
}

impl<'a> Replaced<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, tags) = mandatory::<68>(bytes)?;
        Ok(Replaced {
            timestamp: u64_at(fixed, 1),
            original: u32_at(fixed, 9),
            user_ref_num: u32_at(fixed, 13),
            side: fixed[17],
            quantity: u32_at(fixed, 18),
            symbol: text_at(fixed, 22),
            price: u64_at(fixed, 30),
            time_in_force: fixed[38],
            display: fixed[39],
            order_ref: u64_at(fixed, 40),
            capacity: fixed[48],
            intermarket_sweep: fixed[49],
            cross_type: fixed[50],
            state: fixed[51],
            client_order_id: text_at(fixed, 52),
            tags,
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = [b'U'; 68];
        put(&mut fixed, 1, self.timestamp.to_be_bytes());
        put(&mut fixed, 9, self.original.to_be_bytes());
        put(&mut fixed, 13, self.user_ref_num.to_be_bytes());
        fixed[17] = self.side;
        put(&mut fixed, 18, self.quantity.to_be_bytes());
        put(&mut fixed, 22, self.symbol.0);
        put(&mut fixed, 30, self.price.to_be_bytes());
        fixed[38] = self.time_in_force;
        fixed[39] = self.display;
        put(&mut fixed, 40, self.order_ref.to_be_bytes());
        fixed[48] = self.capacity;
        fixed[49] = self.intermarket_sweep;
        fixed[50] = self.cross_type;
        fixed[51] = self.state;
        put(&mut fixed, 52, self.client_order_id.0);
        put_mandatory(fixed, self.tags, out);
    }
}

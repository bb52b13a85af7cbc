//! Live orders.

use ringside_book::{Letters, Order};
use ringside_domain::{InstrumentId, LoginId, Side, Text};
use ringside_engine::image::{Extra, Special, SpecialImage};
use rkyv::rend::{i32_le, u32_le, u64_le};

use super::{flag, is_zero};

stored! {
    /// A live order.
    OrderV1: 56 {
        order_ref: u64_le = 0, tick: u32_le = 8, open: u32_le = 12, executed: u32_le = 16, prevented: u32_le = 20,
        login: u32_le = 24, user_ref_num: u32_le = 28, instrument: u32_le = 32, special: u32_le = 36,
        firm: [u8; 4] = 40, group_id: [u8; 2] = 44, side: u8 = 46, user_ref_idx: u8 = 47, letters: [u8; 8] = 48,
    }
    /// What only special orders have.
    SpecialV1: 80 {
        expire_at: u64_le = 0, limit: u64_le = 8, public_ref: u64_le = 16, told_price: u64_le = 24,
        ends_at: u64_le = 32, min_quantity: u32_le = 40, max_floor: u32_le = 44, random_reserves: u32_le = 48,
        discretion_price: u32_le = 52, expire_seconds: u32_le = 56, trigger_price: u32_le = 60,
        peg_offset: i32_le = 64, reserve: u32_le = 68, execution: u8 = 72, is_peg: u8 = 73, parked: u8 = 74,
        found_by: u8 = 75, reserved: [u8; 4] = 76,
    }
}

impl OrderV1 {
    /// `special`: from 1, the number of its record among the specials; 0 = it has none.
    #[inline]
    pub(crate) fn of(order: &Order, special: u32) -> OrderV1 {
        let letters = &order.letters;
        OrderV1 {
            order_ref: order.order_ref.into(),
            tick: order.tick.into(),
            open: order.open.into(),
            executed: order.executed.into(),
            prevented: order.prevented.into(),
            login: order.login.0.into(),
            user_ref_num: order.user_ref_num.into(),
            instrument: order.instrument.0.into(),
            special: special.into(),
            firm: order.firm.0,
            group_id: order.group_id.to_le_bytes(),
            side: order.side.letter(),
            user_ref_idx: order.user_ref_idx,
            letters: [
                letters.time_in_force,
                letters.display,
                letters.capacity,
                letters.intermarket_sweep,
                letters.cross_type,
                letters.customer_type,
                letters.post_only,
                letters.price_type,
            ],
        }
    }

    /// The order, and the number of its special record.
    #[inline(always)]
    pub(crate) fn order(&self) -> Option<(Order, u32)> {
        let [
            time_in_force,
            display,
            capacity,
            intermarket_sweep,
            cross_type,
            customer_type,
            post_only,
            price_type,
        ] = self.letters;
        let letters = Letters {
            time_in_force,
            display,
            capacity,
            intermarket_sweep,
            cross_type,
            customer_type,
            post_only,
            price_type,
        };
        let mut order = Order::unplaced(
            self.order_ref.to_native(),
            InstrumentId(self.instrument.to_native()),
            LoginId(self.login.to_native()),
            self.user_ref_num.to_native(),
            self.user_ref_idx,
            Side::from_letter(self.side)?,
            self.open.to_native(),
            Text(self.firm),
            u16::from_le_bytes(self.group_id),
            letters,
        );
        order.tick = self.tick.to_native();
        (order.executed, order.prevented) = (self.executed.to_native(), self.prevented.to_native());
        Some((order, self.special.to_native()))
    }
}

impl SpecialV1 {
    pub(crate) fn of(image: &SpecialImage) -> SpecialV1 {
        let special = &image.special;
        let extra = &special.extra;
        SpecialV1 {
            expire_at: extra.expire_at.into(),
            limit: special.limit.into(),
            public_ref: special.public_ref.into(),
            told_price: special.told_price.into(),
            ends_at: special.ends_at.into(),
            min_quantity: extra.min_quantity.into(),
            max_floor: extra.max_floor.into(),
            random_reserves: extra.random_reserves.into(),
            discretion_price: extra.discretion_price.into(),
            expire_seconds: extra.expire_seconds.into(),
            trigger_price: extra.trigger_price.into(),
            peg_offset: extra.peg_offset.into(),
            reserve: special.reserve.into(),
            execution: extra.execution,
            is_peg: extra.is_peg.into(),
            parked: special.parked.into(),
            found_by: image.found_by,
            reserved: [0; 4],
        }
    }

    pub(crate) fn image(&self) -> Option<SpecialImage> {
        is_zero(&self.reserved).then_some(())?;
        let extra = Extra {
            expire_at: self.expire_at.to_native(),
            min_quantity: self.min_quantity.to_native(),
            max_floor: self.max_floor.to_native(),
            random_reserves: self.random_reserves.to_native(),
            discretion_price: self.discretion_price.to_native(),
            expire_seconds: self.expire_seconds.to_native(),
            trigger_price: self.trigger_price.to_native(),
            peg_offset: self.peg_offset.to_native(),
            execution: self.execution,
            is_peg: flag(self.is_peg)?,
        };
        let special = Special {
            extra,
            limit: self.limit.to_native(),
            reserve: self.reserve.to_native(),
            parked: flag(self.parked)?,
            public_ref: self.public_ref.to_native(),
            told_price: self.told_price.to_native(),
            ends_at: self.ends_at.to_native(),
        };
        Some(SpecialImage { special, found_by: self.found_by })
    }
}

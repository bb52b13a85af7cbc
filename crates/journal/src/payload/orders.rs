//! New orders and replacements.
//!
//! Version 2 is version 1 with the options behind it that version 1 cannot say. It is written only when one of them
//! is used: a plain order stays as short, and as fast to write, as it always was.

use ringside_domain::{Action, Command, Enter, NO_EXPIRE_AT, OrderOptions, Replace, Text};
use rkyv::rend::{i32_le, u16_le, u32_le, u64_le};

use super::{is_zero, sent};

stored! {
    /// Kind 1, an order that uses none of [`OrderOptionsV2`].
    EnterV1: 72 {
        price: u64_le = 0, login: u32_le = 8, user_ref_num: u32_le = 12, quantity: u32_le = 16,
        min_quantity: u32_le = 20, symbol: [u8; 8] = 24, client_order_id: [u8; 14] = 32, group_id: u16_le = 46,
        firm: [u8; 4] = 48, locate_broker: [u8; 4] = 52, side: u8 = 56, time_in_force: u8 = 57, display: u8 = 58,
        capacity: u8 = 59, intermarket_sweep: u8 = 60, cross_type: u8 = 61, user_ref_idx: u8 = 62,
        refused_tag: u8 = 63, customer_type: u8 = 64, post_only: u8 = 65, shares_located: u8 = 66,
        option_side: u8 = 67, reserved: [u8; 4] = 68,
    }
    /// Kind 2, likewise.
    ReplaceV1: 64 {
        price: u64_le = 0, login: u32_le = 8, original: u32_le = 12, user_ref_num: u32_le = 16,
        quantity: u32_le = 20, min_quantity: u32_le = 24, client_order_id: [u8; 14] = 28, group_id: u16_le = 42,
        firm: [u8; 4] = 44, locate_broker: [u8; 4] = 48, time_in_force: u8 = 52, display: u8 = 53,
        intermarket_sweep: u8 = 54, user_ref_idx: u8 = 55, refused_tag: u8 = 56, customer_type: u8 = 57,
        post_only: u8 = 58, shares_located: u8 = 59, option_side: u8 = 60, reserved: [u8; 3] = 61,
    }
    /// What orders of version 2 say besides.
    OrderOptionsV2: 40 {
        expire_at: u64_le = 0, max_floor: u32_le = 8, random_reserves: u32_le = 12, peg_offset: i32_le = 16,
        discretion_price: u32_le = 20, expire_seconds: u32_le = 24, trigger_price: u32_le = 28,
        price_type: u8 = 32, execution: u8 = 33, reserved: [u8; 6] = 34,
    }
    /// Kind 1, version 2.
    EnterV2: 112 { order: EnterV1 = 0, options: OrderOptionsV2 = 72, }
    /// Kind 2, version 2.
    ReplaceV2: 104 { order: ReplaceV1 = 0, options: OrderOptionsV2 = 64, }
}

/// `refused_tag` of a version 1 order that asks for what the venue did not offer when that version was all there was.
/// No tag has this number. It was refused then (or cost its original the life), and so it is when it is replayed.
const NOT_OFFERED_THEN: u8 = 254;

/// True for a new order that only today's venue takes: hidden, timed, for an auction, or with a minimum. Such an order is
/// written in version 2, and a version 1 order that asks for it stays refused. One that a tag refuses anyway may
/// be written in either.
pub(super) fn is_new_enter(enter: &Enter) -> bool {
    enter.options.refused_tag == 0
        && (enter.display == b'N'
            || enter.time_in_force == b'6'
            || enter.cross_type != b'N'
            || enter.options.min_quantity != 0)
}

/// The same of a replacement.
pub(super) fn is_new_replace(replace: &Replace) -> bool {
    replace.options.refused_tag == 0
        && (replace.display == b'N' || replace.time_in_force == b'6' || replace.options.min_quantity != 0)
}

/// True when version 1 says all that these options say.
#[inline]
pub(super) fn fit_v1(options: &OrderOptions) -> bool {
    let numbers = options.max_floor
        | options.random_reserves
        | options.peg_offset.cast_unsigned()
        | options.discretion_price
        | options.expire_seconds
        | options.trigger_price
        | u32::from(options.price_type | options.execution);
    numbers == 0 && options.expire_at == NO_EXPIRE_AT
}

impl OrderOptionsV2 {
    fn from_domain(options: &OrderOptions) -> OrderOptionsV2 {
        OrderOptionsV2 {
            expire_at: options.expire_at.into(),
            max_floor: options.max_floor.into(),
            random_reserves: options.random_reserves.into(),
            peg_offset: options.peg_offset.into(),
            discretion_price: options.discretion_price.into(),
            expire_seconds: options.expire_seconds.into(),
            trigger_price: options.trigger_price.into(),
            price_type: options.price_type,
            execution: options.execution,
            reserved: [0; 6],
        }
    }

    /// The options of version 1 with these.
    fn added_to(self, options: OrderOptions) -> Option<OrderOptions> {
        let options = OrderOptions {
            max_floor: self.max_floor.to_native(),
            random_reserves: self.random_reserves.to_native(),
            price_type: self.price_type,
            peg_offset: self.peg_offset.to_native(),
            discretion_price: self.discretion_price.to_native(),
            expire_seconds: self.expire_seconds.to_native(),
            expire_at: self.expire_at.to_native(),
            trigger_price: self.trigger_price.to_native(),
            execution: self.execution,
            ..options
        };
        is_zero(&self.reserved).then_some(options)
    }
}

impl EnterV2 {
    pub(super) fn from_domain(login: u32, enter: &Enter) -> EnterV2 {
        let options = OrderOptionsV2::from_domain(&enter.options);
        EnterV2 { order: EnterV1::from_domain(login, enter), options }
    }

    pub(super) fn to_domain(self) -> Option<Command> {
        let enter = self.order.order()?;
        let options = self.options.added_to(enter.options)?;
        Some(sent(self.order.login, Action::Enter(Enter { options, ..enter })))
    }
}

impl ReplaceV2 {
    pub(super) fn from_domain(login: u32, replace: &Replace) -> ReplaceV2 {
        let options = OrderOptionsV2::from_domain(&replace.options);
        ReplaceV2 { order: ReplaceV1::from_domain(login, replace), options }
    }

    pub(super) fn to_domain(self) -> Option<Command> {
        let replace = self.order.order()?;
        let options = self.options.added_to(replace.options)?;
        Some(sent(self.order.login, Action::Replace(Replace { options, ..replace })))
    }
}

impl EnterV1 {
    pub(super) fn from_domain(login: u32, enter: &Enter) -> EnterV1 {
        let options = &enter.options;
        EnterV1 {
            price: enter.price.into(),
            login: login.into(),
            user_ref_num: enter.user_ref_num.into(),
            quantity: enter.quantity.into(),
            min_quantity: options.min_quantity.into(),
            symbol: enter.symbol.0,
            client_order_id: enter.client_order_id.0,
            group_id: options.group_id.into(),
            firm: options.firm.0,
            locate_broker: options.locate_broker.0,
            side: enter.side,
            time_in_force: enter.time_in_force,
            display: enter.display,
            capacity: enter.capacity,
            intermarket_sweep: enter.intermarket_sweep,
            cross_type: enter.cross_type,
            user_ref_idx: options.user_ref_idx,
            refused_tag: options.refused_tag,
            customer_type: options.customer_type,
            post_only: options.post_only,
            shares_located: options.shares_located,
            option_side: options.side,
            reserved: [0; 4],
        }
    }

    pub(super) fn to_domain(self) -> Option<Command> {
        let mut order = self.order()?;
        if is_new_enter(&order) {
            order.options.refused_tag = NOT_OFFERED_THEN;
        }
        Some(sent(self.login, Action::Enter(order)))
    }

    fn order(self) -> Option<Enter> {
        let options = OrderOptions {
            user_ref_idx: self.user_ref_idx,
            refused_tag: self.refused_tag,
            customer_type: self.customer_type,
            post_only: self.post_only,
            shares_located: self.shares_located,
            side: self.option_side,
            group_id: self.group_id.to_native(),
            firm: Text(self.firm),
            locate_broker: Text(self.locate_broker),
            min_quantity: self.min_quantity.to_native(),
            ..OrderOptions::default()
        };
        let enter = Enter {
            user_ref_num: self.user_ref_num.to_native(),
            quantity: self.quantity.to_native(),
            price: self.price.to_native(),
            symbol: Text(self.symbol),
            client_order_id: Text(self.client_order_id),
            side: self.side,
            time_in_force: self.time_in_force,
            display: self.display,
            capacity: self.capacity,
            intermarket_sweep: self.intermarket_sweep,
            cross_type: self.cross_type,
            options,
        };
        is_zero(&self.reserved).then_some(enter)
    }
}

impl ReplaceV1 {
    pub(super) fn from_domain(login: u32, replace: &Replace) -> ReplaceV1 {
        let options = &replace.options;
        ReplaceV1 {
            price: replace.price.into(),
            login: login.into(),
            original: replace.original.into(),
            user_ref_num: replace.user_ref_num.into(),
            quantity: replace.quantity.into(),
            min_quantity: options.min_quantity.into(),
            client_order_id: replace.client_order_id.0,
            group_id: options.group_id.into(),
            firm: options.firm.0,
            locate_broker: options.locate_broker.0,
            time_in_force: replace.time_in_force,
            display: replace.display,
            intermarket_sweep: replace.intermarket_sweep,
            user_ref_idx: options.user_ref_idx,
            refused_tag: options.refused_tag,
            customer_type: options.customer_type,
            post_only: options.post_only,
            shares_located: options.shares_located,
            option_side: options.side,
            reserved: [0; 3],
        }
    }

    pub(super) fn to_domain(self) -> Option<Command> {
        let mut order = self.order()?;
        if is_new_replace(&order) {
            order.options.refused_tag = NOT_OFFERED_THEN;
        }
        Some(sent(self.login, Action::Replace(order)))
    }

    fn order(self) -> Option<Replace> {
        let options = OrderOptions {
            user_ref_idx: self.user_ref_idx,
            refused_tag: self.refused_tag,
            customer_type: self.customer_type,
            post_only: self.post_only,
            shares_located: self.shares_located,
            side: self.option_side,
            group_id: self.group_id.to_native(),
            firm: Text(self.firm),
            locate_broker: Text(self.locate_broker),
            min_quantity: self.min_quantity.to_native(),
            ..OrderOptions::default()
        };
        let replace = Replace {
            original: self.original.to_native(),
            user_ref_num: self.user_ref_num.to_native(),
            quantity: self.quantity.to_native(),
            price: self.price.to_native(),
            client_order_id: Text(self.client_order_id),
            time_in_force: self.time_in_force,
            display: self.display,
            intermarket_sweep: self.intermarket_sweep,
            options,
        };
        is_zero(&self.reserved).then_some(replace)
    }
}

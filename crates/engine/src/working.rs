//! An order while a command works on it: accepted, not standing yet.

use ringside_book::{NONE, Order, Slot};
use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::{
    Accepted, ClientOrderId, Enter, Firm, InstrumentId, LoginId, OrderRef, Replace, Side, Symbol,
};

use crate::letters;
use crate::special::{Extra, Special};

/// An incoming order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Working<'a> {
    /// The order as it will stand: `open` are all open shares until it does, tick and links mean nothing yet.
    pub order: Order,
    /// Wire price as sent.
    pub limit: u64,
    /// Terms that a plain order does not have: [`Extra::NONE`] then.
    pub extra: &'a Extra,
    /// Public number of the visible order that it takes the place of and that the public still believes in; 0 = none.
    pub replaced: OrderRef,
    /// The slot it has already: a stop that was triggered; else [`NONE`].
    pub slot: Slot,
    /// Nothing in `extra`. May be false for a plain order, which then goes the long way.
    pub plain: bool,
}

impl<'a> Working<'a> {
    pub fn index(&self) -> usize {
        self.order.instrument.0 as usize - 1
    }

    pub fn is_buy(&self) -> bool {
        self.order.side.is_buy()
    }

    pub fn is_market(&self) -> bool {
        self.limit >= PRICE_MARKET
    }

    pub fn is_fill_or_kill(&self) -> bool {
        self.extra.execution == b'F'
    }

    pub fn is_market_to_limit(&self) -> bool {
        self.extra.execution == b'M'
    }

    /// What is left of it never rests in continuous trading.
    #[inline]
    pub fn is_immediate(&self) -> bool {
        self.order.letters.time_in_force == b'3'
            || (!self.plain && self.is_fill_or_kill())
            || (self.is_market() && (self.plain || !self.is_market_to_limit()))
    }

    /// Works on with other special terms.
    pub fn with_extra<'b>(&self, extra: &'b Extra) -> Working<'b> {
        Working {
            order: self.order,
            limit: self.limit,
            extra,
            replaced: self.replaced,
            slot: self.slot,
            plain: *extra == Extra::NONE,
        }
    }

    /// A new order of a login, as sent. `order_ref` is 0 until it is accepted.
    #[inline(always)]
    pub fn of_enter(
        (login, own_firm): (LoginId, Firm),
        instrument: InstrumentId,
        side: Side,
        order_ref: OrderRef,
        enter: &Enter,
        extra: &'a Extra,
    ) -> Self {
        let options = &enter.options;
        let firm = if options.firm == Firm::BLANK { own_firm } else { options.firm };
        let order = Order::unplaced(
            order_ref,
            instrument,
            login,
            enter.user_ref_num,
            options.user_ref_idx,
            side,
            enter.quantity,
            firm,
            options.group_id,
            letters::of(enter),
        );
        Working { order, limit: enter.price, extra, replaced: 0, slot: NONE, plain: false }
    }

    /// The order that a replacement asks for. `open` may be nonsense until the total is checked.
    #[inline(always)]
    pub fn of_replace(original: &Order, replace: &Replace, extra: &'a Extra) -> Self {
        let mut order = *original;
        order.user_ref_num = replace.user_ref_num;
        order.open = replace.quantity.wrapping_sub(original.executed).wrapping_sub(original.prevented);
        order.letters = letters::replaced(&original.letters, replace);
        order.side = replaced_side(original.side, replace.options.side);
        order.special = NONE;
        Working { order, limit: replace.price, extra, replaced: 0, slot: NONE, plain: false }
    }

    /// A live order that works again: a triggered stop, a discretionary order that takes.
    pub fn of_live(order: &Order, special: &'a Special, slot: Slot) -> Self {
        let mut order = *order;
        order.open += special.reserve;
        let plain = special.extra == Extra::NONE;
        Working { order, limit: special.limit, extra: &special.extra, replaced: 0, slot, plain }
    }

    /// The order as it is told when it comes into force; tags that only an Accepted carries are left out.
    #[inline(always)]
    pub fn told(&self, symbol: Symbol, client_order_id: ClientOrderId) -> Accepted {
        Accepted {
            min_quantity: self.extra.min_quantity,
            max_floor: self.extra.max_floor,
            expire_seconds: self.extra.expire_seconds,
            ..told(&self.order, self.limit, symbol, client_order_id)
        }
    }
}

/// A plain order as it is told when it comes into force.
#[inline(always)]
pub(crate) fn told(order: &Order, price: u64, symbol: Symbol, client_order_id: ClientOrderId) -> Accepted {
    let letters = &order.letters;
    Accepted {
        original: 0,
        user_ref_num: order.user_ref_num,
        quantity: order.open,
        price,
        order_ref: order.order_ref,
        symbol,
        client_order_id,
        side: order.side,
        time_in_force: letters.time_in_force,
        display: letters.display,
        capacity: letters.capacity,
        intermarket_sweep: letters.intermarket_sweep,
        cross_type: letters.cross_type,
        customer_type: 0,
        post_only: letters.post_only,
        shares_located: 0,
        price_type: letters.price_type,
        group_id: 0,
        firm: Firm::BLANK,
        min_quantity: 0,
        max_floor: 0,
        peg_offset: 0,
        discretion_price: 0,
        random_reserves: 0,
        expire_seconds: 0,
    }
}

/// Special terms of a replacement. Absent tags keep the original's value (rules.md §4).
pub(crate) fn inherited(old: &Extra, original: &Order, replace: &Replace) -> Extra {
    let letters = letters::replaced(&original.letters, replace);
    let new = Extra::of(&replace.options);
    let pick = |new: u32, old: u32| if new == 0 { old } else { new };
    let is_timed = replace.time_in_force == b'6';
    let expire_at = match new.expire_at {
        // Good till time takes the place of good till date.
        ringside_domain::NO_EXPIRE_AT if !is_timed => old.expire_at,
        new => new,
    };
    Extra {
        expire_at,
        min_quantity: pick(new.min_quantity, old.min_quantity),
        max_floor: pick(new.max_floor, old.max_floor),
        random_reserves: pick(new.random_reserves, old.random_reserves),
        discretion_price: pick(new.discretion_price, old.discretion_price),
        expire_seconds: pick(new.expire_seconds, old.expire_seconds),
        trigger_price: pick(new.trigger_price, old.trigger_price),
        peg_offset: if new.peg_offset == 0 { old.peg_offset } else { new.peg_offset },
        execution: letters::keep(new.execution, old.execution),
        is_peg: matches!(letters.price_type, b'P' | b'M' | b'R'),
    }
}

/// Tag 27 changes the letter of a sale; a buy stays a buy and a sale a sale.
fn replaced_side(original: Side, letter: u8) -> Side {
    match Side::from_letter(letter) {
        Some(side) if side.is_buy() == original.is_buy() => side,
        _ => original,
    }
}

//! An order while a command works on it: accepted, not standing yet.

use ringside_book::{Letters, NONE, Order, Slot, Tick};
use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::{
    Accepted, ClientOrderId, Enter, Firm, InstrumentId, LoginId, OrderRef, Replace, Side, Symbol, UserRefNum,
};

use crate::special::{Extra, Special};

/// An incoming order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Working {
    pub order_ref: OrderRef,
    pub login: LoginId,
    pub user_ref_num: UserRefNum,
    pub instrument: InstrumentId,
    /// Shares open.
    pub open: u32,
    /// Shares that the chain has executed.
    pub executed: u32,
    /// Shares of the chain that self-trade prevention has taken off.
    pub prevented: u32,
    /// Wire price as sent.
    pub limit: u64,
    pub firm: Firm,
    pub group_id: u16,
    pub side: Side,
    pub user_ref_idx: u8,
    pub letters: Letters,
    /// Nothing in `extra`.
    pub plain: bool,
    pub extra: Extra,
    /// Public number of the visible order that it takes the place of and that the public still believes in; 0 = none.
    pub replaced: OrderRef,
    /// The slot it has already: a stop that was triggered; else [`NONE`].
    pub slot: Slot,
}

impl Working {
    pub fn is_buy(&self) -> bool {
        self.side.is_buy()
    }

    pub fn is_market(&self) -> bool {
        self.limit >= PRICE_MARKET
    }

    pub fn is_visible(&self) -> bool {
        self.letters.display != b'N'
    }

    pub fn is_fill_or_kill(&self) -> bool {
        self.extra.execution == b'F'
    }

    pub fn is_market_to_limit(&self) -> bool {
        self.extra.execution == b'M'
    }

    /// What is left of it never rests in continuous trading.
    pub fn is_immediate(&self) -> bool {
        self.letters.time_in_force == b'3'
            || self.is_fill_or_kill()
            || (self.is_market() && !self.is_market_to_limit())
    }

    /// A new order of a login, as sent. `order_ref` is given when it is accepted.
    #[inline]
    pub fn of_enter(
        login: LoginId,
        own_firm: Firm,
        instrument: InstrumentId,
        side: Side,
        enter: &Enter,
        plain: bool,
    ) -> Self {
        let options = &enter.options;
        let extra = if plain { Extra::NONE } else { Extra::of(options) };
        Working {
            order_ref: 0,
            login,
            user_ref_num: enter.user_ref_num,
            instrument,
            open: enter.quantity,
            executed: 0,
            prevented: 0,
            limit: enter.price,
            firm: if options.firm.is_blank() { own_firm } else { options.firm },
            group_id: options.group_id,
            side,
            user_ref_idx: options.user_ref_idx,
            letters: Letters {
                time_in_force: enter.time_in_force,
                display: enter.display,
                capacity: enter.capacity,
                intermarket_sweep: enter.intermarket_sweep,
                cross_type: enter.cross_type,
                customer_type: options.customer_type,
                post_only: options.post_only,
                price_type: options.price_type,
            },
            plain: plain || extra == Extra::NONE,
            extra,
            replaced: 0,
            slot: NONE,
        }
    }

    /// The order that a replacement asks for. Absent tags keep the original's value (rules.md §4). `open` may be
    /// nonsense until the total is checked.
    #[inline]
    pub fn of_replace(original: &Order, special: Option<&Special>, replace: &Replace, plain: bool) -> Self {
        let options = &replace.options;
        let old = &original.letters;
        let letters = Letters {
            time_in_force: replace.time_in_force,
            display: replace.display,
            capacity: old.capacity,
            intermarket_sweep: replace.intermarket_sweep,
            cross_type: old.cross_type,
            customer_type: keep(options.customer_type, old.customer_type),
            post_only: keep(options.post_only, old.post_only),
            price_type: keep(options.price_type, old.price_type),
        };
        let extra = match special {
            None if plain => Extra::NONE,
            special => inherited(special.map_or(&Extra::NONE, |special| &special.extra), replace, &letters),
        };
        Working {
            order_ref: 0,
            login: original.login,
            user_ref_num: replace.user_ref_num,
            instrument: original.instrument,
            open: replace.quantity.wrapping_sub(original.executed).wrapping_sub(original.prevented),
            executed: original.executed,
            prevented: original.prevented,
            limit: replace.price,
            firm: original.firm,
            group_id: original.group_id,
            side: replaced_side(original.side, options.side),
            user_ref_idx: original.user_ref_idx,
            letters,
            plain: extra == Extra::NONE,
            extra,
            replaced: 0,
            slot: NONE,
        }
    }

    /// A live order that works again: a triggered stop, a discretionary order that takes.
    pub fn of_live(order: &Order, special: &Special, slot: Slot) -> Self {
        Working {
            order_ref: order.order_ref,
            login: order.login,
            user_ref_num: order.user_ref_num,
            instrument: order.instrument,
            open: order.open + special.reserve,
            executed: order.executed,
            prevented: order.prevented,
            limit: special.limit,
            firm: order.firm,
            group_id: order.group_id,
            side: order.side,
            user_ref_idx: order.user_ref_idx,
            letters: order.letters,
            plain: special.extra == Extra::NONE,
            extra: special.extra,
            replaced: 0,
            slot,
        }
    }

    /// The order as it stands at a price.
    #[inline]
    pub fn standing(&self, tick: Tick, open: u32, special: u32) -> Order {
        let mut order = Order::unplaced(
            self.order_ref,
            self.instrument,
            self.login,
            self.user_ref_num,
            self.user_ref_idx,
            self.side,
            self.firm,
            self.group_id,
            self.letters,
        );
        (order.tick, order.open, order.special) = (tick, open, special);
        (order.executed, order.prevented) = (self.executed, self.prevented);
        order
    }

    /// The order as it is told when it comes into force; tags that only an Accepted carries are left out.
    #[inline]
    pub fn told(&self, symbol: Symbol, client_order_id: ClientOrderId) -> Accepted {
        Accepted {
            original: 0,
            user_ref_num: self.user_ref_num,
            quantity: self.open,
            price: self.limit,
            order_ref: self.order_ref,
            symbol,
            client_order_id,
            side: self.side,
            time_in_force: self.letters.time_in_force,
            display: self.letters.display,
            capacity: self.letters.capacity,
            intermarket_sweep: self.letters.intermarket_sweep,
            cross_type: self.letters.cross_type,
            customer_type: 0,
            post_only: self.letters.post_only,
            shares_located: 0,
            price_type: self.letters.price_type,
            group_id: 0,
            firm: Firm::BLANK,
            min_quantity: self.extra.min_quantity,
            max_floor: self.extra.max_floor,
            peg_offset: 0,
            discretion_price: 0,
            random_reserves: 0,
            expire_seconds: self.extra.expire_seconds,
        }
    }
}

fn keep(new: u8, old: u8) -> u8 {
    if new == 0 { old } else { new }
}

/// Tags of a replacement over those of its original.
fn inherited(old: &Extra, replace: &Replace, letters: &Letters) -> Extra {
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
        execution: keep(new.execution, old.execution),
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

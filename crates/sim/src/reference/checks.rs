//! What makes an Enter or a Replace valid. The order of the checks is part of the contract.

use ringside_domain::limits::{PRICE_MARKET, QUANTITY_MAX, USER_REF_IDX_CARRIED};
use ringside_domain::{Enter, InstrumentTerms, LoginId, OrderOptions, RejectReason, Replace, Side};

use super::Reference;
use super::state::Order;

impl Reference {
    /// First reason to refuse a new order.
    pub(super) fn reason_to_reject(&self, login: LoginId, enter: &Enter) -> Option<RejectReason> {
        if self.login(login).disabled {
            return Some(RejectReason::EntryDisabled);
        }
        if Side::from_letter(enter.side).is_none() {
            return Some(RejectReason::Side);
        }
        let Some(terms) = self.instrument(enter.symbol) else { return Some(RejectReason::Symbol) };
        if is_bad_quantity(enter.quantity, terms) {
            return Some(RejectReason::Quantity);
        }
        if is_bad_price(enter.price, terms) {
            return Some(RejectReason::Price);
        }
        if !b"YNA".contains(&enter.display) {
            return Some(RejectReason::Display);
        }
        if has_bad_letter(enter) {
            return Some(RejectReason::Other);
        }
        if enter.options.min_quantity > enter.quantity {
            return Some(RejectReason::MinQuantity);
        }
        if is_not_built_yet(enter) {
            return Some(RejectReason::Other);
        }
        (self.storage_full || self.orders.len() >= self.orders_max).then_some(RejectReason::Capacity)
    }

    /// False when the replacement costs the original its life.
    pub(super) fn is_valid_replacement(&self, original: &Order, replace: &Replace) -> bool {
        let Some(terms) = self.instruments.get(&original.instrument) else { return false };
        !is_bad_quantity(replace.quantity, terms)
            && !is_bad_price(replace.price, terms)
            && b"035".contains(&replace.time_in_force)
            && b"YA".contains(&replace.display)
            && b"YN".contains(&replace.intermarket_sweep)
            && !has_bad_option(&replace.options)
            && replace.options.min_quantity == 0
            && replace.quantity > original.executed
    }
}

fn is_bad_quantity(quantity: u32, terms: &InstrumentTerms) -> bool {
    quantity == 0 || quantity > QUANTITY_MAX || !quantity.is_multiple_of(terms.lot)
}

fn is_bad_price(price: u64, terms: &InstrumentTerms) -> bool {
    price < PRICE_MARKET && (price == 0 || !price.is_multiple_of(u64::from(terms.tick)))
}

fn has_bad_letter(enter: &Enter) -> bool {
    !b"APRO".contains(&enter.capacity)
        || !b"YN".contains(&enter.intermarket_sweep)
        || !b"NOCHSREA".contains(&enter.cross_type)
        || !b"0356E".contains(&enter.time_in_force)
        || has_bad_option(&enter.options)
        || enter.options.user_ref_idx == USER_REF_IDX_CARRIED
}

/// 0 is an absent tag.
fn has_bad_option(options: &OrderOptions) -> bool {
    options.refused_tag != 0
        || !b"\0RN ".contains(&options.customer_type)
        || !b"\0PN".contains(&options.post_only)
        || !b"\0YN".contains(&options.shares_located)
}

/// Valid OUCH that this stage of the product does not offer: never ignored, always refused.
fn is_not_built_yet(enter: &Enter) -> bool {
    enter.display == b'N'
        || enter.time_in_force == b'6'
        || enter.cross_type != b'N'
        || enter.options.min_quantity > 0
}

//! What makes an order invalid, in the order in which it is looked for. The first finding is the answer.

use ringside_domain::limits::{PRICE_MARKET, QUANTITY_MAX, USER_REF_IDX_CARRIED};
use ringside_domain::{
    Enter, InstrumentId, InstrumentTerms, LoginId, OrderOptions, RejectReason, Replace, Side,
};

use crate::Engine;

impl Engine {
    /// Side and instrument of a valid new order, or why it is refused.
    pub(crate) fn check_enter(
        &self,
        login: LoginId,
        enter: &Enter,
    ) -> Result<(Side, InstrumentId), RejectReason> {
        if self.login(login).disabled {
            return Err(RejectReason::EntryDisabled);
        }
        let side = Side::from_letter(enter.side).ok_or(RejectReason::Side)?;
        let instrument = self.symbols.get(enter.symbol).ok_or(RejectReason::Symbol)?;
        let found = &self.instruments[instrument.0 as usize - 1];
        if !found.listed {
            return Err(RejectReason::Symbol);
        }
        if !quantity_is_valid(&found.terms, enter.quantity) {
            return Err(RejectReason::Quantity);
        }
        if !price_is_valid(&found.terms, enter.price) {
            return Err(RejectReason::Price);
        }
        check_letters(enter)?;
        if self.orders.is_full() || self.counters.storage_full {
            return Err(RejectReason::Capacity);
        }
        Ok((side, instrument))
    }

    /// True when a replacement may take the place of an order in this instrument. `executed` belongs to the chain.
    pub(crate) fn replacement_is_valid(
        &self,
        instrument: InstrumentId,
        replace: &Replace,
        executed: u32,
    ) -> bool {
        let terms = &self.instruments[instrument.0 as usize - 1].terms;
        quantity_is_valid(terms, replace.quantity)
            && price_is_valid(terms, replace.price)
            && replace.quantity > executed
            && matches!(replace.time_in_force, b'0' | b'3' | b'5')
            && matches!(replace.display, b'Y' | b'A')
            && matches!(replace.intermarket_sweep, b'Y' | b'N')
            && options_are_known(&replace.options)
            && replace.options.min_quantity == 0
    }
}

fn check_letters(enter: &Enter) -> Result<(), RejectReason> {
    if !matches!(enter.display, b'Y' | b'N' | b'A') {
        return Err(RejectReason::Display);
    }
    let known = matches!(enter.capacity, b'A' | b'P' | b'R' | b'O')
        && matches!(enter.intermarket_sweep, b'Y' | b'N')
        && b"NOCHSREA".contains(&enter.cross_type)
        && matches!(enter.time_in_force, b'0' | b'3' | b'5' | b'6' | b'E')
        && options_are_known(&enter.options);
    if !known {
        return Err(RejectReason::Other);
    }
    if enter.options.min_quantity > enter.quantity {
        return Err(RejectReason::MinQuantity);
    }
    if is_offered(enter) { Ok(()) } else { Err(RejectReason::Other) }
}

fn options_are_known(options: &OrderOptions) -> bool {
    options.refused_tag == 0
        && options.user_ref_idx != USER_REF_IDX_CARRIED
        && matches!(options.customer_type, 0 | b'R' | b'N' | b' ')
        && matches!(options.post_only, 0 | b'P' | b'N')
        && matches!(options.shares_located, 0 | b'Y' | b'N')
}

/// Known to OUCH 5.0 but not offered by this venue: hidden orders, expiry, crosses, minimum quantity.
fn is_offered(enter: &Enter) -> bool {
    enter.display != b'N'
        && enter.time_in_force != b'6'
        && enter.cross_type == b'N'
        && enter.options.min_quantity == 0
}

fn quantity_is_valid(terms: &InstrumentTerms, quantity: u32) -> bool {
    (1..=QUANTITY_MAX).contains(&quantity) && quantity.is_multiple_of(terms.lot)
}

fn price_is_valid(terms: &InstrumentTerms, price: u64) -> bool {
    price >= PRICE_MARKET || (price > 0 && price.is_multiple_of(u64::from(terms.tick)))
}

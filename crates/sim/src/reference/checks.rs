//! What makes an Enter or a Replace valid (§3). The order of the checks is part of the contract.
//!
//! Checks 1 and 2 are made before there is an order, 3 and 4 while one is drafted, 5 to 13 look at the draft alone,
//! 14 and 15 at the instrument; 16 to 21 are in `risk` and `balances`.

use ringside_domain::limits::{PEGS_MAX, PRICE_MARKET, QUANTITY_MAX, SLICES_MAX, USER_REF_IDX_CARRIED};
use ringside_domain::{
    AuctionKind, InstrumentTerms, LoginId, MarketState, NO_EXPIRE_AT, OrderOptions, RejectReason,
};

use super::Reference;
use super::instrument::Instrument;
use super::state::Order;
use super::ticks;

/// First of the reasons that apply.
fn first(reasons: &[(bool, RejectReason)]) -> Option<RejectReason> {
    reasons.iter().find(|(applies, _)| *applies).map(|(_, reason)| *reason)
}

impl Reference {
    /// Checks 1 and 2. A disabled login may still replace.
    pub(super) fn reason_to_turn_away(&mut self, login: LoginId, is_new: bool) -> Option<RejectReason> {
        if (is_new && self.login(login).disabled) || self.is_killed(login) {
            return Some(RejectReason::EntryDisabled);
        }
        (!self.take_tokens(login)).then_some(RejectReason::MessageRate)
    }

    /// Checks 5 to 13. `quantity` is what was sent: the total of the chain for a replacement.
    pub(super) fn reason_invalid(
        &self,
        draft: &Order,
        quantity: u32,
        options: &OrderOptions,
        is_new: bool,
    ) -> Option<RejectReason> {
        let terms = &self.at(draft.instrument).terms;
        first(&[
            (is_bad_quantity(quantity, terms), RejectReason::Quantity),
            (is_bad_price(draft.terms.price, terms), RejectReason::Price),
            (!b"YNA".contains(&draft.terms.display), RejectReason::Display),
            (has_bad_letter(draft, options, is_new) || self.contradicts_itself(draft), RejectReason::Other),
            (has_bad_second_price(draft, terms), RejectReason::Price),
            (draft.terms.min_quantity > quantity, RejectReason::MinQuantity),
            (has_bad_floor(draft, terms), RejectReason::MaxFloor),
            (is_bad_peg(draft, terms), RejectReason::PegType),
            (is_bad_cross(draft), RejectReason::CrossOrder),
        ])
    }

    /// The tags of check 8 that are fine alone but not together.
    fn contradicts_itself(&self, draft: &Order) -> bool {
        let terms = &draft.terms;
        let seconds = terms.expire_seconds;
        let tif = terms.time_in_force;
        (tif == b'6' && !(1..=86_399).contains(&seconds))
            || (draft.expire_at != NO_EXPIRE_AT && (tif == b'3' || tif == b'6'))
            || (draft.expire_at != 0 && draft.expire_at <= self.time_ns)
            || (draft.execution != 0 && draft.is_post_only())
            || (draft.execution == b'M' && terms.price < PRICE_MARKET)
            || (draft.is_discretionary() && may_have_no_discretion(draft))
    }

    /// Checks 14 to 21. A replacement gives its original's share back first.
    pub(super) fn reason_not_now(&self, draft: &Order, original: Option<&Order>) -> Option<RejectReason> {
        let instrument = self.at(draft.instrument);
        reason_of_state(instrument, draft)
            .or_else(|| is_outside_collar(&instrument.terms, draft).then_some(RejectReason::Price))
            .or_else(|| self.reason_of_risk(draft, original))
            .or_else(|| self.reason_of_balance(draft, original))
            .or_else(|| self.has_no_room_for_pegs(draft, original).then_some(RejectReason::Capacity))
    }

    /// A peg that takes a peg's place always finds room.
    fn has_no_room_for_pegs(&self, draft: &Order, original: Option<&Order>) -> bool {
        let is_peg_here = |order: &&Order| order.is_peg() && order.instrument == draft.instrument;
        draft.is_peg()
            && original.is_none_or(|original| !original.is_peg())
            && self.orders.values().filter(is_peg_here).count() >= PEGS_MAX
    }

    /// Check 22.
    pub(super) fn is_full(&self) -> bool {
        self.storage_full || self.orders.len() >= self.orders_max
    }
}

fn is_bad_quantity(quantity: u32, terms: &InstrumentTerms) -> bool {
    quantity == 0 || quantity > QUANTITY_MAX || !quantity.is_multiple_of(terms.lot)
}

fn is_bad_price(price: u64, terms: &InstrumentTerms) -> bool {
    price == 0 || (price < PRICE_MARKET && !ticks::is_on_tick(terms, price))
}

/// 0 is an absent tag.
fn has_bad_letter(draft: &Order, options: &OrderOptions, is_new: bool) -> bool {
    let terms = &draft.terms;
    let times_in_force: &[u8] = if is_new { b"0356E" } else { b"0356" };
    !b"APRO".contains(&terms.capacity)
        || !b"YN".contains(&terms.intermarket_sweep)
        || !b"NOCH".contains(&terms.cross_type)
        || !times_in_force.contains(&terms.time_in_force)
        || !b"\0RN ".contains(&terms.customer_type)
        || !b"\0PN".contains(&terms.post_only)
        || !b"\0YN".contains(&terms.shares_located)
        || !b"\0LPMR".contains(&terms.price_type)
        || !b"\0FM".contains(&draft.execution)
        || options.refused_tag != 0
        || (is_new && draft.user_ref_idx == USER_REF_IDX_CARRIED)
}

fn may_have_no_discretion(draft: &Order) -> bool {
    draft.is_post_only()
        || draft.terms.max_floor > 0
        || draft.is_peg()
        || draft.is_stop()
        || draft.terms.price >= PRICE_MARKET
        || draft.is_cross()
}

/// Check 9: trigger and discretion price.
fn has_bad_second_price(draft: &Order, terms: &InstrumentTerms) -> bool {
    let is_bad = |price: u32| {
        u64::from(price) >= PRICE_MARKET || (price > 0 && !ticks::is_on_tick(terms, price.into()))
    };
    let discretion = u64::from(draft.terms.discretion_price);
    let is_worse =
        if draft.is_buy() { discretion < draft.terms.price } else { discretion > draft.terms.price };
    is_bad(draft.trigger_price)
        || is_bad(draft.terms.discretion_price)
        || (draft.is_discretionary() && is_worse)
}

fn has_bad_floor(draft: &Order, terms: &InstrumentTerms) -> bool {
    let (floor, random) = (draft.terms.max_floor, draft.terms.random_reserves);
    let is_bad_floor =
        !floor.is_multiple_of(terms.lot) || (floor > 0 && (draft.terms.display == b'N' || draft.is_peg()));
    is_bad_floor
        || (random > 0 && (random >= floor || !random.is_multiple_of(terms.lot)))
        // The smallest slices that may be drawn would be too many.
        || (floor > 0 && u64::from(draft.open) > u64::from(floor - random) * u64::from(SLICES_MAX))
}

fn is_bad_peg(draft: &Order, terms: &InstrumentTerms) -> bool {
    if !draft.is_peg() {
        return draft.terms.peg_offset != 0;
    }
    !draft.terms.peg_offset.unsigned_abs().is_multiple_of(terms.tick)
        || draft.terms.time_in_force == b'3'
        || draft.execution != 0
        || draft.terms.min_quantity > 0
        || draft.is_stop()
        || draft.is_cross()
}

fn is_bad_cross(draft: &Order) -> bool {
    let at_open_or_close = matches!(draft.terms.cross_type, b'O' | b'C');
    let is_odd = draft.terms.time_in_force == b'3'
        || draft.execution != 0
        || draft.terms.min_quantity > 0
        || draft.is_stop();
    at_open_or_close && is_odd
}

/// Check 14.
fn reason_of_state(instrument: &Instrument, draft: &Order) -> Option<RejectReason> {
    let (state, is_call) = (instrument.state, instrument.state.is_call());
    let is_stopped = matches!(state, MarketState::Halted | MarketState::CancelOnly);
    let is_instant =
        draft.terms.time_in_force == b'3' || draft.execution == b'F' || draft.terms.min_quantity > 0;
    // An order whose limit is the market price, but for pegs, stops and those of an auction.
    let is_market = draft.is_market() && !draft.is_peg() && !draft.is_cross() && !draft.is_stop();
    first(&[
        (instrument.killed || is_stopped, RejectReason::Halted),
        (state == MarketState::Closed, RejectReason::Closed),
        (is_call && is_instant, RejectReason::Halted),
        (is_call && is_market, RejectReason::MarketOrder),
        (!has_its_auction(instrument, draft.terms.cross_type), RejectReason::CrossOrder),
    ])
}

/// At-open and reopening orders need their auction to be now; at-close orders wait for theirs.
fn has_its_auction(instrument: &Instrument, cross_type: u8) -> bool {
    let is_now = |kind| instrument.state == MarketState::Auction && instrument.auction == kind;
    match cross_type {
        b'O' => instrument.state == MarketState::PreOpen || is_now(AuctionKind::Opening),
        b'H' => is_now(AuctionKind::Volatility),
        _ => true,
    }
}

/// Check 15. Pegs and market orders have no limit here.
fn is_outside_collar(terms: &InstrumentTerms, draft: &Order) -> bool {
    !draft.is_peg() && !draft.is_market() && is_beyond_collar(terms, draft.limit)
}

/// True for a price that may not trade.
pub(super) fn is_beyond_collar(terms: &InstrumentTerms, price: u64) -> bool {
    price < u64::from(terms.collar_low) || (terms.collar_high > 0 && price > u64::from(terms.collar_high))
}

//! What makes an order invalid, in the order in which it is looked for. The first finding is the answer (rules.md §3).

use ringside_book::Order;
use ringside_domain::limits::{PEGS_MAX, PRICE_MARKET, QUANTITY_MAX, SLICES_MAX, USER_REF_IDX_CARRIED};
use ringside_domain::{
    AuctionKind, Enter, InstrumentId, LoginId, MarketState, NO_EXPIRE_AT, OrderOptions, RejectReason,
    Replace, Side,
};

use crate::Engine;
use crate::instrument::{Instrument, Watch};
use crate::special::Extra;
use crate::working::Working;

impl Engine {
    /// Side and instrument of the order that an Enter asks for, or why it is refused.
    #[inline(always)]
    pub(crate) fn check_enter(
        &mut self,
        login: LoginId,
        enter: &Enter,
        extra: &Extra,
        plain: bool,
    ) -> Result<(Side, InstrumentId), RejectReason> {
        let state = self.login(login);
        if state.disabled {
            return Err(RejectReason::EntryDisabled);
        }
        let guarded = state.guarded;
        if guarded {
            self.check_entry(login)?;
        }
        let side = Side::from_letter(enter.side).ok_or(RejectReason::Side)?;
        let instrument = self.symbols.get(enter.symbol).ok_or(RejectReason::Symbol)?;
        let found = self.instrument(instrument);
        check_terms(found, enter.quantity, enter.price)?;
        if !matches!(enter.display, b'Y' | b'N' | b'A') {
            return Err(RejectReason::Display);
        }
        let known = matches!(enter.capacity, b'A' | b'P' | b'R' | b'O')
            && matches!(enter.intermarket_sweep, b'Y' | b'N')
            && matches!(enter.time_in_force, b'0' | b'3' | b'5' | b'6' | b'E')
            && enter.options.user_ref_idx != USER_REF_IDX_CARRIED;
        if !known {
            return Err(RejectReason::Other);
        }
        let plain = plain && enter.cross_type == b'N' && enter.time_in_force != b'6';
        if !plain || guarded || found.watch.any(NEEDS_PERMISSION) {
            let who = (login, self.login(login).terms.firm);
            let w = Working::of_enter(who, instrument, side, 0, enter, extra);
            self.check_unusual(&w, enter)?;
        }
        if self.store.orders.is_full() || self.counters.storage_full {
            return Err(RejectReason::Capacity);
        }
        Ok((side, instrument))
    }

    /// Everything that only special orders, or unusual circumstances, have to pass: checks 8 to 21.
    #[cold]
    fn check_unusual(&self, w: &Working<'_>, enter: &Enter) -> Result<(), RejectReason> {
        check_options(&enter.options)?;
        self.check_special(w)?;
        if w.extra.min_quantity > w.order.open {
            return Err(RejectReason::MinQuantity);
        }
        self.check_combinations(w)?;
        self.check_permission(w)?;
        self.check_room_for_pegs(w)
    }

    /// False: the replacement costs the original its life. Checks 5 to 13.
    #[inline(always)]
    pub(crate) fn replacement_is_valid(&self, original: &Order, replace: &Replace) -> bool {
        let used = u64::from(original.executed) + u64::from(original.prevented);
        u64::from(replace.quantity) > used
            && check_terms(self.instrument(original.instrument), replace.quantity, replace.price).is_ok()
            && matches!(replace.display, b'Y' | b'N' | b'A')
            && matches!(replace.intermarket_sweep, b'Y' | b'N')
            && matches!(replace.time_in_force, b'0' | b'3' | b'5' | b'6')
    }

    /// The part of the checks that is for special replacements.
    #[cold]
    pub(crate) fn special_replacement_is_valid(
        &self,
        w: &Working<'_>,
        replace: &Replace,
        may_trigger: bool,
    ) -> bool {
        (may_trigger || replace.options.trigger_price == 0)
            && check_options(&replace.options).is_ok()
            && w.extra.min_quantity <= replace.quantity
            && self.check_special(w).is_ok()
            && self.check_combinations(w).is_ok()
    }

    #[inline(always)]
    fn instrument(&self, instrument: InstrumentId) -> &Instrument {
        &self.instruments[instrument.0 as usize - 1]
    }

    /// The rest of check 8, and check 9.
    #[cold]
    fn check_special(&self, w: &Working<'_>) -> Result<(), RejectReason> {
        let letters_known = b"NOCH".contains(&w.order.letters.cross_type)
            && b"\0LPMR".contains(&w.order.letters.price_type)
            && b"\0FM".contains(&w.extra.execution);
        let bad_market_to_limit = w.is_market_to_limit() && !w.is_market();
        let exclusive = (w.extra.execution != 0 && w.order.letters.post_only == b'P')
            || (w.extra.discretion_price != 0 && !may_have_discretion(w));
        if !letters_known || !self.time_is_valid(w) || bad_market_to_limit || exclusive {
            return Err(RejectReason::Other);
        }
        let instrument = self.instrument(w.order.instrument);
        let is_price = |price: u32| u64::from(price) < PRICE_MARKET && instrument.is_on_tick(price);
        let (trigger, discretion) = (w.extra.trigger_price, w.extra.discretion_price);
        if trigger != 0 && !is_price(trigger) {
            return Err(RejectReason::Price);
        }
        let worse =
            if w.is_buy() { u64::from(discretion) < w.limit } else { u64::from(discretion) > w.limit };
        if discretion != 0 && (!is_price(discretion) || worse) {
            return Err(RejectReason::Price);
        }
        Ok(())
    }

    fn time_is_valid(&self, w: &Working<'_>) -> bool {
        let timed = w.order.letters.time_in_force == b'6';
        if timed && !(1..86_400).contains(&w.extra.expire_seconds) {
            return false;
        }
        match w.extra.expire_at {
            NO_EXPIRE_AT => true,
            at => !timed && w.order.letters.time_in_force != b'3' && (at == 0 || at > self.counters.time_ns),
        }
    }

    /// What does not go together: checks 11 to 13.
    #[cold]
    fn check_combinations(&self, w: &Working<'_>) -> Result<(), RejectReason> {
        let instrument = self.instrument(w.order.instrument);
        let (floor, random) = (w.extra.max_floor, w.extra.random_reserves);
        let bad_floor =
            floor != 0 && (!instrument.is_on_lot(floor) || !w.order.is_visible() || w.extra.is_peg);
        let bad_random = random != 0 && (random >= floor || !instrument.is_on_lot(random));
        let smallest = u64::from(floor.saturating_sub(random));
        let too_many = floor != 0 && u64::from(w.order.open) > smallest * u64::from(SLICES_MAX);
        if bad_floor || bad_random || too_many {
            return Err(RejectReason::MaxFloor);
        }
        let offset = w.extra.peg_offset;
        let bad_offset =
            offset != 0 && (!w.extra.is_peg || !offset.unsigned_abs().is_multiple_of(instrument.terms.tick));
        let now_or_never = w.order.letters.time_in_force == b'3'
            || w.extra.execution != 0
            || w.extra.min_quantity != 0
            || w.extra.trigger_price != 0;
        if bad_offset || (w.extra.is_peg && (now_or_never || w.order.letters.cross_type != b'N')) {
            return Err(RejectReason::PegType);
        }
        if matches!(w.order.letters.cross_type, b'O' | b'C') && now_or_never {
            return Err(RejectReason::CrossOrder);
        }
        Ok(())
    }

    /// May this valid order be taken now? Checks 14 to 21.
    #[cold]
    pub(crate) fn check_permission(&self, w: &Working<'_>) -> Result<(), RejectReason> {
        let instrument = self.instrument(w.order.instrument);
        state_takes(instrument, w)?;
        let terms = &instrument.terms;
        let outside = w.limit < u64::from(terms.collar_low)
            || (terms.collar_high != 0 && w.limit > u64::from(terms.collar_high));
        if !w.is_market() && !w.extra.is_peg && outside {
            return Err(RejectReason::Price);
        }
        if self.login(w.order.login).guarded {
            self.check_risk(w)?;
        }
        if instrument.watch.any(Watch::BALANCES) { self.check_balance(w) } else { Ok(()) }
    }

    /// Room for another peg; one that takes a peg's place need not ask.
    pub(crate) fn check_room_for_pegs(&self, w: &Working<'_>) -> Result<(), RejectReason> {
        let full = w.extra.is_peg && self.instrument(w.order.instrument).watched.pegs.len() >= PEGS_MAX;
        if full { Err(RejectReason::Capacity) } else { Ok(()) }
    }
}

/// An instrument with one of these may refuse an order that is valid in itself.
pub(crate) const NEEDS_PERMISSION: u16 = Watch::SHUT | Watch::STATE | Watch::BOUNDS | Watch::BALANCES;

/// Listing, quantity and price: checks 4 to 6. `total` is what was asked for.
#[inline(always)]
fn check_terms(instrument: &Instrument, total: u32, limit: u64) -> Result<(), RejectReason> {
    if instrument.watch.any(Watch::SHUT) && !instrument.listed {
        return Err(RejectReason::Symbol);
    }
    if total == 0 || total > QUANTITY_MAX || !instrument.is_on_lot(total) {
        return Err(RejectReason::Quantity);
    }
    // Cannot truncate: below PRICE_MARKET a price fits u32 (asserted in limits).
    if limit < PRICE_MARKET && !instrument.is_on_tick(limit as u32) {
        return Err(RejectReason::Price);
    }
    Ok(())
}

/// Letters of tags, as sent.
fn check_options(options: &OrderOptions) -> Result<(), RejectReason> {
    let known = options.refused_tag == 0
        && matches!(options.customer_type, 0 | b'R' | b'N' | b' ')
        && matches!(options.post_only, 0 | b'P' | b'N')
        && matches!(options.shares_located, 0 | b'Y' | b'N');
    if known { Ok(()) } else { Err(RejectReason::Other) }
}

fn may_have_discretion(w: &Working<'_>) -> bool {
    w.order.letters.post_only != b'P'
        && w.extra.max_floor == 0
        && !w.extra.is_peg
        && w.extra.trigger_price == 0
        && !w.is_market()
        && w.order.letters.cross_type == b'N'
}

/// Check 14: what the state of the instrument takes (rules.md §8, §9).
fn state_takes(instrument: &Instrument, w: &Working<'_>) -> Result<(), RejectReason> {
    if instrument.killed {
        return Err(RejectReason::Halted);
    }
    match instrument.state {
        MarketState::Halted | MarketState::CancelOnly => return Err(RejectReason::Halted),
        MarketState::Closed => return Err(RejectReason::Closed),
        MarketState::PreOpen | MarketState::Auction | MarketState::Continuous => {}
    }
    if instrument.state.is_call() {
        let now_or_never =
            w.order.letters.time_in_force == b'3' || w.is_fill_or_kill() || w.extra.min_quantity != 0;
        if now_or_never {
            return Err(RejectReason::Halted);
        }
        let plain_market = w.is_market() && w.order.letters.cross_type == b'N' && !w.extra.is_peg;
        if plain_market && w.extra.trigger_price == 0 {
            return Err(RejectReason::MarketOrder);
        }
    }
    let called = instrument.state == MarketState::Auction;
    let comes = match w.order.letters.cross_type {
        b'O' => {
            instrument.state == MarketState::PreOpen || (called && instrument.auction == AuctionKind::Opening)
        }
        b'H' => called && instrument.auction == AuctionKind::Volatility,
        _ => true,
    };
    if comes { Ok(()) } else { Err(RejectReason::CrossOrder) }
}

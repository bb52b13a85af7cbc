//! An instrument: its terms, its state, its book, and the orders that need watching.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use ringside_book::{Book, Slot, Tick};
use ringside_domain::limits::{PRICE_MARKET, QUANTITY_MAX};
use ringside_domain::{
    Allocation, AuctionKind, InstrumentTerms, MarketState, OrderRef, Symbol, TickRange, TimeNs,
};

use crate::interest::Interest;

/// Facts about an instrument that make a command on it more than plain. All bits 0: continuous price-time trading
/// with nothing to watch, which is what the order path is made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Watch(u16);

impl Watch {
    /// Not in continuous trading.
    pub const STATE: u16 = 1;
    /// Parked stops: prints are noted.
    pub const STOPS: u16 = 1 << 1;
    /// Live pegs.
    pub const PEGS: u16 = 1 << 2;
    /// Resting discretionary orders.
    pub const DISCRETION: u16 = 1 << 3;
    /// A static collar or a dynamic band.
    pub const BOUNDS: u16 = 1 << 4;
    /// Pro-rata allocation.
    pub const PRO_RATA: u16 = 1 << 5;
    /// Balances mode.
    pub const BALANCES: u16 = 1 << 6;
    /// More than one tick.
    pub const RANGES: u16 = 1 << 7;
    /// Removed, or its kill switch is on.
    pub const SHUT: u16 = 1 << 8;
    /// Something besides the book has to know of orders that come and go.
    pub const NEEDS_CARE: u16 = Watch::SETTLES | Watch::PRO_RATA | Watch::BALANCES;
    /// What has to be looked at again after a change of the book.
    pub const SETTLES: u16 = Watch::STATE | Watch::STOPS | Watch::PEGS | Watch::DISCRETION;

    pub const fn any(self, bits: u16) -> bool {
        self.0 & bits != 0
    }

    pub const fn set(&mut self, bit: u16, on: bool) {
        if on { self.0 |= bit } else { self.0 &= !bit }
    }
}

/// An instrument and its book. What a plain order needs stands first, in two cache lines.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Instrument {
    pub(crate) watch: Watch,
    /// Noted in `Engine::touched` during this command.
    pub(crate) touched: bool,
    /// False once removed: takes no orders.
    pub listed: bool,
    /// `terms.tick`, `terms.lot` and `terms.symbol`, where they are at hand.
    tick: u32,
    lot: u32,
    /// Orders alive now, parked ones included.
    pub live_orders: u32,
    pub(crate) symbol: Symbol,
    pub(crate) book: Book,
    /// Wire price of the last trade, 0 = none yet.
    pub(crate) last: u32,
    /// The dynamic band has no reference until the next trade.
    pub(crate) band_cleared: bool,
    /// Terms in force.
    pub terms: InstrumentTerms,
    pub(crate) killed: bool,
    pub(crate) state: MarketState,
    pub(crate) auction: AuctionKind,
    /// When the call ends by itself; 0 = when told.
    pub(crate) call_ends_ns: TimeNs,
    /// Reference of the dynamic band during command number `band_command`.
    pub(crate) band_now: u32,
    pub(crate) band_command: u64,
    /// Lowest and highest print (wire prices) since the last election of stops; low > high = none.
    pub(crate) prints: (u32, u32),
    /// Indicative values last told.
    pub(crate) told: Indicative,
    /// Sums by price, while indicative prices are told.
    pub(crate) interest: Option<Box<Interest>>,
    /// Top orders of buyers and sellers (pro rata), 0 = none.
    pub(crate) top_buy: OrderRef,
    pub(crate) top_sell: OrderRef,
    pub(crate) watched: Watched,
}

const _: () =
    assert!(core::mem::offset_of!(Instrument, last) == 128, "what a plain order needs: two cache lines");

/// Indicative values of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Indicative {
    pub price: u64,
    pub quantity: u64,
    pub surplus: u64,
    pub surplus_buy: bool,
}

/// Orders that have to be found by something else than their place in the book. Trees: there are few of them, they
/// are walked in order, and they cost nothing while empty.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    /// In no book: untriggered stops, pegs without a price, at-close orders.
    pub parked: BTreeMap<OrderRef, Slot>,
    /// Untriggered stops by (wire price of the trigger, order).
    pub buy_stops: BTreeMap<(u32, OrderRef), Slot>,
    pub sell_stops: BTreeMap<(u32, OrderRef), Slot>,
    /// All pegs, parked or not.
    pub pegs: BTreeMap<OrderRef, Slot>,
    /// Best visible price without pegs, per side, when pegs were priced last; 0 = none.
    pub peg_references: (Tick, Tick),
    /// A peg was added since then.
    pub peg_added: bool,
    /// Resting discretionary orders by (discretion price in ticks, order).
    pub buy_discretion: BTreeMap<(Tick, OrderRef), Slot>,
    pub sell_discretion: BTreeMap<(Tick, OrderRef), Slot>,
}

/// No print.
pub(crate) const NO_PRINTS: (u32, u32) = (u32::MAX, 0);

impl Instrument {
    pub(crate) fn new(terms: InstrumentTerms) -> Self {
        let mut instrument = Instrument {
            watch: Watch::default(),
            touched: false,
            listed: true,
            tick: terms.tick,
            lot: terms.lot,
            live_orders: 0,
            symbol: terms.symbol,
            book: Book::default(),
            last: 0,
            band_cleared: false,
            terms,
            killed: false,
            state: MarketState::Continuous,
            auction: AuctionKind::Opening,
            call_ends_ns: 0,
            band_now: 0,
            band_command: 0,
            prints: NO_PRINTS,
            told: Indicative::default(),
            interest: None,
            top_buy: 0,
            top_sell: 0,
            watched: Watched::default(),
        };
        instrument.rewatch();
        instrument
    }

    /// Brings `watch` and the copies in line with terms, state and watched orders.
    pub(crate) fn rewatch(&mut self) {
        (self.tick, self.lot, self.symbol) = (self.terms.tick, self.terms.lot, self.terms.symbol);
        let terms = &self.terms;
        let bounds = terms.collar_low != 0 || terms.collar_high != 0 || terms.band_bps != 0;
        let discretion = !self.watched.buy_discretion.is_empty() || !self.watched.sell_discretion.is_empty();
        let stops = !self.watched.buy_stops.is_empty() || !self.watched.sell_stops.is_empty();
        let bits = [
            (Watch::STATE, self.state != MarketState::Continuous),
            (Watch::STOPS, stops),
            (Watch::PEGS, !self.watched.pegs.is_empty()),
            (Watch::DISCRETION, discretion),
            (Watch::BOUNDS, bounds),
            (Watch::PRO_RATA, terms.allocation == Allocation::ProRata),
            (Watch::BALANCES, !terms.base.is_blank()),
            (Watch::RANGES, terms.tick_ranges[0].from != 0),
            (Watch::SHUT, !self.listed || self.killed),
        ];
        bits.into_iter().for_each(|(bit, on)| self.watch.set(bit, on));
    }

    /// Wire price of a tick.
    #[inline(always)]
    pub(crate) fn price(&self, tick: Tick) -> u64 {
        u64::from(tick) * u64::from(self.tick)
    }

    /// Tick of a valid wire price below market.
    #[inline(always)]
    pub(crate) fn tick_at(&self, price: u64) -> Tick {
        debug_assert!(price < PRICE_MARKET, "Invariant: market has no tick");
        // Cannot truncate: below PRICE_MARKET a price fits u32 (asserted in limits).
        if self.tick == 1 { price as u32 } else { price as u32 / self.tick }
    }

    /// True when orders may have this price (below market).
    #[inline(always)]
    pub(crate) fn is_on_tick(&self, price: u32) -> bool {
        if price == 0 {
            return false;
        }
        if self.watch.any(Watch::RANGES) {
            return price.is_multiple_of(step_at(&self.terms, price));
        }
        self.tick == 1 || price.is_multiple_of(self.tick)
    }

    /// Tick of a priced order that has nothing to be asked for here but lot and tick.
    #[inline(always)]
    pub(crate) fn quiet_tick(&self, quantity: u32, price: u64) -> Option<Tick> {
        let valid = !self.watch.any(!Watch::RANGES)
            && (1..=QUANTITY_MAX).contains(&quantity)
            && self.is_on_lot(quantity)
            && price < PRICE_MARKET
            && self.is_on_tick(price as u32);
        valid.then(|| self.tick_at(price))
    }

    /// True when the quantity is a number of lots.
    #[inline(always)]
    pub(crate) fn is_on_lot(&self, quantity: u32) -> bool {
        self.lot == 1 || quantity.is_multiple_of(self.lot)
    }

    /// The highest valid price at or below a wire price; `None` below the first.
    pub(crate) fn floor(&self, price: i64) -> Option<u32> {
        floor_price(&self.terms, price)
    }

    /// The lowest valid price at or above a wire price; `None` when none is below market.
    pub(crate) fn ceil(&self, price: i64) -> Option<u32> {
        ceil_price(&self.terms, price)
    }

    /// Wire price of the last trade, or what stands for it; 0 = none.
    #[inline]
    pub(crate) fn last_price(&self) -> u32 {
        if self.last != 0 { self.last } else { self.terms.reference_price }
    }

    /// Reference of the band for the next command; 0 = none.
    pub(crate) fn band_next(&self) -> u32 {
        if self.band_cleared { 0 } else { self.last_price() }
    }

    /// Reference of the band for a command; 0 = none.
    pub(crate) fn band_reference(&self, command: u64) -> u32 {
        if self.band_command == command { self.band_now } else { self.band_next() }
    }

    /// OrderRefNum of the top order of a side (pro rata), 0 = none.
    pub(crate) fn top_mut(&mut self, buy: bool) -> &mut OrderRef {
        if buy { &mut self.top_buy } else { &mut self.top_sell }
    }

    /// An order left its place: it is no top order any more.
    pub(crate) fn drop_top(&mut self, order_ref: OrderRef) {
        if self.top_buy == order_ref {
            self.top_buy = 0;
        }
        if self.top_sell == order_ref {
            self.top_sell = 0;
        }
    }

    /// Notes a trade at a wire price.
    #[inline(always)]
    pub(crate) fn note_trade(&mut self, price: u64, command: u64) {
        if self.watch.any(Watch::BOUNDS) && self.band_command != command {
            self.band_now = self.band_next();
            self.band_command = command;
        }
        // Cannot truncate: orders trade below PRICE_MARKET.
        let price = price as u32;
        self.last = price;
        self.band_cleared = false;
        if self.watch.any(Watch::STOPS) {
            self.prints = (self.prints.0.min(price), self.prints.1.max(price));
        }
    }
}

/// Price step of a valid price around here.
fn step_at(terms: &InstrumentTerms, price: u32) -> u32 {
    let within = |range: &&TickRange| range.from != 0 && range.from <= price;
    terms.tick_ranges.iter().rev().find(within).map_or(terms.tick, |range| range.tick)
}

/// The first price of the tick range above the one of `price`.
fn next_range(terms: &InstrumentTerms, price: u32) -> Option<u32> {
    terms.tick_ranges.iter().map(|range| range.from).find(|from| *from != 0 && *from > price)
}

fn first_price_of_range(terms: &InstrumentTerms, price: u32) -> u32 {
    let within = |range: &&TickRange| range.from != 0 && range.from <= price;
    terms.tick_ranges.iter().rev().find(within).map_or(0, |range| range.from)
}

fn floor_price(terms: &InstrumentTerms, price: i64) -> Option<u32> {
    let mut price = u32::try_from(price.min(PRICE_MARKET as i64 - 1)).ok()?;
    // At most one turn per range: rounding down may leave the range below its first price.
    loop {
        let rounded = price - price % step_at(terms, price);
        let from = first_price_of_range(terms, price);
        if rounded >= from {
            return (rounded > 0).then_some(rounded);
        }
        price = from - 1;
    }
}

fn ceil_price(terms: &InstrumentTerms, price: i64) -> Option<u32> {
    let mut price = u32::try_from(price.max(1)).ok()?;
    loop {
        let rounded = price.checked_next_multiple_of(step_at(terms, price))?;
        match next_range(terms, price) {
            Some(from) if rounded >= from => price = from,
            _ => return (u64::from(rounded) < PRICE_MARKET).then_some(rounded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use ringside_domain::InstrumentId;

    fn terms() -> InstrumentTerms {
        let mut terms = InstrumentTerms::plain(InstrumentId(1), Symbol::BLANK, 5, 1);
        terms.tick_ranges[0] = TickRange { from: 103, tick: 10 };
        terms.tick_ranges[1] = TickRange { from: 200, tick: 50 };
        terms
    }

    /// All valid prices below 400, by the rule itself.
    fn valid() -> Vec<u32> {
        (1..400u32).filter(|price| price % step_at(&terms(), *price) == 0).collect()
    }

    #[test]
    fn rounding_finds_the_neighbouring_valid_price_across_ranges() {
        let (terms, valid) = (terms(), valid());
        assert!(
            valid.contains(&100) && valid.contains(&110) && !valid.contains(&105) && valid.contains(&200)
        );
        for price in -3..350i64 {
            let below = valid.iter().rev().find(|valid| i64::from(**valid) <= price).copied();
            assert_eq!(floor_price(&terms, price), below, "at or below {price}");
            let above = valid.iter().find(|valid| i64::from(**valid) >= price).copied();
            assert_eq!(ceil_price(&terms, price), above, "at or above {price}");
        }
        assert_eq!(floor_price(&terms, i64::MAX), Some(1_999_999_950));
        assert_eq!(ceil_price(&terms, 1_999_999_951), None);
    }
}

//! The tick table (§3): which prices are valid, and their neighbours. 0 stands for "no valid price".

use ringside_domain::InstrumentTerms;

/// The range a price lies in: its first price, its step, and where the next one begins.
fn range(terms: &InstrumentTerms, price: u64) -> (u64, u64, Option<u64>) {
    let used = || terms.tick_ranges.iter().filter(|range| range.from > 0);
    let mine = used().rfind(|range| u64::from(range.from) <= price);
    let next = used().map(|range| range.from.into()).find(|from| *from > price);
    mine.map_or((0, terms.tick.into(), next), |range| (range.from.into(), range.tick.into(), next))
}

/// True when the price is a multiple of the step of its own range.
pub(super) fn is_on_tick(terms: &InstrumentTerms, price: u64) -> bool {
    price.is_multiple_of(range(terms, price).1)
}

/// The highest valid price that is not above.
pub(super) fn at_or_below(terms: &InstrumentTerms, price: u64) -> u64 {
    let (from, step, _) = range(terms, price);
    let valid = price - price % step;
    if valid >= from { valid } else { at_or_below(terms, from - 1) }
}

/// The lowest valid price that is not below.
pub(super) fn at_or_above(terms: &InstrumentTerms, price: u64) -> u64 {
    let (_, step, next) = range(terms, price);
    let valid = price.next_multiple_of(step);
    match next {
        Some(next) if valid >= next => at_or_above(terms, next),
        _ => valid,
    }
}

/// One step down.
pub(super) fn below(terms: &InstrumentTerms, price: u64) -> u64 {
    price.checked_sub(1).map_or(0, |price| at_or_below(terms, price))
}

/// One step up.
pub(super) fn above(terms: &InstrumentTerms, price: u64) -> u64 {
    at_or_above(terms, price + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_domain::{InstrumentId, Symbol, TickRange};

    #[test]
    fn neighbours_cross_the_borders_of_ranges() {
        let mut terms = InstrumentTerms::plain(InstrumentId(1), Symbol::BLANK, 1, 1);
        terms.tick_ranges[0] = TickRange { from: 102, tick: 5 };
        terms.tick_ranges[1] = TickRange { from: 200, tick: 50 };
        assert_eq!((below(&terms, 105), above(&terms, 101)), (101, 105), "102 is no multiple of 5");
        assert_eq!((below(&terms, 200), above(&terms, 195), above(&terms, 200)), (195, 200, 250));
        assert_eq!((at_or_below(&terms, 104), at_or_above(&terms, 102)), (101, 105));
        assert!(is_on_tick(&terms, 101) && !is_on_tick(&terms, 102) && !is_on_tick(&terms, 210));
        assert_eq!((below(&terms, 1), below(&terms, 0)), (0, 0));
    }
}

//! Random draws from the journaled seed: SplitMix64 (Steele, Lea, Flood 2014), the high half of a product for a range.

use crate::Engine;

/// The next draw in `0..end` from a generator with this state.
pub(crate) fn draw(seed: &mut u64, end: u64) -> u64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    // Cannot truncate: the high half of a product is below either factor.
    ((u128::from(mixed) * u128::from(end)) >> 64) as u64
}

/// Shares of the next slice of an iceberg with `open` shares left (rules.md §4).
pub(crate) fn slice(seed: &mut u64, (max_floor, random, lot): (u32, u32, u32), open: u32) -> u32 {
    if random == 0 {
        return open.min(max_floor);
    }
    let (max_floor, random, lot) = (u64::from(max_floor), u64::from(random), u64::from(lot));
    let step = draw(seed, 2 * random / lot + 1);
    // Cannot underflow: random < max_floor, checked on entry. Cannot truncate: at most `open`.
    (max_floor - random + lot * step).min(u64::from(open)) as u32
}

impl Engine {
    /// A number in `0..end`.
    pub(crate) fn draw(&mut self, end: u64) -> u64 {
        draw(&mut self.counters.seed, end)
    }
}

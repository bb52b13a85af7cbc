//! Random draws from the journaled key: SipHash-2-4 (Aumasson, Bernstein 2012) over the number of the draw, the high half of a
//! product for a range. Who sees draws (ends of calls, sizes of slices) learns nothing of those to come.
//!
//! Without a key, as in journals of before there was one: SplitMix64 (Steele, Lea, Flood 2014) from the journaled seed.

use siphasher::sip::SipHasher24;

use crate::Engine;

/// The generator, to be drawn from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draws {
    pub key: [u64; 2],
    pub seed: u64,
}

impl Draws {
    /// The next draw in `0..end`.
    pub fn next(&mut self, end: u64) -> u64 {
        let mixed = if self.key == [0, 0] { split_mix(&mut self.seed) } else { self.keyed() };
        // Cannot truncate: the high half of a product is below either factor.
        ((u128::from(mixed) * u128::from(end)) >> 64) as u64
    }

    fn keyed(&mut self) -> u64 {
        let number = self.seed;
        self.seed = self.seed.wrapping_add(1);
        SipHasher24::new_with_keys(self.key[0], self.key[1]).hash(&number.to_le_bytes())
    }

    /// Shares of the next slice of an iceberg with `open` shares left (rules.md §4).
    pub fn slice(&mut self, (max_floor, random, lot): (u32, u32, u32), open: u32) -> u32 {
        if random == 0 {
            return open.min(max_floor);
        }
        let (max_floor, random, lot) = (u64::from(max_floor), u64::from(random), u64::from(lot));
        let step = self.next(2 * random / lot + 1);
        // Cannot underflow: random < max_floor, checked on entry. Cannot truncate: at most `open`.
        (max_floor - random + lot * step).min(u64::from(open)) as u32
    }
}

fn split_mix(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

impl Engine {
    /// A number in `0..end`.
    pub(crate) fn draw(&mut self, end: u64) -> u64 {
        self.drawn(|draws| draws.next(end))
    }

    /// Shares of the next slice of an iceberg.
    pub(crate) fn draw_slice(&mut self, shape: (u32, u32, u32), open: u32) -> u32 {
        self.drawn(|draws| draws.slice(shape, open))
    }

    /// The generator as it stands.
    pub(crate) fn draws(&self) -> Draws {
        Draws { key: self.counters.key, seed: self.counters.seed }
    }

    fn drawn<T>(&mut self, draw: impl FnOnce(&mut Draws) -> T) -> T {
        let mut draws = self.draws();
        let drawn = draw(&mut draws);
        self.counters.seed = draws.seed;
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyed_draws_are_siphash_2_4_over_their_number() {
        // The key of the test vectors of the paper (SipHash reference code, vectors_sip64): message 00 01 .. 07.
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        let mut draws = Draws { key, seed: 0x0706_0504_0302_0100 };
        assert_eq!(draws.keyed(), u64::from_le_bytes([0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93]));
        assert_eq!(draws.seed, 0x0706_0504_0302_0101);
    }

    #[test]
    fn draws_are_within_their_range_and_reach_all_of_it() {
        for key in [[0, 0], [1, 2]] {
            let mut draws = Draws { key, seed: 7 };
            let mut seen = [false; 5];
            (0..200).for_each(|_| seen[draws.next(5) as usize] = true);
            assert_eq!(seen, [true; 5]);
        }
    }
}

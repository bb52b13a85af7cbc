//! A small deterministic generator of pseudo-random numbers: the same numbers on every machine, for ever.
//!
//! xoshiro256** (Blackman and Vigna, <https://prng.di.unimi.it/xoshiro256starstar.c>), seeded by splitmix64
//! as its authors recommend. Both are in the public domain.

/// xoshiro256**.
#[derive(Clone, Debug)]
pub struct Prng([u64; 4]);

impl Prng {
    /// A generator; every seed is a good one, 0 too.
    pub fn new(seed: u64) -> Self {
        let mut splitmix = seed;
        Prng(std::array::from_fn(|_| {
            splitmix = splitmix.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (splitmix ^ (splitmix >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ (mixed >> 31)
        }))
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number in `0..end`.
    pub fn below(&mut self, end: u64) -> u64 {
        assert!(end > 0, "there is no number below 0");
        // Cannot overflow because the product of two u64 fits u128; the shifted result is < end.
        ((u128::from(self.next_u64()) * u128::from(end)) >> 64) as u64
    }

    /// True `percent` times out of 100.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `items`.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_numbers_and_other_seeds_others() {
        let numbers = |seed| std::iter::repeat_with(Prng::new(seed).into_next()).take(9).collect::<Vec<_>>();
        assert_eq!(numbers(7), numbers(7));
        assert_ne!(numbers(7), numbers(8));
    }

    #[test]
    fn numbers_below_an_end_stay_below_and_reach_every_one() {
        let mut prng = Prng::new(1);
        let mut seen = [false; 6];
        (0..1_000).for_each(|_| seen[prng.below(6) as usize] = true);
        assert_eq!(seen, [true; 6]);
    }

    impl Prng {
        fn into_next(mut self) -> impl FnMut() -> u64 {
            move || self.next_u64()
        }
    }
}

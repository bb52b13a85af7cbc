//! Random draws (§4, Icebergs): SipHash-2-4 with the key of the venue, written down from the paper (Aumasson, Bernstein:
//! SipHash, a fast short-input PRF, 2012); without a key SplitMix64. Then the high half of a product.

use super::Reference;

impl Reference {
    /// A number below `n`.
    pub(super) fn draw(&mut self, n: u128) -> u64 {
        let z = if self.key == [0, 0] {
            self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            split_mix(self.seed)
        } else {
            self.seed = self.seed.wrapping_add(1);
            siphash(self.key, self.seed.wrapping_sub(1))
        };
        ((u128::from(z) * n) >> 64) as u64
    }
}

fn split_mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// SipHash-2-4 of one 64-bit word.
fn siphash([k0, k1]: [u64; 2], word: u64) -> u64 {
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    // The last word has the length of the message in bytes in its highest byte.
    for m in [word, 8 << 56] {
        v[3] ^= m;
        sip_round(&mut v);
        sip_round(&mut v);
        v[0] ^= m;
    }
    v[2] ^= 0xff;
    (0..4).for_each(|_| sip_round(&mut v));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn sip_round([v0, v1, v2, v3]: &mut [u64; 4]) {
    *v0 = v0.wrapping_add(*v1);
    *v2 = v2.wrapping_add(*v3);
    *v1 = v1.rotate_left(13) ^ *v0;
    *v3 = v3.rotate_left(16) ^ *v2;
    *v0 = v0.rotate_left(32);
    *v2 = v2.wrapping_add(*v1);
    *v0 = v0.wrapping_add(*v3);
    *v1 = v1.rotate_left(17) ^ *v2;
    *v3 = v3.rotate_left(21) ^ *v0;
    *v2 = v2.rotate_left(32);
}

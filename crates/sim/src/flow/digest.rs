//! SHA-256 over the lines `taker,maker,price with 4 decimals,quantity`.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// A digest that grows fill by fill.
#[derive(Clone, Default)]
pub struct FillsDigest {
    hasher: Sha256,
    line: String,
}

impl FillsDigest {
    /// Digest of no fills.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next fill; the price is in wire units.
    pub fn add(&mut self, taker: &str, maker: &str, price: u64, quantity: u32) {
        self.line.clear();
        let price = decimal(price);
        // Writing to a String can not fail.
        let _ = writeln!(self.line, "{taker},{maker},{price},{quantity}");
        self.hasher.update(self.line.as_bytes());
    }

    /// 64 hexadecimal digits.
    pub fn finish(self) -> String {
        self.hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A wire price of four implied decimals as text, all four of them: 48002500 → `4800.2500`.
pub fn decimal(price: u64) -> String {
    format!("{}.{:04}", price / 10_000, price % 10_000)
}

/// Digest of `(taker id, maker id, wire price, quantity)` in order.
pub fn fills_digest<'a>(fills: impl IntoIterator<Item = (&'a str, &'a str, u64, u32)>) -> String {
    let mut digest = FillsDigest::new();
    for (taker, maker, price, quantity) in fills {
        digest.add(taker, maker, price, quantity);
    }
    digest.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_show_four_decimals() {
        assert_eq!(decimal(48_002_500), "4800.2500");
        assert_eq!(decimal(1), "0.0001");
    }

    #[test]
    fn the_digest_of_no_fills_is_the_digest_of_nothing() {
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(FillsDigest::new().finish(), nothing);
    }
}

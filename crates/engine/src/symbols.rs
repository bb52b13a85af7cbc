//! Symbol → instrument: open addressing, looked up by every new order, written only by configuration.
//! Never walked, so its order decides nothing.

use alloc::vec;
use alloc::vec::Vec;
use ringside_domain::{InstrumentId, Symbol};

/// Symbol table. Grows at configuration, never on the order path.
#[derive(Debug, Default)]
pub struct SymbolTable {
    /// (symbol, instrument); instrument 0 = free entry. Power of two, at most half full.
    entries: Vec<(u64, InstrumentId)>,
    /// 64 minus the bits of an index: how far a product is shifted to become one.
    shift: u32,
    used: usize,
}

impl SymbolTable {
    /// The instrument that was last added under this symbol.
    #[inline(always)]
    pub fn get(&self, symbol: Symbol) -> Option<InstrumentId> {
        let key = u64::from_le_bytes(symbol.0);
        let mut at = self.home(key)?;
        loop {
            let (found, instrument) = self.entries[at];
            if instrument.0 == 0 {
                return None;
            }
            if found == key {
                return Some(instrument);
            }
            at = (at + 1) & (self.entries.len() - 1);
        }
    }

    /// Adds a symbol, or lets it mean another instrument.
    pub fn insert(&mut self, symbol: Symbol, instrument: InstrumentId) {
        if (self.used + 1) * 2 > self.entries.len() {
            self.grow();
        }
        self.put(u64::from_le_bytes(symbol.0), instrument);
    }

    /// Fibonacci hashing: the upper bits of the product, which depend on all bits of the key.
    #[inline(always)]
    fn home(&self, key: u64) -> Option<usize> {
        let home = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize;
        (home < self.entries.len()).then_some(home)
    }

    fn put(&mut self, key: u64, instrument: InstrumentId) {
        let mut at = self.home(key).expect("the table has room");
        while self.entries[at].1.0 != 0 && self.entries[at].0 != key {
            at = (at + 1) & (self.entries.len() - 1);
        }
        self.used += usize::from(self.entries[at].1.0 == 0);
        self.entries[at] = (key, instrument);
    }

    fn grow(&mut self) {
        let size = (self.entries.len() * 2).max(16);
        let old = core::mem::replace(&mut self.entries, vec![(0, InstrumentId(0)); size]);
        self.shift = 64 - size.ilog2();
        self.used = 0;
        for (key, instrument) in old {
            if instrument.0 != 0 {
                self.put(key, instrument);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn ten_thousand_symbols_are_found_and_no_others() {
        let mut table = SymbolTable::default();
        assert_eq!(table.get(Symbol::BLANK), None);
        let symbol = |n: u32| Symbol::new(&format!("S{n}")).unwrap();
        (1..=10_000).for_each(|n| table.insert(symbol(n), InstrumentId(n)));
        assert!((1..=10_000).all(|n| table.get(symbol(n)) == Some(InstrumentId(n))));
        assert_eq!(table.get(symbol(10_001)), None);
        table.insert(symbol(5), InstrumentId(77));
        assert_eq!(table.get(symbol(5)), Some(InstrumentId(77)));
    }
}

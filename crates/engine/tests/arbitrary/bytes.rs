//! Bytes → letters, numbers, names.

use ringside_domain::*;

/// Reads values off a list of bytes, zeros when it ends; and the last UserRefNum it gave.
pub(super) struct Bytes<'a>(pub(super) &'a [u8], pub(super) UserRefNum);

impl Bytes<'_> {
    pub(super) fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    /// A letter of the list mostly, else any.
    pub(super) fn letter(&mut self, good: &[u8]) -> u8 {
        match self.byte() {
            escape @ 250.. => self.byte() ^ escape,
            index => good[usize::from(index) % good.len()],
        }
    }

    /// Small mostly, else anything; the extremes are never far.
    pub(super) fn long(&mut self) -> u64 {
        match self.byte() {
            small @ 0..=199 => small.into(),
            200..=219 => u64::from(u16::from_le_bytes(self.array())),
            220..=229 => u64::from(u32::from_le_bytes(self.array())),
            230..=239 => u64::from_le_bytes(self.array()),
            240..=244 => u64::MAX - u64::from(self.byte()),
            _ => limits::PRICE_MARKET.wrapping_add(u64::from(self.byte())).wrapping_sub(2),
        }
    }

    pub(super) fn number(&mut self) -> u32 {
        self.long() as u32
    }

    /// Mostly the next one.
    pub(super) fn fresh(&mut self) -> UserRefNum {
        if self.byte() > 240 {
            return self.number();
        }
        self.1 = self.1.saturating_add(1);
        self.1
    }

    /// Mostly one of the last.
    pub(super) fn recent(&mut self) -> UserRefNum {
        match self.byte() {
            241.. => self.number(),
            back => self.1.saturating_sub(u32::from(back % 16)),
        }
    }

    pub(super) fn text<const N: usize>(&mut self, good: &[&str]) -> Text<N> {
        match self.byte() {
            255 => Text(self.array()),
            index => Text::new(good[usize::from(index) % good.len()]).expect("short"),
        }
    }

    pub(super) fn login(&mut self) -> LoginId {
        LoginId(u32::from(self.byte() % 5))
    }

    pub(super) fn instrument(&mut self) -> InstrumentId {
        InstrumentId(u32::from(self.byte() % 5))
    }

    pub(super) fn time(&mut self) -> TimeNs {
        match self.byte() {
            0..=99 => NO_EXPIRE_AT,
            100..=119 => 0,
            _ => self.long().saturating_mul(1_000_000),
        }
    }

    /// Something rare: 0 mostly.
    pub(super) fn rare(&mut self, value: impl FnOnce(&mut Self) -> u32) -> u32 {
        if self.byte() < 200 { 0 } else { value(self) }
    }

    pub(super) fn rare_letter(&mut self, good: &[u8]) -> u8 {
        if self.byte() < 200 { 0 } else { self.letter(good) }
    }
}

pub(super) const SYMBOLS: [&str; 4] = ["X", "Y", "NEW", ""];
pub(super) const FIRMS: [&str; 3] = ["", "FRMA", "FRMB"];
pub(super) const ACCOUNTS: [&str; 4] = ["", "FUND", "U1", "U2"];
pub(super) const ASSETS: [&str; 4] = ["", "BTC", "USD", "EUR"];
pub(super) const LABELS: [&str; 2] = ["", "LABEL"];

//! Fixed-width text as the wire has it: ASCII, left-justified, right-padded with spaces.

use core::fmt;

/// `N` bytes of text, right-padded with spaces. Bytes are kept exactly as they were received.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const N: usize>(pub [u8; N]);

/// Instrument symbol, 8 bytes.
pub type Symbol = Text<8>;
/// Firm, 4 bytes; blank means the login's own.
pub type Firm = Text<4>;
/// Login name, 6 bytes, case-sensitive.
pub type Username = Text<6>;
/// Account that a login trades for, 8 bytes.
pub type Account = Text<8>;
/// What balances are kept in, 4 bytes.
pub type Asset = Text<4>;
/// Why a state changed, 4 bytes.
pub type Reason = Text<4>;
/// The client's free label of an order, 14 bytes, never checked for uniqueness.
pub type ClientOrderId = Text<14>;

impl<const N: usize> Text<N> {
    /// All spaces.
    pub const BLANK: Self = Text([b' '; N]);

    /// Text padded to `N`; `None` when longer than `N` bytes or not printable ASCII.
    pub fn new(text: &str) -> Option<Self> {
        if text.len() > N || !text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return None;
        }
        let mut bytes = [b' '; N];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Some(Text(bytes))
    }

    /// The bytes without the padding.
    pub fn trimmed(&self) -> &[u8] {
        let end = self.0.iter().rposition(|b| *b != b' ').map_or(0, |last| last + 1);
        &self.0[..end]
    }

    /// The text without the padding; bytes that are not ASCII end it early.
    pub fn as_str(&self) -> &str {
        let trimmed = self.trimmed();
        let end = trimmed.iter().position(|b| !b.is_ascii()).unwrap_or(trimmed.len());
        core::str::from_utf8(&trimmed[..end]).unwrap_or("")
    }

    /// True when there is nothing but spaces.
    pub fn is_blank(&self) -> bool {
        self.trimmed().is_empty()
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::BLANK
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_padded_with_spaces_and_trimmed_again() {
        let symbol = Symbol::new("ESH4").unwrap();
        assert_eq!(&symbol.0, b"ESH4    ");
        assert_eq!(symbol.as_str(), "ESH4");
        assert!(Symbol::BLANK.is_blank());
    }

    #[test]
    fn text_refuses_what_does_not_fit_or_print() {
        assert_eq!(Firm::new("FIVES"), None);
        assert_eq!(Firm::new("A\n"), None);
        assert_eq!(Firm::new("\u{e9}"), None);
    }
}

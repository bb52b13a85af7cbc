//! The four sides of OUCH 5.0.

/// Side of an order. Short and short-exempt sales match like sales; the letter is only echoed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Side {
    /// `B`
    Buy = b'B',
    /// `S`
    Sell = b'S',
    /// `T`
    SellShort = b'T',
    /// `E`
    SellShortExempt = b'E',
}

impl Side {
    /// The side of an OUCH letter; `None` for any other byte (lower case included).
    pub const fn from_letter(letter: u8) -> Option<Side> {
        match letter {
            b'B' => Some(Side::Buy),
            b'S' => Some(Side::Sell),
            b'T' => Some(Side::SellShort),
            b'E' => Some(Side::SellShortExempt),
            _ => None,
        }
    }

    /// The OUCH letter.
    pub const fn letter(self) -> u8 {
        self as u8
    }

    /// True for the bid side of the book.
    pub const fn is_buy(self) -> bool {
        matches!(self, Side::Buy)
    }
}

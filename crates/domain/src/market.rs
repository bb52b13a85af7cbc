//! States of an instrument, kinds of auctions, ways to share a fill, ways to prevent a self-trade.

/// What an instrument does with orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum MarketState {
    /// Orders gather; nothing trades.
    PreOpen = b'P',
    /// The call of an auction: orders gather, an indicative price is told.
    Auction = b'A',
    /// Orders trade as they come.
    Continuous = b'T',
    /// No new orders; cancels only. By an operator or a rule.
    Halted = b'H',
    /// No new orders; cancels only.
    CancelOnly = b'X',
    /// No new orders; cancels only. The day is over.
    Closed = b'C',
}

impl MarketState {
    /// The state of a letter.
    pub const fn from_letter(letter: u8) -> Option<MarketState> {
        Some(match letter {
            b'P' => MarketState::PreOpen,
            b'A' => MarketState::Auction,
            b'T' => MarketState::Continuous,
            b'H' => MarketState::Halted,
            b'X' => MarketState::CancelOnly,
            b'C' => MarketState::Closed,
            _ => return None,
        })
    }

    /// True while orders gather for an auction.
    pub const fn is_call(self) -> bool {
        matches!(self, MarketState::PreOpen | MarketState::Auction)
    }
}

/// Which auction. The letters are those of OUCH cross types.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum AuctionKind {
    /// Opens the day.
    Opening = b'O',
    /// Ends the day.
    Closing = b'C',
    /// After a halt or a breach of the dynamic band.
    Volatility = b'H',
}

impl AuctionKind {
    /// The kind of a letter.
    pub const fn from_letter(letter: u8) -> Option<AuctionKind> {
        Some(match letter {
            b'O' => AuctionKind::Opening,
            b'C' => AuctionKind::Closing,
            b'H' => AuctionKind::Volatility,
            _ => return None,
        })
    }
}

/// How an incoming order is shared among the resting orders at a price.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Allocation {
    /// Oldest first.
    PriceTime = b'F',
    /// CME: top order, pro rata with a minimum of two lots, then oldest first.
    ProRata = b'P',
}

impl Allocation {
    /// The allocation of a letter.
    pub const fn from_letter(letter: u8) -> Option<Allocation> {
        Some(match letter {
            b'F' => Allocation::PriceTime,
            b'P' => Allocation::ProRata,
            _ => return None,
        })
    }
}

/// What happens when an incoming order meets a resting one of the same firm. The incoming login's choice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum SelfTradePrevention {
    /// They trade.
    None = b' ',
    /// The incoming order is cancelled.
    CancelNewest = b'N',
    /// The resting order is cancelled.
    CancelOldest = b'O',
    /// Both are cancelled.
    CancelBoth = b'B',
    /// Both are reduced by the smaller quantity.
    Decrement = b'D',
}

impl SelfTradePrevention {
    /// The mode of a letter.
    pub const fn from_letter(letter: u8) -> Option<SelfTradePrevention> {
        Some(match letter {
            b' ' => SelfTradePrevention::None,
            b'N' => SelfTradePrevention::CancelNewest,
            b'O' => SelfTradePrevention::CancelOldest,
            b'B' => SelfTradePrevention::CancelBoth,
            b'D' => SelfTradePrevention::Decrement,
            _ => return None,
        })
    }
}

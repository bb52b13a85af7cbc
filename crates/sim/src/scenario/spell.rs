//! Words ↔ values, each in one table, so that what is written is read again.

use ringside_domain::{
    Allocation, AuctionKind, CancelReason, Liquidity, MarketState, RejectReason, SelfTradePrevention,
    VenueRefusal,
};

/// A word and what it means.
pub(super) type Table<T, const N: usize> = [(&'static str, T); N];

pub(super) const SIDES: Table<u8, 4> = [("buy", b'B'), ("sell", b'S'), ("short", b'T'), ("exempt", b'E')];

pub(super) const PEGS: Table<u8, 3> = [("primary", b'R'), ("market", b'P'), ("mid", b'M')];

pub(super) const BUST_REASONS: Table<u8, 4> =
    [("erroneous", b'E'), ("consent", b'C'), ("supervisory", b'S'), ("external", b'X')];

pub(super) const STATES: Table<MarketState, 6> = [
    ("pre-open", MarketState::PreOpen),
    ("auction", MarketState::Auction),
    ("continuous", MarketState::Continuous),
    ("halted", MarketState::Halted),
    ("cancel-only", MarketState::CancelOnly),
    ("closed", MarketState::Closed),
];

pub(super) const KINDS: Table<AuctionKind, 3> = [
    ("opening", AuctionKind::Opening),
    ("closing", AuctionKind::Closing),
    ("volatility", AuctionKind::Volatility),
];

pub(super) const ALLOCATIONS: Table<Allocation, 2> =
    [("price-time", Allocation::PriceTime), ("pro-rata", Allocation::ProRata)];

pub(super) const PREVENTIONS: Table<SelfTradePrevention, 5> = [
    ("none", SelfTradePrevention::None),
    ("cancel-newest", SelfTradePrevention::CancelNewest),
    ("cancel-oldest", SelfTradePrevention::CancelOldest),
    ("cancel-both", SelfTradePrevention::CancelBoth),
    ("decrement", SelfTradePrevention::Decrement),
];

pub(super) const LIQUIDITIES: Table<Liquidity, 5> = [
    ("added", Liquidity::Added),
    ("removed", Liquidity::Removed),
    ("opening", Liquidity::Opening),
    ("closing", Liquidity::Closing),
    ("halt", Liquidity::Halt),
];

pub(super) const CANCEL_REASONS: Table<CancelReason, 8> = [
    ("user", CancelReason::User),
    ("immediate", CancelReason::Immediate),
    ("post-only", CancelReason::PostOnly),
    ("supervisory", CancelReason::Supervisory),
    ("timeout", CancelReason::Timeout),
    ("closed", CancelReason::Closed),
    ("cross", CancelReason::Cross),
    ("collar", CancelReason::Collar),
];

pub(super) const REJECT_REASONS: Table<RejectReason, 21> = [
    ("closed", RejectReason::Closed),
    ("display", RejectReason::Display),
    ("max-floor", RejectReason::MaxFloor),
    ("peg-type", RejectReason::PegType),
    ("halted", RejectReason::Halted),
    ("side", RejectReason::Side),
    ("capacity", RejectReason::Capacity),
    ("entry-disabled", RejectReason::EntryDisabled),
    ("min-quantity", RejectReason::MinQuantity),
    ("other", RejectReason::Other),
    ("quantity", RejectReason::Quantity),
    ("cross-order", RejectReason::CrossOrder),
    ("symbol", RejectReason::Symbol),
    ("price", RejectReason::Price),
    ("exposure", RejectReason::Exposure),
    ("restricted", RejectReason::Restricted),
    ("fat-finger", RejectReason::FatFinger),
    ("message-rate", RejectReason::MessageRate),
    ("market-order", RejectReason::MarketOrder),
    ("notional", RejectReason::Notional),
    ("max-quantity", RejectReason::MaxQuantity),
];

pub(super) const REFUSALS: Table<VenueRefusal, 10> = [
    ("instrument", VenueRefusal::Instrument),
    ("login", VenueRefusal::Login),
    ("terms", VenueRefusal::Terms),
    ("state", VenueRefusal::State),
    ("scope", VenueRefusal::Scope),
    ("match", VenueRefusal::Match),
    ("broken", VenueRefusal::Broken),
    ("balance", VenueRefusal::Balance),
    ("range", VenueRefusal::Range),
    ("capacity", VenueRefusal::Capacity),
];

/// The value of a word.
pub(super) fn value<T: Copy>(table: &[(&'static str, T)], word: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
}

/// The word of a value.
pub(super) fn word<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> Option<&'static str> {
    table.iter().find(|(_, known)| known == value).map(|(word, _)| *word)
}

/// The word of a value that has one.
pub(super) fn sure_word<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    word(table, value).expect("Invariant: every value of the enum is in its table")
}

/// Bytes that can stand in a line: all but printable letters become `\xNN`, and so do letters that mean something
/// at the start of a word.
pub(super) fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        if byte.is_ascii_graphic() && !b"\\#>".contains(byte) {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// The bytes of an escaped text; `None` for a broken escape.
pub(super) fn unescape(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        if *first == b'\\' {
            let digits = std::str::from_utf8(after.get(1..3)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| after[0] == b'x')?);
            rest = &after[3..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_survive_escaping() {
        let all: Vec<u8> = (0..=255).collect();
        let text = escape(&all);
        assert!(!text.contains(char::is_whitespace));
        assert_eq!(unescape(&text), Some(all));
        assert_eq!(unescape("\\x2"), None);
        assert_eq!(unescape("\\y20"), None);
    }
}

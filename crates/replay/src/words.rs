//! Codes and times as words, for people.

use jiff::Timestamp;
use ringside_domain::{CancelReason, Fact, Liquidity, RejectReason, SelfTradePrevention, TimeNs};

/// A journal time as UTC to the nanosecond; its digits when it is beyond the calendar.
pub fn time_words(time_ns: TimeNs) -> String {
    Timestamp::from_nanosecond(i128::from(time_ns))
        .map_or_else(|_| time_ns.to_string(), |time| format!("{time:.9}"))
}

/// What happened to an order, in words that need no table of codes.
pub fn fact_words(fact: &Fact) -> String {
    match fact {
        Fact::Accepted(order) if order.original == 0 => "accepted".into(),
        Fact::Accepted(order) => format!("accepted in place of {}", order.original),
        Fact::Canceled { quantity, reason, .. } => format!("{quantity} canceled: {}", cancel_words(*reason)),
        Fact::Executed { quantity, price, liquidity, .. } => {
            format!("{quantity} executed at {price}: {}", liquidity_words(*liquidity))
        }
        Fact::Prevented { quantity, mode, .. } => {
            format!("{quantity} taken off, no trade with its own firm: {}", prevention_words(*mode))
        }
        Fact::Refreshed { displayed, .. } => {
            format!("shows its next slice of {displayed}, last in its level")
        }
        Fact::Repriced { price: 0, .. } => "waits outside the book".into(),
        Fact::Repriced { price, .. } => format!("stands at {price}, last in its level"),
        Fact::Triggered { .. } => "stop triggered".into(),
        Fact::Broken { match_number, .. } => format!("trade {match_number} broken"),
        Fact::Rejected { reason, .. } => format!("rejected: {}", reject_words(*reason)),
        Fact::Modified { side, quantity, .. } => {
            format!("modified: side {}, {quantity} open", char::from(side.letter()))
        }
        _ => String::new(),
    }
}

/// Why shares were taken off.
pub fn cancel_words(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::User => "asked for, or its replacement was invalid",
        CancelReason::Immediate => "what an order that may not rest left over, or less than its minimum",
        CancelReason::PostOnly => "post-only, and would have traded",
        CancelReason::Supervisory => "disconnected, or by the operator",
        CancelReason::Timeout => "its time is over",
        CancelReason::Closed => "the day is over",
        CancelReason::Cross => "its auction is over",
        CancelReason::Collar => "a market order that met the collar or the band",
    }
}

/// Which side of a match.
pub fn liquidity_words(liquidity: Liquidity) -> &'static str {
    match liquidity {
        Liquidity::Added => "it was resting",
        Liquidity::Removed => "it came in",
        Liquidity::Opening => "in the opening auction",
        Liquidity::Closing => "in the closing auction",
        Liquidity::Halt => "in the auction after a halt",
    }
}

fn prevention_words(mode: SelfTradePrevention) -> &'static str {
    match mode {
        SelfTradePrevention::None => "no prevention",
        SelfTradePrevention::CancelNewest => "the incoming order is cancelled",
        SelfTradePrevention::CancelOldest => "the resting order is cancelled",
        SelfTradePrevention::CancelBoth => "both are cancelled",
        SelfTradePrevention::Decrement => "both are reduced",
    }
}

/// Why a new order was refused.
pub fn reject_words(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::Closed => "the instrument's day is over",
        RejectReason::Display => "invalid display",
        RejectReason::MaxFloor => "invalid max floor",
        RejectReason::PegType => "the peg contradicts the rest of the order",
        RejectReason::Halted => "the instrument's state does not take this order",
        RejectReason::Side => "invalid side",
        RejectReason::Capacity => "a capacity limit of the venue is reached",
        RejectReason::EntryDisabled => "order entry is disabled",
        RejectReason::MinQuantity => "invalid minimum quantity",
        RejectReason::Other => "a letter or tag that is unknown, repeated, or not offered",
        RejectReason::Quantity => "invalid quantity",
        RejectReason::CrossOrder => "no such auction is to come",
        RejectReason::Symbol => "unknown symbol",
        RejectReason::Price => "invalid price",
        RejectReason::Exposure => "open orders, position or balance would exceed what is allowed",
        RejectReason::Restricted => "the instrument is forbidden to the login, firm or account",
        RejectReason::FatFinger => "too far on the wrong side of the last trade",
        RejectReason::MessageRate => "message rate",
        RejectReason::MarketOrder => "market orders are not taken now",
        RejectReason::Notional => "price × quantity is above the limit",
        RejectReason::MaxQuantity => "above the quantity limit",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_utc_to_the_nanosecond() {
        assert_eq!(time_words(1_703_520_000_000_000_001), "2023-12-25T16:00:00.000000001Z");
        assert_eq!(time_words(0), "1970-01-01T00:00:00.000000000Z");
        assert!(time_words(u64::MAX).starts_with("2554-"));
    }
}

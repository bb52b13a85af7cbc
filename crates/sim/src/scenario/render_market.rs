//! Public facts → lines.

use ringside_domain::{MarketFact, MarketState};

use super::line::{Line, half, price};
use super::spell::{KINDS, STATES, sure_word};

impl Line {
    pub(super) fn market(&mut self, fact: &MarketFact) {
        match *fact {
            MarketFact::Added { .. }
            | MarketFact::Executed { .. }
            | MarketFact::Reduced { .. }
            | MarketFact::Deleted { .. }
            | MarketFact::Replaced { .. } => self.book(fact),
            MarketFact::Traded { match_number, quantity, price: at, buy } => {
                let side = half(buy);
                self.words(format_args!("traded {side} {quantity} @ {} match {match_number}", price(at)));
            }
            MarketFact::Broken { match_number } => self.words(format_args!("broken match {match_number}")),
            _ => self.auction(fact),
        }
    }

    /// What happens to displayed orders.
    fn book(&mut self, fact: &MarketFact) {
        match *fact {
            MarketFact::Added { public_ref, buy, quantity, price: at } => {
                let (side, at) = (half(buy), price(at));
                self.words(format_args!("added ref {public_ref} {side} {quantity} @ {at}"));
            }
            MarketFact::Executed { public_ref, quantity, price: at, match_number } => {
                let at = price(at);
                self.words(format_args!("executed ref {public_ref} {quantity} @ {at} match {match_number}"));
            }
            MarketFact::Reduced { public_ref, quantity } => {
                self.words(format_args!("reduced ref {public_ref} {quantity}"));
            }
            MarketFact::Deleted { public_ref } => self.words(format_args!("deleted ref {public_ref}")),
            MarketFact::Replaced { old, new, quantity, price: at } => {
                self.words(format_args!("replaced ref {old} -> {new} {quantity} @ {}", price(at)));
            }
            _ => unreachable!("Invariant: market() told them apart"),
        }
    }

    /// States and auctions.
    fn auction(&mut self, fact: &MarketFact) {
        match *fact {
            MarketFact::Crossed { auction, price: at, quantity } => {
                let kind = sure_word(&KINDS, &auction);
                self.words(format_args!("crossed {kind} {quantity} @ {}", price(at)));
            }
            MarketFact::Indicative { price: at, quantity, surplus, surplus_buy } => {
                self.words(format_args!("indicative {quantity} @ {} surplus {surplus}", price(at)));
                if surplus > 0 || surplus_buy {
                    self.words(half(surplus_buy));
                }
            }
            MarketFact::State { state, auction, reason } => {
                self.words(format_args!("state {}", sure_word(&STATES, &state)));
                if state == MarketState::Auction {
                    self.option("kind", sure_word(&KINDS, &auction));
                }
                self.text("reason", &reason);
            }
            _ => unreachable!("Invariant: market() told them apart"),
        }
    }
}

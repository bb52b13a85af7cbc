//! Auctions (§9): the price, the matches, the indicative values.

use std::collections::{BTreeMap, BTreeSet};

use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::{
    AuctionKind, InstrumentId, InstrumentTerms, Liquidity, MarketFact, MarketState, OrderRef,
};

use super::Reference;
use super::checks::is_beyond_collar;
use super::instrument::Indicative;
use super::state::Order;
use super::ticks;

/// Open shares by price; market orders count at every price.
#[derive(Clone, Default, Debug)]
struct Interest {
    market_buys: u64,
    market_sells: u64,
    buys: BTreeMap<u64, u64>,
    sells: BTreeMap<u64, u64>,
}

/// A price at which an auction may trade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Candidate {
    price: u64,
    volume: u64,
    /// Buys less sells.
    surplus: i64,
}

impl Interest {
    fn add(&mut self, buy: bool, price: u64, open: u32) {
        let open = u64::from(open);
        match (buy, price >= PRICE_MARKET) {
            (true, true) => self.market_buys += open,
            (false, true) => self.market_sells += open,
            (true, false) => *self.buys.entry(price).or_default() += open,
            (false, false) => *self.sells.entry(price).or_default() += open,
        }
    }

    fn at(&self, price: u64) -> Candidate {
        let buys = self.market_buys + self.buys.range(price..).map(|(_, open)| open).sum::<u64>();
        let sells = self.market_sells + self.sells.range(..=price).map(|(_, open)| open).sum::<u64>();
        Candidate { price, volume: buys.min(sells), surplus: buys.cast_signed() - sells.cast_signed() }
    }

    /// Valid prices from the lowest to the highest limit or reference, within the collar. Of the ticks between two
    /// such prices, where nothing changes, the first and the last stand for all.
    fn candidates(&self, reference: u64, terms: &InstrumentTerms) -> Vec<Candidate> {
        let mut known: BTreeSet<u64> = self.buys.keys().chain(self.sells.keys()).copied().collect();
        known.extend((reference > 0).then_some(reference));
        let (Some(lowest), Some(highest)) = (known.first().copied(), known.last().copied()) else {
            return Vec::new();
        };
        known.extend([u64::from(terms.collar_low), u64::from(terms.collar_high)]);
        let neighbours = |price: &u64| {
            [ticks::below, ticks::at_or_below, ticks::at_or_above, ticks::above]
                .map(|near| near(terms, *price))
        };
        let prices: BTreeSet<u64> = known.iter().flat_map(neighbours).collect();
        let allowed = prices.range(lowest.max(1)..=highest).filter(|price| !is_beyond_collar(terms, **price));
        allowed.map(|price| self.at(*price)).collect()
    }

    /// The auction's price, or nothing when nothing would trade.
    fn clear(&self, reference: u64, terms: &InstrumentTerms) -> Option<Candidate> {
        self.choose(self.candidates(reference, terms), reference, terms)
    }

    fn choose(
        &self,
        mut candidates: Vec<Candidate>,
        reference: u64,
        terms: &InstrumentTerms,
    ) -> Option<Candidate> {
        let most = candidates.iter().map(|candidate| candidate.volume).max().filter(|volume| *volume > 0)?;
        candidates.retain(|candidate| candidate.volume == most);
        let least = candidates.iter().map(|candidate| candidate.surplus.unsigned_abs()).min()?;
        candidates.retain(|candidate| candidate.surplus.unsigned_abs() == least);
        let (lowest, highest) = (candidates.first()?.price, candidates.last()?.price);
        if candidates.iter().all(|candidate| candidate.surplus > 0) {
            Some(self.at(highest))
        } else if candidates.iter().all(|candidate| candidate.surplus < 0) {
            Some(self.at(lowest))
        } else if reference > 0 {
            Some(self.at(ticks::at_or_below(terms, reference.clamp(lowest, highest))))
        } else {
            Some(self.at(ticks::at_or_below(terms, lowest.midpoint(highest))))
        }
    }
}

impl Reference {
    /// What the auction would do now.
    fn clearing(&self, id: InstrumentId) -> Option<Candidate> {
        let instrument = self.at(id);
        let mut interest = Interest::default();
        for (buy, hidden) in [(true, false), (true, true), (false, false), (false, true)] {
            for order_ref in instrument.book.in_priority(buy, hidden) {
                let order = &self.orders[&order_ref];
                interest.add(buy, order.price, order.open);
            }
        }
        interest.clear(instrument.last_price(), &instrument.terms)
    }

    /// The auction trades; what is left of its own orders is cancelled.
    pub(super) fn uncross(&mut self, id: InstrumentId) {
        let auction = self.at(id).auction;
        if let Some(clearing) = self.clearing(id) {
            let mut left = clearing.volume;
            while left > 0 {
                left -= u64::from(self.cross_heads(id, clearing.price, left));
            }
            let (price, quantity) = (clearing.price, clearing.volume);
            self.tell_public(id, MarketFact::Crossed { auction, price, quantity });
            self.at_mut(id).move_band();
        } else if auction == AuctionKind::Volatility && self.at(id).state.is_call() {
            self.at_mut(id).band_unknown = true;
        }
        self.cancel_crosses(id, |_| true);
    }

    /// One match of the first buyer and the first seller. Returns its shares.
    fn cross_heads(&mut self, id: InstrumentId, price: u64, left: u64) -> u32 {
        let (buy, sell) = (self.head(id, true), self.head(id, false));
        let most = self.orders[&buy].at_hand().min(self.orders[&sell].at_hand());
        let quantity = u32::try_from(left).unwrap_or(u32::MAX).min(most);
        let (buyer, seller) = (self.fill(buy, quantity), self.fill(sell, quantity));
        self.count_match(id, price, quantity);
        self.tell_crossed(&buyer, &seller, price, quantity);
        let maker_ppm = self.at(id).terms.maker_fee_ppm;
        self.settle_trade((&buyer, maker_ppm), (&seller, maker_ppm), price, quantity);
        self.note_fill(&buyer, &seller, price, quantity);
        self.refresh_if_used_up(buy);
        self.refresh_if_used_up(sell);
        quantity
    }

    fn head(&self, id: InstrumentId, buy: bool) -> OrderRef {
        self.at(id).book.first(buy).expect("Invariant: the auction's volume is there on both sides").1
    }

    fn tell_crossed(&mut self, buyer: &Order, seller: &Order, price: u64, quantity: u32) {
        let liquidity = match self.at(buyer.instrument).auction {
            AuctionKind::Opening => Liquidity::Opening,
            AuctionKind::Closing => Liquidity::Closing,
            AuctionKind::Volatility => Liquidity::Halt,
        };
        for order in [buyer, seller] {
            self.tell_executed(order, quantity, price, liquidity);
        }
        for order in [buyer, seller] {
            self.tell_public_executed(order, quantity, price);
        }
    }

    /// In a call: what the auction would do, when that is not what was told last.
    pub(super) fn tell_indicative(&mut self, id: InstrumentId) {
        if self.at(id).state != MarketState::Auction {
            return;
        }
        let now = self.clearing(id).map_or_else(Indicative::default, |clearing| Indicative {
            price: clearing.price,
            volume: clearing.volume,
            surplus: clearing.surplus.unsigned_abs(),
            surplus_buy: clearing.surplus > 0,
        });
        if self.at(id).told != now {
            self.at_mut(id).told = now;
            let Indicative { price, volume: quantity, surplus, surplus_buy } = now;
            self.tell_public(id, MarketFact::Indicative { price, quantity, surplus, surplus_buy });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_domain::Symbol;

    fn plain() -> InstrumentTerms {
        InstrumentTerms::plain(InstrumentId(1), Symbol::BLANK, 1, 1)
    }

    fn interest(bids: &[(u64, u32)], asks: &[(u64, u32)]) -> Interest {
        let mut interest = Interest::default();
        bids.iter().for_each(|(price, open)| interest.add(true, *price, *open));
        asks.iter().for_each(|(price, open)| interest.add(false, *price, *open));
        interest
    }

    /// Price, volume and surplus.
    fn clear(bids: &[(u64, u32)], asks: &[(u64, u32)], reference: u64) -> Option<(u64, u64, i64)> {
        let clearing = interest(bids, asks).clear(reference, &plain())?;
        Some((clearing.price, clearing.volume, clearing.surplus))
    }

    #[test]
    fn most_volume_then_least_surplus_then_the_side_of_the_surplus() {
        let most = clear(&[(202, 200), (201, 200), (200, 300)], &[(200, 100), (198, 200), (197, 400)], 0);
        assert_eq!(most, Some((200, 700, 0)));
        let demand = clear(&[(202, 400), (201, 200)], &[(199, 300), (198, 200)], 0);
        assert_eq!(demand, Some((201, 500, 100)), "buyers are left over: the highest price");
        let supply = clear(&[(202, 300), (201, 200)], &[(199, 400), (198, 200)], 0);
        assert_eq!(supply, Some((199, 500, -100)), "sellers are left over: the lowest price");
    }

    #[test]
    fn the_reference_decides_between_equal_prices() {
        let (bids, asks) = ([(202, 5)], [(198, 5)]);
        for (reference, price) in [(0, 200), (201, 201), (250, 202), (100, 198)] {
            assert_eq!(clear(&bids, &asks, reference), Some((price, 5, 0)), "reference {reference}");
        }
        assert_eq!(clear(&[(201, 5)], &[(198, 5)], 0), Some((199, 5, 0)), "the middle, rounded down");
        // +2 up to 199, -2 from 200 on.
        let (bids, asks) = ([(202, 5), (199, 2)], [(198, 5), (200, 2)]);
        assert_eq!(clear(&bids, &asks, 0).map(|found| found.0), Some(200));
        assert_eq!(clear(&bids, &asks, 198).map(|found| found.0), Some(198));
    }

    #[test]
    fn market_orders_trade_at_any_price_and_need_one() {
        assert_eq!(clear(&[(PRICE_MARKET, 5)], &[(PRICE_MARKET, 3)], 0), None, "no price at all");
        assert_eq!(clear(&[(PRICE_MARKET, 5)], &[(PRICE_MARKET, 3)], 77), Some((77, 3, 2)));
        assert_eq!(clear(&[(PRICE_MARKET, 5)], &[(90, 3)], 0), Some((90, 3, 2)));
        assert_eq!(clear(&[(100, 5)], &[(101, 5)], 0), None, "not crossed");
    }

    #[test]
    fn the_collar_bounds_the_price() {
        let terms = InstrumentTerms { collar_low: 195, collar_high: 199, ..plain() };
        let clearing = interest(&[(202, 6)], &[(198, 5)]).clear(0, &terms).unwrap();
        assert_eq!((clearing.price, clearing.volume), (199, 5));
    }

    /// Every valid tick from the lowest to the highest price.
    fn all_ticks(interest: &Interest, reference: u64, tick: u64) -> Vec<Candidate> {
        let known = interest.buys.keys().chain(interest.sells.keys()).copied();
        let known: Vec<_> = known.chain((reference > 0).then_some(reference)).collect();
        let (lowest, highest) = (known.iter().min().unwrap_or(&1), known.iter().max().unwrap_or(&0));
        let ticks = (*lowest..=*highest).filter(|price| price.is_multiple_of(tick));
        ticks.map(|price| interest.at(price)).collect()
    }

    #[test]
    fn few_candidates_stand_for_every_tick() {
        let mut random = crate::random::Prng::new(9);
        let terms = InstrumentTerms::plain(InstrumentId(1), Symbol::BLANK, 3, 1);
        for round in 0..5_000 {
            let mut interest = Interest::default();
            for _ in 0..1 + random.below(8) {
                let price = if random.chance(10) { PRICE_MARKET } else { 3 * (1 + random.below(20)) };
                interest.add(random.chance(50), price, 1 + random.below(5) as u32);
            }
            let reference = if random.chance(50) { 0 } else { 1 + random.below(70) };
            let all = interest.choose(all_ticks(&interest, reference, 3), reference, &terms);
            assert_eq!(interest.clear(reference, &terms), all, "round {round}: {interest:?} {reference}");
        }
    }
}

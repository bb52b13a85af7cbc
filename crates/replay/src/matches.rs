//! Trades: the two executions of a match put together again.

use ringside_domain::{Event, Fact, Liquidity, MatchNumber, Symbol};
use ringside_engine::Engine;

use crate::orders::{Change, Live, Name, Orders};

/// One side of a trade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TradeSide {
    /// The order.
    pub name: Name,
    /// The order right after the trade.
    pub order: Live,
    /// Which side of the match it was.
    pub liquidity: Liquidity,
}

/// A match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trade {
    /// Its number.
    pub match_number: MatchNumber,
    /// Where.
    pub symbol: Symbol,
    /// Wire price.
    pub price: u64,
    /// Shares.
    pub quantity: u32,
    /// Who bought.
    pub buyer: TradeSide,
    /// Who sold.
    pub seller: TradeSide,
}

/// Follows the events of commands: orders, and the trades between them.
#[derive(Clone, Default, Debug)]
pub struct Market {
    orders: Orders,
    /// The first half of the match under way.
    half: Option<(MatchNumber, TradeSide)>,
}

impl Market {
    /// That goes on from a state: with the orders that live in it.
    pub fn of(engine: &Engine) -> Market {
        Market { orders: Orders::of(engine), half: None }
    }

    /// Follows an event: what it did to an order, and the trade that it completes.
    pub fn follow(&mut self, event: &Event) -> (Option<Change>, Option<Trade>) {
        let change = self.orders.follow(event);
        let Fact::Executed { quantity, price, liquidity, match_number, .. } = event.fact else {
            return (change, None);
        };
        let Some(Change { name, order, .. }) = change else { return (None, None) };
        let side = TradeSide { name, order, liquidity };
        let trade = match self.half.take() {
            Some((number, first)) if number == match_number => {
                let [buyer, seller] = if order.side.is_buy() { [side, first] } else { [first, side] };
                debug_assert!(buyer.order.side.is_buy() && !seller.order.side.is_buy());
                Some(Trade { match_number, symbol: order.symbol, price, quantity, buyer, seller })
            }
            _ => {
                self.half = Some((match_number, side));
                None
            }
        };
        (change, trade)
    }

    /// The live orders.
    pub fn orders(&self) -> &Orders {
        &self.orders
    }
}

#[cfg(test)]
mod tests {
    use ringside_engine::Limits;
    use ringside_sim::random::{RandomFlow, RandomShape};

    use super::*;

    #[test]
    fn every_match_of_the_engine_is_one_trade() {
        for (preset, shape) in RandomShape::presets() {
            let (mut engine, mut market) = (Engine::new(Limits::default()), Market::default());
            let (mut trades, mut volume, mut last) = (0, 0, 0);
            for (time_ns, command, _) in RandomFlow::new(22, shape).take(6_000) {
                engine.apply(time_ns, &command, &mut |event: Event| {
                    if let (_, Some(trade)) = market.follow(&event) {
                        assert!(trade.match_number > last, "{preset}: numbers ascend");
                        (trades, volume, last) =
                            (trades + 1, volume + u64::from(trade.quantity), trade.match_number);
                    }
                });
            }
            let counters = engine.counters();
            assert_eq!((trades, volume), (counters.trades, counters.volume), "{preset}");
            assert!(trades > 100, "{preset}: something trades");
        }
    }
}

//! A trade of the past, found again in the journal.
//!
//! The engine remembers no trades: what a bust needs to know is in the journal. The first pass finds the match and the
//! names of its two orders, the second the orders behind the names. Memory: that of an engine, however long the journal.

use std::path::Path;

use ringside_domain::{
    Accepted, Bust, BustSide, ClientOrderId, Event, Fact, InstrumentId, Liquidity, MatchNumber, Sequence,
    Symbol,
};
use ringside_engine::Engine;

use crate::orders::Name;
use crate::past::{Past, ReplayError};

/// The trade as a command that breaks it, for this reason. `None`: no match has this number.
///
/// Costs two replays up to the trade.
pub fn find_trade(
    data_dir: &Path,
    match_number: MatchNumber,
    reason: u8,
) -> Result<Option<Bust>, ReplayError> {
    let Some(found) = find_match(data_dir, match_number)? else { return Ok(None) };
    let mut past = Past::open(data_dir)?;
    let Some(orders) = find_orders(&mut past, &found)? else { return Ok(None) };
    Ok(Some(bust(past.engine(), match_number, &found, &orders, reason)))
}

/// One side of a match, as its owner was told.
#[derive(Clone, Copy, Debug)]
struct Half {
    order: Name,
    liquidity: Liquidity,
    quantity: u32,
    price: u64,
}

/// A match and where it happened.
#[derive(Clone, Copy, Debug)]
struct Match {
    sequence: Sequence,
    halves: [Half; 2],
}

/// What an order said when it came into force.
#[derive(Clone, Copy, Debug)]
struct Order {
    client_order_id: ClientOrderId,
    instrument: InstrumentId,
    buy: bool,
}

fn find_match(data_dir: &Path, match_number: MatchNumber) -> Result<Option<Match>, ReplayError> {
    let mut past = Past::open(data_dir)?;
    while let Some(turn) = past.turn()? {
        let mut halves = turn.events.iter().filter_map(|event| half(event, match_number));
        if let (Some(first), Some(second)) = (halves.next(), halves.next()) {
            debug_assert_eq!((first.price, first.quantity), (second.price, second.quantity));
            return Ok(Some(Match { sequence: turn.sequence, halves: [first, second] }));
        }
    }
    Ok(None)
}

/// One side of this match, if that is what the event tells.
fn half(event: &Event, wanted: MatchNumber) -> Option<Half> {
    let Fact::Executed { user_ref_num, quantity, price, liquidity, match_number } = event.fact else {
        return None;
    };
    let order = Name { login: event.login, user_ref_idx: event.user_ref_idx, user_ref_num };
    (match_number == wanted).then_some(Half { order, liquidity, quantity, price })
}

/// The two orders of a match. Afterwards `past` stands right behind it. `None`: they are older than the journal.
fn find_orders(past: &mut Past, found: &Match) -> Result<Option<[Order; 2]>, ReplayError> {
    let mut orders = [None; 2];
    while past.last_sequence() < found.sequence {
        let Some(turn) = past.turn()? else { return Ok(None) };
        let accepted = turn.events.iter().filter_map(|event| accepted(event, &found.halves));
        let accepted: Vec<(usize, Accepted)> = accepted.collect();
        for (side, order) in accepted {
            // A name that a new session has used again: the later order is the one that traded.
            orders[side] = order_of(past.engine(), &order);
        }
    }
    Ok(orders[0].zip(orders[1]).map(|(first, second)| [first, second]))
}

/// Which of the two orders comes into force with this event, and how.
fn accepted(event: &Event, halves: &[Half; 2]) -> Option<(usize, Accepted)> {
    let Fact::Accepted(order) = event.fact else { return None };
    let (login, user_ref_idx, user_ref_num) = (event.login, event.user_ref_idx, order.user_ref_num);
    let name = Name { login, user_ref_idx, user_ref_num };
    let side = halves.iter().position(|half| half.order == name)?;
    Some((side, order))
}

fn order_of(engine: &Engine, order: &Accepted) -> Option<Order> {
    let instrument = listed(engine, order.symbol)?;
    Some(Order { client_order_id: order.client_order_id, instrument, buy: order.side.is_buy() })
}

/// A symbol names one instrument at a time.
fn listed(engine: &Engine, symbol: Symbol) -> Option<InstrumentId> {
    let mut instruments = engine.instruments().iter();
    let found = instruments.find(|found| found.listed && found.terms.symbol == symbol);
    found.map(|found| found.terms.instrument)
}

/// `engine` stands right behind the match: its fees are those of the trade.
fn bust(engine: &Engine, match_number: MatchNumber, found: &Match, orders: &[Order; 2], reason: u8) -> Bust {
    let [first, second] = found.halves;
    let instrument = orders[0].instrument;
    debug_assert_eq!(instrument, orders[1].instrument, "Invariant: a match is within one book");
    let fees = engine.fees(instrument, first.price, first.quantity);
    let sides = [side(&first, &orders[0], fees), side(&second, &orders[1], fees)];
    let [buyer, seller] = if orders[0].buy { sides } else { [sides[1], sides[0]] };
    debug_assert!(orders[0].buy != orders[1].buy, "Invariant: one buys, the other sells");
    // Cannot fail because a price is below PRICE_MARKET, which fits.
    let price = u32::try_from(first.price).unwrap_or(u32::MAX);
    Bust { match_number, instrument, price, quantity: first.quantity, reason, buyer, seller }
}

/// Only who came in pays the taker's fee; in an auction nobody did.
fn side(half: &Half, order: &Order, (maker, taker): (u64, u64)) -> BustSide {
    let Name { login, user_ref_idx, user_ref_num } = half.order;
    let fee = if half.liquidity == Liquidity::Removed { taker } else { maker };
    BustSide { login, user_ref_num, user_ref_idx, client_order_id: order.client_order_id, fee }
}

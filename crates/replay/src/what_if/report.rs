//! The difference between the two runs, as JSON.

use ringside_engine::Engine;
use serde_json::{Value, json};

use super::tallies::{Activity, Position};
use super::{EditError, LISTED_MAX, OtherTrade, Run, WhatIf, name_of};
use crate::matches::TradeSide;
use crate::orders::Name;

impl WhatIf {
    /// What differs, once both runs are done.
    ///
    /// # Errors
    /// When an edit was at a command that was not read.
    pub fn report(self) -> Result<Value, EditError> {
        self.edits.check(self.past.last_sequence())?;
        let counts = self.edits.counts();
        let engine = &self.after;
        let logins: Vec<_> = differing(self.tallies.logins.iter())
            .map(|(login, [before, after])| {
                json!({"login": name_of(engine, *login), "before": activity(before), "after": activity(after)})
            })
            .collect();
        let positions: Vec<_> = differing(self.tallies.positions.iter())
            .map(|((login, symbol), [before, after])| {
                json!({"login": name_of(engine, *login), "symbol": symbol.as_str(), "before": position(before),
                    "after": position(after)})
            })
            .collect();
        let trades: Vec<_> = self.trades.iter().map(|other| trade(engine, other)).collect();
        let divergence = self.divergence.unwrap_or_default();
        let runs = [totals(self.past.engine()), totals(engine)];
        let different = self.fates.different(&self.markets);
        let orders: Vec<_> = different
            .iter()
            .take(LISTED_MAX)
            .map(|(name, [before, after])| {
                let [before, after] = [before, after].map(|fate| fate.as_ref().map(|fate| fate.json()));
                let mut value = order(engine, name);
                value["before"] = json!(before);
                value["after"] = json!(after);
                value
            })
            .collect();
        Ok(json!({"commands": self.past.summary().commands, "removed": counts.removed,
            "changed": counts.changed, "added": counts.added, "first_edited_sequence": counts.first,
            "first_divergent_sequence": divergence["sequence"], "divergence": divergence,
            "before": runs[0], "after": runs[1], "logins": logins, "positions": positions,
            "orders_changed": different.len(), "orders": orders, "trades_gone": self.gone,
            "trades_new": self.new, "trades": trades}))
    }
}

/// Entries whose two sides are not the same.
fn differing<'a, K: 'a, V: PartialEq + 'a>(
    entries: impl Iterator<Item = (&'a K, &'a [V; 2])>,
) -> impl Iterator<Item = (&'a K, &'a [V; 2])> {
    entries.filter(|(_, [before, after])| before != after)
}

fn totals(engine: &Engine) -> Value {
    let counters = engine.counters();
    json!({"trades": counters.trades, "volume": counters.volume, "live_orders": engine.live_orders(),
        "state_hash": format!("{:016x}", engine.state_hash())})
}

fn activity(activity: &Activity) -> Value {
    let Activity { accepted, rejected, canceled, trades, volume } = activity;
    json!({"accepted": accepted, "rejected": rejected, "canceled_quantity": canceled, "trades": trades,
        "volume": volume})
}

fn position(position: &Position) -> Value {
    let Position { bought, sold, paid, received } = *position;
    json!({"bought": long(bought), "sold": long(sold), "position": long(bought - sold), "paid": long(paid),
        "received": long(received)})
}

/// A number, or its digits as text when JSON numbers do not reach so far.
fn long(number: i128) -> Value {
    i64::try_from(number).map_or_else(|_| json!(number.to_string()), Value::from)
}

fn order(engine: &Engine, name: &Name) -> Value {
    json!({"login": name_of(engine, name.login), "user_ref_idx": name.user_ref_idx,
        "user_ref_num": name.user_ref_num})
}

fn trade(engine: &Engine, other: &OtherTrade) -> Value {
    let side = |side: &TradeSide| order(engine, &side.name);
    let change = if other.run == Run::Before { "gone" } else { "new" };
    json!({"sequence": other.sequence, "change": change, "symbol": other.trade.symbol.as_str(),
        "price": other.trade.price, "quantity": other.trade.quantity, "buyer": side(&other.trade.buyer),
        "seller": side(&other.trade.seller)})
}

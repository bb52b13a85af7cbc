//! The whole state.

use ringside_domain::Side;
use ringside_engine::{Engine, OrderView};
use serde_json::{Value, json};

use super::{letter, login_name};

/// All books, levels best first, orders in priority, and the state hash.
pub fn state_json(engine: &Engine, sequence: u64) -> Value {
    let counters = engine.counters();
    let books: Vec<_> = engine
        .instruments()
        .iter()
        .map(|instrument| {
            json!({"instrument": instrument.terms.instrument.0, "symbol": instrument.terms.symbol.as_str(),
                "listed": instrument.listed, "tick": instrument.terms.tick, "lot": instrument.terms.lot,
                "bids": side_json(engine, instrument.terms.instrument, Side::Buy),
                "asks": side_json(engine, instrument.terms.instrument, Side::Sell)})
        })
        .collect();
    let logins: Vec<_> = engine
        .logins()
        .iter()
        .map(|login| {
            json!({"login_id": login.terms.login.0, "username": login.terms.username.as_str(),
                "firm": login.terms.firm.as_str(), "listed": login.listed, "connected": login.connected,
                "disabled": login.disabled, "live_orders": login.live_orders,
                "last_user_ref_num": login.channels().map(|(idx, last)| json!([idx, last])).collect::<Vec<_>>()})
        })
        .collect();
    json!({"sequence": sequence, "time_ns": counters.time_ns, "session": counters.session,
        "trades": counters.trades, "volume": counters.volume, "last_order_ref": counters.order_ref,
        "state_hash": format!("{:016x}", engine.state_hash()), "books": books, "logins": logins})
}

fn side_json(engine: &Engine, instrument: ringside_domain::InstrumentId, side: Side) -> Value {
    let mut levels: Vec<(u64, u64, Vec<Value>)> = Vec::new();
    for order in engine.resting(instrument, side) {
        match levels.last_mut() {
            Some((price, quantity, orders)) if *price == order.price => {
                *quantity += u64::from(order.open);
                orders.push(order_json(engine, &order));
            }
            _ => levels.push((order.price, order.open.into(), vec![order_json(engine, &order)])),
        }
    }
    let level = |(price, quantity, orders): (u64, u64, Vec<Value>)| json!({"price": price, "quantity": quantity, "orders": orders});
    levels.into_iter().map(level).collect()
}

fn order_json(engine: &Engine, order: &OrderView) -> Value {
    json!({"order_ref": order.order_ref, "login": login_name(engine, order.login),
        "user_ref_num": order.user_ref_num, "user_ref_idx": order.user_ref_idx,
        "side": letter(order.side.letter()), "open": order.open, "executed": order.executed})
}

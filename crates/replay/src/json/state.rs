//! The whole state.

use std::io::{self, Write};

use ringside_domain::state::{
    BalanceState, ExposureState, InstrumentState, LimitsState, LoginState, OrderState, Place,
};
use ringside_domain::{InstrumentId, NO_EXPIRE_AT};
use ringside_engine::Engine;
use serde_json::{Number, Value, json};

use super::command::{limits_json, put_terms};
use super::{letter, login_name, put, put_instrument, put_letters, put_numbers, put_text, scope_json};

/// All books, levels best first, orders in priority, what else decides about orders, and the state hash.
///
/// The quantity of a level is what it displays; that of a hidden level is what is open. A market order in a call stands
/// at the price that means MARKET on the wire.
///
/// For tests and small venues: a value of a million orders takes gigabytes. See [`write_state`].
pub fn state_json(engine: &Engine, sequence: u64) -> Value {
    let mut text = Vec::new();
    let written = write_state(engine, sequence, &mut text);
    written.expect("Invariant: writing to memory does not fail");
    serde_json::from_slice(&text).expect("Invariant: what is written is JSON")
}

/// Writes the same as one JSON object, order by order: memory is that of the orders of one instrument.
pub fn write_state(engine: &Engine, sequence: u64, out: &mut impl Write) -> io::Result<()> {
    let venue = engine.venue_state();
    let logins: Vec<_> = engine.login_states().iter().map(|login| login_json(engine, login)).collect();
    let mut value = json!({"sequence": sequence, "time_ns": venue.time_ns, "session": venue.session,
        "trades": venue.trades, "volume": venue.volume, "last_order_ref": venue.order_ref, "seed": venue.seed,
        "storage_full": venue.storage_full, "live_orders": engine.live_orders(),
        "state_hash": format!("{:016x}", engine.state_hash()), "logins": logins});
    put_rules(engine, &mut value);
    begin(&value, out)?;
    write!(out, ",\"books\":")?;
    write_list(engine.instruments(), out, |found, out| write_book(engine, found.terms.instrument, out))?;
    write!(out, "}}")
}

/// An object without its closing brace: more fields follow.
fn begin(value: &Value, out: &mut impl Write) -> io::Result<()> {
    let text = value.to_string();
    let open = text.strip_suffix('}').expect("Invariant: an object");
    out.write_all(open.as_bytes())
}

fn write_list<T, W: Write>(
    items: impl IntoIterator<Item = T>,
    out: &mut W,
    write_item: impl Fn(T, &mut W) -> io::Result<()>,
) -> io::Result<()> {
    out.write_all(b"[")?;
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        write_item(item, out)?;
    }
    out.write_all(b"]")
}

/// Limits, kill switches, exposures, restrictions, balances, broken trades.
fn put_rules(engine: &Engine, value: &mut Value) {
    let limits: Vec<_> = engine.limits_states().map(|state| limits_state_json(engine, &state)).collect();
    let exposures: Vec<_> = engine.exposure_states().map(|state| exposure_json(engine, &state)).collect();
    let killed: Vec<_> = engine.killed_scopes().map(|scope| scope_json(engine, scope)).collect();
    let restrictions: Vec<_> = engine
        .restrictions()
        .map(|(scope, instrument)| {
            let mut restriction = json!({"scope": scope_json(engine, scope)});
            put_instrument(engine, &mut restriction, instrument);
            restriction
        })
        .collect();
    let balances: Vec<_> = engine.balance_states().map(|state| balance_json(&state)).collect();
    let lists = [
        ("limits", json!(limits)),
        ("exposures", json!(exposures)),
        ("killed", json!(killed)),
        ("restrictions", json!(restrictions)),
        ("balances", json!(balances)),
        ("busted", json!(engine.busted().collect::<Vec<_>>())),
    ];
    lists.into_iter().for_each(|(name, list)| put(value, name, list));
}

fn write_book(engine: &Engine, instrument: InstrumentId, out: &mut impl Write) -> io::Result<()> {
    let InstrumentState {
        terms,
        listed,
        killed,
        state,
        auction,
        call_ends_ns,
        last_price,
        band_reference,
        top_buy,
        top_sell,
    } = engine.instrument_state(instrument);
    let mut value = json!({"instrument": terms.instrument.0, "symbol": terms.symbol.as_str(), "listed": listed,
        "killed": killed, "tick": terms.tick, "lot": terms.lot, "price_decimals": terms.price_decimals,
        "quantity_decimals": terms.quantity_decimals, "allocation": letter(terms.allocation as u8),
        "state": letter(state as u8), "auction": letter(auction as u8), "call_ends_ns": call_ends_ns,
        "last_price": last_price, "band_reference": band_reference, "top_buy": top_buy, "top_sell": top_sell});
    put_terms(&mut value, &terms);
    begin(&value, out)?;
    let [levels @ .., parked] = engine.order_states(instrument);
    for (name, orders) in ["bids", "asks", "hidden_bids", "hidden_asks"].into_iter().zip(levels) {
        write!(out, ",\"{name}\":")?;
        write_levels(engine, &orders, out)?;
    }
    write!(out, ",\"parked\":")?;
    write_orders(engine, &parked, out)?;
    out.write_all(b"}")
}

/// Orders in priority as levels.
fn write_levels(engine: &Engine, orders: &[OrderState], out: &mut impl Write) -> io::Result<()> {
    let levels = orders.chunk_by(|one, next| one.price == next.price);
    write_list(levels, out, |orders, out| {
        let quantity: u64 = orders.iter().map(|order| u64::from(shown(order))).sum();
        let price = orders.first().map(|order| order.price);
        begin(&json!({"price": price, "quantity": quantity}), out)?;
        write!(out, ",\"orders\":")?;
        write_orders(engine, orders, out)?;
        out.write_all(b"}")
    })
}

fn write_orders(engine: &Engine, orders: &[OrderState], out: &mut impl Write) -> io::Result<()> {
    write_list(orders, out, |order, out| write!(out, "{}", order_json(engine, order)))
}

/// What an order adds to its level.
fn shown(order: &OrderState) -> u32 {
    if order.place == Place::Hidden { order.open } else { order.displayed }
}

/// An order, without what it does not have.
fn order_json(engine: &Engine, order: &OrderState) -> Value {
    let mut value = json!({"order_ref": order.order_ref, "login": login_name(engine, order.login),
        "user_ref_num": order.user_ref_num, "user_ref_idx": order.user_ref_idx,
        "side": letter(order.side.letter()), "open": order.open, "displayed": order.displayed,
        "executed": order.executed, "limit": order.limit, "time_in_force": letter(order.time_in_force),
        "display": letter(order.display), "firm": order.firm.as_str()});
    let letters = [
        ("customer_type", order.customer_type),
        ("post_only", order.post_only),
        ("price_type", order.price_type),
    ];
    put_letters(&mut value, &letters);
    if order.cross_type != b'N' {
        put(&mut value, "cross_type", letter(order.cross_type));
    }
    let numbers = [
        ("prevented", order.prevented),
        ("group_id", u32::from(order.group_id)),
        ("min_quantity", order.min_quantity),
        ("max_floor", order.max_floor),
        ("random_reserves", order.random_reserves),
        ("discretion_price", order.discretion_price),
        ("expire_seconds", order.expire_seconds),
        ("trigger_price", order.trigger_price),
    ];
    put_numbers(&mut value, &numbers);
    put_long_numbers(&mut value, order);
    value
}

fn put_long_numbers(value: &mut Value, order: &OrderState) {
    if order.public_ref != order.order_ref {
        put(value, "public_ref", json!(order.public_ref));
    }
    for (name, number) in [("ends_at", order.ends_at), ("told_price", order.told_price)] {
        if number != 0 {
            put(value, name, json!(number));
        }
    }
    if order.peg_offset != 0 {
        put(value, "peg_offset", json!(order.peg_offset));
    }
    // 0 says something here: until cancelled.
    if order.expire_at != NO_EXPIRE_AT {
        put(value, "expire_at", json!(order.expire_at));
    }
}

fn login_json(engine: &Engine, login: &LoginState) -> Value {
    let terms = &login.terms;
    let found = engine.logins().get((terms.login.0 as usize).wrapping_sub(1));
    let channels: Vec<_> =
        engine.channels(terms.login).iter().map(|(idx, last)| json!([idx, last])).collect();
    let mut value = json!({"login_id": terms.login.0, "username": terms.username.as_str(),
        "firm": terms.firm.as_str(), "listed": login.listed, "connected": login.connected,
        "disabled": login.disabled, "cancel_on_disconnect": terms.cancel_on_disconnect,
        "self_trade_prevention": letter(terms.self_trade_prevention as u8),
        "live_orders": found.map_or(0, |found| found.live_orders), "last_user_ref_num": channels});
    if terms.disconnect_grace_ms != 0 {
        put(&mut value, "disconnect_grace_ms", json!(terms.disconnect_grace_ms));
    }
    if login.grace_ends_ns != 0 {
        put(&mut value, "grace_ends_ns", json!(login.grace_ends_ns));
    }
    put_text(&mut value, "account", &terms.account);
    value
}

fn limits_state_json(engine: &Engine, state: &LimitsState) -> Value {
    json!({"scope": scope_json(engine, state.scope), "limits": limits_json(&state.limits),
        "live_orders": state.live_orders, "tokens": unsigned(state.tokens), "tokens_at": state.tokens_at})
}

fn exposure_json(engine: &Engine, state: &ExposureState) -> Value {
    let mut value = json!({"scope": scope_json(engine, state.scope), "position": state.position,
        "open_buy": state.open_buy, "open_sell": state.open_sell});
    put_instrument(engine, &mut value, state.instrument);
    value
}

fn balance_json(state: &BalanceState) -> Value {
    json!({"account": state.account.as_str(), "asset": state.asset.as_str(),
        "available": signed(state.available), "reserved": signed(state.reserved)})
}

/// A number, or its digits as text when JSON numbers do not reach so far.
fn signed(number: i128) -> Value {
    Number::from_i128(number).map_or_else(|| json!(number.to_string()), Value::Number)
}

/// A number, or its digits as text when JSON numbers do not reach so far.
fn unsigned(number: u128) -> Value {
    Number::from_u128(number).map_or_else(|| json!(number.to_string()), Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_json_become_text() {
        assert_eq!(signed(-3), json!(-3));
        assert_eq!(signed(i64::MIN.into()), json!(i64::MIN));
        assert_eq!(signed(u64::MAX.into()), json!(u64::MAX));
        assert_eq!(signed(i128::MIN), json!("-170141183460469231731687303715884105728"));
        assert_eq!(unsigned(7), json!(7));
        assert_eq!(unsigned(1 << 64), json!("18446744073709551616"));
    }
}

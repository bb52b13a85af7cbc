//! Commands, events and books as JSON for people and scripts. Prices and quantities are wire integers.

use ringside_domain::{
    Accepted, Action, Command, Event, Fact, InstrumentTerms, LoginId, LoginTerms, OrderOptions, Side,
};
use ringside_engine::{Engine, OrderView};
use serde_json::{Map, Value, json};

/// A command. `engine` supplies the names of logins.
pub fn command_json(engine: &Engine, command: &Command) -> Value {
    let mut value = action_json(&command.action);
    if command.login != LoginId::VENUE {
        put(&mut value, "login", json!(login_name(engine, command.login)));
    }
    value
}

fn action_json(action: &Action) -> Value {
    match action {
        Action::Enter(m) => with_options(
            json!({"type": "enter", "user_ref_num": m.user_ref_num, "side": letter(m.side), "quantity": m.quantity,
                "symbol": m.symbol.as_str(), "price": m.price, "time_in_force": letter(m.time_in_force),
                "display": letter(m.display), "capacity": letter(m.capacity),
                "intermarket_sweep": letter(m.intermarket_sweep), "cross_type": letter(m.cross_type),
                "client_order_id": m.client_order_id.as_str()}),
            &m.options,
        ),
        Action::Replace(m) => with_options(
            json!({"type": "replace", "original": m.original, "user_ref_num": m.user_ref_num,
                "quantity": m.quantity, "price": m.price, "time_in_force": letter(m.time_in_force),
                "display": letter(m.display), "intermarket_sweep": letter(m.intermarket_sweep),
                "client_order_id": m.client_order_id.as_str()}),
            &m.options,
        ),
        Action::Cancel(m) => json!({"type": "cancel", "user_ref_num": m.user_ref_num, "quantity": m.quantity,
            "user_ref_idx": m.user_ref_idx}),
        Action::Modify(m) => json!({"type": "modify", "user_ref_num": m.user_ref_num, "side": letter(m.side),
            "quantity": m.quantity, "user_ref_idx": m.user_ref_idx}),
        Action::MassCancel(m) => json!({"type": "mass_cancel", "user_ref_num": m.user_ref_num,
            "firm": m.firm.as_str(), "symbol": m.symbol.as_str(), "side": optional_letter(m.side),
            "group_id": m.group_id, "user_ref_idx": m.user_ref_idx}),
        Action::DisableEntry(m) => json!({"type": "disable_entry", "user_ref_num": m.user_ref_num,
            "firm": m.firm.as_str(), "user_ref_idx": m.user_ref_idx}),
        Action::EnableEntry(m) => json!({"type": "enable_entry", "user_ref_num": m.user_ref_num,
            "firm": m.firm.as_str(), "user_ref_idx": m.user_ref_idx}),
        Action::AccountQuery(m) => json!({"type": "account_query", "user_ref_idx": m.user_ref_idx}),
        Action::Connect => json!({"type": "connect"}),
        Action::Disconnect => json!({"type": "disconnect"}),
        configuration => configuration_json(configuration),
    }
}

fn configuration_json(action: &Action) -> Value {
    match action {
        Action::StartSession(session) => json!({"type": "start_session", "session": session}),
        Action::AddInstrument(terms) => instrument_json("add_instrument", terms),
        Action::ChangeInstrument(terms) => instrument_json("change_instrument", terms),
        Action::RemoveInstrument(id) => json!({"type": "remove_instrument", "instrument": id.0}),
        Action::AddLogin(terms) => login_json("add_login", terms),
        Action::ChangeLogin(terms) => login_json("change_login", terms),
        Action::StorageFull(full) => json!({"type": "storage_full", "full": full}),
        Action::RemoveLogin(id) => json!({"type": "remove_login", "login_id": id.0}),
        _ => Value::Null,
    }
}

fn instrument_json(kind: &str, terms: &InstrumentTerms) -> Value {
    json!({"type": kind, "instrument": terms.instrument.0, "symbol": terms.symbol.as_str(), "tick": terms.tick,
        "lot": terms.lot, "price_decimals": terms.price_decimals, "quantity_decimals": terms.quantity_decimals})
}

fn login_json(kind: &str, terms: &LoginTerms) -> Value {
    json!({"type": kind, "login_id": terms.login.0, "username": terms.username.as_str(),
        "firm": terms.firm.as_str(), "cancel_on_disconnect": terms.cancel_on_disconnect})
}

/// Options that were given; the rest would only be noise.
fn with_options(mut value: Value, options: &OrderOptions) -> Value {
    let letters = [
        ("customer_type", options.customer_type),
        ("post_only", options.post_only),
        ("shares_located", options.shares_located),
        ("option_side", options.side),
    ];
    for (name, byte) in letters.into_iter().filter(|(_, byte)| *byte != 0) {
        put(&mut value, name, letter(byte));
    }
    let numbers = [
        ("user_ref_idx", u64::from(options.user_ref_idx)),
        ("refused_tag", u64::from(options.refused_tag)),
        ("group_id", u64::from(options.group_id)),
        ("min_quantity", u64::from(options.min_quantity)),
    ];
    for (name, number) in numbers.into_iter().filter(|(_, number)| *number != 0) {
        put(&mut value, name, json!(number));
    }
    for (name, text) in [("firm", options.firm), ("locate_broker", options.locate_broker)] {
        if !text.is_blank() {
            put(&mut value, name, json!(text.as_str()));
        }
    }
    value
}

/// An event. `engine` supplies the names of logins.
pub fn event_json(engine: &Engine, event: &Event) -> Value {
    let mut value = fact_json(&event.fact);
    put(&mut value, "login", json!(login_name(engine, event.login)));
    if event.user_ref_idx != 0 {
        put(&mut value, "user_ref_idx", json!(event.user_ref_idx));
    }
    value
}

fn fact_json(fact: &Fact) -> Value {
    match fact {
        Fact::Accepted(order) if order.original == 0 => accepted_json("accepted", order),
        Fact::Accepted(order) => {
            let mut value = accepted_json("replaced", order);
            put(&mut value, "original", json!(order.original));
            value
        }
        Fact::Canceled { user_ref_num, quantity, reason } => {
            json!({"type": "canceled", "user_ref_num": user_ref_num, "quantity": quantity,
                "reason": letter(*reason as u8)})
        }
        Fact::Executed { user_ref_num, quantity, price, liquidity, match_number } => {
            json!({"type": "executed", "user_ref_num": user_ref_num, "quantity": quantity, "price": price,
                "liquidity": letter(*liquidity as u8), "match_number": match_number})
        }
        Fact::Rejected { user_ref_num, reason, client_order_id } => {
            json!({"type": "rejected", "user_ref_num": user_ref_num, "reason": *reason as u16,
                "reason_name": format!("{reason:?}"), "client_order_id": client_order_id.as_str()})
        }
        Fact::Modified { user_ref_num, side, quantity } => {
            json!({"type": "modified", "user_ref_num": user_ref_num, "side": letter(side.letter()),
                "quantity": quantity})
        }
        Fact::MassCancelAccepted(m) => json!({"type": "mass_cancel_accepted", "user_ref_num": m.user_ref_num,
            "firm": m.firm.as_str(), "symbol": m.symbol.as_str(), "side": optional_letter(m.side),
            "group_id": m.group_id}),
        Fact::EntryDisabled { user_ref_num, firm } => {
            json!({"type": "entry_disabled", "user_ref_num": user_ref_num, "firm": firm.as_str()})
        }
        Fact::EntryEnabled { user_ref_num, firm } => {
            json!({"type": "entry_enabled", "user_ref_num": user_ref_num, "firm": firm.as_str()})
        }
        Fact::NextUserRefNum { user_ref_num } => {
            json!({"type": "next_user_ref_num", "user_ref_num": user_ref_num})
        }
        _ => Value::Null,
    }
}

fn accepted_json(kind: &str, order: &Accepted) -> Value {
    json!({"type": kind, "user_ref_num": order.user_ref_num, "side": letter(order.side.letter()),
        "quantity": order.quantity, "symbol": order.symbol.as_str(), "price": order.price,
        "order_ref": order.order_ref, "time_in_force": letter(order.time_in_force),
        "client_order_id": order.client_order_id.as_str()})
}

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

fn login_name(engine: &Engine, login: LoginId) -> String {
    let found = engine.logins().get((login.0 as usize).wrapping_sub(1));
    found.map_or_else(|| format!("#{}", login.0), |found| found.terms.username.to_string())
}

/// A byte that should be a letter, whatever the client sent.
fn letter(byte: u8) -> Value {
    if byte.is_ascii_graphic() || byte == b' ' { json!(char::from(byte).to_string()) } else { json!(byte) }
}

fn optional_letter(byte: u8) -> Value {
    if byte == 0 { Value::Null } else { letter(byte) }
}

fn put(value: &mut Value, name: &str, field: Value) {
    value.as_object_mut().unwrap_or(&mut Map::new()).insert(name.into(), field);
}

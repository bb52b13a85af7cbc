//! Commands.

use ringside_domain::{
    Action, Bust, BustSide, Command, InstrumentTerms, LoginId, LoginTerms, NO_EXPIRE_AT, OrderOptions,
    RiskLimits, SetState,
};
use ringside_engine::Engine;
use serde_json::{Value, json};

use super::{
    letter, login_name, optional_letter, put, put_instrument, put_letters, put_numbers, put_text, scope_json,
};

/// A command. `engine` supplies the names of logins and instruments.
pub fn command_json(engine: &Engine, command: &Command) -> Value {
    let mut value = match &command.action {
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
        configuration => configuration_json(engine, configuration),
    };
    if command.login != LoginId::VENUE {
        put(&mut value, "login", json!(login_name(engine, command.login)));
    }
    value
}

/// What the venue says about itself.
fn configuration_json(engine: &Engine, action: &Action) -> Value {
    match action {
        Action::StartSession(session) => json!({"type": "start_session", "session": session}),
        Action::AddInstrument(terms) => instrument_json("add_instrument", terms),
        Action::ChangeInstrument(terms) => instrument_json("change_instrument", terms),
        Action::RemoveInstrument(id) => json!({"type": "remove_instrument", "instrument": id.0}),
        Action::AddLogin(terms) => login_json("add_login", terms),
        Action::ChangeLogin(terms) => login_json("change_login", terms),
        Action::StorageFull(full) => json!({"type": "storage_full", "full": full}),
        Action::RemoveLogin(id) => json!({"type": "remove_login", "login_id": id.0}),
        Action::Tick => json!({"type": "tick"}),
        Action::SetSeed(seed) => json!({"type": "set_seed", "seed": seed}),
        // Who knows the key knows all draws to come.
        Action::SetKey(_) => json!({"type": "set_key"}),
        Action::Snapshot => json!({"type": "snapshot"}),
        Action::SetRules(rules) => json!({"type": "set_rules", "rules": rules.version()}),
        Action::StateHash(of) => {
            json!({"type": "state_hash", "sequence": of.sequence, "hash": format!("{:016x}", of.hash)})
        }
        operator => operator_json(engine, operator),
    }
}

/// What the operator asks.
fn operator_json(engine: &Engine, action: &Action) -> Value {
    let scoped = |kind: &str, scope| json!({"type": kind, "scope": scope_json(engine, scope)});
    let (mut value, instrument) = match action {
        Action::SetState(set) => (set_state_json(set), set.instrument),
        Action::Uncross(instrument) => (json!({"type": "uncross"}), *instrument),
        Action::EndOfDay => return json!({"type": "end_of_day"}),
        Action::RollSession => return json!({"type": "roll_session"}),
        Action::SetLimits(set) => {
            let mut value = scoped("set_limits", set.scope);
            put(&mut value, "limits", limits_json(&set.limits));
            return value;
        }
        Action::Restrict(restrict) => {
            let mut value = scoped("restrict", restrict.scope);
            put(&mut value, "restricted", json!(restrict.restricted));
            (value, restrict.instrument)
        }
        Action::Kill(kill) => {
            let mut value = scoped("kill", kill.scope);
            put(&mut value, "killed", json!(kill.killed));
            return value;
        }
        Action::CancelOrders(cancel) => {
            let mut value = scoped("cancel_orders", cancel.scope);
            put(&mut value, "side", optional_letter(cancel.side));
            (value, cancel.instrument)
        }
        Action::Deposit(m) => return transfer_json("deposit", m),
        Action::Withdraw(m) => return transfer_json("withdraw", m),
        Action::Bust(bust) => (bust_json(engine, bust), bust.instrument),
        _ => return Value::Null,
    };
    put_instrument(engine, &mut value, instrument);
    value
}

fn set_state_json(set: &SetState) -> Value {
    json!({"type": "set_state", "state": letter(set.state as u8), "auction": letter(set.auction as u8),
        "call_ns": set.call_ns, "random_ns": set.random_ns, "reason": set.reason.as_str()})
}

fn transfer_json(kind: &str, transfer: &ringside_domain::Transfer) -> Value {
    json!({"type": kind, "account": transfer.account.as_str(), "asset": transfer.asset.as_str(),
        "amount": transfer.amount})
}

fn bust_json(engine: &Engine, bust: &Bust) -> Value {
    let side = |side: &BustSide| {
        json!({"login": login_name(engine, side.login), "user_ref_num": side.user_ref_num,
            "user_ref_idx": side.user_ref_idx, "client_order_id": side.client_order_id.as_str(), "fee": side.fee})
    };
    json!({"type": "bust", "match_number": bust.match_number, "price": bust.price, "quantity": bust.quantity,
        "reason": letter(bust.reason), "buyer": side(&bust.buyer), "seller": side(&bust.seller)})
}

/// Limits; 0 = none.
pub(super) fn limits_json(limits: &RiskLimits) -> Value {
    json!({"quantity_max": limits.quantity_max, "orders_max": limits.orders_max,
        "notional_max": limits.notional_max, "position_max": limits.position_max,
        "rate_per_second": limits.rate_per_second, "rate_burst": limits.rate_burst,
        "fat_finger_bps": limits.fat_finger_bps})
}

fn instrument_json(kind: &str, terms: &InstrumentTerms) -> Value {
    let mut value = json!({"type": kind, "instrument": terms.instrument.0, "symbol": terms.symbol.as_str(),
        "tick": terms.tick, "lot": terms.lot, "price_decimals": terms.price_decimals,
        "quantity_decimals": terms.quantity_decimals, "allocation": letter(terms.allocation as u8)});
    put_terms(&mut value, terms);
    value
}

/// The optional terms that are set; the rest would only be noise.
pub(super) fn put_terms(value: &mut Value, terms: &InstrumentTerms) {
    let ranges = terms.tick_ranges.iter().filter(|range| range.from != 0);
    let ranges: Vec<_> = ranges.map(|range| json!({"from": range.from, "tick": range.tick})).collect();
    if !ranges.is_empty() {
        put(value, "tick_ranges", json!(ranges));
    }
    let numbers = [
        ("collar_low", terms.collar_low),
        ("collar_high", terms.collar_high),
        ("band_bps", terms.band_bps),
        ("volatility_call_ms", terms.volatility_call_ms),
        ("random_end_ms", terms.random_end_ms),
        ("reference_price", terms.reference_price),
        ("maker_fee_ppm", terms.maker_fee_ppm),
        ("taker_fee_ppm", terms.taker_fee_ppm),
    ];
    put_numbers(value, &numbers);
    put_text(value, "base", &terms.base);
    put_text(value, "quote", &terms.quote);
}

fn login_json(kind: &str, terms: &LoginTerms) -> Value {
    let mut value = json!({"type": kind, "login_id": terms.login.0, "username": terms.username.as_str(),
        "firm": terms.firm.as_str(), "cancel_on_disconnect": terms.cancel_on_disconnect,
        "self_trade_prevention": letter(terms.self_trade_prevention as u8)});
    put_numbers(&mut value, &[("disconnect_grace_ms", terms.disconnect_grace_ms)]);
    put_text(&mut value, "account", &terms.account);
    value
}

/// Options that were given; the rest would only be noise.
fn with_options(mut value: Value, options: &OrderOptions) -> Value {
    let letters = [
        ("customer_type", options.customer_type),
        ("post_only", options.post_only),
        ("shares_located", options.shares_located),
        ("option_side", options.side),
        ("price_type", options.price_type),
        ("execution", options.execution),
    ];
    put_letters(&mut value, &letters);
    let numbers = [
        ("user_ref_idx", u32::from(options.user_ref_idx)),
        ("refused_tag", u32::from(options.refused_tag)),
        ("group_id", u32::from(options.group_id)),
        ("min_quantity", options.min_quantity),
        ("max_floor", options.max_floor),
        ("random_reserves", options.random_reserves),
        ("discretion_price", options.discretion_price),
        ("expire_seconds", options.expire_seconds),
        ("trigger_price", options.trigger_price),
    ];
    put_numbers(&mut value, &numbers);
    if options.peg_offset != 0 {
        put(&mut value, "peg_offset", json!(options.peg_offset));
    }
    // 0 says something here: until cancelled.
    if options.expire_at != NO_EXPIRE_AT {
        put(&mut value, "expire_at", json!(options.expire_at));
    }
    put_text(&mut value, "firm", &options.firm);
    put_text(&mut value, "locate_broker", &options.locate_broker);
    value
}

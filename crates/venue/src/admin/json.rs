//! Events as JSON for the operator. Prices and quantities are wire integers, as in `ringside replay print`.

use ringside_domain::{Accepted, Event, Fact, LoginId, MarketFact, VenueRefusal};
use serde_json::{Value, json};

use super::directory::Directory;

/// An event with the names of its login and instrument.
pub fn event_json(directory: &Directory, event: &Event) -> Value {
    let mut value = match &event.fact {
        Fact::Market { instrument, fact } => {
            let mut value = market_json(fact);
            put(&mut value, "type", json!("market"));
            put(&mut value, "symbol", json!(directory.symbol(*instrument)));
            value
        }
        fact => fact_json(fact),
    };
    if event.login != LoginId::VENUE {
        put(&mut value, "login", json!(directory.username(event.login)));
    }
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
        Fact::Canceled { user_ref_num, quantity, reason } => json!({"type": "canceled",
            "user_ref_num": user_ref_num, "quantity": quantity, "reason": letter(*reason as u8)}),
        Fact::Executed { user_ref_num, quantity, price, liquidity, match_number } => {
            json!({"type": "executed",
            "user_ref_num": user_ref_num, "quantity": quantity, "price": price,
            "liquidity": letter(*liquidity as u8), "match_number": match_number})
        }
        Fact::Prevented { user_ref_num, quantity, prevented, price, liquidity, mode } => {
            json!({"type": "prevented", "user_ref_num": user_ref_num, "quantity": quantity,
                "prevented": prevented, "price": price, "liquidity": letter(*liquidity as u8),
                "mode": letter(*mode as u8)})
        }
        Fact::Rejected { user_ref_num, reason, client_order_id } => json!({"type": "rejected",
            "user_ref_num": user_ref_num, "reason": *reason as u16, "reason_name": format!("{reason:?}"),
            "client_order_id": client_order_id.as_str()}),
        Fact::Modified { user_ref_num, side, quantity } => json!({"type": "modified",
            "user_ref_num": user_ref_num, "side": letter(side.letter()), "quantity": quantity}),
        other => rare_json(other),
    }
}

fn rare_json(fact: &Fact) -> Value {
    match fact {
        Fact::Refreshed { user_ref_num, displayed, public_ref } => json!({"type": "refreshed",
            "user_ref_num": user_ref_num, "displayed": displayed, "public_ref": public_ref}),
        Fact::Repriced { user_ref_num, price } => {
            json!({"type": "repriced", "user_ref_num": user_ref_num, "price": price})
        }
        Fact::Triggered { user_ref_num, price, display, order_ref } => json!({"type": "triggered",
            "user_ref_num": user_ref_num, "price": price, "display": letter(*display), "order_ref": order_ref}),
        Fact::Broken { user_ref_num, match_number, reason, client_order_id } => json!({"type": "broken",
            "user_ref_num": user_ref_num, "match_number": match_number, "reason": letter(*reason),
            "client_order_id": client_order_id.as_str()}),
        Fact::Refused(refusal) => json!({"type": "refused", "reason": refusal_name(*refusal)}),
        // Answers to requests of a login: no command of the venue causes them.
        Fact::MassCancelAccepted(answer) => {
            json!({"type": "mass_cancel_accepted", "user_ref_num": answer.user_ref_num})
        }
        Fact::EntryDisabled { user_ref_num, .. } => {
            json!({"type": "entry_disabled", "user_ref_num": user_ref_num})
        }
        Fact::EntryEnabled { user_ref_num, .. } => {
            json!({"type": "entry_enabled", "user_ref_num": user_ref_num})
        }
        Fact::NextUserRefNum { user_ref_num } => {
            json!({"type": "next_user_ref_num", "user_ref_num": user_ref_num})
        }
        Fact::Accepted(_)
        | Fact::Canceled { .. }
        | Fact::Executed { .. }
        | Fact::Prevented { .. }
        | Fact::Rejected { .. }
        | Fact::Modified { .. }
        | Fact::Market { .. } => {
            unreachable!("Invariant: told by fact_json and event_json")
        }
    }
}

fn accepted_json(kind: &str, order: &Accepted) -> Value {
    json!({"type": kind, "user_ref_num": order.user_ref_num, "side": letter(order.side.letter()),
        "quantity": order.quantity, "symbol": order.symbol.as_str(), "price": order.price,
        "order_ref": order.order_ref, "time_in_force": letter(order.time_in_force),
        "client_order_id": order.client_order_id.as_str()})
}

fn market_json(fact: &MarketFact) -> Value {
    match fact {
        MarketFact::Added { public_ref, buy, quantity, price } => json!({"fact": "added",
            "public_ref": public_ref, "side": side(*buy), "quantity": quantity, "price": price}),
        MarketFact::Executed { public_ref, quantity, price, match_number } => json!({"fact": "executed",
            "public_ref": public_ref, "quantity": quantity, "price": price, "match_number": match_number}),
        MarketFact::Reduced { public_ref, quantity } => {
            json!({"fact": "reduced", "public_ref": public_ref, "quantity": quantity})
        }
        MarketFact::Deleted { public_ref } => json!({"fact": "deleted", "public_ref": public_ref}),
        MarketFact::Replaced { old, new, quantity, price } => json!({"fact": "replaced", "old": old,
            "new": new, "quantity": quantity, "price": price}),
        MarketFact::Traded { match_number, quantity, price, buy } => json!({"fact": "traded",
            "match_number": match_number, "quantity": quantity, "price": price, "side": side(*buy)}),
        MarketFact::Crossed { auction, price, quantity } => json!({"fact": "crossed",
            "auction": letter(*auction as u8), "price": price, "quantity": quantity}),
        MarketFact::Indicative { price, quantity, surplus, surplus_buy } => json!({"fact": "indicative",
            "price": price, "quantity": quantity, "surplus": surplus, "surplus_side": side(*surplus_buy)}),
        MarketFact::State { state, auction, reason } => json!({"fact": "state",
            "state": letter(*state as u8), "auction": letter(*auction as u8), "reason": reason.as_str()}),
        MarketFact::Broken { match_number } => json!({"fact": "broken", "match_number": match_number}),
    }
}

/// The name of a refusal, for scripts.
pub fn refusal_name(refusal: VenueRefusal) -> &'static str {
    match refusal {
        VenueRefusal::Instrument => "instrument",
        VenueRefusal::Login => "login",
        VenueRefusal::Terms => "terms",
        VenueRefusal::State => "state",
        VenueRefusal::Scope => "scope",
        VenueRefusal::Match => "match",
        VenueRefusal::Broken => "broken",
        VenueRefusal::Balance => "balance",
        VenueRefusal::Range => "range",
        VenueRefusal::Capacity => "capacity",
    }
}

/// What a refusal means, for people.
pub fn refusal_text(refusal: VenueRefusal) -> &'static str {
    match refusal {
        VenueRefusal::Instrument => "the instrument does not exist or is not listed",
        VenueRefusal::Login => "the login does not exist",
        VenueRefusal::Terms => "the terms contradict themselves, other instruments, or live orders",
        VenueRefusal::State => "the state cannot follow the present one",
        VenueRefusal::Scope => "the scope cannot be used here",
        VenueRefusal::Match => "the match number was never given",
        VenueRefusal::Broken => "the trade is broken already",
        VenueRefusal::Balance => "not enough is available",
        VenueRefusal::Range => "a number is out of range",
        VenueRefusal::Capacity => "a capacity limit of the venue is reached",
    }
}

fn side(buy: bool) -> &'static str {
    if buy { "B" } else { "S" }
}

/// A byte that should be a letter, whatever the client sent.
fn letter(byte: u8) -> Value {
    if byte.is_ascii_graphic() || byte == b' ' { json!(char::from(byte).to_string()) } else { json!(byte) }
}

fn put(value: &mut Value, name: &str, field: Value) {
    value[name] = field;
}

//! Events.

use ringside_domain::{Accepted, Event, Fact, LoginId, MarketFact, Side};
use serde_json::{Value, json};

use super::{
    Names, letter, login_name, optional_letter, put, put_instrument, put_letters, put_numbers, put_text,
};

/// An event. `names` supplies the names of logins and instruments.
pub fn event_json(names: &impl Names, event: &Event) -> Value {
    let mut value = match &event.fact {
        Fact::Market { instrument, fact } => {
            let mut value = market_json(fact);
            put_instrument(names, &mut value, *instrument);
            value
        }
        Fact::Refused(refusal) => {
            json!({"type": "refused", "reason": *refusal as u8, "reason_name": format!("{refusal:?}")})
        }
        Fact::SessionBegan(session) => json!({"type": "session_began", "session": session}),
        fact => fact_json(fact),
    };
    if event.login != LoginId::VENUE {
        put(&mut value, "login", json!(login_name(names, event.login)));
    }
    if event.user_ref_idx != 0 {
        put(&mut value, "user_ref_idx", json!(event.user_ref_idx));
    }
    value
}

/// What a login is told.
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
        other => order_at_work_json(other),
    }
}

/// What befalls an order between its beginning and its end.
fn order_at_work_json(fact: &Fact) -> Value {
    match fact {
        Fact::Prevented { user_ref_num, quantity, prevented, price, liquidity, mode } => {
            json!({"type": "prevented", "user_ref_num": user_ref_num, "quantity": quantity, "prevented": prevented,
                "price": price, "liquidity": letter(*liquidity as u8), "mode": letter(*mode as u8)})
        }
        Fact::Refreshed { user_ref_num, displayed, public_ref } => {
            json!({"type": "refreshed", "user_ref_num": user_ref_num, "displayed": displayed,
                "public_ref": public_ref})
        }
        Fact::Repriced { user_ref_num, price } => {
            json!({"type": "repriced", "user_ref_num": user_ref_num, "price": price})
        }
        Fact::Triggered { user_ref_num, price, display, order_ref } => {
            json!({"type": "triggered", "user_ref_num": user_ref_num, "price": price, "display": letter(*display),
                "order_ref": order_ref})
        }
        Fact::Broken { user_ref_num, match_number, reason, client_order_id } => {
            json!({"type": "broken", "user_ref_num": user_ref_num, "match_number": match_number,
                "reason": letter(*reason), "client_order_id": client_order_id.as_str()})
        }
        _ => Value::Null,
    }
}

/// What everybody is told.
fn market_json(fact: &MarketFact) -> Value {
    match fact {
        MarketFact::Added { public_ref, buy, quantity, price } => {
            json!({"type": "market_added", "public_ref": public_ref, "side": side_letter(*buy),
                "quantity": quantity, "price": price})
        }
        MarketFact::Executed { public_ref, quantity, price, match_number } => {
            json!({"type": "market_executed", "public_ref": public_ref, "quantity": quantity, "price": price,
                "match_number": match_number})
        }
        MarketFact::Reduced { public_ref, quantity } => {
            json!({"type": "market_reduced", "public_ref": public_ref, "quantity": quantity})
        }
        MarketFact::Deleted { public_ref } => json!({"type": "market_deleted", "public_ref": public_ref}),
        MarketFact::Replaced { old, new, quantity, price } => {
            json!({"type": "market_replaced", "old": old, "new": new, "quantity": quantity, "price": price})
        }
        MarketFact::Traded { match_number, quantity, price, buy } => {
            json!({"type": "market_traded", "match_number": match_number, "side": side_letter(*buy),
                "quantity": quantity, "price": price})
        }
        other => market_state_json(other),
    }
}

/// What everybody is told about an instrument as a whole.
fn market_state_json(fact: &MarketFact) -> Value {
    match fact {
        MarketFact::Crossed { auction, price, quantity } => {
            json!({"type": "market_crossed", "auction": letter(*auction as u8), "price": price,
                "quantity": quantity})
        }
        MarketFact::Indicative { price, quantity, surplus, surplus_buy } => {
            let surplus_side = if *surplus == 0 { Value::Null } else { side_letter(*surplus_buy) };
            json!({"type": "market_indicative", "price": price, "quantity": quantity, "surplus": surplus,
                "surplus_side": surplus_side})
        }
        MarketFact::State { state, auction, reason } => {
            json!({"type": "market_state", "state": letter(*state as u8), "auction": letter(*auction as u8),
                "reason": reason.as_str()})
        }
        MarketFact::Broken { match_number } => json!({"type": "market_broken", "match_number": match_number}),
        _ => Value::Null,
    }
}

fn side_letter(buy: bool) -> Value {
    letter(if buy { Side::Buy } else { Side::Sell }.letter())
}

/// An order in force, with the tags that were given or inherited.
fn accepted_json(kind: &str, order: &Accepted) -> Value {
    let mut value = json!({"type": kind, "user_ref_num": order.user_ref_num, "side": letter(order.side.letter()),
        "quantity": order.quantity, "symbol": order.symbol.as_str(), "price": order.price,
        "order_ref": order.order_ref, "time_in_force": letter(order.time_in_force),
        "display": letter(order.display), "capacity": letter(order.capacity),
        "intermarket_sweep": letter(order.intermarket_sweep), "cross_type": letter(order.cross_type),
        "client_order_id": order.client_order_id.as_str()});
    let letters = [
        ("customer_type", order.customer_type),
        ("post_only", order.post_only),
        ("shares_located", order.shares_located),
        ("price_type", order.price_type),
    ];
    put_letters(&mut value, &letters);
    let numbers = [
        ("group_id", u32::from(order.group_id)),
        ("min_quantity", order.min_quantity),
        ("max_floor", order.max_floor),
        ("discretion_price", order.discretion_price),
        ("random_reserves", order.random_reserves),
        ("expire_seconds", order.expire_seconds),
    ];
    put_numbers(&mut value, &numbers);
    if order.peg_offset != 0 {
        put(&mut value, "peg_offset", json!(order.peg_offset));
    }
    put_text(&mut value, "firm", &order.firm);
    value
}

//! Commands from JSON: what [`super::command_json`] writes, read again.
//!
//! What a new order need not say has the usual letter (`time_in_force` `0`, `display` `Y`, `capacity` `A`,
//! `intermarket_sweep` and `cross_type` `N`). A field that nobody asked for is an error: a slip of the pen must not
//! become another question.

mod fields;
mod operator;

use ringside_domain::{
    AccountQuery, Action, Cancel, Command, Enter, EntrySwitch, LoginId, MassCancel, Modify, NO_EXPIRE_AT,
    OrderOptions, Replace,
};
use ringside_engine::Engine;
use serde_json::Value;
use thiserror::Error;

use fields::Fields;

/// Why some JSON is no command.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CommandError {
    /// Not an object.
    #[error("a command is a JSON object")]
    NotAnObject,
    /// The type is none of the known ones.
    #[error("there is no command of type {0:?}")]
    Type(String),
    /// A field that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field says what it cannot.
    #[error("{name} cannot be {found}")]
    Value {
        /// The field.
        name: &'static str,
        /// What it says.
        found: String,
    },
    /// A field that this type of command does not have.
    #[error("this type of command has no field {0}")]
    Unknown(String),
}

/// The command that `value` describes. `engine` knows the logins and instruments that go by their names.
pub fn command_from_json(engine: &Engine, value: &Value) -> Result<Command, CommandError> {
    let mut fields = Fields::new(engine, value)?;
    let kind: String = fields.word("type")?;
    let login = fields.optional_login("login")?.unwrap_or(LoginId::VENUE);
    let action = client_action(&kind, &mut fields)
        .or_else(|| operator::action(&kind, &mut fields))
        .ok_or(CommandError::Type(kind))??;
    fields.end()?;
    Ok(Command { login, action })
}

/// What a login asks; `None`: no such type.
fn client_action(kind: &str, fields: &mut Fields<'_>) -> Option<Result<Action, CommandError>> {
    Some(match kind {
        "enter" => enter(fields).map(Action::Enter),
        "replace" => replace(fields).map(Action::Replace),
        "cancel" => cancel(fields).map(Action::Cancel),
        "modify" => modify(fields).map(Action::Modify),
        "mass_cancel" => mass_cancel(fields).map(Action::MassCancel),
        "disable_entry" => entry_switch(fields).map(Action::DisableEntry),
        "enable_entry" => entry_switch(fields).map(Action::EnableEntry),
        "account_query" => fields
            .number_or("user_ref_idx", 0)
            .map(|user_ref_idx| Action::AccountQuery(AccountQuery { user_ref_idx })),
        "connect" => Ok(Action::Connect),
        "disconnect" => Ok(Action::Disconnect),
        _ => return None,
    })
}

fn enter(fields: &mut Fields<'_>) -> Result<Enter, CommandError> {
    Ok(Enter {
        user_ref_num: fields.number("user_ref_num")?,
        quantity: fields.number("quantity")?,
        price: fields.number("price")?,
        symbol: fields.text("symbol")?,
        client_order_id: fields.text("client_order_id")?,
        side: fields.letter("side")?,
        time_in_force: fields.letter_or("time_in_force", b'0')?,
        display: fields.letter_or("display", b'Y')?,
        capacity: fields.letter_or("capacity", b'A')?,
        intermarket_sweep: fields.letter_or("intermarket_sweep", b'N')?,
        cross_type: fields.letter_or("cross_type", b'N')?,
        options: options(fields)?,
    })
}

fn replace(fields: &mut Fields<'_>) -> Result<Replace, CommandError> {
    Ok(Replace {
        original: fields.number("original")?,
        user_ref_num: fields.number("user_ref_num")?,
        quantity: fields.number("quantity")?,
        price: fields.number("price")?,
        client_order_id: fields.text("client_order_id")?,
        time_in_force: fields.letter_or("time_in_force", b'0')?,
        display: fields.letter_or("display", b'Y')?,
        intermarket_sweep: fields.letter_or("intermarket_sweep", b'N')?,
        options: options(fields)?,
    })
}

fn options(fields: &mut Fields<'_>) -> Result<OrderOptions, CommandError> {
    Ok(OrderOptions {
        user_ref_idx: fields.number_or("user_ref_idx", 0)?,
        refused_tag: fields.number_or("refused_tag", 0)?,
        customer_type: fields.letter_or("customer_type", 0)?,
        post_only: fields.letter_or("post_only", 0)?,
        shares_located: fields.letter_or("shares_located", 0)?,
        side: fields.letter_or("option_side", 0)?,
        group_id: fields.number_or("group_id", 0)?,
        firm: fields.text("firm")?,
        locate_broker: fields.text("locate_broker")?,
        min_quantity: fields.number_or("min_quantity", 0)?,
        max_floor: fields.number_or("max_floor", 0)?,
        random_reserves: fields.number_or("random_reserves", 0)?,
        price_type: fields.letter_or("price_type", 0)?,
        peg_offset: fields.signed_or("peg_offset", 0)?,
        discretion_price: fields.number_or("discretion_price", 0)?,
        expire_seconds: fields.number_or("expire_seconds", 0)?,
        expire_at: fields.number_or("expire_at", NO_EXPIRE_AT)?,
        trigger_price: fields.number_or("trigger_price", 0)?,
        execution: fields.letter_or("execution", 0)?,
    })
}

fn cancel(fields: &mut Fields<'_>) -> Result<Cancel, CommandError> {
    Ok(Cancel {
        user_ref_num: fields.number("user_ref_num")?,
        quantity: fields.number_or("quantity", 0)?,
        user_ref_idx: fields.number_or("user_ref_idx", 0)?,
    })
}

fn modify(fields: &mut Fields<'_>) -> Result<Modify, CommandError> {
    Ok(Modify {
        user_ref_num: fields.number("user_ref_num")?,
        quantity: fields.number("quantity")?,
        side: fields.letter("side")?,
        user_ref_idx: fields.number_or("user_ref_idx", 0)?,
    })
}

fn mass_cancel(fields: &mut Fields<'_>) -> Result<MassCancel, CommandError> {
    Ok(MassCancel {
        user_ref_num: fields.number("user_ref_num")?,
        firm: fields.text("firm")?,
        symbol: fields.text("symbol")?,
        side: fields.letter_or("side", 0)?,
        group_id: fields.optional_number("group_id")?,
        user_ref_idx: fields.optional_number("user_ref_idx")?,
    })
}

fn entry_switch(fields: &mut Fields<'_>) -> Result<EntrySwitch, CommandError> {
    Ok(EntrySwitch {
        user_ref_num: fields.number("user_ref_num")?,
        firm: fields.text("firm")?,
        user_ref_idx: fields.number_or("user_ref_idx", 0)?,
    })
}

#[cfg(test)]
mod tests {
    use ringside_domain::Event;
    use ringside_engine::Limits;
    use ringside_sim::random::{RandomFlow, RandomShape};
    use serde_json::json;

    use super::*;
    use crate::json::command_json;
    use crate::json::tests::venue;

    /// What JSON keeps of a command: bytes of texts that are not printable ASCII become blanks in it.
    fn is_printable(value: &Value) -> bool {
        value.as_object().is_some_and(|fields| {
            fields.values().all(|field| field.as_str().is_none_or(|text| !text.contains(char::is_control)))
        })
    }

    #[test]
    fn every_command_of_the_random_flow_is_read_as_it_was_written() {
        let mut kinds = std::collections::BTreeSet::new();
        for (_, shape) in RandomShape::presets() {
            let mut engine = Engine::new(Limits::default());
            for (time_ns, command, _) in RandomFlow::new(11, shape).take(4_000) {
                engine.apply(time_ns, &command, &mut |_: Event| ());
                let value = command_json(&engine, &command);
                // A key of draws is not told.
                let told = !matches!(command.action, ringside_domain::Action::SetKey(_));
                if told && is_printable(&value) {
                    kinds.insert(value["type"].to_string());
                    assert_eq!(command_from_json(&engine, &value), Ok(command), "{value}");
                }
            }
        }
        assert_eq!(kinds.len(), 32, "{kinds:?}");
    }

    #[test]
    fn a_new_order_needs_only_what_matters() {
        let short = json!({"type": "enter", "login": "ALICE", "user_ref_num": 7, "side": "B", "quantity": 5,
            "symbol": "ESH4", "price": 2500});
        let command = command_from_json(&venue(), &short).unwrap();
        let Action::Enter(enter) = command.action else { panic!("{command:?}") };
        assert_eq!(command.login, LoginId(1));
        assert_eq!((enter.time_in_force, enter.display, enter.capacity), (b'0', b'Y', b'A'));
        assert_eq!((enter.cross_type, enter.options), (b'N', OrderOptions::default()));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let cases = [
            (json!([]), "a command is a JSON object"),
            (json!({}), "type is missing"),
            (json!({"type": "entr"}), "there is no command of type \"entr\""),
            (json!({"type": "cancel"}), "user_ref_num is missing"),
            (json!({"type": "cancel", "user_ref_num": -1}), "user_ref_num cannot be -1"),
            (json!({"type": "cancel", "user_ref_num": 1, "qty": 3}), "this type of command has no field qty"),
            (json!({"type": "connect", "login": "NOBODY"}), "login cannot be \"NOBODY\""),
            (json!({"type": "uncross", "symbol": "GONE"}), "symbol cannot be \"GONE\""),
            (
                json!({"type": "modify", "user_ref_num": 1, "quantity": 2, "side": "SELL"}),
                "side cannot be \"SELL\"",
            ),
        ];
        for (value, message) in cases {
            assert_eq!(command_from_json(&venue(), &value).unwrap_err().to_string(), message);
        }
    }
}

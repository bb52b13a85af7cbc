//! Commands, events and books as JSON for people and scripts. Prices and quantities are wire integers, letters are
//! strings of one character.

mod command;
mod event;
mod parse;
mod state;
#[cfg(test)]
mod tests;

use ringside_domain::{InstrumentId, LoginId, Scope, Symbol, Text, Username};
use ringside_engine::Engine;
use serde_json::{Map, Value, json};

pub use command::command_json;
pub use event::event_json;
pub use parse::{CommandError, command_from_json};
pub use state::{state_json, write_state};

/// Who knows what people call logins and instruments.
pub trait Names {
    /// The username of a login.
    fn username(&self, login: LoginId) -> Option<Username>;

    /// The symbol of an instrument.
    fn symbol(&self, instrument: InstrumentId) -> Option<Symbol>;
}

impl Names for Engine {
    fn username(&self, login: LoginId) -> Option<Username> {
        self.logins().get((login.0 as usize).wrapping_sub(1)).map(|found| found.terms.username)
    }

    fn symbol(&self, instrument: InstrumentId) -> Option<Symbol> {
        self.instruments().get((instrument.0 as usize).wrapping_sub(1)).map(|found| found.terms.symbol)
    }
}

/// What people call a login; its number when it has no name.
pub fn login_name(names: &impl Names, login: LoginId) -> String {
    names.username(login).map_or_else(|| format!("#{}", login.0), |found| found.to_string())
}

/// A byte that should be a letter, whatever the client sent.
fn letter(byte: u8) -> Value {
    if byte.is_ascii_graphic() || byte == b' ' { json!(char::from(byte).to_string()) } else { json!(byte) }
}

fn optional_letter(byte: u8) -> Value {
    if byte == 0 { Value::Null } else { letter(byte) }
}

/// Sets a field of an object.
fn put(value: &mut Value, name: &str, field: Value) {
    value.as_object_mut().unwrap_or(&mut Map::new()).insert(name.into(), field);
}

/// Letters that were given.
fn put_letters(value: &mut Value, letters: &[(&str, u8)]) {
    for (name, byte) in letters.iter().filter(|(_, byte)| *byte != 0) {
        put(value, name, letter(*byte));
    }
}

/// Numbers that say something.
fn put_numbers(value: &mut Value, numbers: &[(&str, u32)]) {
    for (name, number) in numbers.iter().filter(|(_, number)| *number != 0) {
        put(value, name, json!(number));
    }
}

/// A text that is not blank.
fn put_text<const N: usize>(value: &mut Value, name: &str, text: &Text<N>) {
    if !text.is_blank() {
        put(value, name, json!(text.as_str()));
    }
}

/// The id of an instrument, and its symbol if there is such an instrument; nothing for 0, which is none.
fn put_instrument(names: &impl Names, value: &mut Value, instrument: InstrumentId) {
    if instrument.0 == 0 {
        return;
    }
    put(value, "instrument", json!(instrument.0));
    if let Some(symbol) = names.symbol(instrument) {
        put(value, "symbol", json!(symbol.as_str()));
    }
}

/// Whom something is about.
fn scope_json(engine: &Engine, scope: Scope) -> Value {
    match scope {
        Scope::Login(login) => json!({"login": login_name(engine, login)}),
        Scope::Firm(firm) => json!({"firm": firm.as_str()}),
        Scope::Account(account) => json!({"account": account.as_str()}),
        Scope::Instrument(instrument) => {
            let mut value = json!({});
            put_instrument(engine, &mut value, instrument);
            value
        }
    }
}

//! Who is who in a scenario.

use std::collections::BTreeMap;

use ringside_domain::{Action, Command, InstrumentId, LoginId};

use super::spell;

/// Names of logins and symbols of instruments. Ids count from 1 in the order of first mention unless a line says
/// otherwise; whoever has no name goes by `login#N` or `instrument#N`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Names {
    logins: BTreeMap<u32, String>,
    instruments: BTreeMap<u32, String>,
}

impl Names {
    /// The names that a list of commands gives.
    pub fn of<'a>(commands: impl IntoIterator<Item = &'a Command>) -> Self {
        let mut names = Names::default();
        commands.into_iter().for_each(|command| names.learn(&command.action));
        names
    }

    /// Takes the name that a command gives, if it gives one.
    pub(super) fn learn(&mut self, action: &Action) {
        match action {
            Action::AddInstrument(terms) | Action::ChangeInstrument(terms) => {
                self.add_instrument(&shown(terms.symbol.trimmed()), Some(terms.instrument));
            }
            Action::AddLogin(terms) | Action::ChangeLogin(terms) => {
                self.add_login(&shown(terms.username.trimmed()), Some(terms.login));
            }
            _ => {}
        }
    }

    /// Name of a login, `login#N` when it has none.
    pub fn login_name(&self, login: LoginId) -> String {
        self.logins.get(&login.0).cloned().unwrap_or_else(|| format!("login#{}", login.0))
    }

    /// Symbol of an instrument, `instrument#N` when it has none.
    pub fn instrument_name(&self, instrument: InstrumentId) -> String {
        let known = self.instruments.get(&instrument.0).cloned();
        known.unwrap_or_else(|| format!("instrument#{}", instrument.0))
    }

    /// Id of a login.
    pub fn login(&self, name: &str) -> Option<LoginId> {
        numbered(name, "login#").or_else(|| latest(&self.logins, name)).map(LoginId)
    }

    /// Id of an instrument.
    pub fn instrument(&self, symbol: &str) -> Option<InstrumentId> {
        numbered(symbol, "instrument#").or_else(|| latest(&self.instruments, symbol)).map(InstrumentId)
    }

    pub(super) fn next_login(&self) -> LoginId {
        LoginId(next(&self.logins))
    }

    pub(super) fn next_instrument(&self) -> InstrumentId {
        InstrumentId(next(&self.instruments))
    }

    pub(super) fn add_login(&mut self, name: &str, id: Option<LoginId>) -> LoginId {
        let id = id.unwrap_or_else(|| self.next_login());
        self.logins.insert(id.0, name.to_owned());
        id
    }

    /// A symbol that comes back after its removal is a new instrument.
    pub(super) fn add_instrument(&mut self, symbol: &str, id: Option<InstrumentId>) -> InstrumentId {
        let id = id.unwrap_or_else(|| self.next_instrument());
        self.instruments.insert(id.0, symbol.to_owned());
        id
    }
}

/// A text as a word: escaped, and not empty.
pub(super) fn shown(text: &[u8]) -> String {
    if text.is_empty() { spell::escape(b" ") } else { spell::escape(text) }
}

fn next(names: &BTreeMap<u32, String>) -> u32 {
    names.last_key_value().map_or(1, |(id, _)| id.saturating_add(1))
}

fn numbered(name: &str, prefix: &str) -> Option<u32> {
    name.strip_prefix(prefix)?.parse().ok()
}

/// The latest owner of a name.
fn latest(names: &BTreeMap<u32, String>, name: &str) -> Option<u32> {
    names.iter().rev().find(|(_, known)| *known == name).map(|(id, _)| *id)
}

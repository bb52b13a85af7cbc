//! Commands → lines: the way back from a list of commands to a scenario that can be kept.

use std::fmt::Write;

use ringside_domain::limits::ORDERS_MAX_DEFAULT;
use ringside_domain::{Action, Command, InstrumentId, LoginId, Scope, TimeNs};

use super::Names;
use super::line::Line;
use super::parse::KEYWORDS;

/// A scenario of these commands, without expectations. [`Scenario::parse`](super::Scenario::parse) reads the same
/// commands at the same times from it, but that what only the venue can ask is always asked by the venue.
pub fn write(orders_max: u32, commands: &[(TimeNs, Command)]) -> String {
    let mut text = String::new();
    if orders_max != ORDERS_MAX_DEFAULT {
        let _ = writeln!(text, "orders-max {orders_max}");
    }
    let (mut names, mut next_ns) = (Names::default(), 1);
    for (time_ns, command) in commands {
        if *time_ns != next_ns {
            let _ = writeln!(text, "at {time_ns}");
        }
        next_ns = time_ns.saturating_add(1);
        let _ = writeln!(text, "{}", Writer { names: &names }.command(command));
        names.learn(&command.action);
    }
    text
}

/// Writes lines; knows who has a name so far.
pub(super) struct Writer<'a> {
    names: &'a Names,
}

impl Writer<'_> {
    fn command(&self, command: &Command) -> String {
        let line = self.configuration(&command.action).or_else(|| self.venue_action(&command.action));
        line.unwrap_or_else(|| self.client_action(command.login, &command.action)).0
    }

    fn configuration(&self, action: &Action) -> Option<Line> {
        Some(match action {
            Action::AddInstrument(terms) => {
                self.instrument_terms("instrument", terms, self.names.next_instrument())
            }
            Action::ChangeInstrument(terms) => {
                let usual = self.names.instrument(&super::names::shown(terms.symbol.trimmed()));
                self.instrument_terms("change instrument", terms, usual.unwrap_or_default())
            }
            Action::AddLogin(terms) => self.login_terms("login", terms, self.names.next_login()),
            Action::ChangeLogin(terms) => {
                let usual = self.names.login(&super::names::shown(terms.username.trimmed()));
                self.login_terms("change login", terms, usual.unwrap_or_default())
            }
            Action::RemoveInstrument(id) => Line(format!("remove instrument {}", self.instrument(*id))),
            Action::RemoveLogin(id) => Line(format!("remove login {}", self.login(*id))),
            Action::StorageFull(true) => Line::new("storage full"),
            Action::StorageFull(false) => Line::new("storage free"),
            Action::StartSession(session) => Line(format!("session {session}")),
            _ => return None,
        })
    }

    /// The name where it says who is meant, else the number.
    pub(super) fn login(&self, id: LoginId) -> String {
        let name = self.names.login_name(id);
        let fits = self.names.login(&name) == Some(id) && !KEYWORDS.contains(&name.as_str());
        if fits { name } else { format!("login#{}", id.0) }
    }

    pub(super) fn instrument(&self, id: InstrumentId) -> String {
        let name = self.names.instrument_name(id);
        if self.names.instrument(&name) == Some(id) { name } else { format!("instrument#{}", id.0) }
    }

    pub(super) fn scope(&self, scope: Scope) -> String {
        match scope {
            Scope::Login(login) => format!("login {}", self.login(login)),
            Scope::Firm(firm) => format!("firm {}", super::names::shown(firm.trimmed())),
            Scope::Account(account) => format!("account {}", super::names::shown(account.trimmed())),
            Scope::Instrument(instrument) => format!("instrument {}", self.instrument(instrument)),
        }
    }

    pub(super) fn word<const N: usize>(text: &ringside_domain::Text<N>) -> String {
        super::names::shown(text.trimmed())
    }
}

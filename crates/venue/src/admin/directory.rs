//! Names and ids, for the operator's commands and for what is told about them.
//!
//! A copy of the state's names that starts with the engine's and follows the commands that change them. Only the admin
//! thread sends such commands while the venue runs, so the copy is never behind.

use std::collections::BTreeMap;

use ringside_domain::{
    Account, Action, Event, Fact, InstrumentId, InstrumentTerms, LoginId, LoginTerms, Scope, Symbol, Username,
};
use ringside_engine::Engine;

use crate::config::ScopeName;

/// The copy.
#[derive(Debug)]
pub struct Directory {
    /// By id - 1.
    instruments: Vec<(Symbol, bool)>,
    symbols: BTreeMap<Symbol, InstrumentId>,
    /// By id - 1.
    logins: Vec<LoginTerms>,
    usernames: BTreeMap<Username, LoginId>,
}

impl Directory {
    /// What an engine knows.
    pub fn new(engine: &Engine) -> Directory {
        let mut directory = Directory {
            instruments: Vec::new(),
            symbols: BTreeMap::new(),
            logins: engine.logins().iter().map(|login| login.terms).collect(),
            usernames: BTreeMap::new(),
        };
        for known in engine.instruments() {
            directory.add(known.terms.symbol, known.listed);
        }
        for login in engine.logins().iter().filter(|login| login.listed) {
            directory.usernames.insert(login.terms.username, login.terms.login);
        }
        directory
    }

    fn add(&mut self, symbol: Symbol, listed: bool) {
        self.instruments.push((symbol, listed));
        self.symbols.insert(symbol, InstrumentId(self.instruments.len() as u32));
    }

    /// Follows a command that was carried out.
    pub fn learn(&mut self, action: &Action, events: &[Event]) {
        if events.iter().any(|event| matches!(event.fact, Fact::Refused(_))) {
            return;
        }
        match action {
            Action::AddInstrument(terms) => self.add(terms.symbol, true),
            Action::ChangeInstrument(InstrumentTerms { instrument, .. }) => {
                self.set_listed(*instrument, true)
            }
            Action::RemoveInstrument(instrument) => self.set_listed(*instrument, false),
            _ => {}
        }
    }

    fn set_listed(&mut self, id: InstrumentId, listed: bool) {
        if let Some(known) = self.instruments.get_mut((id.0 as usize).wrapping_sub(1)) {
            known.1 = listed;
        }
    }

    /// The id for a new instrument.
    pub fn next_instrument(&self) -> InstrumentId {
        InstrumentId(self.instruments.len() as u32 + 1)
    }

    /// An instrument that was ever configured, and whether it is listed.
    pub fn any_instrument(&self, symbol: Symbol) -> Option<(InstrumentId, bool)> {
        let id = *self.symbols.get(&symbol)?;
        Some((id, self.instruments[id.0 as usize - 1].1))
    }

    /// A listed instrument.
    pub fn instrument(&self, symbol: Symbol) -> Option<InstrumentId> {
        self.any_instrument(symbol).filter(|(_, listed)| *listed).map(|(id, _)| id)
    }

    /// A scope that at least one login is in.
    pub fn scope(&self, name: ScopeName) -> Option<Scope> {
        let any = |found: &dyn Fn(&LoginTerms) -> bool| self.listed().any(found);
        match name {
            ScopeName::Login(name) => self.usernames.get(&name).copied().map(Scope::Login),
            ScopeName::Firm(firm) => any(&|terms| terms.firm == firm).then_some(Scope::Firm(firm)),
            ScopeName::Account(account) => {
                any(&|terms| trades_for(terms, account)).then_some(Scope::Account(account))
            }
        }
    }

    fn listed(&self) -> impl Iterator<Item = &LoginTerms> {
        self.usernames.values().map(|login| &self.logins[login.0 as usize - 1])
    }

    /// The symbol of an instrument that was ever configured.
    pub fn symbol(&self, id: InstrumentId) -> Option<Symbol> {
        self.instruments.get((id.0 as usize).wrapping_sub(1)).map(|(symbol, _)| *symbol)
    }

    /// The username of a login that was ever configured.
    pub fn username(&self, id: LoginId) -> Option<Username> {
        self.logins.get((id.0 as usize).wrapping_sub(1)).map(|terms| terms.username)
    }
}

/// A login without an account trades for one named like itself.
pub(crate) fn trades_for(terms: &LoginTerms, account: Account) -> bool {
    match terms.account.is_blank() {
        true => terms.username.trimmed() == account.trimmed(),
        false => terms.account == account,
    }
}

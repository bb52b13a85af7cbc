//! Who is who in a scenario.

use ringside_domain::{InstrumentId, LoginId};

/// Names of logins and symbols of instruments; ids count from 1 in the order of first mention.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Names {
    logins: Vec<String>,
    instruments: Vec<String>,
}

impl Names {
    /// Name of a login, `login#N` when it has none.
    pub fn login_name(&self, login: LoginId) -> String {
        let index = (login.0 as usize).wrapping_sub(1);
        self.logins.get(index).cloned().unwrap_or_else(|| format!("login#{}", login.0))
    }

    /// Id of a login.
    pub fn login(&self, name: &str) -> Option<LoginId> {
        position(&self.logins, name).map(LoginId)
    }

    /// Id of an instrument.
    pub fn instrument(&self, symbol: &str) -> Option<InstrumentId> {
        position(&self.instruments, symbol).map(InstrumentId)
    }

    pub(super) fn add_login(&mut self, name: &str) -> LoginId {
        self.logins.push(name.to_owned());
        LoginId(self.logins.len() as u32)
    }

    /// A symbol that comes back after its removal is a new instrument.
    pub(super) fn add_instrument(&mut self, symbol: &str) -> InstrumentId {
        self.instruments.push(symbol.to_owned());
        InstrumentId(self.instruments.len() as u32)
    }
}

/// The latest owner of a name, counted from 1.
fn position(names: &[String], name: &str) -> Option<u32> {
    names.iter().rposition(|known| known == name).map(|index| index as u32 + 1)
}

//! Random configuration: instruments and logins come, change and go.

use ringside_domain::{
    Action, Command, Firm, InstrumentId, InstrumentTerms, LoginId, LoginTerms, Symbol, Username,
};

use super::{RandomFlow, venue};

const FIRMS: [&str; 3] = ["FRMA", "FRMB", "FRMC"];

impl RandomFlow {
    pub(super) fn change_configuration(&mut self) {
        match self.prng.below(10) {
            0..=2 => self.change_instrument(),
            3..=6 => self.change_login(),
            7 => self.remove_instrument(),
            8 => self.remove_login(),
            _ => self.add_instrument(),
        }
        if self.pending.is_empty() {
            self.change_login();
        }
    }

    pub(super) fn add_instrument(&mut self) {
        let instrument = InstrumentId(self.next_instrument);
        self.next_instrument += 1;
        let symbol = Symbol::new(&format!("R{}", instrument.0)).expect("Invariant: ids are short");
        let terms = InstrumentTerms { symbol, ..self.any_terms(instrument) };
        self.instruments.push(terms);
        self.pending.push_back(venue(Action::AddInstrument(terms)));
    }

    fn any_terms(&mut self, instrument: InstrumentId) -> InstrumentTerms {
        InstrumentTerms {
            instrument,
            symbol: Symbol::BLANK,
            tick: self.prng.pick(&[1, 25, 100, 2_500]),
            lot: self.prng.pick(&[1, 1, 10, 100]),
            price_decimals: 4,
            quantity_decimals: 0,
            ..InstrumentTerms::plain(InstrumentId(0), Symbol::BLANK, 1, 1)
        }
    }

    fn change_instrument(&mut self) {
        let index = self.prng.below(self.instruments.len() as u64) as usize;
        let old = self.instruments[index];
        let terms = InstrumentTerms { symbol: old.symbol, ..self.any_terms(old.instrument) };
        self.instruments[index] = terms;
        self.pending.push_back(venue(Action::ChangeInstrument(terms)));
    }

    /// Only without live orders, and never the last one.
    fn remove_instrument(&mut self) {
        let instrument = self.any_instrument().instrument;
        let in_use = self.reference.orders().any(|order| order.instrument == instrument);
        if !in_use && self.instruments.len() > 1 {
            self.instruments.retain(|terms| terms.instrument != instrument);
            self.pending.push_back(venue(Action::RemoveInstrument(instrument)));
        }
    }

    pub(super) fn add_login(&mut self) {
        let login = LoginId(self.next_login);
        self.next_login += 1;
        let terms = self.any_login_terms(login);
        self.logins.push(terms);
        self.pending.push_back(venue(Action::AddLogin(terms)));
        self.pending.push_back(Command { login, action: Action::Connect });
    }

    fn any_login_terms(&mut self, login: LoginId) -> LoginTerms {
        let username = Username::new(&format!("U{}", login.0)).expect("Invariant: ids are short");
        let firm = Firm::new(self.prng.pick(&FIRMS)).expect("Invariant: four letters fit");
        LoginTerms {
            login,
            username,
            firm,
            cancel_on_disconnect: self.prng.chance(50),
            ..LoginTerms::plain(LoginId(0), Username::BLANK, Firm::BLANK)
        }
    }

    fn change_login(&mut self) {
        let index = self.prng.below(self.logins.len() as u64) as usize;
        let terms = self.any_login_terms(self.logins[index].login);
        self.logins[index] = terms;
        self.pending.push_back(venue(Action::ChangeLogin(terms)));
    }

    /// Disconnected first. Its orders may rest on; a new login takes its place.
    fn remove_login(&mut self) {
        let login = self.any_login();
        self.logins.retain(|terms| terms.login != login);
        if self.reference.is_connected(login) {
            self.pending.push_back(Command { login, action: Action::Disconnect });
        }
        self.pending.push_back(venue(Action::RemoveLogin(login)));
        self.add_login();
    }

    /// A firm in use, rarely a strange one.
    pub(super) fn any_firm(&mut self) -> Firm {
        let firm = self.prng.pick(&["FRMA", "FRMB", "FRMC", "NONE"]);
        Firm::new(firm).expect("Invariant: four letters fit")
    }
}

//! Configuration as commands: instruments, logins, sessions. Ids are dense, ascending and never reused.
//!
//! The venue derives these commands from its configuration file and checks them before it journals them. One
//! that cannot be carried out (an id out of line, a tick change under live orders) changes nothing.

use ringside_book::Book;
use ringside_domain::limits::{INSTRUMENTS_MAX, LOGINS_MAX};
use ringside_domain::{Action, InstrumentId, InstrumentTerms, LoginId, LoginTerms};

use crate::login::Login;
use crate::{Engine, Instrument};

impl Engine {
    pub(crate) fn configure(&mut self, action: &Action) {
        match *action {
            Action::StartSession(session) => self.counters.session = session,
            Action::AddInstrument(terms) => self.add_instrument(terms),
            Action::ChangeInstrument(terms) => self.change_instrument(terms),
            Action::RemoveInstrument(id) => self.remove_instrument(id),
            Action::AddLogin(terms) => self.add_login(terms),
            Action::ChangeLogin(terms) => self.change_login(terms),
            Action::RemoveLogin(id) => self.remove_login(id),
            Action::StorageFull(full) => self.counters.storage_full = full,
            // Orders come from logins alone.
            _ => {}
        }
    }

    fn add_instrument(&mut self, terms: InstrumentTerms) {
        let next = self.instruments.len() as u32 + 1;
        if terms.instrument.0 != next || next > INSTRUMENTS_MAX || terms.tick == 0 || terms.lot == 0 {
            return;
        }
        self.symbols.insert(terms.symbol, terms.instrument);
        self.instruments.push(Instrument { terms, listed: true, live_orders: 0, book: Book::default() });
    }

    fn change_instrument(&mut self, terms: InstrumentTerms) {
        let Some(instrument) = self.instrument_mut(terms.instrument) else { return };
        let same_tick = terms.tick == instrument.terms.tick;
        let same_symbol = terms.symbol == instrument.terms.symbol;
        // Levels are kept in ticks: the tick may change only while there are none.
        if terms.tick == 0 || terms.lot == 0 || !same_symbol || !(same_tick || instrument.live_orders == 0) {
            return;
        }
        instrument.terms = terms;
        instrument.listed = true;
    }

    fn remove_instrument(&mut self, id: InstrumentId) {
        if let Some(instrument) = self.instrument_mut(id)
            && instrument.live_orders == 0
        {
            instrument.listed = false;
        }
    }

    fn add_login(&mut self, terms: LoginTerms) {
        let next = self.logins.len() as u32 + 1;
        if terms.login.0 == next && next <= LOGINS_MAX {
            self.logins.push(Login::new(terms));
        }
    }

    fn change_login(&mut self, terms: LoginTerms) {
        if let Some(login) = self.logins.get_mut((terms.login.0 as usize).wrapping_sub(1)) {
            login.terms = terms;
            login.listed = true;
        }
    }

    fn remove_login(&mut self, id: LoginId) {
        if let Some(login) = self.logins.get_mut((id.0 as usize).wrapping_sub(1)) {
            login.listed = false;
        }
    }

    fn instrument_mut(&mut self, id: InstrumentId) -> Option<&mut Instrument> {
        self.instruments.get_mut((id.0 as usize).wrapping_sub(1))
    }
}

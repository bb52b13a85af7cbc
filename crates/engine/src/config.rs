//! Configuration as commands: instruments, logins, sessions. Ids are dense, ascending and never reused.
//!
//! A command that cannot be carried out (an id out of line, a tick change under live orders) changes nothing and is
//! refused.

use ringside_book::Slot;
use ringside_domain::limits::{INSTRUMENTS_MAX, LOGINS_MAX, PRICE_MARKET};
use ringside_domain::{
    Action, Allocation, InstrumentId, InstrumentTerms, LoginId, LoginTerms, MarketState, Rules, VenueRefusal,
};

use crate::Engine;
use crate::instrument::{Instrument, Watch};
use crate::login::Login;
use crate::risk::account_of;

impl Engine {
    pub(crate) fn configure(&mut self, action: &Action) -> Result<(), VenueRefusal> {
        match *action {
            Action::StartSession(session) => self.counters.session = session,
            Action::SetSeed(seed) => (self.counters.key, self.counters.seed) = ([0, 0], seed),
            Action::SetKey(key) => (self.counters.key, self.counters.seed) = (key, 0),
            Action::StorageFull(full) => self.counters.storage_full = full,
            Action::SetRules(rules) => self.set_rules(rules)?,
            Action::AddInstrument(terms) => self.add_instrument(terms)?,
            Action::ChangeInstrument(terms) => self.change_instrument(terms)?,
            Action::RemoveInstrument(id) => self.remove_instrument(id)?,
            Action::AddLogin(terms) => self.add_login(terms)?,
            Action::ChangeLogin(terms) => self.change_login(terms)?,
            Action::RemoveLogin(id) => self.remove_login(id)?,
            // Time has passed, a barrier stands, a number is told: that was all. Orders come from logins alone.
            _ => {}
        }
        Ok(())
    }

    fn set_rules(&mut self, rules: Rules) -> Result<(), VenueRefusal> {
        if rules < self.counters.rules {
            return Err(VenueRefusal::State);
        }
        self.counters.rules = rules;
        Ok(())
    }

    fn add_instrument(&mut self, terms: InstrumentTerms) -> Result<(), VenueRefusal> {
        let next = self.instruments.len() as u32 + 1;
        if terms.instrument.0 != next {
            return Err(VenueRefusal::Instrument);
        }
        if next > INSTRUMENTS_MAX {
            return Err(VenueRefusal::Capacity);
        }
        if !are_sound(&terms) || !self.decimals_agree(&terms, None) {
            return Err(VenueRefusal::Terms);
        }
        self.symbols.insert(terms.symbol, terms.instrument);
        self.list_assets(&terms);
        self.instruments.push(Instrument::new(terms));
        Ok(())
    }

    fn change_instrument(&mut self, terms: InstrumentTerms) -> Result<(), VenueRefusal> {
        let index = (terms.instrument.0 as usize).wrapping_sub(1);
        let instrument = self.instruments.get(index).ok_or(VenueRefusal::Instrument)?;
        let old = instrument.terms;
        let in_force = instrument.listed.then_some(&old);
        let agree = are_sound(&terms) && self.decimals_agree(&terms, in_force);
        let collar = (terms.collar_low, terms.collar_high) != (old.collar_low, old.collar_high);
        let may_change = instrument.live_orders == 0
            || (same_measures(&terms, &old) && (!collar || may_move_collar(instrument)));
        if !agree || terms.symbol != old.symbol || !may_change {
            return Err(VenueRefusal::Terms);
        }
        in_force.into_iter().for_each(|old| self.unlist_assets(old));
        self.list_assets(&terms);
        self.note_assets(terms.instrument, (old.base, old.quote), (terms.base, terms.quote));
        let instrument = &mut self.instruments[index];
        instrument.terms = terms;
        instrument.listed = true;
        if terms.allocation != Allocation::ProRata {
            (instrument.top_buy, instrument.top_sell) = (0, 0);
        }
        instrument.rewatch();
        Ok(())
    }

    fn remove_instrument(&mut self, id: InstrumentId) -> Result<(), VenueRefusal> {
        let index = self.listed(id)?;
        let instrument = &mut self.instruments[index];
        if instrument.live_orders > 0 {
            return Err(VenueRefusal::Terms);
        }
        instrument.listed = false;
        instrument.rewatch();
        let terms = instrument.terms;
        self.unlist_assets(&terms);
        Ok(())
    }

    fn add_login(&mut self, terms: LoginTerms) -> Result<(), VenueRefusal> {
        let next = self.logins.len() as u32 + 1;
        if terms.login.0 != next {
            return Err(VenueRefusal::Login);
        }
        if next > LOGINS_MAX {
            return Err(VenueRefusal::Capacity);
        }
        self.logins.push(Login::new(terms));
        self.reguard_one(self.logins.len() - 1);
        Ok(())
    }

    fn change_login(&mut self, terms: LoginTerms) -> Result<(), VenueRefusal> {
        let login = self.login_at(terms.login).ok_or(VenueRefusal::Login)?;
        // Reserves were taken from the account of then: it keeps the login while there are any.
        let reserves = |slot: Slot| {
            let instrument = self.store.orders.get(slot).instrument;
            self.instruments[instrument.0 as usize - 1].watch.any(Watch::BALANCES)
        };
        if account_of(&terms) != account_of(&login.terms) && login.slots().any(reserves) {
            return Err(VenueRefusal::Terms);
        }
        let old = login.terms;
        self.note_owner(&old, &terms);
        let login = self.login_mut(terms.login);
        login.terms = terms;
        login.listed = true;
        self.recount();
        Ok(())
    }

    fn remove_login(&mut self, id: LoginId) -> Result<(), VenueRefusal> {
        let found = self.logins.get_mut((id.0 as usize).wrapping_sub(1));
        let login = found.filter(|login| login.listed).ok_or(VenueRefusal::Login)?;
        login.listed = false;
        login.connected = false;
        Ok(())
    }
}

/// Terms that do not contradict themselves.
pub(crate) fn are_sound(terms: &InstrumentTerms) -> bool {
    let prices = [terms.collar_low, terms.collar_high, terms.reference_price];
    let ranges = &terms.tick_ranges;
    let used = ranges.iter().take_while(|range| range.from != 0).count();
    terms.tick != 0
        && u64::from(terms.tick) < PRICE_MARKET
        && terms.lot != 0
        && prices.iter().all(|price| u64::from(*price) < PRICE_MARKET)
        && (terms.collar_low == 0 || terms.collar_high == 0 || terms.collar_low <= terms.collar_high)
        && ranges[used..].iter().all(|range| range.from == 0 && range.tick == 0)
        && ranges[..used].windows(2).all(|pair| pair[0].from < pair[1].from)
        && ranges[..used].iter().all(|range| {
            range.tick != 0 && range.tick.is_multiple_of(terms.tick) && u64::from(range.from) < PRICE_MARKET
        })
        && terms.base.is_blank() == terms.quote.is_blank()
        && (terms.base.is_blank() || terms.base != terms.quote)
}

/// A collar moves only where orders on both sides of it cannot cross, and where no reserve was taken by it.
fn may_move_collar(instrument: &Instrument) -> bool {
    instrument.state == MarketState::Continuous && instrument.terms.base.is_blank()
}

/// What live orders are measured in.
fn same_measures(terms: &InstrumentTerms, old: &InstrumentTerms) -> bool {
    (terms.tick, terms.lot, terms.price_decimals, terms.quantity_decimals)
        == (old.tick, old.lot, old.price_decimals, old.quantity_decimals)
        && terms.tick_ranges == old.tick_ranges
        && (terms.base, terms.quote) == (old.base, old.quote)
        && (terms.maker_fee_ppm, terms.taker_fee_ppm) == (old.maker_fee_ppm, old.taker_fee_ppm)
}

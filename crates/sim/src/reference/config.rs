//! Instruments and logins: come, change, go. What contradicts itself is refused and changes nothing.

use ringside_domain::limits::{INSTRUMENTS_MAX, LOGINS_MAX, PRICE_MARKET};
use ringside_domain::{Allocation, Asset, InstrumentId, InstrumentTerms, LoginId, LoginTerms, VenueRefusal};

use super::Reference;
use super::instrument::Instrument;
use super::risk::account_by;
use super::state::Login;
use super::state::Order;

type Done = Result<(), VenueRefusal>;

impl Reference {
    pub(super) fn add_instrument(&mut self, terms: InstrumentTerms) -> Done {
        let known = self.instruments.len() as u32;
        if terms.instrument != InstrumentId(known + 1) {
            return Err(VenueRefusal::Instrument);
        }
        if known >= INSTRUMENTS_MAX {
            return Err(VenueRefusal::Capacity);
        }
        self.must_be_sound(&terms)?;
        self.name_assets(&terms);
        self.history.instruments.push((self.last_match, terms));
        self.instruments.insert(terms.instrument, Instrument::new(terms));
        Ok(())
    }

    /// State, last price and orders stay. A removed instrument is listed again.
    pub(super) fn change_instrument(&mut self, terms: InstrumentTerms) -> Done {
        let old = self.instruments.get(&terms.instrument).ok_or(VenueRefusal::Instrument)?.terms;
        self.must_be_sound(&terms)?;
        let is_calm = self.at(terms.instrument).is_continuous() && old.base.is_blank();
        let changes = changes_units(&old, &terms) || (changes_collar(&old, &terms) && !is_calm);
        if self.has_orders(terms.instrument) && changes {
            return Err(VenueRefusal::Terms);
        }
        self.name_assets(&terms);
        self.history.instruments.push((self.last_match, terms));
        let instrument = self.at_mut(terms.instrument);
        (instrument.terms, instrument.listed) = (terms, true);
        if terms.allocation != Allocation::ProRata {
            (instrument.top_buy, instrument.top_sell) = (0, 0);
        }
        Ok(())
    }

    pub(super) fn remove_instrument(&mut self, id: InstrumentId) -> Done {
        self.must_be_listed(id)?;
        if self.has_orders(id) {
            return Err(VenueRefusal::Terms);
        }
        self.at_mut(id).listed = false;
        Ok(())
    }

    pub(super) fn must_be_listed(&self, id: InstrumentId) -> Done {
        let listed = self.instruments.get(&id).is_some_and(|instrument| instrument.listed);
        if listed { Ok(()) } else { Err(VenueRefusal::Instrument) }
    }

    fn has_orders(&self, id: InstrumentId) -> bool {
        self.orders.values().any(|order| order.instrument == id)
    }

    fn must_be_sound(&self, terms: &InstrumentTerms) -> Done {
        let sound = terms.tick > 0
            && terms.lot > 0
            && prices(terms).iter().all(|price| u64::from(*price) < PRICE_MARKET)
            && has_sound_ranges(terms)
            && (terms.collar_low == 0 || terms.collar_high == 0 || terms.collar_low <= terms.collar_high)
            && terms.base.is_blank() == terms.quote.is_blank()
            && (terms.base.is_blank() || terms.base != terms.quote)
            && !self.contradicts_decimals(terms);
        if sound { Ok(()) } else { Err(VenueRefusal::Terms) }
    }

    fn name_assets(&mut self, terms: &InstrumentTerms) {
        self.decimals.extend(decimals(terms));
    }

    fn is_held(&self, asset: Asset) -> bool {
        self.balances.iter().any(|((_, held), amount)| *held == asset && *amount != 0)
    }

    /// An asset has one number of decimals in all listed instruments, and keeps it while somebody has some of it.
    fn contradicts_decimals(&self, terms: &InstrumentTerms) -> bool {
        let others = self.instruments.values().filter(|other| other.listed);
        let others = others.filter(|other| other.terms.instrument != terms.instrument);
        let theirs: Vec<_> = others.flat_map(|other| decimals(&other.terms)).collect();
        let differs = |asset: &Asset, mine: &u16| self.decimals.get(asset).is_some_and(|last| last != mine);
        decimals(terms).iter().any(|(asset, mine)| {
            theirs.iter().any(|(a, d)| a == asset && d != mine)
                || (self.is_held(*asset) && differs(asset, mine))
        })
    }

    pub(super) fn add_login(&mut self, terms: LoginTerms) -> Done {
        let known = self.logins.len() as u32;
        if terms.login != LoginId(known + 1) {
            return Err(VenueRefusal::Login);
        }
        if known >= LOGINS_MAX {
            return Err(VenueRefusal::Capacity);
        }
        self.history.logins.push((self.last_match, terms));
        self.logins.insert(terms.login, Login::new(terms));
        Ok(())
    }

    /// A removed login is listed again.
    pub(super) fn change_login(&mut self, terms: LoginTerms) -> Done {
        let before = self.logins.get(&terms.login).ok_or(VenueRefusal::Login)?.terms;
        let moves = account_by(&before) != account_by(&terms);
        if moves && self.orders.values().any(|order| order.login == terms.login && self.has_reserve(order)) {
            return Err(VenueRefusal::Terms);
        }
        self.history.logins.push((self.last_match, terms));
        let login = self.logins.get_mut(&terms.login).expect("Invariant: just seen");
        (login.terms, login.removed) = (terms, false);
        Ok(())
    }

    /// Orders in balances mode have taken a reserve from the account of then.
    fn has_reserve(&self, order: &Order) -> bool {
        !self.at(order.instrument).terms.base.is_blank()
    }

    pub(super) fn remove_login(&mut self, id: LoginId) -> Done {
        let login = self.logins.get_mut(&id).filter(|login| !login.removed).ok_or(VenueRefusal::Login)?;
        (login.removed, login.connected) = (true, false);
        Ok(())
    }
}

/// Used entries first, ascending, each step a multiple of the instrument's.
fn has_sound_ranges(terms: &InstrumentTerms) -> bool {
    let ranges = &terms.tick_ranges;
    let used = ranges.iter().take_while(|range| range.from > 0).count();
    ranges[used..].iter().all(|range| (range.from, range.tick) == (0, 0))
        && ranges[..used].windows(2).all(|pair| pair[0].from < pair[1].from)
        && ranges[..used].iter().all(|range| range.tick > 0 && range.tick.is_multiple_of(terms.tick))
}

/// Decimals of the two assets of an instrument in balances mode.
fn decimals(terms: &InstrumentTerms) -> Vec<(Asset, u16)> {
    if terms.base.is_blank() {
        return Vec::new();
    }
    let goods = u16::from(terms.quantity_decimals);
    vec![(terms.base, goods), (terms.quote, goods + u16::from(terms.price_decimals))]
}

/// Everything in the terms that is a price.
fn prices(terms: &InstrumentTerms) -> Vec<u32> {
    let ranges = terms.tick_ranges.iter().map(|range| range.from);
    ranges.chain([terms.tick, terms.collar_low, terms.collar_high, terms.reference_price]).collect()
}

/// In a call orders could be left crossed behind a new collar; in balances mode reserves were taken by it.
fn changes_collar(old: &InstrumentTerms, new: &InstrumentTerms) -> bool {
    (old.collar_low, old.collar_high) != (new.collar_low, new.collar_high)
}

/// What live orders rely on.
fn changes_units(old: &InstrumentTerms, new: &InstrumentTerms) -> bool {
    let units = |terms: &InstrumentTerms| {
        (
            (terms.tick, terms.tick_ranges.map(|range| (range.from, range.tick)), terms.lot),
            (terms.price_decimals, terms.quantity_decimals, terms.base, terms.quote),
            (terms.maker_fee_ppm, terms.taker_fee_ppm),
        )
    };
    units(old) != units(new)
}

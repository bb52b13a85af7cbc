//! Random configuration: instruments and logins come, change and go.

use ringside_domain::{
    Account, Action, Allocation, Asset, Command, Firm, InstrumentId, InstrumentTerms, LoginId, LoginTerms,
    SelfTradePrevention, Symbol, TickRange, Transfer, Username,
};

use super::letters::{LOWEST, SPAN};
use super::{RandomFlow, venue};

const FIRMS: [&str; 3] = ["FRMA", "FRMB", "FRMC"];

/// Most instruments and logins that ever come: whoever checks states looks at all of them.
const EVER: u32 = 12;

impl RandomFlow {
    pub(super) fn change_configuration(&mut self) {
        match self.prng.below(20) {
            0..=6 => self.change_instrument(),
            7..=14 => self.change_login(),
            15..=16 => self.remove_instrument(),
            17 => self.remove_login(),
            18 if self.next_instrument <= EVER
                && self.instruments.len() <= self.shape.instruments as usize =>
            {
                self.add_instrument()
            }
            _ => self.break_the_rules(),
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
        let on = self.shape.features;
        let tick = self.prng.pick(if on.bands || on.collars { &[25, 100, 2_500] } else { &[1, 25, 2_500] });
        let lot = self.prng.pick(&[1, 1, 10, 100]);
        let mut terms = InstrumentTerms::plain(instrument, Symbol::BLANK, tick, lot);
        if on.pro_rata && self.prng.chance(60) {
            terms.allocation = Allocation::ProRata;
        }
        if on.tick_ranges && self.prng.chance(50) {
            self.coarsen(&mut terms);
        }
        self.fence(&mut terms);
        if on.balances && self.prng.chance(70) {
            self.settle_in_money(&mut terms);
        }
        if self.prng.chance(40) {
            terms.reference_price = self.level(&terms, 0, SPAN) as u32;
        }
        terms
    }

    /// Coarser ticks in the middle of the levels.
    fn coarsen(&mut self, terms: &mut InstrumentTerms) {
        let first = LOWEST as u32 + terms.tick * (2 + self.prng.below(4) as u32);
        let second = first + terms.tick * (1 + self.prng.below(5) as u32);
        terms.tick_ranges[0] = TickRange { from: first, tick: terms.tick * self.prng.pick(&[1, 2, 5]) };
        if self.prng.chance(50) {
            terms.tick_ranges[1] = TickRange { from: second, tick: terms.tick * self.prng.pick(&[2, 4]) };
        }
    }

    /// A collar around most levels, a band around some.
    fn fence(&mut self, terms: &mut InstrumentTerms) {
        let on = self.shape.features;
        let level = |steps: u64| LOWEST as u32 + terms.tick * steps as u32;
        if on.collars && self.prng.chance(40) {
            let (low, high) = (self.prng.below(4), SPAN - 1 - self.prng.below(4));
            terms.collar_low = level(low) * u32::from(self.prng.chance(80));
            terms.collar_high = level(high) * u32::from(self.prng.chance(80));
        }
        if on.bands && self.prng.chance(60) {
            let steps = 1 + self.prng.below(6);
            terms.band_bps = (u64::from(terms.tick) * steps * 10_000 / LOWEST) as u32 + 1;
            terms.volatility_call_ms = self.prng.pick(&[0, 1, 20, 100]);
            terms.random_end_ms = self.prng.pick(&[0, 0, 1, 30]);
        }
    }

    fn settle_in_money(&mut self, terms: &mut InstrumentTerms) {
        terms.base = asset(self.prng.pick(&["BTC", "ETH"]));
        terms.quote = asset(self.prng.pick(&["USD", "EUR"]));
        terms.maker_fee_ppm = self.prng.pick(&[0, 1, 500, 25_000]);
        terms.taker_fee_ppm = self.prng.pick(&[0, 3, 1_000, 40_000]);
        if self.prng.below(20) == 0 {
            terms.price_decimals = 2;
        }
    }

    fn change_instrument(&mut self) {
        let old = self.any_instrument();
        let fresh = InstrumentTerms { symbol: old.symbol, ..self.any_terms(old.instrument) };
        // What live orders rely on mostly stays.
        let terms = if self.prng.chance(75) {
            InstrumentTerms { tick_ranges: old.tick_ranges, tick: old.tick, lot: old.lot, ..fresh }
        } else {
            fresh
        };
        let terms = if self.prng.chance(75) {
            InstrumentTerms { base: old.base, quote: old.quote, price_decimals: old.price_decimals, ..terms }
        } else {
            terms
        };
        self.pending.push_back(venue(Action::ChangeInstrument(terms)));
    }

    /// Refused while it has live orders. Never the last one.
    fn remove_instrument(&mut self) {
        if self.instruments.len() > 1 {
            let instrument = self.any_instrument().instrument;
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
        if self.shape.features.balances {
            self.endow(&terms);
        }
    }

    /// Something to begin with.
    fn endow(&mut self, terms: &LoginTerms) {
        let account = account_of(terms);
        for (name, unit) in [("USD", LOWEST), ("EUR", LOWEST), ("BTC", 1), ("ETH", 1)] {
            let amount = unit * (100 + self.prng.below(1_000));
            let transfer = Transfer { account, asset: asset(name), amount };
            self.pending.push_back(venue(Action::Deposit(transfer)));
        }
    }

    fn any_login_terms(&mut self, login: LoginId) -> LoginTerms {
        let username = Username::new(&format!("U{}", login.0)).expect("Invariant: ids are short");
        let firm = Firm::new(self.prng.pick(&FIRMS)).expect("Invariant: four letters fit");
        let mut terms = LoginTerms::plain(login, username, firm);
        terms.cancel_on_disconnect = self.prng.chance(50);
        terms.disconnect_grace_ms = self.prng.pick(&[0, 0, 1, 200]);
        terms.account = account(self.prng.pick(&["", "", "FUND", "POOL"]));
        if self.shape.features.prevention && self.prng.chance(80) {
            terms.self_trade_prevention = self.prng.pick(&[
                SelfTradePrevention::CancelNewest,
                SelfTradePrevention::CancelOldest,
                SelfTradePrevention::CancelBoth,
                SelfTradePrevention::Decrement,
                SelfTradePrevention::Decrement,
            ]);
        }
        terms
    }

    fn change_login(&mut self) {
        let login = self.any_login();
        let terms = self.any_login_terms(login);
        self.pending.push_back(venue(Action::ChangeLogin(terms)));
    }

    /// Disconnected first. Its orders may rest on; a new login takes its place.
    fn remove_login(&mut self) {
        if self.next_login > EVER {
            return self.change_login();
        }
        let login = self.any_login();
        self.logins.retain(|terms| terms.login != login);
        if self.reference.is_connected(login) {
            self.pending.push_back(Command { login, action: Action::Disconnect });
        }
        self.pending.push_back(venue(Action::RemoveLogin(login)));
        self.add_login();
    }

    /// What must be refused.
    fn break_the_rules(&mut self) {
        let terms = self.any_instrument();
        let nowhere = InstrumentId(99);
        self.pending.push_back(venue(match self.prng.below(5) {
            0 => Action::AddInstrument(InstrumentTerms { instrument: nowhere, ..terms }),
            1 => Action::ChangeInstrument(InstrumentTerms { instrument: nowhere, ..terms }),
            2 => Action::ChangeInstrument(InstrumentTerms { tick: 0, ..terms }),
            3 => Action::RemoveInstrument(nowhere),
            _ => Action::RemoveLogin(LoginId(99)),
        }));
    }

    /// Follows what became of a change of the configuration.
    pub(super) fn remember(&mut self, action: &Action) {
        match action {
            Action::AddInstrument(_) | Action::ChangeInstrument(_) | Action::RemoveInstrument(_) => {
                let states = self.reference.instrument_states().into_iter();
                let pending = self.pending.iter().filter_map(|command| match command.action {
                    Action::AddInstrument(terms) => Some(terms),
                    _ => None,
                });
                let listed = states.filter(|state| state.listed).map(|state| state.terms);
                self.instruments = listed.chain(pending).collect();
            }
            Action::ChangeLogin(terms) => {
                let known = self.logins.iter_mut().find(|known| known.login == terms.login);
                known.into_iter().for_each(|known| *known = *terms);
            }
            _ => {}
        }
    }

    /// A firm in use, rarely a strange one.
    pub(super) fn any_firm(&mut self) -> Firm {
        let firm = self.prng.pick(&["FRMA", "FRMB", "FRMC", "NONE"]);
        Firm::new(firm).expect("Invariant: four letters fit")
    }

    /// An account that somebody trades for.
    pub(super) fn any_account(&mut self) -> Account {
        let index = self.prng.below(self.logins.len() as u64) as usize;
        account_of(&self.logins[index])
    }
}

fn account_of(terms: &LoginTerms) -> Account {
    if terms.account.is_blank() { account(terms.username.as_str()) } else { terms.account }
}

fn account(text: &str) -> Account {
    Account::new(text).expect("Invariant: accounts are short")
}

pub(super) fn asset(text: &str) -> Asset {
    Asset::new(text).expect("Invariant: assets are short")
}

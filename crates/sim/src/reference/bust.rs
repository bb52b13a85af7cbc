//! A trade is broken (§13): both sides and the public are told, positions and balances are put back. Books, last
//! price and counters stay.

use ringside_domain::{
    Bust, BustSide, Fact, InstrumentId, InstrumentTerms, LoginId, LoginTerms, MarketFact, MatchNumber, Scope,
    VenueRefusal,
};

use super::Reference;
use super::balances::SettledBy;
use super::state::{Trade, TradeSide};

impl Reference {
    pub(super) fn bust(&mut self, bust: &Bust) -> Result<(), VenueRefusal> {
        if bust.match_number == 0 || bust.match_number > self.last_match {
            return Err(VenueRefusal::Match);
        }
        if self.busted(bust.match_number) {
            return Err(VenueRefusal::Broken);
        }
        for side in [&bust.buyer, &bust.seller] {
            self.must_exist(Scope::Login(side.login))?;
        }
        self.must_exist(Scope::Instrument(bust.instrument))?;
        self.history.busted.insert(bust.match_number);
        let by = SettledBy {
            buyer: self.login_terms_at(bust.buyer.login, bust.match_number),
            seller: self.login_terms_at(bust.seller.login, bust.match_number),
            instrument: self.instrument_terms_at(bust.instrument, bust.match_number),
        };
        self.book_trade(&trade(bust), &by, -1);
        self.tell_broken(bust);
        Ok(())
    }

    /// The terms of a login that were in force for a match: the last ones that came before it.
    pub(super) fn login_terms_at(&self, login: LoginId, match_number: MatchNumber) -> LoginTerms {
        let all: Vec<_> = self.history.logins.iter().filter(|(_, terms)| terms.login == login).collect();
        let before = all.iter().rfind(|(after, _)| *after < match_number);
        before.or(all.first()).expect("Invariant: trades are of known logins").1
    }

    /// The same for an instrument.
    pub(super) fn instrument_terms_at(&self, id: InstrumentId, match_number: MatchNumber) -> InstrumentTerms {
        let all: Vec<_> =
            self.history.instruments.iter().filter(|(_, terms)| terms.instrument == id).collect();
        let before = all.iter().rfind(|(after, _)| *after < match_number);
        before.or(all.first()).expect("Invariant: trades are in known instruments").1
    }

    fn tell_broken(&mut self, bust: &Bust) {
        for side in [&bust.buyer, &bust.seller] {
            let fact = Fact::Broken {
                user_ref_num: side.user_ref_num,
                match_number: bust.match_number,
                reason: bust.reason,
                client_order_id: side.client_order_id,
            };
            self.tell(side.login, side.user_ref_idx, fact);
        }
        self.tell_public(bust.instrument, MarketFact::Broken { match_number: bust.match_number });
    }
}

/// The trade, in the words of the command.
fn trade(bust: &Bust) -> Trade {
    Trade {
        match_number: bust.match_number,
        instrument: bust.instrument,
        price: bust.price.into(),
        quantity: bust.quantity,
        buyer: side(&bust.buyer),
        seller: side(&bust.seller),
    }
}

fn side(side: &BustSide) -> TradeSide {
    TradeSide {
        login: side.login,
        user_ref_idx: side.user_ref_idx,
        user_ref_num: side.user_ref_num,
        client_order_id: side.client_order_id,
        fee: side.fee,
    }
}

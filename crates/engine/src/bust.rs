//! A trade is broken: both sides are told, positions and balances go back exactly (rules.md §13).

use ringside_domain::{Bust, BustSide, Event, Fact, MarketFact, Scope, VenueRefusal};

use crate::{Engine, Listener, tell_market};

impl Engine {
    pub(crate) fn bust(&mut self, bust: &Bust, out: &mut impl Listener) -> Result<(), VenueRefusal> {
        self.check_bust(bust)?;
        self.risk.busted.insert(bust.match_number);
        for (side, buy) in [(&bust.buyer, true), (&bust.seller, false)] {
            self.take_back(bust, side, buy);
            let fact = Fact::Broken {
                user_ref_num: side.user_ref_num,
                match_number: bust.match_number,
                reason: bust.reason,
                client_order_id: side.client_order_id,
            };
            out.event(Event { login: side.login, user_ref_idx: side.user_ref_idx, fact });
        }
        tell_market(out, bust.instrument, MarketFact::Broken { match_number: bust.match_number });
        Ok(())
    }

    fn check_bust(&self, bust: &Bust) -> Result<(), VenueRefusal> {
        if bust.match_number == 0 || bust.match_number > self.counters.trades {
            return Err(VenueRefusal::Match);
        }
        if self.risk.busted.contains(&bust.match_number) {
            return Err(VenueRefusal::Broken);
        }
        if [&bust.buyer, &bust.seller].iter().any(|side| self.login_at(side.login).is_none()) {
            return Err(VenueRefusal::Login);
        }
        if bust.instrument.0 == 0 || bust.instrument.0 as usize > self.instruments.len() {
            return Err(VenueRefusal::Instrument);
        }
        Ok(())
    }

    /// Whom the login traded for, which of its scopes had limits and what it was paid in: all as it was for the match.
    fn take_back(&mut self, bust: &Bust, side: &BustSide, buy: bool) {
        let (account, firm) = self.owner_at(side.login, bust.match_number);
        let scopes = [Scope::Login(side.login), Scope::Account(account), Scope::Firm(firm)];
        let bought = if buy { i64::from(bust.quantity) } else { -i64::from(bust.quantity) };
        self.restore_position(scopes, bust.instrument, bust.match_number, bought);
        let (base, quote) = self.assets_at(bust.instrument, bust.match_number);
        if !base.is_blank() {
            let fee = -i128::from(side.fee);
            self.exchange(account, (base, quote), -i128::from(bought), bust.price.into(), fee);
        }
    }
}
